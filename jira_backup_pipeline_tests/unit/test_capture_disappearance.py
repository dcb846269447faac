"""What became of issues that are listed no more: one verdict a run, a tombstone only when two runs a day apart agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.disappearances import Disappearance, Fate, from_lines, to_lines
from jira_backup_pipeline.domain.manifest import Manifest, ProjectIdentity, SnapshotState
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.orchestration.health import has_no_mass_disappearance, is_complete
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import SCOPE, capture, content, new_repository, reopen
from jira_backup_pipeline_tests.doubles.manifests import manifest_of
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from collections.abc import Callable


class Site:
    """A Jira in memory with its repository, captured once; `capture` gives the manifest of the next run."""

    def __init__(self, issues: int = 8) -> None:
        self.jira = PocketJira()
        for _ in range(issues):
            self.jira.add(comments=1)
        self.store = MemoryStore()
        new_repository(self.store, self.jira)
        self.first = self.capture()

    def capture(self, hours: float = 0, **options: bool) -> Manifest:
        self.jira.tick(hours)
        repository = reopen(self.store, self.jira)
        chosen = CaptureOptions(reread_days=0, **options)
        return capture(repository, self.jira, options=chosen).manifest

    def fate(self, hours: float = 0) -> Fate | None:
        found = self.capture(hours).disappeared.get("4")
        return found.fate if found else None

    def content(self, manifest: Manifest) -> dict[str, tuple[str, tuple[str, ...]]]:
        return content(reopen(self.store, self.jira), manifest)


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_tombstone_needs_two_runs_a_day_apart(site: Site) -> None:
    del site.jira.issues["4"]

    assert [site.fate(), site.fate(hours=12), site.fate(hours=11)] == [Fate.UNSEEN] * 3
    assert site.fate(hours=1) is Fate.DELETED


def test_a_tombstone_says_what_it_rests_on_and_is_asked_for_no_more(site: Site) -> None:
    del site.jira.issues["4"]
    first = site.capture()
    second = site.capture(hours=24)
    site.jira.asked_singly.clear()

    third = site.capture(hours=24)

    stone = second.disappeared["4"]
    assert stone.key == "KEY-4"
    assert stone.first_missed_at == first.disappeared["4"].first_missed_at == stone.absent_since
    assert "no search lists it" in stone.evidence
    assert any("does not exist" in line for line in stone.evidence)
    assert any("BROWSE_PROJECTS" in line for line in stone.evidence)
    assert any(str(stone.absent_since) in line for line in stone.evidence)
    assert third.disappeared == second.disappeared
    assert site.jira.asked_singly == []


def test_what_comes_back_is_cleared_even_after_its_tombstone(site: Site) -> None:
    lost = site.jira.issues.pop("4")
    site.capture()
    assert site.fate(hours=24) is Fate.DELETED
    site.jira.issues["4"] = lost
    site.jira.touch("4")

    back = site.capture(hours=24)

    assert dict(back.disappeared) == {}
    assert site.jira.truth() == site.content(back)


def test_with_other_rights_the_second_run_is_no_second_opinion(site: Site) -> None:
    del site.jira.issues["4"]
    site.capture()
    site.jira.groups = ("jira-users", "newcomers")

    changed = site.capture(hours=24)

    assert changed.disappeared["4"].fate is Fate.UNSEEN
    assert any("changed since" in line for line in changed.disappeared["4"].evidence)
    assert site.fate(hours=23) is Fate.UNSEEN
    assert site.fate(hours=1) is Fate.DELETED


def hide_by_permission(jira: PocketJira) -> None:
    jira.closed_projects.add("10000")
    jira.hidden.add("4")


def hide_by_level(jira: PocketJira) -> None:
    jira.levels = ("Public",)
    jira.hidden.add("4")


def withhold(jira: PocketJira) -> None:
    jira.withheld.add("4")


@pytest.mark.parametrize("hide", [hide_by_permission, hide_by_level, withhold])
def test_a_hidden_issue_never_gets_a_tombstone(hide: Callable[[PocketJira], None]) -> None:
    site = Site(0)
    for _ in range(8):
        site.jira.add()
    site.jira.levels_of["4"] = "Secret"
    site.capture()
    hide(site.jira)

    assert [site.fate(hours=24) for _ in range(3)] == [Fate.HIDDEN] * 3


def test_absence_counts_from_the_end_of_being_hidden(site: Site) -> None:
    hide_by_permission(site.jira)
    site.capture()
    site.jira.closed_projects.clear()

    assert [site.fate(hours=24), site.fate(hours=24)] == [Fate.UNSEEN, Fate.DELETED]


def test_an_issue_that_jira_has_and_hands_out_no_more_is_kept_with_a_gap(site: Site) -> None:
    withhold(site.jira)

    done = site.capture()

    assert "4" in site.content(done)
    assert [gap.issue_id for gap in done.gaps] == ["4"]
    assert dict(done.unresolved) == {}


def test_a_moved_issue_names_its_new_place(site: Site) -> None:
    site.jira.projects_by_id["10001"] = ProjectIdentity("10001", "BETA", "Beta")
    site.jira.issues["4"].project_id = "10001"
    site.jira.touch("4")

    done = site.capture()

    moved = done.disappeared["4"]
    assert (moved.fate, moved.moved_to, moved.key) == (Fate.MOVED, "KEY-4", "KEY-4")
    assert moved.evidence == ("jira gives it as KEY-4 in project 10001",)
    assert site.capture(hours=48).disappeared["4"] == moved


@pytest.mark.parametrize("unlisted", ["unlisted", "archived"])
def test_an_issue_that_only_its_id_finds_stays_and_is_archived_after_a_day(site: Site, unlisted: str) -> None:
    getattr(site.jira, unlisted).add("4")

    manifests = [site.capture(), site.capture(hours=24)]
    read_twice = list(site.jira.read)
    manifests.append(site.capture(hours=24))

    assert [m.disappeared["4"].fate for m in manifests] == [Fate.UNSEEN, Fate.ARCHIVED, Fate.ARCHIVED]
    assert all("4" in site.content(m) and m.state is SnapshotState.COMPLETE for m in manifests)
    assert read_twice == []
    assert site.jira.read == []


def test_an_archived_project_keeps_what_was_read(site: Site) -> None:
    site.jira.archived_projects.add("10000")

    done = site.capture(hours=24)

    assert site.jira.truth() == site.content(done)
    assert done.state is SnapshotState.COMPLETE
    assert dict(done.disappeared) == {}
    assert any("archived" in note for note in done.notes)


def test_what_an_archived_project_does_not_hand_out_stays_as_it_was_stored(site: Site) -> None:
    site.jira.archived_projects.add("10000")
    site.jira.withheld.update(["2", "5"])

    done = site.capture(hours=24, is_full=True)

    assert site.jira.truth() == site.content(done)
    assert (done.state, dict(done.disappeared), done.unresolved) == (SnapshotState.COMPLETE, {}, {})
    assert any("2 issues in the archive were not handed out" in note for note in done.notes)


def test_what_changed_before_a_project_went_to_the_archive_is_read_when_it_comes_back(site: Site) -> None:
    site.jira.edit("3", "edited just before")
    site.jira.archived_projects.add("10000")
    kept = [site.capture(hours=24), site.capture(hours=24)]
    site.jira.archived_projects.clear()

    back = site.capture()

    assert [site.content(manifest)["3"][0] for manifest in kept] == ["issue 3", "issue 3"]
    assert site.content(back) == site.jira.truth()
    assert any("came back from the archive" in note for note in back.notes)
    site.capture()
    assert site.jira.read == []


def test_an_archived_project_of_which_nothing_is_stored_is_a_gap() -> None:
    site = Site(0)
    site.jira.add()
    site.jira.archived_projects.add("10000")

    done = site.capture()

    assert [gap.kind for gap in done.gaps] == ["issue"]
    assert "Restore the project" in done.gaps[0].remedy


def test_a_project_with_another_key_is_read_again_because_every_issue_has_another_key(site: Site) -> None:
    site.jira.projects_by_id["10000"] = ProjectIdentity("10000", "NEW", "Alpha", ("ALPHA",))

    done = site.capture()

    assert site.jira.read == [str(number) for number in range(1, 9)]
    assert any("ALPHA to NEW" in note for note in done.notes)
    site.capture()
    assert site.jira.read == []


def test_a_mass_disappearance_waits_for_a_person_however_often_it_is_seen() -> None:
    site = Site(40)
    for number in range(1, 31):
        del site.jira.issues[str(number)]

    doubtful = [site.capture(), site.capture(hours=24), site.capture(hours=24)]

    restorable = reopen(site.store, site.jira).latest(SCOPE)
    assert restorable is not None
    assert restorable.number == site.first.number
    assert [m.state for m in doubtful] == [SnapshotState.DOUBTFUL] * 3
    assert {one.fate for one in doubtful[-1].disappeared.values()} == {Fate.DELETED}
    assert "30 deleted" in doubtful[-1].notes[-1]
    for verdict in (has_no_mass_disappearance(doubtful[-1]), is_complete(doubtful[-1])):
        assert not verdict.is_good
        assert "--accept-missing" in verdict.remedy

    accepted = site.capture(accepts_disappearance=True)

    assert accepted.state is SnapshotState.COMPLETE
    assert site.jira.truth() == site.content(accepted)
    assert has_no_mass_disappearance(accepted).is_good
    assert site.capture().state is SnapshotState.COMPLETE


def test_so_many_issues_are_not_all_asked_for_one_by_one_and_get_their_tombstones_later() -> None:
    site = Site(130)
    site.jira.issues.clear()

    missed = site.capture(accepts_disappearance=True)
    asked = len(site.jira.asked_singly)
    counts = []
    for _ in range(2):
        found = site.capture(hours=24)
        counts.append([one.fate for one in found.disappeared.values()].count(Fate.DELETED))

    assert len(missed.disappeared) == 130
    assert asked == 100
    assert counts == [100, 130]


DISAPPEARANCES = st.dictionaries(
    st.integers(1, 99).map(str),
    st.builds(
        Disappearance,
        issue_id=st.just(""),
        fate=st.sampled_from(Fate),
        first_missed_at=st.sampled_from(["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"]),
        judged_at=st.just("2026-01-03T00:00:00.000Z"),
        evidence=st.lists(st.sampled_from(["one", "two"]), max_size=2).map(tuple),
        key=st.none() | st.text(max_size=3),
        moved_to=st.none() | st.text(max_size=3),
        absent_since=st.none() | st.just("2026-01-01T00:00:00.000Z"),
        observer=st.none() | st.just("0123"),
    ),
)


@given(DISAPPEARANCES)
def test_the_manifest_gives_back_what_it_was_told_of_disappearances(told: dict[str, Disappearance]) -> None:
    told = {
        issue_id: Disappearance(**{**{n: getattr(one, n) for n in one.__slots__}, "issue_id": issue_id})
        for issue_id, one in told.items()
    }
    manifest = manifest_of("AA", "1", disappeared=told)

    again = Manifest.from_json(json.loads(json.dumps(manifest.to_json())))

    assert again.disappeared == told
    assert from_lines(to_lines(told.values())) == told


def test_many_issues_of_one_verdict_share_one_line() -> None:
    told = [
        Disappearance(str(n), Fate.DELETED, "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", ("gone",))
        for n in range(1000)
    ]

    assert [len(line["issues"]) for line in to_lines(told)] == [1000]


def test_a_manifest_of_before_has_none_and_a_newer_fate_is_unseen() -> None:
    document = manifest_of("AA", "1").to_json()
    del document["disappeared"]
    line = {
        "fate": "abducted",
        "first_missed_at": "2026-01-01T00:00:00.000Z",
        "judged_at": "2026-01-01T00:00:00.000Z",
        "issues": [{"id": "1"}],
    }

    assert dict(Manifest.from_json(document).disappeared) == {}
    assert Manifest.from_json({**document, "disappeared": [line]}).disappeared["1"].fate is Fate.UNSEEN
