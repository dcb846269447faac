"""Lists that cost a request for each parent and seldom hold anything: which parents are asked in this run.

What belongs here: that choice. Parents that are new or changed are asked, those that could not be read before, those whose turn
of the re-read it is, and all of them by a full reading. At a first reading the newest few are asked: the first answer that ever
holds something says that people use the thing, and every other parent is asked as well.

What stays out: asking and storing (`listing`), and the turns themselves (`changes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.records import unit_digest
from jira_backup_pipeline.engine.capture.changes import reread_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.capture.draft import Draft

_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Turns:
    """Parents that are asked `now`, and those that follow (`if_used`) where an answer holds something."""

    now: tuple[Record, ...]
    if_used: tuple[Record, ...] = ()


def turns_of(
    draft: Draft, kind: Kind, parents: Sequence[Record], *, reread_days: int, is_full: bool
) -> Turns:
    """Choose the parents to ask for their lists of a kind; a list that holds something is a unit under its parent's id."""
    if is_full:
        return Turns(tuple(parents))
    previous = draft.previous
    used = previous.ids(kind.name)
    unread = {gap.subject for gap in previous.gaps if gap.kind == kind.name}
    is_first = not previous.ids(str(kind.parent))
    sample = {parent.id for parent in parents[-_SAMPLE:]} if is_first or unread else frozenset[str]()
    manifest, today = previous.manifest, draft.captured_at.date()
    due: set[str] = set()
    if manifest is not None and manifest.captured_at.date() < today:
        ids = [parent.id for parent in parents]
        due.update(reread_turn(ids, today, reread_days, since=manifest.captured_at.date()))

    def is_due(parent: Record) -> bool:
        if parent.id in sample or parent.id in due or kind.of_parent(parent.kind, parent.id) in unread:
            return True
        before = previous.find(parent.kind, parent.id)
        # At a first reading everything is new: the sample speaks for all of it.
        return not is_first if before is None else before.digest != unit_digest([parent])

    now = tuple(parent for parent in parents if is_due(parent))
    chosen = {parent.id for parent in now}
    return Turns(now, () if used else tuple(p for p in parents if p.id not in chosen))


def requests_expected(parents: int, *, is_first: bool, is_full: bool, reread_days: int) -> int:
    """Give how many parents a run is likely to ask of so many; the first reading may find that all must be asked."""
    if is_full:
        return parents
    if is_first:
        return _SAMPLE
    return ceil(parents / reread_days) if reread_days else 0
