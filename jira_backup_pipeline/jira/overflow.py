"""Reads the lists of one issue that Jira cut short inside the issue: comments and worklogs.

What belongs here: asking an issue's own list to its end, only where the inline total promises more than came, and knowing
when a whole site has a list switched off.

What stays out: lists that are never inline (`remote_links`, `interest`, `histories`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.list_pages import OffsetList
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.jira.bodies import InlineList, SlicedIssue
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.messages import Refusal
    from jira_backup_pipeline.jira.wire.slices import Slice

KINDS: Final = ("comment", "worklog")
_GONE = frozenset({404, 410})
# A site with time tracking off has no worklog field and answers 404; a few such answers settle it for the run.
_ENOUGH_REFUSALS = 3
_SWITCHED_OFF = (
    "Jira answers so where the whole site has them switched off, as time tracking can be; when they are switched on again,"
    " run `backup --full` once."
)


@dataclass(frozen=True, slots=True)
class Task:
    """One list of one issue that must be read on its own."""

    kind: str
    issue_id: str
    inline: InlineList | None


@dataclass(frozen=True, slots=True)
class Found:
    """A list read on its own: its records, Jira's total, and a gap where it could not be read to its end.

    `unlisted` is Jira's answer that there is no such list, for an issue that says nothing of it itself.
    """

    items: Sequence[Slice]
    total: int | None
    gap: Gap | None = None
    unlisted: Refusal | None = None


class Overflow:
    """Decides which lists must be read on their own, and reads them; shared by the threads of one reading."""

    def __init__(self, client: JiraClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._refusals = dict.fromkeys(KINDS, 0)
        self._has_listed: set[str] = set()

    def tasks(self, issue: SlicedIssue) -> Iterator[Task]:
        """Name the lists of an issue that are cut short, or of which the issue says nothing at all."""
        for kind, inline in zip(KINDS, (issue.comments, issue.worklogs), strict=True):
            if inline is None:
                if self._refusals[kind] < _ENOUGH_REFUSALS:
                    yield Task(kind, issue.id, None)
            elif inline.is_cut or inline.total is None:
                yield Task(kind, issue.id, inline)

    def read(self, task: Task) -> Found:
        """Read one list from its beginning: which part came inline is not documented."""
        if task.inline is None and self._refusals[task.kind] >= _ENOUGH_REFUSALS:
            return Found((), None)
        listing = BY_NAME[task.kind].listing
        request = Request.get(listing.path, {"issue_id": task.issue_id})
        found = OffsetList(request, listing.items, listing.page_size)
        items = list(found.read(self._client))
        if found.refusal is not None:
            if task.inline is None and found.refusal.status in _GONE:
                with self._lock:
                    self._refusals[task.kind] += 1
                return Found((), None, unlisted=found.refusal)
            inline = task.inline.items if task.inline else ()
            announced = task.inline.total if task.inline else None
            missing = max(1, (announced or 0) - max(len(items), len(inline)))
            gap = gap_for(
                found.refusal,
                kind=task.kind,
                subject=f"{task.kind}s of an issue",
                issue_id=task.issue_id,
                count=missing,
            )
            return Found((*items, *inline), announced, gap)
        if task.inline is None:
            with self._lock:
                self._has_listed.add(task.kind)
        return Found(items, found.total, _shortfall(task, len(items), found.total))

    def unlisted_gaps(self, kind: str, refused: Mapping[str, Refusal]) -> Iterator[tuple[str, Gap]]:
        """Give what is missing where Jira says that there is no such list: by issue, or once where it lists none for any issue."""
        for issue_id, refusal in refused.items():
            if kind in self._has_listed:
                subject = f"{kind}s of an issue"
                yield issue_id, gap_for(refusal, kind=kind, subject=subject, issue_id=issue_id)
            else:
                gap = gap_for(refusal, kind=kind, subject=BY_NAME[kind].unlisted)
                yield issue_id, replace(gap, remedy=_SWITCHED_OFF)
                return


def _shortfall(task: Task, count: int, total: int | None) -> Gap | None:
    if total is None or count >= total:
        return None
    return Gap(
        kind=task.kind,
        subject=f"{task.kind}s of an issue",
        reason=f"jira announces {total} and gives {count}",
        remedy="Some may be restricted to a role or group: give the backup account those, then run again.",
        issue_id=task.issue_id,
        count=total - count,
    )
