"""Many writes at once, but never too many to one issue: Jira limits writes per issue, not only per site.

What belongs here: bounded threads that take turns over issues, in order within each issue, and the wait that the limit
of one issue asks for.

What stays out: what a task does (`stages`), and waits that Jira asks for (the client).
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Atlassian's published limits of writes to one issue: (writes, seconds).
ISSUE_WRITE_LIMITS: tuple[tuple[int, float], ...] = ((20, 2.0), (100, 30.0))

TaskT = TypeVar("TaskT")


@dataclass(slots=True)
class _Turn(Generic[TaskT]):
    """What waits for one issue, and when it was last written to."""

    waiting: deque[TaskT] = field(default_factory=deque)


class Interleaver:
    """Runs tasks in threads. The first failure of any task ends the run and is raised; begun tasks are finished."""

    def __init__(
        self,
        workers: int,
        *,
        limits: tuple[tuple[int, float], ...] = ISSUE_WRITE_LIMITS,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait,
    ) -> None:
        self._wait = wait
        self._workers = max(1, workers)
        self._limits = limits
        self._now = now
        self._writes: dict[str, deque[float]] = {}

    def run(self, tasks: Iterable[tuple[str, TaskT]], act: Callable[[TaskT], None]) -> None:
        """Do every task; `tasks` names the issue of each."""
        run = _Run(self._limits, self._writes, self._now, self._wait, act)
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
    def __init__(
        self,
        limits: tuple[tuple[int, float], ...],
        writes: dict[str, deque[float]],
        now: Callable[[], float],
        wait: Callable[[threading.Condition, float | None], object],
        act: Callable[[TaskT], None],
    ) -> None:
        self._limits = limits
        self._writes = writes
        self._now = now
        self._wait = wait
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
                if self._ready and self._ready[0][0] <= self._now():
                    self._in_flight += 1
                    return heapq.heappop(self._ready)[2]
                if not self._ready and not self._in_flight:
                    return None
                self._wait(self._changed, self._ready[0][0] - self._now() if self._ready else None)
            return None

    def _end_turn(self, issue_id: str, failure: BaseException | None) -> None:
        with self._changed:
            self._in_flight -= 1
            self._failure = self._failure or failure
            if self._limits:
                self._writes.setdefault(issue_id, deque()).append(self._now())
            if self._turns[issue_id].waiting:
                self._push(issue_id)
            self._changed.notify_all()

    def _push(self, issue_id: str) -> None:
        self._counter += 1
        heapq.heappush(self._ready, (self._ready_at(issue_id), self._counter, issue_id))

    def _ready_at(self, issue_id: str) -> float:
        """Give the moment at which one more write to an issue keeps every limit."""
        writes = self._writes.get(issue_id)
        if not writes:
            return 0.0
        longest = max(seconds for _, seconds in self._limits)
        while writes and writes[0] <= self._now() - longest:
            writes.popleft()
        waits = [writes[-count] + seconds for count, seconds in self._limits if len(writes) >= count]
        return max(waits, default=0.0)
