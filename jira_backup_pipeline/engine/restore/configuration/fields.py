"""Custom fields: known by name and type, made with the searcher that they had.

What belongs here: the natural key of a field, its body, and which fields only Jira or an app can bring.

What stays out: contexts, options and defaults (`contexts`), and values (`engine.restore.fields`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    key_of,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.team_managed import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record

TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
# The searcher that Jira itself gives a field of each type that REST can make, as the documents list them.
_SEARCHERS = {
    "cascadingselect": "cascadingselectsearcher",
    "datepicker": "daterange",
    "datetime": "datetimerange",
    "float": "exactnumber",
    "grouppicker": "grouppickersearcher",
    "importid": "exactnumber",
    "labels": "labelsearcher",
    "multicheckboxes": "multiselectsearcher",
    "multigrouppicker": "multiselectsearcher",
    "multiselect": "multiselectsearcher",
    "multiuserpicker": "userpickergroupsearcher",
    "multiversion": "versionsearcher",
    "project": "projectsearcher",
    "radiobuttons": "multiselectsearcher",
    "readonlyfield": "textsearcher",
    "select": "multiselectsearcher",
    "textarea": "textsearcher",
    "textfield": "textsearcher",
    "url": "exacttextsearcher",
    "userpicker": "userpickergroupsearcher",
    "version": "versionsearcher",
}


def schema_key(item: Mapping[str, Any]) -> str:
    """Give what makes a field the same one elsewhere: its name and its type."""
    schema = item.get("schema")
    found = schema if isinstance(schema, dict) else {}
    return f"{key_of(item.get('name'))}\n{found.get('custom', '')}\n{found.get('type', '')}"


def _key(row: Record) -> str:
    return schema_key(members_of(row))


def _present(bench: Bench) -> Iterable[Present]:
    listed = bench.calls.get(f"{API}/field")
    every = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    # A field of another team-managed project is none that this one could have.
    found = [item for item in every if scope_of(item) in {"", bench.project_id}]
    keys = [schema_key(item) for item in found]
    # Two fields of one name and type cannot be told apart: a guess would fill the wrong one.
    return [
        Present(str(item["id"]), key)
        for item, key in zip(found, keys, strict=True)
        if bench.is_same_site or keys.count(key) == 1
    ]


def _objection(bench: Bench, row: Record) -> str | None:
    custom = custom_type(row)
    if not custom.startswith(TYPES) or custom.removeprefix(TYPES) not in _SEARCHERS:
        return f"a field of the type {custom or 'unknown'} comes with Jira or its app only"
    detail = _detail(bench, row)
    if detail.get("isLocked") is True:
        return "the field is locked: it comes with Jira or its app only"
    home = scope_of(members_of(row))
    twins = [
        other
        for other in bench.source.rows("field")
        if _key(other) == _key(row) and scope_of(members_of(other)) == home
    ]
    if len(twins) > 1:
        return "the snapshot has several fields of this name and type, which nothing tells apart"
    return None


def custom_type(row: Record) -> str:
    """Give the type of a custom field."""
    schema = members_of(row).get("schema")
    return str(schema.get("custom", "")) if isinstance(schema, dict) else ""


def _detail(bench: Bench, row: Record) -> dict[str, Any]:
    found = bench.source.by_id("field_detail").get(row.id)
    return members_of(found) if found is not None else {}


def _make(bench: Bench, row: Record) -> str:
    custom, detail = custom_type(row), _detail(bench, row)
    searcher = detail.get("searcherKey") or TYPES + _SEARCHERS[custom.removeprefix(TYPES)]
    described = detail.get("description") or members_of(row).get("description") or ""
    body = {**text_of(row, "name"), "type": custom, "searcherKey": searcher, "description": described}
    return made_id(bench.calls.send("POST", f"{API}/field", body))


FIELDS = Noun("field", "custom fields", _present, _make, key=_key, objection=_objection)
