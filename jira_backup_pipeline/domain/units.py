"""The unit: what is captured, stored and replaced as a whole, and how a snapshot points at it.

What belongs here: the values that cross between capture and repository. An issue with everything that hangs on it is one
unit; every project-level or site-level record is a unit of its own.

What stays out: files and encryption (`repository`), and how units are read (`engine.ports`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.records import Record


@dataclass(frozen=True, slots=True)
class StoredUnit:
    """A unit on its way into a pack. `kind` and `id` name it ("issue" and the issue's id for an issue).

    `updated_ms` is Jira's `updated` in epoch milliseconds (0 where the kind has none); `digest` comes from
    `domain.records.unit_digest`.
    """

    kind: str
    id: str
    updated_ms: int
    digest: bytes
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class UnitRef:
    """A unit in a pack, as index and receipt name it. `counts` are its records by kind name."""

    kind: str
    id: str
    updated_ms: int
    digest: bytes
    pack: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Stored bytes of an attachment: `name` is the keyed digest within the scope, sizes are of the plaintext."""

    name: str
    size_bytes: int
    plain_sha256: str
