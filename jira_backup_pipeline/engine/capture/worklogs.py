"""The worklog feed against what is stored: issues that the search did not name, and a line of the ledger.

What belongs here: which issues the feeds of the site runs send a capture to, and the account of every worklog that they name.

What stays out: reading the feed (`site`, once for all projects) and reading issues (`reading`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import IntegrityError, UnknownName
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, LedgerLine
from jira_backup_pipeline.domain.worklog_feed import WorklogChange, WorklogFeed, merged

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.capture.draft import Draft
    from jira_backup_pipeline.engine.ports import IssueUnit, JiraReader
    from jira_backup_pipeline.repository.repository import Repository

# Site snapshots that a project may have slept through; beyond that the rolling re-read has to do.
_MOST_SITE_SNAPSHOTS = 60


def feed_for(repository: Repository, draft: Draft, site: Manifest | None) -> WorklogFeed | None:
    """Give what the site runs heard since the site snapshot that a project's last snapshot names; None if nothing is known."""
    previous = draft.previous.manifest
    if previous is None or previous.site_snapshot is None or site is None:
        return None
    numbers = range(previous.site_snapshot + 1, site.number + 1)[-_MOST_SITE_SNAPSHOTS:]
    manifests = [site] if numbers else []
    for number in numbers[:-1]:
        try:
            manifests.append(repository.load(SITE_SCOPE, number))
        except (UnknownName, IntegrityError) as error:
            draft.notes.append(
                f"what site snapshot {number} heard of worklogs cannot be read ({error.message}): searches and the re-read "
                "have to find these changes"
            )
    return merged(manifest.worklog_feed for manifest in manifests if manifest.worklog_feed is not None)


@dataclass(slots=True)
class WorklogWatch:
    """Follows the worklogs that the feed names through one capture."""

    repository: Repository
    reader: JiraReader
    draft: Draft
    feed: WorklogFeed | None
    changes: dict[str, WorklogChange] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)

    def unheard(self, listed: Collection[str], changed: Mapping[str, int]) -> set[str]:
        """Give the issues that must be read because of a worklog, although no search (`changed`) shows that they changed."""
        if self.feed is None:
            return set()
        previous = self.draft.previous
        self.changes = {one.worklog_id: one for one in self.feed.updated if one.issue_id in listed}
        known_ms = previous.stored_issues()
        found = {issue_id for issue_id, at_ms in changed.items() if known_ms.get(issue_id) != at_ms}
        before = previous.worklogs(self.repository, {one.issue_id for one in self.changes.values()})
        unheard: set[str] = set()
        for worklog_id, change in self.changes.items():
            if before.get(worklog_id, -1) >= change.updated_ms:
                self.stored.add(worklog_id)
            elif change.issue_id not in found:
                unheard.add(change.issue_id)
        gone = previous.issues_of_worklogs(self.repository, self.feed.deleted)
        unheard.update(issue_id for issue_id in gone if issue_id in listed and issue_id not in found)
        if unheard:
            self.draft.notes.append(
                f"{len(unheard)} issues are read because of worklogs: no search names them as changed"
            )
        return unheard

    def saw(self, unit: IssueUnit) -> None:
        """Take note of the worklogs of an issue that was read."""
        self.stored.update(r.id for r in unit.records if r.kind == "worklog" and r.id in self.changes)

    def ledger_line(self) -> LedgerLine | None:
        """Account for every worklog of the feed. What is not stored is asked for again: it may be gone by now."""
        if self.feed is None:
            return None
        live = {
            worklog_id
            for worklog_id, change in self.changes.items()
            if ("issue", change.issue_id) not in self.draft.removed
        }
        open_ones = sorted(live - self.stored)
        still_there = self.reader.issues_of_worklogs(open_ones) if open_ones else {}
        # Where Jira does not tell, nothing explains their absence.
        missing = [
            i for i in open_ones if still_there is None or still_there.get(i) == self.changes[i].issue_id
        ]
        stored = len(live & self.stored)
        return LedgerLine("worklog", "worklog feed", expected=stored + len(missing), stored=stored)
