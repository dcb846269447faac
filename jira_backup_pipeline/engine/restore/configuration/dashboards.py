"""Dashboards whose gadgets show a project or one of its filters: made with their gadgets and the settings of these.

What belongs here: which dashboards those are, completing one gadget by gadget, and settings with the target's ids.

What stays out: filters (`filters`), and dashboards about other things: they are kept to look up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.configuration.filters import (
    filters_about,
    filters_about_none,
    shares_of,
)
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    key_of,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource

# How gadgets name what they show, in settings of any name: filter-10100, project-10000.
_NAMED = re.compile(r"\b(filter|project)-(\d+)\b")
# Settings whose whole value is the id of something.
_IDS = {"filterId": "filter", "projectId": "project"}
_COLOURS = frozenset({"blue", "red", "yellow", "green", "cyan", "purple", "gray", "white"})


def dashboards_about_none(source: ConfigurationSource) -> list[Record]:
    """Give the dashboards that show no project of the site and no filter about one."""
    projects = {("project", row.id) for row in source.rows("site_project")}
    none = {("filter", row.id) for row in filters_about_none(source)}
    about = {
        row.id.split("/")[0]
        for row in source.rows("dashboard_gadget_property")
        for found in _references(members_of(row).get("value"))
        if found in projects or (found[0] == "filter" and found not in none)
    }
    return [row for row in source.rows("dashboard") if row.id not in about]


def filters_shown(source: ConfigurationSource, dashboard_ids: set[str]) -> set[str]:
    """Give the ids of the filters that dashboards show."""
    return {
        found
        for row in source.rows("dashboard_gadget_property")
        if row.id.split("/")[0] in dashboard_ids
        for kind, found in _references(members_of(row).get("value"))
        if kind == "filter"
    }


def dashboards_about(source: ConfigurationSource, project_id: str) -> list[Record]:
    """Give the dashboards that show the project or a filter that asks about it."""
    wanted = {("project", project_id), *(("filter", row.id) for row in filters_about(source, project_id))}
    shown = {
        row.id.split("/")[0]
        for row in source.rows("dashboard_gadget_property")
        if wanted & set(_references(members_of(row).get("value")))
    }
    return [row for row in source.rows("dashboard") if row.id in shown]


def _references(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Give kind and id of everything that a gadget's settings name."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _references(member, str(key))
    elif isinstance(value, list):
        for member in value:
            yield from _references(member, name)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        if name in _IDS and str(value).isdigit():
            yield _IDS[name], str(value)
        yield from ((found.group(1), found.group(2)) for found in _NAMED.finditer(str(value)))


def moved_settings(bench: Bench, value: Any, name: str = "") -> Any:  # noqa: ANN401 - decoded JSON
    """Give a gadget's settings with the target's projects and filters; what is not known stays as it is."""
    if isinstance(value, dict):
        return {key: moved_settings(bench, member, str(key)) for key, member in value.items()}
    if isinstance(value, list):
        return [moved_settings(bench, member, name) for member in value]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    mapped = bench.mapped(_IDS[name], value) if name in _IDS and str(value).isdigit() else None
    if mapped is not None:
        return mapped if isinstance(value, str) else int(mapped)
    if isinstance(value, int):
        return value
    return _NAMED.sub(lambda found: _moved_name(bench, found.group(1), found.group(2)), value)


def _moved_name(bench: Bench, kind: str, source_id: str) -> str:
    return f"{kind}-{bench.mapped(kind, source_id) or source_id}"


def _present(bench: Bench) -> Iterable[Present]:
    """List dashboards by name; on the site that they came from by name and owner, which the restoring account may be instead."""
    query = {"expand": "owner"}
    for item in bench.calls.get_all(f"{API}/dashboard/search", "values", query):
        owner = str(_members(item.get("owner")).get("accountId"))
        yield Present(str(item.get("id")), key_of(item.get("name")), owner)


def _is_its_own(bench: Bench, row: Record, found: Present) -> bool:
    """Tell whether a dashboard of the right name is the one meant: elsewhere any is, at home that of its owner."""
    owner = str(_members(members_of(row).get("owner")).get("accountId"))
    return not bench.is_same_site or found.owner in {owner, bench.person(owner), bench.account_id}


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _make(bench: Bench, row: Record) -> str:
    body = {
        **text_of(row, "name", "description"),
        "sharePermissions": shares_of(bench, row, "sharePermissions"),
        "editPermissions": shares_of(bench, row, "editPermissions"),
    }
    return made_id(bench.calls.send("POST", f"{API}/dashboard", body))


def amend_dashboard(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    """Give a dashboard the description and the gadgets that it had; with whom it is shared now stays."""
    there = members_of(target)
    body = {
        "name": members_of(row).get("name"),
        "description": members_of(row).get("description") or "",
        **{name: there.get(name) or [] for name in ("sharePermissions", "editPermissions")},
    }
    # Whoever administers Jira may change the dashboards of others.
    query = {"extendAdminPermissions": "true"}
    bench.calls.send("PUT", f"{API}/dashboard/{target.id}", body, query)
    _put_gadgets(bench, row, target.id)


def _fill(bench: Bench, row: Record, dashboard_id: str) -> None:
    _put_gadgets(bench, row, dashboard_id)
    owner = members_of(row).get("owner")
    if isinstance(owner, dict) and owner.get("accountId") != bench.account_id:
        words = "stays with the restoring account, which has to read it back; Jira gives it away in the list of dashboards"
        bench.findings.adjust(Adjustment("dashboard", row.id, "owner", words))


def _put_gadgets(bench: Bench, row: Record, dashboard_id: str) -> None:
    """Put the gadgets that are not there yet onto a dashboard, each with its settings."""
    path = f"{API}/dashboard/{dashboard_id}/gadget"
    there = {_gadget_key(item): str(item.get("id")) for item in list_of(bench.calls.get(path), "gadgets")}
    for gadget in bench.source.rows("dashboard_gadget"):
        if gadget.id.split("/")[0] != row.id:
            continue
        members = members_of(gadget)
        try:
            found = there.get(_gadget_key(members)) or made_id(bench.calls.send("POST", path, _body(members)))
            _settings(bench, gadget, f"{API}/dashboard/{dashboard_id}/items/{found}/properties")
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
            field = f"gadget {members.get('title')}"
            words = f"refused by the target: {reason}"
            bench.findings.adjust(Adjustment("dashboard", row.id, field, words, is_impossible=True))


def _gadget_key(item: Mapping[str, Any]) -> tuple[str, str, int, int]:
    row, column = _place(item)
    return str(item.get("title")), str(item.get("moduleKey") or item.get("uri")), row, column


def _place(item: Mapping[str, Any]) -> tuple[int, int]:
    """Give row and column of a gadget; the documents name the members in two ways."""
    found = item.get("position")
    members = found.items() if isinstance(found, dict) else ()
    row = next((value for name, value in members if "row" in name), 0)
    column = next((value for name, value in members if "column" in name), 0)
    return int(row), int(column)


def _body(members: Mapping[str, Any]) -> dict[str, Any]:
    """Give a gadget as it is put onto a dashboard; whether its app is there shows when people look at it."""
    row, column = _place(members)
    kind = "moduleKey" if members.get("moduleKey") else "uri"
    body = {
        kind: members.get(kind),
        "title": members.get("title"),
        "position": {"row": row, "column": column},
        "ignoreUriAndModuleKeyValidation": True,
    }
    return {**body, "color": members["color"]} if members.get("color") in _COLOURS else body


def _settings(bench: Bench, gadget: Record, path: str) -> None:
    for row in bench.source.rows("dashboard_gadget_property"):
        if row.id.rpartition("/")[0] == gadget.id:
            key = str(members_of(row).get("key"))
            value = moved_settings(bench, members_of(row).get("value"))
            bench.calls.send("PUT", f"{path}/{quote(key, safe='')}", value)


DASHBOARDS = Noun("dashboard", "dashboards", _present, _make, fill=_fill, is_meant=_is_its_own)
