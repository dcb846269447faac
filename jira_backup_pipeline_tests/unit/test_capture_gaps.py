"""What is missing of a capture is accounted for: by gaps that stay until it is there, and by the lines of the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.manifest import Gap, SnapshotState
from jira_backup_pipeline.domain.readings import IssueUnit
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.site import capture_site
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import SCOPE, capture, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira
from jira_backup_pipeline_tests.unit.test_capture_of_changes import site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jira_backup_pipeline.domain.manifest import Manifest


def test_a_file_that_is_gone_is_a_gap_until_it_can_be_had() -> None:
    jira, store = site()
    issue_id = jira.add(files=[b"content"])
    jira.gone_files.add(f"{issue_id}0")

    first = capture(reopen(store, jira), jira)
    jira.gone_files.clear()
    second = capture(reopen(store, jira), jira)

    assert SnapshotState.GAPS is first.manifest.state
    assert first.manifest.unexplained == 0
    assert SnapshotState.COMPLETE is second.manifest.state
    row = reopen(store, jira).tables(second.manifest)["attachments"].to_arrow().to_pylist()[0]
    assert reopen(store, jira).open_blob(SCOPE, row["blob"]).read() == b"content"


def declared_and_stored_bytes(manifest: Manifest) -> tuple[int, int] | None:
    found = [(line.expected, line.stored) for line in manifest.ledger if line.source == "bytes declared"]
    return found[0] if found else None


def test_declared_and_stored_bytes_are_accounted_for_through_edits_moves_and_deletions() -> None:
    jira, store = site(2)
    files = [jira.add(files=[b"x" * size]) for size in (100, 20, 3)]
    jira.gone_files.add(f"{files[1]}0")

    def night(**options: int) -> tuple[int, int] | None:
        jira.tick(24)
        chosen = CaptureOptions(reread_days=0, **options)
        done = capture(reopen(store, jira), jira, options=chosen).manifest
        assert done.unexplained == 0
        return declared_and_stored_bytes(done)

    assert night() == (123, 103)
    jira.gone_files.clear()
    assert night() == (123, 123)
    jira.issues[files[0]].attachments["new"] = b"y" * 1000
    jira.touch(files[0])
    assert night() == (1123, 1123)
    del jira.issues[files[0]]
    assert night() == (23, 23)
    assert night(is_full=True) == (23, 23)


def test_an_accepted_gap_does_not_make_a_run_incomplete() -> None:
    jira, store = site()
    jira.gone_files.add(f"{jira.add(files=[b'x'])}0")
    accepted = CaptureOptions(reread_days=0, accepted_gaps=("attachment:404",))

    done = capture(reopen(store, jira), jira, options=accepted)

    assert SnapshotState.GAPS is done.manifest.state
    assert done.is_clean


class DenyingJira(PocketJira):
    """Who watches is denied for every issue that is read: a gap that names none of them."""

    def issue_units(self, issue_ids: Sequence[str], **options: object) -> Iterator[IssueUnit]:
        gap = Gap("watcher", "watchers", "No.", "Give the permission.", 403)
        return (replace(unit, gaps=(gap,)) for unit in super().issue_units(issue_ids, **options))


def test_a_gap_that_names_no_issue_stays_with_its_count_until_a_full_reading() -> None:
    jira, store = DenyingJira(), MemoryStore()
    for _ in range(4):
        jira.add()
    new_repository(store, jira)
    assert [gap.count for gap in capture(reopen(store, jira), jira).manifest.gaps] == [4]
    for _ in range(2):
        jira.edit("1", "once more")

        # The issue that is read again is among the four.
        assert [gap.count for gap in capture(reopen(store, jira), jira).manifest.gaps] == [4]

    jira.__class__ = PocketJira
    full = CaptureOptions(reread_days=0, is_full=True)
    assert capture(reopen(store, jira), jira, options=full).manifest.gaps == ()


class StumblingJira(PocketJira):
    """One issue exists and is not handed out in any way."""

    def issue_units(self, issue_ids: Sequence[str], **options: object) -> Iterator[IssueUnit]:
        for unit in super().issue_units(issue_ids, **options):
            gap = Gap("issue", f"issue {unit.issue_id}", "too large", "Reduce it.", 413, unit.issue_id)
            yield IssueUnit(unit.issue_id, "", 0, (), (gap,)) if unit.issue_id == "2" else unit


def test_what_the_walk_lists_and_nobody_stores_is_in_the_ledger_and_explained_by_its_gap_alone() -> None:
    jira, store = StumblingJira(), MemoryStore()
    for _ in range(3):
        jira.add()
    new_repository(store, jira)

    done = capture(reopen(store, jira), jira).manifest

    [line] = [line for line in done.ledger if line.source == "id walk"]
    assert (line.expected, line.stored, line.explained, line.unexplained) == (3, 2, 1, 0)
    assert done.state is SnapshotState.GAPS


class ForgettingJira(PocketJira):
    """Gives as many entries of each history as it is told to."""

    entries = 3

    def issue_units(self, issue_ids: Sequence[str], **options: object) -> Iterator[IssueUnit]:
        for unit in super().issue_units(issue_ids, **options):
            history = [
                Record("changelog", f"{unit.issue_id}h{n}", b'{"items": []}', {"items": []}, unit.issue_id)
                for n in range(self.entries)
            ]
            yield replace(unit, records=(*unit.records, *history))


def test_a_history_that_became_shorter_is_a_gap_and_a_longer_one_is_not() -> None:
    jira, store = ForgettingJira(), MemoryStore()
    for _ in range(3):
        jira.add()
    new_repository(store, jira)
    assert capture(reopen(store, jira), jira).manifest.gaps == ()
    jira.entries = 1
    jira.edit("2", "once more")

    short = capture(reopen(store, jira), jira).manifest

    [gap] = short.gaps
    assert (gap.kind, gap.issue_id, gap.count) == ("changelog", "2", 2)
    assert (gap.reason, gap.remedy[:10]) == ("jira gives 1 entries, and 3 are stored already", "Snapshot 1")
    [line] = [line for line in short.ledger if line.kind == "changelog"]
    assert (line.expected, line.stored, line.explained) == (9, 7, 2)

    jira.entries = 4
    whole = capture(reopen(store, jira), jira).manifest
    assert jira.read == ["2"]
    assert whole.gaps == ()


class WaitingJira(PocketJira):
    """Its quota is spent as soon as somebody listens."""

    def on_wait(self, say: object) -> None:
        if callable(say):
            say("all calls wait")


def test_the_capture_of_the_site_says_too_that_everything_waits() -> None:
    jira, store, lines = WaitingJira(), MemoryStore(), list[str]()
    new_repository(store, jira)

    capture_site(reopen(store, jira), jira, run="site", clock=jira.clock, progress=RunLog(lines.append))

    assert "all calls wait" in lines
