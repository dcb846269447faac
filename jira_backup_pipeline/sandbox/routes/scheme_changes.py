"""Changing schemes that are there: issue types, workflows, permissions, notifications, security.

What belongs here: the writes on schemes, and what they mean for the projects that follow them.

What stays out: making them and giving them to projects (``schemes``), and schemes of screens (``screens``).
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import reference_rendering as show
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
from jira_backup_pipeline.sandbox.routes.scheme_projects import followers, refresh
from jira_backup_pipeline.sandbox.routes.schemes import add_levels, add_members, known_holder, told
from jira_backup_pipeline.sandbox.routes.workflows import version_of
from jira_backup_pipeline.sandbox.setup import schemes
from jira_backup_pipeline.sandbox.setup.amended import keep, own_scheme

ROUTES = RouteTable()
API = "/rest/api/3"


def _found(call: Call, listed: list[JsonObject], scheme_id: str) -> JsonObject:
    call.site.require(call.caller, "ADMINISTER")
    found = next((item for item in listed if str(item["id"]) == scheme_id), None)
    if found is None:
        raise ApiError(404, "The scheme was not found.")
    return found


def _described(call: Call, record: JsonObject, listed: list[JsonObject]) -> JsonObject:
    """The record with the name and description of the request; a name in use is refused."""
    body = call.json_object()
    name = str(body.get("name") or record["name"])
    if any(i["id"] != record["id"] and str(i["name"]).lower() == name.lower() for i in listed):
        raise ApiError(400, errors={"name": "The name is already in use."})
    return {
        **record,
        "name": name,
        "description": str(body.get("description", record.get("description") or "")),
    }


def _type_scheme(call: Call) -> JsonObject:
    site, scheme_id = call.site, call.params["issueTypeSchemeId"]
    _found(call, schemes.issue_type_schemes(site), scheme_id)
    found = own_scheme(site, "issue_type_scheme", scheme_id)
    if found is None:
        raise ApiError(404, "The scheme was not found.")
    return found


@ROUTES.put(f"{API}/issuetypescheme/{{issueTypeSchemeId}}")
def edit_type_scheme(call: Call) -> Response:
    """Change name, description or default type of an issue type scheme."""
    record = _type_scheme(call)
    changed = _described(call, record, schemes.issue_type_schemes(call.site))
    chosen = call.json_object().get("defaultIssueTypeId")
    items = call.site.made.items["issue_type_scheme", str(record["id"])]
    if chosen is not None and all(str(item["issueTypeId"]) != str(chosen) for item in items):
        raise ApiError(400, "The default issue type must be part of the scheme.")
    if chosen is not None:
        changed["defaultIssueTypeId"] = str(chosen)
    keep(call.site, "issue_type_scheme", changed)
    return no_content()


@ROUTES.put(f"{API}/issuetypescheme/{{issueTypeSchemeId}}/issuetype")
def add_types(call: Call) -> Response:
    """Add issue types to a scheme, and so to the projects that follow it."""
    record, site = _type_scheme(call), call.site
    scheme_id = str(record["id"])
    items = site.made.items["issue_type_scheme", scheme_id]
    given = [str(item) for item in call.json_object().get("issueTypeIds") or []]
    present = {str(item["issueTypeId"]) for item in items}
    if not given or set(given) & present or set(given) - set(site.issue_types):
        raise ApiError(400, "The issue types must exist, and must not be in the scheme.")
    items += [{"issueTypeSchemeId": scheme_id, "issueTypeId": item} for item in given]
    refresh(site, "issue_type_scheme", scheme_id)
    return no_content()


@ROUTES.post(f"{API}/workflowscheme/read")
def read_workflow_schemes(call: Call) -> Response:
    """Workflow schemes by id or by project, in the newer form with their version."""
    site, body = call.site, call.json_object()
    site.require(call.caller, "ADMINISTER")
    wanted = {str(item) for item in body.get("workflowSchemeIds") or []}
    for text in body.get("projectIds") or []:
        project = site.find_project(str(text))
        if project is not None:
            wanted.add(str(schemes.follows(site, project, "workflow_scheme")))
    found = [item for item in schemes.workflow_schemes(site) if str(item["id"]) in wanted]
    return json_response([_newer(call, item) for item in found])


def _newer(call: Call, record: JsonObject) -> JsonObject:
    by_workflow: dict[str, list[Json]] = {}
    for type_id, name in record["issueTypeMappings"].items():
        by_workflow.setdefault(str(name), []).append(type_id)
    return {
        "id": str(record["id"]),
        "name": record["name"],
        "description": record["description"],
        "scope": {"type": "GLOBAL"},
        "version": _version(call, record),
        "defaultWorkflow": _workflow(call, str(record["defaultWorkflow"])),
        "workflowsForIssueTypes": [
            {"workflow": _workflow(call, name), "issueTypeIds": types} for name, types in by_workflow.items()
        ],
    }


def _version(call: Call, record: JsonObject) -> JsonObject:
    number = call.site.made.versions.get(f"workflow_scheme {record['id']}", 1)
    return {"id": f"scheme-{record['id']}", "versionNumber": number}


def _workflow(call: Call, name: str) -> JsonObject:
    item = call.site.workflows[name]
    version = version_of(item)
    return {
        "id": item.entity_id,
        "name": name,
        "description": item.description,
        "version": version,
    }


def _wanted(call: Call) -> tuple[str, dict[str, Json]]:
    """The default workflow and the workflows by type that a request wants, by name."""
    body, site = call.json_object(), call.site
    names = {item.entity_id: name for name, item in site.workflows.items()}
    mappings: dict[str, Json] = {}
    for entry in body.get("workflowsForIssueTypes") or []:
        for type_id in entry.get("issueTypeIds") or []:
            if str(entry.get("workflowId")) not in names or str(type_id) not in site.issue_types:
                raise ApiError(400, "A workflow or an issue type was not found.")
            mappings[str(type_id)] = names[str(entry["workflowId"])]
    default = names.get(str(body.get("defaultWorkflowId")), "")
    return default, mappings


def _lost_statuses(call: Call, scheme_id: str) -> dict[str, set[str]]:
    """By issue type the statuses in which issues are and that their new workflow lacks."""
    site = call.site
    default, mappings = _wanted(call)
    found: dict[str, set[str]] = {}
    for project in followers(site, "workflow_scheme", scheme_id):
        for issue in site.issues.of_project(project.project_id):
            name = str(mappings.get(issue.type_id) or default or project.workflows["default"])
            if issue.status_id not in site.workflows[name].statuses:
                found.setdefault(issue.type_id, set()).add(issue.status_id)
    return found


@ROUTES.post(f"{API}/workflowscheme/update/mappings")
def required_mappings(call: Call) -> Response:
    """For which statuses an update of a workflow scheme needs somebody to say where issues go."""
    scheme_id = str(call.json_object().get("id"))
    _found(call, schemes.workflow_schemes(call.site), scheme_id)
    lost = _lost_statuses(call, scheme_id)
    answer: JsonObject = {
        "statuses": [],
        "statusesPerWorkflow": [],
        "statusMappingsByWorkflows": [],
        "statusMappingsByIssueTypes": [
            {"issueTypeId": type_id, "statusIds": sorted(statuses)} for type_id, statuses in lost.items()
        ],
    }
    return json_response(answer)


@ROUTES.post(f"{API}/workflowscheme/update")
def update_workflow_scheme(call: Call) -> Response:
    """Change a workflow scheme; without the mappings that are required it is refused."""
    site, body = call.site, call.json_object()
    scheme_id = str(body.get("id"))
    record = _found(call, schemes.workflow_schemes(site), scheme_id)
    if body.get("version") != _version(call, record):
        raise ApiError(409, "The workflow scheme was changed in the meantime.")
    if _lost_statuses(call, scheme_id):
        raise ApiError(400, "Status mappings are required.")
    default, mappings = _wanted(call)
    own = own_scheme(site, "workflow_scheme", scheme_id) or record
    changed = _described(call, own, schemes.workflow_schemes(site))
    changed |= {"defaultWorkflow": default or own["defaultWorkflow"], "issueTypeMappings": mappings}
    keep(site, "workflow_scheme", changed)
    number = site.made.versions.get(f"workflow_scheme {scheme_id}", 1)
    site.made.versions[f"workflow_scheme {scheme_id}"] = number + 1
    refresh(site, "workflow_scheme", scheme_id)
    return json_response(_newer(call, changed))


@ROUTES.put(f"{API}/permissionscheme/{{schemeId}}")
def edit_permission_scheme(call: Call) -> Response:
    """Change a permission scheme; grants that are sent replace all that are there."""
    listed = schemes.permission_schemes(call.site)
    record = _found(call, listed, call.params["schemeId"])
    changed = _described(call, record, listed)
    if "permissions" in call.json_object():
        raise ApiError(400, "Grants are changed one by one here.")
    keep(call.site, "permission_scheme", changed)
    return json_response({name: value for name, value in changed.items() if name != "permissions"})


@ROUTES.post(f"{API}/permissionscheme/{{schemeId}}/permission")
def add_grant(call: Call) -> Response:
    """Grant a permission."""
    listed = schemes.permission_schemes(call.site)
    record, body = _found(call, listed, call.params["schemeId"]), call.json_object()
    if not body.get("permission") or not isinstance(body.get("holder"), dict):
        raise ApiError(400, "The permission and its holder are required.")
    known_holder(call, body["holder"])
    grant_id = call.site.made.next_id()
    grant: JsonObject = {
        "id": grant_id,
        "self": f"{show.API}/permissionscheme/{record['id']}/permission/{grant_id}",
        "holder": body["holder"],
        "permission": str(body["permission"]),
    }
    keep(call.site, "permission_scheme", {**record, "permissions": [*record["permissions"], grant]})
    return json_response(grant, 201)


@ROUTES.put(f"{API}/notificationscheme/{{id}}")
def edit_notification_scheme(call: Call) -> Response:
    """Rename or describe a notification scheme."""
    listed = schemes.notification_schemes(call.site)
    record = _found(call, listed, call.params["id"])
    keep(call.site, "notification_scheme", _described(call, record, listed))
    return no_content()


@ROUTES.put(f"{API}/notificationscheme/{{id}}/notification")
def add_notifications(call: Call) -> Response:
    """Let more be told of events."""
    record = _found(call, schemes.notification_schemes(call.site), call.params["id"])
    events = [dict(entry) for entry in record["notificationSchemeEvents"]]
    for given in told(call):
        known = next((e for e in events if e["event"]["id"] == given["event"]["id"]), None)
        if known is None:
            events.append(given)
        else:
            known["notifications"] = [*known["notifications"], *given["notifications"]]
    keep(call.site, "notification_scheme", {**record, "notificationSchemeEvents": events})
    return no_content()


@ROUTES.put(f"{API}/issuesecurityschemes/{{id}}")
def edit_security_scheme(call: Call) -> Response:
    """Rename or describe an issue security scheme."""
    listed = schemes.security_schemes(call.site)
    record = _found(call, listed, call.params["id"])
    keep(call.site, "security_scheme", _described(call, record, listed))
    return no_content()


@ROUTES.put(f"{API}/issuesecurityschemes/{{schemeId}}/level")
def add_security_levels(call: Call) -> Response:
    """Add levels with their members to a scheme."""
    record = _found(call, schemes.security_schemes(call.site), call.params["schemeId"])
    levels = [
        item
        for item in schemes.security_levels(call.site)
        if item["issueSecuritySchemeId"] == str(record["id"])
    ]
    given = call.json_object().get("levels") or []
    names = {str(item["name"]).lower() for item in levels}
    if not given or any(str(entry.get("name") or "").lower() in {*names, ""} for entry in given):
        raise ApiError(400, "The names of the levels are required and must be free.")
    changed = dict(record)
    add_levels(call, changed, given)
    if changed != record:
        keep(call.site, "security_scheme", changed)
    call.site.reference_changed()
    return no_content()


@ROUTES.put(f"{API}/issuesecurityschemes/{{schemeId}}/level/{{levelId}}/member")
def add_level_members(call: Call) -> Response:
    """Add members to a level."""
    _found(call, schemes.security_schemes(call.site), call.params["schemeId"])
    level = _found(call, schemes.security_levels(call.site), call.params["levelId"])
    add_members(call, str(level["issueSecuritySchemeId"]), str(level["id"]), call.json_object())
    call.site.reference_changed()
    return no_content()
