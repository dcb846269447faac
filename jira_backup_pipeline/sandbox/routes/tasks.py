"""Tasks: work that goes on after its request was answered.

What belongs here: making a task, pointing to it, and telling how far it is. The work is done when the request arrives; the
task then says for some polls that it is still running, so that a client which does not wait is found out.

What stays out: the operations (``bulk``, ``schemes``), and the progress of operations on issues (``bulk``).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import (
    SELF_BASE,
    ApiError,
    Call,
    Response,
    RouteTable,
    json_response,
)
from jira_backup_pipeline.sandbox.model import Account, Task

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"


def new_task(site: Site, caller: Account, total: int, *, subject: str = "") -> Task:
    """Begin a task.

    Raises:
        ApiError: 409, another one that touches the same subject is running.
    """
    for task in site.tasks.values():
        if subject and task.subject == subject and task.polls_left > 0:
            # Whoever asks again instead of polling lets time pass as well.
            task.polls_left -= 1
            raise ApiError(409, "A conflicting task is already running.")
    task = Task(str(uuid.uuid4()), caller.account_id, site.now(), total, polls_left=site.settings.task_polls)
    task.subject = subject
    site.tasks[task.task_id] = task
    return task


def see_task(task: Task) -> Response:
    """The answer that leads to a task."""
    return Response(303, b"", {"Location": f"{SELF_BASE}{API}/task/{task.task_id}"})


@ROUTES.get(f"{API}/task/{{taskId}}")
def task_status(call: Call) -> Response:
    """How far a task is."""
    call.actor()
    task = call.site.tasks.get(call.params["taskId"])
    if task is None:
        raise ApiError(404, "The task was not found.")
    running = task.polls_left > 0
    task.polls_left = max(0, task.polls_left - 1)
    return json_response(
        {
            "self": f"{SELF_BASE}{API}/task/{task.task_id}",
            "id": task.task_id,
            "description": "Bulk operation",
            "status": "RUNNING" if running else "COMPLETE",
            "submittedBy": 10_000,
            "progress": 50 if running else 100,
            "elapsedRuntime": 1,
            "submitted": task.created_ms,
            "started": task.created_ms,
            "lastUpdate": task.created_ms,
        }
    )
