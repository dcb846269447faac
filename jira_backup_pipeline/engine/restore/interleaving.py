"""Many writes at once, in order within each issue: threads take turns over issues and leave alone those that must rest.

What belongs here: bounded threads, whose turn it is, and the wait until some issue may be written to again.

What stays out: the limits of one issue (`pacing`), what a task does (`stages`), and waits that Jira asks for (the client).
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jira_backup_pipeline.engine.restore.pacing import IssuePace

TaskT = TypeVar("TaskT")


@dataclass(slots=True)
class _Turn(Generic[TaskT]):
    """What waits for one issue."""

    waiting: deque[TaskT] = field(default_factory=deque)


class Interleaver:
    """Runs tasks in threads. The first failure of any task ends the run and is raised; begun tasks are finished.

    `pace` knows when an issue may be written to again; the writes that a task makes are counted where they are made.
    """

    def __init__(self, workers: int, *, pace: IssuePace) -> None:
        self._workers = max(1, workers)
        self._pace = pace

    def run(self, tasks: Iterable[tuple[str, TaskT]], act: Callable[[TaskT], None]) -> None:
        """Do every task; `tasks` names the issue of each."""
        run = _Run(self._pace, act)
        for issue_id, task in tasks:
            run.add(issue_id, task)
        threads = [threading.Thread(target=run.work, daemon=True) for _ in range(self._workers - 1)]
        for thread in threads:
            thread.start()
        run.work()
        for thread in threads:
            thread.join()
        run.raise_failure()


class _Run(Generic[TaskT]):
    def __init__(self, pace: IssuePace, act: Callable[[TaskT], None]) -> None:
        self._pace = pace
        self._act = act
        self._turns: dict[str, _Turn[TaskT]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._counter = 0
        self._in_flight = 0
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def add(self, issue_id: str, task: TaskT) -> None:
        """Queue a task behind the others of its issue."""
        turn = self._turns.get(issue_id)
        if turn is None:
            turn = self._turns[issue_id] = _Turn()
            self._push(issue_id)
        turn.waiting.append(task)

    def work(self) -> None:
        """Take tasks until none is left or one failed."""
        while (issue_id := self._next_issue()) is not None:
            try:
                self._act(self._turns[issue_id].waiting.popleft())
            except BaseException as failure:  # noqa: BLE001 - raised again in the thread that asked for the run
                self._end_turn(issue_id, failure)
                return
            self._end_turn(issue_id, None)

    def raise_failure(self) -> None:
        """Raise what ended the run, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _next_issue(self) -> str | None:
        with self._changed:
            while self._failure is None:
                if self._ready and self._ready[0][0] <= self._pace.time.now():
                    self._in_flight += 1
                    return heapq.heappop(self._ready)[2]
                if not self._ready and not self._in_flight:
                    return None
                seconds = self._ready[0][0] - self._pace.time.now() if self._ready else None
                self._pace.time.wait(self._changed, seconds)
            return None

    def _end_turn(self, issue_id: str, failure: BaseException | None) -> None:
        with self._changed:
            self._in_flight -= 1
            self._failure = self._failure or failure
            if self._turns[issue_id].waiting:
                self._push(issue_id)
            self._changed.notify_all()

    def _push(self, issue_id: str) -> None:
        self._counter += 1
        heapq.heappush(self._ready, (self._pace.ready_at(issue_id), self._counter, issue_id))
