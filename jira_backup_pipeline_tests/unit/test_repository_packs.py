"""A pack exists when its receipt does: not before, not without being read back, and never half."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

import pytest

from jira_backup_pipeline.domain.errors import (
    BackupPipelineError,
    ConfigurationError,
    IntegrityError,
    UnexpectedAnswer,
)
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.domain.units import StoredUnit
from jira_backup_pipeline.repository import packs as packs_module
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline.repository.tables import writing
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SCOPE,
    SmallRepository,
    blob_columns,
    issue_unit,
    record,
    unit,
)
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, Moment, ProcessKilled

if TYPE_CHECKING:
    from jira_backup_pipeline.repository.packs import PackWriter
    from jira_backup_pipeline.store.contract import Store


def _pack(small: SmallRepository, watermark_ms: int = 0) -> PackWriter:
    return small.repository.start_pack(SCOPE, run="run", watermark_ms=watermark_ms)


def test_a_pack_of_nothing_stores_nothing() -> None:
    small = SmallRepository()

    assert _pack(small).close() is None
    assert list(small.store.list("packs/")) == []


def test_a_closed_pack_tells_its_units_gaps_watermark_and_cost() -> None:
    small = SmallRepository()
    gap = Gap("attachment", "bytes of attachment 7", "403 Forbidden", "Ask for access.", 403, "1")
    pack = _pack(small, watermark_ms=77)
    pack.add(issue_unit("1", comments=2, updated_ms=5))
    pack.add(unit(record("project", "10000")))

    closed = pack.close(gaps=[gap])

    assert closed is not None
    assert [(ref.kind, ref.id, ref.updated_ms, ref.counts) for ref in closed.units] == [
        ("issue", "1", 5, {"issue": 1, "comment": 2}),
        ("project", "10000", 0, {"project": 1}),
    ]
    assert (77, (gap,), 2, 2) == (
        closed.watermark_ms,
        closed.gaps,
        closed.ref.live_units,
        closed.ref.total_units,
    )
    assert sum(stored.size_bytes for stored in small.store.list("packs/")) == closed.written_bytes
    assert [closed] == list(small.reopened().closed_packs(SCOPE))
    assert list(small.reopened().closed_packs(SCOPE, not_in={closed.ref.pack})) == []


def test_an_abandoned_pack_is_never_found() -> None:
    small = SmallRepository()
    pack = _pack(small)
    pack.add(issue_unit("1"))
    pack.flush()
    pack.abandon()

    assert pack.close() is None
    assert list(small.reopened().closed_packs(SCOPE)) == []


def test_a_damaged_pack_that_nobody_needs_is_told_and_passed_over() -> None:
    small = SmallRepository()
    for name in ("1", "2"):
        pack = _pack(small)
        pack.add(issue_unit(name))
        pack.close()
    first = next(stored.key for stored in small.store.list("packs/") if stored.key.endswith("receipt.age"))
    small.store.delete(first)
    small.store.put_new(first, b"garbage")
    told: list[IntegrityError] = []

    found = list(small.reopened().closed_packs(SCOPE, on_damage=told.append))

    assert [ref.id for closed in found for ref in closed.units] == ["2"]
    assert [first in error.message for error in told] == [True]
    with pytest.raises(IntegrityError):
        list(small.reopened().closed_packs(SCOPE))


def _foreign_comment() -> StoredUnit:
    return unit(*issue_unit("1").records, record("comment", "9", issue_id="2"))


def _project_with_issue() -> StoredUnit:
    return unit(record("project", "10000"), record("issue", "1"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (_foreign_comment(), "comment 9 does not hang on issue 1"),
        (_project_with_issue(), "issue 1 does not hang on project 10000"),
        (StoredUnit("issue", "1", 0, bytes(16), ()), "without its own record"),
        (unit(record("component", "1"), record("component", "2")), "component 2 is not the unit"),
        (unit(record("issue", "1", extra={"colour": "red"})), "no columns colour"),
    ],
)
def test_a_unit_that_is_none_is_refused(wrong: StoredUnit, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _pack(SmallRepository()).add(wrong)


def test_a_unit_may_be_added_once() -> None:
    pack = _pack(SmallRepository())
    pack.add(issue_unit("1"))

    with pytest.raises(ConfigurationError, match="twice"):
        pack.add(issue_unit("1"))


def test_an_id_that_cannot_be_stored_is_named() -> None:
    with pytest.raises(UnexpectedAnswer, match="cannot be stored"):
        _pack(SmallRepository()).add(unit(Record("issue", "\ud800", b"{}", {}, "\ud800")))


def test_row_groups_close_by_rows_by_raw_bytes_and_by_the_sum_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    write = writing.EncryptedFile.write
    monkeypatch.setattr(
        writing.EncryptedFile,
        "write",
        lambda self, batch: (closed.append(batch.num_rows), write(self, batch)),
    )
    monkeypatch.setattr(writing, "ROW_GROUP_ROWS", 3)
    monkeypatch.setattr(writing, "ROW_GROUP_RAW_BYTES", 1_000)
    monkeypatch.setattr(packs_module, "_BUFFER_BYTES", 1_500)
    pack = _pack(SmallRepository())
    for number in range(4):
        pack.add(issue_unit(str(number), comments=0))
    assert closed == [3]
    pack.add(issue_unit("long", comments=0, summary="x" * 1_000))
    assert closed == [3, 2]
    pack.add(unit(record("project", "1", {"name": "x" * 800}), updated_ms=1))
    pack.add(unit(record("component", "1", {"name": "x" * 900})))
    assert closed == [3, 2, 1]


def test_a_file_that_grew_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs_module, "_FILE_BYTES", 2_000)
    monkeypatch.setattr(writing, "ROW_GROUP_ROWS", 2)
    small = SmallRepository()

    manifest = small.snapshot([issue_unit(str(number), summary=str(number) * 40) for number in range(12)])

    files = [stored.key for stored in small.store.list("packs/") if "/issue-" in stored.key]
    assert len(files) > 1
    assert [f"issue-{number:03}.parquet" for number in range(len(files))] == [
        key.split("/")[-1] for key in files
    ]
    assert small.reopened().tables(manifest)["issues"].count() == 12


class _LyingStore(MemoryStore):
    """Stores something else than it is given where the key says so."""

    def __init__(self, lies_about: str) -> None:
        super().__init__()
        self._lies_about = lies_about

    def open(self, key: str) -> BinaryIO:
        body = self.get(key)
        return io.BytesIO(body[:-1] + bytes([body[-1] ^ 1]) if self._lies_about in key else body)


@pytest.mark.parametrize("lies_about", ["comment-", "units-", "blobs/"])
def test_what_does_not_read_back_gets_no_receipt(lies_about: str) -> None:
    small = SmallRepository(_LyingStore(lies_about))
    pack = _pack(small)
    blob = pack.put_blob(io.BytesIO(b"bytes"))
    attachment = record("attachment", "7", issue_id="1", extra=blob_columns(blob))
    pack.add(unit(*issue_unit("1").records, attachment))

    with pytest.raises(IntegrityError, match=lies_about):
        pack.close()
    assert [stored for stored in small.store.list("packs/") if stored.key.endswith("receipt.age")] == []


def _capture(store: Store, small: SmallRepository) -> None:
    """One run: a pack with a blob, a pack without, a commit on top of what is there."""
    worker = SmallRepository.__new__(SmallRepository)
    worker.store, worker.operator, worker.clock = store, small.operator, small.clock
    worker.repository = open_repository(store, identity_text=small.identity_text, clock=small.clock)
    pack = worker.repository.start_pack(SCOPE, run="run", watermark_ms=0)
    blob = pack.put_blob(io.BytesIO(b"bytes"))
    attachment = record("attachment", "7", issue_id="2", extra=blob_columns(blob))
    pack.add(unit(*issue_unit("2", comments=3).records, attachment))
    pack.close()
    worker.snapshot([issue_unit("3")])


@pytest.mark.parametrize("moment", list(Moment))
def test_a_run_that_dies_at_any_call_leaves_no_half_snapshot(moment: Moment) -> None:
    small = SmallRepository()
    small.snapshot([issue_unit("1")])
    objects = {stored.key: small.store.get(stored.key) for stored in small.store.list("")}

    def copy() -> MemoryStore:
        store = MemoryStore()
        for key, body in objects.items():
            store.put_new(key, body)
        return store

    counting = CrashingStore(copy())
    _capture(counting, small)
    # Only writes change what is there: dying at a read leaves what the write before it left.
    writes = [number for number, (verb, _) in enumerate(counting.calls, start=1) if verb == "put_new"]
    assert len(writes) > 8
    for call in writes:
        store = copy()
        with pytest.raises(ProcessKilled):
            _capture(CrashingStore(store, call, moment=moment), small)
        repository = open_repository(store, identity_text=small.identity_text)
        newest = repository.latest(SCOPE)
        assert newest is not None
        stored = sorted(repository.tables(newest)["issues"].to_arrow(["id"])["id"].to_pylist())
        assert stored == (["1"] if newest.number == 1 else ["1", "3"])
        assert list(repository.chain_findings(SCOPE)) == []
        leftovers = [ref.id for closed in repository.closed_packs(SCOPE) for ref in closed.units]
        assert "1" in leftovers
        _capture(store, small)
        assert repository.latest(SCOPE).number == newest.number + 1  # type: ignore[union-attr]


def test_every_error_of_the_room_says_what_to_do() -> None:
    with pytest.raises(BackupPipelineError, match="HINT: "):
        _pack(SmallRepository()).add(_foreign_comment())
