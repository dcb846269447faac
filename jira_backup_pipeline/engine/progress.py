"""How a verb tells how far it is, without knowing who listens.

What belongs here: the `Progress` protocol, the listener that keeps silent, and `Course`, the arithmetic that every listener shares:
how much is done, how much is expected, how long it will take.

What stays out: terminals (`terminal`), Dagster events (`orchestration`) and anything that decides.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from jira_backup_pipeline.engine.cost import in_time

if TYPE_CHECKING:
    from collections.abc import Mapping

# Before this part is done, and before this time, a guess at the rest would be a guess at nothing.
_LEAST_SHARE = 0.01
_LEAST_SECONDS = 2.0


class Progress(Protocol):
    """Listens to a verb. Calls may come from several threads; a listener never raises."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of `total` units (None where it is not known)."""

    def advance(self, units: int = 1) -> None:
        """Count finished units of the present stage."""

    def expect(self, records: Mapping[str, int]) -> None:
        """Say how many records of each kind the present stage is likely to bring."""

    def found(self, records: Mapping[str, int]) -> None:
        """Count records of the present stage by kind."""

    def note(self, text: str) -> None:
        """Say something worth reading once; never holds issue text or secrets."""


class Silence:
    """The listener of tests and of library use."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore."""

    def advance(self, units: int = 1) -> None:
        """Ignore."""

    def expect(self, records: Mapping[str, int]) -> None:
        """Ignore."""

    def found(self, records: Mapping[str, int]) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""


class Course:
    """How far one stage is. Times are in seconds of the listener's clock; the listener guards it against its threads."""

    def __init__(self, name: str, total: int | None, *, begun_at: float) -> None:
        self.name = name
        self.total = total
        self.done = 0
        self.expected: dict[str, int] = {}
        self.records: Counter[str] = Counter()
        self._begun_at = begun_at

    def seconds_left(self, now: float) -> float | None:
        """Give how long the rest will take if it goes on like this; None while there is no telling."""
        spent = now - self._begun_at
        if not self.total or spent < _LEAST_SECONDS or self.done < self.total * _LEAST_SHARE:
            return None
        return max(0.0, spent / self.done * (self.total - self.done))

    def line(self, now: float) -> str:
        """Say it in a line: done of expected, the time left, and the same by kind."""
        parts = [self._count(self.done, self.total)] if self.done or self.total is not None else []
        left = self.seconds_left(now)
        if left is not None and self.total is not None and self.done < self.total:
            parts.append(f"about {in_time(left)} left")
        by_kind = self.by_kind()
        if by_kind:
            parts.append(", ".join(by_kind))
        return f"{self.name}: {'; '.join(parts)}" if parts else self.name

    def by_kind(self) -> list[str]:
        """Say for every kind how many records came of how many that are likely."""
        kinds = [kind for kind in self.expected if kind != "issues"]
        kinds += [kind for kind in sorted(self.records) if kind not in self.expected and kind != "issues"]
        return [
            f"{kind.replace('_', ' ')} {self.records[kind]:,}"
            + (f" of about {self.expected[kind]:,}" if kind in self.expected else "")
            for kind in kinds
        ]

    @staticmethod
    def _count(done: int, total: int | None) -> str:
        return f"{done:,}" if total is None else f"{done:,} of {total:,}"
