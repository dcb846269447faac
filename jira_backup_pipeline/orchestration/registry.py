"""Which project is which: the registry of project keys, as the discovery sensor last saw Jira.

What belongs here: the registry value, the pure rule by which a fresh listing changes it, and its JSON form, which lives
as metadata of the asset `jira/discovered_projects`. A partition key is the project's key when it was discovered; the
registry maps it to the numeric id, which stays. Renamed, archived, deleted and unseen projects are retired: kept and
shown, but left out of schedules, freshness and catch-up.

What stays out: asking Jira (`sensors.discovery`), Dagster's partitions (`partitions`), snapshots (`health`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.domain.times import parse_instant, to_iso
from jira_backup_pipeline.orchestration.partitions import is_partition_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from jira_backup_pipeline.engine.ports import ListedProject


class Standing(StrEnum):
    """What discovery knows of a key. `unseen` is not listed any more, yet Jira did not say that it was deleted."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DELETED = "deleted"
    RENAMED = "renamed"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Registered:
    """One project key. `since_at` is when its standing began, `present_key` what a renamed project is called now."""

    key: str
    project_id: str
    standing: Standing
    first_seen_at: datetime
    since_at: datetime
    present_key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "key": self.key,
            "project_id": self.project_id,
            "standing": self.standing.value,
            "first_seen_at": to_iso(self.first_seen_at),
            "since_at": to_iso(self.since_at),
            "present_key": self.present_key,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            key=document["key"],
            project_id=document["project_id"],
            standing=Standing(document["standing"]),
            first_seen_at=parse_instant(document["first_seen_at"]),
            since_at=parse_instant(document["since_at"]),
            present_key=document.get("present_key"),
        )


@dataclass(frozen=True, slots=True)
class ProjectRegistry:
    """All project keys ever discovered, by key; `unusable` are keys that cannot be partition keys."""

    projects: Mapping[str, Registered] = field(default_factory=dict)
    unusable: tuple[str, ...] = ()

    def is_active(self, key: str) -> bool:
        """Tell whether a partition is backed up by itself; one that was added by hand is."""
        known = self.projects.get(key)
        return known is None or known.standing is Standing.ACTIVE

    def standing_of(self, key: str) -> Standing:
        """Give a key's standing; a key that discovery never saw counts as active."""
        known = self.projects.get(key)
        return known.standing if known else Standing.ACTIVE

    def project_id_of(self, key: str) -> str | None:
        """Give the numeric id behind a partition key, or None where discovery has not seen it."""
        known = self.projects.get(key)
        return known.project_id if known else None

    def after_listing(self, listed: Iterable[ListedProject], now: datetime) -> ProjectRegistry:
        """Apply one complete listing of the site's projects.

        Nothing is ever dropped. A project in the trash that was never seen alive is left out: Jira does not let
        anybody read it.
        """
        found = list(listed)
        seen = {
            project.identity.key: _as_registered(project, now)
            for project in found
            if is_partition_key(project.identity.key)
            and (not project.is_deleted or project.identity.key in self.projects)
        }
        present_keys = {project.identity.id: project.identity.key for project in found}
        projects = {key: _settled(self.projects.get(key), new) for key, new in seen.items()}
        for key, old in self.projects.items():
            if key not in seen:
                projects[key] = _gone(old, present_keys.get(old.project_id), now)
        unusable = {project.identity.key for project in found if not is_partition_key(project.identity.key)}
        return ProjectRegistry(dict(sorted(projects.items())), tuple(sorted(unusable)))

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form that is kept as metadata; holds keys and ids only."""
        return {
            "projects": [project.to_json() for project in self.projects.values()],
            "unusable": list(self.unusable),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        projects = [Registered.from_json(project) for project in document["projects"]]
        return cls({project.key: project for project in projects}, tuple(document.get("unusable", ())))


def _as_registered(project: ListedProject, now: datetime) -> Registered:
    standing = Standing.ACTIVE
    if project.is_deleted:
        standing = Standing.DELETED
    elif project.is_archived:
        standing = Standing.ARCHIVED
    return Registered(project.identity.key, project.identity.id, standing, first_seen_at=now, since_at=now)


def _settled(old: Registered | None, new: Registered) -> Registered:
    """Keep the old moments where nothing changed; a key that was given to another project starts anew."""
    if old is None or old.project_id != new.project_id:
        return new
    since_at = old.since_at if old.standing is new.standing else new.since_at
    return replace(new, first_seen_at=old.first_seen_at, since_at=since_at)


def _gone(old: Registered, present_key: str | None, now: datetime) -> Registered:
    """Decide what became of a key that the listing does not have."""
    if present_key is not None:
        standing = Standing.RENAMED
    elif old.standing in {Standing.DELETED, Standing.RENAMED}:
        return old
    else:
        standing = Standing.UNSEEN
    since_at = old.since_at if old.standing is standing else now
    return replace(old, standing=standing, since_at=since_at, present_key=present_key)
