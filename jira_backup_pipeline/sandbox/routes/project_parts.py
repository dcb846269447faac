"""What belongs to a project: roles and their members, properties, features, statuses, hierarchy, e-mail.

What belongs here: the addresses below one project, except those that have a module.

What stays out: the project itself (``projects``), components and versions (``versions``), role definitions
(``configuration``), and the schemes it follows (``site_setup``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.creation import property_problem
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.routes.search import strings
from jira_backup_pipeline.sandbox.setup import associations, schemes

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Named, Project
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
PROJECT = f"{API}/project/{{projectIdOrKey}}"


def project_of(call: Call) -> Project:
    """The project of the address."""
    return call.site.readable_project(call.caller, call.params["projectIdOrKey"])


def _role(call: Call) -> Named:
    role = call.site.roles.get(call.params["id"])
    if role is None or role not in call.site.roles_of(project_of(call)):
        raise ApiError(404, f"Can not retrieve a role actor for id {call.params['id']}.")
    return role


@ROUTES.get(f"{PROJECT}/role")
def roles(call: Call) -> Response:
    """The roles of a project as names and addresses."""
    project = project_of(call)
    base = f"{show.API}/project/{project.project_id}/role"
    return json_response({role.name: f"{base}/{role.item_id}" for role in call.site.roles_of(project)})


@ROUTES.get(f"{PROJECT}/role/{{id}}")
def read_role(call: Call) -> Response:
    """A role of a project with its members."""
    return json_response(show.project_role(call.site, project_of(call), _role(call)))


@ROUTES.get(f"{PROJECT}/roledetails")
def role_details(call: Call) -> Response:
    """All roles of a project without members."""
    found = call.site.roles_of(project_of(call))
    return json_response([show.role_summary(role) for role in found])


@ROUTES.post(f"{PROJECT}/role/{{id}}")
def add_actors(call: Call) -> Response:
    """Put users and groups into a role."""
    site = call.site
    project, role = project_of(call), _role(call)
    site.require(call.caller, "ADMINISTER_PROJECTS", project)
    body = call.json_object()
    users = strings(body.get("user"), "user")
    groups = strings(body.get("groupId"), "groupId")
    for name in strings(body.get("group"), "group"):
        found = site.group_by_name(name)
        groups.append(found.group_id if found else name)
    missing = [item for item in users if item not in site.accounts] + [
        g for g in groups if g not in site.groups
    ]
    if missing:
        raise ApiError(404, f"We can't find '{missing[0]}' in any accessible user directory.")
    site.add_role_actors(project, role.item_id, users, groups)
    site.reference_changed()
    return json_response(show.project_role(site, project, role))


@ROUTES.put(f"{PROJECT}/role/{{id}}")
def set_actors(call: Call) -> Response:
    """Replace the members of a role."""
    site = call.site
    project, role = project_of(call), _role(call)
    site.require(call.caller, "ADMINISTER_PROJECTS", project)
    given = call.json_object().get("categorisedActors") or {}
    users = strings(given.get("atlassian-user-role-actor"), "atlassian-user-role-actor")
    groups = strings(given.get("atlassian-group-role-actor-id"), "atlassian-group-role-actor-id")
    if any(item not in site.accounts for item in users) or any(item not in site.groups for item in groups):
        raise ApiError(400, "An actor does not exist.")
    project.roles[role.item_id] = []
    site.add_role_actors(project, role.item_id, users, groups)
    site.reference_changed()
    return json_response(show.project_role(site, project, role))


@ROUTES.delete(f"{PROJECT}/role/{{id}}")
def delete_actor(call: Call) -> Response:
    """Take a user or group out of a role."""
    site = call.site
    project, role = project_of(call), _role(call)
    site.require(call.caller, "ADMINISTER_PROJECTS", project)
    user, group = call.request.first("user"), call.request.first("groupId")
    actors = project.roles.get(role.item_id, [])
    project.roles[role.item_id] = [
        actor
        for actor in actors
        if not ((user and actor.account_id == user) or (group and actor.group_id == group))
    ]
    if len(actors) == len(project.roles[role.item_id]):
        raise ApiError(404, "The actor is not a member of the role.")
    site.reference_changed()
    return no_content()


@ROUTES.get(f"{PROJECT}/properties")
def property_keys(call: Call) -> Response:
    """The keys of a project's properties."""
    project = project_of(call)
    base = f"{show.API}/project/{project.key}/properties"
    return json_response({"keys": [{"self": f"{base}/{key}", "key": key} for key in project.properties]})


@ROUTES.get(f"{PROJECT}/properties/{{propertyKey}}")
def read_property(call: Call) -> Response:
    """One property of a project."""
    project, key = project_of(call), call.params["propertyKey"]
    if key not in project.properties:
        raise ApiError(404, f"The property {key} does not exist.")
    return json_response({"key": key, "value": project.properties[key]})


@ROUTES.put(f"{PROJECT}/properties/{{propertyKey}}")
def set_property(call: Call) -> Response:
    """Store a property of a project."""
    project, key, value = project_of(call), call.params["propertyKey"], call.json()
    call.site.require(call.caller, "ADMINISTER_PROJECTS", project)
    problem = property_problem(key, value)
    if problem:
        raise ApiError(400, problem)
    status = 200 if key in project.properties else 201
    project.properties[key] = value
    return json_response({}, status)


@ROUTES.delete(f"{PROJECT}/properties/{{propertyKey}}")
def delete_property(call: Call) -> Response:
    """Remove a property of a project."""
    project, key = project_of(call), call.params["propertyKey"]
    call.site.require(call.caller, "ADMINISTER_PROJECTS", project)
    if project.properties.pop(key, None) is None:
        raise ApiError(404, f"The property {key} does not exist.")
    return no_content()


@ROUTES.get(f"{PROJECT}/features")
def features(call: Call) -> Response:
    """The features of a project and whether they are on."""
    return json_response({"features": feature_records(project_of(call))})


def feature_records(project: Project) -> list[JsonObject]:
    """The features of a project as they are listed."""
    return [
        {
            "projectId": project.project_id,
            "state": state,
            "toggleLocked": False,
            "feature": key,
            "prerequisites": [],
            "localisedName": key.rpartition(".")[2].capitalize(),
            "localisedDescription": "",
            "imageUri": "",
        }
        for key, state in project.features.items()
    ]


@ROUTES.put(f"{PROJECT}/features/{{featureKey}}")
def set_feature(call: Call) -> Response:
    """Switch a feature of a project."""
    project, key = project_of(call), call.params["featureKey"]
    call.site.require(call.caller, "ADMINISTER_PROJECTS", project)
    state = call.json_object().get("state")
    if state not in {"ENABLED", "DISABLED"}:
        raise ApiError(400, "The state must be ENABLED or DISABLED.")
    project.features[key] = str(state)
    return features(call)


@ROUTES.get(f"{PROJECT}/statuses")
def statuses(call: Call) -> Response:
    """The statuses of each issue type of a project."""
    return json_response(status_records(call.site, project_of(call)))


def status_records(site: Site, project: Project) -> list[JsonObject]:
    """The issue types of a project, each with its statuses."""
    shown: list[JsonObject] = []
    for type_id in project.issue_types:
        item = site.issue_types[type_id]
        workflow = site.workflow_for(project, type_id)
        shown.append(
            {
                "self": f"{show.API}/issuetype/{type_id}",
                "id": type_id,
                "name": item.name,
                "subtask": item.level < 0,
                "statuses": [show.status(site.statuses[status_id]) for status_id in workflow.statuses],
            }
        )
    return shown


@ROUTES.get(f"{API}/project/{{projectKeyOrId}}/securitylevel")
def security_levels(call: Call) -> Response:
    """The levels of issue security: none without the permission to set them, whatever there is."""
    site = call.site
    project = site.readable_project(call.caller, call.params["projectKeyOrId"])
    scheme_id = schemes.follows(site, project, "security_scheme")
    found = [level for level in schemes.security_levels(site) if level["issueSecuritySchemeId"] == scheme_id]
    return json_response({"levels": found if site.may(call.caller, "SET_ISSUE_SECURITY", project) else []})


@ROUTES.get(f"{API}/project/{{projectId}}/email")
def read_email(call: Call) -> Response:
    """The sender's address of a project's notifications."""
    project = call.site.readable_project(call.caller, call.params["projectId"])
    return json_response(associations.email(project))


@ROUTES.get(f"{API}/project/{{projectId}}/hierarchy")
def hierarchy(call: Call) -> Response:
    """The issue types of a project by level."""
    site = call.site
    project = site.readable_project(call.caller, call.params["projectId"])
    levels: dict[int, list[str]] = {}
    for type_id in project.issue_types:
        levels.setdefault(site.issue_types[type_id].level, []).append(type_id)
    names = {-1: "Sub-task", 0: "Base", 1: "Epic"}
    shown = [
        {
            "level": level,
            "name": names.get(level, str(level)),
            "issueTypes": [
                {
                    "id": int(type_id),
                    "name": site.issue_types[type_id].name,
                    "avatarId": 1,
                }
                for type_id in type_ids
            ],
        }
        for level, type_ids in sorted(levels.items())
    ]
    return json_response({"projectId": project.project_id, "hierarchy": shown})
