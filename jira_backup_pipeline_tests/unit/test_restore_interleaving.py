"""Writes take turns over issues: in order within an issue, within its limits, and a failure ends the run."""

from __future__ import annotations

import threading

import pytest

from jira_backup_pipeline.engine.restore.interleaving import Interleaver
from jira_backup_pipeline.engine.restore.pacing import (
    ISSUE_WRITE_LIMITS,
    IssuePace,
    PaceTime,
    issues_written_by,
)


def test_tasks_of_one_issue_keep_their_order_and_every_task_is_done() -> None:
    done: list[tuple[str, int]] = []
    lock = threading.Lock()
    tasks = [(f"issue {number % 7}", number) for number in range(200)]

    def act(task: int) -> None:
        with lock:
            done.append((f"issue {task % 7}", task))

    Interleaver(4, pace=IssuePace(())).run(tasks, act)

    assert sorted(tasks) == sorted(done)
    for issue in range(7):
        own = [task for name, task in done if name == f"issue {issue}"]
        assert sorted(own) == own


def test_two_tasks_of_one_issue_never_run_at_once() -> None:
    inside: set[str] = set()
    lock = threading.Lock()
    clashes: list[str] = []

    def act(issue: str) -> None:
        with lock:
            if issue in inside:
                clashes.append(issue)
            inside.add(issue)
        threading.Event().wait(0.0005)
        with lock:
            inside.discard(issue)

    Interleaver(8, pace=IssuePace(())).run(((name, name) for name in ("a", "b") * 40), act)

    assert clashes == []


class PlayedWaits:
    """A clock that only waiting moves; a wait without an end is for another thread and therefore real."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def pace(self) -> IssuePace:
        return IssuePace(played=PaceTime(self.clock, self.sleep, self.wait))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            changed.wait()
        else:
            self.now += seconds


@pytest.mark.parametrize("workers", [1, 4])
def test_the_published_limits_of_one_issue_are_kept_and_used_and_hold_back_no_other(workers: int) -> None:
    time = PlayedWaits()
    written: list[tuple[str, float]] = []
    lock = threading.Lock()

    pace = time.pace()

    def act(issue: str) -> None:
        with pace.turn((issue,)), lock:
            written.append((issue, time.now))

    tasks = [("busy", "busy")] * 250 + [(name, name) for name in ("calm", "quiet") for _ in range(15)]
    Interleaver(workers, pace=pace).run(tasks, act)

    assert len(written) == len(tasks)
    busy = [at for issue, at in written if issue == "busy"]
    for count, seconds in ISSUE_WRITE_LIMITS:
        assert all(later - earlier >= seconds for earlier, later in zip(busy, busy[count:], strict=False)), (
            f"more than {count} writes in {seconds} s"
        )
    # A hundred go in 8 seconds, the next hundred 30 seconds after the first one, and so on: no second is wasted.
    assert busy[-1] == pytest.approx(2 * 30 + 4)
    assert max(at for issue, at in written if issue != "busy") == 0


def test_limits_hold_across_the_runs_of_one_restore() -> None:
    time = PlayedWaits()
    written: list[float] = []
    pace = time.pace()
    interleaver = Interleaver(1, pace=pace)

    def act(issue: str) -> None:
        with pace.turn((issue,)):
            written.append(time.now)

    for _ in range(3):
        interleaver.run([("one", "one")] * 15, act)

    assert written == [0.0] * 20 + [2.0] * 20 + [4.0] * 5


def test_the_first_failure_ends_the_run_and_is_raised() -> None:
    done: list[int] = []

    def act(task: int) -> None:
        if task == 3:
            message = "task 3"
            raise KeyboardInterrupt(message)
        done.append(task)

    with pytest.raises(KeyboardInterrupt, match="task 3"):
        Interleaver(1, pace=IssuePace(())).run(((str(number), number) for number in range(10)), act)

    assert done == [0, 1, 2]


def test_a_task_that_writes_several_times_keeps_the_limits_with_every_write() -> None:
    time = PlayedWaits()
    pace = time.pace()
    written: list[float] = []

    def act(issue: str) -> None:
        for _ in range(7):
            with pace.turn((issue,)):
                written.append(time.now)

    Interleaver(1, pace=pace).run([("one", "one")] * 20, act)

    assert len(written) == 140
    for count, seconds in ISSUE_WRITE_LIMITS:
        assert all(
            later - earlier >= seconds for earlier, later in zip(written, written[count:], strict=False)
        )


def test_a_write_counts_from_its_end() -> None:
    time = PlayedWaits()
    pace = time.pace()
    for _ in range(20):
        with pace.turn(("slow",)):
            time.sleep(0.05)

    assert time.now == pytest.approx(1.0)
    assert pace.ready_at("slow") == pytest.approx(0.05 + 2.0)


@pytest.mark.parametrize(
    ("path", "body", "issues"),
    [
        ("/rest/api/3/issue/10001", {}, ("10001",)),
        ("/rest/api/3/issue/10001/comment", {}, ("10001",)),
        ("/rest/api/3/issue/APP-7/worklog/12", None, ("APP-7",)),
        ("/rest/api/3/issue/bulk", {"issueUpdates": []}, ()),
        ("/rest/api/3/bulk/issues/transition", {}, ()),
        ("/rest/api/3/issueLink", {"inwardIssue": {"id": "1"}, "outwardIssue": {"key": "A-2"}}, ("1", "A-2")),
        ("/rest/api/3/issueLink", {"inwardIssue": {"id": "1"}, "outwardIssue": {"id": "1"}}, ("1",)),
        ("/rest/api/3/project/10000", {}, ()),
    ],
)
def test_which_issues_a_call_writes_to(path: str, body: object, issues: tuple[str, ...]) -> None:
    assert issues_written_by(path, body) == issues
