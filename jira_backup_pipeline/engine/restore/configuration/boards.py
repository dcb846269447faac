"""Boards of a project that is made anew, with the filters that they stand on.

What belongs here: which boards the project had, the query of a filter for the new place, whom it is shared with.

What stays out: columns, swimlanes and quick filters, which no call writes, and sprints (`engine.restore.sprints`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.configuration.jql import moved_jql
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, key_of, made_id, text_of
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.records import Record

AGILE = "/rest/agile/1.0/board"
_TYPES = frozenset({"scrum", "kanban"})
# The boards of team-managed projects come back as those of a company-managed one.
_NEAREST = "scrum"
_OPEN_SHARES = frozenset({"global", "loggedin", "authenticated"})


def boards_of(bench: Bench) -> list[Record]:
    """Give the boards that the project had."""
    return [
        row
        for row in bench.source.rows("board")
        if str((members_of(row).get("location") or {}).get("projectId")) == bench.need.project_id
    ]


def bring_board(bench: Bench, row: Record, key: str) -> str:
    """Find the board of that name in the project, or make it on its filter; `key` is the target project's."""
    query = {"projectKeyOrId": str(bench.project_id)}
    name = str(members_of(row).get("name", ""))
    for item in bench.calls.get_all(AGILE, "values", query):
        if key_of(item.get("name")) == key_of(name):
            return str(item.get("id"))
    kind = members_of(row).get("type")
    if kind not in _TYPES:
        reason = f"a board of the type {kind} comes back as a {_NEAREST} board"
        bench.findings.adjust(Adjustment("board", row.id, "type", reason, is_impossible=True))
        kind = _NEAREST
    body = {
        "name": name,
        "type": kind,
        "filterId": int(_filter_of(bench, row, key)),
        "location": {"type": "project", "projectKeyOrId": key},
    }
    return made_id(bench.calls.send("POST", AGILE, body))


def _filter_of(bench: Bench, board: Record, key: str) -> str:
    """Give the filter of a board: the one that is still there with the same query, else one like it."""
    source = _source_filter(bench, board)
    wanted = members_of(source) if source is not None else {}
    jql = _moved(bench, str(wanted.get("jql") or f"project = {bench.need.project_id} ORDER BY Rank ASC"), key)
    name = str(wanted.get("name") or f"Filter for {members_of(board).get('name')}")
    query = {"filterName": name, "expand": "jql,owner"}
    taken = [
        item
        for item in bench.calls.get_all(f"{API}/filter/search", "values", query)
        if item.get("jql") == jql
    ]
    if taken:
        found = str(taken[0].get("id"))
    else:
        shares = _shares(bench, board, wanted) if source is not None else [{"type": "loggedin"}]
        body = {**_described(source), "name": name, "jql": jql, "sharePermissions": shares}
        found = _made_filter(bench, body, key)
    if source is not None:
        bench.id_map.put("filter", source.id, found)
    return found


def _described(source: Record | None) -> dict[str, Any]:
    return text_of(source, "description") if source is not None else {}


def _made_filter(bench: Bench, body: Mapping[str, Any], key: str) -> str:
    """Make a filter; an account has a name once, so the project's key tells a second one apart."""
    try:
        return made_id(bench.calls.send("POST", f"{API}/filter", body))
    except WriteRefused as error:
        if "filterName" not in error.field_errors:
            raise
        return made_id(bench.calls.send("POST", f"{API}/filter", {**body, "name": f"{body['name']} ({key})"}))


def _source_filter(bench: Bench, board: Record) -> Record | None:
    for row in bench.source.rows("board_configuration"):
        if row.id.split("/")[0] == board.id:
            found = members_of(row).get("filter")
            filter_id = str(found.get("id")) if isinstance(found, dict) else ""
            return bench.source.by_id("filter").get(filter_id)
    return None


def _moved(bench: Bench, jql: str, key: str) -> str:
    project = next(iter(bench.source.project_rows("project")), None)
    old_key = str(members_of(project).get("key")) if project is not None else key
    projects = {old_key: key, bench.need.project_id: str(bench.project_id)}
    return moved_jql(jql, projects=projects, fields=bench.id_map.of("field"), keys=bench.id_map.keys)


def _shares(bench: Bench, board: Record, source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give whom a filter is shared with, as far as the target has them."""
    kept = []
    for share in source.get("sharePermissions") or []:
        moved = _share(bench, share)
        if moved is not None:
            kept.append(moved)
        else:
            reason = "the target does not have whom its filter was shared with"
            field = f"shared with {share.get('type')}"
            bench.findings.adjust(Adjustment("board", board.id, field, reason, is_impossible=True))
    return kept


def _share(bench: Bench, share: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = str(share.get("type"))
    if kind in _OPEN_SHARES:
        return {"type": kind}
    if kind == "group":
        group = share.get("group") or {}
        mapped = bench.mapped("group", group.get("groupId")) or (
            group.get("groupId") if bench.is_same_site else None
        )
        return {"type": kind, "group": {"groupId": mapped}} if mapped else None
    if kind == "user":
        account_id = bench.person(str((share.get("user") or {}).get("accountId")))
        return {"type": kind, "user": {"accountId": account_id}} if account_id else None
    if kind in {"project", "projectRole"}:
        return _project_share(bench, kind, share)
    return None


def _project_share(bench: Bench, kind: str, share: Mapping[str, Any]) -> dict[str, Any] | None:
    if str((share.get("project") or {}).get("id")) != bench.need.project_id:
        return None
    moved: dict[str, Any] = {"type": kind, "project": {"id": bench.project_id}}
    role = share.get("role")
    if isinstance(role, dict):
        role_id = bench.mapped("role", role.get("id")) or (
            str(role.get("id")) if bench.is_same_site else None
        )
        return {**moved, "role": {"id": int(role_id)}} if role_id else None
    return moved
