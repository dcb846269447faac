"""Cuts the exact bytes of each record out of an answer, and decodes them once.

What belongs here: `split_object`, `split_array`, `Page` and `read_value`. What Jira sent is never re-serialised: a slice
is the very bytes between two commas.

What stays out: what the records mean (`listing`, `issues`) and the forgiving path for odd pages (`wire.scanner`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from jira_backup_pipeline.jira.wire import scanner
from jira_backup_pipeline.jira.wire.messages import Garbled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Bytes of an answer, or a view into them that keeps the answer alive until the bytes are taken.
Slice: TypeAlias = msgspec.Raw | bytes

# Everything that a strict decoder can object to: syntax, nesting deeper than the stack, bytes that are not UTF-8.
_REFUSALS = (msgspec.MsgspecError, RecursionError, ValueError)
_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_SORTED = msgspec.json.Encoder(order="sorted")
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def split_object(data: Slice) -> Mapping[str, Slice]:
    """Cut an object into its members' exact bytes.

    Raises:
        Garbled: it is cut off or not an object.
    """
    try:
        return _OBJECT.decode(data)
    except _REFUSALS:
        return scanner.split_object(bytes(data))


def split_array(data: Slice) -> Sequence[Slice]:
    """Cut an array into its elements' exact bytes.

    Raises:
        Garbled: it is cut off or not an array.
    """
    try:
        return _ARRAY.decode(data)
    except _REFUSALS:
        return scanner.split_array(bytes(data))


def read_value(data: Slice) -> object:
    """Decode a slice; of one that no strict decoder takes, whatever can be saved."""
    try:
        return _ANY.decode(data)
    except _REFUSALS:
        return scanner.lenient_value(bytes(data))


def read_answer(body: bytes) -> object:
    """Decode a whole answer; an empty one is None.

    Raises:
        Garbled: it is cut off or not JSON.
    """
    try:
        return _ANY.decode(body) if body.strip() else None
    except _REFUSALS:
        data = body.strip()
        if data[:1] not in (b"{", b"[") or scanner.value_end(data, 0) != len(data):
            raise Garbled("the answer is no JSON from its beginning to its end") from None
        return scanner.lenient_value(data)


def read_strictly(data: Slice) -> tuple[object, bool]:
    """Decode a slice and tell whether nothing had to be given up for it."""
    try:
        return _ANY.decode(data), True
    except _REFUSALS:
        return scanner.lenient_value(bytes(data)), False


def canonical_bytes(value: object) -> bytes | None:
    """Encode a decoded value with its members in order; None where it does not encode (too deep, a lone surrogate)."""
    try:
        return _SORTED.encode(value)
    except (msgspec.MsgspecError, RecursionError, OverflowError, ValueError):
        return None


def whole_record(body: bytes) -> Slice:
    """Give the exact bytes of an answer that is one record.

    Raises:
        Garbled: the answer is cut off or not an object.
    """
    split_object(body)
    return body.strip()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: its records as slices, and what the page says about the list."""

    items: Sequence[Slice]
    members: Mapping[str, Slice]

    @classmethod
    def read(cls, body: Slice, items: str) -> Page:
        """Cut up a page; `items` names the member with the list, "" where the answer is the list.

        Raises:
            Garbled: the answer is cut off, or not of that shape.
        """
        if not items:
            return cls(split_array(body), {})
        members = split_object(body)
        if items not in members:
            raise Garbled(f"the answer has no member {items!r}")
        return cls(split_array(members[items]), members)

    def value(self, name: str) -> object:
        """Decode one of the page's own members, None where it is absent."""
        return read_value(self.members[name]) if name in self.members else None

    def number(self, name: str) -> int | None:
        """Give a whole number that the page states, None where it is absent or something else."""
        value = self.value(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool | None:
        """Give a yes or no that the page states, None where it is absent or something else."""
        value = self.value(name)
        return value if isinstance(value, bool) else None
