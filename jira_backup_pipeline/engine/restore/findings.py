"""What a restore has to say about single things: what failed, what was done differently, and why.

What belongs here: the two values and their thread-safe collector with its JSON form.

What stays out: verdicts (`compare`) and wording for people (`report`).
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.engine.restore.degrade import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be written. `reason` keeps Jira's own words, `done` says what was done instead.

    `is_left_over` marks what the restore made or changed for its own time and could not take back: a person has to.
    """

    kind: str
    source_id: str
    issue_id: str | None
    reason: str
    done: str
    is_left_over: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One value that was written in another form than the snapshot has it, or left out.

    `is_impossible` tells a documented limit (an inactive account, a closed sprint) from a refusal of this very value.
    `nodes` are the only parts of a rich text that were refused: they are text on the target, the rest is as it was.
    """

    kind: str
    source_id: str
    field: str
    reason: str
    is_impossible: bool = False
    nodes: tuple[Place, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        nodes = tuple(Place(tuple(node["path"]), node["name"]) for node in document.get("nodes", ()))
        return cls(**{**document, "nodes": nodes})


class Findings:
    """Collects failures and adjustments from several threads; the same adjustment counts once."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], Failure] = {}
        self._adjustments: dict[tuple[str, str, str], Adjustment] = {}
        self._changed_failures: dict[tuple[str, str], Failure] = {}
        self._changed_adjustments: dict[tuple[str, str, str], Adjustment] = {}
        self._lock = threading.Lock()

    def fail(self, failure: Failure) -> None:
        """Add a failure; a later word about the same thing replaces the earlier."""
        with self._lock:
            self._failures[failure.kind, failure.source_id] = failure
            self._changed_failures[failure.kind, failure.source_id] = failure

    def adjust(self, *adjustments: Adjustment) -> None:
        """Add adjustments."""
        with self._lock:
            for found in adjustments:
                self._adjustments[found.kind, found.source_id, found.field] = found
                self._changed_adjustments[found.kind, found.source_id, found.field] = found

    def has_adjustment(self, kind: str, source_id: str, field: str) -> bool:
        """Tell whether a value is already known to differ."""
        return (kind, source_id, field) in self._adjustments

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Give all failures so far."""
        with self._lock:
            return tuple(self._failures.values())

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """Give all adjustments so far."""
        with self._lock:
            return tuple(self._adjustments.values())

    def merge(self, document: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Add what an earlier run wrote into its journal."""
        for failure in document.get("failures", ()):
            self.fail(Failure.from_json(failure))
        self.adjust(*(Adjustment.from_json(found) for found in document.get("adjustments", ())))

    def take_changes(self) -> dict[str, Any]:
        """Give what was added since this was last asked, in the JSON form: what the journal has to keep."""
        with self._lock:
            failures, self._changed_failures = self._changed_failures, {}
            adjustments, self._changed_adjustments = self._changed_adjustments, {}
        return _as_json(failures.values(), adjustments.values())

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        return _as_json(self.failures, self.adjustments)


def _as_json(failures: Iterable[Failure], adjustments: Iterable[Adjustment]) -> dict[str, Any]:
    return {
        "failures": [asdict(failure) for failure in failures],
        "adjustments": [asdict(found) for found in adjustments],
    }
