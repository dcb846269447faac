"""The site's clock, real time by default or a time that a test sets and moves, and Jira's formats of dates.

What belongs here: every notion of now, since each date the sandbox writes comes from here and no test has to
sleep; time zones; the ISO and HTTP forms of a moment.

What stays out: dates as a query writes them (``jql.dates``), and the command that moves the clock
(``edits``).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import Lock
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_MS = 86_400_000


class SiteClock:
    """Milliseconds since the epoch, running with an offset or frozen."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._frozen_ms: int | None = None
        self._offset_ms = 0

    def now_ms(self) -> int:
        """The site's present time."""
        with self._lock:
            if self._frozen_ms is not None:
                return self._frozen_ms
            return time.time_ns() // 1_000_000 + self._offset_ms

    def freeze(self, at_ms: int) -> None:
        """Stop the clock at a time; it then moves by ``advance`` only."""
        with self._lock:
            self._frozen_ms = at_ms

    def advance(self, by_ms: int) -> None:
        """Move the clock, frozen or running."""
        with self._lock:
            if self._frozen_ms is not None:
                self._frozen_ms += by_ms
            else:
                self._offset_ms += by_ms

    def run(self) -> None:
        """Let the clock follow real time again, without an offset."""
        with self._lock:
            self._frozen_ms = None
            self._offset_ms = 0


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name; ``ValueError`` for a name that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"unknown time zone {name!r}") from None


@lru_cache(maxsize=65_536)
def _offset_text(hour: int, zone_name: str) -> tuple[timedelta, str]:
    moment = datetime.fromtimestamp(hour * 900, UTC).astimezone(zone(zone_name))
    offset = moment.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return offset, f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def iso_text(at_ms: int, zone_name: str) -> str:
    """Jira's date format: milliseconds and an offset without a colon."""
    seconds, millis = divmod(at_ms, 1000)
    offset, suffix = _offset_text(seconds // 900, zone_name)
    local = datetime.fromtimestamp(seconds, UTC) + offset
    return f"{local:%Y-%m-%dT%H:%M:%S}.{millis:03d}{suffix}"


def utc_text(at_ms: int) -> str:
    """The format sprints use: UTC with ``Z``."""
    seconds, millis = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def parse_iso(text: str) -> int:
    """Milliseconds of an ISO date with an offset; without one it is UTC. ``ValueError`` when it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def http_date(at_ms: int) -> str:
    """The ``Date`` header's format."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%a, %d %b %Y %H:%M:%S} GMT"
