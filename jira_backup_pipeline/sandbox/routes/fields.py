"""Field definitions, their contexts and options.

What belongs here: fields by list and by page, what hangs on one custom field, and defining fields and
options.

What stays out: the contexts' records (``setup.fields``), which kinds of custom field there are
(``seed.field_catalogue``), and screens and field configurations (``site_setup``).
"""

from __future__ import annotations

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
from jira_backup_pipeline.sandbox.model import Field
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.seed.field_catalogue import KINDS_BY_TYPE, add_option
from jira_backup_pipeline.sandbox.setup import fields as setup
from jira_backup_pipeline.sandbox.setup.made import FieldContext

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
        for item in setup.searched_fields(call.site)
        if ("custom" if item.custom else "system") in kinds
        and (not ids or item.field_id in ids)
        and (text in item.name.lower() or text in item.description.lower())
    ]
    return page(call, found, setup.field_detail, maximum=50)


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
    # Jira gives every new field a context for everything.
    first = FieldContext(str(call.site.made.next_id()), f"Default Configuration Scheme for {name}", "")
    call.site.made.contexts[made.field_id] = [first]
    call.site.made.own_fields.add(made.field_id)
    call.site.reference_changed()
    return json_response(show.field_definition(made), 201)


def _custom(call: Call) -> Field:
    asleep = {item.field_id: item for item in setup.dormant(call.site)}
    found = call.site.fields.get(call.params["fieldId"]) or asleep.get(call.params["fieldId"])
    # Field reports: contexts and options of a team-managed project's fields are not to be had here.
    if found is None or not found.custom or found.project_id is not None:
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
    item, context_id = _custom(call), _context(call)
    given = call.json_object().get("options")
    if item.kind not in _WITH_OPTIONS or not isinstance(given, list) or not 1 <= len(given) <= 1000:
        raise ApiError(400, "Between 1 and 1000 options of a select field are expected.")
    known = setup.options(call.site, item, context_id)
    made: list[JsonObject] = []
    for entry in given:
        parent = str(entry["optionId"]) if entry.get("optionId") else None
        value = str(entry.get("value") or "")
        if parent is not None and all(option["id"] != parent for option in known):
            raise ApiError(404, f"The parent option {parent} was not found.")
        if any((option["value"], option.get("optionId")) == (value, parent) for option in [*known, *made]):
            raise ApiError(400, f"The option '{value}' already exists.")
        option = add_option(call.site, item.field_id, value, parent_id=int(parent) if parent else None)
        option.disabled = bool(entry.get("disabled"))
        option.context_id = context_id
        made.append(setup.option_record(option))
    return json_response({"options": made})


def _context(call: Call) -> str:
    context_id = call.params["contextId"]
    if all(context["id"] != context_id for context in setup.contexts(call.site, _custom(call))):
        raise ApiError(404, "The custom field context was not found.")
    return context_id


@ROUTES.put(f"{API}/field/{{fieldId}}/context/{{contextId}}/option")
def edit_options(call: Call) -> Response:
    """Rename options, switch them off or on."""
    call.site.require(call.caller, "ADMINISTER")
    known = {option["id"] for option in setup.options(call.site, _custom(call), _context(call))}
    found: list[JsonObject] = []
    for entry in call.json_object().get("options") or []:
        if str(entry.get("id")) not in known:
            raise ApiError(404, "The option was not found.")
        option = call.site.options[int(entry["id"])]
        option.value = str(entry.get("value") or option.value)
        option.disabled = bool(entry.get("disabled", option.disabled))
        found.append(setup.option_record(option))
    call.site.reference_changed()
    return json_response({"options": found})


@ROUTES.put(f"{API}/field/{{fieldId}}/context/{{contextId}}/option/move")
def move_options(call: Call) -> Response:
    """Bring options into another order: first, last, or after another one."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    known = [str(option["id"]) for option in setup.options(site, _custom(call), _context(call))]
    body = call.json_object()
    moved = [str(item) for item in body.get("customFieldOptionIds") or []]
    after, position = body.get("after"), body.get("position")
    if not moved or (after is None) == (position is None):
        raise ApiError(400, "The options and either a position or an option to follow are required.")
    if set(moved) - set(known) or (after is not None and str(after) not in known):
        raise ApiError(404, "An option was not found.")
    rest = [item for item in known if item not in moved]
    start = 0 if position == "First" else len(rest) if after is None else rest.index(str(after)) + 1
    order = [int(item) for item in [*rest[:start], *moved, *rest[start:]]]
    site.options = {
        **{key: value for key, value in site.options.items() if str(key) not in known},
        **{key: site.options[key] for key in order},
    }
    return no_content()


@ROUTES.put(f"{API}/field/{{fieldId}}/context/defaultValue")
def set_defaults(call: Call) -> Response:
    """Set default values by context."""
    call.site.require(call.caller, "ADMINISTER")
    item = _custom(call)
    known = {str(context["id"]) for context in setup.contexts(call.site, item)}
    for entry in call.json_object().get("defaultValues") or []:
        context_id = str(entry.get("contextId"))
        if context_id not in known:
            raise ApiError(404, "The custom field context was not found.")
        options = {str(option["id"]) for option in setup.options(call.site, item, context_id)}
        named = [entry[name] for name in ("optionId", "cascadingOptionId") if name in entry]
        if any(str(option) not in options for option in [*named, *entry.get("optionIds", [])]):
            raise ApiError(404, "The default option was not found.")
        call.site.made.defaults[item.field_id, context_id] = dict(entry)
    return no_content()


@ROUTES.post(f"{API}/field/{{fieldId}}/context")
def create_context(call: Call) -> Response:
    """Make a context; a field has one for all projects at most, and a project at most one of its own."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    item, body = _custom(call), call.json_object()
    name = str(body.get("name") or "")
    projects = [str(entry) for entry in body.get("projectIds") or []]
    types = [str(entry) for entry in body.get("issueTypeIds") or []]
    if not name:
        raise ApiError(400, "The name of the context is required.")
    if any(site.find_project(entry) is None for entry in projects) or set(types) - set(site.issue_types):
        raise ApiError(404, "A project or an issue type was not found.")
    known = setup.contexts(site, item)
    if not projects and any(context["isGlobalContext"] for context in known):
        raise ApiError(400, "The field has a global context already.")
    taken = {entry.get("projectId") for entry in setup.context_projects(site, item)}
    if taken & set(projects):
        raise ApiError(400, "A project has a context of the field already.")
    made = FieldContext(str(site.made.next_id()), name, str(body.get("description") or ""), projects, types)
    site.made.contexts.setdefault(item.field_id, []).append(made)
    value: JsonObject = {
        "id": made.context_id,
        "name": name,
        "description": made.description,
        "projectIds": projects,
        "issueTypeIds": types,
    }
    return json_response(value, 201)


@ROUTES.put(f"{API}/field/{{fieldId}}/context/{{contextId}}/project")
def add_context_projects(call: Call) -> Response:
    """Let a context hold for more projects; the one for all projects takes none."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    item, context_id = _custom(call), _context(call)
    projects = [str(entry) for entry in call.json_object().get("projectIds") or []]
    if any(site.find_project(entry) is None for entry in projects):
        raise ApiError(404, "A project was not found.")
    made = setup.made_context(site, item, context_id)
    [shown] = [context for context in setup.contexts(site, item) if context["id"] == context_id]
    if shown["isGlobalContext"]:
        raise ApiError(400, "Projects cannot be added to this context.")
    taken = {entry.get("projectId") for entry in setup.context_projects(site, item)}
    if taken & set(projects):
        raise ApiError(400, "A project has a context of the field already.")
    if made is not None:
        made.project_ids += projects
    else:
        site.made.more_projects.setdefault((item.field_id, context_id), []).extend(projects)
    return no_content()
