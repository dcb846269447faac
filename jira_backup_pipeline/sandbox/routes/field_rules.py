"""Field configurations with their schemes, and field schemes: their lists, making and changing them, and who follows them.

What belongs here: all below ``/fieldconfiguration``, ``/fieldconfigurationscheme`` and ``/config/fieldschemes``.

What stays out: the records and what they mean (``setup.field_rules``), and the lists by project (``associations``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

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
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.routes.scheme_projects import wanted_project
from jira_backup_pipeline.sandbox.routes.screens import free_name
from jira_backup_pipeline.sandbox.setup import field_rules
from jira_backup_pipeline.sandbox.setup.amended import keep
from jira_backup_pipeline.sandbox.setup.field_rules import CONFIGURATION, CONFIGURATION_SCHEME, SCHEME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
_OLD, _OLD_SCHEME, _NEW = (
    f"{API}/fieldconfiguration",
    f"{API}/fieldconfigurationscheme",
    f"{API}/config/fieldschemes",
)
_RENDERERS = frozenset({"text-renderer", "wiki-renderer"})
_PARTIAL = 207

# Path, list, and the largest page.
_PAGES = (
    (_OLD, field_rules.configurations, 50),
    (_OLD_SCHEME, field_rules.configuration_schemes, 50),
    (f"{_OLD_SCHEME}/mapping", field_rules.configuration_scheme_items, 50),
    (_NEW, field_rules.field_schemes, 100),
)


def _paged(call: Call, *, listed: Callable[[Site], list[JsonObject]], maximum: int) -> Response:
    call.site.require(call.caller, "ADMINISTER")
    return page(call, listed(call.site), lambda item: item, default=min(50, maximum), maximum=maximum)


for _path, _listed, _maximum in _PAGES:
    ROUTES.get(_path)(partial(_paged, listed=_listed, maximum=_maximum))


def _one(call: Call, listed: list[JsonObject], what: str) -> JsonObject:
    call.site.require(call.caller, "ADMINISTER")
    found = next((item for item in listed if str(item["id"]) == call.params["id"]), None)
    if found is None:
        raise ApiError(404, f"The {what} was not found.")
    return found


def _configuration(call: Call) -> JsonObject:
    return _one(call, field_rules.configurations(call.site), "field configuration")


def _described(call: Call, noun: str, record: JsonObject, listed: list[JsonObject]) -> Response:
    """Give a record the name and the description of a request."""
    name = free_name(call, [item for item in listed if item["id"] != record["id"]])
    description = str(call.json_object().get("description") or "")
    keep(call.site, noun, {**record, "name": name, "description": description})
    return no_content()


@ROUTES.post(_OLD)
def create_configuration(call: Call) -> Response:
    """Make a field configuration in which every field is optional."""
    name = free_name(call, field_rules.configurations(call.site))
    description = str(call.json_object().get("description") or "")
    record: JsonObject = {"id": call.site.made.next_id(), "name": name, "description": description}
    call.site.made.add(CONFIGURATION, record)
    return json_response(record)


@ROUTES.put(f"{_OLD}/{{id}}")
def edit_configuration(call: Call) -> Response:
    """Rename or describe a field configuration."""
    return _described(call, CONFIGURATION, _configuration(call), field_rules.configurations(call.site))


@ROUTES.get(f"{_OLD}/{{id}}/fields")
def configuration_items(call: Call) -> Response:
    """What a field configuration says of fields."""
    found = field_rules.configuration_items(call.site, str(_configuration(call)["id"]))
    return page(call, found, lambda item: item)


@ROUTES.put(f"{_OLD}/{{id}}/fields")
def edit_items(call: Call) -> Response:
    """Change what is said of fields; all of a request or nothing. Hiding a field deletes what else is said of it."""
    site, configuration_id = call.site, str(_configuration(call)["id"])
    present = {str(item["id"]): item for item in field_rules.configuration_items(site, configuration_id)}
    kept = {str(item["id"]): item for item in site.made.items.get((CONFIGURATION, configuration_id), [])}
    for item in call.json_object().get("fieldConfigurationItems") or []:
        field_id = str(item.get("id"))
        if field_id not in site.fields or not field_rules.is_rulable(site.fields[field_id]):
            raise ApiError(400, f"The field {field_id} does not exist or has no settings.")
        if field_id == "summary" and (item.get("isHidden") or item.get("isRequired") is False):
            raise ApiError(400, "The summary is always shown and required.")
        if item.get("renderer") not in {*_RENDERERS, None}:
            raise ApiError(400, f"The renderer {item['renderer']} cannot be set.")
        plain = field_rules.plain_item(field_id)
        changed = {**present.get(field_id, plain), **item}
        kept[field_id] = {**plain, "isHidden": True} if changed["isHidden"] else changed
    site.made.items[CONFIGURATION, configuration_id] = list(kept.values())
    site.reference_changed()
    return no_content()


@ROUTES.post(_OLD_SCHEME)
def create_configuration_scheme(call: Call) -> Response:
    """Make a field configuration scheme, which has the default configuration for all types."""
    name = free_name(call, field_rules.configuration_schemes(call.site))
    description = str(call.json_object().get("description") or "")
    record: JsonObject = {"id": str(call.site.made.next_id()), "name": name, "description": description}
    call.site.made.add(CONFIGURATION_SCHEME, record)
    _map(call.site, str(record["id"]), {"default": str(field_rules.FIRST_SCHEME)})
    return json_response(record, 201)


def _map(site: Site, scheme_id: str, by_type: dict[str, str]) -> None:
    site.made.items[CONFIGURATION_SCHEME, scheme_id] = [
        {"fieldConfigurationSchemeId": scheme_id, "issueTypeId": type_id, "fieldConfigurationId": found}
        for type_id, found in by_type.items()
    ]
    site.reference_changed()


@ROUTES.put(f"{_OLD_SCHEME}/project")
def follow_configuration_scheme(call: Call) -> Response:
    """Let a project follow a field configuration scheme, or the default one."""
    project = wanted_project(call)
    if project.is_team_managed:
        raise ApiError(400, "The project is not a classic project.")
    wanted = call.json_object().get("fieldConfigurationSchemeId")
    known = {str(item["id"]) for item in field_rules.configuration_schemes(call.site)}
    if wanted is not None and str(wanted) not in known:
        raise ApiError(404, "The field configuration scheme was not found.")
    call.site.made.bindings[project.project_id, CONFIGURATION_SCHEME] = (
        None if wanted is None else str(wanted)
    )
    call.site.reference_changed()
    return no_content()


@ROUTES.put(f"{_OLD_SCHEME}/{{id}}")
def edit_configuration_scheme(call: Call) -> Response:
    """Rename or describe a field configuration scheme."""
    listed = field_rules.configuration_schemes(call.site)
    record = _one(call, listed, "field configuration scheme")
    return _described(call, CONFIGURATION_SCHEME, record, listed)


@ROUTES.put(f"{_OLD_SCHEME}/{{id}}/mapping")
def map_types(call: Call) -> Response:
    """Say which field configuration issue types have, also those that have another one."""
    site = call.site
    scheme_id = str(_one(call, field_rules.configuration_schemes(site), "field configuration scheme")["id"])
    by_type = {
        str(item["issueTypeId"]): str(item["fieldConfigurationId"])
        for item in field_rules.configuration_scheme_items(site)
        if item["fieldConfigurationSchemeId"] == scheme_id
    }
    known = {str(item["id"]) for item in field_rules.configurations(site)}
    for item in call.json_object().get("mappings") or []:
        type_id, wanted = str(item.get("issueTypeId")), str(item.get("fieldConfigurationId"))
        if wanted not in known or type_id not in {"default", *site.issue_types}:
            raise ApiError(404, "A field configuration or an issue type was not found.")
        by_type[type_id] = wanted
    _map(site, scheme_id, by_type)
    return no_content()


def _scheme(call: Call) -> JsonObject:
    return _one(call, field_rules.field_schemes(call.site), "field scheme")


@ROUTES.post(_NEW)
def create_scheme(call: Call) -> Response:
    """Make a field scheme, which has the fields that the default one has."""
    name = free_name(call, field_rules.field_schemes(call.site))
    description = str(call.json_object().get("description") or "")
    record: JsonObject = {"id": call.site.made.next_id(), "name": name, "description": description}
    call.site.made.add(SCHEME, record)
    return json_response(record)


# The words of fixed addresses come before the one with an id.
@ROUTES.put(f"{_NEW}/fields")
def associate(call: Call) -> Response:
    """Let schemes have fields, for all types or some."""
    results: list[Json] = []
    for field_id, item, scheme_id in _each(call):
        types = [str(one) for one in item.get("restrictedToWorkTypes") or []]
        result: JsonObject = {"fieldId": field_id, "schemeId": scheme_id, "success": True}
        result["workTypeIds"] = [int(one) for one in types]
        error = _problem(call.site, field_id, scheme_id) or (
            "A work type does not exist." if set(types) - set(call.site.issue_types) else ""
        )
        results.append({**result, "success": False, "error": error} if error else result)
        if not error:
            found = _item(call.site, field_id, scheme_id)
            found["restrictedToWorkTypes"] = types
    return _answered(call.site, results)


@ROUTES.delete(f"{_NEW}/fields")
def dissociate(call: Call) -> Response:
    """Take fields from schemes: nobody sees them then."""
    call.site.require(call.caller, "ADMINISTER")
    results: list[Json] = []
    for field_id, item in call.json_object().items():
        for scheme_id in item.get("schemeIds") or []:
            items = field_rules.own_items(call.site, str(scheme_id))
            is_there = any(one["fieldId"] == field_id for one in items) and field_id != "summary"
            results.append({"fieldId": field_id, "schemeId": scheme_id, "success": is_there})
            if is_there:
                items[:] = [one for one in items if one["fieldId"] != field_id]
    return _answered(call.site, results)


@ROUTES.put(f"{_NEW}/fields/parameters")
def set_parameters(call: Call) -> Response:
    """Say what is required and how it is described, for all types and for single ones."""
    results: list[Json] = []
    for field_id, item, scheme_id in _each(call):
        error = _problem(call.site, field_id, scheme_id)
        if not error and all(
            one["fieldId"] != field_id for one in field_rules.scheme_items(call.site, str(scheme_id))
        ):
            error = "The scheme does not have the field."
        result: JsonObject = {"fieldId": field_id, "schemeId": scheme_id, "success": not error}
        results.append({**result, "error": error} if error else result)
        if not error:
            found = _item(call.site, field_id, scheme_id)
            found["parameters"] = {**found["parameters"], **(item.get("parameters") or {})}
            by_type = {str(one["workTypeId"]): one for one in found.get("workTypeParameters") or []}
            for one in item.get("workTypeParameters") or []:
                type_id = str(one["workTypeId"])
                by_type[type_id] = {**by_type.get(type_id, {}), **one, "workTypeId": type_id}
            found["workTypeParameters"] = list(by_type.values())
    return _answered(call.site, results)


def _each(call: Call) -> Iterator[tuple[str, JsonObject, int]]:
    """Each field with what is asked of it, scheme by scheme."""
    call.site.require(call.caller, "ADMINISTER")
    for field_id, asked in call.json_object().items():
        for item in asked if isinstance(asked, list) else []:
            for scheme_id in item.get("schemeIds") or []:
                yield field_id, item, int(scheme_id)


def _problem(site: Site, field_id: str, scheme_id: int) -> str:
    if all(item["id"] != scheme_id for item in field_rules.field_schemes(site)):
        return "The scheme does not exist."
    return "" if field_id in site.fields else "The field does not exist."


def _item(site: Site, field_id: str, scheme_id: int) -> JsonObject:
    """A field of a scheme, which has it from now on."""
    items = field_rules.own_items(site, str(scheme_id))
    found = next((one for one in items if one["fieldId"] == field_id), None)
    if found is None:
        found = field_rules.associated(field_id)
        items.append(found)
    return found


def _answered(site: Site, results: list[Json]) -> Response:
    site.reference_changed()
    done = [isinstance(one, dict) and one.get("success") is True for one in results]
    if results and not any(done):
        return json_response({"results": results}, 400)
    return json_response({"results": results}, 200 if all(done) else _PARTIAL)


@ROUTES.put(f"{_NEW}/projects")
def follow_scheme(call: Call) -> Response:
    """Let projects follow field schemes."""
    call.site.require(call.caller, "ADMINISTER")
    results: list[Json] = []
    for scheme_id, item in call.json_object().items():
        for project_id in item.get("projectIds") or []:
            known = any(str(one["id"]) == scheme_id for one in field_rules.field_schemes(call.site))
            project = call.site.find_project(str(project_id))
            is_done = known and project is not None and not project.is_team_managed
            result: JsonObject = {"projectId": project_id, "schemeId": int(scheme_id), "success": is_done}
            results.append(result if is_done else {**result, "error": "It does not exist."})
            if project is not None and is_done:
                call.site.made.bindings[project.project_id, SCHEME] = scheme_id
    return _answered(call.site, results)


@ROUTES.put(f"{_NEW}/{{id}}")
def edit_scheme(call: Call) -> Response:
    """Rename or describe a field scheme."""
    record = _scheme(call)
    listed = field_rules.field_schemes(call.site)
    _described(call, SCHEME, {n: v for n, v in record.items() if n != "fieldsCount"}, listed)
    found = _scheme(call)
    return json_response({name: found[name] for name in ("id", "name", "description")})


@ROUTES.get(f"{_NEW}/{{id}}/fields")
def scheme_items(call: Call) -> Response:
    """The fields of a field scheme."""
    found = field_rules.scheme_items(call.site, str(_scheme(call)["id"]))
    return page(call, found, lambda item: item, maximum=100)
