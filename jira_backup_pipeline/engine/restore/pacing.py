"""Never too many writes to one issue: Jira limits writes per issue, not only per site.

What belongs here: the published limits, counting every single write to an issue, which issues a call writes to, and the wait until
the next one keeps all limits.

What stays out: the turns of tasks over issues (`interleaving`), operations on many issues at once (an issue has one of them
at a time), and waits that Jira asks for (the client).
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Atlassian's published limits of writes to one issue: (writes, seconds).
ISSUE_WRITE_LIMITS: tuple[tuple[int, float], ...] = ((20, 2.0), (100, 30.0))
_ISSUE_PATH = re.compile(r"/rest/api/[0-9]+/issue/([0-9]+|[A-Z][A-Z0-9_]+-[0-9]+)(?:/|$)")
_LINK_PATH = re.compile(r"/rest/api/[0-9]+/issueLink/?$")
_LINK_ENDS = ("inwardIssue", "outwardIssue")


@dataclass(frozen=True, slots=True)
class PaceTime:
    """The time that limits are kept in: `now` in seconds, `sleep` for one thread, `wait` for many that may be woken."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait


class IssuePace:
    """Counts writes by issue. Several threads may use it; issues are named by whatever their paths name them by."""

    def __init__(
        self, limits: tuple[tuple[int, float], ...] = ISSUE_WRITE_LIMITS, *, played: PaceTime | None = None
    ) -> None:
        self.time = played or PaceTime()
        self._limits = limits
        self._longest = max((seconds for _, seconds in limits), default=0.0)
        self._writes: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def ready_at(self, issue_id: str) -> float:
        """Give the moment at which one more write to an issue keeps every limit."""
        with self._lock:
            return self._ready_at(issue_id)

    def _ready_at(self, issue_id: str) -> float:
        writes = self._writes.get(issue_id)
        if not writes:
            return 0.0
        while writes and writes[0] <= self.time.now() - self._longest:
            writes.popleft()
        waits = [writes[-count] + seconds for count, seconds in self._limits if len(writes) >= count]
        return max(waits, default=0.0)

    @contextmanager
    def turn(self, issue_ids: tuple[str, ...]) -> Iterator[None]:
        """Wait until every one of the issues may be written to, and count a write to each when the block ends.

        A write counts from its end: Jira may have counted it at any moment until then.
        """
        if not self._limits or not issue_ids:
            yield
            return
        begun_at = self._begin(issue_ids)
        try:
            yield
        finally:
            with self._lock:
                for issue_id in issue_ids:
                    writes = self._writes[issue_id]
                    writes.remove(begun_at)
                    writes.append(max(self.time.now(), begun_at))

    def _begin(self, issue_ids: tuple[str, ...]) -> float:
        """Take a place in the order of writes, and wait until its moment has come."""
        with self._lock:
            begun_at = max(self.time.now(), *(self._ready_at(issue_id) for issue_id in issue_ids))
            for issue_id in issue_ids:
                self._writes.setdefault(issue_id, deque()).append(begun_at)
        seconds = begun_at - self.time.now()
        if seconds > 0:
            self.time.sleep(seconds)
        return begun_at


def issues_written_by(path: str, body: object) -> tuple[str, ...]:
    """Give the issues that a writing call changes, by the ids or keys that it names them by; none for calls on many at once."""
    found = _ISSUE_PATH.match(path)
    if found is not None:
        return (found[1],)
    if _LINK_PATH.match(path) and isinstance(body, dict):
        ends = [body.get(name) for name in _LINK_ENDS]
        named = [end.get("id") or end.get("key") for end in ends if isinstance(end, dict)]
        return tuple(dict.fromkeys(str(name) for name in named if name))
    return ()
