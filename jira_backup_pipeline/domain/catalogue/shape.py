"""The words of the catalogue: what can be said of a kind, of its listing and of its columns.

What belongs here: the value types of a catalogue entry and the short names that describe columns.

What stays out: the entries themselves (`site`, `project`, `issue` beside this module).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a kind hangs on; site kinds are captured in the site scope, the other two in a project's scope."""

    SITE = "site"
    PROJECT = "project"
    ISSUE = "issue"


class Paging(StrEnum):
    """How Jira hands out a list."""

    SINGLE = "single"
    ARRAY = "array"
    OFFSET = "offset"
    START_ONLY = "start only"
    CURSOR = "cursor"
    LINKS = "links"
    INLINE = "inline"


class Recognition(StrEnum):
    """How a restore knows a thing that it already made, so that a crash never makes a second copy."""

    ORIGIN_MARK = "origin mark"
    NATURAL_KEY = "natural key"
    LIST_AND_MATCH = "list and match"
    NEVER = "never created"


class ColumnType(StrEnum):
    """The value type of a table column, in words that do not depend on a file library."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DATE = "date"
    STRINGS = "strings"


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column: `path` walks the decoded record; for STRINGS the last step is taken of every list member."""

    name: str
    type: ColumnType
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Where Jira lists a kind.

    `path` may hold `{project_id}`, `{issue_id}` or `{parent_id}` (an id of the kind named by `parent`); `items` names
    the member that holds the list ("" where the answer itself is the list or the one record).
    """

    path: str
    paging: Paging
    items: str = ""
    query: tuple[tuple[str, str], ...] = ()
    page_size: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of Jira thing. `id_path` is where its id lies in the decoded record."""

    name: str
    table: str
    level: Level
    listing: Listing
    columns: tuple[Column, ...]
    recognition: Recognition
    title: str
    parent: str | None = None
    id_path: tuple[str, ...] = ("id",)
    is_restorable: bool = True
    restore_note: str = ""


def text(name: str, *path: str) -> Column:
    """Describe a column of text; without a path the member has the column's name."""
    return Column(name, ColumnType.STRING, path or (name,))


def count(name: str, *path: str) -> Column:
    """Describe a column of whole numbers."""
    return Column(name, ColumnType.INTEGER, path or (name,))


def flag(name: str, *path: str) -> Column:
    """Describe a column of yes or no."""
    return Column(name, ColumnType.BOOLEAN, path or (name,))


def instant(name: str, *path: str) -> Column:
    """Describe a column of moments."""
    return Column(name, ColumnType.INSTANT, path or (name,))


def date(name: str, *path: str) -> Column:
    """Describe a column of calendar days."""
    return Column(name, ColumnType.DATE, path or (name,))


def texts(name: str, *path: str) -> Column:
    """Describe a column that holds a list of texts."""
    return Column(name, ColumnType.STRINGS, path or (name,))
