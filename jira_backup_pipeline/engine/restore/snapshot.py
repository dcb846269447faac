"""What is to be restored, read from a snapshot table by table.

What belongs here: decoded live records of one snapshot, streamed; the light heads of its issues; the field definitions
of the site snapshot that it names.

What stays out: Parquet and keys (`repository`), selection and order (`plan`), and what the records become (`fields`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from jira_backup_pipeline.domain.errors import NotFound
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.domain.references import is_document, media_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.repository.repository import Repository, TableSet

_HEAD_COLUMNS = ("id", "key", "issue_type", "issue_type_id", "hierarchy_level", "status", "parent_id")


@dataclass(frozen=True, slots=True)
class IssueHead:
    """What a plan needs of an issue: columns of its table under their own names."""

    id: str
    key: str
    issue_type: str | None
    issue_type_id: str | None
    hierarchy_level: int | None
    status: str | None
    parent_id: str | None

    @property
    def level(self) -> int:
        """Give the hierarchy level: -1 sub-task, 0 base, 1 epic and up."""
        return self.hierarchy_level or 0

    @property
    def number(self) -> int:
        """Give the number in the key, which is the order of creation within a project."""
        return int(self.key.rpartition("-")[2] or 0)


class SnapshotView:
    """One snapshot of a project for a restore; reads the store each time it is asked and keeps nothing."""

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self.manifest = manifest
        self._repository = repository
        self._tables = repository.tables(manifest)
        self._site = _site_of(repository, manifest)

    def heads(self) -> list[IssueHead]:
        """Give every issue's head in order of level (highest first), then number."""
        batches = self._tables.table(BY_NAME["issue"].table).to_batches(_HEAD_COLUMNS)
        heads = [IssueHead(**row) for batch in batches for row in batch.to_pylist()]
        return sorted(heads, key=lambda head: (-head.level, head.number, head.id))

    def rows(self, kind: str, issue_ids: Collection[str] | None = None) -> Iterator[Record]:
        """Stream the records of a kind, those of some issues only when asked, in the order in which they lie."""
        for record in self._tables.table(BY_NAME[kind].table).records(of=issue_ids):
            yield _sendable(record)

    def grouped(self, kind: str, issue_ids: Collection[str]) -> dict[str, list[Record]]:
        """Give the records of a kind by issue."""
        grouped: dict[str, list[Record]] = {}
        for row in self.rows(kind, issue_ids):
            grouped.setdefault(row.issue_id or "", []).append(row)
        return grouped

    def updated_ms(self) -> dict[str, int]:
        """Give Jira's time of the last change, in epoch milliseconds, of every issue by id."""
        return self._tables.index.updated_ms("issue")

    def matching(self, condition: str) -> set[str]:
        """Give the ids of the issues for which an SQL condition over the snapshot's tables holds."""
        return set(self._tables.matching_issues(condition))

    def pairs(self, kind: str, issue_ids: Collection[str]) -> Iterator[tuple[str, str]]:
        """Stream issue and id of the records that hang on some issues, without decoding any."""
        for batch in self._tables.table(BY_NAME[kind].table).to_batches(["issue_id", "id"], of=issue_ids):
            yield from zip(batch["issue_id"].to_pylist(), batch["id"].to_pylist(), strict=True)

    def owners(self, kind: str) -> set[str]:
        """Give the ids of the issues on which records of a kind hang."""
        batches = self._tables.table(BY_NAME[kind].table).to_batches(["issue_id"])
        return {str(issue_id) for batch in batches for issue_id in batch["issue_id"].to_pylist()}

    def count(self, kind: str) -> int:
        """Count the records of a kind."""
        return int(self.manifest.counts.get(BY_NAME[kind].table, 0))

    def site_rows(self, kind: str) -> Iterator[Record]:
        """Stream records of a site kind from the site snapshot that this one names; nothing when it names none."""
        if self._site is not None:
            yield from self._site.table(BY_NAME[kind].table).records()

    def emails(self) -> dict[str, str]:
        """Give the e-mail address of every account whose address the site snapshot shows."""
        people = ((row.id, members_of(row).get("emailAddress")) for row in self.site_rows("person"))
        return {account_id: email for account_id, email in people if isinstance(email, str) and email}

    def open_blob(self, record: Record) -> BinaryIO | None:
        """Open an attachment's bytes, fully decrypted and checked; None when the snapshot holds none."""
        name = record.extra.get("blob")
        return self._repository.open_blob(self.manifest.scope, name) if isinstance(name, str) else None

    def shown_media(self, keep: Callable[[str], bool]) -> set[str]:
        """Give the media ids that any text of these issues shows: issue fields, comments and worklogs."""
        shown: set[str] = set()
        for row in self.rows("issue"):
            if keep(row.id):
                for value in fields_of(row).values():
                    shown.update(media_ids(value) if is_document(value) else ())
        for kind, member in (("comment", "body"), ("worklog", "comment")):
            for row in self.rows(kind):
                if row.issue_id is not None and keep(row.issue_id):
                    shown.update(media_ids(members_of(row).get(member)))
        return shown


def fields_of(record: Record) -> dict[str, Any]:
    """Give an issue's fields."""
    found = record.value.get("fields") if isinstance(record.value, dict) else None
    return found if isinstance(found, dict) else {}


def members_of(record: Record) -> dict[str, Any]:
    """Give a record's members; one that is no object has none."""
    return record.value if isinstance(record.value, dict) else {}


def _sendable(record: Record) -> Record:
    """Decode what the table could not: bytes that are not UTF-8 cannot be sent to Jira, so they are replaced."""
    if record.value is not None:
        return record
    return replace(record, value=json.loads(record.raw.decode("utf-8", "replace")))


def _site_of(repository: Repository, manifest: Manifest) -> TableSet | None:
    if manifest.site_snapshot is None:
        return None
    try:
        return repository.tables(repository.load(SITE_SCOPE, manifest.site_snapshot))
    except NotFound:
        return None
