"""What a reading of Jira gives: the values that cross from the Jira room to the engine.

What belongs here: plain frozen values without behaviour: the account, listed projects, issue units, listed kinds, opened
downloads.

What stays out: the protocols that promise them (`engine.ports`), how they are obtained (`jira`), and how they are
stored (`domain.units`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Gap, ProjectIdentity
    from jira_backup_pipeline.domain.records import Record


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are in Jira. `time_zone` is the profile's zone name; `server_time` Jira's clock at the question.

    `groups` are the names of the account's groups, None where Jira does not say.
    """

    account_id: str
    display_name: str
    time_zone: str
    cloud_id: str
    base_url: str
    server_time: datetime
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StoredLinks:
    """The remote links of an issue as stored: their exact bytes, and the ids of the history entries that name one."""

    items: tuple[bytes, ...] = ()
    entries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast Jira answers at present: the mean time of its answers (None before the first), and how many at once."""

    seconds_a_request: float | None
    at_once: int


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

    @property
    def project_id(self) -> str | None:
        """Give the id of the project that the issue itself names; None where it was not read or names none."""
        issue = self.records[0].value if self.records else None
        fields = issue.get("fields") if isinstance(issue, dict) else None
        project = fields.get("project") if isinstance(fields, dict) else None
        found = project.get("id") if isinstance(project, dict) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Located:
    """Where an issue is now."""

    key: str
    project_id: str


@dataclass(frozen=True, slots=True)
class Access:
    """What the account may do in a project and see of it.

    `permissions` are the ones held of those that matter, `security_levels` the names of the levels of issue security that the
    account knows; None where Jira does not say.
    """

    is_browsable: bool
    permissions: tuple[str, ...] | None = None
    security_levels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """The records of one site or project kind, and what could not be read of it.

    `unread` are the beginnings of ids of which nothing is known because their list was refused: the ids of parents, or
    one empty text where all of the kind may be missing.
    """

    kind: str
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...] = ()
    declared: int | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttachmentBytes:
    """An opened attachment download: read `stream` to its end, then close it; a read may give less than was asked for."""

    stream: BinaryIO
    size_bytes: int | None
    media_id: str | None


@dataclass(frozen=True, slots=True)
class CreatedIssue:
    """What a bulk create answered for one input: the new id and key, or the refusal in Jira's words."""

    issue_id: str | None
    key: str | None
    errors: tuple[str, ...] = ()
