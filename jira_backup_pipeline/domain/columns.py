"""Typed columns of decoded records: each column of the catalogue becomes a function once, and is then asked a million times.

What belongs here: walking a column's path, and conversion to the column's type. What is absent or of another type is
None, never an error: `raw` keeps what Jira sent.

What stays out: which columns a kind has (`catalogue`), and Arrow (`repository.tables`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import TypeAlias

from jira_backup_pipeline.domain.kinds import Column, ColumnType
from jira_backup_pipeline.domain.times import instant_ms

ColumnValue: TypeAlias = str | int | float | bool | None
Extract: TypeAlias = Callable[[object], ColumnValue]
_Convert: TypeAlias = Callable[[object], ColumnValue]

_INT64_LIMIT = 2**63
_BRANCH_AND_LEAF = 2


def extractor(column: Column) -> Extract:
    """Make the function that gives a column's one value of a decoded record; for STRINGS see `texts_extractor`."""
    if not column.path:
        # The record is no object but the value itself, such as a label.
        return _CONVERTERS[column.type]
    return _value_at(column.path, _CONVERTERS[column.type])


def _value_at(path: tuple[str, ...], convert: _Convert) -> Extract:
    *branches, last = path

    def extract(value: object) -> ColumnValue:
        for step in branches:
            # Decoded JSON is plain dicts; asking the abstract class first would cost more than all the rest.
            if type(value) is not dict and not isinstance(value, Mapping):
                return None
            value = value.get(step)
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        found = value.get(last)
        return None if found is None else convert(found)

    return extract


def texts_extractor(column: Column) -> Callable[[object], list[str]]:
    """Make the function that gives the texts of a column of type STRINGS, none where there is no list.

    They are those of the list's members themselves, or of what every member has at the rest of the column's path.
    """
    path = column.path
    walk = _walk_to_texts(path)
    return _texts_below(path[0], path[1], walk) if len(path) == _BRANCH_AND_LEAF else walk


def _texts_below(
    branch: str, leaf: str, walk: Callable[[object], list[str]]
) -> Callable[[object], list[str]]:
    """Make the function for one member of everything in a list, which a changelog has six of for each entry.

    What is not of that shape is left to `walk`.
    """

    def extract(value: object) -> list[str]:
        members = value.get(branch) if type(value) is dict else None
        if type(members) is not list:
            return walk(value)
        return [
            found if type(found := member.get(leaf)) is str and found.isascii() else _as_text(found) or ""
            for member in members
            if type(member) is dict or isinstance(member, Mapping)
        ]

    return extract


def _walk_to_texts(path: tuple[str, ...]) -> Callable[[object], list[str]]:
    def extract(value: object) -> list[str]:
        for position, step in enumerate(path):
            if isinstance(value, list):
                return _texts_of(value, path[position:])
            value = value.get(step) if isinstance(value, dict | Mapping) else None
        return [_as_text(member) or "" for member in value] if isinstance(value, list) else []

    return extract


def _texts_of(members: Iterable[object], path: tuple[str, ...]) -> list[str]:
    *branches, last = path
    for step in branches:
        members = [
            member.get(step) if type(member) is dict or isinstance(member, Mapping) else None
            for member in members
        ]
    # A member that has no such branch at all (a group among people) is no entry; a leaf that is null is one, so that
    # parallel lists stay parallel.
    return [
        _as_text(member.get(last)) or ""
        for member in members
        if type(member) is dict or isinstance(member, Mapping)
    ]


def _as_text(value: object) -> str | None:
    if isinstance(value, str):
        if value.isascii():
            return value
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            # A lone surrogate cannot be written as UTF-8; the exact bytes are in `raw`.
            return value.encode("utf-8", "replace").decode("utf-8")
        return value
    if value is None or isinstance(value, bool):
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
        return instant_ms(value)
    except (ValueError, OverflowError):
        return None


def _as_date(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None


_CONVERTERS: Mapping[ColumnType, _Convert] = MappingProxyType(
    {
        ColumnType.STRING: _as_text,
        ColumnType.INTEGER: _as_integer,
        ColumnType.NUMBER: _as_number,
        ColumnType.BOOLEAN: _as_boolean,
        ColumnType.INSTANT: _as_instant,
        ColumnType.DATE: _as_date,
    }
)
