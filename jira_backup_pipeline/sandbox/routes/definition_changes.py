"""Changing what issues name: issue types, kinds of link, priorities, resolutions, roles, statuses, categories; fields and contexts.

What belongs here: the writes on what is there already.

What stays out: lists and making (``configuration``, ``links``, ``fields``).
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
    no_content,
)
from jira_backup_pipeline.sandbox.model import Field, Named
from jira_backup_pipeline.sandbox.setup import fields as setup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jira_backup_pipeline.sandbox.setup.made import FieldContext

ROUTES = RouteTable()
API = "/rest/api/3"


def _free(name: str, others: Iterable[str], status: int = 400) -> None:
    if any(other.lower() == name.lower() for other in others):
        raise ApiError(status, errors={"name": f"The name '{name}' is already in use."})


@ROUTES.put(f"{API}/issuetype/{{id}}")
def edit_issue_type(call: Call) -> Response:
    """Rename or describe an issue type; its level stays."""
    site, body = call.site, call.json_object()
    site.require(call.caller, "ADMINISTER")
    item = site.issue_types.get(call.params["id"])
    if item is None:
        raise ApiError(404, "The issue type was not found.")
    if body.get("name"):
        _free(str(body["name"]), (i.name for i in site.issue_types.values() if i is not item), 409)
    item.name = str(body.get("name") or item.name)
    item.description = str(body.get("description", item.description))
    site.reference_changed()
    return json_response(show.issue_type(item))


@ROUTES.put(f"{API}/issueLinkType/{{issueLinkTypeId}}")
def edit_link_type(call: Call) -> Response:
    """Rename a kind of link or one of its ends."""
    site, body = call.site, call.json_object()
    site.require(call.caller, "ADMINISTER")
    item = site.link_types.get(call.params["issueLinkTypeId"])
    if item is None:
        raise ApiError(404, "No issue link type with the given id was found.")
    if body.get("name"):
        _free(str(body["name"]), (i.name for i in site.link_types.values() if i is not item))
    item.name = str(body.get("name") or item.name)
    item.inward = str(body.get("inward") or item.inward)
    item.outward = str(body.get("outward") or item.outward)
    site.reference_changed()
    return json_response(show.link_type(item))


def _edit_named(call: Call, noun: str, existing: dict[str, Named]) -> tuple[Named, JsonObject]:
    call.site.require(call.caller, "ADMINISTER")
    item, body = existing.get(call.params["id"]), call.json_object()
    if item is None:
        raise ApiError(404, f"The {noun} was not found.")
    if body.get("name"):
        _free(str(body["name"]), (i.name for i in existing.values() if i is not item))
    item.name = str(body.get("name") or item.name)
    item.description = str(body.get("description", item.description))
    call.site.reference_changed()
    return item, body


@ROUTES.put(f"{API}/priority/{{id}}")
def edit_priority(call: Call) -> Response:
    """Change a priority."""
    item, body = _edit_named(call, "priority", call.site.priorities)
    item.color = str(body.get("statusColor") or item.color)
    return no_content()


@ROUTES.put(f"{API}/resolution/{{id}}")
def edit_resolution(call: Call) -> Response:
    """Change a resolution; its name is always sent."""
    if not call.json_object().get("name"):
        raise ApiError(400, "The name is required.")
    _edit_named(call, "resolution", call.site.resolutions)
    return no_content()


@ROUTES.put(f"{API}/role/{{id}}")
def edit_role(call: Call) -> Response:
    """Change a role; name and description are both sent."""
    body = call.json_object()
    if not body.get("name") or "description" not in body:
        raise ApiError(400, "The name and the description are required.")
    item, _ = _edit_named(call, "role", call.site.roles)
    return json_response(show.role_summary(item) | {"actors": []})


@ROUTES.put(f"{API}/statuses")
def edit_statuses(call: Call) -> Response:
    """Change statuses by id; id, name and category are always sent."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    categories = {value[3]: key for key, value in show.CATEGORIES.items()}
    given = call.json_object().get("statuses") or []
    for entry in given:
        item = site.statuses.get(str(entry.get("id")))
        if item is None or not entry.get("name") or entry.get("statusCategory") not in categories:
            raise ApiError(400, "The id, the name and the category of a status are required.")
        others = (i.name for i in site.statuses.values() if i is not item and i.project_id == item.project_id)
        _free(str(entry["name"]), others, 409)
        item.name, item.category = str(entry["name"]), categories[str(entry["statusCategory"])]
        item.description = str(entry.get("description", item.description))
    site.reference_changed()
    return no_content()


@ROUTES.post(f"{API}/projectCategory")
def create_category(call: Call) -> Response:
    """Define a project category."""
    site, body = call.site, call.json_object()
    site.require(call.caller, "ADMINISTER")
    name = str(body.get("name") or "")
    if not name:
        raise ApiError(400, "The name is required.")
    _free(name, (item.name for item in site.categories.values()), 409)
    made = Named(str(site.next_id("category")), name, str(body.get("description") or ""))
    site.categories[made.item_id] = made
    site.reference_changed()
    return json_response(show.category(made), 201)


def _custom(call: Call) -> Field:
    call.site.require(call.caller, "ADMINISTER")
    found = call.site.fields.get(call.params["fieldId"])
    if found is None or not found.custom:
        raise ApiError(404, f"The custom field '{call.params['fieldId']}' was not found.")
    return found


@ROUTES.put(f"{API}/field/{{fieldId}}")
def edit_field(call: Call) -> Response:
    """Change a custom field's name, description or searcher."""
    item, body = _custom(call), call.json_object()
    item.name = str(body.get("name") or item.name)
    item.description = str(body.get("description", item.description))
    item.searcher = str(body.get("searcherKey") or item.searcher)
    call.site.reference_changed()
    return no_content()


def _context(call: Call) -> FieldContext:
    """A context that a request made; those that follow from the site stay as they are."""
    found = setup.made_context(call.site, _custom(call), call.params["contextId"])
    if found is None:
        raise ApiError(404, "The custom field context was not found.")
    return found


@ROUTES.put(f"{API}/field/{{fieldId}}/context/{{contextId}}")
def edit_context(call: Call) -> Response:
    """Rename or describe a context."""
    item, body = _context(call), call.json_object()
    item.name = str(body.get("name") or item.name)
    item.description = str(body.get("description", item.description))
    return no_content()


@ROUTES.put(f"{API}/field/{{fieldId}}/context/{{contextId}}/issuetype")
def add_context_types(call: Call) -> Response:
    """Let a context hold for more issue types; one that holds for all holds for these alone from now on."""
    item = _context(call)
    given = [str(entry) for entry in call.json_object().get("issueTypeIds") or []]
    if not given or set(given) - set(call.site.issue_types):
        raise ApiError(404, "An issue type was not found.")
    if set(given) & set(item.type_ids):
        raise ApiError(409, "An issue type is in the context already.")
    item.type_ids += given
    return no_content()


@ROUTES.post(f"{API}/field/{{fieldId}}/context/{{contextId}}/issuetype/remove")
def remove_context_types(call: Call) -> Response:
    """Take issue types off a context; one without any holds for all."""
    item = _context(call)
    given = {str(entry) for entry in call.json_object().get("issueTypeIds") or []}
    if not given or given - set(item.type_ids):
        raise ApiError(400, "An issue type is not in the context.")
    item.type_ids = [type_id for type_id in item.type_ids if type_id not in given]
    return no_content()
