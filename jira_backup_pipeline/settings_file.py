"""The optional configuration file `jira-backup.toml`: which members it has, and what they may be.

What belongs here: the table of members with their types, bounds and defaults, and refusal of what is unknown or secret.

What stays out: variables and which of variable and file comes first (`settings`). Only non-secret settings have a place
in the file; what looks like a secret is refused without being shown.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jira_backup_pipeline.domain.errors import ConfigurationError, Refused
from jira_backup_pipeline.domain.kinds import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_SECRET_WORDS = re.compile(r"token|secret|password|passphrase|vault_key|access_key|identity$", re.IGNORECASE)
_CRON_FIELDS = 5
_LONGEST_TIMEOUT_SECONDS = 600
_MOST_IN_FLIGHT = 32
_LONGEST_FRESHNESS_HOURS = 24 * 31
_LONGEST_OVERLAP_HOURS = 24 * 7
_LONGEST_REREAD_DAYS = 366


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What the file says, or the defaults. Paths are taken relative to the file's folder.

    `accepted_gaps` names gaps that do not make a run count as incomplete: a kind, `kind:status` as in
    `remote_link:403`, `kind:subject` with the words by which a run names the gap, or `kind:issue 10001`. `overlap_hours`, `reread_days` and
    `mass_disappearance_share` are None where the file leaves them to a capture's own defaults.
    """

    jira: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    restore_jira: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    ca_bundle: Path | None = None
    request_timeout_seconds: float = 60.0
    max_in_flight: int = 10
    uri: str | None = None
    identity_file: Path | None = None
    vault: Path | None = None
    log: str | None = None
    accepted_gaps: tuple[str, ...] = ()
    overlap_hours: float | None = None
    reread_days: int | None = None
    mass_disappearance_share: float | None = None
    freshness_hours: float = 30.0
    schedule: str = "0 1 * * *"
    verify_schedule: str = "0 5 * * 0"
    time_zone: str = "UTC"


class _Wrong(Exception):
    """A value is not of the kind its member takes; the text says which kind that is."""


def read_settings_file(path: Path | None) -> FileSettings:
    """Read the file, or give the defaults where there is none.

    Raises:
        ConfigurationError: it is not TOML, or members are unknown or wrong (all of them are named).
        Refused: it holds a secret.
    """
    if path is None:
        return FileSettings()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path}: {error}"
        raise ConfigurationError(
            message, hint="Correct the file, or set BACKUP_CONFIG to another one."
        ) from error
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not TOML: {error}"
        raise ConfigurationError(message, hint="See https://toml.io for the notation.") from None
    _refuse_secrets(path, document)
    return _from_document(path, document)


def _refuse_secrets(path: Path, document: Mapping[str, Any]) -> None:
    found = [
        f"[{section}] {name}"
        for section, members in document.items()
        if isinstance(members, dict)
        for name in members
        if _SECRET_WORDS.search(name)
    ] + [name for name in document if _SECRET_WORDS.search(name)]
    if found:
        message = f"{path} holds a secret: {', '.join(found)}"
        hint = "Remove it, consider it known, and store a new one with `jira-backup credentials set jira`."
        raise Refused(message, hint=hint)


def _from_document(path: Path, document: Mapping[str, Any]) -> FileSettings:
    values: dict[str, Any] = {}
    sites: dict[str, dict[str, str]] = {"jira": {}, "restore_jira": {}}
    problems = [f"unknown section [{section}]" for section in document if section not in _MEMBERS]
    for section, readers in _MEMBERS.items():
        members = document.get(section, {})
        if not isinstance(members, dict):
            problems.append(f"{section} is not a section")
            continue
        for name, value in members.items():
            reader = readers.get(name)
            if reader is None:
                problems.append(f"[{section}] {name}: unknown; known are {', '.join(readers)}")
                continue
            try:
                read = reader(value, path.parent)
            except _Wrong as error:
                problems.append(f"[{section}] {name}: {error}")
                continue
            if name in {"base_url", "email"}:
                sites[section][name] = str(read)
            else:
                values[name] = read
    if problems:
        message = f"{path} is not right: {'; '.join(problems)}"
        raise ConfigurationError(
            message, hint=f"Its sections are {', '.join(_MEMBERS)}; correct what is named."
        )
    return FileSettings(
        jira=MappingProxyType(sites["jira"]), restore_jira=MappingProxyType(sites["restore_jira"]), **values
    )


def _text(value: object, _folder: Path) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{value!r} is not a text")
    return value.strip()


def _file(value: object, folder: Path) -> Path:
    return folder / Path(_text(value, folder)).expanduser()


def _number(least: float, most: float) -> Callable[[object, Path], float]:
    def read(value: object, _folder: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise _Wrong(f"{value!r} is not a number from {least:g} to {most:g}")
        return float(value)

    return read


def _whole(least: int, most: int) -> Callable[[object, Path], int]:
    def read(value: object, _folder: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _Wrong(f"{value!r} is not a whole number from {least} to {most}")
        return value

    return read


def _texts(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong(f"{value!r} is not a list of texts")
    return tuple(_text(member, folder) for member in value)


def _gaps(value: object, folder: Path) -> tuple[str, ...]:
    """Read gaps by kind: a name that no kind has would never accept anything, and nobody would notice."""
    gaps = _texts(value, folder)
    for gap in gaps:
        name = gap.partition(":")[0]
        if name not in BY_NAME:
            near = get_close_matches(name, BY_NAME, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ", as the gaps of a run name them"
            raise _Wrong(f"{gap!r} does not begin with a kind{meant}")
    return gaps


def _cron(value: object, folder: Path) -> str:
    text = _text(value, folder)
    if len(text.split()) != _CRON_FIELDS:
        raise _Wrong(f"{text!r} is not a cron line of five fields")
    return text


def _time_zone(value: object, folder: Path) -> str:
    text = _text(value, folder)
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Wrong(f"{text!r} is not a time zone such as Europe/Berlin") from None


_MEMBERS: Final[Mapping[str, Mapping[str, Callable[[object, Path], object]]]] = MappingProxyType(
    {
        "jira": {
            "base_url": _text,
            "email": _text,
            "ca_bundle": _file,
            "request_timeout_seconds": _number(1, _LONGEST_TIMEOUT_SECONDS),
            "max_in_flight": _whole(1, _MOST_IN_FLIGHT),
        },
        "restore_jira": {"base_url": _text, "email": _text},
        "backup": {
            "uri": _text,
            "identity_file": _file,
            "vault": _file,
            "log": _text,
            "accepted_gaps": _gaps,
            "overlap_hours": _number(0, _LONGEST_OVERLAP_HOURS),
            "reread_days": _whole(0, _LONGEST_REREAD_DAYS),
            "mass_disappearance_share": _number(0, 1),
            "freshness_hours": _number(1, _LONGEST_FRESHNESS_HOURS),
            "schedule": _cron,
            "verify_schedule": _cron,
            "time_zone": _time_zone,
        },
    }
)
