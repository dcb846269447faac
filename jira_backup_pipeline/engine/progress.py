"""How a verb tells how far it is, without knowing who listens.

What belongs here: the `Progress` protocol and the listener that keeps silent.

What stays out: terminals (`terminal`), Dagster events (`orchestration`) and anything that decides.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listens to a verb. Calls may come from several threads; a listener never raises."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of `total` units (None where it is not known)."""

    def advance(self, units: int = 1) -> None:
        """Count finished units of the present stage."""

    def note(self, text: str) -> None:
        """Say something worth reading once; never holds issue text or secrets."""


class Silence:
    """The listener of tests and of library use."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore."""

    def advance(self, units: int = 1) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
