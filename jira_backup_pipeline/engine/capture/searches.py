"""Searches over the whole site for watchers and voters, shared by captures that run as programs of their own.

What belongs here: when a capture takes part, and the finds as sealed documents in the repository's folder `searches/`. A
backfill of fifty projects would otherwise search for every person fifty times.

What stays out: the searches and the comparison with the counts that issues state (`jira.interest`): a find that is no longer
true does not agree with them, and the issue is asked.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import IntegrityError, NotFound
from jira_backup_pipeline.domain.manifest import project_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jira_backup_pipeline.engine.capture.options import CaptureOptions
    from jira_backup_pipeline.engine.ports import JiraReader, ListedProject
    from jira_backup_pipeline.repository.repository import Repository

_FOLDER = "searches"
# As long as the readings of one night or backfill take; whoever swaps one watcher for another meanwhile is found by the next.
_LASTS = timedelta(hours=6)
_STAMP = "%Y%m%dt%H%M%S"


@dataclass(frozen=True, slots=True)
class KeptSearches:
    """The finds of searches by JQL field, as other runs of the last hours left them."""

    repository: Repository
    clock: Callable[[], datetime]

    def load(self, clause: str) -> dict[str, list[str]] | None:
        """Give the newest finds for a JQL field: issue id -> account ids; None where there are none of late."""
        for name in reversed(self._fresh(clause)):
            try:
                document = self.repository.get_document(_FOLDER, name)
            except (IntegrityError, NotFound):
                # It only saves requests: `verify` tells of damage, and Jira is asked again.
                continue
            people = document["people"]
            return {
                issue: [people[place] for place in places] for issue, places in document["issues"].items()
            }
        return None

    def keep(self, clause: str, finds: Mapping[str, Sequence[str]]) -> None:
        """Leave finds for other captures."""
        people = sorted({person for found in finds.values() for person in found})
        places = {person: place for place, person in enumerate(people)}
        name = f"{clause}-{self.clock().astimezone(UTC):{_STAMP}}-{secrets.token_hex(4)}"
        issues = {issue: [places[person] for person in found] for issue, found in finds.items()}
        self.repository.put_document(_FOLDER, name, {"people": people, "issues": issues})

    def _fresh(self, clause: str) -> list[str]:
        earliest = self.clock().astimezone(UTC) - _LASTS
        return [
            name
            for name in self.repository.list_documents(_FOLDER, under=f"{clause}-")
            if _made_at(name) >= earliest
        ]


def _made_at(name: str) -> datetime:
    return datetime.strptime(name.split("-")[1], _STAMP).replace(tzinfo=UTC)


def share_searches(
    repository: Repository,
    reader: JiraReader,
    project: ListedProject,
    *,
    options: CaptureOptions,
    clock: Callable[[], datetime],
) -> None:
    """Let a capture that reads a project whole use the searches of others, and leave its own to those that will come.

    A night that reads what changed keeps the people that are stored, and needs no searches.
    """

    def is_read_whole(one: ListedProject) -> bool:
        return options.is_full or repository.latest(project_scope(one.identity.id)) is None

    if not is_read_whole(project):
        return
    listed = [one for one in reader.projects() if not one.is_archived and not one.is_deleted]
    issues = sum(one.issue_count or 0 for one in listed if is_read_whole(one))
    reader.share_searches(KeptSearches(repository, clock), issues)
