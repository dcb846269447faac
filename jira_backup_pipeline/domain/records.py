"""One captured thing and what can be said of it without asking anybody: its columns, its canonical form, its digest.

What belongs here: the `Record` value, pure extraction of typed columns by the catalogue's paths, and the canonical
digest by which a re-read recognises that nothing changed.

What stays out: decoding of answers (`jira.wire`), Arrow and Parquet (`repository.tables`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TypeAlias, TypeGuard

from jira_backup_pipeline.domain.kinds import BY_NAME, Column, ColumnType
from jira_backup_pipeline.domain.times import parse_instant, to_epoch_ms

_INT64_LIMIT = 2**63
# Members that differ from reader to reader or from call to call although nothing changed in Jira.
_VOLATILE_MEMBERS = frozenset({"lastViewed", "isWatching", "hasVoted", "expand", "insight", "issueCount"})

_ISSUE, _PROPERTY = "issue", "issue_property"

ColumnValue: TypeAlias = str | int | float | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class Record:
    """One thing of a kind as Jira sent it.

    `raw` holds the exact bytes of the answer's slice, `value` the same decoded, `issue_id` the issue it hangs on
    (for an issue its own id, None above issue level), `extra` the columns that are not in `raw` (an attachment's blob).
    `canonical` is the 16-byte digest of `settled(kind, value)` where the reader made it with a faster encoder.
    """

    kind: str
    id: str
    raw: bytes
    value: object
    issue_id: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    canonical: bytes | None = field(default=None, repr=False, compare=False)


def column_values(record: Record) -> dict[str, ColumnValue]:
    """Give the typed columns of a record by name; what is absent or of another type is None (`raw` keeps it)."""
    value = record.value
    return {column.name: column_value(value, column) for column in BY_NAME[record.kind].columns}


def column_value(value: object, column: Column) -> ColumnValue:
    """Walk `column.path` through a decoded record and convert what is found to the column's type."""
    if column.type is ColumnType.STRINGS:
        found = [_as_text(member) for member in _members(value, column.path)]
        # A history item without a value keeps its place: parallel lists stay parallel.
        return [text if text is not None else "" for text in found]
    for step in column.path:
        if type(value) is dict or isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return None if value is None else _CONVERTERS[column.type](value)


def _members(value: object, path: tuple[str, ...]) -> Iterable[object]:
    for position, step in enumerate(path):
        if isinstance(value, list):
            rest = path[position:]
            # A member that has no such branch at all (a group among people) is no entry; a leaf that is null is one.
            return [leaf for member in value for found, leaf in [_leaf(member, rest)] if found]
        value = value.get(step) if _is_object(value) else None
    return value if isinstance(value, list) else []


def _leaf(value: object, path: tuple[str, ...]) -> tuple[bool, object]:
    *branches, last = path
    for step in branches:
        if not _is_object(value) or not _is_object(value.get(step)):
            return False, None
        value = value[step]
    return (True, value.get(last)) if _is_object(value) else (False, None)


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    # Decoded JSON is plain dicts; asking the abstract class first would cost more than all the rest.
    return type(value) is dict or isinstance(value, Mapping)


def _as_text(value: object) -> str | None:
    if isinstance(value, str):
        if value.isascii():
            return value
        # A lone surrogate cannot be written as UTF-8; the exact bytes are in `raw`.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, int) else None


def _as_integer(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -_INT64_LIMIT <= value < _INT64_LIMIT else None


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _as_boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_instant(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return to_epoch_ms(parse_instant(value))
    except (ValueError, OverflowError):
        return None


def _as_date(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None


_CONVERTERS = MappingProxyType(
    {
        ColumnType.STRING: _as_text,
        ColumnType.INTEGER: _as_integer,
        ColumnType.NUMBER: _as_number,
        ColumnType.BOOLEAN: _as_boolean,
        ColumnType.INSTANT: _as_instant,
        ColumnType.DATE: _as_date,
    }
)


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
    if kind == _PROPERTY or not isinstance(value, Mapping):
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
        kept["fields"] = {
            name: _without_volatile(member)
            for name, member in fields.items()
            if name not in _VOLATILE_MEMBERS
        }
    return kept


def _without_volatile(member: object) -> object:
    if isinstance(member, Mapping) and not _VOLATILE_MEMBERS.isdisjoint(member):
        return {name: value for name, value in member.items() if name not in _VOLATILE_MEMBERS}
    return member
