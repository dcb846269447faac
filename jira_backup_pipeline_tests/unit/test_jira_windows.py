"""Issues are read in windows and their links in rows: all of them, once, in order, and no more than it takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.jira.bodies import BATCH
from jira_backup_pipeline.jira.histories import BATCH as WINDOW
from jira_backup_pipeline.jira.issues import _rows, _windows


@given(st.integers(min_value=0, max_value=20_000))
def test_windows_hold_every_issue_once_and_in_order(count: int) -> None:
    ids = [str(number) for number in range(count)]

    windows = list(_windows(ids))

    assert [issue_id for window in windows for issue_id in window] == ids
    assert all(0 < len(window) <= WINDOW for window in windows)
    assert len(windows) <= -(-count // WINDOW) + 2 * (count > 5 * WINDOW)


@given(st.integers(min_value=0, max_value=20_000))
def test_small_first_windows_cost_no_further_request_for_bodies(count: int) -> None:
    windows = list(_windows([""] * count))

    assert sum(-(-len(window) // BATCH) for window in windows) == -(-count // BATCH)


def test_the_first_windows_of_many_are_small_and_grow() -> None:
    assert [len(window) for window in _windows([""] * 6_000)] == [300, 500, 800, *[WINDOW] * 4, 400]


@given(st.integers(min_value=0, max_value=3_000), st.integers(min_value=1, max_value=10))
def test_rows_hold_every_issue_once_and_leave_no_thread_idle(count: int, threads: int) -> None:
    ids = [str(number) for number in range(count)]

    rows = list(_rows(ids, threads))

    assert [issue_id for row in rows for issue_id in row] == ids
    assert all(0 < len(row) <= 25 for row in rows)
    assert len(rows) >= min(count, threads)
