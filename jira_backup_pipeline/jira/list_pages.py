"""Reads one list to its end, in each of the ways in which Jira hands lists out.

What belongs here: one reader per way of paging, and what one list gave.

What stays out: which lists are asked for and what records become of them (`listing`, `batches`), issues (`issues`), and the
arithmetic of pages (`wire.pages`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from jira_backup_pipeline.domain.errors import UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import PageWords, Paging
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.pages import OffsetPager, StartOnlyPager, TokenPager
from jira_backup_pipeline.jira.wire.slices import Page, read_value, split_array, split_object, whole_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

_PLACE = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"\d+")
_DEFAULT_PAGE = 50
_USUAL_WORDS = PageWords()
# The service desk API calls some of its lists experimental and refuses them without this; to the others it means nothing.
_DESK_API = "/rest/servicedeskapi/"
_OPTED_IN = (("X-ExperimentalApi", "opt-in"),)


class OffsetList:
    """A list by `startAt`, read page by page; afterwards `total` and `refusal` tell how it went."""

    def __init__(self, request: Request, items: str, page_size: int, words: PageWords = _USUAL_WORDS) -> None:
        self.request = request
        self.total: int | None = None
        self.refusal: Refusal | None = None
        self._items = items
        self._page_size = page_size
        self._words = words

    def read(self, client: JiraClient) -> Iterator[Slice]:
        """Give the slices of every page; a refusal ends the list and is kept."""
        pager: OffsetPager | None = OffsetPager(self._page_size or _DEFAULT_PAGE)
        while pager is not None:
            query = ((self._words.start, str(pager.start_at)), (self._words.size, str(pager.page_size)))
            page = client.try_ask(self.request.with_query(query), partial(Page.read, items=self._items))
            if isinstance(page, Refusal):
                self.refusal = page
                return
            self.total = page.number("total")
            yield from page.items
            is_last = page.flag("isLast")
            if is_last is None:
                is_last = page.flag("isLastPage")
            pager = pager.after(len(page.items), total=self.total, is_last=is_last)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing of a list: its exact bytes, and where those do not name it, its id and what else is known of it."""

    item: Slice
    own_id: str | None = None
    extra: Mapping[str, object] | None = None


@dataclass(slots=True)
class Reading:
    """What one list gave; `unread` are the ids of things that it names and Jira refused."""

    found: list[Found] = field(default_factory=list)
    total: int | None = None
    gaps: list[Gap] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_list(
    client: JiraClient, kind: Kind, values: Mapping[str, str], *, many: Sequence[str] = ()
) -> Reading | Refusal:
    """Read one list; where Jira refuses a query member that only widens it, read it without and say what is missing.

    `values` fill the places of path and query, `many` the place of many parents.
    """
    listing = kind.listing
    query = [
        pair
        for name, text in listing.query
        for pair in ([(name, one) for one in many] if text == "{parent_ids}" else [(name, text)])
    ]
    answer = _read_pages(client, kind, values, query)
    if isinstance(answer, Refusal) and answer.status == listing.none_status:
        return Reading(total=0)
    if listing.fallback_without is None or not isinstance(answer, Refusal):
        return answer
    narrower = [pair for pair in query if pair[0] != listing.fallback_without]
    less = _read_pages(client, kind, values, narrower)
    if isinstance(less, Refusal):
        return less
    less.gaps.append(
        gap_for(answer, kind=kind.name, subject=f"{kind.title} that only {listing.fallback_without} shows")
    )
    less.unread.append("")
    less.total = None if less.total is None else less.total + 1
    return less


def members_of(parent: Record, items: str) -> Reading:
    """Cut a list out of a record that was read before; where the record has no such list there is nothing."""
    member = split_object(parent.raw).get(items)
    if member is None or bytes(member).strip() == b"null":
        return Reading()
    return Reading([Found(item) for item in split_array(member)])


def _read_pages(
    client: JiraClient, kind: Kind, values: Mapping[str, str], query: Sequence[tuple[str, str]]
) -> Reading | Refusal:
    listing = kind.listing
    filled = [(name, _PLACE.sub(lambda place: values[place.group(1)], text)) for name, text in query]
    request = Request.get(listing.path, values).with_query(filled)
    if listing.path.startswith(_DESK_API):
        request = replace(request, headers=_OPTED_IN)
    match listing.paging:
        case Paging.OFFSET:
            return _by_offset(client, kind, request)
        case Paging.START_ONLY:
            return _by_start(client, kind, request)
        case Paging.CURSOR:
            return _by_cursor(client, kind, request)
        case Paging.LINKS:
            return _one_by_one(client, kind, request, values, _linked_ids)
        case Paging.KEYS:
            return _one_by_one(client, kind, request, values, _listed_keys)
        case paging:
            return _at_once(client, request, _cutter_of(kind, paging))


def _cutter_of(kind: Kind, paging: Paging) -> Callable[[bytes], Sequence[Found]]:
    """Give how an answer that is a whole list is cut up."""
    match paging:
        case Paging.ARRAY:
            return partial(_array_items, items=kind.listing.items)
        case Paging.SINGLE:
            return _single_item
        case Paging.WHOLE:
            return _whole_list
        case Paging.MEMBERS:
            return partial(_member_items, items=kind.listing.items)
        case Paging.NAMES:
            return named_fields
        case _:
            raise UnexpectedAnswer(
                f"{kind.title} are not a list of their own ({paging.value})",
                hint="Kinds of issue level are read with their issues; correct the catalogue or the caller.",
            )


def _array_items(body: bytes, items: str) -> Sequence[Found]:
    return [Found(item) for item in Page.read(body, items).items]


def _single_item(body: bytes) -> Sequence[Found]:
    # An empty answer says that there is no such thing (time tracking that is switched off).
    return [Found(whole_record(body))] if body.strip() else []


def _whole_list(body: bytes) -> Sequence[Found]:
    # Its items are looked at only to know that it is a whole list.
    Page.read(body, "")
    return [Found(body.strip())]


def _member_items(body: bytes, items: str) -> Sequence[Found]:
    return [Found(item) for item in _object_at(split_object(body), items).values()]


def _object_at(members: Mapping[str, Slice], name: str) -> Mapping[str, Slice]:
    """Cut up a member that is an object; one that is absent or null has nothing in it."""
    found = members.get(name)
    return {} if found is None or bytes(found).strip() == b"null" else split_object(found)


def named_fields(body: Slice) -> Sequence[Found]:
    """Read what a search or an issue says of the fields that it shows: `names` and `schema`, both by the field's id."""
    members = split_object(body)
    names, schemas = _object_at(members, "names"), _object_at(members, "schema")
    return [
        Found(schemas.get(field_id, names.get(field_id, b"null")), field_id, {"name": _name(names, field_id)})
        for field_id in dict.fromkeys([*names, *schemas])
    ]


def _name(names: Mapping[str, Slice], field_id: str) -> str | None:
    found = read_value(names[field_id]) if field_id in names else None
    return found.encode("utf-8", "replace").decode("utf-8") if isinstance(found, str) else None


def _by_offset(client: JiraClient, kind: Kind, request: Request) -> Reading | Refusal:
    listing = kind.listing
    pages = OffsetList(request, listing.items, listing.page_size, listing.words)
    found = [Found(item) for item in pages.read(client)]
    return _unless_refused(kind, found, pages.refusal, pages.total)


def _by_start(client: JiraClient, kind: Kind, request: Request) -> Reading | Refusal:
    found: list[Found] = []
    refusal: Refusal | None = None
    pager: StartOnlyPager | None = StartOnlyPager(kind.listing.page_size or _DEFAULT_PAGE)
    while pager is not None:
        page = client.try_ask(
            request.with_query(pager.query), partial(_array_items, items=kind.listing.items)
        )
        if isinstance(page, Refusal):
            refusal = page
            break
        found.extend(page)
        pager = pager.after(len(page))
    return _unless_refused(kind, found, refusal, None)


def _by_cursor(client: JiraClient, kind: Kind, request: Request) -> Reading | Refusal:
    listing, found = kind.listing, list[Found]()
    refusal: Refusal | None = None
    sized = request.with_query(((listing.words.size, str(listing.page_size or _DEFAULT_PAGE)),))
    pager: TokenPager | None = TokenPager()
    while pager is not None:
        asked = sized if pager.token is None else sized.with_query((("cursor", pager.token),))
        page = client.try_ask(asked, partial(Page.read, items=listing.items))
        if isinstance(page, Refusal):
            refusal = page
            break
        found.extend(Found(item) for item in page.items)
        pager = pager.after(_cursor_in(page, listing.words.next_cursor), is_last=page.flag("last"))
    return _unless_refused(kind, found, refusal, None)


def _cursor_in(page: Page, path: Sequence[str]) -> object:
    """Find the cursor of the next page: as it is, or inside of an address of which only the query counts."""
    first, *rest = path
    value = page.value(first)
    for step in rest:
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, str) and "?" in value:
        return dict(parse_qsl(urlsplit(value).query)).get("cursor")
    return value


def _unless_refused(
    kind: Kind, found: list[Found], refusal: Refusal | None, total: int | None
) -> Reading | Refusal:
    """A list that is refused at its first page is refused; one that breaks off later is kept so far, with a gap."""
    if refusal is None:
        return Reading(found, total)
    if not found:
        return refusal
    gap = gap_for(refusal, kind=kind.name, subject=kind.title, count=max(1, (total or 0) - len(found)))
    return Reading(found, total, [gap], [""])


def _at_once(
    client: JiraClient, request: Request, read: Callable[[bytes], Sequence[Found]]
) -> Reading | Refusal:
    answer = client.try_ask(request, read)
    return answer if isinstance(answer, Refusal) else Reading(list(answer))


def _one_by_one(
    client: JiraClient,
    kind: Kind,
    request: Request,
    values: Mapping[str, str],
    read: Callable[[bytes], Sequence[str]],
) -> Reading | Refusal:
    """Read a list that only names things, then each of them at the list's own path."""
    ids = client.try_ask(request, read)
    if isinstance(ids, Refusal):
        return ids
    template = kind.listing.path + "/{id}"

    def fetch(named: str) -> Slice | Refusal:
        return client.try_ask(Request.get(template, {**values, "id": named}), whole_record)

    # A list of one parent is already read beside those of others; only a list on its own is spread over the pool.
    answers = map(fetch, ids) if kind.listing.is_per_parent else client.map_ordered(fetch, ids)
    reading = Reading(total=len(ids))
    for named, answer in zip(ids, answers, strict=True):
        if isinstance(answer, Refusal):
            reading.gaps.append(gap_for(answer, kind=kind.name, subject=f"{kind.name} {named}"))
            reading.unread.append(named)
        else:
            reading.found.append(Found(answer))
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
