"""Making screens, their tabs and fields, and the schemes that say which screen an issue type shows.

What belongs here: the writes below ``/screens``, ``/screenscheme`` and ``/issuetypescreenscheme``, and which projects
follow the latter.

What stays out: their lists (``site_setup``), and the fields themselves (``fields``).
"""

from __future__ import annotations

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
from jira_backup_pipeline.sandbox.routes.scheme_projects import projects_of, wanted_project
from jira_backup_pipeline.sandbox.setup import fields
from jira_backup_pipeline.sandbox.setup.made import Screen, Tab

ROUTES = RouteTable()
API = "/rest/api/3"
_PURPOSES = {"default", "create", "edit", "view"}
_LONGEST_NAME = 255


def free_name(call: Call, taken: list[JsonObject]) -> str:
    """The name in a request, which nothing else of the sort may have."""
    call.site.require(call.caller, "ADMINISTER")
    name = str(call.json_object().get("name") or "").strip()
    if not name or len(name) > _LONGEST_NAME:
        raise ApiError(400, errors={"name": "The name is required and must not exceed 255 characters."})
    if any(str(item.get("name", "")).lower() == name.lower() for item in taken):
        raise ApiError(400, errors={"name": "The name is already in use."})
    return name


@ROUTES.post(f"{API}/screens")
def create_screen(call: Call) -> Response:
    """Make a screen with its first tab."""
    name = free_name(call, fields.screens(call.site))
    made = call.site.made
    description = str(call.json_object().get("description") or "")
    screen = Screen(made.next_id(), name, description, [Tab(made.next_id(), "Field Tab")])
    made.screens[screen.screen_id] = screen
    return json_response({"id": screen.screen_id, "name": name, "description": description}, 201)


def _tabs(call: Call) -> list[JsonObject]:
    call.site.require(call.caller, "ADMINISTER")
    wanted = call.params["screenId"]
    if all(str(item["id"]) != wanted for item in fields.screens(call.site)):
        raise ApiError(404, "The screen was not found.")
    return [item for item in fields.screen_tabs(call.site) if str(item["screenId"]) == wanted]


@ROUTES.get(f"{API}/screens/{{screenId}}/tabs")
def tabs(call: Call) -> Response:
    """The tabs of a screen."""
    return json_response([{"id": item["tabId"], "name": item["tabName"]} for item in _tabs(call)])


def _made_screen(call: Call) -> Screen:
    screen_id = call.params["screenId"]
    found = call.site.made.screens.get(int(screen_id)) if screen_id.isdigit() else None
    if found is None:
        raise ApiError(400, "The screens that Jira brings cannot be changed here.")
    return found


@ROUTES.post(f"{API}/screens/{{screenId}}/tabs")
def create_tab(call: Call) -> Response:
    """Add a tab to a screen."""
    name = free_name(call, [{"name": item["tabName"]} for item in _tabs(call)])
    tab = Tab(call.site.made.next_id(), name)
    _made_screen(call).tabs.append(tab)
    return json_response({"id": tab.tab_id, "name": tab.name})


def _made_tab(call: Call) -> Tab:
    if all(str(item["tabId"]) != call.params["tabId"] for item in _tabs(call)):
        raise ApiError(404, "The tab was not found.")
    return next(item for item in _made_screen(call).tabs if str(item.tab_id) == call.params["tabId"])


@ROUTES.put(f"{API}/screens/{{screenId}}/tabs/{{tabId}}")
def rename_tab(call: Call) -> Response:
    """Give a tab another name."""
    tab = _made_tab(call)
    others = [item for item in _tabs(call) if str(item["tabId"]) != str(tab.tab_id)]
    tab.name = free_name(call, [{"name": item["tabName"]} for item in others])
    return json_response({"id": tab.tab_id, "name": tab.name})


@ROUTES.post(f"{API}/screens/{{screenId}}/tabs/{{tabId}}/fields")
def add_field(call: Call) -> Response:
    """Put a field onto a tab; a screen has a field once."""
    tab = _made_tab(call)
    field_id = str(call.json_object().get("fieldId") or "")
    if field_id not in call.site.fields:
        raise ApiError(404, f"The field '{field_id}' was not found.")
    if any(field_id in item.field_ids for item in _made_screen(call).tabs):
        raise ApiError(400, f"The field with id {field_id} already exists on the screen.")
    if field_id not in fields.screenable(call.site):
        raise ApiError(400, f"The field with id {field_id} cannot be put on a screen.")
    tab.field_ids.append(field_id)
    return json_response({"id": field_id, "name": call.site.fields[field_id].name})


@ROUTES.post(f"{API}/screenscheme")
def create_screen_scheme(call: Call) -> Response:
    """Make a screen scheme: one screen for all purposes, or another for some."""
    name = free_name(call, fields.screen_schemes(call.site))
    body = call.json_object()
    given = body.get("screens")
    known = {str(item["id"]) for item in fields.screens(call.site)}
    if not isinstance(given, dict) or "default" not in given or set(given) - _PURPOSES:
        raise ApiError(400, "The screens of a scheme need a default one.")
    if any(str(screen) not in known for screen in given.values()):
        raise ApiError(404, "A screen was not found.")
    record: JsonObject = {
        "id": call.site.made.next_id(),
        "name": name,
        "description": str(body.get("description") or ""),
        "screens": {purpose: int(screen) for purpose, screen in given.items()},
    }
    call.site.made.add("screen_scheme", record)
    return json_response({"id": record["id"]}, 201)


@ROUTES.post(f"{API}/issuetypescreenscheme")
def create_type_screen_scheme(call: Call) -> Response:
    """Make an issue type screen scheme; the default mapping must be there."""
    name = free_name(call, fields.type_screen_schemes(call.site))
    body = call.json_object()
    given = body.get("issueTypeMappings")
    mappings: list[Json] = given if isinstance(given, list) else []
    known = {str(item["id"]) for item in fields.screen_schemes(call.site)}
    types = {"default", *call.site.issue_types}
    if all(item.get("issueTypeId") != "default" for item in mappings):
        raise ApiError(400, "The default mapping is required.")
    if any(str(item.get("screenSchemeId")) not in known for item in mappings):
        raise ApiError(404, "A screen scheme was not found.")
    if any(str(item.get("issueTypeId")) not in types for item in mappings):
        raise ApiError(404, "An issue type was not found.")
    scheme_id = str(call.site.made.next_id())
    record: JsonObject = {
        "id": scheme_id,
        "name": name,
        "description": str(body.get("description") or ""),
    }
    call.site.made.items["issue_type_screen_scheme", scheme_id] = [
        {
            "issueTypeScreenSchemeId": scheme_id,
            "issueTypeId": str(item["issueTypeId"]),
            "screenSchemeId": str(item["screenSchemeId"]),
        }
        for item in mappings
    ]
    call.site.made.add("issue_type_screen_scheme", record)
    return json_response({"id": scheme_id}, 201)


@ROUTES.get(f"{API}/issuetypescreenscheme/project")
def type_screen_scheme_projects(call: Call) -> Response:
    """Which issue type screen scheme the asked projects follow."""
    schemes = fields.type_screen_schemes(call.site)
    return projects_of(call, schemes, "issue_type_screen_scheme", "issueTypeScreenScheme")


@ROUTES.put(f"{API}/issuetypescreenscheme/project")
def follow_type_screen_scheme(call: Call) -> Response:
    """Let a project follow an issue type screen scheme."""
    project = wanted_project(call)
    wanted = str(call.json_object().get("issueTypeScreenSchemeId"))
    if all(str(item["id"]) != wanted for item in fields.type_screen_schemes(call.site)):
        raise ApiError(404, "The issue type screen scheme was not found.")
    call.site.made.bindings[project.project_id, "issue_type_screen_scheme"] = wanted
    return no_content()
