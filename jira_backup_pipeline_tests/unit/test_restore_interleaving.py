"""Writes take turns over issues: in order within an issue, within its limits, and a failure ends the run."""

from __future__ import annotations

import threading

import pytest

from jira_backup_pipeline.engine.restore.interleaving import ISSUE_WRITE_LIMITS, Interleaver


def test_tasks_of_one_issue_keep_their_order_and_every_task_is_done() -> None:
    done: list[tuple[str, int]] = []
    lock = threading.Lock()
    tasks = [(f"issue {number % 7}", number) for number in range(200)]

    def act(task: int) -> None:
        with lock:
            done.append((f"issue {task % 7}", task))

    Interleaver(4, limits=()).run(tasks, act)

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

    Interleaver(8, limits=()).run(((name, name) for name in ("a", "b") * 40), act)

    assert clashes == []


class PlayedWaits:
    """A clock that only waiting moves; a wait without an end is for another thread and therefore real."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

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

    def act(issue: str) -> None:
        with lock:
            written.append((issue, time.now))

    tasks = [("busy", "busy")] * 250 + [(name, name) for name in ("calm", "quiet") for _ in range(15)]
    Interleaver(workers, now=time.clock, wait=time.wait).run(tasks, act)

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
    interleaver = Interleaver(1, now=time.clock, wait=time.wait)

    for _ in range(3):
        interleaver.run([("one", "one")] * 15, lambda _: written.append(time.now))

    assert written == [0.0] * 20 + [2.0] * 20 + [4.0] * 5


def test_the_first_failure_ends_the_run_and_is_raised() -> None:
    done: list[int] = []

    def act(task: int) -> None:
        if task == 3:
            message = "task 3"
            raise KeyboardInterrupt(message)
        done.append(task)

    with pytest.raises(KeyboardInterrupt, match="task 3"):
        Interleaver(1, limits=()).run(((str(number), number) for number in range(10)), act)

    assert done == [0, 1, 2]
