"""What is stale and what is incomplete: verdicts on every project, from snapshots and the registry alone.

What belongs here: the pure judgement per project and its roll-up, shared by the checks that people run, the sensor that
watches, and catch-up. One red project makes the roll-up red, whatever the others are.

What stays out: reading snapshots (`heads`), asking Jira (nobody here may), and Dagster's objects (`checks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.disappearances import count_fates
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, SnapshotState, project_scope
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.orchestration.registry import ProjectRegistry, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.orchestration.heads import Heads


_LOOK = (
    "Look into Jira: may the backup account still browse all of the project? If the issues are really gone, back up once with "
    "`accept_missing: true` (on the command line `--accept-missing`)."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement: whether it is good, why in words, and what to do when it is not."""

    is_good: bool
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ProjectHealth:
    """What is known of one partition. `is_watched` is False for retired projects, which never turn anything red."""

    key: str
    standing: Standing
    snapshot: int | None
    state: SnapshotState | None
    captured_at: datetime | None
    complete: Verdict
    fresh: Verdict
    is_watched: bool
    is_overdue: bool

    def row(self) -> dict[str, str | int | bool | None]:
        """Give the line of a table that people read."""
        bad = [verdict for verdict in (self.complete, self.fresh) if not verdict.is_good]
        return {
            "project": self.key,
            "standing": self.standing.value,
            "snapshot": self.snapshot,
            "state": self.state.value if self.state else "none",
            "captured_at": to_iso(self.captured_at) if self.captured_at else None,
            "what is wrong": "; ".join(verdict.reason for verdict in bad) or None,
            "what to do": " ".join(dict.fromkeys(verdict.remedy for verdict in bad if verdict.remedy))
            or None,
        }


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """What is known of the site scope."""

    snapshot: int | None
    complete: Verdict
    fresh: Verdict
    is_overdue: bool


def judge_projects(
    keys: Iterable[str],
    registry: ProjectRegistry,
    heads: Mapping[str, Heads],
    *,
    now: datetime,
    freshness: timedelta,
    accepted_gaps: Sequence[str] = (),
) -> list[ProjectHealth]:
    """Judge every project partition, in the order of its key."""
    by_key = _heads_by_key(heads)
    return [
        _judge(
            key,
            registry,
            heads.get(project_scope(registry.project_id_of(key) or "")) or by_key.get(key),
            now=now,
            freshness=freshness,
            accepted_gaps=accepted_gaps,
        )
        for key in sorted(keys)
    ]


def is_complete(manifest: Manifest | None, accepted_gaps: Sequence[str] = ()) -> Verdict:
    """Judge a scope's newest snapshot: everything that Jira said exists is stored, or its absence was accepted."""
    if manifest is None:
        return Verdict(is_good=False, reason="no snapshot yet", remedy="Materialize its partition.")
    if manifest.state is SnapshotState.DOUBTFUL:
        notes = "; ".join(manifest.notes) or "a guard objected"
        return Verdict(
            is_good=False,
            reason=f"snapshot {manifest.number} is doubtful: {notes}",
            remedy=_LOOK,
        )
    if manifest.unexplained:
        return Verdict(
            is_good=False,
            reason=f"{manifest.unexplained:,} records are missing without a reason",
            remedy="Run a full backup of the project; report it if they stay missing.",
        )
    open_gaps = [gap for gap in manifest.gaps if not gap.is_accepted(accepted_gaps)]
    if open_gaps:
        return Verdict(
            is_good=False,
            reason=f"{len(open_gaps):,} gaps are not accepted, first: {open_gaps[0].subject}",
            remedy=open_gaps[0].remedy,
        )
    accepted = f", {len(manifest.gaps):,} accepted gaps" if manifest.gaps else ""
    return Verdict(is_good=True, reason=f"snapshot {manifest.number} holds all that Jira listed{accepted}")


def has_no_mass_disappearance(manifest: Manifest) -> Verdict:
    """Judge whether a guard objected to what disappeared; the snapshot before stays the one that restores use."""
    fates = count_fates(manifest.disappeared.values())
    told = ", ".join(f"{count:,} {fate}" for fate, count in fates.items()) or "none"
    if manifest.state is SnapshotState.DOUBTFUL:
        notes = "; ".join(manifest.notes) or "a guard objected"
        return Verdict(is_good=False, reason=f"snapshot {manifest.number} is doubtful: {notes}", remedy=_LOOK)
    return Verdict(is_good=True, reason=f"issues that are listed no more: {told}")


def is_fresh(manifest: Manifest | None, *, now: datetime, freshness: timedelta) -> Verdict:
    """Judge the age of a scope's newest restorable snapshot."""
    if manifest is None:
        return Verdict(
            is_good=False, reason="no restorable snapshot yet", remedy="Materialize its partition."
        )
    age = now - manifest.captured_at
    reason = f"the newest restorable snapshot is {_in_words(age)} old, {_in_words(freshness)} are allowed"
    return Verdict(
        is_good=age <= freshness, reason=reason, remedy="" if age <= freshness else "Back it up now."
    )


def judge_site(
    registry: ProjectRegistry,
    heads: Mapping[str, Heads],
    *,
    now: datetime,
    freshness: timedelta,
    accepted_gaps: Sequence[str] = (),
) -> SiteHealth:
    """Judge the site scope; it is overdue like a project that was seen when the first project was."""
    found = heads.get(SITE_SCOPE)
    restorable = found.restorable if found else None
    known_since = [known.first_seen_at for known in registry.projects.values()]
    since_at = restorable.captured_at if restorable else min(known_since, default=now)
    return SiteHealth(
        snapshot=found.newest.number if found else None,
        complete=is_complete(found.newest if found else None, accepted_gaps),
        fresh=is_fresh(restorable, now=now, freshness=freshness),
        is_overdue=now - since_at > freshness,
    )


def has_unrecorded_heads(heads: Mapping[str, Heads]) -> bool:
    """Tell whether the newest site snapshot does not list some project's newest snapshot yet."""
    site = heads.get(SITE_SCOPE)
    if site is None or site.restorable is None:
        return False
    recorded = {scope: head.number for scope, head in site.restorable.heads.items()}
    return {s: found.newest.number for s, found in heads.items() if s != SITE_SCOPE} != recorded


def _heads_by_key(heads: Mapping[str, Heads]) -> dict[str, Heads]:
    """Find heads by present or former key, for partitions that discovery has not seen; present keys go first."""
    found: dict[str, Heads] = {}
    projects = [(heads_.newest.project, heads_) for heads_ in heads.values()]
    for project, heads_ in projects:
        found.update(dict.fromkeys(project.former_keys if project else (), heads_))
    found.update({project.key: heads_ for project, heads_ in projects if project})
    return found


def _judge(
    key: str,
    registry: ProjectRegistry,
    heads: Heads | None,
    *,
    now: datetime,
    freshness: timedelta,
    accepted_gaps: Sequence[str],
) -> ProjectHealth:
    standing = registry.standing_of(key)
    newest = heads.newest if heads else None
    restorable = heads.restorable if heads else None
    fresh = is_fresh(restorable, now=now, freshness=freshness)
    if standing is Standing.UNSEEN:
        fresh = _unseen(key)
    is_watched = standing in {Standing.ACTIVE, Standing.UNSEEN} or (
        standing is Standing.ARCHIVED and restorable is None
    )
    return ProjectHealth(
        key=key,
        standing=standing,
        snapshot=newest.number if newest else None,
        state=newest.state if newest else None,
        captured_at=restorable.captured_at if restorable else None,
        complete=is_complete(newest, accepted_gaps),
        fresh=fresh,
        is_watched=is_watched,
        is_overdue=is_watched
        and standing is not Standing.UNSEEN
        and _is_overdue(key, registry, restorable, now=now, freshness=freshness),
    )


def _is_overdue(
    key: str, registry: ProjectRegistry, restorable: Manifest | None, *, now: datetime, freshness: timedelta
) -> bool:
    """Tell whether catch-up should ask for a run: a new project first waits for the schedule."""
    if restorable is not None:
        return now - restorable.captured_at > freshness
    known = registry.projects.get(key)
    return known is not None and now - known.first_seen_at > freshness


def _unseen(key: str) -> Verdict:
    return Verdict(
        is_good=False,
        reason="the account does not see the project any more, and Jira does not say that it was deleted",
        remedy=(
            f"Give the account the permission Browse Projects again; if {key} is gone for good, delete its partition: "
            "its snapshots stay restorable."
        ),
    )


def _in_words(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours >= 1 else f"{max(0, round(hours * 60))} minutes"
