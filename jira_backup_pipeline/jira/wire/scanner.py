"""A forgiving reader of JSON structure, for the page that a strict decoder refuses because of one record.

What belongs here: finding where members and elements begin and end without recursion and without judging what is
inside, and a lenient decoding that saves what can be saved of one bad record.

What stays out: the ordinary, strict and fast way (`wire.slices`), which comes here only after it failed.
"""

from __future__ import annotations

import json
import re

from jira_backup_pipeline.jira.wire.messages import Garbled

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,\]}{\["]++')
_STRUCTURE = re.compile(rb'["\[\]{}]')
_BRACE, _BRACE_END, _BRACKET, _BRACKET_END, _QUOTE, _COLON, _COMMA = b'{}[]":,'
_CLOSER = {_BRACE: _BRACE_END, _BRACKET: _BRACKET_END}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# An issue's oddities lie in one field or inside one of its lists: deeper than this nothing is saved one by one.
_SAVED_LEVELS = 3

Span = tuple[int, int]


def split_object(data: bytes) -> dict[str, bytes]:
    """Cut an object into the exact bytes of its member values, by name (the last of equal names wins).

    Raises:
        Garbled: the bytes do not end where JSON does (cut off, or not an object).
    """
    members: dict[str, bytes] = {}
    position = _opening(data, _BRACE)
    while data[position] != _BRACE_END:
        name_end = _string_end(data, position)
        name = _text(data[position:name_end])
        position = _expect(data, name_end, _COLON)
        end = value_end(data, position)
        members[name] = data[position:end]
        position = _following(data, end, _BRACE_END)
    _nothing_after(data, position + 1)
    return members


def split_array(data: bytes) -> list[bytes]:
    """Cut an array into the exact bytes of its elements.

    Raises:
        Garbled: the bytes do not end where JSON does (cut off, or not an array).
    """
    elements: list[bytes] = []
    position = _opening(data, _BRACKET)
    while data[position] != _BRACKET_END:
        end = value_end(data, position)
        elements.append(data[position:end])
        position = _following(data, end, _BRACKET_END)
    _nothing_after(data, position + 1)
    return elements


def value_end(data: bytes, start: int) -> int:
    """Give the position after the value that begins at `start`, however deep it is nested."""
    if start >= len(data):
        raise _cut(data)
    first = data[start]
    if first == _QUOTE:
        return _string_end(data, start)
    if first not in _CLOSER:
        scalar = _SCALAR.match(data, start)
        if scalar is None:
            raise Garbled(f"a value was expected at byte {start}")
        return scalar.end()
    return _nested_end(data, start)


def _nested_end(data: bytes, start: int) -> int:
    awaited = bytearray([_CLOSER[data[start]]])
    position = start + 1
    while awaited:
        found = _STRUCTURE.search(data, position)
        if found is None:
            raise _cut(data)
        sign, position = data[found.start()], found.end()
        if sign == _QUOTE:
            position = _string_end(data, found.start())
        elif sign in _CLOSER:
            awaited.append(_CLOSER[sign])
        elif sign != awaited.pop():
            raise Garbled(f"brackets do not match at byte {found.start()}")
    return position


def lenient_value(data: bytes) -> object:
    """Decode what can be decoded of one value: undecodable members become None, bad UTF-8 becomes U+FFFD.

    A value of which nothing can be read is an empty mapping. The exact bytes stay the truth.
    """
    saved = _saved(data, _SAVED_LEVELS)
    return {} if saved is None and data.strip() != b"null" else saved


def _saved(data: bytes, levels: int) -> object:
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        if not levels:
            return None
    try:
        if data[:1] == b"{":
            return {name: _saved(member, levels - 1) for name, member in split_object(data).items()}
        if data[:1] == b"[":
            return [_saved(element, levels - 1) for element in split_array(data)]
    except Garbled:
        return None
    return None


def _opening(data: bytes, opener: int) -> int:
    position = _skip(data, len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0)
    if position >= len(data):
        raise _cut(data)
    if data[position] != opener:
        raise Garbled(f"{chr(opener)} was expected at byte {position}")
    return _within(data, position + 1)


def _following(data: bytes, end: int, closer: int) -> int:
    position = _within(data, end)
    if data[position] == closer:
        return position
    position = _within(data, _expect(data, position, _COMMA))
    if data[position] == closer:
        raise Garbled(f"a value was expected at byte {position}")
    return position


def _expect(data: bytes, position: int, sign: int) -> int:
    position = _within(data, position)
    if data[position] != sign:
        raise Garbled(f"{chr(sign)} was expected at byte {position}")
    return _within(data, position + 1)


def _within(data: bytes, position: int) -> int:
    position = _skip(data, position)
    if position >= len(data):
        raise _cut(data)
    return position


def _nothing_after(data: bytes, position: int) -> None:
    if _skip(data, position) < len(data):
        raise Garbled(f"there is more after the end at byte {position}")


def _skip(data: bytes, position: int) -> int:
    found = _SPACE.match(data, position)
    return found.end() if found else position


def _string_end(data: bytes, start: int) -> int:
    found = _STRING.match(data, start)
    if found is None:
        raise (
            _cut(data) if data[start : start + 1] == b'"' else Garbled(f"a text was expected at byte {start}")
        )
    return found.end()


def _text(data: bytes) -> str:
    try:
        return str(json.loads(data.decode("utf-8", "replace"), strict=False))
    except ValueError:
        return data[1:-1].decode("utf-8", "replace")


def _cut(data: bytes) -> Garbled:
    return Garbled(f"the answer ends in the middle, after {len(data)} bytes")
