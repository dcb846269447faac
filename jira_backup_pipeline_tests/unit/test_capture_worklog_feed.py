"""The worklog feed: issues that no search names, and worklogs that are not stored although Jira says that they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.manifest import Manifest, SnapshotState
from jira_backup_pipeline.domain.times import to_epoch_ms
from jira_backup_pipeline.domain.worklog_feed import WorklogChange, WorklogFeed, merged
from jira_backup_pipeline.engine.capture.site import capture_site
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import capture, new_repository, reopen
from jira_backup_pipeline_tests.doubles.manifests import manifest_of
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import LedgerLine


class Site:
    """Three issues with a worklog each; site and project were captured once."""

    def __init__(self) -> None:
        self.jira = PocketJira()
        self.jira.feed = WorklogFeed(0)
        for _ in range(3):
            issue = self.jira.issues[self.jira.add()]
            issue.worklogs["w"] = issue.updated_ms
        self.store = MemoryStore()
        new_repository(self.store, self.jira)
        self.site()
        self.project()

    def site(self) -> Manifest:
        self.jira.tick(1)
        repository = reopen(self.store, self.jira)
        return capture_site(repository, self.jira, run="site", clock=self.jira.clock).manifest

    def project(self) -> Manifest:
        self.jira.tick(1)
        return capture(reopen(self.store, self.jira), self.jira).manifest

    def change(self, *names: str, deleted: tuple[str, ...] = ()) -> None:
        """Change worklogs so that only the feed tells."""
        self.jira.tick(1)
        now_ms = to_epoch_ms(self.jira.now)
        for name in names:
            self.jira.issues[name[0]].worklogs[name[1:]] = now_ms
        for name in deleted:
            del self.jira.issues[name[0]].worklogs[name[1:]]
        changes = tuple(WorklogChange(name, name[0], now_ms) for name in names)
        self.jira.feed = WorklogFeed(0, changes, deleted)

    def stored(self, manifest: Manifest) -> set[str]:
        rows = reopen(self.store, self.jira).tables(manifest)["worklogs"].to_arrow().to_pylist()
        return {row["id"] for row in rows}


def line_of(manifest: Manifest) -> LedgerLine | None:
    found = [line for line in manifest.ledger if line.source == "worklog feed"]
    return found[0] if found else None


def expected_and_stored(manifest: Manifest) -> tuple[int, int]:
    line = line_of(manifest)
    assert line is not None
    return line.expected, line.stored


def test_a_worklog_that_no_search_shows_is_read_because_the_feed_names_it() -> None:
    site = Site()
    site.change("2w", "3new")
    site.site()

    done = site.project()

    assert site.jira.read == ["2", "3"]
    assert site.stored(done) == {"1w", "2w", "3w", "3new"}
    assert expected_and_stored(done) == (2, 2)
    assert done.state is SnapshotState.COMPLETE
    assert any("because of worklogs" in note for note in done.notes)


def test_a_worklog_that_was_deleted_leaves_with_the_next_capture() -> None:
    site = Site()
    site.change(deleted=("2w",))
    site.site()

    done = site.project()

    assert site.jira.read == ["2"]
    assert site.stored(done) == {"1w", "3w"}


def test_what_is_stored_as_the_feed_says_costs_no_reading() -> None:
    site = Site()
    site.change("2w")
    site.jira.touch("2")
    site.site()
    site.project()
    site.site()

    done = site.project()

    assert site.jira.read == []
    assert expected_and_stored(done) == (1, 1)


def test_a_worklog_that_exists_and_is_not_stored_makes_the_snapshot_incomplete() -> None:
    site = Site()
    site.jira.withheld_worklogs.add("new")
    site.change("2new")
    site.site()

    done = site.project()

    assert expected_and_stored(done) == (1, 0)
    assert done.unexplained == 1
    assert done.state is SnapshotState.GAPS


def test_where_jira_does_not_tell_what_still_exists_the_absence_stays_unexplained() -> None:
    site = Site()
    site.jira.withheld_worklogs.add("new")
    site.change("2new")
    site.site()
    site.jira.issues_of_worklogs = lambda _: None  # type: ignore[method-assign, assignment]

    assert expected_and_stored(site.project()) == (1, 0)


def test_a_worklog_that_went_between_site_and_project_is_missed_by_nobody() -> None:
    site = Site()
    site.change("2new")
    site.site()
    del site.jira.issues["2"].worklogs["new"]

    done = site.project()

    assert expected_and_stored(done) == (0, 0)
    assert done.state is SnapshotState.COMPLETE


def test_a_project_hears_every_site_run_that_it_slept_through() -> None:
    site = Site()
    site.change("1new")
    site.site()
    site.change("2new")
    site.site()

    done = site.project()

    assert site.stored(done) >= {"1new", "2new"}
    assert expected_and_stored(done) == (2, 2)
    assert line_of(site.project()) is None


def test_a_refused_feed_is_noted_and_no_line_is_invented() -> None:
    site = Site()
    site.jira.feed = None

    heard = site.site()

    assert heard.worklog_feed is None
    assert any("refuses its feed" in note for note in heard.notes)
    assert line_of(site.project()) is None


def test_the_first_site_snapshot_has_no_feed_and_the_next_goes_on_from_it() -> None:
    site = Site()
    first = reopen(site.store, site.jira).load("site", 1)

    second = site.site()

    assert first.worklog_feed is None
    assert second.worklog_feed is not None
    assert second.worklog_feed.since_ms == first.watermark_ms - 120_000


def test_after_a_long_pause_the_feed_is_read_for_the_last_weeks_alone() -> None:
    site = Site()
    site.jira.tick(24 * 400)

    heard = site.site()

    assert heard.worklog_feed is not None
    assert heard.worklog_feed.since_ms == heard.watermark_ms - 35 * 86_400_000
    assert any("35 days" in note for note in heard.notes)


def test_a_damaged_site_snapshot_costs_its_news_and_not_the_backup() -> None:
    site = Site()
    for _ in range(3):
        site.change("2w")
        site.site()
    site.store.delete("snapshots/site/00000002.age")
    site.store.put_new("snapshots/site/00000002.age", b"damaged")

    done = site.project()

    assert site.stored(done) >= {"2w"}
    assert any("site snapshot 2 heard" in note for note in done.notes)


FEEDS = st.lists(
    st.builds(
        WorklogFeed,
        st.integers(0, 9),
        st.lists(
            st.builds(WorklogChange, st.sampled_from("abc"), st.sampled_from("12"), st.integers(0, 9))
        ).map(tuple),
        st.lists(st.sampled_from("abc")).map(tuple),
    ),
    max_size=4,
)


@given(FEEDS)
def test_merged_feeds_hold_the_latest_word_on_every_worklog(feeds: list[WorklogFeed]) -> None:
    found = merged(feeds)

    if not feeds:
        assert found is None
        return
    assert found is not None
    gone = {worklog_id for feed in feeds for worklog_id in feed.deleted}
    changes = [change for feed in feeds for change in feed.updated if change.worklog_id not in gone]
    assert set(found.deleted) == gone
    assert {one.worklog_id for one in found.updated} == {one.worklog_id for one in changes}
    for one in found.updated:
        assert one.updated_ms == max(c.updated_ms for c in changes if c.worklog_id == one.worklog_id)
    again = Manifest.from_json(manifest_of("A", "1", worklog_feed=found).to_json())
    assert again.worklog_feed == found


@pytest.mark.parametrize("closed", [True, False])
def test_a_project_that_is_seen_and_may_not_be_browsed_is_a_gap_of_the_site(*, closed: bool) -> None:
    site = Site()
    if closed:
        site.jira.seen_projects = {"10000": "ALPHA", "10077": "SECRET"}

    done = site.site()

    [line] = [line for line in done.ledger if line.source == "visible and browsable"]
    gaps = [(gap.kind, gap.subject) for gap in done.gaps]
    assert (line.expected, line.stored, line.unexplained) == ((2, 1, 0) if closed else (1, 1, 0))
    assert gaps == ([("site_project", "project SECRET")] if closed else [])
    assert done.state is (SnapshotState.GAPS if closed else SnapshotState.COMPLETE)
