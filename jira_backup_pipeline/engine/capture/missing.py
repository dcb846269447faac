"""The issues that a capture misses: asks Jira where they are, and settles what that means for the snapshot in the making.

What belongs here: which of them are asked and how, what stays in the snapshot, what leaves it, and the guard against so many at
once that a person must look.

What stays out: the verdict on one issue (`disappearance`) and which issues are missed at all (`changes`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.disappearances import Disappearance, Fate
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.capture.changes import is_mass_disappearance, numeric_order
from jira_backup_pipeline.engine.capture.disappearance import Circumstances, Sighting, judge, observer_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.readings import Account, Located
    from jira_backup_pipeline.engine.capture.draft import Draft
    from jira_backup_pipeline.engine.capture.options import CaptureOptions
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.repository.repository import Repository

# Asked for one by one in a run at most; more than that is a mass disappearance or is settled by the runs that follow.
_MOST_ASKED_SINGLY = 100


@dataclass(slots=True)
class MissingIssues:
    """What one capture makes of the issues that it misses."""

    repository: Repository
    reader: JiraReader
    draft: Draft
    account: Account
    project_id: str
    now: datetime
    options: CaptureOptions
    known: Mapping[str, Disappearance] = field(init=False)
    _left: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Take over what runs before found; a doubtful snapshot's evidence counts as well."""
        previous = self.draft.previous
        before = previous.newest or previous.manifest
        self.known = {} if before is None else before.disappeared
        self._carry_unresolved()

    def _carry_unresolved(self) -> None:
        manifest = self.draft.previous.manifest
        if manifest is not None:
            self.draft.unresolved.update(manifest.unresolved)

    def settle(self, missing: Sequence[str], listed: Collection[str]) -> tuple[list[str], list[str]]:
        """Judge the stored issues that are listed no more, and again those that no run could settle.

        Gives those that are still in the project, and which of them must be read.
        """
        for issue_id in [i for i in self.draft.unresolved if i in listed]:
            del self.draft.unresolved[issue_id]
        open_ones = {i for i, one in self.known.items() if not one.is_settled and i not in listed}
        self.draft.disappeared.update(
            {i: one for i, one in self.known.items() if one.is_settled and i not in listed}
        )
        asked = sorted({*missing, *open_ones}, key=numeric_order)
        if not asked:
            return [], []
        self._judge(asked)
        return self._apply(missing, asked)

    def moved_away(self, keys: Mapping[str, str]) -> None:
        """Take note of issues that the search listed here and that said, when they were read, that they lie elsewhere."""
        now = to_iso(self.now)
        for issue_id, key in keys.items():
            self.draft.removed.add(("issue", issue_id))
            self.draft.notes.append(f"issue {issue_id} moved to {key}")
            self.draft.disappeared[issue_id] = Disappearance(
                issue_id=issue_id,
                fate=Fate.MOVED,
                first_missed_at=now,
                judged_at=now,
                evidence=(f"listed by the search, and given as {key} in another project",),
                moved_to=key,
            )

    def vanished(self, issue_ids: Sequence[str]) -> None:
        """Take note of issues that were listed and then not given: the next run judges them."""
        if not issue_ids:
            return
        now = to_iso(self.now)
        self.draft.removed.update(("issue", issue_id) for issue_id in issue_ids)
        self.draft.notes.append(f"{len(issue_ids)} issues were deleted or hidden while the capture ran")
        for issue_id in issue_ids:
            self.draft.disappeared[issue_id] = Disappearance(
                issue_id=issue_id,
                fate=Fate.UNSEEN,
                first_missed_at=now,
                judged_at=now,
                evidence=("listed by the search, and not given when it was asked for",),
            )
        self._leave(issue_ids)

    def _judge(self, asked: Sequence[str]) -> None:
        located = dict(self.reader.locate(asked))
        # Those that were found hidden before come last: they may stay so for years, and are no candidates for a tombstone.
        silent = sorted((i for i in asked if i not in located), key=self._is_known_hidden)
        singly = frozenset(silent[:_MOST_ASKED_SINGLY])
        if len(silent) > len(singly):
            self.draft.notes.append(
                f"{len(silent) - len(singly)} missing issues were not asked for one by one"
            )
        located |= self.reader.locate_singly(sorted(singly, key=numeric_order))
        access = self.reader.access(self.project_id)
        circumstances = Circumstances(self.now, self.project_id, access, observer_of(self.account, access))
        stored = self.draft.previous.identities(self.repository, asked)
        for issue_id in asked:
            before = self.known.get(issue_id)
            known = (before.key, before.security_level) if before else (None, None)
            key, level = stored.get(issue_id, known)
            sighting = Sighting(issue_id, located.get(issue_id), issue_id in singly, key, level)
            self.draft.disappeared[issue_id] = judge(sighting, before, circumstances)
            if issue_id in stored and _is_closed(located.get(issue_id)):
                self.draft.gaps.append(_closed_issue(issue_id))

    def _is_known_hidden(self, issue_id: str) -> bool:
        before = self.known.get(issue_id)
        return before is not None and before.fate is Fate.HIDDEN

    def _apply(self, missing: Sequence[str], asked: Sequence[str]) -> tuple[list[str], list[str]]:
        """Keep what is still there, and remove what is not."""
        draft = self.draft
        fates = {issue_id: draft.disappeared[issue_id] for issue_id in asked}
        here = [i for i, one in fates.items() if _is_here(one)]
        closed = {gap.issue_id for gap in draft.gaps if gap.kind == "issue"}
        gone = [i for i in missing if i not in here and i not in closed]
        draft.removed.update(("issue", issue_id) for issue_id in gone)
        moved = [one for one in fates.values() if one.fate is Fate.MOVED]
        draft.notes.extend(f"issue {one.issue_id} moved to {one.moved_to}" for one in moved)
        for issue_id in [*here, *closed, *(one.issue_id for one in moved)]:
            draft.unresolved.pop(str(issue_id), None)
        self._leave([issue_id for issue_id in gone if fates[issue_id].fate is not Fate.MOVED])
        stored = draft.previous.stored_issues()
        # What is archived cannot change: it is read again only where nothing of it is stored.
        return here, [i for i in here if i not in stored or fates[i].fate is not Fate.ARCHIVED]

    def _leave(self, gone: Sequence[str]) -> None:
        for issue_id in gone:
            self.draft.unresolved.setdefault(issue_id, self.draft.disappeared[issue_id].first_missed_at)
        self._left += gone

    def judge_the_loss(self) -> None:
        """Object when too much left at once: what the walk missed and what was listed and then not given is one loss."""
        draft, gone = self.draft, self._left
        stored = len(draft.previous.stored_issues())
        if not is_mass_disappearance(len(gone), stored, self.options.mass_disappearance_share):
            return
        fates = Counter(draft.disappeared[issue_id].fate.value for issue_id in gone)
        told = ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items()))
        if self.options.accepts_disappearance:
            draft.notes.append(
                f"{len(gone)} of {stored} issues disappeared at once ({told}), which was accepted"
            )
            return
        draft.is_doubtful = True
        draft.notes.append(
            f"{len(gone)} of {stored} issues disappeared at once ({told}): check what the backup account may browse; "
            "restores keep using the snapshot before this one"
        )


def _is_here(one: Disappearance) -> bool:
    return one.fate in (Fate.UNSEEN, Fate.ARCHIVED) and one.absent_since is None


def _is_closed(place: Located | None) -> bool:
    return place is not None and not place.project_id


def _closed_issue(issue_id: str) -> Gap:
    return Gap(
        kind="issue",
        subject=f"issue {issue_id}",
        reason="it exists, but Jira hands it out to this account no more; the stored copy is kept",
        remedy="Give the backup account permission to browse the issue.",
        issue_id=issue_id,
    )
