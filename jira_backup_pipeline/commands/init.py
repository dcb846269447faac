"""The verb `init`: a repository, the operator's identity, and the recovery identity that is kept offline.

What belongs here: the order in which they are made, so that no crash and no refusal leaves a repository whose recovery
identity nobody has seen.

What stays out: what a repository consists of (`repository`), private files (`identity_file`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.domain.errors import BackupPipelineError, ConfigurationError
from jira_backup_pipeline.identity_file import add_anchor, create_identity, load_identity, write_identity
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import create_repository, open_jira_reader

if TYPE_CHECKING:
    from jira_backup_pipeline.repository.identity import Identity
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.settings import Settings
    from jira_backup_pipeline.terminal import Terminal


@click.command()
@click.option(
    "--recovery-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the recovery identity to this new file (0600) instead of showing it once.",
)
@json_option
@click.pass_obj
def init(session: Session, recovery_out: Path | None) -> None:
    """Create the repository at BACKUP_URI.

    Makes the operator's identity at BACKUP_IDENTITY_FILE when there is none, and a recovery identity that opens the
    repository when everything else is lost: keep it offline.
    """
    settings, terminal = session.settings, session.terminal
    settings.require(Need.REPOSITORY, Need.IDENTITY)
    if recovery_out is None and not terminal.is_watched:
        message = "the recovery identity would go into a pipe or a log"
        raise ConfigurationError(
            message, hint="Give --recovery-out FILE, and move that file to a safe place."
        )
    cloud_id = _cloud_id(settings)
    recovery = new_identity()
    made: list[Path] = []
    try:
        repository = _create(settings, recovery, recovery_out, cloud_id, made)
    except BackupPipelineError:
        # Identities of a repository that does not exist would only be mistaken for the real ones later.
        for path in made:
            path.unlink()
        raise
    # First of all the recovery identity reaches its owner: whatever fails from here on can be repaired.
    _present(
        terminal, settings, repository, recovery, recovery_out, is_new_identity=len(made) > bool(recovery_out)
    )
    for file in filter(None, (settings.identity_path(), recovery_out)):
        add_anchor(file, repository.anchor)


def _cloud_id(settings: Settings) -> str | None:
    """Ask Jira which site this will be, when credentials are there; else the first backup decides."""
    return open_jira_reader(settings).whoami().cloud_id if settings.has_jira else None


def _create(
    settings: Settings, recovery: Identity, recovery_out: Path | None, cloud_id: str | None, made: list[Path]
) -> Repository:
    if not settings.identity_path().exists():
        create_identity(settings.identity_path())
        made.append(settings.identity_path())
    load_identity(settings.identity_path())
    if recovery_out is not None:
        write_identity(recovery_out, recovery)
        made.append(recovery_out)
    return create_repository(settings, recovery_recipient=recovery.recipient, cloud_id=cloud_id)


def _present(
    terminal: Terminal,
    settings: Settings,
    repository: Repository,
    recovery: Identity,
    recovery_out: Path | None,
    *,
    is_new_identity: bool,
) -> None:
    if terminal.is_json:
        terminal.document(
            {
                "repository_id": repository.repository_id,
                "uri": repository.store.uri,
                "cloud_id": repository.cloud_id,
                "identity_file": str(settings.identity_path()),
                "is_new_identity": is_new_identity,
                "recovery_file": str(recovery_out),
                "recovery_recipient": recovery.recipient,
            }
        )
        return
    site = f"Jira site {repository.cloud_id}" if repository.cloud_id else "the Jira site of the first backup"
    terminal.line(f"repository {repository.repository_id} created in {repository.store.uri}, for {site}")
    terminal.line(
        f"operator's identity: {settings.identity_path()} ({'new' if is_new_identity else 'as it was'})"
    )
    if recovery_out is not None:
        terminal.line(f"recovery identity: {recovery_out}. Move it offline: it opens everything.")
        return
    terminal.line("recovery identity, shown this once. Print it or store it offline: it opens everything.")
    terminal.line()
    terminal.line(recovery.to_text(repository.anchor))
