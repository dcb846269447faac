"""Deltas, disappearances, gaps and races of captures, against a Jira in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jira_backup_pipeline.domain.disappearances import Fate
from jira_backup_pipeline.domain.errors import ConcurrentWriter, Refused
from jira_backup_pipeline.domain.manifest import ProjectIdentity, SnapshotState
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import SCOPE, capture, content, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, ProcessKilled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.readings import IssueUnit


def site(issues: int = 6) -> tuple[PocketJira, MemoryStore]:
    jira = PocketJira()
    for _ in range(issues):
        jira.add(comments=1)
    store = MemoryStore()
    new_repository(store, jira)
    return jira, store


def test_a_night_without_changes_reads_and_packs_nothing() -> None:
    jira, store = site()
    first = capture(reopen(store, jira), jira)
    jira.tick(24)

    second = capture(reopen(store, jira), jira)

    assert jira.read == []
    assert first.manifest.index == second.manifest.index
    assert second.changed_units == 0
    assert second.manifest.number == 2


def test_only_changed_issues_are_read_although_the_overlap_brings_more() -> None:
    jira, store = site()
    capture(reopen(store, jira), jira)
    jira.edit("3", "edited")

    done = capture(reopen(store, jira), jira)

    assert jira.read == ["3"]
    assert jira.truth() == content(reopen(store, jira), done.manifest)


def test_a_full_reading_that_brings_nothing_new_writes_nothing() -> None:
    jira, store = site()
    capture(reopen(store, jira), jira)
    jira.tick()

    done = capture(reopen(store, jira), jira, options=CaptureOptions(is_full=True))

    assert len(jira.read) == 6
    assert done.changed_units == 0


def test_the_rolling_reread_finds_an_edit_that_touched_nothing() -> None:
    jira, store = site()
    capture(reopen(store, jira), jira)
    jira.issues["2"].comments[0] = "edited without a trace"

    for _ in range(7):
        jira.tick(24)
        done = capture(reopen(store, jira), jira, options=CaptureOptions(reread_days=7))

    assert jira.truth() == content(reopen(store, jira), done.manifest)


def test_the_rolling_reread_reaches_every_issue_also_of_those_who_back_up_every_second_day() -> None:
    jira, store = site(8)
    capture(reopen(store, jira), jira)
    for issue in jira.issues.values():
        issue.comments[0] = "edited without a trace"

    for _ in range(2):
        jira.tick(48)
        done = capture(reopen(store, jira), jira, options=CaptureOptions(reread_days=4))

    assert jira.truth() == content(reopen(store, jira), done.manifest)


class TornJira(PocketJira):
    """Comments on an issue while it is read: what is given has the new `updated` and not the comment."""

    torn: str | None = None
    links_of: object = None

    def issue_units(self, issue_ids: Sequence[str], **options: object) -> Iterator[IssueUnit]:
        self.links_of = options["links_of"]
        for unit in super().issue_units(issue_ids, **options):
            if unit.issue_id != self.torn:
                yield unit
                continue
            self.torn = None
            self.issues[unit.issue_id].comments.append("said while the capture ran")
            self.touch(unit.issue_id)
            yield replace(unit, updated_ms=self.issues[unit.issue_id].updated_ms)


class VanishingJira(PocketJira):
    """Issues go between the walk that lists them and the reading that asks for them."""

    vanishing: tuple[str, ...] = ()

    def issue_units(self, issue_ids: Sequence[str], **options: object) -> Iterator[IssueUnit]:
        for issue_id in self.vanishing:
            del self.issues[issue_id]
        self.vanishing = ()
        return super().issue_units(issue_ids, **options)


def vanishing(issues: int, *gone: str) -> tuple[VanishingJira, MemoryStore, Manifest]:
    """Capture, let some issues change, and capture again while they go."""
    jira, store = VanishingJira(), MemoryStore()
    for _ in range(issues):
        jira.add(comments=1)
    new_repository(store, jira)
    capture(reopen(store, jira), jira)
    for issue_id in gone:
        jira.edit(issue_id, "the last words")
    jira.vanishing = gone
    return jira, store, capture(reopen(store, jira), jira).manifest


def test_an_issue_that_goes_while_the_capture_runs_leaves_the_snapshot_with_a_word() -> None:
    jira, store, manifest = vanishing(30, "3")

    assert jira.truth() == content(reopen(store, jira), manifest)
    assert "the last words" not in str(content(reopen(store, jira), manifest))
    assert manifest.disappeared["3"].fate is Fate.UNSEEN
    assert "3" in manifest.unresolved
    assert any("1 issues were deleted or hidden while the capture ran" in note for note in manifest.notes)
    assert (manifest.state, manifest.unexplained) == (SnapshotState.COMPLETE, 0)
    jira.tick(30)
    assert capture(reopen(store, jira), jira).manifest.disappeared["3"].fate is Fate.UNSEEN
    jira.tick(30)
    assert capture(reopen(store, jira), jira).manifest.disappeared["3"].fate is Fate.DELETED


def test_many_that_go_while_the_capture_runs_are_a_reason_for_doubt() -> None:
    jira, store, manifest = vanishing(30, *[str(number) for number in range(1, 9)])

    assert manifest.state is SnapshotState.DOUBTFUL
    trusted = reopen(store, jira).latest(SCOPE)
    assert trusted is not None
    assert len(content(reopen(store, jira), trusted)) == 30


def test_what_went_before_and_what_went_while_the_capture_ran_is_one_loss() -> None:
    jira, store = VanishingJira(), MemoryStore()
    for _ in range(60):
        jira.add(comments=1)
    new_repository(store, jira)
    before = capture(reopen(store, jira), jira).manifest
    # Five issues are three in sixty and two more: neither part alone is over the share.
    for issue_id in ("1", "2", "3"):
        del jira.issues[issue_id]
    for issue_id in ("4", "5"):
        jira.edit(issue_id, "the last words")
    jira.vanishing = ("4", "5")

    manifest = capture(reopen(store, jira), jira).manifest

    assert manifest.state is SnapshotState.DOUBTFUL
    assert any("5 of 60 issues disappeared at once" in note for note in manifest.notes)
    assert reopen(store, jira).latest(SCOPE) == before


def torn_site() -> tuple[TornJira, MemoryStore]:
    jira = TornJira()
    for _ in range(6):
        jira.add(comments=1)
    store = MemoryStore()
    new_repository(store, jira)
    return jira, store


def test_an_issue_that_changed_while_it_was_read_is_read_again_by_the_next_run_and_only_by_that() -> None:
    jira, store = torn_site()
    jira.torn = "3"
    torn = capture(reopen(store, jira), jira)
    assert jira.truth() != content(reopen(store, jira), torn.manifest)
    jira.tick()

    done = capture(reopen(store, jira), jira)

    assert jira.read == ["3"]
    # Its stored history may name a remote link that the stored links lack.
    assert jira.links_of == ["3"]
    assert jira.truth() == content(reopen(store, jira), done.manifest)
    jira.tick()
    capture(reopen(store, jira), jira)
    assert jira.read == []


def test_what_changed_while_a_run_read_it_that_then_died_is_not_taken_over() -> None:
    jira, store = torn_site()
    jira.torn = "3"
    dying = CrashingStore(store)
    options = CaptureOptions(pack_units=1, reread_days=0)
    twin = MemoryStore()
    for entry in store.list(""):
        twin.put_new(entry.key, store.get(entry.key))
    capture(reopen(dying, jira), jira, options=options)
    [commit] = [
        n for n, (verb, key) in enumerate(dying.calls, 1) if verb == "put_new" and "snapshots/" in key
    ]
    jira.issues["3"].comments.pop()
    jira.torn = "3"

    def die() -> None:
        capture(reopen(CrashingStore(twin, commit), jira), jira, options=options)

    with pytest.raises(ProcessKilled):
        die()
    jira.tick()

    done = capture(reopen(twin, jira), jira, options=options)

    assert jira.read == ["3"]
    assert done.reused_units == 5
    assert jira.truth() == content(reopen(twin, jira), done.manifest)


class LaggingJira(PocketJira):
    """Its search does not yet know that issue 4 was moved away."""

    def issue_ids(self, project_id: str, expected: int | None = None) -> Iterator[str]:
        del expected
        return iter([*super().issue_ids(project_id), "4"] if project_id == "10000" else [])

    def changed_issues(self, project_id: str, since_ms: int) -> Iterator[tuple[str, int]]:
        known = [*super().changed_issues(project_id, since_ms), ("4", self.issues["4"].updated_ms)]
        return iter(dict(known).items())


def test_an_issue_that_search_still_shows_where_it_was_moved_from_is_moved_and_not_kept() -> None:
    jira = LaggingJira()
    for _ in range(6):
        jira.add(comments=1)
    store = MemoryStore()
    new_repository(store, jira)
    capture(reopen(store, jira), jira)
    jira.issues["4"].project_id = "10001"
    jira.touch("4")

    done = capture(reopen(store, jira), jira)

    assert jira.truth() == content(reopen(store, jira), done.manifest)
    assert dict(done.manifest.unresolved) == {}
    assert done.manifest.notes == ("issue 4 moved to KEY-4",)
    assert SnapshotState.COMPLETE is done.manifest.state


def test_a_deleted_issue_leaves_the_snapshot_with_its_evidence_and_stays_in_the_earlier_one() -> None:
    jira, store = site()
    first = capture(reopen(store, jira), jira)
    before = jira.truth()
    del jira.issues["4"]

    second = capture(reopen(store, jira), jira)

    repository = reopen(store, jira)
    assert "4" not in content(repository, second.manifest)
    assert before == content(repository, first.manifest)
    assert {"4"} == set(second.manifest.unresolved)
    assert SnapshotState.COMPLETE is second.manifest.state


def test_the_evidence_of_a_disappearance_keeps_its_first_moment_and_ends_when_the_issue_is_back() -> None:
    jira, store = site()
    capture(reopen(store, jira), jira)
    jira.hidden.add("4")
    first_missed = capture(reopen(store, jira), jira).manifest.unresolved["4"]
    jira.tick(24)

    assert first_missed == capture(reopen(store, jira), jira).manifest.unresolved["4"]

    jira.hidden.clear()
    back = capture(reopen(store, jira), jira)
    assert dict(back.manifest.unresolved) == {}
    assert jira.truth() == content(reopen(store, jira), back.manifest)


def test_a_moved_issue_changes_its_scope_and_is_no_deletion() -> None:
    jira, store = site()
    jira.projects_by_id["10001"] = ProjectIdentity("10001", "BETA", "Beta")
    capture(reopen(store, jira), jira)
    jira.issues["4"].project_id = "10001"
    jira.touch("4")

    done = capture(reopen(store, jira), jira)
    other = capture(reopen(store, jira), jira, project="BETA")

    repository = reopen(store, jira)
    assert "4" not in content(repository, done.manifest)
    assert dict(done.manifest.unresolved) == {}
    assert done.manifest.notes == ("issue 4 moved to KEY-4",)
    assert {"4"} == set(content(repository, other.manifest))


def test_a_mass_disappearance_is_doubtful_and_the_state_before_stays_the_one_to_restore() -> None:
    jira, store = site(40)
    first = capture(reopen(store, jira), jira)
    jira.hidden.update(str(number) for number in range(1, 31))

    doubtful = capture(reopen(store, jira), jira)

    repository = reopen(store, jira)
    latest = repository.latest(SCOPE)
    assert SnapshotState.DOUBTFUL is doubtful.manifest.state
    assert not doubtful.is_clean
    assert latest is not None
    assert first.manifest.number == latest.number

    jira.hidden.clear()
    recovered = capture(reopen(store, jira), jira)
    assert SnapshotState.COMPLETE is recovered.manifest.state
    assert jira.truth() == content(reopen(store, jira), recovered.manifest)


class Overtaking(PocketJira):
    """A Jira whose answer gives another writer the time to finish first."""

    other: object = None

    def issue_count(self, project_id: str) -> int | None:
        if self.other is not None:
            work, self.other = self.other, None
            work()
        return super().issue_count(project_id)


def test_of_two_writers_the_slower_one_rebases_and_nothing_is_lost() -> None:
    jira = Overtaking()
    for _ in range(4):
        jira.add(comments=1)
    store = MemoryStore()
    new_repository(store, jira)
    capture(reopen(store, jira), jira)
    jira.edit("1", "seen by both")

    def overtake() -> None:
        jira.edit("2", "edited meanwhile")
        capture(reopen(store, jira), jira)

    jira.other = overtake
    done = capture(reopen(store, jira), jira)

    assert done.manifest.number == 3
    assert jira.truth() == content(reopen(store, jira), done.manifest)


def test_a_writer_that_always_loses_says_so_and_changes_nothing(monkeypatch) -> None:
    jira, store = site()
    repository = reopen(store, jira)
    capture(repository, jira)
    before = [entry.key for entry in store.list("snapshots/")]

    def lose(*_: object) -> None:
        message = "another writer was first"
        raise ConcurrentWriter(message, hint="Run the backup again.")

    monkeypatch.setattr(repository, "commit", lose)
    with pytest.raises(ConcurrentWriter):
        capture(repository, jira)

    assert before == [entry.key for entry in store.list("snapshots/")]


def test_another_site_is_refused_before_anything_is_written() -> None:
    jira, store = site()
    capture(reopen(store, jira), jira)
    before = [entry.key for entry in store.list("")]
    stranger = PocketJira(cloud_id="cloud-2")
    stranger.add()

    with pytest.raises(Refused, match="belongs to the Jira site"):
        capture(reopen(store, stranger), stranger)

    assert before == [entry.key for entry in store.list("")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    nights=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["add", "edit", "delete", "hide", "show", "comment"]), st.integers(1, 12)
            )
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_happens_between_captures_every_snapshot_is_what_jira_showed(nights) -> None:
    jira, store = site(4)
    for edits in nights:
        for verb, number in edits:
            apply(jira, verb, str(number))
        done = capture(reopen(store, jira), jira)
        assert jira.truth() == content(reopen(store, jira), done.manifest)
        assert done.manifest.unexplained == 0


def apply(jira: PocketJira, verb: str, issue_id: str) -> None:
    if verb == "add":
        jira.add(comments=2)
    elif issue_id not in jira.issues:
        return
    elif verb == "edit":
        jira.edit(issue_id, f"edited at {jira.now}")
    elif verb == "comment":
        jira.issues[issue_id].comments.append(f"at {jira.now}")
        jira.touch(issue_id)
    elif verb == "delete":
        del jira.issues[issue_id]
    elif verb == "hide":
        jira.hidden.add(issue_id)
    else:
        jira.hidden.discard(issue_id)
