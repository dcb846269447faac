"""What Jira's worklog feeds told the site run: which worklogs changed or went since the run before, and on which issues.

What belongs here: the value with its JSON form in the site's manifest, and putting several of them together.

What stays out: asking (`jira.worklog_feed`) and comparing with what is stored (`engine.capture.worklogs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class WorklogChange:
    """A worklog that was made or changed: the issue it hangs on, and when (epoch milliseconds)."""

    worklog_id: str
    issue_id: str
    updated_ms: int


@dataclass(frozen=True, slots=True)
class WorklogFeed:
    """What the feeds say since a moment (epoch milliseconds). Of a deleted worklog Jira tells nothing but its id."""

    since_ms: int
    updated: tuple[WorklogChange, ...] = ()
    deleted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form of the manifest."""
        return {
            "since_ms": self.since_ms,
            "updated": [[one.worklog_id, one.issue_id, one.updated_ms] for one in self.updated],
            "deleted": list(self.deleted),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            since_ms=document["since_ms"],
            updated=tuple(WorklogChange(*change) for change in document["updated"]),
            deleted=tuple(document["deleted"]),
        )


def merged(feeds: Iterable[WorklogFeed]) -> WorklogFeed | None:
    """Put feeds together: of each worklog the latest word counts, and a deletion is the last one; None of none."""
    feeds = sorted(feeds, key=lambda feed: feed.since_ms)
    if not feeds:
        return None
    deleted = {worklog_id: None for feed in feeds for worklog_id in feed.deleted}
    latest: dict[str, WorklogChange] = {}
    for change in (change for feed in feeds for change in feed.updated):
        known = latest.get(change.worklog_id)
        if change.worklog_id not in deleted and (known is None or known.updated_ms <= change.updated_ms):
            latest[change.worklog_id] = change
    return WorklogFeed(feeds[0].since_ms, tuple(latest.values()), tuple(deleted))
