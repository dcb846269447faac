"""Sprints that the target lacks: made on the target project's scrum board, filled, started and closed as they once were.

What belongs here: one task for each sprint, and knowing a sprint of the board again by its name.

What stays out: open sprints that are still there (a field of the issue, see `fields`) and boards (they come with the project).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError, RestoreConflict
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.matching import SPRINT_FIELD
from jira_backup_pipeline.engine.restore.snapshot import fields_of
from jira_backup_pipeline.engine.restore.stages import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.stages import Restoration

STAGE = "sprints"
KIND = "sprint"
ISSUES_PER_CALL = 50
NO_BOARD = "the sprint is not on the target, and no scrum board of the project could take it"
CLOSED_BEFORE = "a closed sprint accepts no issues"
ONE_OPEN = "an issue is in one open sprint at most"
_AGILE = "/rest/agile/1.0"
_FUTURE, _ACTIVE, _CLOSED = "future", "active", "closed"
_NAME_CHARACTERS = 30
_LOOKS = 3


@dataclass(slots=True)
class _Sprint:
    """A sprint of the snapshot with the issues of the target that were in it, by their snapshot ids."""

    source_id: str
    value: Mapping[str, Any]
    issues: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.value.get("name", "")).strip()[:_NAME_CHARACTERS]

    @property
    def state(self) -> str:
        return str(self.value.get("state", _FUTURE))


def restore_sprints(restoration: Restoration) -> None:
    """Make every sprint of the written issues that the target lacks, oldest first: a board runs one at a time."""
    field_id = next(
        (found.id for found in restoration.matches.source_fields.values() if found.custom == SPRINT_FIELD),
        None,
    )
    done = restoration.journal.stage(STAGE).done
    missing = [found for found in _missing(restoration, field_id) if found.source_id not in done]
    if field_id is None or not missing:
        return
    _note_doubles(restoration, missing, field_id)
    board = _Board(restoration)
    for sprint in missing:
        restoration.journal.intend(STAGE, [sprint.source_id])
        target_id = _restore(restoration, board, sprint, field_id)
        record(restoration, STAGE, [sprint.source_id], {sprint.source_id: target_id})
    moved = {source_id for sprint in missing for source_id in sprint.issues}
    _return_to_open_ones(restoration, field_id, moved)


def _missing(restoration: Restoration, field_id: str | None) -> list[_Sprint]:
    found: dict[str, _Sprint] = {}
    for row in restoration.view.rows("issue", restoration.written_issues):
        issue = restoration.id_map.issue(row.id)
        value = fields_of(row).get(field_id or "")
        for sprint in value if isinstance(value, list) else []:
            sprint_id = str(sprint.get("id")) if isinstance(sprint, dict) else ""
            if issue is None or not sprint_id or sprint_id in restoration.matches.sprints:
                continue
            found.setdefault(sprint_id, _Sprint(sprint_id, sprint)).issues[row.id] = issue.id
    return sorted(found.values(), key=lambda sprint: (_age(sprint), sprint.source_id))


def _note_doubles(restoration: Restoration, missing: Iterable[_Sprint], field_id: str) -> None:
    """Say of which issues an open sprint is lost: those that old data has in more than one."""
    open_ones = [source_id for sprint in missing if sprint.state != _CLOSED for source_id in sprint.issues]
    doubled = {source_id for source_id, count in Counter(open_ones).items() if count > 1}
    restoration.findings.adjust(
        *(
            Adjustment("issue", source_id, field_id, ONE_OPEN, is_impossible=True)
            for source_id in sorted(doubled)
        )
    )


def _return_to_open_ones(restoration: Restoration, field_id: str, moved: set[str]) -> None:
    """Put issues back into the open sprint that never was gone: an issue is in one open sprint at a time."""
    places: dict[str, dict[str, str]] = {}
    for row in restoration.view.rows("issue", moved):
        issue = restoration.id_map.issue(row.id)
        for sprint in fields_of(row).get(field_id) or []:
            state = restoration.matches.sprints.get(str(sprint.get("id")), _CLOSED)
            if issue is not None and state != _CLOSED:
                places.setdefault(str(sprint["id"]), {})[row.id] = issue.id
    for sprint_id, issues in sorted(places.items()):
        _fill(restoration, sprint_id, _Sprint(sprint_id, {}, issues))


def _age(sprint: _Sprint) -> tuple[int, str]:
    """Order closed sprints before running ones before those to come, each by their start."""
    place = {_CLOSED: 0, _ACTIVE: 1}.get(sprint.state, 2)
    return place, str(sprint.value.get("startDate") or "")


class _Board:
    """The scrum board of the target project with its sprints, read when first asked for."""

    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        self._id: str | None = None
        self._is_read = False
        self._claimed = set(restoration.id_map.of(KIND).values())

    @property
    def board_id(self) -> str | None:
        """Give the first scrum board of the project, None where there is none or the account may not see it."""
        if not self._is_read:
            query = {"projectKeyOrId": self._restoration.project_id, "type": "scrum"}
            boards = _told(lambda: list(self._restoration.calls.get_all(f"{_AGILE}/board", "values", query)))
            self._id = str(boards[0]["id"]) if boards else None
            self._is_read = True
        return self._id

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Find a sprint of that name that no other sprint of the snapshot has claimed; open ones first."""
        path = f"{_AGILE}/board/{self.board_id}/sprint"
        listed = _told(lambda: list(self._restoration.calls.get_all(path, "values")))
        free = [
            item
            for item in listed or ()
            if item.get("name") == name and str(item.get("id")) not in self._claimed
        ]
        return min(free, key=lambda item: item.get("state") == _CLOSED, default=None)

    def claim(self, sprint_id: str) -> None:
        """Keep a sprint from being taken for another one."""
        self._claimed.add(sprint_id)


def _told(ask: Callable[[], list[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Give an empty list where the account may not know."""
    try:
        return ask()
    except BackupPipelineError as error:
        if item_reason(error) is None:
            raise
        return []


def _restore(restoration: Restoration, board: _Board, sprint: _Sprint, field_id: str) -> str | None:
    if board.board_id is None:
        _note(restoration, sprint, field_id, NO_BOARD)
        return None
    try:
        present = board.find(sprint.name) or _create(restoration, board, sprint)
        target_id = str(present["id"])
        board.claim(target_id)
        restoration.id_map.put(KIND, sprint.source_id, target_id)
        if present.get("state") == _CLOSED:
            if not _is_filled(restoration, target_id, sprint):
                _note(restoration, sprint, field_id, CLOSED_BEFORE)
            return target_id
        _fill(restoration, target_id, sprint)
        _advance(restoration, target_id, str(present.get("state", _FUTURE)), sprint)
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        done = "left as far as it came; the rest went on"
        restoration.findings.fail(Failure(KIND, sprint.source_id, None, reason, done))
        return None
    return target_id


def _create(restoration: Restoration, board: _Board, sprint: _Sprint) -> Mapping[str, Any]:
    body: dict[str, Any] = {"name": sprint.name, "originBoardId": int(str(board.board_id))}
    body |= {name: sprint.value[name] for name in ("startDate", "endDate", "goal") if sprint.value.get(name)}
    for looks in range(1, _LOOKS + 1):
        try:
            answer = restoration.calls.send("POST", f"{_AGILE}/sprint", body)
        except AnswerLost:
            if looks == _LOOKS:
                raise
            restoration.pause(float(looks))
            found = board.find(sprint.name)
            if found is not None:
                return found
            continue
        if isinstance(answer, dict):
            return answer
    message = f"sprint {sprint.name} was created, but the answer does not name it"
    raise RestoreConflict(message, hint="Look at the board's sprints; then run again with --resume.")


def _is_filled(restoration: Restoration, sprint_id: str, sprint: _Sprint) -> bool:
    """Tell whether a closed sprint holds the issues already: an earlier run of this restore closed it."""
    path = f"{_AGILE}/sprint/{sprint_id}/issue"
    query = {"fields": "project", "maxResults": "100"}
    held = {str(item.get("id")) for item in restoration.calls.get_all(path, "issues", query)}
    return set(sprint.issues.values()) <= held


def _fill(restoration: Restoration, sprint_id: str, sprint: _Sprint) -> None:
    path = f"{_AGILE}/sprint/{sprint_id}/issue"
    for batch in _batches(sprint.issues.values()):
        _send_twice(restoration, path, {"issues": batch})


def _advance(restoration: Restoration, sprint_id: str, state: str, sprint: _Sprint) -> None:
    """Start and close a sprint as far as the snapshot's has come; Jira allows one step at a time."""
    steps = (_FUTURE, _ACTIVE, _CLOSED)
    wanted = steps.index(sprint.state) if sprint.state in steps else 0
    for step in steps[steps.index(state) + 1 : wanted + 1]:
        body: dict[str, Any] = {"state": step}
        if step == _ACTIVE:
            body |= {name: sprint.value.get(name) for name in ("startDate", "endDate")}
        _take_step(restoration, f"{_AGILE}/sprint/{sprint_id}", body)


def _take_step(restoration: Restoration, path: str, body: Mapping[str, Any]) -> None:
    """Start or close a sprint; after a lost answer look first, because a step cannot be taken twice."""
    for looks in range(1, _LOOKS + 1):
        try:
            restoration.calls.send("POST", path, body)
        except AnswerLost:
            if looks == _LOOKS:
                raise
            restoration.pause(float(looks))
            found = restoration.calls.get(path)
            if isinstance(found, dict) and found.get("state") == body["state"]:
                return
        else:
            return


def _send_twice(restoration: Restoration, path: str, body: Mapping[str, Any]) -> None:
    """Send what may be sent again after a lost answer."""
    for looks in range(1, _LOOKS + 1):
        try:
            restoration.calls.send("POST", path, body)
        except AnswerLost:
            if looks == _LOOKS:
                raise
            restoration.pause(float(looks))
        else:
            return


def _note(restoration: Restoration, sprint: _Sprint, field_id: str, reason: str) -> None:
    restoration.findings.adjust(
        *(Adjustment("issue", source_id, field_id, reason, is_impossible=True) for source_id in sprint.issues)
    )


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(ids)
    while batch := list(islice(iterator, ISSUES_PER_CALL)):
        yield batch
