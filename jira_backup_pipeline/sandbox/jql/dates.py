"""Dates of the query language: epoch milliseconds, local text in the caller's zone, periods and functions.

What belongs here: one operand to one moment, or the 400 for a date that is none.

What stays out: comparing an issue with that moment (``matching``), and dates of requests and answers
(``clock``).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from jira_backup_pipeline.sandbox.clock import zone
from jira_backup_pipeline.sandbox.http import ApiError
from jira_backup_pipeline.sandbox.jql.parser import Function, Operand

_LOCAL = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?$")
_RELATIVE = re.compile(r"^([+-]?\d+)\s*([wdhmMy])$")
_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000}


def moment_ms(field: str, value: Operand, *, now_ms: int, zone_name: str) -> int:
    """The time that a value names, in milliseconds; the caller's profile zone reads local text."""
    if isinstance(value, Function):
        return _function_ms(field, value, now_ms=now_ms, zone_name=zone_name)
    text = value.strip()
    relative = _RELATIVE.match(text)
    if relative:
        return _shifted(now_ms, int(relative[1]), relative[2], zone_name)
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    local = _LOCAL.match(text)
    if local:
        year, month, day, hour, minute = (int(part or 0) for part in local.groups())
        try:
            moment = datetime(year, month, day, hour, minute, tzinfo=zone(zone_name))
        except ValueError:
            raise _bad(field, text) from None
        return round(moment.timestamp() * 1000)
    raise _bad(field, text)


def _bad(field: str, text: str) -> ApiError:
    return ApiError(
        400,
        f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
    )


def _shifted(now_ms: int, count: int, unit: str, zone_name: str) -> int:
    if unit in _UNITS:
        return now_ms + count * _UNITS[unit]
    moment = datetime.fromtimestamp(now_ms / 1000, zone(zone_name))
    months = moment.year * 12 + moment.month - 1 + (count if unit == "M" else count * 12)
    day = min(moment.day, 28)
    return round(moment.replace(year=months // 12, month=months % 12 + 1, day=day).timestamp() * 1000)


def _function_ms(field: str, call: Function, *, now_ms: int, zone_name: str) -> int:
    moment = datetime.fromtimestamp(now_ms / 1000, zone(zone_name))
    if call.name == "now":
        return now_ms
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = {
        "startofday": midnight,
        "startofweek": midnight - timedelta(days=(midnight.weekday() + 1) % 7),
        "startofmonth": midnight.replace(day=1),
        "startofyear": midnight.replace(month=1, day=1),
    }
    if call.name not in starts:
        raise ApiError(400, f"Unable to find JQL function '{call.name}()' for field '{field}'.")
    base = round(starts[call.name].timestamp() * 1000)
    if call.arguments:
        relative = _RELATIVE.match(call.arguments[0])
        if relative is None:
            raise _bad(field, call.arguments[0])
        base = _shifted(base, int(relative[1]), relative[2], zone_name)
    return base
