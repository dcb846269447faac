"""Rate limits: a burst limit for each operation and a limit on writes to one issue. Both are off by default.

What belongs here: the counting and the 429 with its documented headers. Time is the site's clock, so a test
moves it instead of waiting.

What stays out: which requests are counted (``core``), switching limits on (``settings``), 429s on demand (``faults``).
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.clock import utc_text
from jira_backup_pipeline.sandbox.http import Response, encode

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

_ISSUE_WINDOWS = ((2_000, 20), (30_000, 100))


def too_many(reason: str, retry_after_seconds: int, *, limit: int, reset_ms: int) -> Response:
    """429 with the documented headers."""
    headers = {
        "Retry-After": str(retry_after_seconds),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": utc_text(reset_ms)[:16] + "Z",
        "X-RateLimit-NearLimit": "true",
        "RateLimit-Reason": reason,
    }
    return Response(429, encode({"errorMessages": ["Rate limit exceeded."], "errors": {}}), headers)


class Limits:
    """Counts what the limits need."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()
        self._bursts: dict[str, deque[int]] = {}
        self._writes: dict[int, deque[int]] = {}

    def burst(self, method: str, template: str) -> Response | None:
        """429 when an operation was called too often within a second."""
        allowed = self._site.settings.burst_per_second
        if allowed <= 0:
            return None
        if method in {"PUT", "DELETE"}:
            allowed = max(1, allowed // 2)
        now = self._site.now()
        with self._lock:
            calls = self._bursts.setdefault(f"{method} {template}", deque())
            while calls and calls[0] <= now - 1000:
                calls.popleft()
            if len(calls) >= allowed:
                return too_many("jira-burst-based", 1, limit=allowed, reset_ms=now + 1000)
            calls.append(now)
        return None

    def issue_write(self, issue_id: int) -> Response | None:
        """429 when one issue was written to too often."""
        if not self._site.settings.per_issue_write_limit:
            return None
        now = self._site.now()
        with self._lock:
            calls = self._writes.setdefault(issue_id, deque())
            while calls and calls[0] <= now - 30_000:
                calls.popleft()
            for window_ms, allowed in _ISSUE_WINDOWS:
                recent = [at for at in calls if at > now - window_ms]
                if len(recent) >= allowed:
                    wait_ms = recent[0] + window_ms - now
                    return too_many(
                        "jira-per-issue-on-write",
                        max(1, -(-wait_ms // 1000)),
                        limit=allowed,
                        reset_ms=now + wait_ms,
                    )
            calls.append(now)
        return None
