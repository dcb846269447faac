"""Site-wide lists: issue types, statuses, priorities, resolutions, roles, categories, workflows.

What belongs here: the nouns that issues and projects name by id, listed for the whole site, and defining
those of them that a request can define.

What stays out: fields (``fields``), kinds of link (``links``), and the schemes that bind these nouns to
projects (``site_setup``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import (
    SITE_BASE,
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
)
from jira_backup_pipeline.sandbox.model import IssueType, Named, Status
from jira_backup_pipeline.sandbox.routes.paging import page

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"


@ROUTES.get(f"{API}/issuetype")
def issue_types(call: Call) -> Response:
    """All issue types."""
    return json_response([show.issue_type(item) for item in call.site.issue_types.values()])


@ROUTES.get(f"{API}/issuetype/project")
def issue_types_of_project(call: Call) -> Response:
    """The issue types of a project, one level when asked."""
    project = call.site.readable_project(call.caller, call.request.first("projectId"))
    items = [call.site.issue_types[type_id] for type_id in project.issue_types]
    if call.request.has("level"):
        items = [item for item in items if item.level == call.request.integer("level", 0)]
    return json_response([show.issue_type(item) for item in items])


@ROUTES.get(f"{API}/issuetype/{{id}}")
def issue_type(call: Call) -> Response:
    """One issue type."""
    item = call.site.issue_types.get(call.params["id"])
    if item is None:
        raise ApiError(404, "The issue type was not found.")
    return json_response(show.issue_type(item))


@ROUTES.post(f"{API}/issuetype")
def create_issue_type(call: Call) -> Response:
    """Define an issue type of level -1 or 0 and add it to every project."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    level = body.get("hierarchyLevel", -1 if body.get("type") == "subtask" else 0)
    name = str(body.get("name") or "")
    if level not in {-1, 0} or not name or len(name) > 60:
        raise ApiError(400, "The name and a hierarchy level of 0 or -1 are required.")
    if any(item.name == name for item in site.issue_types.values()):
        raise ApiError(409, "An issue type with this name already exists.")
    made = IssueType(str(site.next_id("issuetype")), name, int(level), str(body.get("description") or ""))
    site.issue_types[made.type_id] = made
    for project in site.projects.values():
        project.issue_types.append(made.type_id)
    return json_response(show.issue_type(made), 201)


@ROUTES.get(f"{API}/status")
def statuses(call: Call) -> Response:
    """All statuses that workflows use, as a plain list."""
    return json_response([show.status(item) for item in call.site.statuses.values()])


@ROUTES.get(f"{API}/status/{{idOrName}}")
def status(call: Call) -> Response:
    """One status by id or name."""
    wanted = call.params["idOrName"]
    for item in call.site.statuses.values():
        if wanted in {item.status_id, item.name}:
            return json_response(show.status(item))
    raise ApiError(404, f"The status '{wanted}' was not found.")


@ROUTES.get(f"{API}/statuscategory")
def status_categories(call: Call) -> Response:
    """All status categories."""
    del call
    return json_response([show.category_part(key) for key in show.CATEGORIES])


@ROUTES.get(f"{API}/statuses/search")
def search_statuses(call: Call) -> Response:
    """Statuses by page, with the category as an enum text."""
    call.site.require(call.caller, "ADMINISTER")
    items = list(call.site.statuses.values())
    project = call.request.first("projectId")
    if project:
        items = [item for item in items if str(item.project_id) == project]
    text = call.request.first("searchString").lower()
    items = [item for item in items if text in item.name.lower()]
    category = call.request.first("statusCategory")
    if category:
        items = [item for item in items if show.CATEGORIES[item.category][3] == category]
    return page(call, items, lambda item: status_record(call.site, item), default=200, maximum=200)


@ROUTES.get(f"{API}/statuses")
def statuses_by_id(call: Call) -> Response:
    """Statuses by id."""
    call.site.require(call.caller, "ADMINISTER")
    items = [call.site.statuses[item] for item in call.request.every("id") if item in call.site.statuses]
    return json_response([status_record(call.site, item) for item in items])


def status_record(site: Site, item: Status) -> JsonObject:
    """A status as the newer API shows it."""
    del site
    scope: JsonObject = {"type": "GLOBAL"}
    if item.project_id is not None:
        scope = {"type": "PROJECT", "project": {"id": str(item.project_id)}}
    return {
        "id": item.status_id,
        "name": item.name,
        "statusCategory": show.CATEGORIES[item.category][3],
        "scope": scope,
        "description": item.description,
    }


@ROUTES.get(f"{API}/priority")
def priorities(call: Call) -> Response:
    """All priorities as a plain list."""
    return json_response([priority_record(item) for item in call.site.priorities.values()])


@ROUTES.get(f"{API}/priority/search")
def search_priorities(call: Call) -> Response:
    """Priorities by page."""
    items = list(call.site.priorities.values())
    return page(call, items, lambda item: priority_record(item) | {"isDefault": item.name == "Medium"})


def priority_record(item: Named) -> JsonObject:
    """A priority with its colour."""
    return show.priority(item) | {"statusColor": item.color or "#707070", "description": item.description}


@ROUTES.get(f"{API}/resolution")
def resolutions(call: Call) -> Response:
    """All resolutions as a plain list."""
    return json_response([show.resolution(item) for item in call.site.resolutions.values()])


@ROUTES.get(f"{API}/resolution/search")
def search_resolutions(call: Call) -> Response:
    """Resolutions by page."""
    items = list(call.site.resolutions.values())
    return page(call, items, show.resolution)


@ROUTES.get(f"{API}/role")
def roles(call: Call) -> Response:
    """All project roles."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response([show.role_summary(item) | {"actors": []} for item in call.site.roles.values()])


@ROUTES.post(f"{API}/role")
def create_role(call: Call) -> Response:
    """Define a project role."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    name = str(body.get("name") or "")
    if not name:
        raise ApiError(400, "The role name is required.")
    if any(item.name == name for item in site.roles.values()):
        raise ApiError(409, f"A project role with the name '{name}' already exists.")
    made = Named(str(site.next_id("role")), name, str(body.get("description") or ""))
    site.roles[made.item_id] = made
    for project in site.projects.values():
        site.add_role_actors(project, made.item_id, [site.backup_account_id], [])
    return json_response(show.role_summary(made) | {"actors": []})


@ROUTES.get(f"{API}/projectCategory")
def categories(call: Call) -> Response:
    """All project categories."""
    return json_response([show.category(item) for item in call.site.categories.values()])


@ROUTES.get(f"{API}/workflows/search")
def workflows(call: Call) -> Response:
    """Workflows by page with their statuses and transitions."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    items = list(site.workflows.values())
    start = max(0, call.request.integer("startAt", 0))
    size = min(call.request.integer("maxResults", 50), 200)
    shown = items[start : start + size]
    used = {status_id for item in shown for status_id in item.statuses}
    value: JsonObject = {
        "startAt": start,
        "maxResults": size,
        "total": len(items),
        "isLast": start + len(shown) >= len(items),
        "self": f"{SITE_BASE}{API}/workflows/search?startAt={start}&maxResults={size}",
        "statuses": [
            {
                "id": item.status_id,
                "statusReference": item.status_id,
                "name": item.name,
                "statusCategory": show.CATEGORIES[item.category][3],
                "scope": {"type": "GLOBAL"},
                "description": item.description,
            }
            for item in site.statuses.values()
            if item.status_id in used
        ],
    }
    value["values"] = [
        {
            "id": item.entity_id,
            "name": item.name,
            "description": "",
            "isEditable": True,
            "scope": {"type": "GLOBAL"},
            "version": {"id": item.entity_id, "versionNumber": 1},
            "statuses": [{"statusReference": status_id, "deprecated": False} for status_id in item.statuses],
            "transitions": [
                {
                    "id": step.transition_id,
                    "name": step.name,
                    "description": "",
                    "type": "GLOBAL" if step.sources is None else "DIRECTED",
                    "toStatusReference": step.target,
                    "links": [{"fromStatusReference": source} for source in step.sources or ()],
                }
                for step in item.transitions
            ],
        }
        for item in shown
    ]
    return json_response(value)
