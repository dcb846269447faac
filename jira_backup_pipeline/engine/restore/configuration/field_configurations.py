"""Field configurations and their schemes: which fields are required, hidden, described and rendered how, by issue type.

What belongs here: the two nouns, bringing what is there to the snapshot's state, and who follows which scheme.

What stays out: what is compared (`field_facts`), and field schemes, which Jira puts in their place site by site
(`field_schemes`). A site that has been moved shows no field configurations any more, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import NotFound, WriteRefused
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.field_facts import CUSTOM, RENDERERS, rule_words
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    key_of,
    listed,
    made_id,
    natural_key,
    text_of,
)
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record

_PATH = f"{API}/fieldconfiguration"
SCHEME_PATH = f"{API}/fieldconfigurationscheme"
# No name can be this: names have no line ends.
_DEFAULT_KEY = "\nthe default one"
_DEFAULT = "default"
_OWN = frozenset({"name", "description"})
_NOTHING_SAID = rule_words({})


def _key(row: Record) -> str:
    """Give the key of a field configuration: there is one default one on each site, whatever it is called."""
    return _DEFAULT_KEY if members_of(row).get("isDefault") is True else natural_key(row)


def _configurations(bench: Bench) -> Iterator[Present]:
    for item in bench.calls.get_all(_PATH, "values"):
        if item.get("isDefault") is True:
            yield Present(str(item.get("id")), _DEFAULT_KEY)
        yield Present(str(item.get("id")), key_of(item.get("name")))


def _make_configuration(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", _PATH, text_of(row, "name", "description")))


def field_on_target(bench: Bench, field_id: str) -> str | None:
    """Give the target's id of a field that a rule is about; None where the target lacks it."""
    if not field_id.startswith(CUSTOM):
        return field_id
    mapped = bench.mapped("field", field_id)
    if mapped is None and bench.is_same_site and bench.target.find("field", field_id) is not None:
        return field_id
    return mapped


def note_lacking(bench: Bench, row: Record, lacking: Collection[str]) -> None:
    """Say in one word which fields are not on the target; what is said of them has no place there."""
    if lacking:
        names = {own_id(item): str(members_of(item).get("name")) for item in bench.source.rows("field")}
        told = ", ".join(sorted(names.get(field_id, field_id) for field_id in lacking))
        reason = f"the target does not have {len(lacking):,} fields that it is about: {told}"
        bench.findings.adjust(Adjustment(row.kind, row.id, "other fields", reason, is_impossible=True))


def note_refused(bench: Bench, row: Record, field_id: str, reason: str) -> None:
    """Say that the target does not let something be said of a field."""
    names = {own_id(item): str(members_of(item).get("name")) for item in bench.target.rows("field")}
    label = names.get(field_id, field_id) if field_id.startswith(CUSTOM) else field_id
    bench.findings.adjust(Adjustment(row.kind, row.id, f"field {label}", reason, is_impossible=True))


def _bring_items(bench: Bench, row: Record, target_id: str) -> None:
    """Say of each field what the snapshot says, where the target says something else; doing it twice writes once."""
    present = {
        str(item.get("id")): item for item in bench.calls.get_all(f"{_PATH}/{target_id}/fields", "values")
    }
    lacking, changed = set(), []
    for item in bench.source.rows("field_configuration_item"):
        if item.id.split("/")[0] != own_id(row):
            continue
        field_id = field_on_target(bench, own_id(item))
        if field_id is None:
            if rule_words(members_of(item)) != _NOTHING_SAID:
                lacking.add(own_id(item))
            continue
        wanted = _item(field_id, members_of(item))
        if not _is_said(wanted, present.get(field_id)):
            changed.append(wanted)
    note_lacking(bench, row, lacking)
    if not changed:
        return
    path = f"{_PATH}/{target_id}/fields"
    try:
        bench.calls.send("PUT", path, {"fieldConfigurationItems": changed})
    except WriteRefused:
        # One of them is refused with all the others: each by itself then.
        for wanted in changed:
            try:
                bench.calls.send("PUT", path, {"fieldConfigurationItems": [wanted]})
            except WriteRefused as error:
                note_refused(bench, row, str(wanted["id"]), item_reason(error) or str(error))


def _item(field_id: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is said of a field as it is sent. Hiding one deletes the rest."""
    if members.get("isHidden") is True:
        return {"id": field_id, "isHidden": True}
    said = {"isRequired": members.get("isRequired") is True, "description": members.get("description") or ""}
    renderer = members.get("renderer")
    return {
        "id": field_id,
        "isHidden": False,
        **said,
        **({"renderer": renderer} if renderer in RENDERERS else {}),
    }


def _is_said(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> bool:
    if present is None or rule_words(wanted) != rule_words(present):
        return False
    # Another kind of renderer than these cannot be exchanged.
    return "renderer" not in wanted or present.get("renderer") not in RENDERERS - {wanted["renderer"]}


def amend_field_configuration(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Bring name, description and what is said of fields to the snapshot's state."""
    if _OWN & set(fields):
        bench.calls.send("PUT", f"{_PATH}/{own_id(target)}", own_words(row))
    if set(fields) - _OWN:
        _bring_items(bench, row, own_id(target))


def own_words(row: Record) -> dict[str, str]:
    """Give name and description as they are sent: an empty description too, for the target may have one."""
    members = members_of(row)
    return {"name": str(members.get("name")), "description": str(members.get("description") or "")}


def _schemes(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(SCHEME_PATH, "values"))


def _make_scheme(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", SCHEME_PATH, text_of(row, "name", "description")))


def _map_types(bench: Bench, row: Record, target_id: str) -> None:
    """Give issue types the field configurations that they had, where they have others."""
    present = _mapped_types(bench, target_id)
    mappings = []
    for item in bench.source.rows("field_configuration_scheme_item"):
        members = members_of(item)
        if str(members.get("fieldConfigurationSchemeId")) != own_id(row):
            continue
        source_type = str(members.get("issueTypeId"))
        type_id = _DEFAULT if source_type == _DEFAULT else bench.mapped("issue_type", source_type)
        found = bench.mapped("field_configuration", members.get("fieldConfigurationId"))
        if type_id is None or found is None:
            reason = "the target does not have the issue type or its field configuration"
            known = bench.source.by_id("issue_type").get(source_type)
            name = f"type {members_of(known).get('name') if known is not None else source_type}"
            bench.findings.adjust(Adjustment(row.kind, row.id, name, reason, is_impossible=True))
        elif present.get(type_id) != found:
            mappings.append({"issueTypeId": type_id, "fieldConfigurationId": found})
    if mappings:
        bench.calls.send("PUT", f"{SCHEME_PATH}/{target_id}/mapping", {"mappings": mappings})


def _mapped_types(bench: Bench, scheme_id: str) -> dict[str, str]:
    """Give the field configurations of types as the target has them; where there are none Jira may say so with a 404."""
    query = {"fieldConfigurationSchemeId": scheme_id}
    try:
        listed_items = list(bench.calls.get_all(f"{SCHEME_PATH}/mapping", "values", query))
    except NotFound:
        return {}
    return {
        str(item.get("issueTypeId")): str(item.get("fieldConfigurationId"))
        for item in listed_items
        if str(item.get("fieldConfigurationSchemeId")) == scheme_id
    }


def amend_field_configuration_scheme(
    bench: Bench, row: Record, target: Record, fields: Collection[str]
) -> None:
    """Bring name, description and the configurations of types to the snapshot's state."""
    if _OWN & set(fields):
        bench.calls.send("PUT", f"{SCHEME_PATH}/{own_id(target)}", own_words(row))
    if set(fields) - _OWN:
        _map_types(bench, row, own_id(target))


def follow_field_configuration_scheme(bench: Bench, scheme_id: str) -> None:
    """Let the project follow a scheme; the default one has no id."""
    body = {"fieldConfigurationSchemeId": scheme_id or None, "projectId": str(bench.project_id)}
    bench.calls.send("PUT", f"{SCHEME_PATH}/project", body)


FIELD_CONFIGURATIONS = Noun(
    "field_configuration",
    "field configurations",
    _configurations,
    _make_configuration,
    key=_key,
    fill=_bring_items,
)
FIELD_CONFIGURATION_SCHEMES = Noun(
    "field_configuration_scheme", "field configuration schemes", _schemes, _make_scheme, fill=_map_types
)
