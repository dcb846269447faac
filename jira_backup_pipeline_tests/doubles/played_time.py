"""A clock that only sleeping moves, so that tests of waiting take no time.

What belongs here: `PlayedTime` and the client's `Timing` made of it. What stays out: anything that waits for real.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from jira_backup_pipeline.jira.client import Timing

_START = datetime(2026, 11, 23, 10, 40, tzinfo=UTC)


@dataclass
class PlayedTime:
    """Keeps what was slept, in order; several threads may sleep."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def monotonic(self) -> float:
        with self._lock:
            return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds

    def timing(self) -> Timing:
        return Timing(
            clock=lambda: _START + timedelta(seconds=self.monotonic() - 1_000.0),
            monotonic=self.monotonic,
            sleep=self.sleep,
            roll=lambda: 0.5,
        )
