"""Compaction: which packs are rewritten, that what they hold arrives byte for byte, and that nothing old is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import IntegrityError
from jira_backup_pipeline.domain.manifest import Manifest, SnapshotState
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.capture import compaction, reading
from jira_backup_pipeline.engine.capture.compaction import packs_to_rewrite
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.verify import VerifyLevel, verify
from jira_backup_pipeline.repository.copying import copy_units
from jira_backup_pipeline.repository.snapshots import ManifestDraft
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import capture, content, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira
from jira_backup_pipeline_tests.doubles.small_repository import SmallRepository, blob_columns, example, unit
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, ProcessKilled

if TYPE_CHECKING:
    from jira_backup_pipeline.repository.repository import Repository

PACKS = st.dictionaries(
    st.integers(0, 200).map(str), st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=120
)


@given(PACKS, st.integers(0, 5))
def test_after_compaction_no_old_pack_is_sparse_and_no_more_than_64_are_left(packs, new_count) -> None:
    live = {pack: alive for pack, (alive, _) in packs.items()}
    total = {pack: alive + dead for pack, (alive, dead) in packs.items()}
    new = set(sorted(live)[:new_count])

    chosen = packs_to_rewrite(live, total, new=new)

    left = live.keys() - chosen
    assert not chosen & new
    assert all(2 * live[pack] >= total[pack] for pack in left - new)
    assert len(left) + bool(chosen) <= max(64, len(new) + 1)
    if len(live) <= 64:
        assert all(2 * live[pack] < total[pack] for pack in chosen)


def test_the_smallest_packs_are_put_together_and_not_again_the_next_night() -> None:
    live = {f"p{number:02}": 1000 - number for number in range(65)}

    chosen = packs_to_rewrite(live, live, new=())

    assert chosen == {f"p{number:02}" for number in range(47, 65)}
    rest = {pack: count for pack, count in live.items() if pack not in chosen} | {"merged": 9}
    assert packs_to_rewrite(rest, rest, new=()) == set()


def test_a_pack_that_is_wholly_live_is_no_reason_to_copy() -> None:
    assert packs_to_rewrite({"a": 5}, {"a": 5}, new=()) == set()
    assert packs_to_rewrite({"a": 2}, {"a": 5}, new=()) == {"a"}


# --- copying ------------------------------------------------------------------------------------------------------------


def odd_repository() -> tuple[SmallRepository, Manifest]:
    """A snapshot with everything that could be lost on the way: odd bytes, numbers, files, several kinds."""
    small = example()
    blob = small.put_blob(b"odd file" * 999)
    odd = Record(
        "issue", "9", b'{"id":"9","key":"ABC-9","n":1e400,"dup":1,"dup":2}', {"id": "9", "key": "ABC-9"}, "9"
    )
    binary = Record(
        "comment",
        "90",
        b'{"id":"90","body":"\xff\xfe"}',
        {"id": "90", "created": "2026-01-02T03:04:05Z"},
        "9",
    )
    lone = Record("comment", "91", b'{"id":"91","body":"\\ud800"}', {"id": "91", "body": "\ud800"}, "9")
    file = Record("attachment", "99", b'{"id":"99"}', {"id": "99"}, "9", blob_columns(blob, "m"))
    return small, small.snapshot([unit(odd, binary, lone, file, updated_ms=77)])


def rows_of(repository: Repository, manifest: Manifest) -> dict[str, list[dict[str, object]]]:
    tables = repository.tables(manifest)
    return {
        name: sorted(
            tables[name].to_arrow().to_pylist(), key=lambda row: (str(row.get("issue_id")), row["id"])
        )
        for name in tables.names
    }


def test_every_cell_arrives_as_it_was_and_the_old_packs_stay() -> None:
    small, before = odd_repository()
    repository = small.reopened()
    objects = {entry.key: small.store.get(entry.key) for entry in small.store.list("")}
    units = list(repository.read_index(before))
    pack = repository.start_pack(before.scope, run="copy", watermark_ms=before.watermark_ms)
    copy_units(repository.tables(before), units, pack)
    closed = pack.close()
    assert closed is not None

    after = repository.commit(
        ManifestDraft(
            scope=before.scope,
            run="copy",
            state=SnapshotState.COMPLETE,
            captured_at=before.captured_at,
            watermark_ms=before.watermark_ms,
            project=before.project,
            expected_parent=before.number,
        ),
        closed.units,
    )

    fresh = small.reopened()
    assert [pack.pack for pack in after.packs] == [closed.ref.pack]
    assert rows_of(fresh, before) == rows_of(fresh, after)
    assert before.counts == after.counts
    copies = {(u.kind, u.id): (u.updated_ms, u.digest, dict(u.counts)) for u in fresh.read_index(after)}
    assert copies == {(u.kind, u.id): (u.updated_ms, u.digest, dict(u.counts)) for u in units}
    assert verify(fresh, level=VerifyLevel.DECRYPT).is_intact
    assert (
        objects.items() <= {entry.key: small.store.get(entry.key) for entry in small.store.list("")}.items()
    )
    for row in rows_of(fresh, after)["attachments"]:
        assert fresh.open_blob(before.scope, str(row["blob"])).read() is not None


def test_rows_that_do_not_come_along_are_never_committed() -> None:
    small, before = odd_repository()
    repository = small.reopened()
    units = [u for u in repository.read_index(before) if u.kind == "issue"]
    too_many = [
        type(u)(u.kind, u.id, u.updated_ms, u.digest, u.pack, {**u.counts, "comment": 9}) for u in units
    ]
    pack = repository.start_pack(before.scope, run="copy", watermark_ms=0)

    with pytest.raises(IntegrityError, match="rows of comment"):
        copy_units(repository.tables(before), too_many, pack)


def test_records_and_copied_rows_may_share_a_table() -> None:
    small, before = odd_repository()
    repository = small.reopened()
    units = [u for u in repository.read_index(before) if u.kind == "issue"]
    pack = repository.start_pack(before.scope, run="copy", watermark_ms=0)
    pack.add(unit(Record("issue", "500", b'{"id":"500"}', {"id": "500"}, "500")))
    copy_units(repository.tables(before), units, pack)
    pack.add(unit(Record("issue", "501", b'{"id":"501"}', {"id": "501"}, "501")))

    closed = pack.close()

    assert closed is not None
    assert closed.ref.total_units == len(units) + 2


# --- captures -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def few_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a snapshot rest on six packs, so that a few nights exceed it."""
    monkeypatch.setattr(compaction, "MOST_PACKS", 6)
    monkeypatch.setattr(compaction, "_PACKS_AFTERWARDS", 4)
    monkeypatch.setattr(reading, "_MOST_PACKS_A_READING", 4)


def site(issues: int) -> tuple[PocketJira, MemoryStore]:
    jira = PocketJira()
    for number in range(issues):
        jira.add(comments=1, files=[f"file {number}".encode()])
    store = MemoryStore()
    new_repository(store, jira)
    capture(reopen(store, jira), jira)
    return jira, store


@pytest.mark.usefixtures("few_packs")
def test_many_nights_never_rest_on_too_many_or_mostly_dead_packs() -> None:
    jira, store = site(12)
    compacted = 0
    for night in range(14):
        jira.tick(24)
        jira.edit(str(night % 12 + 1), f"edited in night {night}")
        done = capture(reopen(store, jira), jira)

        manifest = done.manifest
        assert len(manifest.packs) <= 6
        assert all(2 * pack.live_units >= pack.total_units for pack in manifest.packs)
        assert jira.truth() == content(reopen(store, jira), manifest)
        assert done.changed_units == 1
        compacted += any("copied into a new one" in note for note in manifest.notes)
    assert 1 <= compacted < 14
    assert verify(reopen(store, jira), level=VerifyLevel.DECRYPT).is_intact

    jira.tick(24)
    quiet = capture(reopen(store, jira), jira, options=CaptureOptions(is_full=True))
    assert quiet.manifest.index == manifest.index


def test_a_large_reading_makes_no_more_packs_than_a_snapshot_may_rest_on() -> None:
    jira = PocketJira()
    for _ in range(70):
        jira.add()
    store = MemoryStore()
    new_repository(store, jira)

    done = capture(reopen(store, jira), jira, options=CaptureOptions(pack_units=1))

    assert len(done.manifest.packs) == 24


def test_a_copy_that_a_crash_left_is_no_new_reading() -> None:
    jira, store = site(4)
    for number in ("1", "2", "3"):
        jira.edit(number, "edited")
    twin = MemoryStore()
    for entry in store.list(""):
        twin.put_new(entry.key, store.get(entry.key))
    counting = CrashingStore(twin)
    capture(reopen(counting, jira), jira)
    calls = len(counting.calls)
    hit = 0
    for crash_at in range(calls - 12, calls):
        damaged = MemoryStore()
        for entry in store.list(""):
            damaged.put_new(entry.key, store.get(entry.key))
        with pytest.raises(ProcessKilled):
            capture(reopen(CrashingStore(damaged, crash_at), jira), jira)
        jira.issues["4"].comments = ["changed without a trace"]
        done = capture(reopen(damaged, jira), jira, options=CaptureOptions(is_full=True))
        hit += done.reused_units > 0
        assert jira.truth() == content(reopen(damaged, jira), done.manifest)
        jira.issues["4"].comments = ["comment 0 of 4"]
    assert hit


def test_of_two_writers_a_copy_never_wins_over_a_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    jira, store = site(4)
    for number in ("1", "2", "3"):
        jira.edit(number, "edited")
    real = compaction.compact

    def overtaken(repository: Repository, draft: object) -> None:
        real(repository, draft)  # type: ignore[arg-type]
        monkeypatch.setattr("jira_backup_pipeline.engine.capture.project.compact", real)
        jira.issues["4"].comments = ["changed without a trace"]
        capture(reopen(store, jira), jira, options=CaptureOptions(is_full=True))

    monkeypatch.setattr("jira_backup_pipeline.engine.capture.project.compact", overtaken)
    done = capture(reopen(store, jira), jira)

    assert any("rebased" in note for note in done.manifest.notes)
    assert jira.truth() == content(reopen(store, jira), done.manifest)
