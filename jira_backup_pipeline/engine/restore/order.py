"""Which of many things in a row keep their place when the others are moved.

What belongs here: the longest part of a sequence that is in order already. Pure.

What stays out: what the sequence is (`ranks` moves what is not in order, `compare_ranks` reports it).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def in_order(values: Sequence[str]) -> set[int]:
    """Give the positions of a longest subsequence that never falls."""
    ends: list[str] = []
    last: list[int] = []
    before: list[int | None] = []
    for position, value in enumerate(values):
        place = bisect_right(ends, value)
        before.append(last[place - 1] if place else None)
        if place == len(ends):
            ends.append(value)
            last.append(position)
        else:
            ends[place], last[place] = value, position
    kept: set[int] = set()
    at = last[-1] if last else None
    while at is not None:
        kept.add(at)
        at = before[at]
    return kept
