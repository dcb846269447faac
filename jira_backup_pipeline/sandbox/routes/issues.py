"""Single issues: create (one and many), read, edit, delete, assign.

What belongs here: what an edit request asks for, read with all its errors, and who may do what to an issue.

What stays out: the change itself (``changes``, ``creation``), status (``transitions``), many issues by id or
query (``search``), and what the forms of create and edit hold (``issue_metadata``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import changes, creation, rendering
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.codec import Codec, Place, ValueProblem
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    Json,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.issue_metadata import create_fields, edit_metadata
from jira_backup_pipeline.sandbox.routes.paging import window
from jira_backup_pipeline.sandbox.routes.search import issue_json
from jira_backup_pipeline.sandbox.values import CODECS

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account, Issue
    from jira_backup_pipeline.sandbox.site import Site
from jira_backup_pipeline.sandbox.setup.mails import UPDATED, announce

ROUTES = RouteTable()
API = "/rest/api/3"


def created(site: Site, issue: Issue) -> JsonObject:
    """What a create answers."""
    return {
        "id": str(issue.issue_id),
        "key": site.key_of(issue),
        "self": f"{rendering.API}/issue/{issue.issue_id}",
    }


@ROUTES.post(f"{API}/issue")
def create_issue(call: Call) -> Response:
    """Make one issue."""
    caller = call.actor()
    return json_response(_create(call.site, caller, call.json_object()), 201)


def _create(site: Site, caller: Account, update: JsonObject) -> JsonObject:
    draft = creation.read_draft(site, caller, update)
    problem = creation.initial_transition_problem(site, draft)
    if problem:
        raise ApiError(400, problem)
    return created(site, creation.create_issue(site, draft, caller))


@ROUTES.post(f"{API}/issue/bulk")
def create_issues(call: Call) -> Response:
    """Make up to 50 issues; those that are wrong are listed with their place, the others are made."""
    caller = call.actor()
    updates = call.json_object().get("issueUpdates")
    if not isinstance(updates, list) or not updates:
        raise ApiError(400, "The 'issueUpdates' list must not be empty.")
    if len(updates) > 50:
        raise ApiError(400, "The number of issues to create must not exceed 50.")
    made: list[JsonObject] = []
    errors: list[JsonObject] = []
    for number, update in enumerate(updates):
        try:
            made.append(_create(call.site, caller, update if isinstance(update, dict) else {}))
        except ApiError as error:
            errors.append(
                {"status": error.status, "elementErrors": error.body(), "failedElementNumber": number}
            )
    return json_response({"issues": made, "errors": errors}, 201 if made else 400)


@ROUTES.get(f"{API}/issue/{{issueIdOrKey}}")
def read_issue(call: Call) -> Response:
    """One issue with what the caller asked for."""
    request = call.request
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    fields = request.every("fields") or ["*all"]
    body = issue_json(call, issue, fields, set(request.every("expand")), request.every("properties"))
    return Response(200, body)


@ROUTES.put(f"{API}/issue/{{issueIdOrKey}}")
def edit_issue(call: Call) -> Response:
    """Change fields and properties; status and anything that is not a field is refused."""
    caller = call.actor()
    issue = call.site.readable_issue(caller, call.params["issueIdOrKey"])
    project = call.site.project_of(issue)
    call.site.require(caller, "EDIT_ISSUES", project)
    refuse_silence_without_right(call, issue)
    body = call.json_object()
    updates = edit_values(call.site, caller, issue, body)
    problems: dict[str, str] = {}
    stored = {str(entry.get("key")): entry.get("value") for entry in body.get("properties") or []}
    for key, value in stored.items():
        trouble = creation.property_problem(key, value)
        if trouble:
            problems["properties"] = trouble
    if problems:
        raise ApiError(400, errors=problems)
    changes.set_values(call.site, issue, updates, caller.account_id, metadata=body.get("historyMetadata"))
    call.site.issues.pin(issue).properties.update(stored)
    if call.request.flag("notifyUsers", default=True):
        announce(call.site, issue, UPDATED)
    if call.request.flag("returnIssue", default=False):
        return Response(200, issue_json(call, issue, ["*all"], set(), []))
    return no_content()


def refuse_silence_without_right(call: Call, issue: Issue) -> None:
    """``notifyUsers=false`` needs an administrator, else the whole call fails."""
    if call.request.flag("notifyUsers", default=True):
        return
    project = call.site.project_of(issue)
    site = call.site
    if not (site.may(call.caller, "ADMINISTER") or site.may(call.caller, "ADMINISTER_PROJECTS", project)):
        raise ApiError(
            400, "To discard the user notification either admin or project admin permissions are required."
        )


def edit_values(site: Site, caller: Account, issue: Issue, body: JsonObject) -> dict[str, Json]:
    """The new values (in internal form) that an edit request asks for."""
    given = dict(body.get("fields") or {})
    errors: dict[str, str] = {}
    project = site.project_of(issue)
    updates, wrong = creation.parse_fields(site, project, given, allowed=None)
    errors |= wrong
    for field_id, steps in (body.get("update") or {}).items():
        _apply_steps(site, issue, field_id, steps, updates=updates, errors=errors)
    if "parent" in given:
        updates["parent"] = _new_parent(site, caller, issue, given["parent"], errors)
    if "issuetype" in given:
        wanted = given["issuetype"] if isinstance(given["issuetype"], dict) else {}
        match = [
            t
            for t in project.issue_types
            if t == str(wanted.get("id", "")) or site.issue_types[t].name == wanted.get("name")
        ]
        if match and (site.issue_types[match[0]].level < 0) == (site.issue_types[issue.type_id].level < 0):
            updates["issuetype"] = match[0]
        else:
            errors["issuetype"] = "The issue type selected is invalid."
    if "project" in given:
        wanted = given["project"] if isinstance(given["project"], dict) else {}
        if site.find_project(str(wanted.get("id", wanted.get("key", "")))) is not project:
            errors["project"] = "Issues cannot be moved with this operation."
    if errors:
        raise ApiError(400, errors=errors)
    return updates


def _new_parent(site: Site, caller: Account, issue: Issue, given: Json, errors: dict[str, str]) -> int | None:
    level = site.issue_types[issue.type_id].level
    wanted = given if isinstance(given, dict) else {}
    if not wanted or wanted.get("none") or (wanted.get("id") is None and wanted.get("key") is None):
        if level < 0:
            errors["parent"] = "Sub-task issues must have a parent issue."
        return None
    found = site.find_issue(str(wanted.get("id", wanted.get("key"))))
    if found is None or not site.can_see(caller, found):
        errors["parent"] = "Could not find issue by id or key."
        return None
    problem = creation.parent_problem(site, site.project_of(issue), level, found)
    if problem:
        errors["parent"] = problem
    return found.issue_id


def _apply_steps(
    site: Site,
    issue: Issue,
    field_id: str,
    steps: Json,
    *,
    updates: dict[str, Json],
    errors: dict[str, str],
) -> None:
    item = site.fields.get(field_id)
    codec = CODECS.get(item.kind) if item is not None else None
    if item is None or codec is None or not isinstance(steps, list):
        errors[field_id] = (
            f"Field '{field_id}' cannot be set. It is not on the appropriate screen, or unknown."
        )
        return
    place = Place(site, item, site.project_of(issue))
    stored = issue.labels if field_id == "labels" else site.body(issue).values.get(field_id)
    present: Json = updates.get(field_id, stored)
    try:
        for step in steps:
            for verb, value in step.items():
                present = _after_step(place, codec, present, verb, value)
    except ValueProblem as problem:
        errors[field_id] = str(problem)
        return
    updates[field_id] = present


def _after_step(place: Place, codec: Codec, present: Json, verb: str, value: Json) -> Json:
    if verb == "set":
        return None if value is None else codec.parse(place, value)
    if not codec.many or verb not in {"add", "remove"}:
        name = f"Field with id '{place.field.field_id}' and name '{place.field.name}'"
        raise ValueProblem(f"{name} does not support operation '{verb}'")
    parsed = codec.parse(place, [value])
    rest = [entry for entry in present or [] if entry not in parsed]
    return rest + (parsed if verb == "add" else [])


@ROUTES.delete(f"{API}/issue/{{issueIdOrKey}}")
def delete_issue(call: Call) -> Response:
    """Delete an issue, with its sub-tasks when asked."""
    caller = call.actor()
    issue = call.site.readable_issue(caller, call.params["issueIdOrKey"])
    call.site.require(caller, "DELETE_ISSUES", call.site.project_of(issue))
    with_children = call.request.flag("deleteSubtasks", default=False)
    changes.delete_issue(call.site, issue, caller.account_id, with_children=with_children)
    return no_content()


@ROUTES.put(f"{API}/issue/{{issueIdOrKey}}/assignee")
def assign(call: Call) -> Response:
    """Give an issue to somebody, nobody or the default person."""
    caller = call.actor()
    site = call.site
    issue = site.readable_issue(caller, call.params["issueIdOrKey"])
    wanted = call.json_object().get("accountId")
    if wanted == "-1":
        wanted = site.project_of(issue).lead
    account = site.accounts.get(str(wanted)) if wanted is not None else None
    if wanted is not None and (account is None or not account.active):
        raise ApiError(400, errors={"assignee": f"User '{wanted}' does not exist."})
    changes.set_values(site, issue, {"assignee": wanted}, caller.account_id)
    return no_content()


@ROUTES.get(f"{API}/issue/{{issueIdOrKey}}/editmeta")
def read_edit_metadata(call: Call) -> Response:
    """The fields that can be edited."""
    return json_response(
        edit_metadata(call.site, call.site.readable_issue(call.caller, call.params["issueIdOrKey"]))
    )


@ROUTES.get(f"{API}/issue/createmeta/{{projectIdOrKey}}/issuetypes")
def create_types(call: Call) -> Response:
    """The issue types that can be created in a project."""
    project = call.site.readable_project(call.caller, call.params["projectIdOrKey"])
    types = [call.site.issue_types[type_id] for type_id in project.issue_types]
    start, size, shown = window(call, types, default=50, maximum=200)
    value = {"startAt": start, "maxResults": size, "total": len(types)}
    return json_response(value | {"issueTypes": [show.issue_type(item) for item in shown]})


@ROUTES.get(f"{API}/issue/createmeta/{{projectIdOrKey}}/issuetypes/{{issueTypeId}}")
def create_form(call: Call) -> Response:
    """The fields of the create form of a type."""
    project = call.site.readable_project(call.caller, call.params["projectIdOrKey"])
    type_id = call.params["issueTypeId"]
    if type_id not in project.issue_types:
        raise ApiError(404, "The issue type was not found in the project.")
    fields = create_fields(call.site, project, type_id)
    start, size, shown = window(call, fields, default=50, maximum=200)
    return json_response({"startAt": start, "maxResults": size, "total": len(fields), "fields": shown})
