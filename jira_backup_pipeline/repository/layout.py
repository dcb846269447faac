"""Where objects lie: the names of everything a repository stores, and nothing else.

What belongs here: pure functions from values to object keys and back, and the rules for their parts.

What stays out: what the objects hold (`documents`, `tables`, `blobs`) and any access to a store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jira_backup_pipeline.domain.errors import ConfigurationError

REPOSITORY_KEY = "repository.json"
BINDING_KEY = "binding.json"
REPOSITORY_RING = "repository"
SNAPSHOT_PREFIX = "snapshots/"
KEYRING_PREFIX = "keyring/"

# The folders of sealed documents that are neither manifest, receipt nor key.
DOCUMENT_PREFIXES = frozenset(
    {"runs", "journals", "reports", "holds", "leases", "removals", "erasures", "drills", "searches"}
)

_SCOPE = re.compile(r"(site|project-[A-Za-z0-9_-]{1,64})\Z")
_KEYRING = re.compile(r"keyring/([A-Za-z0-9_-]+)/(\d{4,}|[0-9a-f]{32})\.(\d+)\.age\Z")
_SNAPSHOT = re.compile(r"snapshots/([A-Za-z0-9_-]+)/(\d{8,})\.age\Z")
_TABLE = re.compile(r"packs/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/([a-z_]+)-(\d{3,})\.parquet\Z")
_RECEIPT = re.compile(r"packs/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/receipt\.age\Z")
_INDEX = re.compile(r"indexes/([A-Za-z0-9_-]+)/(\d{4,})\.([0-9a-f]{64})\.parquet\Z")
_BLOB = re.compile(r"blobs/([A-Za-z0-9_-]+)/[0-9a-f]{2}/([0-9a-f]{64})\.age\Z")


@dataclass(frozen=True, slots=True)
class KeyringName:
    """The parts of a keyring entry's key: the `wrap` counts up when recipients change, the `epoch` when keys do.

    For the repository's own entry the repository id stands in the place of the epoch.
    """

    scope: str
    epoch: str
    wrap: int


@dataclass(frozen=True, slots=True)
class TableName:
    """The parts of a table file's key."""

    scope: str
    pack: str
    kind: str


def check_scope(scope: str) -> str:
    """Refuse what is not a scope's name."""
    if not _SCOPE.match(scope):
        message = f"not the name of a scope: {scope[:80]!r}"
        raise ConfigurationError(message, hint="A scope is `site` or `project-` with the numeric project id.")
    return scope


def keyring_key(scope: str, epoch: str, wrap: int) -> str:
    """Name a keyring entry."""
    return f"{KEYRING_PREFIX}{scope}/{epoch}.{wrap}.age"


def keyring_prefix(scope: str) -> str:
    """Name the folder of a scope's keyring."""
    return f"{KEYRING_PREFIX}{scope}/"


def parse_keyring(key: str) -> KeyringName | None:
    """Take a keyring entry's key apart; None when it is not one."""
    found = _KEYRING.match(key)
    return KeyringName(found[1], found[2], int(found[3])) if found else None


def packs_prefix(scope: str) -> str:
    """Name the folder of a scope's packs."""
    return f"packs/{scope}/"


def table_key(scope: str, pack: str, kind: str, number: int) -> str:
    """Name a table file of a pack; `units` stands beside the kinds of the catalogue."""
    return f"packs/{scope}/{pack}/{kind}-{number:03}.parquet"


def parse_table(key: str) -> TableName | None:
    """Take a table file's key apart; None when it is not one."""
    found = _TABLE.match(key)
    return TableName(found[1], found[2], found[3]) if found else None


def receipt_key(scope: str, pack: str) -> str:
    """Name a pack's receipt."""
    return f"packs/{scope}/{pack}/receipt.age"


def parse_receipt(key: str) -> tuple[str, str] | None:
    """Give scope and pack of a receipt's key; None when it is not one."""
    found = _RECEIPT.match(key)
    return (found[1], found[2]) if found else None


def index_key(scope: str, epoch: str, digest: str) -> str:
    """Name an index by the epoch of its key and the digest of its rows."""
    return f"indexes/{scope}/{epoch}.{digest}.parquet"


def parse_index(key: str) -> tuple[str, str, str] | None:
    """Give scope, epoch and digest of an index's key; None when it is not one."""
    found = _INDEX.match(key)
    return (found[1], found[2], found[3]) if found else None


def blob_key(scope: str, name: str) -> str:
    """Name a blob's object; the two leading digits spread the blobs over folders."""
    return f"blobs/{scope}/{name[:2]}/{name}.age"


def parse_blob(key: str) -> tuple[str, str] | None:
    """Give scope and name of a blob's key; None when it is not one."""
    found = _BLOB.match(key)
    return (found[1], found[2]) if found else None


def snapshots_prefix(scope: str) -> str:
    """Name the folder of a scope's manifests."""
    return f"{SNAPSHOT_PREFIX}{scope}/"


def snapshot_key(scope: str, number: int) -> str:
    """Name a manifest; eight digits keep the order of names the order of numbers."""
    return f"{SNAPSHOT_PREFIX}{scope}/{number:08}.age"


def parse_snapshot(key: str) -> tuple[str, int] | None:
    """Give scope and number of a manifest's key; None when it is not one."""
    found = _SNAPSHOT.match(key)
    return (found[1], int(found[2])) if found else None


def document_key(prefix: str, name: str) -> str:
    """Name a sealed document of one of the known folders."""
    if prefix not in DOCUMENT_PREFIXES:
        message = f"not a folder of documents: {prefix[:80]!r}"
        raise ConfigurationError(message, hint=f"The folders are {', '.join(sorted(DOCUMENT_PREFIXES))}.")
    return f"{prefix}/{name}.age"
