"""What was asked: every request since the last reset, and counts by operation.

What belongs here: the measure of benchmarks and tests, so what is noted must be cheap and its memory bounded.

What stays out: judging requests (tests do), and asking for the log over HTTP (``control``).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import JsonObject

KEPT = 200_000


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request; ``template`` is the documented path, or the path itself when there is none."""

    method: str
    template: str
    path: str
    query: str
    status: int
    fault: str | None
    response_bytes: int
    milliseconds: float
    authorized: bool


class RequestLog:
    """Requests in order, the newest ``KEPT`` of them, and counts of all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: deque[LoggedRequest] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()
        self._bytes = 0

    def add(self, entry: LoggedRequest) -> None:
        """Note a request."""
        with self._lock:
            self._entries.append(entry)
            self._counts[f"{entry.method} {entry.template}"] += 1
            self._bytes += entry.response_bytes

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
            self._bytes = 0

    def counts(self) -> dict[str, int]:
        """Requests by "METHOD template"."""
        with self._lock:
            return dict(self._counts)

    def entries(self) -> list[LoggedRequest]:
        """The kept requests, oldest first."""
        with self._lock:
            return list(self._entries)

    def total(self) -> int:
        """How many requests there were."""
        with self._lock:
            return self._counts.total()

    def describe(self, *, limit: int = 10_000) -> JsonObject:
        """Counts and the newest requests."""
        with self._lock:
            newest = list(self._entries)[-limit:] if limit else []
            return {
                "total": self._counts.total(),
                "response_bytes": self._bytes,
                "counts": dict(sorted(self._counts.items())),
                "requests": [asdict(entry) for entry in newest],
            }
