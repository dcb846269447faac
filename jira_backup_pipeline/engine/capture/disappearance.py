"""What became of an issue that is listed no more: the verdict of one run, and when a second run turns it into a tombstone.

What belongs here: pure decisions on what a run found (`Sighting`), what runs before it found, and who looked.

What stays out: asking Jira and changing the draft (`missing`), and the record itself (`domain.disappearances`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.disappearances import Disappearance, Fate
from jira_backup_pipeline.domain.times import parse_instant, to_iso

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.readings import Access, Account, Located

# Between the two runs that make a tombstone: longer than any search index lags, and somebody works in between.
SECOND_OPINION_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one run found of an issue: its place, whether it was asked for singly, and how it was stored."""

    issue_id: str
    located: Located | None
    was_asked_singly: bool
    key: str | None = None
    security_level: str | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for all issues of a run: when, in which project, and what the account may see there."""

    now: datetime
    project_id: str
    access: Access
    observer: str


def observer_of(account: Account, access: Access) -> str:
    """Digest who looks and with which rights: an issue that another observer misses is not missed twice."""
    rights = [
        account.account_id,
        account.groups,
        access.permissions,
        access.security_levels,
    ]
    return hashlib.sha256(json.dumps(rights).encode("ascii")).hexdigest()[:16]


def judge(sighting: Sighting, before: Disappearance | None, circumstances: Circumstances) -> Disappearance:
    """Come to a verdict on one issue. `before` is what an earlier run found."""
    now = to_iso(circumstances.now)
    first = before.first_missed_at if before else now
    fate, evidence = _positive(sighting, before, circumstances)
    absent_since = None
    if fate is None:
        absent_since, fate, evidence = _absent(sighting, before, circumstances)
    elsewhere = sighting.located is not None and fate is Fate.MOVED
    return Disappearance(
        issue_id=sighting.issue_id,
        fate=fate,
        first_missed_at=first,
        judged_at=now,
        evidence=tuple(evidence),
        key=sighting.key,
        security_level=sighting.security_level,
        moved_to=sighting.located.key if elsewhere and sighting.located else None,
        absent_since=absent_since,
        observer=circumstances.observer,
    )


def _positive(
    sighting: Sighting, before: Disappearance | None, circumstances: Circumstances
) -> tuple[Fate | None, list[str]]:
    """Give the verdict that something speaks for; None where there is nothing but absence."""
    place, access = sighting.located, circumstances.access
    if place is not None and not place.project_id:
        return Fate.HIDDEN, ["jira has the issue and hands it out to this account no more"]
    if place is not None and place.project_id != circumstances.project_id:
        return Fate.MOVED, [f"jira gives it as {place.key} in project {place.project_id}"]
    if place is not None:
        return _unlisted(before, circumstances)
    if not access.is_browsable:
        return Fate.HIDDEN, ["the account may not browse the project any more"]
    level = sighting.security_level
    if level and access.security_levels is not None and level not in access.security_levels:
        return Fate.HIDDEN, [
            "it was stored with a security level that is not among those the account knows now"
        ]
    return None, []


def _unlisted(before: Disappearance | None, circumstances: Circumstances) -> tuple[Fate, list[str]]:
    by_id = "jira gives it by its id, and no search lists it"
    if before is not None and _is_a_day_between(before.first_missed_at, circumstances.now):
        return Fate.ARCHIVED, [by_id, f"so it has been since {before.first_missed_at}"]
    return Fate.UNSEEN, [by_id, "the search index may lag behind"]


def _absent(
    sighting: Sighting, before: Disappearance | None, circumstances: Circumstances
) -> tuple[str, Fate, list[str]]:
    evidence = ["no search lists it", "the bulk fetch passes over its id"]
    if sighting.was_asked_singly:
        evidence.append("asked for it alone jira answers that it does not exist")
    held = circumstances.access.permissions
    evidence.append(
        f"the account may browse the project ({', '.join(held)})" if held else "the project is browsable"
    )
    since = to_iso(circumstances.now)
    if before is not None and before.absent_since is not None:
        if before.observer == circumstances.observer:
            since = before.absent_since
        else:
            evidence.append("the account, its groups or its permissions changed since the run before")
    if sighting.was_asked_singly and _is_a_day_between(since, circumstances.now):
        evidence.append(f"a run at {since} found the same with the same rights")
        return since, Fate.DELETED, evidence
    return since, Fate.UNSEEN, evidence


def _is_a_day_between(earlier: str, now: datetime) -> bool:
    return now - parse_instant(earlier) >= SECOND_OPINION_AFTER
