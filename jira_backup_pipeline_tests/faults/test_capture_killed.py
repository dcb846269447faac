"""A backup that dies at any store call leaves earlier snapshots whole, lists no half one, and is completed by the next run."""

from __future__ import annotations

import pytest

from jira_backup_pipeline.engine.capture import attachments
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.verify import VerifyLevel, verify
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import SCOPE, capture, content, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, Moment, ProcessKilled

SMALL_PACKS = CaptureOptions(pack_units=2, reread_days=0)


@pytest.fixture(autouse=True)
def one_download_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the order of store calls the same in every run, so that each of them can be hit."""
    monkeypatch.setattr(attachments, "DOWNLOAD_THREADS", 1)


def small_site() -> PocketJira:
    jira = PocketJira()
    for number in range(5):
        jira.add(comments=number, files=[b"same bytes", f"bytes {number}".encode()])
    return jira


def copied(store: MemoryStore) -> MemoryStore:
    twin = MemoryStore()
    for entry in store.list(""):
        twin.put_new(entry.key, store.get(entry.key))
    return twin


def die(store: CrashingStore, jira: PocketJira) -> None:
    def run() -> None:
        capture(reopen(store, jira), jira, options=SMALL_PACKS)

    with pytest.raises(ProcessKilled):
        run()


def calls_of(store: MemoryStore, jira: PocketJira) -> int:
    counting = CrashingStore(copied(store))
    capture(reopen(counting, jira), jira, options=SMALL_PACKS)
    return len(counting.calls)


@pytest.mark.parametrize("moment", list(Moment))
def test_a_first_backup_killed_at_any_store_call_is_completed_by_the_next_run(moment: Moment) -> None:
    jira = small_site()
    store = MemoryStore()
    new_repository(store, jira)
    calls = calls_of(store, jira)
    assert calls > 30

    for crash_at in range(1, calls + 1):
        damaged = copied(store)
        die(CrashingStore(damaged, crash_at, moment=moment), jira)
        after = reopen(damaged, jira)
        left = after.latest(SCOPE)
        assert left is None or jira.truth() == content(after, left), f"half a snapshot after call {crash_at}"

        jira.tick()
        done = capture(reopen(damaged, jira), jira, options=SMALL_PACKS)

        assert jira.truth() == content(reopen(damaged, jira), done.manifest), f"killed at call {crash_at}"
        assert list(verify(reopen(damaged, jira), level=VerifyLevel.HASH).findings) == []
        assert done.is_clean


def test_a_later_backup_killed_at_any_store_call_leaves_the_earlier_snapshot_readable() -> None:
    jira = small_site()
    store = MemoryStore()
    first = capture(new_repository(store, jira), jira, options=SMALL_PACKS)
    before = jira.truth()
    jira.tick()
    jira.edit("2", "edited")
    jira.add(comments=1)
    del jira.issues["4"]
    calls = calls_of(store, jira)

    for crash_at in range(1, calls + 1):
        damaged = copied(store)
        die(CrashingStore(damaged, crash_at), jira)
        after = reopen(damaged, jira)
        assert before == content(after, after.load(SCOPE, first.manifest.number)), (
            f"killed at call {crash_at}"
        )

        done = capture(reopen(damaged, jira), jira, options=SMALL_PACKS)

        assert jira.truth() == content(reopen(damaged, jira), done.manifest), f"killed at call {crash_at}"


def test_the_next_run_asks_only_for_what_no_closed_pack_holds() -> None:
    jira = small_site()
    store = MemoryStore()
    new_repository(store, jira)
    counting = CrashingStore(copied(store))
    capture(reopen(counting, jira), jira, options=SMALL_PACKS)
    receipts = [
        n for n, (verb, key) in enumerate(counting.calls, 1) if verb == "put_new" and "receipt" in key
    ]
    assert len(receipts) == 3
    die(CrashingStore(store, receipts[1], moment=Moment.AFTER), jira)
    jira.tick()
    jira.edit("1", "changed after the crash")

    done = capture(reopen(store, jira), jira, options=SMALL_PACKS)

    assert sorted(jira.read) == ["1", "5"]
    assert done.reused_units == 3
    assert jira.truth() == content(reopen(store, jira), done.manifest)


def test_what_a_dead_run_could_not_read_is_still_a_gap_when_its_packs_are_reused() -> None:
    jira = small_site()
    jira.gone_files.add("10")
    store = MemoryStore()
    new_repository(store, jira)
    counting = CrashingStore(copied(store))
    capture(reopen(counting, jira), jira, options=SMALL_PACKS)
    manifests = [
        n for n, (verb, key) in enumerate(counting.calls, 1) if verb == "put_new" and "snapshots/" in key
    ]
    die(CrashingStore(store, manifests[0]), jira)
    jira.tick()

    done = capture(reopen(store, jira), jira, options=SMALL_PACKS)

    assert [gap.subject for gap in done.manifest.gaps] == ["bytes of attachment 10"]
    assert not done.is_clean
