"""The reader that the engine is handed: `engine.ports.JiraReader` on top of a client.

What belongs here: `CloudReader`, which puts each promise of the protocol to the module that keeps it.

What stays out: how each thing is read (see the map of the room) and what the engine does with it.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from jira_backup_pipeline.jira import access, bodies, download, field_names, listing, site, walk, worklog_feed
from jira_backup_pipeline.jira.interest import INTERESTS, InterestFinder, UserBook
from jira_backup_pipeline.jira.interest_search import SiteSearches
from jira_backup_pipeline.jira.issue_properties import IssueProperties
from jira_backup_pipeline.jira.issues import IssueReading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.domain.readings import (
        Access,
        Account,
        AttachmentBytes,
        IssueUnit,
        Listed,
        ListedProject,
        Located,
        Pace,
        StoredLinks,
    )
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.worklog_feed import WorklogFeed
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.interest_search import SharedFinds


class CloudReader:
    """Reads one Jira Cloud site. Several threads may use it; one `issue_units` iterator belongs to one thread."""

    def __init__(self, client: JiraClient) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._site_searches = SiteSearches(client)

    def whoami(self) -> Account:
        """Ask who the credentials belong to; an anonymous answer raises CredentialsRejected."""
        return site.ask_whoami(self.client)

    def projects(self) -> Iterator[ListedProject]:
        """Give every project that the account can browse, archived ones included."""
        return site.list_projects(self.client)

    def project_named(self, name: str) -> ListedProject | None:
        """Find a live project by its present key or numeric id in one request; None where it is not found so."""
        return site.find_project(self.client, name)

    def list_kind(
        self,
        kind: Kind,
        *,
        project_id: str | None = None,
        known: Mapping[str, Sequence[Record]] | None = None,
    ) -> Listed:
        """Read one site-level or project-level kind by its catalogue listing.

        `known` are records by kind that were read before: a kind that is listed for each parent is asked for those.
        """
        return listing.list_kind(self.client, kind, project_id=project_id, known=known)

    def issue_ids(self, project_id: str, expected: int | None = None) -> Iterator[str]:
        """Walk the ids of a project's issues, each once; of a big one (`expected` issues) several parts at a time."""
        return walk.issue_ids(self.client, project_id, expected)

    def changed_issues(self, project_id: str, since_ms: int) -> Iterator[tuple[str, int]]:
        """Give id and `updated` (epoch milliseconds) of the issues changed since then; no upper bound, each once."""
        return walk.changed_issues(self.client, project_id, since_ms)

    def field_names(self, issue_ids: Sequence[str]) -> Listed:
        """Give the names and types of the fields that these issues show, each once."""
        return field_names.names_shown_by(self.client, issue_ids)

    def locate(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        """Tell where issues are now, by id; what Jira does not give (deleted or hidden) is left out."""
        return bodies.locate(self.client, issue_ids)

    def locate_singly(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        """Tell where issues are now, one request each: the surest word that one is gone."""
        return access.locate_singly(self.client, issue_ids)

    def access(self, project_id: str) -> Access:
        """Ask what the account may do in a project and see of it."""
        return access.ask_access(self.client, project_id)

    def worklog_feed(self, since_ms: int) -> WorklogFeed | None:
        """Give the worklogs of the whole site that changed or went since a moment; None where Jira refuses to tell."""
        return worklog_feed.read_feed(self.client, since_ms)

    def issues_of_worklogs(self, worklog_ids: Sequence[str]) -> Mapping[str, str] | None:
        """Give the issue of each worklog by id; what does not exist or is not shown is left out. None where Jira refuses."""
        return worklog_feed.issues_of(self.client, worklog_ids)

    def issue_count(self, project_id: str) -> int | None:
        """Give Jira's approximate count of a project's issues, or None where it does not say."""
        return walk.count_issues(self.client, project_id)

    def expect_issues(self, count: int) -> None:
        """Say how many issues of several projects are about to be read: watchers and voters may then be searched once for all."""
        self._site_searches.expect(count)

    def share_searches(self, kept: SharedFinds, issues: int) -> None:
        """Use the searches for watchers and voters that other programs left, and leave ours; `issues` is how many all of them read."""
        self._site_searches.share(kept, issues)

    def issue_units(
        self,
        issue_ids: Sequence[str],
        *,
        people: Sequence[str] = (),
        links_of: Collection[str] | None = None,
        property_keys: Collection[str] = (),
        properties_of: Collection[str] | None = (),
        stored_people: Mapping[str, Mapping[str, Sequence[bytes]]] | None = None,
        stored_links: Mapping[str, StoredLinks] | None = None,
    ) -> Iterator[IssueUnit]:
        """Read issues with all that hangs on them, in the order asked; what Jira does not give is left out.

        An issue that exists but cannot be read is a unit without records and with a gap. Gaps of equal kind, subject and
        reason belong together: a missing permission is told once for each window of 1,000 issues, with its count.
        """
        users, total = UserBook(self.client), len(issue_ids)
        finders = [
            InterestFinder(
                self.client,
                interest,
                people,
                total_issues=total,
                users=users,
                site=self._site_searches,
                stored=(stored_people or {}).get(interest.kind),
            )
            for interest in INTERESTS
        ]
        properties = IssueProperties(self.client, property_keys, properties_of)
        if links_of is not None and list(links_of) == list(issue_ids):
            links_of = None  # a set of all the ids of a first reading would only take memory
        reading = IssueReading(
            self.client,
            finders,
            properties,
            links_of=links_of,
            stored_links=stored_links or {},
            is_delta=bool(stored_people),
        )
        return reading.units(issue_ids)

    def open_attachment(self, attachment_id: str) -> AttachmentBytes | Gap:
        """Start the download of an attachment's bytes; a refusal or absence is a gap."""
        return download.open_attachment(self.client, attachment_id)

    def open_avatar(self, avatar_id: str) -> AttachmentBytes | Gap:
        """Start the download of the picture of a project's own avatar; a refusal or absence is a gap."""
        return download.open_avatar(self.client, avatar_id)

    def on_wait(self, say: Callable[[str], None] | None) -> None:
        """From now on tell `say` when all calls must wait because Jira's quota is spent."""
        self.client.on_wait(say)

    def pace(self) -> Pace:
        """Tell how fast Jira answers at present."""
        return self.client.pace()

    def take_request_counts(self) -> Mapping[str, int]:
        """Give the requests made since this was last asked, by "METHOD path template"."""
        with self._lock:
            now = Counter(self.client.request_counts())
            taken = now - self._counted
            self._counted = now
        return dict(taken)

    def close(self) -> None:
        """Let go of threads and connections."""
        self.client.close()
