"""From the text of `BACKUP_URI` to a store.

What belongs here: the grammar of store addresses and the refusal of what is not one.

What stays out: the stores themselves (`local`, `s3`) and the reading of settings (`settings` at the top level).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.store.access import AwsAccess, S3Options
from jira_backup_pipeline.store.contract import check_key
from jira_backup_pipeline.store.local import LocalStore

if TYPE_CHECKING:
    from jira_backup_pipeline.store.contract import Store

_HINT: Final = "Set BACKUP_URI to file:///absolute/path or s3://bucket/prefix."
# Wider than what AWS allows today: other servers and old buckets have underscores and capitals.
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]\Z")


def open_store(uri: str, *, aws: AwsAccess | None = None, options: S3Options | None = None) -> Store:
    """Open the store that an address names; nothing is contacted or created yet.

    Raises:
        ConfigurationError: the address is not one of `file:///absolute/path` and `s3://bucket/prefix`.
        Refused: the S3 endpoint is plain http and not on this machine.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise _bad("cannot be read as an address") from error
    # The text itself is never shown: people have put credentials into it.
    if "@" in parts.netloc:
        raise _bad(
            "holds a user name or password",
            hint="Leave credentials out of it; set AWS variables or `jira-backup credentials set`.",
        )
    if parts.query or parts.fragment or "?" in uri or "#" in uri:
        raise _bad(
            "holds a `?` or `#`", hint=f"{_HINT} Write these characters as %3F and %23 in a file path."
        )
    if parts.scheme == "file":
        return LocalStore(_folder(parts))
    if parts.scheme == "s3":
        return _bucket_store(parts, aws or AwsAccess(), options or S3Options())
    raise _bad("is neither file:// nor s3://" if parts.scheme else "has no scheme")


def _folder(parts: SplitResult) -> Path:
    if parts.netloc not in {"", "localhost"}:
        raise _bad("names a host", hint=f"{_HINT} A local path has three slashes: file:///srv/backup.")
    path = unquote(parts.path)
    if "\0" in path or not path.startswith("/"):
        raise _bad("has no absolute path")
    if not path.strip("/"):
        raise _bad("names the root of the file system", hint="Choose a folder of its own for the backup.")
    return Path(path)


def _bucket_store(parts: SplitResult, aws: AwsAccess, options: S3Options) -> Store:
    if not _BUCKET.match(parts.netloc):
        raise _bad("has no valid bucket name")
    prefix = parts.path.strip("/")
    if prefix:
        try:
            check_key(prefix)
        except ConfigurationError as error:
            raise _bad(
                "has a prefix with characters that need quoting",
                hint="Use letters, digits and . _ = - between slashes, such as s3://bucket/jira/production.",
            ) from error
    # boto3 costs a third of a second to import, which a local folder need not pay.
    from jira_backup_pipeline.store.s3 import S3Store, connect  # noqa: PLC0415

    return S3Store(connect(aws), parts.netloc, prefix, options=options)


def _bad(reason: str, *, hint: str = _HINT) -> ConfigurationError:
    return ConfigurationError(f"the address of the store {reason}", hint=hint)
