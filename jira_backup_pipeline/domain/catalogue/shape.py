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
    WHOLE = "whole list"
    OFFSET = "offset"
    START_ONLY = "start only"
    CURSOR = "cursor"
    LINKS = "links"
    KEYS = "keys"
    MEMBERS = "members"
    NAMES = "names"
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
class Condition:
    """Which parents are worth a question: those where `path` leads to one of `values`, or to a text that begins with one of `starts`.

    `of` names the ancestor kind that is looked at; without it the parent itself is. With `is_cut` the path leads to a
    list inside of the parent, and the parents are those that hold less of it than its `total`.
    """

    path: tuple[str, ...]
    values: tuple[str | bool, ...] = ()
    of: str | None = None
    starts: tuple[str, ...] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class PageWords:
    """What a list calls its page: where to start, how much to give, and where the answer holds the next cursor."""

    start: str = "startAt"
    size: str = "maxResults"
    next_cursor: tuple[str, ...] = ()


_USUAL_WORDS = PageWords()
# What a service desk calls the same.
DESK_WORDS = PageWords(start="start", size="limit")
# The id of a record that is a plain text: the text itself.
ITSELF = ("",)
# A step of an id's path: what an address ends with.
LAST_PART = "/"


@dataclass(frozen=True, slots=True)
class Listing:
    """Where Jira lists a kind.

    `items` names the member that holds the list ("" where the answer itself is the list or the one record). `path` and
    the values of `query` may hold places: `{project_id}` or `{issue_id}`; and for a list that is asked for once for each
    record of the kind named by `parent`: `{parent_id}`, `{grandparent_id}` or the name of a member of the parent's record;
    `{parent_ids}` stands for many parents, up to `batch` of them in one question. The records of such an answer name
    their parent at `names_parents`, or with `groups_parents` a list of those that they are true of.
    With `is_one_right` an account may ask for the list of every parent or of none: one refusal speaks for all.
    A list whose order matters is kept as one record (`Paging.WHOLE`).
    `only` leaves out parents that have no such list; `fallback_without` names a query member that is left out where Jira
    refuses it; `none_status` is the status by which Jira says that there is nothing to list. With `takes_turns` parents that did not
    change are asked in turns only (`engine.capture.turns`).
    """

    path: str
    paging: Paging
    items: str = ""
    query: tuple[tuple[str, str], ...] = ()
    page_size: int = 0
    only: Condition | None = None
    fallback_without: str | None = None
    words: PageWords = _USUAL_WORDS
    batch: int = 0
    names_parents: str = ""
    groups_parents: bool = False
    is_one_right: bool = False
    none_status: int | None = None
    takes_turns: bool = False

    @property
    def is_per_parent(self) -> bool:
        """Tell whether the list is asked for by the records of the parent kind, one by one or many at once."""
        return self.batch > 0 or any(
            "{parent_id}" in text for text in (self.path, *(value for _, value in self.query))
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of Jira thing.

    `id_path` is where its id lies in the decoded record, and `further_ids` what has to be added where that alone does not
    name it; an empty `id_path` is for a thing of which a site (or a parent) has one. The parts of an id are joined by a
    slash, and the id of a thing that is listed for its parent begins with the parent's id. `completed_by` names a kind
    that lists the same things and may know more of them: what only that one lists is added. `optional_statuses` are
    refusals that an ordinary account or plan meets and can do nothing about: such a gap is shown and counted, and
    accepted beforehand; `remedy` says what can be done about a refusal where the usual advice would mislead. `unlisted` names
    the gap of a kind that Jira lists for no issue, and `may_be_unlisted` tells that a site may have it switched off: then that
    gap is accepted beforehand too.
    """

    name: str
    table: str
    level: Level
    listing: Listing
    columns: tuple[Column, ...]
    recognition: Recognition
    title: str
    parent: str | None = None
    id_path: tuple[str, ...] = ("id",)
    further_ids: tuple[tuple[str, ...], ...] = ()
    is_restorable: bool = True
    restore_note: str = ""
    optional_statuses: frozenset[int] = frozenset()
    completed_by: str | None = None
    remedy: str = ""
    may_be_unlisted: bool = False

    @property
    def unlisted(self) -> str:
        """Name the gap of a kind that Jira lists for no issue."""
        return f"{self.title} that Jira lists for no issue"

    def of_parent(self, parent_kind: str, parent_id: str) -> str:
        """Name the list of one parent, as a gap is called that concerns it alone."""
        return f"{self.title} of {parent_kind} {parent_id}"

    @property
    def is_optional(self) -> bool:
        """Tell whether an account or a plan may be without it although the backup is as it should be."""
        return bool(self.optional_statuses)


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


ADMIN_ONLY = frozenset({403, 404, 410})
NOT_EVERYWHERE = ADMIN_ONLY | {400, 422}
_NOT_REBUILT = "kept to look up and to compare; not rebuilt on the target"


def kept(
    name: str,
    table: str,
    *,
    title: str,
    listing: Listing,
    columns: tuple[Column, ...],
    parent: str | None = None,
    id_path: tuple[str, ...] = ("id",),
    further_ids: tuple[tuple[str, ...], ...] = (),
    restore_note: str = _NOT_REBUILT,
    optional_statuses: frozenset[int] = ADMIN_ONLY,
    remedy: str = "",
) -> Kind:
    """Describe a kind of the site that a restore does not rebuild and that only some accounts may read."""
    return Kind(
        name=name,
        table=table,
        title=title,
        level=Level.SITE,
        listing=listing,
        columns=columns,
        parent=parent,
        recognition=Recognition.NEVER,
        id_path=id_path,
        further_ids=further_ids,
        is_restorable=False,
        restore_note=restore_note,
        optional_statuses=optional_statuses,
        remedy=remedy,
    )


def pages(
    path: str,
    *,
    query: tuple[tuple[str, str], ...] = (),
    page_size: int = 50,
    only: Condition | None = None,
    fallback_without: str | None = None,
    words: PageWords = _USUAL_WORDS,
    is_one_right: bool = False,
) -> Listing:
    """Describe Jira's usual list: `values` by `startAt`, 50 at a time unless its documents allow more."""
    return Listing(
        path,
        Paging.OFFSET,
        "values",
        query,
        page_size,
        only=only,
        fallback_without=fallback_without,
        words=words,
        is_one_right=is_one_right,
    )


def of_projects(path: str, *, paging: Paging = Paging.OFFSET, grouped: bool = True) -> Listing:
    """Describe which scheme projects follow, asked by the ids of projects: 100 of them, which is the documented greatest number where there is one."""
    return Listing(
        path,
        paging,
        "values",
        (("projectId", "{parent_ids}"),),
        100,
        batch=100,
        names_parents="projectIds" if grouped else "projectId",
        groups_parents=grouped,
    )
