"""Progress of a verb becomes a line every few seconds in the run's log, from however many threads."""

from __future__ import annotations

import threading

from jira_backup_pipeline.orchestration.progress import RunLog


class Watch:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_fast_stage_writes_only_its_end() -> None:
    lines: list[str] = []
    log = RunLog(lines.append, monotonic=Watch())

    log.stage("issues", 1500)
    for _ in range(1500):
        log.advance()
    log.stage("history")

    assert lines == ["issues: 1,500 of 1,500, done"]


def test_a_slow_stage_writes_a_line_every_five_seconds() -> None:
    lines: list[str] = []
    watch = Watch()
    log = RunLog(lines.append, monotonic=watch)

    log.stage("issues", 10)
    for second in range(10):
        watch.seconds = float(second)
        log.advance()
    log.close()

    assert lines == ["issues: 6 of 10; about 3 s left", "issues: 10 of 10, done"]


def test_a_line_says_for_every_kind_how_many_came_of_how_many() -> None:
    lines: list[str] = []
    watch = Watch()
    log = RunLog(lines.append, monotonic=watch)

    log.stage("ALPHA: issues", 100)
    log.expect({"issues": 100, "comments": 240, "issue_links": 3})
    log.found({"issues": 1, "comments": 50, "worklogs": 1})
    watch.seconds = 5.0
    log.advance(25)
    log.close()

    assert lines == [
        "ALPHA: issues: 25 of 100; about 15 s left; comments 50 of about 240, issue links 0 of about 3, worklogs 1",
        "ALPHA: issues: 25 of 100; about 15 s left; comments 50 of about 240, issue links 0 of about 3, worklogs 1, done",
    ]


def test_a_stage_of_unknown_size_counts_up() -> None:
    lines: list[str] = []
    log = RunLog(lines.append, monotonic=Watch())

    log.stage("walking ids")
    log.advance(7)
    log.close()

    assert lines == ["walking ids: 7, done"]


def test_notes_are_written_at_once() -> None:
    lines: list[str] = []

    RunLog(lines.append).note("waiting 30 seconds: rate limit")

    assert lines == ["waiting 30 seconds: rate limit"]


def test_threads_may_count_together() -> None:
    lines: list[str] = []
    log = RunLog(lines.append)
    log.stage("bodies", 4000)
    threads = [threading.Thread(target=lambda: [log.advance() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    log.close()

    assert lines[-1] == "bodies: 4,000 of 4,000, done"
