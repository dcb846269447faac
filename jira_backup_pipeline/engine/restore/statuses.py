"""Statuses: straight through the temporary workflow where there is one, else by the paths that workflows allow.

What belongs here: where each written issue stands and belongs, learning a workflow from the transitions that issues offer, and
moving many issues a step at a time.

What stays out: the calls that move them (`transitions`), the search for a path (`workflow_paths`), making the temporary workflow
(`temporary`), and what only shows at the end (`closing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.engine.restore.all_to_all import transition_name
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.closing import close_issues, resolution_of
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import fields_of
from jira_backup_pipeline.engine.restore.transitions import BULK_ISSUES, Transitions
from jira_backup_pipeline.engine.restore.workflow_paths import Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.engine.restore.stages import Restoration

_API = "/rest/api/3"
_LOOKS = 3


@dataclass(slots=True)
class Standing:
    """An issue under way: where it is (`at`), where it belongs (`goal`), and in which workflow (its type).

    `resolution` is the one that it is to have on the target, None while it has it or is to have none.
    """

    source_id: str
    target_id: str
    type_id: str
    at: str
    goal: str
    level: int
    resolution: str | None = None


def restore_statuses(restoration: Restoration) -> None:
    """Bring every written issue into its status and resolution, sub-tasks before what holds them."""
    wanted = sorted(restoration.written_issues)
    transitions = Transitions(restoration)
    for start in range(0, len(wanted), BULK_ISSUES):
        _Statuses(restoration, set(wanted[start : start + BULK_ISSUES]), transitions).run()


class _Statuses:
    def __init__(self, restoration: Restoration, issue_ids: set[str], transitions: Transitions) -> None:
        self._restoration = restoration
        self._rows = {row.id: row for row in restoration.view.rows("issue", issue_ids)}
        self._transitions = transitions
        self._workflows: dict[str, Workflow] = {}
        self._lost = 0

    def run(self) -> None:
        standings = list(self._read(self._rows))
        if self._restoration.is_all_to_all:
            # No condition of this workflow looks at other issues: all levels go at once.
            standings = self._move_straight(standings)
        for level in sorted({standing.level for standing in standings}):
            self._move([standing for standing in standings if standing.level == level])
        close_issues(self._restoration, self._rows)

    def _read(self, source_ids: Iterable[str]) -> Iterable[Standing]:
        by_target = {
            target.id: source_id
            for source_id in source_ids
            if (target := self._restoration.id_map.issue(source_id)) is not None
        }
        fields = ("status", "issuetype", "resolution")
        for item in self._restoration.calls.fetch_issues(by_target, fields=fields):
            source_id, found = by_target[str(item["id"])], _fields(item)
            type_id = str(found.get("issuetype", {}).get("id"))
            goal = self._goal(source_id, type_id)
            if goal is not None:
                at = str(found.get("status", {}).get("id"))
                level = fields_of(self._rows[source_id]).get("issuetype", {}).get("hierarchyLevel") or 0
                lacking = self._lacking_resolution(source_id, found.get("resolution"))
                yield Standing(source_id, str(item["id"]), type_id, at, goal, level, lacking)

    def _goal(self, source_id: str, type_id: str) -> str | None:
        status = fields_of(self._rows[source_id]).get("status")
        name = str(status.get("name", "")) if isinstance(status, dict) else ""
        goal = self._restoration.matches.status(type_id, name)
        if goal is None:
            self._leave(source_id, f"the target's workflow has no status {name}")
            return None
        return goal.id

    def _lacking_resolution(self, source_id: str, present: object) -> str | None:
        wanted = resolution_of(self._rows[source_id])
        wanted_id = self._restoration.matches.resolution(wanted) if wanted is not None else None
        return wanted_id if not isinstance(present, dict) or str(present.get("id")) != wanted_id else None

    def _leave(self, source_id: str, reason: str) -> None:
        self._restoration.findings.adjust(
            Adjustment("issue", source_id, "status", f"{reason}: left in the status it reached")
        )

    def _move_straight(self, standings: list[Standing]) -> list[Standing]:
        """Take the one transition that leads to status and resolution; gives those who are offered none."""
        under_way = [one for one in standings if one.at != one.goal or one.resolution is not None]
        others: list[Standing] = []
        while under_way:
            steps: dict[str, list[Standing]] = {}
            for standing in under_way:
                named = self._workflow_at(standing).named[standing.at]
                step = named.get(transition_name(standing.goal, standing.resolution))
                if step is not None:
                    steps.setdefault(step, []).append(standing)
                else:
                    others.append(standing)
            moved, is_told = self._take(steps)
            under_way = [standing for standing in moved if standing.at != standing.goal]
            if is_told:
                return [*others, *under_way]
        return others

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
            moved, _ = self._take(steps)
            under_way = [*waiting, *(standing for standing in moved if standing.at != standing.goal)]

    def _workflow_at(self, standing: Standing) -> Workflow:
        """Give the workflow, with what it offers where the issue stands."""
        workflow = self._workflows.setdefault(standing.type_id, Workflow())
        if standing.at not in workflow.steps:
            answer = self._restoration.calls.get(f"{_API}/issue/{standing.target_id}/transitions")
            offered = [
                (str(item["id"]), str(to["id"]), str(item.get("name")))
                for item in list_of(answer, "transitions")
                if isinstance(to := item.get("to"), dict) and item.get("isAvailable", True) is not False
            ]
            workflow.steps[standing.at] = [(transition_id, status) for transition_id, status, _ in offered]
            workflow.named[standing.at] = {name: transition_id for transition_id, _, name in offered}
        return workflow

    def _take(self, steps: Mapping[str, list[Standing]]) -> tuple[list[Standing], bool]:
        """Take one step each; gives who goes on, and whether Jira told what became of it.

        One that should have moved and did not is reported and goes no further.
        """
        everybody = [standing for group in steps.values() for standing in group]
        if not everybody:
            return [], True
        before = {standing.source_id: standing.at for standing in everybody}
        refused = self._transitions.take(
            {transition_id: [one.target_id for one in group] for transition_id, group in steps.items()},
            {one.target_id: one.resolution for one in everybody if one.resolution is not None},
        )
        by_source = {standing.source_id: standing for standing in everybody}
        for now in self._read(before):
            by_source[now.source_id].at = now.at
        if refused is None:
            self._doubt()
            return everybody, False
        moved = []
        for standing in everybody:
            if standing.at == before[standing.source_id] != standing.goal:
                reason = refused.get(standing.target_id, "Jira gave no reason")
                self._leave(standing.source_id, f"a transition was refused ({reason})")
            else:
                moved.append(standing)
        return moved, True

    def _doubt(self) -> None:
        """Count lost answers: whoever did not move tries again, but not for ever."""
        self._lost += 1
        if self._lost > _LOOKS:
            message = "answers to transitions keep getting lost"
            raise TransientError(
                message, hint="Run the restore again with --resume when Jira answers steadily."
            )
        self._restoration.pause(float(self._lost))


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    found = item.get("fields")
    return found if isinstance(found, dict) else {}
