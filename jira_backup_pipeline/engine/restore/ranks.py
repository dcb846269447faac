"""The order of issues on boards and backlogs: ranks cannot be set, but Jira can be told which issue follows which.

What belongs here: which issues have to move, behind which, and the calls (fifty issues each).

What stays out: sprints (`sprints`), which come before because moving into one changes the rank, and the proof (`prove`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.matching import RANK_FIELD
from jira_backup_pipeline.engine.restore.order import in_order
from jira_backup_pipeline.engine.restore.snapshot import fields_of
from jira_backup_pipeline.engine.restore.stages import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.engine.restore.stages import Restoration
    from jira_backup_pipeline.engine.restore.target import TargetField

STAGE = "ranks"
ISSUES_PER_CALL = 50
_TASK = "order"
_ABOVE_ALL = "\U0010ffff"
_LOOKS = 3
# Of the issues that were not written, so many on each side are looked for as places to stand beside.
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Move:
    """Issues of the target (with their ids in the snapshot) that go, in this order, right behind or before another."""

    issues: tuple[tuple[str, str], ...]
    anchor: str
    is_before: bool


def rank_field(fields: Mapping[str, TargetField]) -> str | None:
    """Give the id of the field that holds ranks."""
    return next((found.id for found in fields.values() if found.custom == RANK_FIELD), None)


def restore_ranks(restoration: Restoration) -> None:
    """Bring the written issues into the order of the snapshot; doing it twice changes nothing."""
    source_field, target_field = (
        rank_field(restoration.matches.source_fields),
        rank_field(restoration.matches.site.fields),
    )
    written = restoration.written_issues
    is_done = _TASK in restoration.journal.stage(STAGE).done
    if source_field is None or target_field is None or not written or is_done:
        return
    order = _snapshot_order(restoration, source_field)
    present = _present(restoration, order, written, target_field)
    row = [source_id for source_id in order if source_id in present]
    restoration.journal.intend(STAGE, [_TASK])
    for move in moves_for(row, present, written):
        _make(restoration, move, source_field)
    record(restoration, STAGE, [_TASK], {_TASK: None})


def _snapshot_order(restoration: Restoration, field_id: str) -> list[str]:
    ranks = {
        row.id: rank
        for row in restoration.view.rows("issue")
        if isinstance(rank := fields_of(row).get(field_id), str)
    }
    return sorted(ranks, key=lambda source_id: (ranks[source_id], source_id))


def _present(
    restoration: Restoration, order: Sequence[str], written: set[str], field_id: str
) -> dict[str, tuple[str, str]]:
    """Give id and rank on the target for every issue of the snapshot that is known, or found beside a written one."""
    known = {
        source_id: found.id
        for source_id in order
        if (found := restoration.id_map.issue(source_id)) is not None
    }
    if restoration.plan.target.is_source_project:
        known |= {source_id: source_id for source_id in _beside(order, written) if source_id not in known}
    by_target = {target_id: source_id for source_id, target_id in known.items()}
    ranked: dict[str, tuple[str, str]] = {}
    for item in restoration.calls.fetch_issues(by_target, fields=("project", field_id)):
        fields = item.get("fields")
        values = fields if isinstance(fields, dict) else {}
        place, rank = values.get("project"), values.get(field_id)
        is_here = isinstance(place, dict) and str(place.get("id")) == restoration.project_id
        if is_here and isinstance(rank, str):
            ranked[by_target[str(item["id"])]] = (str(item["id"]), rank)
    return ranked


def _beside(order: Sequence[str], written: set[str]) -> set[str]:
    """Give the issues that stand nearest to a written one."""
    near: set[str] = set()
    for ordered in (order, order[::-1]):
        last: list[str] = []
        for source_id in ordered:
            if source_id in written:
                near.update(last[-_NEIGHBOURS:])
            else:
                last.append(source_id)
    return near


def moves_for(
    row: Sequence[str], present: Mapping[str, tuple[str, str]], movable: set[str]
) -> Iterator[Move]:
    """Give the moves that bring a row of issues into order: the fewer calls of moving all and moving the stragglers.

    `present` holds id and rank on the target; only `movable` issues are moved.
    """
    fixed = _fixed([source_id for source_id in row if source_id not in movable], present)
    row = [source_id for source_id in row if source_id in movable or source_id in fixed]
    kept = fixed | _standing_right(row, present, fixed)
    runs = _runs([source_id not in kept for source_id in row])
    calls = sum(ceil((end - start) / ISSUES_PER_CALL) for start, end in runs)
    if calls > ceil((len(row) - 1) / ISSUES_PER_CALL) and all(source_id in movable for source_id in row):
        runs = [(1, len(row))]
    for start, end in runs:
        yield from _run_moves(row, present, start, end)


def _fixed(standing: Sequence[str], present: Mapping[str, tuple[str, str]]) -> set[str]:
    """Give those of the issues that are not moved by which the others can be placed: the ones in order themselves."""
    kept = in_order([present[source_id][1] for source_id in standing])
    return {source_id for position, source_id in enumerate(standing) if position in kept}


def _standing_right(row: Sequence[str], present: Mapping[str, tuple[str, str]], fixed: set[str]) -> set[str]:
    """Give the movable issues that need not move: in order among each other and between the fixed ones around them."""
    right: set[str] = set()
    group: list[str] = []
    low = ""
    for source_id in [*row, None]:
        if source_id is not None and source_id not in fixed:
            group.append(source_id)
            continue
        high = present[source_id][1] if source_id is not None else _ABOVE_ALL
        between = [found for found in group if low < present[found][1] < high]
        kept = in_order([present[found][1] for found in between])
        right.update(found for position, found in enumerate(between) if position in kept)
        group, low = [], high
    return right


def _runs(wanted: Sequence[bool]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for position, is_wanted in enumerate(wanted):
        if not is_wanted:
            continue
        if runs and runs[-1][1] == position:
            runs[-1] = (runs[-1][0], position + 1)
        else:
            runs.append((position, position + 1))
    return runs


def _run_moves(
    row: Sequence[str], present: Mapping[str, tuple[str, str]], start: int, end: int
) -> Iterator[Move]:
    issues = [(source_id, present[source_id][0]) for source_id in row[start:end]]
    if start:
        anchor, is_before = present[row[start - 1]][0], False
    elif end < len(row):
        anchor, is_before = present[row[end]][0], True
    else:
        return
    iterator = iter(issues)
    while batch := tuple(islice(iterator, ISSUES_PER_CALL)):
        yield Move(batch, anchor, is_before)
        anchor, is_before = batch[-1][1], False


def _make(restoration: Restoration, move: Move, field_id: str) -> None:
    body = {
        "issues": [target_id for _, target_id in move.issues],
        ("rankBeforeIssue" if move.is_before else "rankAfterIssue"): move.anchor,
    }
    try:
        answer = _send(restoration, body)
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        _note(restoration, field_id, ((source_id, reason) for source_id, _ in move.issues))
        return
    sources = {target_id: source_id for source_id, target_id in move.issues}
    refused = [
        (sources[str(entry.get("issueId"))], str(entry.get("errors")))
        for entry in list_of(answer, "entries")
        if entry.get("errors") and str(entry.get("issueId")) in sources
    ]
    _note(restoration, field_id, refused)


def _send(restoration: Restoration, body: dict[str, Any]) -> object:
    """Send what may be sent twice."""
    for looks in range(1, _LOOKS + 1):
        try:
            return restoration.calls.send("PUT", "/rest/agile/1.0/issue/rank", body)
        except AnswerLost:
            if looks == _LOOKS:
                raise
            restoration.pause(float(looks))
    return None


def _note(restoration: Restoration, field_id: str, refused: Iterable[tuple[str, str]]) -> None:
    restoration.findings.adjust(
        *(
            Adjustment("issue", source_id, field_id, f"the rank was refused ({reason})")
            for source_id, reason in refused
        )
    )
