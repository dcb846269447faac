"""Identity files: the age identity of an operator, with the local trust anchors written into its comments.

What belongs here: reading and writing the text of an identity file.

What stays out: where the file lies and its permissions (`settings`, `cli`), and what the identity opens (`keyring`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.repository.sealing import generate_identity, recipient_of

_SECRET_PREFIX = "AGE-SECRET-KEY-1"  # noqa: S105 - the public marker of an age identity line
_ANCHOR = re.compile(r"#\s*jira-backup signer (ed25519:[A-Za-z0-9+/=]+) repository (\S+)\s*\Z")


@dataclass(frozen=True, slots=True)
class Anchor:
    """What this machine knows of a repository without asking the store: its id and who signs in it."""

    signer: str
    repository_id: str

    def to_line(self) -> str:
        """Give the comment line that goes into an identity file."""
        return f"# jira-backup signer {self.signer} repository {self.repository_id}"


@dataclass(frozen=True, slots=True)
class Identity:
    """An age identity: the secret line (never shown), its public recipient and the anchors beside it."""

    secret: str = field(repr=False)
    recipient: str
    anchors: tuple[Anchor, ...] = ()

    def to_text(self, *anchors: Anchor) -> str:
        """Give the content of an identity file with these anchors added."""
        lines = [f"# public key: {self.recipient}"]
        lines += [anchor.to_line() for anchor in dict.fromkeys((*self.anchors, *anchors))]
        return "\n".join([*lines, self.secret, ""])


def new_identity() -> Identity:
    """Make a new age identity."""
    secret, recipient = generate_identity()
    return Identity(secret, recipient)


def read_identity(text: str) -> Identity:
    """Read the content of an identity file.

    Raises:
        ConfigurationError: it holds no age identity, more than one, or a garbled one.
    """
    lines = [line.strip() for line in text.splitlines()]
    secrets = [line for line in lines if line.upper().startswith(_SECRET_PREFIX)]
    if len(secrets) != 1:
        found = "no age identity" if not secrets else f"{len(secrets)} age identities instead of one"
        message = f"the identity file holds {found}"
        raise ConfigurationError(
            message,
            hint="Point BACKUP_IDENTITY_FILE at the file that `jira-backup init` or age-keygen wrote.",
        )
    matches = (_ANCHOR.match(line) for line in lines)
    anchors = [Anchor(match[1], match[2]) for match in matches if match is not None]
    return Identity(secrets[0], recipient_of(secrets[0]), tuple(anchors))
