"""The lines of a plan: a step, something in the way, something that REST cannot bring back.

What belongs here: the three values.

What stays out: the plan that holds them (`planned`), and finding them (`limits`, `objections`, `actions`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One stage with its work: how many things, and how many requests that write and that read."""

    stage: str
    count: int
    writes: int
    reads: int
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that is in the way. A blocking one must be resolved before the plan can be applied."""

    kind: str
    subject: str
    problem: str
    remedy: str
    is_blocking: bool = False


@dataclass(frozen=True, slots=True)
class Impossible:
    """Something REST cannot bring back, and what is done instead."""

    kind: str
    what: str
    reason: str
    instead: str
    count: int
