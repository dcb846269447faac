"""The snapshots that belong together: one of each project that a site snapshot lists.

What belongs here: finding them by the newest site snapshot, by its number or by a moment, and saying which projects are
left out or have none.

What stays out: restoring them (`several`) or rehearsing that (`engine.drill`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import BackupPipelineError, UnknownName
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, project_id_of, project_scope

if TYPE_CHECKING:
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository

_LOOK = "`jira-backup snapshots` shows what there is."


@dataclass(slots=True)
class SiteSnapshots:
    """What was found: a snapshot of each project, errors by project name, and notes on what was left out."""

    site: Manifest
    projects: list[Manifest] = field(default_factory=list)
    errors: dict[str, tuple[str, BackupPipelineError]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def site_snapshots(
    repository: Repository, *, number: int | None = None, as_of: datetime | None = None
) -> SiteSnapshots:
    """Find a snapshot of every project that the site had when the site snapshot was taken.

    The newest one of each project that is not doubtful, at or before `as_of`; with the `number` of a site snapshot none that
    is newer than those it lists.

    Raises:
        UnknownName: there is no such site snapshot.
    """
    site = repository.load(SITE_SCOPE, number) if number else repository.latest(SITE_SCOPE, as_of)
    if site is None:
        message = "the site has no snapshot that old" if as_of else "the site has no snapshot"
        raise UnknownName(message, hint=f"Back it up with `jira-backup backup`. {_LOOK}")
    found = SiteSnapshots(site)
    wanted = _listed(repository, site)
    for scope, name in wanted.items():
        try:
            found.projects.append(_snapshot(repository, site, scope, name, number=number, as_of=as_of))
        except BackupPipelineError as error:
            found.errors[name] = (scope, error)
    for scope in repository.scopes():
        if scope not in {*wanted, SITE_SCOPE}:
            found.notes.append(
                f"{scope} has snapshots and is not among the projects of site snapshot {site.number}: left out; name it with "
                f"--project {project_id_of(scope)}"
            )
    return found


def _listed(repository: Repository, site: Manifest) -> dict[str, str]:
    """Give scope and key of every project that the site snapshot lists; those with snapshots where it lists none."""
    rows = repository.tables(site).table(BY_NAME["site_project"].table).records()
    listed = {
        project_scope(row.id): str(row.value.get("key", row.id))
        for row in rows
        if isinstance(row.value, dict) and row.value.get("deleted") is not True
    }
    return listed or {scope: scope for scope in site.heads if scope != SITE_SCOPE}


def _snapshot(
    repository: Repository,
    site: Manifest,
    scope: str,
    name: str,
    *,
    number: int | None,
    as_of: datetime | None,
) -> Manifest:
    head = site.heads.get(scope)
    if number is not None and head is not None:
        as_of = repository.load(scope, head.number).captured_at
    manifest = repository.latest(scope, as_of) if scope in repository.scopes() else None
    if manifest is None:
        message = f"project {name} has no snapshot that is not doubtful"
        raise UnknownName(message, hint=f"{_LOOK} A doubtful one is restored by its number, alone.")
    return manifest
