"""What happens to each selected issue: created, brought back to the snapshot's state, or left alone.

What belongs here: the decision by policy and by what the target has, and what it means for parents and children.

What stays out: which issues are selected (`selection`), reading the target (`target`), and doing it (`issues`, `edits`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.idmap import TargetIssue
from jira_backup_pipeline.engine.restore.planned import Policy
from jira_backup_pipeline.engine.restore.planned_lines import Conflict
from jira_backup_pipeline.engine.restore.selection import Part, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.engine.restore.planned import PlannedTarget
    from jira_backup_pipeline.engine.restore.snapshot import IssueHead
    from jira_backup_pipeline.engine.restore.target import FoundIssue, MarkedIssues

_SHOWN_KEYS = 10


@dataclass(frozen=True, slots=True)
class Actions:
    """What happens to each selected issue, in order of creation."""

    creates: tuple[IssueHead, ...]
    updates: Mapping[str, TargetIssue]
    skips: Mapping[str, TargetIssue]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...] = ()


def decide(
    heads: list[IssueHead],
    by_id: Mapping[str, FoundIssue],
    marks: MarkedIssues,
    planned: PlannedTarget,
    *,
    policy: Policy,
    selection: Selection,
) -> Actions:
    """Decide by what the target has: `by_id` are issues that kept their id, `marks` those that a restore made."""
    if selection.part is Part.ATTACHMENTS:
        return _attachments_only(heads, by_id, marks, planned)
    creates: list[IssueHead] = []
    updates: dict[str, TargetIssue] = {}
    skips: dict[str, TargetIssue] = {}
    moved: list[Conflict] = []
    for head in heads:
        original, copy = by_id.get(head.id), marks.by_source.get(head.id)
        if selection.only_deleted and original is not None:
            continue
        present = original or copy
        if present is None or policy is Policy.COPY:
            creates.append(head)
            continue
        issue = TargetIssue(present.id, present.key)
        if _lies_elsewhere(present, planned):
            skips[head.id] = issue
            moved.append(_moved(head, present))
        elif policy is Policy.UPDATE:
            updates[head.id] = issue
        else:
            skips[head.id] = issue
    parentless = _without_parent(creates, {*by_id, *marks.by_source})
    notes = _orphans(heads, {head.id for head in creates}, by_id)
    return Actions(tuple(creates), updates, skips, (*moved, *parentless), tuple(notes))


def _attachments_only(
    heads: list[IssueHead], by_id: Mapping[str, FoundIssue], marks: MarkedIssues, planned: PlannedTarget
) -> Actions:
    """Files need an issue to hang on: those that are there are written to, whatever the policy, the others named."""
    updates: dict[str, TargetIssue] = {}
    conflicts: list[Conflict] = []
    absent: list[str] = []
    for head in heads:
        present = by_id.get(head.id) or marks.by_source.get(head.id)
        if present is None:
            absent.append(head.key)
        elif _lies_elsewhere(present, planned):
            conflicts.append(_moved(head, present))
        else:
            updates[head.id] = TargetIssue(present.id, present.key)
    notes = ["only attachments that are missing are uploaded; text that shows a lost file is left as it is"]
    if absent:
        notes.append(
            f"{len(absent)} issues with attachments are not on the target ({_shown(absent)}): restore them whole"
        )
    return Actions((), updates, {}, tuple(conflicts), tuple(notes))


def only_updating(actions: Actions, source_ids: set[str]) -> Actions:
    """Leave all but some of the present issues alone."""
    kept = {source_id: issue for source_id, issue in actions.updates.items() if source_id in source_ids}
    left = {source_id: issue for source_id, issue in actions.updates.items() if source_id not in source_ids}
    return replace(actions, updates=kept, skips={**actions.skips, **left})


def changed_since(
    actions: Actions, by_id: Mapping[str, FoundIssue], updated_ms: Mapping[str, int], policy: Policy
) -> Conflict | None:
    """Say which of the issues that are there were changed since the snapshot, and what becomes of the changes."""
    meant = actions.updates if policy is Policy.UPDATE else actions.skips
    changed = [
        by_id[source_id].key
        for source_id in meant
        if source_id in by_id
        and by_id[source_id].updated_ms is not None
        and by_id[source_id].updated_ms != updated_ms.get(source_id)
    ]
    if not changed:
        return None
    done = {
        Policy.UPDATE: "The snapshot's values are written over what was changed.",
        Policy.SKIP: "They are left as they are now; policy update would bring the snapshot's values back.",
    }
    many = f"{len(changed):,} issues were" if len(changed) > 1 else "1 issue was"
    problem = f"{many} changed in Jira since the snapshot ({_shown(changed)})"
    return Conflict("issue", "changed since", problem, done.get(policy, "They are left as they are now."))


def _lies_elsewhere(present: FoundIssue, planned: PlannedTarget) -> bool:
    return planned.project_id is not None and present.project_id != planned.project_id


def _moved(head: IssueHead, present: FoundIssue) -> Conflict:
    return Conflict("issue", head.key, f"was moved and is now {present.key}", "It is left where it is.")


def _without_parent(creates: list[IssueHead], present: set[str]) -> list[Conflict]:
    """Name sub-tasks that nothing will hold: Jira creates none without a parent."""
    there = present | {head.id for head in creates}
    return [
        Conflict(
            "issue",
            head.key,
            "its parent is neither selected nor on the target",
            "Jira will refuse it; select the parent too.",
        )
        for head in creates
        if head.level < 0 and head.parent_id not in there
    ]


def _orphans(heads: list[IssueHead], created: set[str], by_id: Mapping[str, FoundIssue]) -> list[str]:
    """Say which issues stayed behind when their parent was deleted: Jira has cleared their parent."""
    left = [
        head.key
        for head in heads
        if head.parent_id in created and head.id in by_id and head.id not in created
    ]
    if not left:
        return []
    return [
        f"{len(left)} issues lost their parent when it was deleted ({_shown(left)}); restore them with policy update afterwards"
    ]


def _shown(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN_KEYS]) + (", ..." if len(keys) > _SHOWN_KEYS else "")
