"""The verb `init`: a repository, the operator's identity, and the recovery identity that is kept offline.

What belongs here: options and presentation. What stays out: the making (`setting_up`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.setting_up import set_up
from jira_backup_pipeline.settings import Need

if TYPE_CHECKING:
    from jira_backup_pipeline.setting_up import NewRepository
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
    made = set_up(settings, recovery_file=recovery_out)
    # First of all the recovery identity reaches its owner: whatever fails from here on can be repaired.
    if terminal.is_json:
        terminal.document(_document(made))
    else:
        _present(terminal, made)
    made.anchor()


def _document(made: NewRepository) -> dict[str, object]:
    return {
        "repository_id": made.repository.repository_id,
        "uri": made.repository.store.uri,
        "cloud_id": made.repository.cloud_id,
        "identity_file": str(made.identity_file),
        "is_new_identity": made.is_new_identity,
        "recovery_file": str(made.recovery_file),
        "recovery_recipient": made.recovery.recipient,
    }


def _present(terminal: Terminal, made: NewRepository) -> None:
    repository = made.repository
    site = f"Jira site {repository.cloud_id}" if repository.cloud_id else "the Jira site of the first backup"
    terminal.line(f"repository {repository.repository_id} created in {repository.store.uri}, for {site}")
    terminal.line(
        f"operator's identity: {made.identity_file} ({'new' if made.is_new_identity else 'as it was'})"
    )
    if made.recovery_file is not None:
        terminal.line(f"recovery identity: {made.recovery_file}. Move it offline: it opens everything.")
        return
    terminal.line("recovery identity, shown this once. Print it or store it offline: it opens everything.")
    terminal.line()
    terminal.line(made.recovery.to_text(repository.anchor))
