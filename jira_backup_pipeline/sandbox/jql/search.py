"""A search from text to a page of issues: evaluation, order and page tokens.

What belongs here: which issues are looked through, how they are sorted, and the token. It says after which
issue to go on, not what was found: each page is evaluated anew on the present state, so issues that move in
the order while a caller pages are seen twice or missed, as in Jira.

What stays out: the test of one issue (``matching``), page sizes and the answer's JSON (``routes.search``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import cmp_to_key
from typing import TYPE_CHECKING

import msgspec

from jira_backup_pipeline.sandbox.http import ApiError, Json
from jira_backup_pipeline.sandbox.jql.matching import Asker, compile_node, find_field, projects_named
from jira_backup_pipeline.sandbox.jql.parser import OrderTerm, Query, parse
from jira_backup_pipeline.sandbox.model import Issue, ProjectState

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.site import Site


@dataclass(frozen=True, slots=True)
class Page:
    """One page and the token of the next; no token means it was the last."""

    issues: list[Issue]
    next_token: str | None


def _key_of(issue: Issue, order: tuple[OrderTerm, ...], asker: Asker) -> list[Json]:
    return [_sort_value(issue, term, asker) for term in order]


_SORT_VALUES: dict[str, Callable[[Issue, Site], Json]] = {
    "id": lambda issue, _: issue.issue_id,
    "key": lambda issue, site: [site.project_of(issue).key, issue.number],
    "updated": lambda issue, _: issue.updated_ms,
    "created": lambda issue, _: issue.created_ms,
    "project": lambda issue, site: site.project_of(issue).name,
    "status": lambda issue, site: site.statuses[issue.status_id].name,
    "issuetype": lambda issue, site: site.issue_types[issue.type_id].name,
    "parent": lambda issue, _: issue.parent_id or 0,
}
_SORT_ALIASES = {"issuekey": "key", "updateddate": "updated", "createddate": "created", "type": "issuetype"}


def _sort_value(issue: Issue, term: OrderTerm, asker: Asker) -> Json:
    name = term.field.lower()
    light = _SORT_VALUES.get(_SORT_ALIASES.get(name, name))
    if light is not None:
        return light(issue, asker.site)
    field = find_field(asker.site, term.field, asker.caller)
    value = asker.site.body(issue).values.get(field.field_id)
    return "" if value is None else msgspec.json.encode(value).decode()


def _compare(
    left: tuple[list[Json], int], right: tuple[list[Json], int], order: tuple[OrderTerm, ...]
) -> int:
    for term, one, two in zip(order, left[0], right[0], strict=True):
        if one != two:
            return (1 if one > two else -1) * (-1 if term.descending else 1)
    # Ties, and queries without an order, show the newest issue first.
    return (left[1] < right[1]) - (left[1] > right[1])


def bounded_query(text: str) -> Query:
    """The tree of a query that has a restriction; an unbounded one is a 400."""
    query = parse(text)
    if query.where is None:
        raise ApiError(
            400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
        )
    return query


def matching_issues(query: Query, asker: Asker) -> list[Issue]:
    """Every issue the caller may see that a query finds, in no order."""
    site = asker.site
    if query.where is None:
        return []
    test = compile_node(query.where, asker)
    named = projects_named(query.where, asker)
    projects = named if named is not None else list(site.projects.values())
    found: list[Issue] = []
    for project in {item.project_id: item for item in projects}.values():
        if project.state is ProjectState.LIVE and site.can_browse(asker.caller, project):
            if site.index is not None:
                found.extend(issue for issue in site.index.of_project(project.project_id) if test(issue))
            else:
                found.extend(issue for issue in site.issues.of_project(project.project_id) if test(issue))
    if not site.hidden_issues:
        return found
    return [issue for issue in found if site.can_see(asker.caller, issue)]


def search_page(text: str, asker: Asker, *, size: int, token: str | None, salt: str) -> Page:
    """One page of a search. ``salt`` is what besides the query a token belongs to."""
    query = bounded_query(text)
    fingerprint = hashlib.sha256(f"{text}\0{salt}".encode()).hexdigest()[:16]
    after = _read_token(token, fingerprint) if token else None
    order = query.order
    found = matching_issues(query, asker)
    if not order or (len(order) == 1 and order[0].field.lower() == "id"):
        descending = not order or order[0].descending
        found.sort(key=lambda issue: issue.issue_id, reverse=descending)
        if after is not None:
            last = after[1]
            found = [i for i in found if (i.issue_id < last if descending else i.issue_id > last)]
    else:
        keyed: list[tuple[list[Json], int, Issue]] = [
            (_key_of(issue, order, asker), issue.issue_id, issue) for issue in found
        ]

        def by_order(one: tuple[list[Json], int, Issue], two: tuple[list[Json], int, Issue]) -> int:
            return _compare((one[0], one[1]), (two[0], two[1]), order)

        keyed.sort(key=cmp_to_key(by_order))
        if after is not None:
            keyed = [entry for entry in keyed if _compare((entry[0], entry[1]), after, order) > 0]
        found = [entry[2] for entry in keyed]
    page = found[:size]
    if len(found) <= size or not page:
        return Page(page, None)
    last_key = [] if not order else _key_of(page[-1], order, asker)
    payload = msgspec.json.encode([fingerprint, last_key, page[-1].issue_id])
    return Page(page, base64.urlsafe_b64encode(payload).decode())


def _read_token(token: str, fingerprint: str) -> tuple[list[Json], int]:
    try:
        found, key, issue_id = msgspec.json.decode(
            base64.urlsafe_b64decode(token), type=tuple[str, list[Json], int]
        )
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise ApiError(400, "The provided nextPageToken is invalid or expired.") from None
    if found != fingerprint:
        raise ApiError(400, "The provided nextPageToken does not belong to this query.")
    return key, issue_id
