"""Reads the full history of up to 1,000 issues at once.

What belongs here: the bulk changelog with its pages, grouped per issue because one issue's entries are spread over pages, and the
falling back to smaller groups and single issues.

What stays out: inline history, which Jira cuts at 40 entries and which is therefore never used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.jira.list_pages import OffsetList
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Garbled, Refusal, Request
from jira_backup_pipeline.jira.wire.pages import TokenPager
from jira_backup_pipeline.jira.wire.slices import Page, read_value, split_array, split_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

# The documented greatest numbers of issues a request and of entries a page.
BATCH: Final = 1_000
_ENTRIES = 10_000
_SINGLE_PAGE = 100
_BULK = "/rest/api/3/changelog/bulkfetch"
_SINGLE = "/rest/api/3/issue/{issue_id}/changelog"


@dataclass(slots=True)
class Histories:
    """History entries by issue id as exact bytes, and a gap for each issue whose history could not be read."""

    entries: dict[str, list[Slice]] = field(default_factory=dict)
    gaps: dict[str, Gap] = field(default_factory=dict)

    def add(self, other: Histories) -> None:
        """Take in the outcome of a part."""
        self.entries.update(other.entries)
        self.gaps.update(other.gaps)


def fetch_histories(client: JiraClient, ids: Sequence[str]) -> Histories:
    """Read the history of up to 1,000 issues; an issue that is not given has no entries or is gone."""
    found = _fetch_bulk(client, ids)
    if isinstance(found, Histories):
        return found
    if len(ids) == 1:
        return _fetch_single(client, ids[0])
    # Halving finds the one issue that the bulk call stumbles over with few further requests.
    middle = len(ids) // 2
    histories = fetch_histories(client, ids[:middle])
    histories.add(fetch_histories(client, ids[middle:]))
    return histories


def _fetch_bulk(client: JiraClient, ids: Sequence[str]) -> Histories | Refusal:
    histories = Histories()
    pager: TokenPager | None = TokenPager()
    while pager is not None:
        document: dict[str, object] = {"issueIdsOrKeys": list(ids), "maxResults": _ENTRIES}
        if pager.token is not None:
            document["nextPageToken"] = pager.token
        page = client.try_ask(Request.asking_by_post(_BULK, document), _read_page)
        if isinstance(page, Refusal):
            return page
        for issue_id, entries in page.entries:
            histories.entries.setdefault(issue_id, []).extend(entries)
        pager = pager.after(page.next_token)
    return histories


def _fetch_single(client: JiraClient, issue_id: str) -> Histories:
    found = OffsetList(Request.get(_SINGLE, {"issue_id": issue_id}), "values", _SINGLE_PAGE)
    histories = Histories({issue_id: list(found.read(client))})
    if found.refusal is not None:
        histories.gaps[issue_id] = gap_for(
            found.refusal, kind="changelog", subject="history of an issue", issue_id=issue_id
        )
    return histories


@dataclass(frozen=True, slots=True)
class _HistoryPage:
    entries: Sequence[tuple[str, Sequence[Slice]]]
    next_token: object


def _read_page(body: bytes) -> _HistoryPage:
    page = Page.read(body, "issueChangeLogs")
    return _HistoryPage([_read_issue(item) for item in page.items], page.value("nextPageToken"))


def _read_issue(item: Slice) -> tuple[str, Sequence[Slice]]:
    members = split_object(item)
    issue_id = read_value(members.get("issueId", b"null"))
    if not isinstance(issue_id, str | int) or "changeHistories" not in members:
        raise Garbled("a history came without the id of its issue or without entries")
    return str(issue_id), split_array(members["changeHistories"])
