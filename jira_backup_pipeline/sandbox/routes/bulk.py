"""Asynchronous operations on many issues, and properties of many issues.

What belongs here: operations that answer with a task, and the task's progress. The work is done when the
request arrives; the task then says for some polls that it is still running, so that a client which does not
wait is found out.

What stays out: bulk calls that answer at once (``issues`` for create, ``search`` and ``changelogs`` for
reads).
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.changes import begin
from jira_backup_pipeline.sandbox.clock import iso_text
from jira_backup_pipeline.sandbox.creation import property_problem
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
)
from jira_backup_pipeline.sandbox.routes.issue_parts import properties_of
from jira_backup_pipeline.sandbox.routes.search import strings
from jira_backup_pipeline.sandbox.routes.tasks import new_task, see_task

ROUTES = RouteTable()
API = "/rest/api/3"


@ROUTES.post(f"{API}/bulk/issues/transition")
def bulk_transition(call: Call) -> Response:
    """Take one transition on many issues, in several groups."""
    caller = call.actor()
    site = call.site
    site.require(caller, "BULK_CHANGE")
    groups = call.json_object().get("bulkTransitionInputs")
    if not isinstance(groups, list) or not groups:
        raise ApiError(400, "The 'bulkTransitionInputs' list must not be empty.")
    wanted: list[tuple[str, str]] = []
    for group in groups:
        ids = strings(group.get("selectedIssueIdsOrKeys"), "selectedIssueIdsOrKeys")
        wanted.extend((text, str(group.get("transitionId"))) for text in ids)
    if not 1 <= len(wanted) <= 1000:
        raise ApiError(400, "The number of issues must be between 1 and 1000.")
    task = new_task(site, caller, len(wanted))
    for text, transition_id in wanted:
        issue = site.find_issue(text)
        if issue is None or not site.can_see(caller, issue):
            task.invalid += 1
            continue
        if issue.issue_id in site.refused_in_bulk:
            task.failed[str(issue.issue_id)] = [site.refused_in_bulk[issue.issue_id]]
            continue
        try:
            changes.transition(site, issue, transition_id, caller.account_id)
            task.processed.append(issue.issue_id)
        except ApiError as error:
            task.failed[str(issue.issue_id)] = error.messages
    return json_response({"taskId": task.task_id}, 201)


@ROUTES.post(f"{API}/bulk/issues/delete")
def bulk_delete(call: Call) -> Response:
    """Delete many issues with their sub-tasks."""
    caller = call.actor()
    site = call.site
    site.require(caller, "BULK_CHANGE")
    wanted = strings(call.json_object().get("selectedIssueIdsOrKeys"), "selectedIssueIdsOrKeys")
    if not 1 <= len(wanted) <= 1000:
        raise ApiError(400, "The number of issues must be between 1 and 1000.")
    task = new_task(site, caller, len(wanted))
    for text in wanted:
        issue = site.find_issue(text)
        if issue is None or not site.can_see(caller, issue):
            task.invalid += 1
            continue
        changes.delete_issue(site, issue, caller.account_id, with_children=True)
        task.processed.append(issue.issue_id)
    return json_response({"taskId": task.task_id}, 201)


@ROUTES.post(f"{API}/bulk/issues/watch")
def bulk_watch(call: Call) -> Response:
    """Let the caller watch many issues."""
    return _set_watching(call, is_watching=True)


@ROUTES.post(f"{API}/bulk/issues/unwatch")
def bulk_unwatch(call: Call) -> Response:
    """Take the caller off many issues as a watcher."""
    return _set_watching(call, is_watching=False)


def _set_watching(call: Call, *, is_watching: bool) -> Response:
    caller = call.actor()
    site = call.site
    site.require(caller, "BULK_CHANGE")
    wanted = strings(call.json_object().get("selectedIssueIdsOrKeys"), "selectedIssueIdsOrKeys")
    if not 1 <= len(wanted) <= 1000:
        raise ApiError(400, "The number of issues must be between 1 and 1000.")
    task = new_task(site, caller, len(wanted))
    for text in wanted:
        issue = site.find_issue(text)
        if issue is None or not site.can_see(caller, issue):
            task.invalid += 1
            continue
        if (caller.account_id in issue.watchers) is not is_watching:
            begin(site, issue)
            if is_watching:
                issue.watchers.append(caller.account_id)
            else:
                issue.watchers.remove(caller.account_id)
            site.changed(issue.issue_id)
        task.processed.append(issue.issue_id)
    return json_response({"taskId": task.task_id}, 201)


@ROUTES.get(f"{API}/bulk/queue/{{taskId}}")
def task_progress(call: Call) -> Response:
    """How far a task is."""
    call.actor()
    site = call.site
    task = site.tasks.get(call.params["taskId"])
    if task is None:
        raise ApiError(400, "The task was not found.")
    running = task.polls_left > 0
    task.polls_left = max(0, task.polls_left - 1)
    at = iso_text(task.created_ms, site.time_zone)
    value: JsonObject = {
        "taskId": task.task_id,
        "status": "RUNNING" if running else "COMPLETE",
        "progressPercent": 50 if running else 100,
        "submittedBy": show.user_part(site, task.account_id),
        "created": at,
        "started": at,
        "updated": at,
        "totalIssueCount": task.total,
        "processedAccessibleIssues": [] if running else task.processed,
        "failedAccessibleIssues": {} if running else task.failed,
        "invalidOrInaccessibleIssueCount": 0 if running else task.invalid,
    }
    return json_response(value)


@ROUTES.post(f"{API}/issue/properties/multi")
def properties_by_issue(call: Call) -> Response:
    """Store up to 10 properties on each of up to 100 issues."""
    caller = call.actor()
    entries = call.json_object().get("issues")
    if not isinstance(entries, list) or not 1 <= len(entries) <= 100:
        raise ApiError(400, "The number of issues must be between 1 and 100.")
    for entry in entries:
        given = properties_of(entry)
        problems = [problem for key, value in given.items() if (problem := property_problem(key, value))]
        if len(given) > 10 or problems:
            raise ApiError(400, *(problems or ["At most 10 properties can be set on an issue."]))
    task = new_task(call.site, caller, len(entries))
    for entry in entries:
        issue = call.site.find_issue(str(entry.get("issueID")))
        if issue is None or not call.site.can_see(caller, issue):
            task.invalid += 1
            continue
        begin(call.site, issue).properties.update(properties_of(entry))
        call.site.changed(issue.issue_id)
        task.processed.append(issue.issue_id)
    return see_task(task)
