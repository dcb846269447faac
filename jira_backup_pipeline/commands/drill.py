"""The verb `drill`: does what is backed up really come back?

What belongs here: options and presentation. What stays out: the rehearsal (`engine.drill`) and the local site (`rehearsal`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.commands.sql import find_snapshot
from jira_backup_pipeline.domain.errors import UnknownName
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.drill import drill as rehearse
from jira_backup_pipeline.rehearsal import fresh_site
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import open_repository


@click.command()
@click.option(
    "--project", "projects", multiple=True, metavar="K", help="Id or key of a project; may be repeated."
)
@json_option
@click.pass_obj
def drill(session: Session, projects: tuple[str, ...]) -> int:
    """Rehearse recovery: restore the newest snapshot of every project into a fresh local Jira and prove it.

    No Jira of yours is contacted. The report of each rehearsal is kept in the repository.
    """
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    names = projects or tuple(scope for scope in repository.scopes() if scope != SITE_SCOPE)
    if not names:
        raise UnknownName("no project has a snapshot yet", hint="Run `jira-backup backup` first.")
    found = [find_snapshot(repository, name, None, None) for name in dict.fromkeys(names)]
    with session.terminal.progress() as progress:
        result = rehearse(
            repository,
            list({manifest.scope: manifest for manifest in found}.values()),
            partial(fresh_site, email=session.settings.jira.email if session.settings.has_jira else ""),
            new_run=partial(new_run_id, _now),
            clock=_now,
            progress=progress,
        )
    if session.terminal.is_json:
        session.terminal.document(result.to_json())
    else:
        session.terminal.markdown(result.to_markdown())
    return result.exit_code


def _now() -> datetime:
    return datetime.now(UTC)
