"""Waiting for work that Jira goes on with after its answer.

What belongs here: asking how far a task is, ever more rarely, until it has ended or stands still.

What stays out: what a task does, and what its end means (`transitions`, `closing`, `temporary`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from jira_backup_pipeline.domain.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.engine.restore.calls import Calls


class Waiter(Protocol):
    """Whoever waits: with calls, and a pause in seconds."""

    @property
    def calls(self) -> Calls:
        """Give the calls."""

    @property
    def pause(self) -> Callable[[float], None]:
        """Give the pause."""


_API = "/rest/api/3"
# Small tasks are done at once, large ones take minutes.
_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 5.0
_RUNNING = frozenset({"ENQUEUED", "RUNNING", "CANCEL_REQUESTED"})
# A task that says for this long that it is no further will not be waited for: a resumed restore looks again.
_PATIENCE_SECONDS = 1800.0


def await_bulk_operation(waiter: Waiter, answer: object) -> dict[str, Any]:
    """Wait for the operation on issues that an answer names, and give its last word (empty: it named none)."""
    task_id = answer.get("taskId") if isinstance(answer, dict) else None
    return _await(waiter, f"{_API}/bulk/queue/{task_id}") if task_id else {}


def await_task(waiter: Waiter, answer: object) -> dict[str, Any]:
    """Wait for the task that an answer leads to, and give its last word (empty: it leads to none)."""
    task_id = answer.get("id") if isinstance(answer, dict) else None
    return _await(waiter, f"{_API}/task/{task_id}") if task_id else {}


def _await(waiter: Waiter, path: str) -> dict[str, Any]:
    wait_seconds, still_seconds = _FIRST_POLL_SECONDS, 0.0
    seen: object = None
    while True:
        answer = waiter.calls.get(path)
        if not isinstance(answer, dict):
            return {}
        if answer.get("status") not in _RUNNING:
            return answer
        progress = answer.get("progress", answer.get("progressPercent")), answer.get("status")
        still_seconds = still_seconds + wait_seconds if progress == seen else 0.0
        seen = progress
        if still_seconds > _PATIENCE_SECONDS:
            message = f"a task of Jira has made no progress for {still_seconds / 60:.0f} minutes"
            raise TransientError(
                message, hint="Run the restore again with --resume; it looks how far the task came."
            )
        waiter.pause(wait_seconds)
        wait_seconds = min(2 * wait_seconds, _LONGEST_POLL_SECONDS)
