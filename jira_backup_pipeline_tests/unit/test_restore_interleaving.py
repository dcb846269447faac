"""Writes take turns over issues: in order within an issue, within its limits, and a failure ends the run."""

from __future__ import annotations

import threading
import time

import pytest

from jira_backup_pipeline.engine.restore.interleaving import Interleaver


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


def test_the_limit_of_one_issue_holds_back_that_issue_only() -> None:
    written: list[tuple[str, float]] = []
    limit, seconds = 5, 0.05

    def act(issue: str) -> None:
        written.append((issue, time.monotonic()))

    tasks = [("busy", "busy")] * 12 + [("calm", "calm")] * 3
    Interleaver(1, limits=((limit, seconds),)).run(tasks, act)

    busy = [at for issue, at in written if issue == "busy"]
    assert len(busy) == 12
    assert all(later - earlier >= seconds for earlier, later in zip(busy, busy[limit:], strict=False))
    assert [issue for issue, _ in written].index("calm") < 2


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
