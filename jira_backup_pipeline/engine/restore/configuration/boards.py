"""Boards of a project that is made anew, with the filters that they stand on.

What belongs here: which boards the project had, and which filter each stands on.

What stays out: the filters themselves (`filters`), columns, swimlanes and quick filters, which no call writes, and sprints
(`engine.restore.sprints`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.configuration.filters import (
    bring_filter,
    find_filter,
    make_filter,
    moved_query,
)
from jira_backup_pipeline.engine.restore.configuration.noun import Bench, key_of, made_id
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.records import Record

AGILE = "/rest/agile/1.0/board"
_TYPES = frozenset({"scrum", "kanban"})
# The boards of team-managed projects come back as those of a company-managed one.
_NEAREST = "scrum"


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
    """Give the filter of a board: the snapshot's where it is known, else one that asks for the whole project."""
    source = _source_filter(bench, board)
    if source is not None:
        return bring_filter(bench, source, key)
    name = f"Filter for {members_of(board).get('name')}"
    jql = moved_query(bench, f"project = {bench.need.project_id} ORDER BY Rank ASC", key)
    body = {"name": name, "jql": jql, "sharePermissions": [{"type": "loggedin"}]}
    present = find_filter(bench, name, jql)
    return str(present["id"]) if present is not None else make_filter(bench, body, key)


def _source_filter(bench: Bench, board: Record) -> Record | None:
    for row in bench.source.rows("board_configuration"):
        if row.id.split("/")[0] == board.id:
            found = members_of(row).get("filter")
            filter_id = str(found.get("id")) if isinstance(found, dict) else ""
            return bench.source.by_id("filter").get(filter_id)
    return None
