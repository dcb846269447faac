"""A Jira in memory for tests of the engine: no HTTP, no paging, just things that can be edited between captures.

It implements `engine.ports.JiraReader`. The real behaviour of Jira over HTTP is the sandbox's part; this double exists so
that hundreds of captures (a crash at every store call, random edits) run in seconds.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import NotFound
from jira_backup_pipeline.domain.manifest import Gap, ProjectIdentity
from jira_backup_pipeline.domain.readings import (
    Access,
    Account,
    AttachmentBytes,
    IssueUnit,
    Listed,
    ListedProject,
    Located,
    Pace,
)
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.domain.times import from_epoch_ms, to_epoch_ms, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.worklog_feed import WorklogFeed

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass
class PocketIssue:
    """An issue with comments and attachments; `updated_ms` moves with every edit."""

    id: str
    project_id: str
    summary: str
    updated_ms: int
    comments: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    worklogs: dict[str, int] = field(default_factory=dict)


class PocketJira:
    """One site. `now` is its clock, which moves a minute with every edit and an hour with every `tick`."""

    def __init__(self, *, cloud_id: str = "cloud-1") -> None:
        self.cloud_id = cloud_id
        self.now = START
        self.projects_by_id = {"10000": ProjectIdentity("10000", "ALPHA", "Alpha")}
        self.issues: dict[str, PocketIssue] = {}
        self.hidden: set[str] = set()
        self.gone_files: set[str] = set()
        self.read: list[str] = []
        self.withheld_worklogs: set[str] = set()
        self.asked_for_names: list[list[str]] = []
        # Fields that single issues show besides those of all.
        self.further_fields: dict[str, tuple[str, ...]] = {}
        self.titles: dict[str, str] = {}
        self.nameless: set[str] = set()
        self.answer_to_names: Listed | Exception | None = None
        self.groups: tuple[str, ...] = ("jira-users",)
        self.seen_projects: dict[str, str] = {}
        self.feed: WorklogFeed | None = None
        self.asked_singly: list[str] = []
        # No search lists these; the bulk fetch gives the first, the single call the second as well, the third nobody.
        self.unlisted: set[str] = set()
        self.archived: set[str] = set()
        self.levels: tuple[str, ...] | None = None
        self.closed_projects: set[str] = set()
        self.further_permissions: tuple[str, ...] = ()
        self.withheld: set[str] = set()
        self.archived_projects: set[str] = set()
        self.levels_of: dict[str, str] = {}
        self._next_id = 1

    def clock(self) -> datetime:
        return self.now

    def tick(self, hours: float = 1) -> None:
        self.now += timedelta(hours=hours)

    def add(self, *, project_id: str = "10000", comments: int = 0, files: Sequence[bytes] = ()) -> str:
        issue_id = str(self._next_id)
        self._next_id += 1
        issue = PocketIssue(issue_id, project_id, f"issue {issue_id}", 0)
        issue.comments = [f"comment {number} of {issue_id}" for number in range(comments)]
        issue.attachments = {f"{issue_id}{number}": data for number, data in enumerate(files)}
        self.issues[issue_id] = issue
        self.touch(issue_id)
        return issue_id

    def touch(self, issue_id: str) -> None:
        self.now += timedelta(minutes=1)
        self.issues[issue_id].updated_ms = to_epoch_ms(self.now)

    def edit(self, issue_id: str, summary: str) -> None:
        self.issues[issue_id].summary = summary
        self.touch(issue_id)

    def truth(self, project_id: str = "10000") -> dict[str, tuple[str, tuple[str, ...]]]:
        """What a correct snapshot of a project holds: summary and comments by issue id."""
        return {
            issue.id: (issue.summary, tuple(issue.comments))
            for issue in self.issues.values()
            if issue.project_id == project_id and issue.id not in self.hidden
        }

    # engine.ports.JiraReader

    def whoami(self) -> Account:
        return Account(
            "me", "Backup", "UTC", self.cloud_id, "https://jira.example", self.now, groups=self.groups
        )

    def projects(self) -> Iterator[ListedProject]:
        return iter(
            [
                ListedProject(identity, is_archived=identity.id in self.archived_projects)
                for identity in self.projects_by_id.values()
            ]
        )

    def project_named(self, name: str) -> ListedProject | None:
        live = [project for project in self.projects() if not project.is_archived]
        return next((one for one in live if name in (one.identity.id, one.identity.key)), None)

    def list_kind(self, kind: Kind, *, project_id: str | None = None, **_: object) -> Listed:
        records: tuple[Record, ...] = ()
        if kind.name == "project" and project_id is not None:
            identity = self.projects_by_id[project_id]
            value = {"id": identity.id, "key": identity.key, "name": identity.name}
            records = (Record("project", identity.id, json.dumps(value).encode(), value),)
        if kind.name == "site_project":
            seen = self.seen_projects or {i: one.key for i, one in self.projects_by_id.items()}
            values = [{"id": project, "key": key} for project, key in seen.items()]
            records = tuple(
                Record("site_project", value["id"], json.dumps(value).encode(), value) for value in values
            )
        if kind.name == "issue_field":
            return self._fields(("summary", "project", "updated", "security"))
        if kind.name == "person":
            value = {"accountId": "me", "displayName": "Backup", "active": True}
            records = (Record("person", "me", json.dumps(value).encode(), value),)
        return Listed(kind.name, records)

    def field_names(self, issue_ids: Sequence[str]) -> Listed:
        self.asked_for_names.append(list(issue_ids))
        if isinstance(self.answer_to_names, Exception):
            raise self.answer_to_names
        fields = [
            name
            for issue_id in issue_ids
            for name in json.loads(self._unit(self.issues[issue_id]).records[0].raw)["fields"]
        ]
        return self.answer_to_names or self._fields(dict.fromkeys(fields))

    def _fields(self, names: Iterable[str]) -> Listed:
        titles = {name: self.titles.get(name, name.title()) for name in names if name not in self.nameless}
        return Listed(
            "issue_field",
            tuple(
                Record("issue_field", name, b"{}", {}, extra={"name": title})
                for name, title in titles.items()
            ),
        )

    def issue_ids(self, project_id: str, expected: int | None = None) -> Iterator[str]:
        del expected
        if project_id in self.archived_projects:
            message = "the value does not exist for the field 'project'"
            raise NotFound(message, hint="Restore it from the archive.")
        return iter(self._listed(project_id))

    def _listed(self, project_id: str) -> list[str]:
        return [i for i in self.truth(project_id) if i not in self.unlisted | self.archived | self.withheld]

    def changed_issues(self, project_id: str, since_ms: int) -> Iterator[tuple[str, int]]:
        seen = list(self.issue_ids(project_id))
        return iter([(i, self.issues[i].updated_ms) for i in seen if self.issues[i].updated_ms >= since_ms])

    def locate(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        found = [i for i in issue_ids if i in self.issues and i not in self.hidden and i not in self.archived]
        return {
            i: Located("", "") if i in self.withheld else Located(f"KEY-{i}", self.issues[i].project_id)
            for i in found
        }

    def locate_singly(self, issue_ids: Sequence[str]) -> Mapping[str, Located]:
        self.asked_singly += issue_ids
        found = [i for i in issue_ids if i in self.issues and i not in self.hidden]
        return {i: Located(f"KEY-{i}", self.issues[i].project_id) for i in found}

    def access(self, project_id: str) -> Access:
        return Access(
            is_browsable=project_id not in self.closed_projects,
            permissions=("BROWSE_PROJECTS", *self.further_permissions),
            security_levels=self.levels,
        )

    def worklog_feed(self, since_ms: int) -> WorklogFeed | None:
        return None if self.feed is None else replace(self.feed, since_ms=since_ms)

    def issues_of_worklogs(self, worklog_ids: Sequence[str]) -> Mapping[str, str]:
        owners = {f"{issue.id}{name}": issue.id for issue in self.issues.values() for name in issue.worklogs}
        return {i: owners[i] for i in worklog_ids if i in owners}

    def issue_count(self, project_id: str) -> int | None:
        return len(self.truth(project_id))

    def expect_issues(self, count: int) -> None:
        del count

    def share_searches(self, kept: object, issues: int) -> None:
        del kept, issues

    def issue_units(self, issue_ids: Sequence[str], **_: object) -> Iterator[IssueUnit]:
        for issue_id in issue_ids:
            if issue_id in self.issues and issue_id not in self.hidden | self.withheld:
                self.read.append(issue_id)
                yield self._unit(self.issues[issue_id])

    def open_attachment(self, attachment_id: str) -> AttachmentBytes | Gap:
        for issue in self.issues.values():
            if attachment_id in issue.attachments and attachment_id not in self.gone_files:
                data = issue.attachments[attachment_id]
                return AttachmentBytes(io.BytesIO(data), len(data), f"media-{attachment_id}")
        return Gap("attachment", f"bytes of attachment {attachment_id}", "not found", "look", 404)

    def open_avatar(self, avatar_id: str) -> AttachmentBytes | Gap:
        return Gap("avatar", f"avatar {avatar_id}", "not found", "look", 404)

    def on_wait(self, say: object) -> None:
        del say

    def pace(self) -> Pace:
        return Pace(0.05, 10)

    def take_request_counts(self) -> Mapping[str, int]:
        return {}

    def _unit(self, issue: PocketIssue) -> IssueUnit:
        level = self.levels_of.get(issue.id)
        fields = {
            **({"security": {"name": level}} if level else {}),
            **dict.fromkeys(self.further_fields.get(issue.id, ())),
            "summary": issue.summary,
            "project": {"id": issue.project_id},
            "updated": to_iso(from_epoch_ms(issue.updated_ms)),
        }
        records = [
            self._record(
                "issue", issue.id, {"id": issue.id, "key": f"KEY-{issue.id}", "fields": fields}, issue
            )
        ]
        records += [
            self._record(
                "comment", f"{issue.id}c{number}", {"id": f"{issue.id}c{number}", "body": body}, issue
            )
            for number, body in enumerate(issue.comments)
        ]
        records += [
            self._record("attachment", file_id, {"id": file_id, "filename": "f", "size": len(data)}, issue)
            for file_id, data in issue.attachments.items()
        ]
        records += [
            self._record(
                "worklog",
                f"{issue.id}{name}",
                {"id": f"{issue.id}{name}", "updated": to_iso(from_epoch_ms(at_ms))},
                issue,
            )
            for name, at_ms in issue.worklogs.items()
            if name not in self.withheld_worklogs
        ]
        return IssueUnit(
            issue.id,
            f"KEY-{issue.id}",
            issue.updated_ms,
            tuple(records),
            declared=Counter(record.kind for record in records),
        )

    @staticmethod
    def _record(kind: str, record_id: str, value: dict[str, object], issue: PocketIssue) -> Record:
        return Record(kind, record_id, json.dumps(value).encode(), value, issue.id)
