"""Finds watchers or voters by searching what each person did: in one project, or once for all projects of a run.

What belongs here: the searches, and `SiteSearches`, which shares their finds between the readings of one run: fifty small
projects would otherwise ask for every person fifty times, or for every issue.

What stays out: when searching is cheaper, and the comparison with the counts that issues state (`interest`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from jira_backup_pipeline.jira.walk import search
from jira_backup_pipeline.jira.wire.messages import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.jira.client import JiraClient

_LOG = logging.getLogger(__name__)
# People whose search is tried before searching is given up: one unknown account must not decide.
_PROBES: Final = 3
# The finds of a site are kept until their issues are read; beyond this they would take too much memory.
_MOST_ISSUES: Final = 200_000

Finds: TypeAlias = dict[str, list[str]]


def search_people(
    client: JiraClient, clause: str, people: Sequence[str], *, project_id: str | None
) -> Finds | None:
    """Search once for each person: issue id -> account ids; None where Jira refuses such searches."""
    where = "the site" if project_id is None else f"project {project_id}"
    _LOG.info("finding every %s in %s by %d searches", clause, where, len(people))
    people = list(dict.fromkeys(people))
    find = partial(_search_one, client, clause, project_id)
    probes = list(client.map_ordered(find, people[:_PROBES]))
    if all(issues is None for issues in probes):
        _LOG.info("jira refuses to search by %s; asking issue by issue", clause)
        return None
    rest = client.map_ordered(find, people[_PROBES:])
    by_issue: defaultdict[str, list[str]] = defaultdict(list)
    for person, issues in zip(people, chain(probes, rest), strict=True):
        for issue_id in issues or ():
            by_issue[issue_id].append(person)
    return dict(by_issue)


def _search_one(
    client: JiraClient, clause: str, project_id: str | None, account_id: str
) -> Sequence[str] | None:
    quoted = account_id.replace("\\", "\\\\").replace('"', '\\"')
    within = "" if project_id is None else f"project = {project_id} AND "
    ids: list[str] = []
    for issue in search(client, f'{within}{clause} = "{quoted}" ORDER BY id', ("id",)):
        if isinstance(issue, Refusal):
            return None
        ids.append(str(issue["id"]))
    return ids


class SharedFinds(Protocol):
    """Finds that outlive a program."""

    def load(self, clause: str) -> Finds | None:
        """Give what is left for a JQL field, None where there is nothing of late."""

    def keep(self, clause: str, finds: Finds) -> None:
        """Leave the finds for a JQL field."""


class SiteSearches:
    """The finds of searches over the whole site, by JQL field; each is made once, when a reading first needs it."""

    def __init__(self, client: JiraClient) -> None:
        self._client = client
        self._issues = 0
        self._finds: dict[str, Finds | None] = {}
        self._kept: SharedFinds | None = None

    def share(self, kept: SharedFinds, issues: int) -> None:
        """Use the finds that other programs left, and leave ours; `issues` is how many issues all of them read."""
        self.expect(issues)
        self._kept = kept

    def expect(self, issues: int) -> None:
        """Say how many issues the readings to come will have in all; what was found before counts no more."""
        self._issues = issues if issues <= _MOST_ISSUES else 0
        self._finds.clear()

    def issues_with(self, own_issues: int) -> int:
        """Give how many issues a search may serve, those of the reading itself included."""
        return max(own_issues, self._issues)

    def serves(self, own_issues: int) -> bool:
        """Tell whether there are readings of other projects to come that would search for the same people."""
        return self._issues > own_issues

    def has_found(self, clause: str) -> bool:
        """Tell whether the searches are made, so that another reading has them for nothing."""
        if clause not in self._finds and self._kept is not None:
            found = self._kept.load(clause)
            if found is not None:
                _LOG.info("taking over every %s from a search that another run made", clause)
                self._finds[clause] = found
        return self._finds.get(clause) is not None

    def find(self, clause: str, people: Sequence[str]) -> Finds | None:
        """Give the finds of the whole site; None where Jira refuses."""
        if not self.has_found(clause) and clause not in self._finds:
            found = search_people(self._client, clause, people, project_id=None)
            self._finds[clause] = found
            if found is not None and self._kept is not None:
                self._kept.keep(clause, found)
        return self._finds[clause]
