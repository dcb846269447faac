"""The wording of integrity errors: one sentence each for what is lost, damaged or not what was written.

What belongs here: constructors of `IntegrityError` and `UnsupportedFormat` that every module of the room shares.

What stays out: the checks themselves, which stand where the bytes are read.
"""

from __future__ import annotations

from jira_backup_pipeline.domain.errors import IntegrityError, UnsupportedFormat

_VERIFY = "Run `jira-backup verify --level decrypt` to learn what else is affected, and restore from an intact snapshot."


def damaged(key: str, why: str) -> IntegrityError:
    """Say that an object is not what was written."""
    return IntegrityError(f"{key} is not what was stored: {why}", hint=_VERIFY)


def lost(key: str) -> IntegrityError:
    """Say that an object that must be there is gone."""
    return IntegrityError(f"{key} is missing from the store although the backup rests on it", hint=_VERIFY)


def newer(key: str, found: object, known: int) -> UnsupportedFormat:
    """Say that an object was written by a newer version."""
    return UnsupportedFormat(
        f"{key} has format {found}, this version reads up to {known}",
        hint="Upgrade jira_backup_pipeline to the version that wrote it, or newer.",
    )
