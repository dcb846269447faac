"""Field definitions, their contexts and options.

What belongs here: fields by list and by page, what hangs on one custom field, and defining fields and
options.

What stays out: the contexts' records (``setup.fields``), which kinds of custom field there are
(``seed.field_catalogue``), and screens and field configurations (``site_setup``).
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response, RouteTable, json_response
from jira_backup_pipeline.sandbox.model import Field
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.seed.field_catalogue import KINDS_BY_TYPE, add_option
from jira_backup_pipeline.sandbox.setup import fields as setup

ROUTES = RouteTable()
API = "/rest/api/3"
_WITH_OPTIONS = {"select", "multiselect", "cascadingselect"}


@ROUTES.get(f"{API}/field")
def all_fields(call: Call) -> Response:
    """All fields, system and custom, as a plain list."""
    return json_response([show.field_definition(item) for item in call.site.fields.values()])


@ROUTES.get(f"{API}/field/search")
def search_fields(call: Call) -> Response:
    """Fields by page; of the system fields only those that can be put on screens."""
    kinds = set(call.request.every("type")) or {"custom", "system"}
    ids = set(call.request.every("id"))
    text = call.request.first("query").lower()
    found = [
        item
        for item in call.site.fields.values()
        if ("custom" if item.custom else "system") in kinds
        and (not ids or item.field_id in ids)
        and (text in item.name.lower() or text in item.description.lower())
        and (item.custom or item.orderable)
    ]
    return page(call, found, _searched, maximum=100)


def _searched(item: Field) -> JsonObject:
    value: JsonObject = {
        "id": item.field_id,
        "key": item.field_id,
        "name": item.name,
        "schema": item.schema or {"type": "any"},
        "description": item.description,
        "isLocked": item.locked,
        "isUnscreenable": False,
        "screensCount": 1,
        "contextsCount": 1 if item.custom else 0,
        "projectsCount": 0,
        "typeDisplayName": item.kind,
    }
    if item.searcher:
        value["searcherKey"] = item.searcher
    return value


@ROUTES.post(f"{API}/field")
def create_field(call: Call) -> Response:
    """Define a custom field of a known type."""
    call.site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    name, custom_type = str(body.get("name") or ""), str(body.get("type") or "")
    known = KINDS_BY_TYPE.get(custom_type.rpartition(":")[2])
    if not name:
        raise ApiError(400, errors={"name": "The name of the field is required."})
    if known is None:
        raise ApiError(400, errors={"type": f"The field type '{custom_type}' is not supported."})
    kind, schema_type, items = known
    number = call.site.next_id("customfield")
    schema: JsonObject = {"type": schema_type, "custom": custom_type, "customId": number}
    if items:
        schema["items"] = items
    made = Field(
        f"customfield_{number}",
        name,
        kind,
        schema,
        (f"cf[{number}]", name),
        custom=True,
        description=str(body.get("description") or ""),
        searcher=str(body.get("searcherKey") or ""),
    )
    call.site.fields[made.field_id] = made
    call.site.reference_changed()
    return json_response(show.field_definition(made), 201)


def _custom(call: Call) -> Field:
    found = call.site.fields.get(call.params["fieldId"])
    if found is None or not found.custom:
        raise ApiError(404, f"The custom field '{call.params['fieldId']}' was not found.")
    return found


def _paged_of(call: Call, items: list[JsonObject], *, maximum: int = 50) -> Response:
    wanted = set(call.request.every("contextId"))
    shown = [item for item in items if not wanted or str(item.get("contextId", item.get("id"))) in wanted]
    return page(call, shown, lambda entry: entry, default=maximum, maximum=maximum)


@ROUTES.get(f"{API}/field/{{fieldId}}/context")
def contexts(call: Call) -> Response:
    """The contexts of a custom field."""
    call.site.require(call.caller, "ADMINISTER")
    return _paged_of(call, setup.contexts(call.site, _custom(call)))


@ROUTES.get(f"{API}/field/{{fieldId}}/context/projectmapping")
def context_projects(call: Call) -> Response:
    """Which contexts of a field belong to which projects."""
    call.site.require(call.caller, "ADMINISTER")
    return _paged_of(call, setup.context_projects(call.site, _custom(call)))


@ROUTES.get(f"{API}/field/{{fieldId}}/context/issuetypemapping")
def context_issue_types(call: Call) -> Response:
    """Which contexts of a field belong to which issue types."""
    call.site.require(call.caller, "ADMINISTER")
    return _paged_of(call, setup.context_issue_types(call.site, _custom(call)))


@ROUTES.get(f"{API}/field/{{fieldId}}/context/defaultValue")
def context_defaults(call: Call) -> Response:
    """The default values of a field by context."""
    call.site.require(call.caller, "ADMINISTER")
    return _paged_of(call, setup.defaults(call.site, _custom(call)))


@ROUTES.get(f"{API}/field/{{fieldId}}/context/{{contextId}}/option")
def context_options(call: Call) -> Response:
    """The options of a select field, parents before their children."""
    call.site.require(call.caller, "ADMINISTER")
    item = _custom(call)
    context_id = call.params["contextId"]
    if all(context["id"] != context_id for context in setup.contexts(call.site, item)):
        raise ApiError(404, "The custom field context was not found.")
    if item.kind not in _WITH_OPTIONS:
        raise ApiError(400, "The custom field does not support options.")
    found = setup.options(call.site, item, context_id)
    return page(call, found, lambda entry: entry, default=100, maximum=100)


@ROUTES.post(f"{API}/field/{{fieldId}}/context/{{contextId}}/option")
def create_options(call: Call) -> Response:
    """Define options of a select field."""
    call.site.require(call.caller, "ADMINISTER")
    item = _custom(call)
    given = call.json_object().get("options")
    if item.kind not in _WITH_OPTIONS or not isinstance(given, list) or not 1 <= len(given) <= 1000:
        raise ApiError(400, "Between 1 and 1000 options of a select field are expected.")
    made: list[JsonObject] = []
    for entry in given:
        parent = int(entry["optionId"]) if entry.get("optionId") else None
        if any(option.value == entry.get("value") for option in call.site.options_of(item.field_id, parent)):
            raise ApiError(400, f"The option '{entry.get('value')}' already exists.")
        option = add_option(call.site, item.field_id, str(entry.get("value") or ""), parent_id=parent)
        option.disabled = bool(entry.get("disabled"))
        value: JsonObject = {"id": str(option.option_id), "value": option.value, "disabled": option.disabled}
        if parent is not None:
            value["optionId"] = str(parent)
        made.append(value)
    return json_response({"options": made})
