"""A small repository in a store of one's choice, and the shortest ways to put records into it.

What belongs here: building records, units and snapshots for tests of the repository and of reading. What stays out:
capturing from a Jira (`engine`), which these tests do without.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.manifest import (
    SITE_SCOPE,
    Manifest,
    ProjectIdentity,
    SnapshotState,
    project_id_of,
)
from jira_backup_pipeline.domain.records import Record, unit_digest
from jira_backup_pipeline.domain.units import StoredUnit
from jira_backup_pipeline.repository.identity import Identity, new_identity
from jira_backup_pipeline.repository.repository import Repository, create_repository, open_repository
from jira_backup_pipeline.repository.snapshots import ManifestDraft
from jira_backup_pipeline.store.contract import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.domain.units import BlobRef
    from jira_backup_pipeline.store.contract import Store

SCOPE = "project-10000"
CLOUD_ID = "11111111-2222-3333-4444-555555555555"
START_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class SteppingClock:
    """Goes on by a minute each time it is asked."""

    def __init__(self, start_at: datetime = START_AT) -> None:
        self.now_at = start_at

    def __call__(self) -> datetime:
        self.now_at += timedelta(minutes=1)
        return self.now_at


def record(
    kind: str,
    record_id: str,
    value: Mapping[str, Any] | None = None,
    *,
    issue_id: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> Record:
    """Make a record whose raw bytes are its value's JSON."""
    whole = {"id": record_id, **(value or {})}
    owner = record_id if kind == "issue" else issue_id
    return Record(kind, record_id, json.dumps(whole).encode(), whole, owner, extra or {})


def blob_columns(blob: BlobRef, media_id: str | None = None) -> dict[str, object]:
    """Give the extra columns of an attachment that has bytes."""
    return {
        "blob": blob.name,
        "blob_size_bytes": blob.size_bytes,
        "blob_sha256": blob.plain_sha256,
        "media_id": media_id,
    }


def unit(*records: Record, updated_ms: int = 0) -> StoredUnit:
    """Make a unit of records, the first of which names it."""
    return StoredUnit(records[0].kind, records[0].id, updated_ms, unit_digest(records), tuple(records))


def issue_unit(issue_id: str, *, comments: int = 1, updated_ms: int = 0, **fields: Any) -> StoredUnit:
    """Make an issue with comments."""
    values = {"summary": f"issue {issue_id}", **fields}
    issue = record("issue", issue_id, {"key": f"ABC-{issue_id}", "fields": values})
    said = [
        record("comment", f"{issue_id}-{number}", {"body": f"comment {number}"}, issue_id=issue_id)
        for number in range(comments)
    ]
    return unit(issue, *said, updated_ms=updated_ms)


@dataclass(slots=True)
class SmallRepository:
    """A repository with its two identities and a clock of its own."""

    store: Store = field(default_factory=MemoryStore)
    operator: Identity = field(default_factory=new_identity)
    recovery: Identity = field(default_factory=new_identity)
    clock: SteppingClock = field(default_factory=SteppingClock)
    repository: Repository = field(init=False)

    def __post_init__(self) -> None:
        self.repository = create_repository(
            self.store,
            operator=self.operator,
            recovery_recipient=self.recovery.recipient,
            cloud_id=CLOUD_ID,
            clock=self.clock,
        )

    @property
    def identity_text(self) -> str:
        """The operator's identity file with its anchor."""
        return self.operator.to_text(self.repository.anchor)

    def reopened(self) -> Repository:
        """Open it anew: nothing is remembered from before."""
        return open_repository(self.store, identity_text=self.identity_text, clock=self.clock)

    def put_blob(self, content: bytes, scope: str = SCOPE) -> BlobRef:
        """Store bytes outside of any pack."""
        return self.repository.start_pack(scope, run="run", watermark_ms=0).put_blob(io.BytesIO(content))

    def snapshot(
        self,
        units: Iterable[StoredUnit] = (),
        *,
        scope: str = SCOPE,
        removed: Collection[tuple[str, str]] = (),
        state: SnapshotState = SnapshotState.COMPLETE,
        key: str = "ABC",
        former_keys: tuple[str, ...] = (),
        gaps: tuple[Gap, ...] = (),
        site_snapshot: int | None = None,
    ) -> Manifest:
        """Commit a snapshot: what the newest one holds, without `removed`, with `units`."""
        repository = self.repository
        head = repository.latest(scope, include_doubtful=True)
        live = {(ref.kind, ref.id): ref for ref in repository.read_index(head)} if head else {}
        pack = repository.start_pack(scope, run="run", watermark_ms=0)
        for stored in units:
            pack.add(stored)
        closed = pack.close()
        live.update({(ref.kind, ref.id): ref for ref in closed.units} if closed else {})
        for name in removed:
            del live[name]
        project_id = project_id_of(scope)
        return repository.commit(
            ManifestDraft(
                scope=scope,
                run="run",
                state=state,
                captured_at=self.clock(),
                watermark_ms=0,
                gaps=gaps,
                project=ProjectIdentity(project_id, key, key.title(), former_keys) if project_id else None,
                site_snapshot=site_snapshot,
                expected_parent=head.number if head else None,
            ),
            live.values(),
        )


def example(store: Store | None = None) -> SmallRepository:
    """A repository with everything in it: two project snapshots, a site snapshot, a blob, a run record."""
    small = SmallRepository(store) if store is not None else SmallRepository()
    site = small.snapshot(
        [unit(record("person", "p1", {"accountId": "p1", "displayName": "Person 01", "active": True}))],
        scope=SITE_SCOPE,
    )
    blob, other = small.put_blob(b"bytes of a picture" * 50), small.put_blob(b"")
    attachment = record(
        "attachment", "501", {"filename": "a.png"}, issue_id="1", extra=blob_columns(blob, "media-1")
    )
    empty = record("attachment", "502", {"filename": "empty"}, issue_id="1", extra=blob_columns(other))
    first = issue_unit("1", comments=2, labels=["red", "blue"])
    small.snapshot(
        [
            unit(*first.records, attachment, empty),
            issue_unit("2"),
            issue_unit("3"),
            unit(record("project", "10000", {"key": "ABC", "name": "Abc"})),
        ],
        site_snapshot=site.number,
    )
    small.snapshot(
        [issue_unit("2", comments=3, summary="changed")], removed=[("issue", "3")], site_snapshot=site.number
    )
    small.snapshot(scope=SITE_SCOPE)
    small.repository.put_document("runs", "run-1", {"requests": 12})
    return small
