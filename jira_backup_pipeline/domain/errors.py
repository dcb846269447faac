"""Every failure of the product, sorted by what its reader must do about it.

What belongs here: exception classes named by consequence, their exit code, and the grammar of an error: one lower-case
line without a full stop, then a `HINT:` line that is a full sentence.

What stays out: mapping of foreign exceptions (each adapter maps its own library's errors, in its own room) and
things that are merely missing from a backup (those are gaps, see `domain.manifest`).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line answers to its caller."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    REFUSED = 4


class BackupPipelineError(Exception):
    """A failure that is explained to its reader: `message` says what happened, `hint` what to do next."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Give the error as it is shown: the message, then the hint on its own line."""
        return f"{self.message}\nHINT: {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling, which Dagster's executors may do to an exception."""
        return _rebuild, (type(self), self.message, self.hint)


def _rebuild(kind: type[BackupPipelineError], message: str, hint: str) -> BackupPipelineError:
    return kind(message, hint=hint)


class TransientError(BackupPipelineError):
    """The same call may succeed later: rate limit, time-out, server error. Retries were already spent."""


class AnswerLost(TransientError):
    """A write went out and no answer came back: it may have happened. Look before trying again."""


class WriteRefused(BackupPipelineError):
    """Jira refused one write. `status` is the HTTP status, `answer` the decoded error document (None if there was none)."""

    def __init__(self, message: str, *, hint: str, status: int = 400, answer: object = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.answer = answer

    @property
    def field_errors(self) -> dict[str, str]:
        """Give what Jira objected to, by field id."""
        errors = self.answer.get("errors") if isinstance(self.answer, dict) else None
        return {str(name): str(text) for name, text in errors.items()} if isinstance(errors, dict) else {}

    @property
    def error_messages(self) -> tuple[str, ...]:
        """Give what Jira objected to without naming a field."""
        messages = self.answer.get("errorMessages") if isinstance(self.answer, dict) else None
        return tuple(str(text) for text in messages) if isinstance(messages, list) else ()

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with status and answer."""
        return _rebuild_refusal, (self.message, self.hint, self.status, self.answer)


def _rebuild_refusal(message: str, hint: str, status: int, answer: object) -> WriteRefused:
    return WriteRefused(message, hint=hint, status=status, answer=answer)


class ConfigurationError(BackupPipelineError):
    """A setting or an argument is missing or wrong; nothing was tried."""

    exit_code = ExitCode.USAGE


class UnknownName(ConfigurationError):
    """A project, snapshot or issue of that name is not known here."""


class AccessDenied(BackupPipelineError):
    """Jira, the store or a key refused us: credentials or permissions must be fixed."""


class CredentialsRejected(AccessDenied):
    """Jira does not accept the account or token (401, or an anonymous answer)."""


class NotFound(BackupPipelineError):
    """The named object or record does not exist where it was looked for."""


class AlreadyExists(BackupPipelineError):
    """A create-only write met an object of that name; nothing was changed."""

    exit_code = ExitCode.REFUSED


class StoreError(BackupPipelineError):
    """The store failed in a way that is neither a missing object nor a refusal: disk full, network, quota."""


class IntegrityError(BackupPipelineError):
    """Stored bytes are not what was written: damaged, replaced, rolled back. Never retried, never a warning."""


class UnsupportedFormat(BackupPipelineError):
    """The repository or object was written by a newer version than this one."""


class UnexpectedAnswer(BackupPipelineError):
    """Jira answered something that its documentation does not allow; the server's own words are kept."""


class Refused(BackupPipelineError):
    """The product refuses for safety: another site's repository, plain http, an unconfirmed large restore."""

    exit_code = ExitCode.REFUSED


class ConcurrentWriter(Refused):
    """Another writer committed the same scope first and this run's work could not be rebased on it."""


class RestoreConflict(Refused):
    """The target of a restore is not what the plan was made for."""
