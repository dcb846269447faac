"""One captured thing and what can be said of it without asking anybody: its canonical form and its digest.

What belongs here: the `Record` value, and the canonical digest by which a re-read recognises that nothing changed.

What stays out: decoding of answers (`jira.wire`), typed columns (`columns`), Arrow and Parquet (`repository.tables`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

# Members that differ from reader to reader or from call to call although nothing changed in Jira.
_VOLATILE_MEMBERS = frozenset({"lastViewed", "isWatching", "hasVoted", "expand", "insight", "issueCount"})

_ISSUE, _PROPERTY = "issue", "issue_property"
# Shared by the millions of records that have no extra columns.
NO_EXTRA: Mapping[str, object] = MappingProxyType({})


@dataclass(slots=True)
class Record:
    """One thing of a kind as Jira sent it. It never changes: the type checker sees to it, at no cost for each of millions.

    `raw` holds the exact bytes of the answer's slice, `value` the same decoded, `issue_id` the issue it hangs on
    (for an issue its own id, None above issue level), `extra` the columns that are not in `raw` (an attachment's blob).
    `canonical` is the 16-byte digest of `settled(kind, value)` where the reader made it with a faster encoder.
    """

    kind: Final[str]
    id: Final[str]
    raw: Final[bytes]
    value: Final[object]
    issue_id: Final[str | None] = None
    extra: Final[Mapping[str, object]] = field(default_factory=lambda: NO_EXTRA)
    canonical: Final[bytes | None] = field(default=None, repr=False, compare=False)


def unit_digest(records: Iterable[Record]) -> bytes:
    """Digest a unit (an issue with all that hangs on it, or one record) so that equal content gives equal bytes.

    Member order, volatile members and the order of the records do not count; everything else does.

    Returns:
        16 bytes.
    """
    parts = sorted((record.kind, record.id, canonical_digest(record)) for record in records)
    digest = hashlib.blake2b(digest_size=16)
    for kind, record_id, content in parts:
        digest.update(f"{kind}\0{record_id}\0".encode("utf-8", "surrogatepass"))
        digest.update(content)
    return digest.digest()


def canonical_digest(record: Record) -> bytes:
    """Digest one record and its extra columns without regard to member order and volatile members (16 bytes)."""
    content = record.canonical or _digest_of(settled(record.kind, record.value), record.raw)
    if not record.extra:
        return content
    extra = json.dumps(dict(record.extra), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(content + extra.encode("ascii"), digest_size=16).digest()


def _digest_of(value: object, raw: bytes) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        # Nested deeper than the interpreter walks: only equal bytes are then known to be equal content.
        return hashlib.blake2b(raw, digest_size=16).digest()
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()


def settled(kind: str, value: object) -> object:
    """Drop volatile members at the two depths where Jira puts them; deeper content belongs to the customer."""
    # Decoded JSON is plain dicts; asking the abstract class of every record would cost more than all the rest.
    if kind == _PROPERTY or (type(value) is not dict and not isinstance(value, Mapping)):
        return value
    kept: Mapping[str, object] = value
    if not _VOLATILE_MEMBERS.isdisjoint(value):
        kept = {name: member for name, member in value.items() if name not in _VOLATILE_MEMBERS}
    if kind != _ISSUE:
        return kept
    # Records of their own; which of them an issue shows depends on which were asked for.
    kept = {name: member for name, member in kept.items() if name != "properties"}
    fields = kept.get("fields")
    if isinstance(fields, Mapping):
        kept["fields"] = _settled_fields(fields)
    return kept


def _settled_fields(fields: Mapping[str, object]) -> dict[str, object]:
    kept = dict(fields)
    for name in _VOLATILE_MEMBERS.intersection(kept):
        del kept[name]
    for name, member in kept.items():
        if type(member) is dict and not _VOLATILE_MEMBERS.isdisjoint(member):
            kept[name] = {inner: value for inner, value in member.items() if inner not in _VOLATILE_MEMBERS}
    return kept
