"""The verb `snapshots`: what there is to restore from.

What belongs here: options and presentation. What stays out: the snapshots (`repository`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.domain.disappearances import count_fates, to_lines
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.terminal import rows_of
from jira_backup_pipeline.workplace import open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import Manifest

_COLUMNS = ("project", "snapshot", "captured_at", "state", "issues", "records", "gaps", "gone")


@click.command()
@click.option("--project", help="A project's id, present or former key, or `site`; without it everything.")
@json_option
@click.pass_obj
def snapshots(session: Session, project: str | None) -> None:
    """List the snapshots, oldest first."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    scopes = [repository.find_scope(project)] if project else repository.scopes()
    found = [
        _summary(repository.load(scope, entry.number))
        for scope in scopes
        for entry in repository.snapshots(scope)
    ]
    if session.terminal.is_json:
        session.terminal.document({"repository_id": repository.repository_id, "snapshots": found})
    else:
        session.terminal.table(_COLUMNS, rows_of(found, _COLUMNS), title=repository.store.uri)


def _summary(manifest: Manifest) -> dict[str, object]:
    fates = count_fates(manifest.disappeared.values())
    return {
        "scope": manifest.scope,
        "project": manifest.project.key if manifest.project else "site",
        "project_id": manifest.project.id if manifest.project else None,
        "snapshot": manifest.number,
        "state": manifest.state.value,
        "captured_at": to_iso(manifest.captured_at),
        "issues": manifest.counts.get("issues"),
        "records": sum(manifest.counts.values()),
        "gaps": len(manifest.gaps),
        "gone": ", ".join(f"{count} {fate}" for fate, count in fates.items()),
        "counts": dict(manifest.counts),
        "site_snapshot": manifest.site_snapshot,
        "disappeared": to_lines(manifest.disappeared.values()),
    }
