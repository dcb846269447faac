"""Walks the ids of a project's issues: all of them, or those changed since a moment.

What belongs here: the two searches of a run, their JQL and their paging by token, and the ranges of a big project.

What stays out: reading the issues (`issues`) and deciding the moment (`engine`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import NotFound, UnexpectedAnswer
from jira_backup_pipeline.domain.times import instant_ms
from jira_backup_pipeline.jira.refusals import error_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.pages import TokenPager
from jira_backup_pipeline.jira.wire.slices import Page, read_answer, read_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jira_backup_pipeline.jira.client import JiraClient

_PAGE = 5_000
_BAD_REQUEST = 400
_SEARCH = "/rest/api/3/search/jql"
_LOG = logging.getLogger(__name__)
# Up to here a walk of twenty pages or fewer is quick enough, and every range costs a page that is not full.
_BIG = 100_000
_ISSUES_A_RANGE = 25_000
_MOST_RANGES = 24
_MINUTE_MS = 60_000


def search(client: JiraClient, jql: str, fields: tuple[str, ...]) -> Iterator[Mapping[str, object] | Refusal]:
    """Give the decoded issues of a bounded query, each once; a refusal is given as the only or last value."""
    seen: set[str] = set()
    pager: TokenPager | None = TokenPager()
    while pager is not None:
        document = {"jql": jql, "fields": list(fields), "maxResults": _PAGE}
        if pager.token is not None:
            document["nextPageToken"] = pager.token
        page = client.try_ask(Request.asking_by_post(_SEARCH, document), partial(Page.read, items="issues"))
        if isinstance(page, Refusal):
            yield page
            return
        for item in page.items:
            issue = read_value(item)
            issue_id = issue.get("id") if isinstance(issue, Mapping) else None
            if not isinstance(issue, Mapping) or not isinstance(issue_id, str):
                raise UnexpectedAnswer(
                    "a search gave an issue without an id",
                    hint="Report the answer of /rest/api/3/search/jql; issues are known by their id.",
                )
            if issue_id not in seen:
                seen.add(issue_id)
                yield issue
        pager = pager.after(page.value("nextPageToken"), is_last=page.flag("isLast"))


def issue_ids(client: JiraClient, project_id: str, expected: int | None = None) -> Iterator[str]:
    """Walk the ids of a project's issues, each once; in ascending order unless the project is big.

    A page is found by the token of the one before, so one walk cannot be hurried. A big project (`expected` issues) is cut
    into ranges of the moment when issues were created, which never changes, and their walks go on side by side. The first
    range has no beginning and the last no end: what is created meanwhile is in one of them.

    Raises:
        NotFound: Jira does not show the project to the account.
    """
    ranges = _ranges(client, project_id, expected or 0)
    if ranges:
        try:
            yield from _side_by_side(client, project_id, ranges)
        except _RangeRefused:
            _LOG.info("jira refuses to search project %s by ranges; walking it in one go", project_id)
        else:
            return
    for issue in _of_project(client, project_id, f"project = {project_id} ORDER BY id", ("id",)):
        yield str(issue["id"])


class _RangeRefused(Exception):
    """Jira does not take the search of a range; raised before an id was given."""


def _side_by_side(client: JiraClient, project_id: str, ranges: Sequence[str]) -> Iterator[str]:
    # All ranges are walked to their ends first: were one refused in the middle, ids would have been given already.
    found = list(client.map_ordered(partial(_walk_range, client, project_id), ranges))
    # Two ranges never hold the same issue; a server that rounds moments differently might think otherwise.
    yield from dict.fromkeys(issue_id for ids in found for issue_id in ids)


def _walk_range(client: JiraClient, project_id: str, condition: str) -> list[str]:
    jql = f"project = {project_id} AND {condition} ORDER BY id"
    try:
        return [str(issue["id"]) for issue in _of_project(client, project_id, jql, ("id",))]
    except NotFound as error:
        raise _RangeRefused from error


def _ranges(client: JiraClient, project_id: str, expected: int) -> list[str]:
    """Cut a big project into ranges of equal time; nothing for one that is not big, or whose ends Jira does not tell."""
    if expected <= _BIG or not project_id.isdigit():
        return []
    first_ms, last_ms = (_created_at(client, project_id, order) for order in ("ASC", "DESC"))
    if first_ms is None or last_ms is None:
        return []
    return ranges_of_creation(first_ms, last_ms, min(_MOST_RANGES, ceil(expected / _ISSUES_A_RANGE)))


def ranges_of_creation(first_ms: int, last_ms: int, count: int) -> list[str]:
    """Give conditions of which every moment fulfils exactly one; bounds lie on whole minutes, as coarse as JQL may read them."""
    step = (last_ms - first_ms) / count
    bounds = sorted(
        {round((first_ms + step * number) / _MINUTE_MS) * _MINUTE_MS for number in range(1, count)}
    )
    if not bounds:
        return []
    inner = [f"created >= {start} AND created < {end}" for start, end in pairwise(bounds)]
    return [f"created < {bounds[0]}", *inner, f"created >= {bounds[-1]}"]


def _created_at(client: JiraClient, project_id: str, order: str) -> int | None:
    """Give when the first or last issue was created (epoch milliseconds)."""
    jql = f"project = {project_id} ORDER BY created {order}"
    document = {"jql": jql, "fields": ["created"], "maxResults": 1}
    page = client.try_ask(Request.asking_by_post(_SEARCH, document), partial(Page.read, items="issues"))
    if isinstance(page, Refusal) or not page.items:
        return None
    issue = read_value(page.items[0])
    fields = issue.get("fields") if isinstance(issue, Mapping) else None
    return updated_ms_of(fields.get("created")) or None if isinstance(fields, Mapping) else None


def changed_issues(client: JiraClient, project_id: str, since_ms: int) -> Iterator[tuple[str, int]]:
    """Give id and `updated` (epoch milliseconds) of the issues changed since then, each once.

    The moment is written as epoch milliseconds: a date in JQL would be read in the account's own time zone. There is no
    upper bound: an issue that changes while it is searched would fall out of the window.
    """
    jql = f"project = {project_id} AND updated >= {since_ms} ORDER BY id"
    for issue in _of_project(client, project_id, jql, ("id", "updated")):
        fields = issue.get("fields")
        updated = fields.get("updated") if isinstance(fields, Mapping) else None
        yield str(issue["id"]), updated_ms_of(updated)


def updated_ms_of(updated: object) -> int:
    """Give an issue's `updated` (or `created`) in epoch milliseconds, 0 where Jira states none."""
    try:
        return instant_ms(updated) if isinstance(updated, str | int | float) else 0
    except (ValueError, OverflowError):
        return 0


def count_issues(client: JiraClient, project_id: str) -> int | None:
    """Give Jira's approximate count of a project's issues, None where it is refused or not a number."""
    request = Request.asking_by_post(
        "/rest/api/3/search/approximate-count", {"jql": f"project = {project_id}"}
    )
    answer = client.try_ask(request, read_answer)
    count = answer.get("count") if isinstance(answer, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def _of_project(
    client: JiraClient, project_id: str, jql: str, fields: tuple[str, ...]
) -> Iterator[Mapping[str, object]]:
    if not project_id.isdigit():
        raise NotFound(
            f"{project_id!r} is not a project's numeric id",
            hint="Searches name projects by id because keys change; look the id up in the list of projects.",
        )
    has_begun = False
    for issue in search(client, jql, fields):
        if isinstance(issue, Refusal):
            # A refusal of a later page is about its token, not about the project.
            if issue.status == _BAD_REQUEST and not has_begun:
                raise NotFound(
                    f"jira refuses to search project {project_id}: {issue.words}",
                    hint="Check that the project exists, is not archived or in the trash, and that the account may browse it.",
                )
            raise error_for(Request.asking_by_post(_SEARCH, None), issue)
        has_begun = True
        yield issue
