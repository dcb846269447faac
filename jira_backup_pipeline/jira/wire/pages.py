"""Where a list goes on and where it ends, as small frozen states: one per way in which Jira pages.

What belongs here: pagers for offsets, bare starts, page tokens and change feeds. A pager gives the next question and, told
what came back, the next pager or None at the end. None of them can run for ever.

What stays out: what is in the pages (`wire.slices`) and asking (`reader`, `writer`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from jira_backup_pipeline.domain.errors import UnexpectedAnswer

PAGE_CAP = 100_000
_CAP_HINT = "Report the endpoint and its last answer; a list that never ends cannot be backed up."


@dataclass(frozen=True, slots=True)
class OffsetPager:
    """`startAt` and `maxResults` with `total` and `isLast` as witnesses, neither of which is always there."""

    page_size: int
    start_at: int = 0
    pages: int = 0

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Give the query members of this page."""
        return (("startAt", str(self.start_at)), ("maxResults", str(self.page_size)))

    def after(self, count: int, *, total: int | None = None, is_last: bool | None = None) -> Self | None:
        """Go on by what really came: servers shrink pages, so a short one ends nothing; only an empty one does.

        `isLast` ends the list unless `total` still promises more.
        """
        _guard(self.pages, "a list by startAt")
        reached = self.start_at + count
        if count == 0:
            return None
        everything_came = total is None or reached >= total
        if everything_came and (is_last or (is_last is None and total is not None)):
            return None
        return type(self)(page_size=self.page_size, start_at=reached, pages=self.pages + 1)


@dataclass(frozen=True, slots=True)
class StartOnlyPager:
    """`startAt` and `maxResults` without any word about the end: only an empty page ends the list.

    Such lists filter what they count, so a page may be short; going on by what came meets some things twice and misses none.
    """

    page_size: int
    start_at: int = 0
    pages: int = 0

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Give the query members of this page."""
        return (("startAt", str(self.start_at)), ("maxResults", str(self.page_size)))

    def after(self, count: int) -> Self | None:
        """Go on by what really came."""
        _guard(self.pages, "a list by startAt")
        if count == 0:
            return None
        return type(self)(page_size=self.page_size, start_at=self.start_at + count, pages=self.pages + 1)


@dataclass(frozen=True, slots=True)
class TokenPager:
    """`nextPageToken`: the end is a missing or empty token, or `isLast`; a token that comes back is an error."""

    token: str | None = None
    seen: frozenset[str] = field(default_factory=frozenset)
    pages: int = 0

    def after(self, token: object, *, is_last: bool | None = None) -> Self | None:
        """Go on with the token that came.

        Raises:
            UnexpectedAnswer: the token was given before (the list would go round for ever) or is not a text.
        """
        _guard(self.pages, "a list by page token")
        if token is None or token == "" or is_last:
            return None
        if not isinstance(token, str):
            raise UnexpectedAnswer(f"a page token is a {type(token).__name__}, not a text", hint=_CAP_HINT)
        if token in self.seen:
            raise UnexpectedAnswer(
                "jira gave the same page token twice, so the list would go round for ever",
                hint="Run again; if it stays, report the query: the list cannot be trusted to be complete.",
            )
        return type(self)(token=token, seen=self.seen | {token}, pages=self.pages + 1)


@dataclass(frozen=True, slots=True)
class FeedPager:
    """A change feed: `since` in epoch milliseconds, `until` and `lastPage` in the answer.

    The feed hides its last minute, so the next reading starts at `until`, never at the present time.
    """

    since_ms: int
    pages: int = 0

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Give the query members of this page."""
        return (("since", str(self.since_ms)),)

    def after(self, until_ms: int | None, *, is_last: bool) -> Self | None:
        """Go on at `until`.

        Raises:
            UnexpectedAnswer: the feed says that there is more but does not move on.
        """
        _guard(self.pages, "a change feed")
        if is_last:
            return None
        if until_ms is None or until_ms <= self.since_ms:
            raise UnexpectedAnswer("a change feed promises more but does not move on", hint=_CAP_HINT)
        return type(self)(since_ms=until_ms, pages=self.pages + 1)


def _guard(pages: int, what: str) -> None:
    if pages >= PAGE_CAP:
        raise UnexpectedAnswer(f"{what} has more than {PAGE_CAP} pages", hint=_CAP_HINT)
