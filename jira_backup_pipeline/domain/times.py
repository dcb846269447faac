"""Jira's several notations of time, read into aware datetimes and epoch milliseconds.

What belongs here: pure conversion between ISO text (offset with or without colon, or `Z`), epoch numbers in seconds
or milliseconds, and aware datetimes.

What stays out: the clock itself, which is always handed in by the caller.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Above this an epoch number is milliseconds: as seconds it would lie after the year 5138.
_SECONDS_LIMIT = 100_000_000_000
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999


def parse_instant(value: str | float) -> datetime:
    """Read one of Jira's time notations; a text without an offset is taken as UTC.

    Raises:
        ValueError: the text is not a date and time in any notation that Jira uses.
    """
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return from_epoch_ms(_epoch_number(value))


def to_epoch_ms(moment: datetime) -> int:
    """Give whole milliseconds since 1970 of an aware moment, rounded down."""
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def instant_ms(value: str | float) -> int:
    """Read one of Jira's time notations as `parse_instant` does, straight into epoch milliseconds.

    Raises:
        ValueError: the text is not a date and time in any notation that Jira uses.
        OverflowError: the moment lies before the year 1 or after the year 9999.
    """
    if isinstance(value, str):
        moment = datetime.fromisoformat(value.strip())
        return to_epoch_ms(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
    milliseconds = _epoch_number(value)
    if not _FIRST_MS <= milliseconds <= _LAST_MS:
        raise OverflowError(f"no calendar has the moment {value}")
    return milliseconds


def _epoch_number(value: float) -> int:
    return int(value) if abs(value) > _SECONDS_LIMIT else int(value * 1000)


def from_epoch_ms(milliseconds: int) -> datetime:
    """Give the aware UTC moment of an epoch number in milliseconds."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def to_iso(moment: datetime) -> str:
    """Write an aware moment as ISO text in UTC with milliseconds and a `Z`, the one notation of our own documents."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
