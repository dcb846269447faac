"""What Jira's refusal of one object becomes: a domain error where a call depends on it, a gap where a capture goes on.

What belongs here: the two translations, and the remedies that a gap tells its reader.

What stays out: deciding that an answer is a refusal (`wire.retries`) and deciding which of the two it is (the callers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import AccessDenied, BackupPipelineError, NotFound, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import Gap

if TYPE_CHECKING:
    from jira_backup_pipeline.jira.wire.messages import Refusal, Request

_DENIED = frozenset({401, 403})
_GONE = frozenset({404, 410})
_TOO_LARGE = 413


def error_for(request: Request, refusal: Refusal) -> BackupPipelineError:
    """Give the domain error that a refusal amounts to where the whole call depends on it."""
    message = f"jira refused {request.endpoint} with {refusal.status}: {refusal.words}"
    if refusal.status in _DENIED:
        return AccessDenied(message, hint="Give the account the permission that this call needs.")
    if refusal.status in _GONE:
        return NotFound(message, hint="Check that it exists and that the account may see it.")
    return UnexpectedAnswer(
        message, hint="Read Jira's words above; if they do not help, report them with the endpoint."
    )


def gap_for(refusal: Refusal, *, kind: str, subject: str, issue_id: str | None = None, count: int = 1) -> Gap:
    """Give the gap that a refusal leaves in a capture; `count` is how many records are known to be missing."""
    return Gap(
        kind=kind,
        subject=subject,
        reason=refusal.words,
        remedy=_remedy(refusal.status),
        status=refusal.status,
        issue_id=issue_id,
        count=count,
    )


def _remedy(status: int) -> str:
    if status in _DENIED:
        return "Give the backup account the permission to read this, then run again."
    if status in _GONE:
        return "Deleted, or hidden from the backup account; the next run looks again."
    if status == _TOO_LARGE:
        return "Jira cannot hand this out in one piece; reduce it in Jira or report it."
    return "The next run tries again; if it stays, open the thing in Jira and report Jira's words."
