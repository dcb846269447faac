"""Finds who watches and who voted for which issue by the cheaper of two ways: issue by issue, or by searching what each person did.

What belongs here: the two kinds of interest, the choice of the way, asking issue by issue, and the comparison with the count that every
issue states: what does not agree is asked again issue by issue, what then still does not agree is a gap.

What stays out: the searches (`interest_search`), knowing the people of a site (`engine`) and everything else that hangs on an issue (`issues`).

The bytes of a watcher or voter are always a user object that Jira sent: from the issue's own list, or, for a find by search
(whose answer names issues only), from the bulk user answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.interest_search import SiteSearches, search_people
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jira_backup_pipeline.jira.assembly import UnitParts
    from jira_backup_pipeline.jira.bodies import SlicedIssue
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.interest_search import Finds
    from jira_backup_pipeline.jira.wire.slices import Slice

_LOG = logging.getLogger(__name__)
_USERS = "/rest/api/3/user/bulk"
_USERS_A_REQUEST = 50
_FORBIDDEN = frozenset({401, 403})
# Without the permission Jira shows an empty list of voters instead of refusing: so many in a row settle it.
_ENOUGH_EMPTY = 10
_REMEDY = "Give the backup account the permission to view voters and watchers, then run again."


@dataclass(frozen=True, slots=True)
class Interest:
    """A way of caring for an issue: its kind in the catalogue, its JQL field, and what its people are called."""

    kind: str
    clause: str
    noun: str

    def count(self, issue: SlicedIssue) -> int:
        """Give how many such people the issue itself states."""
        return issue.interest.get(self.kind, 0)


INTERESTS: Final = (Interest("watcher", "watcher", "watchers"), Interest("vote", "voter", "voters"))


class UserBook:
    """User objects by account id as Jira sent them, asked for in bulk once each; shared by all finders of a reading."""

    def __init__(self, client: JiraClient) -> None:
        self._client = client
        self._users: dict[str, bytes] = {}

    def __contains__(self, account_id: str) -> bool:
        return account_id in self._users

    def __getitem__(self, account_id: str) -> bytes:
        return self._users[account_id]

    def learn(self, account_ids: set[str]) -> None:
        """Ask for those of the accounts that are not known yet; what Jira does not give stays unknown."""
        unknown = iter(sorted(account_ids - self._users.keys()))
        batches = iter(lambda: list(islice(unknown, _USERS_A_REQUEST)), [])
        for users in self._client.map_ordered(self._read, batches):
            self._users.update(users)

    def _read(self, account_ids: Sequence[str]) -> dict[str, bytes]:
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


class InterestFinder:
    """Finds one kind of interested people for the issues of one reading.

    `total_issues` is how many issues there will be in all, `stored` who is known of some of them from an earlier reading, `site` what
    the readings of other projects share with this one.
    """

    def __init__(
        self,
        client: JiraClient,
        interest: Interest,
        people: Sequence[str],
        *,
        total_issues: int,
        users: UserBook,
        site: SiteSearches | None = None,
        stored: Mapping[str, Sequence[bytes]] | None = None,
    ) -> None:
        self._stored = stored or {}
        self._site = site or SiteSearches(client)
        self._client = client
        self._interest = interest
        self._people = people
        self._total_issues = total_issues
        self._users = users
        self._is_refused = False
        self._empty_in_a_row = 0
        self._searched: dict[str, Finds | None] = {}

    def add_people(self, parts: Mapping[str, UnitParts]) -> None:
        """Put the interested people of a window's issues into its parts."""
        stated = {
            issue_id: part
            for issue_id, part in parts.items()
            if self._interest.count(part.issue) > 0 and not self._keeps_stored(issue_id, part)
        }
        if not stated:
            return
        asked = stated
        if self._is_search_cheaper(len(stated), len(parts)):
            asked = self._add_by_search(stated)
        refused = self._add_one_by_one(asked)
        if refused is not None:
            part, gap = refused
            part.gaps.append(gap)

    def _keeps_stored(self, issue_id: str, part: UnitParts) -> bool:
        """Take over the people that are stored where the issue still states as many: a delta then asks for nobody."""
        people = self._stored.get(issue_id, ())
        if len(people) != self._interest.count(part.issue):
            return False
        part.people[self._interest.kind] = people
        return True

    def _is_search_cheaper(self, stated: int, seen: int) -> bool:
        """Compare one search for each person with one call for each such issue of the whole reading."""
        if not self._people or self._is_refused:
            return False
        expected = stated * self._site.issues_with(self._total_issues) // seen
        has_searched = any(found is not None for found in self._searched.values())
        return has_searched or self._site.has_found(self._interest.clause) or len(self._people) + 1 < expected

    def _add_by_search(self, stated: Mapping[str, UnitParts]) -> dict[str, UnitParts]:
        """Add what the search finds; give back the issues whose count does not agree with it."""
        found = {issue_id: self._taken(part.issue.project_id, issue_id) for issue_id, part in stated.items()}
        self._users.learn({person for people in found.values() for person in people})
        left: dict[str, UnitParts] = {}
        for issue_id, part in stated.items():
            people = found[issue_id]
            agrees = len(people) == self._interest.count(part.issue)
            if agrees and all(person in self._users for person in people):
                part.people[self._interest.kind] = [self._users[person] for person in people]
            else:
                left[issue_id] = part
        return left

    def _taken(self, project_id: str, issue_id: str) -> list[str]:
        """Give whom the searches of a project found for an issue, and forget them: an issue is asked about once."""
        if project_id not in self._searched:
            # Once for each person: issue id -> account ids; None if it is refused.
            self._searched[project_id] = self._search_all(project_id) if project_id.isdigit() else None
        return (self._searched[project_id] or {}).pop(issue_id, [])

    def _search_all(self, project_id: str) -> Finds | None:
        clause = self._interest.clause
        if self._site.serves(self._total_issues) or self._site.has_found(clause):
            return self._site.find(clause, self._people)
        return search_people(self._client, clause, self._people, project_id=project_id)

    def _add_one_by_one(self, asked: Mapping[str, UnitParts]) -> tuple[UnitParts, Gap] | None:
        """Ask issue by issue; give back the part and the one gap for all of this window that Jira denies."""
        denied = Denied(self._interest)
        answers: Iterable[Sequence[Slice] | Refusal | None] = (
            (None for _ in asked)
            if self._is_refused
            else self._client.map_ordered(self._read_one, list(asked))
        )
        for part, answer in zip(asked.values(), answers, strict=True):
            if answer is None:
                denied.add(part, self._interest.count(part.issue))
            elif isinstance(answer, Refusal):
                self._note_refusal(part, answer, denied)
            else:
                part.people[self._interest.kind] = answer
                denied.add(part, self._interest.count(part.issue) - len(answer))
        return denied.outcome()

    def _read_one(self, issue_id: str) -> Sequence[Slice] | Refusal | None:
        if self._is_refused:
            return None
        listing = BY_NAME[self._interest.kind].listing
        request = Request.get(listing.path, {"issue_id": issue_id})
        page = self._client.try_ask(request, partial(Page.read, items=listing.items))
        if isinstance(page, Refusal):
            return page
        self._empty_in_a_row = 0 if page.items else self._empty_in_a_row + 1
        if self._empty_in_a_row >= _ENOUGH_EMPTY:
            self._is_refused = True
        return page.items

    def _note_refusal(self, part: UnitParts, refusal: Refusal, denied: Denied) -> None:
        if refusal.status in _FORBIDDEN:
            self._is_refused = True
            denied.add(part, self._interest.count(part.issue), refusal)
        else:
            part.gaps.append(
                gap_for(
                    refusal,
                    kind=self._interest.kind,
                    subject=f"{self._interest.noun} of an issue",
                    issue_id=part.issue.id,
                    count=self._interest.count(part.issue),
                )
            )


class Denied:
    """Gathers what the account may not see, so that one missing permission is one gap and not one for each issue."""

    def __init__(self, interest: Interest) -> None:
        self._interest = interest
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
            else f"jira counts more {self._interest.noun} than it shows to this account"
        )
        gap = Gap(
            kind=self._interest.kind,
            subject=self._interest.noun,
            reason=reason,
            remedy=_REMEDY,
            status=self._refusal.status if self._refusal else None,
            count=self._count,
        )
        return self._first, gap
