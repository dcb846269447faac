"""Log lines on stderr: for people, or one JSON object per line; known secrets are masked on their way out.

What belongs here: formats, levels, and the mask as the last guard before text leaves the process.

What stays out: what is logged (each room), progress and results (`terminal`), and Dagster's own log.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.secrets import MASK, redacted
from jira_backup_pipeline.domain.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.secrets import Secret
    from jira_backup_pipeline.settings import LogLevel

_OURS: Final = "jira_backup_pipeline"
# What looks like a credential is masked even when nobody told us that it is one.
_CREDENTIAL = re.compile(
    r"AGE-SECRET-KEY-1[0-9A-Z]+|(?<=Basic )[A-Za-z0-9+/=]{8,}|(?<=Bearer )\S{8,}", re.IGNORECASE
)


def masked(text: str, secrets: Sequence[Secret]) -> str:
    """Take known secrets, and what looks like a credential, out of text."""
    return _CREDENTIAL.sub(MASK, redacted(text, secrets))


def start_logging(level: LogLevel, *, is_json: bool, secrets: Sequence[Secret]) -> None:
    """Send the program's log to stderr; other libraries speak up from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((_JsonLines if is_json else _Lines)(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level.value.upper())


def masked_traceback(error: BaseException, secrets: Sequence[Secret]) -> str:
    """Give an error's traceback without local variables and without known secrets."""
    return masked("".join(traceback.format_exception(error)), secrets)


class _Lines(logging.Formatter):
    def __init__(self, secrets: Sequence[Secret]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Give one line (and a traceback where the record has one)."""
        return masked(super().format(record), self._secrets)


class _JsonLines(logging.Formatter):
    def __init__(self, secrets: Sequence[Secret]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Give one JSON object on one line."""
        line = {
            "at": to_iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage(), self._secrets),
        }
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = masked_traceback(record.exc_info[1], self._secrets)
        return json.dumps(line, ensure_ascii=False)
