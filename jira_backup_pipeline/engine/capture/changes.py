"""Which issues a capture must read, decided from what Jira lists now and what is stored already.

What belongs here: pure decisions on ids and moments: the delta, the rolling re-read, what disappeared, whether so much
disappeared at once that a person must look, and which issues may show property keys that nobody knows yet.

What stays out: asking Jira (`project`), what is stored (`previous`) and writing (`commit`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

# One deletion in a project of three is a third of it, and no sign of lost permission: below this many missing issues
# the share does not count, unless nothing at all is left.
_FEWEST_FOR_DOUBT = 5
# Apps mark either nearly all issues of a project or few: a hundred issues show a key that is on one of twenty with 99 %.
# Of a small project fewer will do where other projects of the site have shown keys already: a thousand tiny projects must
# stay affordable.
_FIRST_SAMPLE = 100
_FEWEST, _FEWEST_OF_THE_FIRST = 10, 50
_FIRST_SHARE = 20
_ISSUES_A_SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What a capture will do: `to_read` in ascending id order, `missing` stored but no longer listed."""

    to_read: tuple[str, ...]
    missing: tuple[str, ...]


def decide_changes(
    listed: Collection[str],
    *,
    stored: Mapping[str, int],
    fresh: Mapping[str, int],
    changed: Mapping[str, int],
    again: Iterable[str] = (),
    is_full: bool = False,
) -> Changes:
    """Compare the id walk with what is stored; every mapping goes from issue id to `updated` in epoch milliseconds.

    Args:
        listed: ids of the id walk.
        stored: the issues of the snapshot that this capture builds on.
        fresh: issues in packs of a run that died; they need not be read again unless they changed since.
        changed: what Jira says changed since the watermark less the overlap.
        again: ids to read again although nothing says that they changed.
        is_full: read everything listed but what is fresh.
    """
    known = set(listed) | set(changed)
    latest = {**stored, **fresh}
    # The overlap brings back what is stored already: only another moment of change makes it worth a reading.
    altered = {issue_id for issue_id, updated_ms in changed.items() if latest.get(issue_id) != updated_ms}
    unread = known - fresh.keys() if is_full else known - latest.keys()
    turned = (set(again) & known) - fresh.keys()
    missing = stored.keys() - known
    return Changes(
        to_read=tuple(sorted(unread | altered | turned, key=numeric_order)),
        missing=tuple(sorted(missing, key=numeric_order)),
    )


def reread_turn(issue_ids: Iterable[str], today: date, days: int, *, since: date | None = None) -> list[str]:
    """Choose the ids whose turn it is today; over `days` days every id has exactly one turn. 0 days: none.

    `since` is the day of the last capture: the turns of the days without one are made up for. Somebody who backs up every
    second day would otherwise never see half of the issues again.
    """
    if days <= 0:
        return []
    elapsed = 1 if since is None else min(days, (today - since).days)
    turns = {(today.toordinal() - back) % days for back in range(elapsed)}
    return [issue_id for issue_id in issue_ids if zlib.crc32(issue_id.encode()) % days in turns]


def property_sample(to_read: Sequence[str], *, is_first: bool, knows_keys: bool = False) -> list[str]:
    """Choose the issues to ask for all their properties, one request each, so that unknown keys come to light.

    A first reading asks one issue of twenty and at most 100; at least 10 where keys are known from other projects, else 50.
    A later one, which knows the keys of all issues before, asks one for every 5,000 that it reads. The newest and then evenly
    spread, because a new app marks new issues. What neither shows is found by later samples or a full capture, which asks
    every issue.
    """
    wanted = ceil(len(to_read) / _ISSUES_A_SAMPLE)
    if is_first:
        fewest = _FEWEST if knows_keys else _FEWEST_OF_THE_FIRST
        wanted = min(_FIRST_SAMPLE, max(fewest, ceil(len(to_read) / _FIRST_SHARE)))
    wanted = min(len(to_read), wanted)
    return [to_read[-1 - place * len(to_read) // wanted] for place in range(wanted)]


def is_mass_disappearance(missing: int, stored: int, share: float) -> bool:
    """Tell whether so much went missing at once that lost permission is likelier than deletion."""
    return missing > stored * share and (missing >= _FEWEST_FOR_DOUBT or missing == stored > 1)


def numeric_order(issue_id: str) -> tuple[int, str]:
    """Sort numeric ids by value; Jira documents ids as strings, so anything else still has an order."""
    return (int(issue_id), "") if issue_id.isascii() and issue_id.isdigit() else (2**63, issue_id)
