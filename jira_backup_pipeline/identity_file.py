"""The operator's identity file: private, made once, and carrying the anchor by which a repository is recognised.

What belongs here: reading the file, creating it or the recovery identity's file, and adding an anchor line while every other
line stays as it is.

What stays out: what an identity is and what its text says (`repository.identity`), and where the file lies (`settings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.private_files import create_private, read_private, replace_private
from jira_backup_pipeline.repository.identity import new_identity, read_identity

if TYPE_CHECKING:
    from pathlib import Path

    from jira_backup_pipeline.repository.identity import Anchor, Identity

_WHAT = "identity file"


def load_identity_text(path: Path) -> str:
    """Read an identity file's text.

    Raises:
        ConfigurationError: it is not there or not text.
        Refused: others may read it.
    """
    if not path.exists():
        message = f"the identity file {path} does not exist"
        hint = "Point BACKUP_IDENTITY_FILE at the identity that opens the repository; `jira-backup init` makes a new one."
        raise ConfigurationError(message, hint=hint)
    try:
        return read_private(path, _WHAT).decode("utf-8")
    except UnicodeDecodeError:
        # The cause would hold the file's bytes.
        message = f"the identity file {path} is not text"
        raise ConfigurationError(
            message, hint="It is the file that `jira-backup init` or age-keygen wrote."
        ) from None


def load_identity(path: Path) -> Identity:
    """Read an identity file."""
    return read_identity(load_identity_text(path))


def create_identity(path: Path) -> Identity:
    """Make a new identity and write it to a file that must not exist yet."""
    identity = new_identity()
    write_identity(path, identity)
    return identity


def write_identity(path: Path, identity: Identity) -> None:
    """Write an identity to a file that must not exist yet."""
    create_private(path, Secret(identity.to_text()), _WHAT)


def add_anchor(path: Path, anchor: Anchor) -> None:
    """Add the line that says who signs in a repository; a line that is there already is not repeated."""
    text = Secret(load_identity_text(path))
    if anchor.to_line() not in text.reveal().splitlines():
        replace_private(path, Secret(f"{text.reveal().rstrip()}\n{anchor.to_line()}\n"), _WHAT)
