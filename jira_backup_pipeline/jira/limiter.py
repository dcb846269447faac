"""How much is asked of Jira at once: adaptive per endpoint, with one pause that holds for all.

What belongs here: the gate every call passes. An endpoint begins with a few calls at once, gains one after a row of good
answers, and loses half when Jira says that it is too much. A spent quota stops everybody until it is given back.

What stays out: what an answer means (`wire.retries`) and threads (`pipeline`).
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

_LOG = logging.getLogger(__name__)
# A thread that waits for its turn looks again this often, so that a missed wake-up cannot hold it for ever.
_LOOK_AGAIN_SECONDS = 5.0
# Calls that are refused together name waits that differ by jitter; a quota's wait is minutes.
_SAME_PAUSE_SECONDS = 60.0
# One limiter for each site that this process talks to, for as long as some client uses it: Jira counts by site.
_BY_SITE: weakref.WeakValueDictionary[str, Limiter] = weakref.WeakValueDictionary()
_BY_SITE_LOCK = threading.Lock()


def shared_limiter(base_url: str, most: int) -> Limiter:
    """Give the one limiter of this process for a site, made if need be; the smallest `most` of its clients counts."""
    with _BY_SITE_LOCK:
        limiter = _BY_SITE.get(base_url)
        if limiter is None:
            limiter = Limiter(most=most, monotonic=time.monotonic, sleep=time.sleep)
            _BY_SITE[base_url] = limiter
        limiter.narrow(most)
        return limiter


@dataclass(slots=True)
class _Gate:
    limit: int
    active: int = 0
    good_in_a_row: int = 0
    closed_until: float = 0.0
    halved_at: float = float("-inf")


class Limiter:
    """Shared by every thread that talks to one site. Times are in seconds of the given monotonic clock.

    Who waits sleeps with its own `sleep` where it hands one in, so that a client which is closed lets go.
    """

    def __init__(
        self,
        *,
        start: int = 4,
        most: int = 10,
        monotonic: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._start = min(start, most)
        self._most = most
        self._monotonic = monotonic
        self._sleep = sleep
        self._gates: dict[str, _Gate] = {}
        self._paused_until = 0.0
        self._changed = threading.Condition()

    def narrow(self, most: int) -> None:
        """Let no endpoint have more calls at once than this: of two clients the more careful one counts."""
        with self._changed:
            self._most = min(self._most, most)
            self._start = min(self._start, self._most)
            for gate in self._gates.values():
                gate.limit = min(gate.limit, self._most)

    def turn(
        self, endpoint: str, sleep: Callable[[float], object] | None = None
    ) -> AbstractContextManager[None]:
        """Wait for a turn at an endpoint and hold it while the block runs."""
        return _Turn(self, endpoint, sleep or self._sleep)

    def succeeded(self, endpoint: str) -> None:
        """Note a good answer: a full row of them lets one more call in at once."""
        with self._changed:
            gate = self._gate(endpoint)
            gate.good_in_a_row += 1
            if gate.good_in_a_row >= gate.limit and gate.limit < self._most:
                gate.limit += 1
                gate.good_in_a_row = 0
                self._changed.notify_all()

    def slow_down(self, endpoint: str, wait_seconds: float) -> None:
        """Halve an endpoint's calls at once and let nobody in until the wait is over."""
        with self._changed:
            gate = self._gate(endpoint)
            now = self._monotonic()
            # The calls of one burst are refused together: they are one signal, not several.
            if now >= gate.halved_at + min(wait_seconds, 1.0):
                gate.limit = max(1, gate.limit // 2)
                gate.halved_at = now
            gate.good_in_a_row = 0
            gate.closed_until = max(gate.closed_until, now + wait_seconds)
        _LOG.info("jira asks for fewer calls to %s: waiting %.1f s", endpoint, wait_seconds)

    def pause_all(self, wait_seconds: float, reason: str) -> bool:
        """Let nobody in anywhere until the wait is over; tells whether that is news, not another call of the same moment."""
        with self._changed:
            until = self._monotonic() + wait_seconds
            is_news = until > self._paused_until + _SAME_PAUSE_SECONDS
            self._paused_until = max(self._paused_until, until)
        if is_news:
            _LOG.warning(
                "all calls to jira wait %.0f s until the quota is given back (%s)", wait_seconds, reason
            )
        return is_news

    def limit_of(self, endpoint: str) -> int:
        """Tell how many calls an endpoint may have at once right now."""
        with self._changed:
            return self._gate(endpoint).limit

    def enter(self, endpoint: str, sleep: Callable[[float], object]) -> None:
        """Wait for a turn at an endpoint; `leave` gives it back."""
        while True:
            with self._changed:
                gate = self._gate(endpoint)
                wait = max(gate.closed_until, self._paused_until) - self._monotonic()
                if wait <= 0:
                    if gate.active < gate.limit:
                        gate.active += 1
                        return
                    self._changed.wait(_LOOK_AGAIN_SECONDS)
                    continue
            sleep(wait)

    def leave(self, endpoint: str) -> None:
        """Give a turn back."""
        with self._changed:
            self._gate(endpoint).active -= 1
            self._changed.notify_all()

    def _gate(self, endpoint: str) -> _Gate:
        gate = self._gates.get(endpoint)
        if gate is None:
            gate = self._gates[endpoint] = _Gate(limit=self._start)
        return gate


class _Turn:
    """A turn as a block: a class of its own, because a generator for each of a million requests costs several times as much."""

    __slots__ = ("_endpoint", "_limiter", "_sleep")

    def __init__(self, limiter: Limiter, endpoint: str, sleep: Callable[[float], object]) -> None:
        self._limiter = limiter
        self._endpoint = endpoint
        self._sleep = sleep

    def __enter__(self) -> None:
        self._limiter.enter(self._endpoint, self._sleep)

    def __exit__(self, *_: object) -> None:
        self._limiter.leave(self._endpoint)
