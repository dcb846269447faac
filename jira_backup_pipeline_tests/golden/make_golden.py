"""Make the golden repository of the present format: run by hand, once per format, then never again.

    python -m jira_backup_pipeline_tests.golden.make_golden

It writes `format-<n>/`: a repository folder, its two identities (made for this test, protecting nothing), and
`expected.json`, what a reader must find in it. A folder that exists is never touched: an old format stays as its own
version of the product wrote it.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import ITSELF, KINDS, ColumnType, Level
from jira_backup_pipeline.domain.manifest import (
    MANIFEST_FORMAT,
    SITE_SCOPE,
    Gap,
    LedgerLine,
    ProjectIdentity,
    SnapshotState,
)
from jira_backup_pipeline.domain.records import Record, unit_digest
from jira_backup_pipeline.domain.units import StoredUnit, UnitRef
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.repository.snapshots import ManifestDraft
from jira_backup_pipeline.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.repository.repository import Repository

HERE = Path(__file__).parent
SCOPE = "project-10000"
_SAMPLES: dict[ColumnType, Any] = {
    ColumnType.STRING: "text \u00e9",
    ColumnType.INTEGER: 12,
    ColumnType.NUMBER: 1.5,
    ColumnType.BOOLEAN: True,
    ColumnType.INSTANT: "2026-01-02T03:04:05.678+0200",
    ColumnType.DATE: "2026-02-03",
}


def answers(repository: Repository) -> dict[str, Any]:
    """Give everything that a reader finds in a repository, as JSON."""
    found: dict[str, Any] = {
        "repository_id": repository.repository_id,
        "cloud_id": repository.cloud_id,
        "recipients": [recipient.name for recipient in repository.recipients()],
        "documents": {
            f"{prefix}/{name}": repository.get_document(prefix, name)
            for prefix in ("journals", "runs")
            for name in repository.list_documents(prefix)
        },
        "snapshots": {},
    }
    for scope in repository.scopes():
        for number in repository.snapshot_numbers(scope):
            manifest = repository.load(scope, number)
            tables = repository.tables(manifest)
            rows = {name: [_row(row) for row in tables[name].to_arrow().to_pylist()] for name in tables.names}
            blobs = {
                row["id"]: hashlib.sha256(repository.open_blob(scope, row["blob"]).read()).hexdigest()
                for row in rows.get("attachments", ())
                if row["blob"]
            }
            found["snapshots"][f"{scope}/{number}"] = {
                "manifest": manifest.to_json(),
                "units": [_unit(ref) for ref in repository.read_index(manifest)],
                "tables": {name: sorted(table, key=str) for name, table in rows.items() if table},
                "blobs": blobs,
            }
    return found


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date | datetime) else value


def _unit(ref: UnitRef) -> list[object]:
    return [ref.kind, ref.id, ref.updated_ms, ref.digest.hex(), ref.pack, dict(ref.counts)]


def _sample(kind: Kind, record_id: str, **more: object) -> Record:
    value: dict[str, Any] = {"id": record_id, **more}
    if kind.id_path == ITSELF:
        raw = json.dumps(record_id).encode()
        return Record(kind.name, record_id, raw, record_id)
    for column in kind.columns:
        if column.type is ColumnType.STRINGS:
            *branches, last = column.path
            is_plain = not branches or (kind.level is Level.ISSUE and branches == ["fields"])
            members = ["one", "two"] if is_plain else None
            _put(
                value,
                tuple(branches) if members is None else column.path,
                [{last: "one"}, {last: "two"}] if members is None else members,
            )
        else:
            _put(value, column.path, _SAMPLES[column.type])
    raw = json.dumps(value).encode()
    return Record(kind.name, record_id, raw, json.loads(raw), "1" if kind.level is Level.ISSUE else None)


def _put(value: dict[str, Any], path: Sequence[str], leaf: object) -> None:
    for step in path[:-1]:
        held = value.setdefault(step, {})
        if not isinstance(held, dict):
            return
        value = held
    value.setdefault(path[-1], leaf)


def _unit_of(*records: Record, updated_ms: int = 0) -> StoredUnit:
    return StoredUnit(records[0].kind, records[0].id, updated_ms, unit_digest(records), records)


def _commit(
    repository: Repository,
    clock: Callable[[], datetime],
    scope: str,
    units: Iterable[StoredUnit],
    *,
    removed: Collection[tuple[str, str]] = (),
    state: SnapshotState = SnapshotState.COMPLETE,
    gaps: tuple[Gap, ...] = (),
) -> None:
    head = repository.latest(scope, include_doubtful=True)
    live = {(ref.kind, ref.id): ref for ref in repository.read_index(head)} if head else {}
    pack = repository.start_pack(scope, run="golden-run", watermark_ms=1_700_000_000_000)
    for unit in units:
        pack.add(unit)
    closed = pack.close(gaps=gaps)
    live.update({(ref.kind, ref.id): ref for ref in closed.units} if closed else {})
    for name in removed:
        del live[name]
    repository.commit(
        ManifestDraft(
            scope=scope,
            run="golden-run",
            state=state,
            captured_at=clock(),
            watermark_ms=1_700_000_000_000,
            ledger=(LedgerLine("issue", "id walk", 3, 2, explained=1),),
            gaps=gaps,
            project=ProjectIdentity("10000", "ABC", "Abc", ("OLD",)) if scope != SITE_SCOPE else None,
            site_snapshot=1 if scope != SITE_SCOPE else None,
            unresolved={"77": "2026-01-01T00:00:00.000Z"} if gaps else {},
            notes=("made for a test",),
            expected_parent=head.number if head else None,
        ),
        live.values(),
    )


def make(folder: Path, clock: Callable[[], datetime]) -> None:
    """Write the golden repository into a folder that must not exist yet."""
    folder.mkdir()
    operator, recovery, joined = new_identity(), new_identity(), new_identity()
    store = LocalStore(folder / "repository")
    repository = create_repository(
        store, operator=operator, recovery_recipient=recovery.recipient, clock=clock
    )
    repository.bind_site("11111111-2222-3333-4444-555555555555", "https://example.atlassian.net")
    at = {level: [kind for kind in KINDS if kind.level is level] for level in Level}
    _commit(repository, clock, SITE_SCOPE, [_unit_of(_sample(kind, "1")) for kind in at[Level.SITE]])
    _fill_project(repository, clock, at)
    _commit(repository, clock, SITE_SCOPE, [])
    repository.put_document("runs", "golden-run", {"requests": {"GET /x": 3}})
    repository.put_document("journals", "restore-1/0001", {"lone surrogate": "\ud800"})
    repository.add_recipient(joined.recipient, name="second operator")
    (folder / "operator-identity.txt").write_text(operator.to_text(repository.anchor))
    (folder / "recovery-identity.txt").write_text(recovery.to_text())
    expected = json.dumps(answers(repository), indent=1, sort_keys=True)
    (folder / "expected.json").write_text(expected + "\n")


def _fill_project(repository: Repository, clock: Callable[[], datetime], at: dict[Level, list[Kind]]) -> None:
    pack = repository.start_pack(SCOPE, run="golden-run", watermark_ms=0)
    blobs = [pack.put_blob(io.BytesIO(content)) for content in (b"golden bytes" * 100, b"")]
    pack.abandon()
    first = [_sample(kind, "1") for kind in at[Level.ISSUE]]
    with_bytes = [
        Record(
            "attachment",
            str(number),
            b'{"id":"%d"}' % number,
            {"id": str(number)},
            "1",
            {
                "blob": blob.name,
                "blob_size_bytes": blob.size_bytes,
                "blob_sha256": blob.plain_sha256,
                "media_id": "m",
            },
        )
        for number, blob in enumerate(blobs, start=500)
    ]
    odd = [
        Record(
            "issue",
            "2",
            b'{"id":"2","key":"ABC-2","n":1e400,"dup":1,"dup":2}',
            {"id": "2", "key": "ABC-2"},
            "2",
        ),
        Record("comment", "20", b'{"id":"20","body":"\xff\xfe"}', {"id": "20"}, "2"),
        Record("comment", "21", b'{"id":"21","body":"\\ud800"}', {"id": "21", "body": "\ud800"}, "2"),
    ]
    doomed = [Record("issue", "3", b'{"id":"3"}', {"id": "3"}, "3")]
    units = [_unit_of(*first, *with_bytes, updated_ms=5), _unit_of(*odd, updated_ms=6), _unit_of(*doomed)]
    units += [_unit_of(_sample(kind, "1")) for kind in at[Level.PROJECT]]
    _commit(repository, clock, SCOPE, units)
    repository.rotate(SCOPE)
    gap = Gap("attachment", "bytes of attachment 501", "404 Not Found", "Look in Jira.", 404, "1")
    changed = Record(
        "issue", "2", b'{"id":"2","key":"ABC-2","changed":true}', {"id": "2", "key": "ABC-2"}, "2"
    )
    _commit(
        repository,
        clock,
        SCOPE,
        [_unit_of(changed, updated_ms=9)],
        removed=[("issue", "3")],
        state=SnapshotState.GAPS,
        gaps=(gap,),
    )
    _commit(repository, clock, SCOPE, [], removed=[("issue", "1")], state=SnapshotState.DOUBTFUL)


def main() -> int:
    """Make the golden repository of the present format, unless it exists."""
    from jira_backup_pipeline_tests.doubles.small_repository import SteppingClock  # noqa: PLC0415 - only when run by hand

    folder = HERE / f"format-{MANIFEST_FORMAT}"
    if folder.exists():
        sys.stderr.write(f"{folder.name} exists: a golden repository is never made twice\n")
        return 1
    make(folder, SteppingClock())
    return 0


if __name__ == "__main__":
    sys.exit(main())
