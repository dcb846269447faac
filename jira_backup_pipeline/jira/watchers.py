"""Finds who watches which issue by the cheaper of two ways: issue by issue, or by searching what each person watches.

What belongs here: the choice, both ways, and the comparison with the count that every issue states: what does not agree is asked
again issue by issue, what then still does not agree is a gap.

What stays out: knowing the people of a site (`engine`) and everything else that hangs on an issue (`issues`).

A watcher's bytes are always a user object that Jira sent: from the issue's watcher list, or, for a find by search (whose answer
names issues only), from the bulk user answer.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.walk import search
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jira_backup_pipeline.jira.assembly import UnitParts
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

_LOG = logging.getLogger(__name__)
_TEMPLATE = "/rest/api/3/issue/{issue_id}/watchers"
_USERS = "/rest/api/3/user/bulk"
_USERS_A_REQUEST = 50
_FORBIDDEN = frozenset({401, 403})
# People whose search is tried before searching is given up: one unknown account must not decide.
_PROBES = 3
_REMEDY = "Give the backup account the permission to view voters and watchers, then run again."


class WatcherFinder:
    """Finds the watchers of the issues of one reading; `total_issues` is how many there will be in all."""

    def __init__(self, client: JiraClient, people: Sequence[str], total_issues: int) -> None:
        self._client = client
        self._people = people
        self._total_issues = total_issues
        self._is_refused = False
        self._searched: dict[str, Mapping[str, list[str]] | None] = {}
        self._users: dict[str, bytes] = {}

    def add_watchers(self, parts: Mapping[str, UnitParts]) -> None:
        """Put the watchers of a window's issues into its parts."""
        watched = {issue_id: part for issue_id, part in parts.items() if part.issue.watch_count > 0}
        if not watched:
            return
        asked = watched
        if self._is_search_cheaper(len(watched), len(parts)):
            asked = self._add_by_search(watched)
        refused = self._add_one_by_one(asked)
        if refused is not None:
            part, gap = refused
            part.gaps.append(gap)

    def _is_search_cheaper(self, watched: int, seen: int) -> bool:
        """Compare one search for each person with one call for each watched issue of the whole reading."""
        if not self._people or self._is_refused:
            return False
        expected = watched * self._total_issues // seen
        return len(self._people) + 1 < expected or any(found is not None for found in self._searched.values())

    def _add_by_search(self, watched: Mapping[str, UnitParts]) -> dict[str, UnitParts]:
        """Add what the search finds; give back the issues whose count does not agree with it."""
        found: dict[str, list[str]] = {}
        for project_id in {part.issue.project_id for part in watched.values()}:
            found |= self._watched_in(project_id) or {}
        self._learn_users({person for issue_id in watched for person in found.get(issue_id, ())})
        left: dict[str, UnitParts] = {}
        for issue_id, part in watched.items():
            people = found.get(issue_id, [])
            if len(people) == part.issue.watch_count and all(person in self._users for person in people):
                part.watchers = [self._users[person] for person in people]
            else:
                left[issue_id] = part
        return left

    def _watched_in(self, project_id: str) -> Mapping[str, list[str]] | None:
        """Search once for each person what they watch in a project: issue id -> account ids; None if it is refused."""
        if project_id not in self._searched:
            self._searched[project_id] = self._search_all(project_id) if project_id.isdigit() else None
        return self._searched[project_id]

    def _search_all(self, project_id: str) -> Mapping[str, list[str]] | None:
        _LOG.info("finding watchers in project %s by %d searches", project_id, len(self._people))
        people = list(dict.fromkeys(self._people))
        probes = list(self._client.map_ordered(partial(self._search_one, project_id), people[:_PROBES]))
        if all(issues is None for issues in probes):
            _LOG.info("jira refuses to search for watchers; asking issue by issue")
            return None
        rest = self._client.map_ordered(partial(self._search_one, project_id), people[_PROBES:])
        watching: defaultdict[str, list[str]] = defaultdict(list)
        for person, issues in zip(people, _chained(probes, rest), strict=True):
            for issue_id in issues or ():
                watching[issue_id].append(person)
        return dict(watching)

    def _search_one(self, project_id: str, account_id: str) -> Sequence[str] | None:
        quoted = account_id.replace("\\", "\\\\").replace('"', '\\"')
        jql = f'project = {project_id} AND watcher = "{quoted}" ORDER BY id'
        ids: list[str] = []
        for issue in search(self._client, jql, ("id",)):
            if isinstance(issue, Refusal):
                return None
            ids.append(str(issue["id"]))
        return ids

    def _learn_users(self, account_ids: set[str]) -> None:
        unknown = iter(sorted(account_ids - self._users.keys()))
        batches = iter(lambda: list(islice(unknown, _USERS_A_REQUEST)), [])
        for users in self._client.map_ordered(self._read_users, batches):
            self._users.update(users)

    def _read_users(self, account_ids: Sequence[str]) -> dict[str, bytes]:
        request = Request.get(_USERS, maxResults=len(account_ids)).with_query(
            [("accountId", account_id) for account_id in account_ids]
        )
        page = self._client.try_ask(request, partial(Page.read, items="values"))
        if isinstance(page, Refusal):
            return {}
        users: dict[str, bytes] = {}
        for item in page.items:
            value = read_value(item)
            if isinstance(value, Mapping) and isinstance(value.get("accountId"), str):
                users[value["accountId"]] = bytes(item)
        return users

    def _add_one_by_one(self, asked: Mapping[str, UnitParts]) -> tuple[UnitParts, Gap] | None:
        """Ask issue by issue; give back the part and the one gap for all of this window that Jira denies."""
        denied = Denied()
        answers: Iterable[Sequence[Slice] | Refusal | None] = (
            (None for _ in asked)
            if self._is_refused
            else self._client.map_ordered(self._read_one, list(asked))
        )
        for part, answer in zip(asked.values(), answers, strict=True):
            if answer is None:
                denied.add(part, part.issue.watch_count)
            elif isinstance(answer, Refusal):
                self._note_refusal(part, answer, denied)
            else:
                part.watchers = answer
                denied.add(part, part.issue.watch_count - len(answer))
        return denied.outcome()

    def _read_one(self, issue_id: str) -> Sequence[Slice] | Refusal | None:
        if self._is_refused:
            return None
        request = Request.get(_TEMPLATE, {"issue_id": issue_id})
        page = self._client.try_ask(request, partial(Page.read, items="watchers"))
        return page if isinstance(page, Refusal) else page.items

    def _note_refusal(self, part: UnitParts, refusal: Refusal, denied: Denied) -> None:
        if refusal.status in _FORBIDDEN:
            self._is_refused = True
            denied.add(part, part.issue.watch_count, refusal)
        else:
            part.gaps.append(
                gap_for(
                    refusal,
                    kind="watcher",
                    subject="watchers of an issue",
                    issue_id=part.issue.id,
                    count=part.issue.watch_count,
                )
            )


class Denied:
    """Gathers what the account may not see, so that one missing permission is one gap and not one for each issue."""

    def __init__(self) -> None:
        self._first: UnitParts | None = None
        self._count = 0
        self._refusal: Refusal | None = None

    def add(self, part: UnitParts, missing: int, refusal: Refusal | None = None) -> None:
        """Count what is missing of an issue (nothing, if it is none)."""
        if missing <= 0:
            return
        self._first = self._first or part
        self._count += missing
        self._refusal = self._refusal or refusal

    def outcome(self) -> tuple[UnitParts, Gap] | None:
        """Give the first issue concerned and the gap that speaks for all."""
        if self._first is None:
            return None
        reason = (
            self._refusal.words
            if self._refusal
            else "jira counts more watchers than it shows to this account"
        )
        gap = Gap(
            kind="watcher",
            subject="watchers",
            reason=reason,
            remedy=_REMEDY,
            status=self._refusal.status if self._refusal else None,
            count=self._count,
        )
        return self._first, gap


def _chained(
    first: Iterable[Sequence[str] | None], second: Iterable[Sequence[str] | None]
) -> Iterable[Sequence[str] | None]:
    yield from first
    yield from second
