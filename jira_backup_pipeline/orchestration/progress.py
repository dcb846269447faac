"""How far a verb is, told as events of a Dagster run.

What belongs here: a `Progress` listener that writes a line every few seconds, however fast the verb is.

What stays out: what a line may say is decided by the verbs: stages, counts and notes, never issue text.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.progress import Course

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECONDS_BETWEEN_LINES = 5.0


class RunLog:
    """Writes progress to `say` (a run's `context.log.info`); calls may come from several threads."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        seconds_between_lines: float = _SECONDS_BETWEEN_LINES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._seconds_between_lines = seconds_between_lines
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._course: Course | None = None
        self._said_at = monotonic()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; the stage before it is closed with its count."""
        with self._lock:
            self._close()
            self._said_at = self._monotonic()
            self._course = Course(name, total, begun_at=self._said_at)

    def advance(self, units: int = 1) -> None:
        """Count finished units; a line is written only when the last one is some seconds old."""
        with self._lock:
            if self._course is None:
                return
            self._course.done += units
            now = self._monotonic()
            if now - self._said_at >= self._seconds_between_lines:
                self._said_at = now
                self._say(self._course.line(now))

    def expect(self, records: Mapping[str, int]) -> None:
        """Remember how many records of each kind are likely."""
        with self._lock:
            if self._course is not None:
                self._course.expected.update(records)

    def found(self, records: Mapping[str, int]) -> None:
        """Count records by kind."""
        with self._lock:
            if self._course is not None:
                self._course.records.update(records)

    def note(self, text: str) -> None:
        """Say something at once."""
        with self._lock:
            self._say(text)

    def close(self) -> None:
        """Write the count of the last stage."""
        with self._lock:
            self._close()
            self._course = None

    def _close(self) -> None:
        if self._course is not None:
            self._say(f"{self._course.line(self._monotonic())}, done")
