"""Reads many issues in few requests and bounded memory: windows of issues, two of them under way at a time.

What belongs here: the order of work. A window is what one bulk changelog takes (1,000 issues). Its bodies and its history are
asked for together, the remote links that are certain to be asked for as soon as the window before is read, and afterwards what
only they bring to light, while the next window's bodies are already on their way.

What stays out: each kind of question (`bodies`, `histories`, `overflow`, `remote_links`, `interest`, the two of properties), making units of the
answers (`assembly`), and parallelism as such (`client`).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.readings import IssueUnit, StoredLinks
from jira_backup_pipeline.jira.assembly import UnitParts, assemble
from jira_backup_pipeline.jira.bodies import BATCH as BODIES_BATCH
from jira_backup_pipeline.jira.bodies import Bodies, Question, fetch_bodies
from jira_backup_pipeline.jira.child_properties import add_child_properties
from jira_backup_pipeline.jira.histories import BATCH as WINDOW
from jira_backup_pipeline.jira.histories import Histories, fetch_histories
from jira_backup_pipeline.jira.overflow import KINDS as OVERFLOWING
from jira_backup_pipeline.jira.overflow import Found, Overflow, Task
from jira_backup_pipeline.jira.remote_links import RemoteLinks, entries_naming_links

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.interest import InterestFinder
    from jira_backup_pipeline.jira.issue_properties import IssueProperties

_WINDOWS_UNDER_WAY = 2
# The first windows of many are small and grow, so that the caller soon has something to do, and the next window is there when
# it is done. It costs a few requests more, which the reading of a night does not spend.
_FIRST_WINDOWS = (3 * BODIES_BATCH, 5 * BODIES_BATCH, 8 * BODIES_BATCH)
_MANY_WINDOWS = 5
# Issues whose remote links one thread asks for in a row, at most: the questions are short, and handing each to a thread of
# its own costs locks and wake-ups.
_LINKS_IN_A_ROW = 25
# Rows for each thread, at least: while there are few issues, all threads shall have some.
_ROWS_A_THREAD = 2


@dataclass(frozen=True, slots=True)
class _Window:
    ids: Sequence[str]
    bodies: list[Future[Bodies]]
    histories: Future[Histories]
    links: list[Future[dict[str, Found]]] = field(default_factory=list)

    def cancel(self) -> None:
        self.histories.cancel()
        for body in self.bodies:
            body.cancel()
        for link in self.links:
            link.cancel()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What was read of a window: the parts of its issues, and what exists but could not be read."""

    ids: Sequence[str]
    parts: dict[str, UnitParts]
    unreadable: Mapping[str, Gap]


def _names_links(part: UnitParts) -> set[str]:
    return entries_naming_links(part.histories)


def _units(read: _Parts) -> Iterator[IssueUnit]:
    for issue_id in dict.fromkeys(read.ids):
        if issue_id in read.parts:
            yield assemble(read.parts.pop(issue_id))
        elif issue_id in read.unreadable:
            yield IssueUnit(issue_id, "", 0, (), (read.unreadable[issue_id],))


def _windows(issue_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    start = 0
    if len(issue_ids) > _MANY_WINDOWS * WINDOW:
        for length in _FIRST_WINDOWS:
            yield issue_ids[start : start + length]
            start += length
    for begin in range(start, len(issue_ids), WINDOW):
        yield issue_ids[begin : begin + WINDOW]


def _rows(issue_ids: Sequence[str], threads: int) -> Iterator[Sequence[str]]:
    length = min(_LINKS_IN_A_ROW, ceil(len(issue_ids) / (_ROWS_A_THREAD * threads)))
    return (issue_ids[start : start + length] for start in range(0, len(issue_ids), max(1, length)))


class IssueReading:
    """One reading of a list of issues; use it once."""

    def __init__(
        self,
        client: JiraClient,
        finders: Sequence[InterestFinder],
        properties: IssueProperties,
        *,
        links_of: Collection[str] | None,
        stored_links: Mapping[str, StoredLinks],
        is_delta: bool = False,
    ) -> None:
        self._client = client
        self._finders = finders
        self._properties = properties
        self._question = Question()
        self._links_of = None if links_of is None else frozenset(links_of)
        self._stored_links = stored_links
        self._overflow = Overflow(client)
        self._links = RemoteLinks(client)
        # The delta of a night can be held whole, so that no request for properties goes out half empty. A first reading
        # hands out what it has: files are fetched and packs are closed meanwhile.
        self._is_delta = is_delta
        self._is_small = False
        self._waiting: list[_Parts] = []

    def units(self, issue_ids: Sequence[str]) -> Iterator[IssueUnit]:
        """Give a unit for every issue that Jira gives, in the order asked.

        An issue that exists but cannot be read is a unit without records and with a gap.
        """
        self._question = self._properties.prepare(issue_ids)
        self._is_small = self._is_delta and WINDOW < len(issue_ids) <= _MANY_WINDOWS * WINDOW
        # One window is read on a thread of its own while the caller works on the one before: neither the network nor
        # the processor waits for the other, and never more than two windows are in memory.
        ahead = ThreadPoolExecutor(1, thread_name_prefix="window")
        under_way: deque[tuple[_Window, Future[_Parts]]] = deque()
        try:
            for ids in _windows(issue_ids):
                window = self._begin(ids)
                under_way.append((window, ahead.submit(self._read, window)))
                if len(under_way) == _WINDOWS_UNDER_WAY:
                    yield from self._finished(under_way.popleft()[1].result())
            while under_way:
                yield from self._finished(under_way.popleft()[1].result())
            yield from self._waiting_ones()
        finally:
            for window, _ in under_way:
                window.cancel()
            ahead.shutdown(wait=False, cancel_futures=True)

    def _finished(self, read: _Parts) -> Iterator[IssueUnit]:
        """Give the units of a window, or let it wait for the others of a small reading."""
        if not self._is_small:
            yield from _units(read)
            return
        self._waiting.append(read)

    def _waiting_ones(self) -> Iterator[IssueUnit]:
        """Ask for the properties of all that waits at once, in full requests, and give its units."""
        together = {issue_id: part for read in self._waiting for issue_id, part in read.parts.items()}
        add_child_properties(self._client, together)
        together.clear()
        for read in self._waiting:
            yield from _units(read)

    def _begin(self, ids: Sequence[str]) -> _Window:
        # History first: it is the longest answer, and everything else waits for it at the end.
        histories = self._client.submit(partial(fetch_histories, self._client), ids)
        batches = (ids[start : start + BODIES_BATCH] for start in range(0, len(ids), BODIES_BATCH))
        read = partial(fetch_bodies, self._client, question=self._question)
        return _Window(ids, [self._client.submit(read, batch) for batch in batches], histories)

    def _ask_for_links(self, window: _Window) -> None:
        asked = [issue_id for issue_id in dict.fromkeys(window.ids) if self._is_asked_for_links(issue_id)]
        for row in _rows(asked, self._client.max_in_flight):
            window.links.append(self._client.submit(self._links.read_all, row))

    def _read(self, window: _Window) -> _Parts:
        try:
            # Only now: the pool serves in order, and a thousand questions of this window would have stood before the last
            # few of the window that the caller waits for.
            self._ask_for_links(window)
            bodies = Bodies()
            for future in window.bodies:
                bodies.add(future.result())
            histories = window.histories.result()
        except BaseException:
            window.cancel()
            raise
        parts = {issue_id: UnitParts(issue) for issue_id, issue in bodies.issues.items()}
        # From here on only the parts hold a window's bytes, and let go of them as its units are taken.
        bodies.issues.clear()
        window.bodies.clear()
        self._add_histories(parts, histories)
        self._add_lists(parts, histories, window.links)
        for finder in self._finders:
            finder.add_people(parts)
        self._properties.add_properties(parts)
        if not self._is_small:
            add_child_properties(self._client, parts)
        return _Parts(window.ids, parts, bodies.unreadable)

    def _add_histories(self, parts: dict[str, UnitParts], histories: Histories) -> None:
        for issue_id, part in parts.items():
            part.histories = histories.entries.pop(issue_id, ())
            if issue_id in histories.gaps:
                part.gaps.append(histories.gaps[issue_id])

    def _add_lists(
        self, parts: dict[str, UnitParts], histories: Histories, links: Sequence[Future[dict[str, Found]]]
    ) -> None:
        tasks = [task for part in parts.values() for task in self._overflow.tasks(part.issue)]
        for issue_id, part in parts.items():
            if self._is_asked_for_links(issue_id):
                continue
            stored = self._stored_links.get(issue_id, StoredLinks())
            if issue_id in histories.gaps or not _names_links(part) <= stored.entries:
                tasks.append(Task("remote_link", issue_id, None))
            else:
                part.lists["remote_link"] = Found(stored.items, len(stored.items))
        for task, found in zip(tasks, self._client.map_ordered(self._read_list, tasks), strict=True):
            parts[task.issue_id].lists[task.kind] = found
        self._tell_unlisted(parts)
        for row in links:
            for issue_id, found in row.result().items():
                # An issue that vanished meanwhile has no links to miss either.
                if issue_id in parts:
                    parts[issue_id].lists["remote_link"] = found
        if parts:
            next(iter(parts.values())).gaps.extend(self._links.take_gaps())

    def _tell_unlisted(self, parts: dict[str, UnitParts]) -> None:
        for kind in OVERFLOWING:
            refused = {
                issue_id: found.unlisted
                for issue_id, part in parts.items()
                if (found := part.lists.get(kind)) is not None and found.unlisted is not None
            }
            for issue_id, gap in self._overflow.unlisted_gaps(kind, refused):
                parts[issue_id].gaps.append(gap)

    def _is_asked_for_links(self, issue_id: str) -> bool:
        return self._links_of is None or issue_id in self._links_of

    def _read_list(self, task: Task) -> Found:
        if task.kind == "remote_link":
            return self._links.read(task.issue_id)
        return self._overflow.read(task)
