"""Reads the feeds of changed and deleted worklogs of the whole site, and which issue a worklog hangs on.

What belongs here: paging of the feeds, which hide their last minute, and the list of worklogs by id, a thousand a request.

What stays out: from when the feeds are read and what they are compared with (`engine`), worklogs themselves (`bodies`, `overflow`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.worklog_feed import WorklogChange, WorklogFeed
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.pages import FeedPager
from jira_backup_pipeline.jira.wire.slices import Page, read_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.jira.client import JiraClient

_UPDATED: Final = "/rest/api/3/worklog/updated"
_DELETED: Final = "/rest/api/3/worklog/deleted"
_LIST: Final = "/rest/api/3/worklog/list"
_IDS_A_REQUEST: Final = 1_000


def read_feed(client: JiraClient, since_ms: int) -> WorklogFeed | None:
    """Give what changed and what went since a moment; None where Jira refuses to tell.

    A worklog that is in no list by id any more was deleted meanwhile: the next reading of the feed names it.
    """
    updated = _read(client, _UPDATED, since_ms)
    deleted = _read(client, _DELETED, since_ms)
    if updated is None or deleted is None:
        return None
    owners = issues_of(client, sorted(updated, key=int))
    if owners is None:
        return None
    changes = [
        WorklogChange(worklog_id, owners[worklog_id], at_ms)
        for worklog_id, at_ms in updated.items()
        if worklog_id in owners
    ]
    return WorklogFeed(since_ms, tuple(changes), tuple(deleted))


def issues_of(client: JiraClient, worklog_ids: Sequence[str]) -> dict[str, str] | None:
    """Give the issue of each worklog by id; what does not exist or is not shown is left out. None where Jira refuses to tell."""
    batches = [
        [int(worklog_id) for worklog_id in worklog_ids[start : start + _IDS_A_REQUEST]]
        for start in range(0, len(worklog_ids), _IDS_A_REQUEST)
    ]
    owners: dict[str, str] = {}
    for page in client.map_ordered(partial(_list, client), batches):
        if isinstance(page, Refusal):
            return None
        for value in map(read_value, page.items):
            if isinstance(value, Mapping) and "id" in value and "issueId" in value:
                owners[str(value["id"])] = str(value["issueId"])
    return owners


def _list(client: JiraClient, worklog_ids: Sequence[int]) -> Page | Refusal:
    request = Request.asking_by_post(_LIST, {"ids": list(worklog_ids)})
    return client.try_ask(request, partial(Page.read, items=""))


def _read(client: JiraClient, path: str, since_ms: int) -> dict[str, int] | None:
    """Read one feed to its end: the latest moment by worklog id."""
    found: dict[str, int] = {}
    pager: FeedPager | None = FeedPager(since_ms)
    while pager is not None:
        request = Request.get(path).with_query(pager.query)
        page = client.try_ask(request, partial(Page.read, items="values"))
        if isinstance(page, Refusal):
            return None
        for value in map(read_value, page.items):
            worklog_id, at_ms = _entry(value)
            if worklog_id is not None:
                found[worklog_id] = max(at_ms, found.get(worklog_id, 0))
        is_last = page.flag("lastPage")
        if is_last is None:
            # Without a word about the end, the address of another page is one.
            is_last = not page.value("nextPage")
        pager = pager.after(page.number("until"), is_last=is_last)
    return found


def _entry(value: object) -> tuple[str | None, int]:
    members = value if isinstance(value, Mapping) else {}
    worklog_id, at_ms = str(members.get("worklogId", "")), members.get("updatedTime")
    # The documents show numbers; a text of digits is as good.
    if not (worklog_id.isascii() and worklog_id.isdigit()):
        return None, 0
    return worklog_id, at_ms if isinstance(at_ms, int) else 0
