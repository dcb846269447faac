"""Site-wide lists: issue types, statuses, priorities, resolutions, roles, categories.

What belongs here: the nouns that issues and projects name by id, listed for the whole site, and defining
those of them that a request can define.

What stays out: workflows (``workflows``), fields (``fields``), kinds of link (``links``), and the schemes that bind these nouns to
projects (``site_setup``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import (
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
    """Define an issue type of level -1 or 0; it joins the default scheme, not the projects with schemes of their own."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    level = body.get("hierarchyLevel", -1 if body.get("type") == "subtask" else 0)
    name = str(body.get("name") or "")
    if level not in {-1, 0} or not name or len(name) > 60:
        raise ApiError(400, "The name and a hierarchy level of 0 or -1 are required.")
    if any(site.issue_types[type_id].name == name for type_id in site.shared_types()):
        raise ApiError(409, "An issue type with this name already exists.")
    made = IssueType(str(site.next_id("issuetype")), name, int(level), str(body.get("description") or ""))
    site.issue_types[made.type_id] = made
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


@ROUTES.post(f"{API}/statuses")
def create_statuses(call: Call) -> Response:
    """Define statuses of the whole site or of a project."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    scope = body.get("scope") or {}
    project = scope.get("project") or {}
    project_id = int(project["id"]) if scope.get("type") == "PROJECT" else None
    categories = {value[3]: key for key, value in show.CATEGORIES.items()}
    given = body.get("statuses") or []
    names = [str(item.get("name") or "").lower() for item in given]
    taken = {item.name.lower() for item in site.statuses.values() if item.project_id == project_id}
    if not given or "" in names or len(set(names)) != len(names) or taken & set(names):
        raise ApiError(400, "Names of statuses are required and must be unique.")
    if any(item.get("statusCategory") not in categories for item in given):
        raise ApiError(400, "A status category is not known.")
    made = [
        Status(
            str(site.next_id("status")),
            str(item["name"]),
            categories[str(item["statusCategory"])],
            str(item.get("description") or ""),
            project_id,
        )
        for item in given
    ]
    site.statuses.update({item.status_id: item for item in made})
    return json_response([status_record(site, item) for item in made])


def status_record(site: Site, item: Status) -> JsonObject:
    """A status as the newer API shows it."""
    del site
    return {
        "id": item.status_id,
        "name": item.name,
        "statusCategory": show.CATEGORIES[item.category][3],
        **show.scope(item.project_id, default="GLOBAL"),
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
    return page(call, items, searched_priority)


def searched_priority(item: Named) -> JsonObject:
    """A priority as the list by page shows it."""
    return priority_record(item) | {"isDefault": item.name == "Medium"}


@ROUTES.post(f"{API}/priority")
def create_priority(call: Call) -> Response:
    """Define a priority."""
    body = call.json_object()
    if not body.get("statusColor") or bool(body.get("iconUrl")) == bool(body.get("avatarId")):
        raise ApiError(400, "A colour and either an icon URL or an avatar are required.")
    made = _named(call, "priority", call.site.priorities)
    made.color = str(body["statusColor"])
    return json_response({"id": made.item_id}, 201)


def _named(call: Call, noun: str, existing: dict[str, Named]) -> Named:
    """Make a priority or resolution; its name is unique in any letter case."""
    call.site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    name = str(body.get("name") or "")
    if not name or any(item.name.lower() == name.lower() for item in existing.values()):
        raise ApiError(400, errors={"name": f"The name of the {noun} is empty or in use."})
    made = Named(str(call.site.next_id(noun)), name, str(body.get("description") or ""))
    existing[made.item_id] = made
    call.site.reference_changed()
    return made


@ROUTES.post(f"{API}/resolution")
def create_resolution(call: Call) -> Response:
    """Define a resolution."""
    return json_response({"id": _named(call, "resolution", call.site.resolutions).item_id}, 201)


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
    if any(item.name == name for item in site.roles_of(None)):
        raise ApiError(409, f"A project role with the name '{name}' already exists.")
    made = Named(str(site.next_id("role")), name, str(body.get("description") or ""))
    site.roles[made.item_id] = made
    for project in (p for p in site.projects.values() if not p.is_team_managed):
        site.add_role_actors(project, made.item_id, [site.backup_account_id], [])
    return json_response(show.role_summary(made) | {"actors": []})


@ROUTES.get(f"{API}/projectCategory")
def categories(call: Call) -> Response:
    """All project categories."""
    return json_response([show.category(item) for item in call.site.categories.values()])
