"""Work in parallel whose results come in order, with never more than a bounded number in flight.

What belongs here: `map_ordered` over a thread pool.

What stays out: what the work is. Work given to the pool must never wait for other work of the same pool: it would wait
for ever once every thread does.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

T = TypeVar("T")
R = TypeVar("R")


def map_ordered(
    executor: Executor, work: Callable[[T], R], items: Iterable[T], *, in_flight: int
) -> Iterator[R]:
    """Give `work(item)` for every item in order; the first error cancels what has not begun and is raised."""
    source = iter(items)
    pending: deque[Future[R]] = deque(executor.submit(work, item) for item in islice(source, in_flight))
    try:
        while pending:
            result = pending.popleft().result()
            pending.extend(executor.submit(work, item) for item in islice(source, 1))
            yield result
    finally:
        for future in pending:
            future.cancel()
