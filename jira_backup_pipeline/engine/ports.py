"""What the engine needs of Jira, said as two small protocols and the values that cross them.

What belongs here: `JiraReader` and `JiraWriter` with their promises. The engine is handed implementations; tests may
hand it doubles. The values are defined in `domain.readings`, because the Jira room lies below the engine.

What stays out: HTTP, paging, retries and decoding (`jira`), and every decision about what to read or write next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from jira_backup_pipeline.domain.readings import (
    Access,
    Account,
    AttachmentBytes,
    CreatedIssue,
    IssueUnit,
    Listed,
    ListedProject,
    Located,
    Pace,
    StoredLinks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.worklog_feed import WorklogFeed

__all__ = [
    "Access",
    "Account",
    "AttachmentBytes",
    "CreatedIssue",
    "IssueUnit",
    "JiraReader",
    "JiraWriter",
    "Listed",
    "ListedProject",
    "Located",
    "Pace",
    "StoredLinks",
]


class SharedSearches(Protocol):
    """The finds of searches over the whole site, kept where other programs find them; issue id -> account ids."""

    def load(self, clause: str) -> dict[str, list[str]] | None:
        """Give what is left for a JQL field (`watcher`, `voter`); None where there is nothing of late."""

    def keep(self, clause: str, finds: dict[str, list[str]]) -> None:
        """Leave the finds for a JQL field."""


class JiraReader(Protocol):
    """Reads Jira completely and cheaply. Retries are spent inside; what still fails is raised as a domain error.

    `CredentialsRejected` ends a run at once. Things refused one by one (403, 404, 410, 422 of one object) come back as
    gaps, never as errors.
    """

    def whoami(self) -> Account:
        """Ask who the credentials belong to; an anonymous answer raises CredentialsRejected."""

    def projects(self) -> Iterator[ListedProject]:
        """Give every project that the account can browse, archived ones included."""

    def project_named(self, name: str) -> ListedProject | None:
        """Find a live project by its present key or numeric id in one request; None where it is not found so."""

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

    def issue_ids(self, project_id: str, expected: int | None = None) -> Iterator[str]:
        """Walk the ids of a project's issues, each once; of a big one (`expected` issues) several parts at a time."""

    def changed_issues(self, project_id: str, since_ms: int) -> Iterator[tuple[str, int]]:
        """Give id and `updated` (epoch milliseconds) of the issues changed since then; no upper bound, each once."""

    def field_names(self, issue_ids: Sequence[str]) -> Listed:
        """Give the names and types of the fields that these issues show, each once."""

    def locate(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        """Tell where issues are now, by id; what Jira does not give (deleted or hidden) is left out."""

    def locate_singly(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        """Tell where issues are now, one request each: the surest word that one is gone."""

    def access(self, project_id: str) -> Access:
        """Ask what the account may do in a project and see of it."""

    def worklog_feed(self, since_ms: int) -> WorklogFeed | None:
        """Give the worklogs of the whole site that changed or went since a moment; None where Jira refuses to tell."""

    def issues_of_worklogs(self, worklog_ids: Sequence[str]) -> Mapping[str, str] | None:
        """Give the issue of each worklog by id; what does not exist or is not shown is left out. None where Jira refuses."""

    def issue_count(self, project_id: str) -> int | None:
        """Give Jira's approximate count of a project's issues, or None where it does not say."""

    def expect_issues(self, count: int) -> None:
        """Say how many issues of several projects are about to be read: watchers and voters may then be searched once for all."""

    def share_searches(self, kept: SharedSearches, issues: int) -> None:
        """Use the searches for watchers and voters that other programs left, and leave ours; `issues` is how many all of them read."""

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
        """Read issues with all that hangs on them; of attachments the metadata.

        Ids that Jira does not give (deleted or hidden meanwhile) are left out: the caller compares. `people` are account
        ids that may be used to find watchers and voters by inverted search where that costs fewer requests. Remote links
        cost a request an issue: they are asked of the issues in `links_of` (None: of every issue) and of those whose history
        names one in an entry that `stored_links` does not know; other issues keep the links stored there. Issue properties are found by key: `property_keys` are known from before; the issues in `properties_of`
        (None: every issue) are asked for all they have, one request each, and their keys are asked of the others too.
        `stored_people` are user objects by kind and issue id, as stored: where the issue states as many, nobody is asked.
        """

    def open_attachment(self, attachment_id: str) -> AttachmentBytes | Gap:
        """Start the download of an attachment's bytes; a refusal or absence is a gap."""

    def open_avatar(self, avatar_id: str) -> AttachmentBytes | Gap:
        """Start the download of the picture of a project's own avatar; a refusal or absence is a gap."""

    def on_wait(self, say: Callable[[str], None] | None) -> None:
        """From now on tell `say` when all calls must wait because Jira's quota is spent."""

    def pace(self) -> Pace:
        """Tell how fast Jira answers at present."""

    def take_request_counts(self) -> Mapping[str, int]:
        """Give the requests made since this was last asked, by "METHOD path template"."""


class JiraWriter(Protocol):
    """Writes to the target of a restore. Nothing that could make a second copy is ever retried inside.

    `call` raises `AnswerLost` (a TransientError) when the request went out and no answer came back: the caller must
    look before it tries again.
    """

    def whoami(self) -> Account:
        """Ask who writes and to which site; an anonymous answer raises CredentialsRejected."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """Read and decode one answer; NotFound for a 404."""

    def get_all(
        self, kind_path: str, items: str, query: Mapping[str, str] | None = None
    ) -> Iterable[Mapping[str, object]]:
        """Read every page of a list whose paging is startAt or nextPageToken."""

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        """Write once and decode the answer (None when it is empty); a refusal raises WriteRefused with Jira's words."""

    def upload(self, issue_id: str, filename: str, stream: BinaryIO, size_bytes: int) -> Mapping[str, object]:
        """Upload one attachment and give its metadata."""

    def media_id(self, attachment_id: str) -> str | None:
        """Tell the media UUID that text uses for an attachment, seen in the download's redirect."""
