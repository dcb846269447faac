"""Making schemes of issue types, permissions, notifications and security, and giving them to projects.

What belongs here: the writes, and which scheme a project follows.

What stays out: their lists (``site_setup``), schemes of workflows (``workflow_schemes``) and screens (``screens``), and obeying permissions.
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.changes import begin
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
from jira_backup_pipeline.sandbox.routes.scheme_projects import (
    follow,
    projects_of,
    refuse_team_managed,
    wanted_project,
)
from jira_backup_pipeline.sandbox.routes.screens import free_name
from jira_backup_pipeline.sandbox.routes.tasks import new_task, see_task
from jira_backup_pipeline.sandbox.setup import associations, schemes

ROUTES = RouteTable()
API = "/rest/api/3"
_MOST_NOTIFICATIONS = 1000


@ROUTES.post(f"{API}/issuetypescheme")
def create_issue_type_scheme(call: Call) -> Response:
    """Make an issue type scheme with at least one standard type."""
    name = free_name(call, schemes.issue_type_schemes(call.site))
    body = call.json_object()
    given = [str(item) for item in body.get("issueTypeIds") or []]
    types = call.site.issue_types
    if any(item not in types for item in given) or all(types[item].level < 0 for item in given):
        raise ApiError(400, "At least one standard issue type is required, and all of them must exist.")
    chosen = body.get("defaultIssueTypeId")
    if chosen is not None and str(chosen) not in given:
        raise ApiError(400, "The default issue type must be part of the scheme.")
    scheme_id = str(call.site.made.next_id())
    record: JsonObject = {"id": scheme_id, "name": name, "description": str(body.get("description") or "")}
    if chosen is not None:
        record["defaultIssueTypeId"] = str(chosen)
    call.site.made.items["issue_type_scheme", scheme_id] = [
        {"issueTypeSchemeId": scheme_id, "issueTypeId": item} for item in given
    ]
    call.site.made.add("issue_type_scheme", record)
    return json_response({"issueTypeSchemeId": scheme_id}, 201)


@ROUTES.get(f"{API}/issuetypescheme/project")
def issue_type_scheme_projects(call: Call) -> Response:
    """Which issue type scheme the asked projects follow."""
    return projects_of(call, schemes.issue_type_schemes(call.site), "issue_type_scheme", "issueTypeScheme")


@ROUTES.put(f"{API}/issuetypescheme/project")
def follow_issue_type_scheme(call: Call) -> Response:
    """Let a project follow an issue type scheme that has the types of its issues."""
    project = wanted_project(call)
    wanted = str(call.json_object().get("issueTypeSchemeId"))
    if all(item["id"] != wanted for item in schemes.issue_type_schemes(call.site)):
        raise ApiError(404, "The issue type scheme was not found.")
    types = {
        i["issueTypeId"] for i in schemes.issue_type_items(call.site) if i["issueTypeSchemeId"] == wanted
    }
    if any(issue.type_id not in types for issue in call.site.issues.of_project(project.project_id)):
        raise ApiError(400, "Issues of the project have types that the scheme lacks.")
    follow(call.site, project, "issue_type_scheme", wanted)
    return no_content()


@ROUTES.post(f"{API}/permissionscheme")
def create_permission_scheme(call: Call) -> Response:
    """Make a permission scheme with its grants."""
    name = free_name(call, schemes.permission_schemes(call.site))
    site, body = call.site, call.json_object()
    scheme_id = site.made.next_id()
    address = f"{show.API}/permissionscheme/{scheme_id}"
    grants: list[Json] = []
    for given in body.get("permissions") or []:
        known_holder(call, given.get("holder") or {})
        grant_id = site.made.next_id()
        grants.append(
            {
                "id": grant_id,
                "self": f"{address}/permission/{grant_id}",
                "holder": given["holder"],
                "permission": str(given["permission"]),
            }
        )
    record: JsonObject = {
        "id": scheme_id,
        "self": address,
        "name": name,
        "description": str(body.get("description") or ""),
        "permissions": grants,
    }
    return json_response(site.made.add("permission_scheme", record), 201)


def known_holder(call: Call, holder: JsonObject) -> None:
    """Refuse a holder that the site does not have."""
    site = call.site
    wanted = str(holder.get("value") or holder.get("parameter") or "")
    known: dict[str, set[str]] = {
        "projectRole": set(site.roles),
        "group": {text for group in site.groups.values() for text in (group.group_id, group.name)},
        "user": set(site.accounts),
        "userCustomField": set(site.fields),
        "groupCustomField": set(site.fields),
    }
    if wanted not in known.get(str(holder.get("type")), {wanted}):
        raise ApiError(400, f"The permission holder {wanted} was not found.")


def _project(call: Call) -> str:
    return call.params["projectKeyOrId"]


@ROUTES.get(f"{API}/project/{{projectKeyOrId}}/permissionscheme")
def permission_scheme_of(call: Call) -> Response:
    """The permission scheme that a project follows."""
    project = call.site.readable_project(call.caller, _project(call))
    return json_response(associations.permission_scheme(call.site, project))


@ROUTES.put(f"{API}/project/{{projectKeyOrId}}/permissionscheme")
def follow_permission_scheme(call: Call) -> Response:
    """Let a project follow a permission scheme."""
    call.site.require(call.caller, "ADMINISTER")
    project = call.site.readable_project(call.caller, _project(call))
    refuse_team_managed(project)
    wanted = str(call.json_object().get("id"))
    found = next((i for i in schemes.permission_schemes(call.site) if str(i["id"]) == wanted), None)
    if found is None:
        raise ApiError(404, "The permission scheme was not found.")
    follow(call.site, project, "permission_scheme", wanted)
    return json_response({name: value for name, value in found.items() if name != "permissions"})


@ROUTES.post(f"{API}/notificationscheme")
def create_notification_scheme(call: Call) -> Response:
    """Make a notification scheme, empty or with who is told of which event."""
    name = free_name(call, schemes.notification_schemes(call.site))
    body = call.json_object()
    events = told(call)
    scheme_id = call.site.made.next_id()
    record: JsonObject = {
        "id": scheme_id,
        "self": f"{show.API}/notificationscheme/{scheme_id}",
        "name": name,
        "description": str(body.get("description") or ""),
        "notificationSchemeEvents": events,
    }
    call.site.made.add("notification_scheme", record)
    return json_response({"id": str(scheme_id)}, 201)


def told(call: Call) -> list[Json]:
    """Who is told of which event by a request, each under a new id."""
    body = call.json_object()
    events: list[Json] = []
    for given in body.get("notificationSchemeEvents") or []:
        event_id = int(given["event"]["id"])
        told: list[Json] = [
            {
                "id": call.site.made.next_id(),
                **{key: str(item[key]) for key in ("notificationType", "parameter") if key in item},
            }
            for item in given.get("notifications") or []
        ]
        events.append({"event": {"id": event_id, "name": f"Event {event_id}"}, "notifications": told})
    if sum(len(event["notifications"]) for event in events) > _MOST_NOTIFICATIONS:
        raise ApiError(400, "No more than 1000 notifications can be made at once.")
    return events


@ROUTES.delete(f"{API}/notificationscheme/{{notificationSchemeId}}")
def delete_notification_scheme(call: Call) -> Response:
    """Remove a notification scheme that was made; no project may follow it."""
    call.site.require(call.caller, "ADMINISTER")
    wanted = call.params["notificationSchemeId"]
    made = call.site.made
    if wanted not in made.records.get("notification_scheme", {}):
        raise ApiError(404, "The notification scheme was not found.")
    if ("notification_scheme", wanted) in {(noun, scheme) for (_, noun), scheme in made.bindings.items()}:
        raise ApiError(400, "The notification scheme is used by a project.")
    del made.records["notification_scheme"][wanted]
    return no_content()


@ROUTES.get(f"{API}/project/{{projectKeyOrId}}/notificationscheme")
def notification_scheme_of(call: Call) -> Response:
    """The notification scheme that a project follows."""
    project = call.site.readable_project(call.caller, _project(call))
    wanted = schemes.follows(call.site, project, "notification_scheme")
    found = next((i for i in schemes.notification_schemes(call.site) if str(i["id"]) == wanted), None)
    if found is None:
        raise ApiError(404, "The project has no notification scheme.")
    if call.request.has("expand"):
        return json_response(found)
    return json_response({name: found[name] for name in ("id", "self", "name", "description")})


@ROUTES.post(f"{API}/issuesecurityschemes")
def create_security_scheme(call: Call) -> Response:
    """Make an issue security scheme with its levels and their members."""
    name = free_name(call, schemes.security_schemes(call.site))
    made, body = call.site.made, call.json_object()
    scheme_id = made.next_id()
    record: JsonObject = {
        "id": scheme_id,
        "self": f"{show.API}/issuesecurityschemes/{scheme_id}",
        "name": name,
        "description": str(body.get("description") or ""),
    }
    add_levels(call, record, body.get("levels") or [])
    made.add("security_scheme", record)
    return json_response({"id": str(scheme_id)}, 201)


def add_levels(call: Call, scheme: JsonObject, levels: list[Json]) -> None:
    """Add levels with their members to a scheme; the default one is noted in it."""
    made, scheme_id = call.site.made, str(scheme["id"])
    for given in levels:
        level_id = str(made.next_id())
        if given.get("isDefault"):
            scheme["defaultSecurityLevelId"] = int(level_id)
        made.add(
            "security_level",
            {
                "id": level_id,
                "self": f"{show.API}/issuesecurityschemes/level?id={level_id}",
                "name": str(given["name"]),
                "description": str(given.get("description") or ""),
                "isDefault": bool(given.get("isDefault")),
                "issueSecuritySchemeId": scheme_id,
            },
        )
        add_members(call, scheme_id, level_id, given)


def add_members(call: Call, scheme_id: str, level_id: str, given: JsonObject) -> None:
    """Add members to a level."""
    made = call.site.made
    for member in given.get("members") or []:
        holder: JsonObject = {"type": str(member["type"])}
        if member.get("parameter"):
            holder |= {"parameter": str(member["parameter"]), "value": str(member["parameter"])}
        made.add(
            "security_level_member",
            {
                "id": str(made.next_id()),
                "issueSecurityLevelId": level_id,
                "issueSecuritySchemeId": scheme_id,
                "holder": holder,
            },
        )


@ROUTES.put(f"{API}/issuesecurityschemes/project")
def follow_security_scheme(call: Call) -> Response:
    """Let a project follow an issue security scheme; levels that no mapping names are taken off issues. Leads to a task."""
    caller, site = call.actor(), call.site
    project, body = wanted_project(call), call.json_object()
    wanted = str(body.get("schemeId"))
    if all(str(item["id"]) != wanted for item in schemes.security_schemes(site)):
        raise ApiError(404, "The issue security scheme was not found.")
    known = {i["id"] for i in schemes.security_levels(site) if i["issueSecuritySchemeId"] == wanted}
    mapped = {
        str(item["oldLevelId"]): str(item["newLevelId"])
        for item in body.get("oldToNewSecurityLevelMappings") or []
    }
    if set(mapped.values()) - known:
        raise ApiError(400, "A new level is not one of the scheme's.")
    issues = list(site.issues.of_project(project.project_id))
    task = new_task(site, caller, len(issues), subject=f"security scheme of {project.project_id}")
    if schemes.follows(site, project, "security_scheme") != wanted:
        for issue in issues:
            level = site.body(issue).values.get("security")
            if level is not None:
                begin(site, issue)
                site.body(issue).values["security"] = mapped.get(str(level))
                site.changed(issue.issue_id)
    follow(site, project, "security_scheme", wanted)
    return see_task(task)


@ROUTES.get(f"{API}/project/{{projectKeyOrId}}/issuesecuritylevelscheme")
def security_scheme_of(call: Call) -> Response:
    """The issue security scheme that a project follows, with its levels."""
    call.site.require(call.caller, "ADMINISTER")
    project = call.site.readable_project(call.caller, _project(call))
    wanted = schemes.follows(call.site, project, "security_scheme")
    found = next((i for i in schemes.security_schemes(call.site) if str(i["id"]) == wanted), None)
    if found is None:
        raise ApiError(404, "The project has no issue security scheme.")
    levels = [i for i in schemes.security_levels(call.site) if i["issueSecuritySchemeId"] == wanted]
    return json_response({**found, "levels": levels})
