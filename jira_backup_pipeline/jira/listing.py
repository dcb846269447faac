"""Reads the site-level and project-level kinds by what the catalogue says of their listing.

What belongs here: one reader per way of paging, the making of records from slices, and gaps for what is refused.

What stays out: issues and what hangs on them (`issues`), and the catalogue (`domain.kinds`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jira_backup_pipeline.domain.errors import UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import Paging
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.pages import OffsetPager, StartOnlyPager
from jira_backup_pipeline.jira.wire.slices import Page, read_value, split_object, whole_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

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


def list_kind(client: JiraClient, kind: Kind, *, project_id: str | None = None) -> Listed:
    """Read one kind of site or project level completely; what is refused is a gap."""
    values = {"project_id": project_id} if project_id is not None else {}
    request = Request.get(kind.listing.path, values).with_query(kind.listing.query)
    match kind.listing.paging:
        case Paging.OFFSET:
            return _by_offset(client, kind, request)
        case Paging.START_ONLY:
            return _by_start(client, kind, request)
        case Paging.ARRAY:
            return _at_once(client, kind, request, partial(_array_items, items=kind.listing.items))
        case Paging.SINGLE:
            return _at_once(client, kind, request, _single_item)
        case Paging.LINKS:
            return _by_links(client, kind, request, values)
        case paging:
            raise UnexpectedAnswer(
                f"{kind.title} are not a list of their own ({paging.value})",
                hint="Kinds of issue level are read with their issues; correct the catalogue or the caller.",
            )


def _array_items(body: bytes, items: str) -> Sequence[Slice]:
    return Page.read(body, items).items


def _single_item(body: bytes) -> Sequence[Slice]:
    return [whole_record(body)]


def _by_offset(client: JiraClient, kind: Kind, request: Request) -> Listed:
    found = OffsetList(request, kind.listing.items, kind.listing.page_size)
    records, gaps = _records(kind, found.read(client))
    if found.refusal is not None:
        gaps.append(gap_for(found.refusal, kind=kind.name, subject=kind.title))
    return Listed(kind.name, tuple(records), tuple(gaps), found.total)


def _by_start(client: JiraClient, kind: Kind, request: Request) -> Listed:
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
    records, gaps = _records(kind, slices)
    if refusal is not None:
        gaps.append(gap_for(refusal, kind=kind.name, subject=kind.title))
    return Listed(kind.name, tuple(records), tuple(gaps))


def _at_once(
    client: JiraClient, kind: Kind, request: Request, read: Callable[[bytes], Sequence[Slice]]
) -> Listed:
    answer = client.try_ask(request, read)
    if isinstance(answer, Refusal):
        return Listed(kind.name, (), (gap_for(answer, kind=kind.name, subject=kind.title),))
    records, gaps = _records(kind, answer)
    return Listed(kind.name, tuple(records), tuple(gaps), len(records) + len(gaps))


def _by_links(client: JiraClient, kind: Kind, request: Request, values: Mapping[str, str]) -> Listed:
    """Read a map of name to address; only the id at the address's end is used, never its host."""
    links = client.try_ask(request, split_object)
    if isinstance(links, Refusal):
        return Listed(kind.name, (), (gap_for(links, kind=kind.name, subject=kind.title),))
    ids = [_linked_id(read_value(link)) for link in links.values()]
    template = kind.listing.path + "/{id}"

    def fetch(linked_id: str) -> Slice | Refusal:
        return client.try_ask(Request.get(template, {**values, "id": linked_id}), whole_record)

    slices: list[Slice] = []
    gaps: list[Gap] = []
    for linked_id, answer in zip(ids, client.map_ordered(fetch, ids), strict=True):
        if isinstance(answer, Refusal):
            gaps.append(gap_for(answer, kind=kind.name, subject=f"{kind.name} {linked_id}"))
        else:
            slices.append(answer)
    records, more_gaps = _records(kind, slices)
    return Listed(kind.name, tuple(records), (*gaps, *more_gaps), len(ids))


def _linked_id(link: object) -> str:
    last = urlsplit(link).path.rstrip("/").rpartition("/")[2] if isinstance(link, str) else ""
    if not _NUMBER.fullmatch(last):
        raise UnexpectedAnswer(
            "a list of links holds an address that does not end with an id",
            hint="Report the answer of the listing; the ids are read from these addresses.",
        )
    return last


def _records(kind: Kind, slices: Iterable[Slice]) -> tuple[list[Record], list[Gap]]:
    """Make records, each id once: a list that shifts while it is paged shows some things twice."""
    records: dict[str, Record] = {}
    gaps: list[Gap] = []
    for item in slices:
        record = record_of(kind, item, read_value(item))
        if record is None:
            gaps.append(without_id(kind.name))
        else:
            records.setdefault(record.id, record)
    return list(records.values()), gaps


def record_of(kind: Kind, item: Slice, value: object, *, issue_id: str | None = None) -> Record | None:
    """Make the record of a slice, or None where it has no id."""
    found: object = value
    for step in kind.id_path:
        found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        return None
    return Record(kind=kind.name, id=str(found), raw=bytes(item), value=value, issue_id=issue_id)


def without_id(kind: str, issue_id: str | None = None) -> Gap:
    """Give the gap of a thing that Jira sent without an id."""
    return Gap(
        kind=kind,
        subject=f"{kind} without an id",
        reason="jira sent it without an id",
        remedy="Report the answer; things are stored under their id.",
        issue_id=issue_id,
    )
