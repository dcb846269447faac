"""What the engine needs of Jira, said as two small protocols and the values that cross them.

What belongs here: `JiraReader` and `JiraWriter` with their promises. The engine is handed implementations; tests may
hand it doubles.

What stays out: HTTP, paging, retries and decoding (`jira`), and every decision about what to read or write next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Gap, ProjectIdentity
    from jira_backup_pipeline.domain.records import Record


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are in Jira. `time_zone` is the profile's zone name; `server_time` Jira's clock at the question."""

    account_id: str
    display_name: str
    time_zone: str
    cloud_id: str
    base_url: str
    server_time: datetime


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project as discovery saw it; `issue_count` is Jira's own insight (a cross-check, not a proof)."""

    identity: ProjectIdentity
    is_archived: bool = False
    is_deleted: bool = False
    issue_count: int | None = None


@dataclass(frozen=True, slots=True)
class IssueUnit:
    """An issue with all that hangs on it, captured together: the unit of change of a project scope.

    `records` starts with the issue itself. `gaps` names what of this issue could not be read. `declared` are Jira's own
    totals by kind name (`comment`, `worklog`, `changelog` where known), for the ledger.
    """

    issue_id: str
    key: str
    updated_ms: int
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...] = ()
    declared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """Where an issue is now."""

    key: str
    project_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The records of one site or project kind, and what could not be read of it."""

    kind: str
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...] = ()
    declared: int | None = None


@dataclass(frozen=True, slots=True)
class AttachmentBytes:
    """An opened attachment download: read `stream` to its end, then close it."""

    stream: BinaryIO
    size_bytes: int | None
    media_id: str | None


class JiraReader(Protocol):
    """Reads Jira completely and cheaply. Retries are spent inside; what still fails is raised as a domain error.

    `CredentialsRejected` ends a run at once. Things refused one by one (403, 404, 410, 422 of one object) come back as
    gaps, never as errors.
    """

    def whoami(self) -> Account:
        """Ask who the credentials belong to; an anonymous answer raises CredentialsRejected."""

    def projects(self) -> Iterator[ListedProject]:
        """Give every project that the account can browse, archived ones included."""

    def list_kind(self, kind: Kind, *, project_id: str | None = None) -> Listed:
        """Read one site-level or project-level kind by its catalogue listing."""

    def issue_ids(self, project_id: str) -> Iterator[str]:
        """Walk the ids of a project's issues, each once."""

    def changed_issues(self, project_id: str, since_ms: int) -> Iterator[tuple[str, int]]:
        """Give id and `updated` (epoch milliseconds) of the issues changed since then; no upper bound, each once."""

    def locate(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        """Tell where issues are now, by id; what Jira does not give (deleted or hidden) is left out."""

    def issue_count(self, project_id: str) -> int | None:
        """Give Jira's approximate count of a project's issues, or None where it does not say."""

    def issue_units(self, issue_ids: Sequence[str], *, people: Sequence[str] = ()) -> Iterator[IssueUnit]:
        """Read issues with comments, worklogs, history, links, remote links, watchers and attachment metadata.

        Ids that Jira does not give (deleted or hidden meanwhile) are left out: the caller compares. `people` are account
        ids that may be used to find watchers by inverted search where that costs fewer requests.
        """

    def open_attachment(self, attachment_id: str) -> AttachmentBytes | Gap:
        """Start the download of an attachment's bytes; a refusal or absence is a gap."""

    def take_request_counts(self) -> Mapping[str, int]:
        """Give the requests made since this was last asked, by "METHOD path template"."""


@dataclass(frozen=True, slots=True)
class CreatedIssue:
    """What a bulk create answered for one input: the new id and key, or the refusal in Jira's words."""

    issue_id: str | None
    key: str | None
    errors: tuple[str, ...] = ()


class JiraWriter(Protocol):
    """Writes to the target of a restore. Nothing that could make a second copy is ever retried inside.

    `call` raises `AnswerLost` (a TransientError) when the request went out and no answer came back: the caller must
    look before it tries again.
    """

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
