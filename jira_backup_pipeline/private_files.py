"""Files that only their owner may read: keys, identities, the vault.

What belongs here: refusing a file that is open to others before a byte of it is used, and creating or replacing one so that
neither a crash nor the umask leaves half of it or opens it.

What stays out: what is in the files (`vault`, `identity_file`).
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from jira_backup_pipeline.domain.errors import AlreadyExists, ConfigurationError, Refused, StoreError

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.secrets import Secret

_OPEN_TO_OTHERS: Final = 0o077


def read_private(path: Path, what: str) -> bytes:
    """Read a file that only its owner may read; `what` names it in errors.

    Raises:
        Refused: others may read or write it; not a byte was used.
        ConfigurationError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & _OPEN_TO_OTHERS:
                message = f"the {what} {path} is open to others (mode {mode:04o})"
                hint = f"Close it with `chmod 600 {path}`, and consider what was in it as known to others."
                raise Refused(message, hint=hint)
            return stream.read()
    except OSError as error:
        message = f"cannot read the {what} {path}: {error.strerror}"
        raise ConfigurationError(message, hint="Check the path and who owns the file.") from error


def create_private(path: Path, content: Secret, what: str) -> None:
    """Create a file that only its owner may read, durably.

    Raises:
        AlreadyExists: there is a file of that name; it was not touched.
        StoreError: the folder is missing, not writable or full.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        message = f"the {what} {path} exists already"
        raise AlreadyExists(
            message, hint="It is never overwritten; choose another name, or move it away."
        ) from error
    except OSError as error:
        raise unwritable(path, what, error) from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _write(stream, content)
        _keep_name(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise unwritable(path, what, error) from error


def replace_private(path: Path, content: Secret, what: str) -> None:
    """Replace (or create) a file in one step; a reader sees the old one or the new one, after a power cut too.

    Raises:
        StoreError: the folder is missing, not writable or full; the old file is as it was.
    """
    # A link stays a link: its target is what gets replaced.
    target = path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise unwritable(path, what, error) from error
    try:
        # mkstemp makes the file 0600, and it keeps that mode.
        with os.fdopen(descriptor, "wb") as stream:
            _write(stream, content)
        Path(temporary).replace(target)
        _keep_name(target.parent)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise unwritable(path, what, error) from error


def unwritable(path: Path, what: str, error: OSError) -> StoreError:
    """Make the one error for a private file that cannot be written."""
    return StoreError(
        f"cannot write the {what} {path}: {error.strerror}",
        hint="Check that its folder exists, is writable and has space.",
    )


def _write(stream: BinaryIO, content: Secret) -> None:
    stream.write(content.reveal().encode())
    stream.flush()
    os.fsync(stream.fileno())


def _keep_name(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
