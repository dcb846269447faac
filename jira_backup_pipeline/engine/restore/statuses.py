"""Statuses by the paths that workflows allow, then resolutions, then nobody watching who did not watch before.

What belongs here: learning a workflow from the transitions that issues offer, moving many issues a step at a time, and what
only shows at the end of a restore.

What stays out: changing workflows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AnswerLost,
    BackupPipelineError,
    CredentialsRejected,
    NotFound,
    TransientError,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.relations import watchers_of
from jira_backup_pipeline.engine.restore.snapshot import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.stages import Restoration

_API = "/rest/api/3"
_BULK_ISSUES = 1000
# Small bulk changes are done at once, large ones take minutes.
_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 5.0
_RUNNING = frozenset({"ENQUEUED", "RUNNING", "CANCEL_REQUESTED"})
_CHUNK_ISSUES = 1000
_LOOKS = 3
# One bulk call pays off from here on; below, single transitions are as cheap and need no waiting.
_BULK_FROM = 3


@dataclass(slots=True)
class Standing:
    """An issue under way: where it is (`at`), where it belongs (`goal`), and in which workflow (its type)."""

    source_id: str
    target_id: str
    type_id: str
    at: str
    goal: str
    level: int


@dataclass(slots=True)
class Workflow:
    """What was learned of one workflow: from status to (transition, next status)."""

    steps: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def step_towards(self, at: str, goal: str) -> tuple[str, str] | None:
        """Give the first step of the shortest known path to a status."""
        return self._search(at, lambda status: status == goal)

    def step_to_explore(self, at: str) -> tuple[str, str] | None:
        """Give the first step to the nearest status that nobody has looked into yet."""
        return self._search(at, lambda status: status not in self.steps)

    def _search(self, at: str, is_wanted: Any) -> tuple[str, str] | None:  # noqa: ANN401 - a predicate
        seen = {at}
        queue: deque[tuple[str, tuple[str, str] | None]] = deque([(at, None)])
        while queue:
            status, first = queue.popleft()
            for step in self.steps.get(status, ()):
                if step[1] in seen:
                    continue
                seen.add(step[1])
                if is_wanted(step[1]):
                    return first or step
                queue.append((step[1], first or step))
        return None


def restore_statuses(restoration: Restoration) -> None:
    """Bring every written issue into its status and resolution, sub-tasks before what holds them."""
    wanted = sorted(restoration.written_issues)
    for start in range(0, len(wanted), _CHUNK_ISSUES):
        _Statuses(restoration, set(wanted[start : start + _CHUNK_ISSUES])).run()


class _Statuses:
    def __init__(self, restoration: Restoration, issue_ids: set[str]) -> None:
        self._restoration = restoration
        self._rows = {row.id: row for row in restoration.view.rows("issue", issue_ids)}
        self._watchers = restoration.view.grouped("watcher", issue_ids)
        self._workflows: dict[str, Workflow] = {}
        self._can_bulk = True
        self._lost = 0

    def run(self) -> None:
        standings = list(self._read(self._rows))
        for level in sorted({standing.level for standing in standings}):
            self._move([standing for standing in standings if standing.level == level])
        self._finish()

    def _read(self, source_ids: Iterable[str]) -> Iterable[Standing]:
        by_target = {
            target.id: source_id
            for source_id in source_ids
            if (target := self._restoration.id_map.issue(source_id)) is not None
        }
        for item in self._restoration.calls.fetch_issues(by_target, fields=("status", "issuetype")):
            source_id, found = by_target[str(item["id"])], _fields(item)
            type_id = str(found.get("issuetype", {}).get("id"))
            goal = self._goal(source_id, type_id)
            if goal is not None:
                at = str(found.get("status", {}).get("id"))
                level = fields_of(self._rows[source_id]).get("issuetype", {}).get("hierarchyLevel") or 0
                yield Standing(source_id, str(item["id"]), type_id, at, goal, level)

    def _goal(self, source_id: str, type_id: str) -> str | None:
        status = fields_of(self._rows[source_id]).get("status")
        name = str(status.get("name", "")) if isinstance(status, dict) else ""
        goal = self._restoration.matches.status(type_id, name)
        if goal is None:
            self._leave(source_id, f"the target's workflow has no status {name}")
            return None
        return goal.id

    def _leave(self, source_id: str, reason: str) -> None:
        self._restoration.findings.adjust(
            Adjustment("issue", source_id, "status", f"{reason}: left in the status it reached")
        )

    def _move(self, standings: list[Standing]) -> None:
        """Take steps until everybody has arrived; where the way is not known, one issue of a workflow goes to see."""
        under_way = [standing for standing in standings if standing.at != standing.goal]
        while under_way:
            steps: dict[str, list[Standing]] = {}
            waiting: list[Standing] = []
            scouted: set[str] = set()
            for standing in under_way:
                workflow = self._workflow_at(standing)
                step = workflow.step_towards(standing.at, standing.goal)
                if step is None and standing.type_id in scouted:
                    waiting.append(standing)
                    continue
                if step is None:
                    step = workflow.step_to_explore(standing.at)
                    scouted.add(standing.type_id)
                if step is None:
                    scouted.discard(standing.type_id)
                    name = fields_of(self._rows[standing.source_id])["status"].get("name")
                    self._leave(standing.source_id, f"the workflow has no path to {name}")
                else:
                    steps.setdefault(step[0], []).append(standing)
            moved = self._take(steps)
            under_way = [*waiting, *(standing for standing in moved if standing.at != standing.goal)]

    def _workflow_at(self, standing: Standing) -> Workflow:
        """Give the workflow, with what it offers where the issue stands."""
        workflow = self._workflows.setdefault(standing.type_id, Workflow())
        if standing.at not in workflow.steps:
            workflow.steps[standing.at] = self._offered(standing)
        return workflow

    def _offered(self, standing: Standing) -> list[tuple[str, str]]:
        answer = self._restoration.calls.get(f"{_API}/issue/{standing.target_id}/transitions")
        return [
            (str(item["id"]), str(to["id"]))
            for item in list_of(answer, "transitions")
            if isinstance(to := item.get("to"), dict) and item.get("isAvailable", True) is not False
        ]

    def _take(self, steps: Mapping[str, list[Standing]]) -> list[Standing]:
        """Take one step each and give who goes on; one that did not move is reported and goes no further."""
        everybody = [standing for group in steps.values() for standing in group]
        if self._can_bulk and len(everybody) >= _BULK_FROM:
            is_told = self._take_in_bulk(steps)
        else:
            is_told = self._take_singly(steps)
        before = {standing.source_id: standing.at for standing in everybody}
        by_source = {standing.source_id: standing for standing in everybody}
        for now in self._read(before):
            by_source[now.source_id].at = now.at
        if not is_told:
            self._doubt()
            return everybody
        for standing in everybody:
            if standing.at == before[standing.source_id]:
                self._leave(standing.source_id, "a transition was refused")
        return [standing for standing in everybody if standing.at != before[standing.source_id]]

    def _doubt(self) -> None:
        """Count lost answers: whoever did not move tries again, but not for ever."""
        self._lost += 1
        if self._lost > _LOOKS:
            message = "answers to transitions keep getting lost"
            raise TransientError(
                message, hint="Run the restore again with --resume when Jira answers steadily."
            )
        self._restoration.pause(float(self._lost))

    def _take_in_bulk(self, steps: Mapping[str, list[Standing]]) -> bool:
        inputs = [
            {
                "transitionId": transition_id,
                "selectedIssueIdsOrKeys": [standing.target_id for standing in group],
            }
            for transition_id, group in steps.items()
        ]
        body = {"bulkTransitionInputs": inputs, "sendBulkNotification": False}
        try:
            answer = self._restoration.calls.send("POST", f"{_API}/bulk/issues/transition", body)
        except AnswerLost:
            return False
        except CredentialsRejected:
            raise
        except (WriteRefused, AccessDenied, NotFound):
            # Bulk change is a permission of its own; without it issues are moved one by one.
            self._can_bulk = False
            return self._take_singly(steps)
        self._await(str(answer.get("taskId")) if isinstance(answer, dict) else "")
        return True

    def _take_singly(self, steps: Mapping[str, list[Standing]]) -> bool:
        return all(
            self._take_alone(standing, transition_id)
            for transition_id, group in steps.items()
            for standing in group
        )

    def _await(self, task_id: str) -> None:
        wait_seconds = _FIRST_POLL_SECONDS
        while True:
            answer = self._restoration.calls.get(f"{_API}/bulk/queue/{task_id}")
            if not isinstance(answer, dict) or answer.get("status") not in _RUNNING:
                return
            self._restoration.pause(wait_seconds)
            wait_seconds = min(2 * wait_seconds, _LONGEST_POLL_SECONDS)

    def _take_alone(self, standing: Standing, transition_id: str) -> bool:
        path = f"{_API}/issue/{standing.target_id}/transitions"
        try:
            self._restoration.calls.send("POST", path, {"transition": {"id": transition_id}})
        except AnswerLost:
            return False
        except BackupPipelineError as error:
            if item_reason(error) is None:
                raise
        return True

    def _finish(self) -> None:
        """Set the resolutions that the workflows did not, and take the restoring account off as a watcher."""
        by_target = {
            target.id: source_id
            for source_id in self._rows
            if (target := self._restoration.id_map.issue(source_id)) is not None
        }
        found = self._restoration.calls.fetch_issues(by_target, fields=("resolution", "watches"))
        unasked = []
        for item in found:
            source_id = by_target[str(item["id"])]
            self._resolve(source_id, str(item["id"]), _fields(item).get("resolution"))
            watches = _fields(item).get("watches")
            if (
                isinstance(watches, dict)
                and watches.get("isWatching") is True
                and not self._watched(source_id)
            ):
                unasked.append(str(item["id"]))
            self._restoration.progress.advance()
        if unasked:
            self._unwatch(unasked, by_target)

    def _watched(self, source_id: str) -> bool:
        """Tell whether the restoring account watched an issue of the snapshot, or watches what was there already."""
        account_id = self._restoration.matches.site.account_id
        return not self._restoration.is_new(source_id) or account_id in {
            self._restoration.matches.mentioned(watcher) for watcher in watchers_of(self._watchers, source_id)
        }

    def _resolve(self, source_id: str, target_id: str, present: object) -> None:
        wanted = _resolution(self._rows[source_id])
        wanted_id = self._restoration.matches.resolution(wanted) if wanted is not None else None
        if wanted is not None and wanted_id is None:
            reason = f"the target has no resolution named {wanted.get('name')}"
            self._restoration.findings.adjust(Adjustment("issue", source_id, "resolution", reason))
            return
        present_id = str(present.get("id")) if isinstance(present, dict) else None
        if wanted_id == present_id:
            return
        fields = {"resolution": {"id": wanted_id} if wanted_id is not None else None}
        request = ("PUT", f"{_API}/issue/{target_id}", {"fields": fields}, self._restoration.notify)
        self._send_value(source_id, "resolution", request)

    def _unwatch(self, target_ids: list[str], by_target: Mapping[str, str]) -> None:
        """Take the restoring account off again: Jira lets it watch whatever it creates."""
        try:
            answer = self._restoration.calls.send(
                "POST", f"{_API}/bulk/issues/unwatch", {"selectedIssueIdsOrKeys": target_ids}
            )
        except CredentialsRejected:
            raise
        except (AnswerLost, WriteRefused, AccessDenied, NotFound):
            query = {"accountId": self._restoration.matches.site.account_id}
            for target_id in target_ids:
                path = f"{_API}/issue/{target_id}/watchers"
                self._send_value(by_target[target_id], "watches", ("DELETE", path, None, query))
        else:
            self._await(str(answer.get("taskId")) if isinstance(answer, dict) else "")

    def _send_value(
        self, source_id: str, name: str, request: tuple[str, str, object, Mapping[str, str]]
    ) -> None:
        """Send what may be sent twice; a refusal is noted beside the value."""
        method, path, body, query = request
        try:
            try:
                self._restoration.calls.send(method, path, body, query or None)
            except AnswerLost:
                self._restoration.calls.send(method, path, body, query or None)
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
            self._restoration.findings.adjust(
                Adjustment("issue", source_id, name, f"refused by the target: {reason}")
            )


def _resolution(row: Record) -> dict[str, Any] | None:
    found = fields_of(row).get("resolution")
    return found if isinstance(found, dict) else None


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    found = item.get("fields")
    return found if isinstance(found, dict) else {}
