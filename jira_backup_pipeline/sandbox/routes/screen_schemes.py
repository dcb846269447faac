"""Schemes that say which screen an issue type shows: making and changing them, and which projects follow them.

What belongs here: the writes below ``/screenscheme`` and ``/issuetypescreenscheme``.

What stays out: their lists (``site_setup``), and screens (``screens``).
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
from jira_backup_pipeline.sandbox.routes.screens import free_name
from jira_backup_pipeline.sandbox.setup import fields
from jira_backup_pipeline.sandbox.setup.amended import keep

ROUTES = RouteTable()
API = "/rest/api/3"
_PURPOSES = {"default", "create", "edit", "view"}


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


def _described(call: Call, record: JsonObject, listed: list[JsonObject]) -> JsonObject:
    others = [item for item in listed if item["id"] != record["id"]]
    body = call.json_object()
    name = free_name(call, others) if body.get("name") else str(record["name"])
    return {**record, "name": name, "description": str(body.get("description", record["description"]))}


@ROUTES.put(f"{API}/screenscheme/{{screenSchemeId}}")
def edit_screen_scheme(call: Call) -> Response:
    """Change a screen scheme: name, description, and the screens of the purposes that are sent."""
    call.site.require(call.caller, "ADMINISTER")
    listed = fields.screen_schemes(call.site)
    record = next((i for i in listed if str(i["id"]) == call.params["screenSchemeId"]), None)
    given = call.json_object().get("screens") or {}
    known = {str(item["id"]) for item in fields.screens(call.site)}
    if record is None or any(str(screen) not in known for screen in given.values()):
        raise ApiError(404, "The screen scheme or a screen was not found.")
    if set(given) - _PURPOSES:
        raise ApiError(400, "There is no such purpose.")
    screens = {**record["screens"], **{purpose: int(screen) for purpose, screen in given.items()}}
    keep(call.site, "screen_scheme", {**_described(call, record, listed), "screens": screens})
    return no_content()


def _type_scheme(call: Call) -> JsonObject:
    call.site.require(call.caller, "ADMINISTER")
    wanted = call.params["issueTypeScreenSchemeId"]
    listed = fields.type_screen_schemes(call.site)
    record = next((item for item in listed if str(item["id"]) == wanted), None)
    if record is None:
        raise ApiError(404, "The issue type screen scheme was not found.")
    return record


def _items(call: Call, scheme_id: str) -> list[JsonObject]:
    """The mappings of a scheme, kept as made ones from now on."""
    found = [
        item for item in fields.type_screen_items(call.site) if item["issueTypeScreenSchemeId"] == scheme_id
    ]
    return call.site.made.items.setdefault(("issue_type_screen_scheme", scheme_id), found)


@ROUTES.put(f"{API}/issuetypescreenscheme/{{issueTypeScreenSchemeId}}")
def edit_type_screen_scheme(call: Call) -> Response:
    """Rename or describe an issue type screen scheme."""
    record = _type_scheme(call)
    changed = _described(call, record, fields.type_screen_schemes(call.site))
    keep(call.site, "issue_type_screen_scheme", changed)
    return no_content()


@ROUTES.put(f"{API}/issuetypescreenscheme/{{issueTypeScreenSchemeId}}/mapping")
def add_type_screens(call: Call) -> Response:
    """Give issue types a screen scheme; none of them may have one yet."""
    scheme_id = str(_type_scheme(call)["id"])
    items = _items(call, scheme_id)
    given = call.json_object().get("issueTypeMappings") or []
    present = {str(item["issueTypeId"]) for item in items}
    known = {str(item["id"]) for item in fields.screen_schemes(call.site)}
    if any(str(item.get("issueTypeId")) in present for item in given):
        raise ApiError(409, "An issue type has a mapping already.")
    if any(
        str(item.get("screenSchemeId")) not in known
        or str(item.get("issueTypeId")) not in call.site.issue_types
        for item in given
    ):
        raise ApiError(404, "A screen scheme or an issue type was not found.")
    items += [
        {
            "issueTypeScreenSchemeId": scheme_id,
            "issueTypeId": str(item["issueTypeId"]),
            "screenSchemeId": str(item["screenSchemeId"]),
        }
        for item in given
    ]
    return no_content()


@ROUTES.put(f"{API}/issuetypescreenscheme/{{issueTypeScreenSchemeId}}/mapping/default")
def set_default_screens(call: Call) -> Response:
    """Say which screen scheme issue types without a mapping have."""
    items = _items(call, str(_type_scheme(call)["id"]))
    wanted = str(call.json_object().get("screenSchemeId"))
    if all(str(item["id"]) != wanted for item in fields.screen_schemes(call.site)):
        raise ApiError(404, "The screen scheme was not found.")
    for item in items:
        if item["issueTypeId"] == "default":
            item["screenSchemeId"] = wanted
    return no_content()


@ROUTES.post(f"{API}/issuetypescreenscheme/{{issueTypeScreenSchemeId}}/mapping/remove")
def remove_type_screens(call: Call) -> Response:
    """Take the mappings of issue types away."""
    items = _items(call, str(_type_scheme(call)["id"]))
    given = {str(item) for item in call.json_object().get("issueTypeIds") or []}
    if not given or "default" in given or given - {str(item["issueTypeId"]) for item in items}:
        raise ApiError(400, "An issue type has no mapping.")
    items[:] = [item for item in items if str(item["issueTypeId"]) not in given]
    return no_content()
