"""Reads the site-level and project-level kinds by what the catalogue says of their listing.

What belongs here: one reader per way of paging, the making of records from slices, and gaps for what is refused.

What stays out: issues and what hangs on them (`issues`), and the catalogue (`domain.kinds`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jira_backup_pipeline.domain.errors import UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import Paging
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.domain.records import Record, settled
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.pages import OffsetPager, StartOnlyPager
from jira_backup_pipeline.jira.wire.slices import (
    Page,
    canonical_bytes,
    read_value,
    split_object,
    whole_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

_PLACE = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"\d+")
_DEFAULT_PAGE = 50


class OffsetList:
    """A list by `startAt`, read page by page; afterwards `total` and `refusal` tell how it went."""

    def __init__(self, request: Request, items: str, page_size: int) -> None:
        self.request = request
        self.total: int | None = None
        self.refusal: Refusal | None = None
        self._items = items
        self._page_size = page_size

    def read(self, client: JiraClient) -> Iterator[Slice]:
        """Give the slices of every page; a refusal ends the list and is kept."""
        pager: OffsetPager | None = OffsetPager(self._page_size or _DEFAULT_PAGE)
        while pager is not None:
            page = client.try_ask(self.request.with_query(pager.query), partial(Page.read, items=self._items))
            if isinstance(page, Refusal):
                self.refusal = page
                return
            self.total = page.number("total")
            yield from page.items
            pager = pager.after(len(page.items), total=self.total, is_last=page.flag("isLast"))


@dataclass(slots=True)
class _Reading:
    """What one list gave; `unread` are the ids of things that it names and Jira refused."""

    slices: list[Slice] = field(default_factory=list)
    total: int | None = None
    gaps: list[Gap] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def list_kind(
    client: JiraClient,
    kind: Kind,
    *,
    project_id: str | None = None,
    known: Mapping[str, Sequence[Record]] | None = None,
) -> Listed:
    """Read one kind of site or project level completely; what is refused is a gap.

    `known` are records by kind that were read before; a list for each parent is asked for those of the parent kind.
    """
    values = {"project_id": project_id} if project_id is not None else {}
    if not kind.listing.is_per_parent:
        reading = _read(client, kind, values)
        if isinstance(reading, Refusal):
            return Listed(
                kind.name, (), (gap_for(reading, kind=kind.name, subject=kind.title),), unread=("",)
            )
        return _listed(kind, [(None, reading)])
    parents = _parents(kind, known or {})

    def read_of(parent: Record) -> _Reading | Refusal:
        return _read(client, kind, values | _places(parent))

    readings: list[tuple[Record | None, _Reading]] = []
    for parent, answer in zip(parents, client.map_ordered(read_of, parents), strict=True):
        if isinstance(answer, Refusal):
            gap = gap_for(answer, kind=kind.name, subject=f"{kind.title} of {parent.kind} {parent.id}")
            readings.append((parent, _Reading(total=1, gaps=[gap], unread=[""])))
        else:
            readings.append((parent, answer))
    return _listed(kind, readings)


def _parents(kind: Kind, known: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Choose the parents that can have such a list."""
    parents = known.get(kind.parent or "", ())
    condition = kind.listing.only
    if condition is None:
        return list(parents)
    looked_at = known.get(condition.of or kind.parent or "", ())
    fitting = {
        record.id for record in looked_at if member_at(record.value, condition.path) in condition.values
    }
    return [parent for parent in parents if any(above in fitting for above in _and_above(parent.id))]


def _and_above(record_id: str) -> Iterator[str]:
    """Give an id and those of its ancestors."""
    parts = record_id.split("/")
    return ("/".join(parts[:length]) for length in range(len(parts), 0, -1))


def _places(parent: Record) -> dict[str, str]:
    """Give what a path can say of a parent: its id, its parent's id, and its own plain members."""
    members = parent.value if isinstance(parent.value, dict) else {}
    *_, above, own = ["", *parent.id.split("/")]
    plain = {
        name: str(value)
        for name, value in members.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return {**plain, "parent_id": own, "grandparent_id": above}


def _listed(kind: Kind, readings: Sequence[tuple[Record | None, _Reading]]) -> Listed:
    """Put lists together, each id once: a list that shifts while it is paged shows some things twice."""
    records: dict[str, Record] = {}
    gaps: list[Gap] = []
    unread: list[str] = []
    declared = 0
    for parent, reading in readings:
        start = "" if parent is None else parent.id
        unread.extend("/".join(part for part in (start, below) if part) for below in reading.unread)
        gaps.extend(reading.gaps)
        before, nameless = len(records), 0
        for item in reading.slices:
            record = record_of(kind, item, read_value(item), parent=parent)
            if record is None:
                gaps.append(without_id(kind.name))
                unread.append(start)
                nameless += 1
            else:
                records.setdefault(record.id, record)
        declared += len(records) - before + nameless if reading.total is None else reading.total
    return Listed(kind.name, tuple(records.values()), tuple(gaps), declared, tuple(unread))


def _read(client: JiraClient, kind: Kind, values: Mapping[str, str]) -> _Reading | Refusal:
    """Read one list; where Jira refuses a query member that only widens it, read it without and say what is missing."""
    listing = kind.listing
    answer = _read_pages(client, kind, values, listing.query)
    if listing.fallback_without is None or not isinstance(answer, Refusal):
        return answer
    narrower = tuple(pair for pair in listing.query if pair[0] != listing.fallback_without)
    less = _read_pages(client, kind, values, narrower)
    if isinstance(less, Refusal):
        return less
    less.gaps.append(
        gap_for(answer, kind=kind.name, subject=f"{kind.title} that only {listing.fallback_without} shows")
    )
    less.unread.append("")
    less.total = None if less.total is None else less.total + 1
    return less


def _read_pages(
    client: JiraClient, kind: Kind, values: Mapping[str, str], query: Sequence[tuple[str, str]]
) -> _Reading | Refusal:
    listing = kind.listing
    filled = [(name, _PLACE.sub(lambda place: values[place.group(1)], text)) for name, text in query]
    request = Request.get(listing.path, values).with_query(filled)
    match listing.paging:
        case Paging.OFFSET:
            return _by_offset(client, kind, request)
        case Paging.START_ONLY:
            return _by_start(client, kind, request)
        case Paging.ARRAY:
            return _at_once(client, request, partial(_array_items, items=listing.items))
        case Paging.SINGLE:
            return _at_once(client, request, _single_item)
        case Paging.LINKS:
            return _one_by_one(client, kind, request, values, _linked_ids)
        case Paging.KEYS:
            return _one_by_one(client, kind, request, values, _listed_keys)
        case paging:
            raise UnexpectedAnswer(
                f"{kind.title} are not a list of their own ({paging.value})",
                hint="Kinds of issue level are read with their issues; correct the catalogue or the caller.",
            )


def _array_items(body: bytes, items: str) -> Sequence[Slice]:
    return Page.read(body, items).items


def _single_item(body: bytes) -> Sequence[Slice]:
    return [whole_record(body)]


def _by_offset(client: JiraClient, kind: Kind, request: Request) -> _Reading | Refusal:
    found = OffsetList(request, kind.listing.items, kind.listing.page_size)
    return _unless_refused(kind, list(found.read(client)), found.refusal, found.total)


def _by_start(client: JiraClient, kind: Kind, request: Request) -> _Reading | Refusal:
    slices: list[Slice] = []
    refusal: Refusal | None = None
    pager: StartOnlyPager | None = StartOnlyPager(kind.listing.page_size or _DEFAULT_PAGE)
    while pager is not None:
        page = client.try_ask(
            request.with_query(pager.query), partial(_array_items, items=kind.listing.items)
        )
        if isinstance(page, Refusal):
            refusal = page
            break
        slices.extend(page)
        pager = pager.after(len(page))
    return _unless_refused(kind, slices, refusal, None)


def _unless_refused(
    kind: Kind, slices: list[Slice], refusal: Refusal | None, total: int | None
) -> _Reading | Refusal:
    """A list that is refused at its first page is refused; one that breaks off later is kept so far, with a gap."""
    if refusal is None:
        return _Reading(slices, total)
    if not slices:
        return refusal
    gap = gap_for(refusal, kind=kind.name, subject=kind.title, count=max(1, (total or 0) - len(slices)))
    return _Reading(slices, total, [gap], [""])


def _at_once(
    client: JiraClient, request: Request, read: Callable[[bytes], Sequence[Slice]]
) -> _Reading | Refusal:
    answer = client.try_ask(request, read)
    return answer if isinstance(answer, Refusal) else _Reading(list(answer))


def _one_by_one(
    client: JiraClient,
    kind: Kind,
    request: Request,
    values: Mapping[str, str],
    read: Callable[[bytes], Sequence[str]],
) -> _Reading | Refusal:
    """Read a list that only names things, then each of them at the list's own path."""
    ids = client.try_ask(request, read)
    if isinstance(ids, Refusal):
        return ids
    template = kind.listing.path + "/{id}"

    def fetch(named: str) -> Slice | Refusal:
        return client.try_ask(Request.get(template, {**values, "id": named}), whole_record)

    # A list of one parent is already read beside those of others; only a list on its own is spread over the pool.
    answers = map(fetch, ids) if kind.listing.is_per_parent else client.map_ordered(fetch, ids)
    reading = _Reading(total=len(ids))
    for named, answer in zip(ids, answers, strict=True):
        if isinstance(answer, Refusal):
            reading.gaps.append(gap_for(answer, kind=kind.name, subject=f"{kind.name} {named}"))
            reading.unread.append(named)
        else:
            reading.slices.append(answer)
    return reading


def _linked_ids(body: bytes) -> list[str]:
    """Read a map of name to address; only the id at the address's end is used, never its host."""
    return [_linked_id(read_value(link)) for link in split_object(body).values()]


def _listed_keys(body: bytes) -> list[str]:
    """Read a list of `key` members."""
    entries = [read_value(item) for item in Page.read(body, "keys").items]
    keys = [entry.get("key") for entry in entries if isinstance(entry, dict)]
    return [key for key in keys if isinstance(key, str) and key]


def _linked_id(link: object) -> str:
    last = urlsplit(link).path.rstrip("/").rpartition("/")[2] if isinstance(link, str) else ""
    if not _NUMBER.fullmatch(last):
        raise UnexpectedAnswer(
            "a list of links holds an address that does not end with an id",
            hint="Report the answer of the listing; the ids are read from these addresses.",
        )
    return last


def record_of(
    kind: Kind, item: Slice, value: object, *, issue_id: str | None = None, parent: Record | None = None
) -> Record | None:
    """Make the record of a slice, or None where it has no id."""
    paths = [path for path in (kind.id_path, *kind.further_ids) if path]
    parts = [_id_part(member_at(value, path)) for path in paths]
    if not paths:
        parts = [kind.name]
    if not parts[0]:
        return None
    extra: dict[str, object] = {}
    if parent is not None:
        extra["parent_id"] = parent.id.rpartition("/")[2]
        parts.insert(0, parent.id)
    return made_record(kind.name, "/".join(parts), item, value, issue_id=issue_id, extra=extra)


def made_record(
    kind: str,
    record_id: str,
    item: Slice,
    value: object,
    *,
    issue_id: str | None,
    extra: Mapping[str, object] | None = None,
) -> Record:
    """Make a record with its canonical digest, for which the decoder's own encoder is by far the fastest."""
    encoded = canonical_bytes(settled(kind, value))
    return Record(
        kind=kind,
        id=record_id,
        raw=bytes(item),
        value=value,
        issue_id=issue_id,
        extra=extra or {},
        canonical=None if encoded is None else hashlib.blake2b(encoded, digest_size=16).digest(),
    )


def _id_part(found: object) -> str:
    return "" if isinstance(found, bool) or not isinstance(found, str | int) else str(found)


def member_at(value: object, path: Sequence[str]) -> object:
    """Walk a path of member names through a decoded record; None where it ends early."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def without_id(kind: str, issue_id: str | None = None) -> Gap:
    """Give the gap of a thing that Jira sent without an id."""
    return Gap(
        kind=kind,
        subject=f"{kind} without an id",
        reason="jira sent it without an id",
        remedy="Report the answer; things are stored under their id.",
        issue_id=issue_id,
    )
