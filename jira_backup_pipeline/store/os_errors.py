"""What the operating system's errors mean for a store in a folder.

What belongs here: the mapping from `errno` to the errors of `domain`, with the remedy for each.

What stays out: when these errors are met and what is retried (`local`).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final, TypeAlias

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    BackupPipelineError,
    ConfigurationError,
    StoreError,
    TransientError,
)

if TYPE_CHECKING:
    from pathlib import Path

_Remedy: TypeAlias = tuple[type[BackupPipelineError], str]

_FULL: Final[_Remedy] = (
    StoreError,
    "Free space (or raise the quota) there and run again; nothing half written is kept.",
)
_REFUSED: Final[_Remedy] = (
    AccessDenied,
    "Give the account that runs this the permission to {action} in the folder.",
)
_TRANSIENT: Final[_Remedy] = (TransientError, "Run again once the file system answers.")
_EXHAUSTED: Final[_Remedy] = (
    StoreError,
    "Raise the limits of this process (see `ulimit -a`) and run again.",
)
_OTHER: Final[_Remedy] = (StoreError, "Look at the disk and its kernel messages, then run again.")
_REMEDIES: Final[dict[int, _Remedy]] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: (StoreError, "Raise the file size limit of this process or file system and run again."),
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EROFS: (AccessDenied, "Mount the file system for writing, or choose another folder."),
    errno.EAGAIN: _TRANSIENT,
    errno.EBUSY: _TRANSIENT,
    errno.ESTALE: _TRANSIENT,
    errno.ETIMEDOUT: _TRANSIENT,
    errno.EMFILE: _EXHAUSTED,
    errno.ENFILE: _EXHAUSTED,
    errno.ENOMEM: _EXHAUSTED,
    errno.ENAMETOOLONG: (
        ConfigurationError,
        "Choose a folder with a shorter path or another file system.",
    ),
}
# What file systems without hard links, or with mounts inside the folder, answer to link().
_NO_LINKS: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}


def explain_os_error(error: OSError, action: str, key: str, root: Path) -> BackupPipelineError:
    """Turn a failed system call into the error its reader can act on; `action` is a verb such as `write`."""
    reason = (error.strerror or type(error).__name__).lower()
    kind, hint = _REMEDIES.get(error.errno or 0, _OTHER)
    return kind(f"cannot {action} {key} in {root}: {reason}", hint=hint.format(action=action))


def is_link_refused(error: OSError) -> bool:
    """Tell whether a failed link() means that the file system cannot do what the store needs."""
    return error.errno in _NO_LINKS


def no_links(root: Path) -> ConfigurationError:
    """Make the error for a folder on which create-only writes are impossible."""
    return ConfigurationError(
        f"the file system of {root} cannot hard-link files within the folder",
        hint="Choose a folder on one file system with hard links, such as ext4, XFS, APFS or NFS.",
    )
