"""Making a repository with its two identities, in an order that no crash and no refusal turns into a trap.

What belongs here: the operator's identity (made where there is none), the recovery identity, the repository, and the anchors
by which both identities recognise it. A repository whose recovery identity nobody has seen never comes to be, and identities
of a repository that could not be made are taken away again.

What stays out: what a repository consists of (`repository`), private files (`identity_file`), presentation (`commands.init`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.identity_file import add_anchor, create_identity, load_identity, write_identity
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import create_repository, open_jira_reader

if TYPE_CHECKING:
    from pathlib import Path

    from jira_backup_pipeline.repository.identity import Identity
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class NewRepository:
    """A repository that was just made; `recovery_file` is None when the recovery identity must be shown instead."""

    repository: Repository
    recovery: Identity
    identity_file: Path
    recovery_file: Path | None
    is_new_identity: bool

    def anchor(self) -> None:
        """Tell both identity files who signs in the repository; do it once the recovery identity has been shown."""
        for path in filter(None, (self.identity_file, self.recovery_file)):
            add_anchor(path, self.repository.anchor)


def set_up(settings: Settings, *, recovery_file: Path | None) -> NewRepository:
    """Make the repository at `BACKUP_URI`.

    Raises:
        ConfigurationError: settings are missing; CredentialsRejected: Jira is configured and refuses us.
        AlreadyExists: there is a repository, or a file where the recovery identity should go; nothing was changed.
    """
    settings.require(Need.REPOSITORY, Need.IDENTITY)
    # With credentials at hand the site is known from the start; else the first backup decides.
    cloud_id = open_jira_reader(settings).whoami().cloud_id if settings.has_jira else None
    identity_file, recovery = settings.identity_path(), new_identity()
    made: list[Path] = []
    try:
        is_new = not identity_file.exists()
        if is_new:
            create_identity(identity_file)
            made.append(identity_file)
        load_identity(identity_file)
        if recovery_file is not None:
            write_identity(recovery_file, recovery)
            made.append(recovery_file)
        repository = create_repository(settings, recovery_recipient=recovery.recipient, cloud_id=cloud_id)
    except BackupPipelineError:
        for path in made:
            path.unlink()
        raise
    return NewRepository(repository, recovery, identity_file, recovery_file, is_new)
