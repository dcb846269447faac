"""Priority schemes: making and changing them, and letting projects follow them.

What belongs here: the writes below ``/priorityscheme``.

What stays out: their lists (``site_setup``, ``associations``), and exchanging the priorities of issues: a project whose
issues have priorities that a scheme lacks is refused.
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
)
from jira_backup_pipeline.sandbox.routes.screens import free_name
from jira_backup_pipeline.sandbox.setup import schemes

ROUTES = RouteTable()
API = "/rest/api/3"


@ROUTES.post(f"{API}/priorityscheme")
def create_priority_scheme(call: Call) -> Response:
    """Make a priority scheme of priorities that exist, one of them the default."""
    name = free_name(call, schemes.priority_schemes(call.site))
    body, made = call.json_object(), call.site.made
    priorities = [str(item) for item in body.get("priorityIds") or []]
    default = str(body.get("defaultPriorityId"))
    if not priorities or set(priorities) - set(call.site.priorities) or default not in priorities:
        raise ApiError(400, "Priorities that exist are required, and the default one among them.")
    record: JsonObject = {
        "id": str(made.next_id()),
        "name": name,
        "description": str(body.get("description") or ""),
        "defaultPriorityId": default,
        "priorityIds": priorities,
    }
    made.add("priority_scheme", record)
    _join(call, record, body.get("projectIds") or [])
    return json_response({"id": record["id"]}, 201)


@ROUTES.put(f"{API}/priorityscheme/{{schemeId}}")
def edit_priority_scheme(call: Call) -> Response:
    """Change a priority scheme, its priorities and the projects that follow it; the default one stays as it is."""
    call.site.require(call.caller, "ADMINISTER")
    record = call.site.made.records.get("priority_scheme", {}).get(call.params["schemeId"])
    if record is None:
        raise ApiError(400, "The priority scheme does not exist, or is the default one.")
    body = call.json_object()
    added = [str(item) for item in ((body.get("priorities") or {}).get("add") or {}).get("ids") or []]
    if set(added) - set(call.site.priorities) or set(added) & set(record["priorityIds"]):
        raise ApiError(400, "A priority does not exist, or is in the scheme already.")
    others = [item for item in schemes.priority_schemes(call.site) if item["id"] != record["id"]]
    record["name"] = free_name(call, others) if body.get("name") else record["name"]
    record["description"] = str(body.get("description", record["description"]))
    record["priorityIds"] = [*record["priorityIds"], *added]
    if body.get("defaultPriorityId") is not None:
        if str(body["defaultPriorityId"]) not in record["priorityIds"]:
            raise ApiError(400, "The default priority is not in the scheme.")
        record["defaultPriorityId"] = str(body["defaultPriorityId"])
    _join(call, record, ((body.get("projects") or {}).get("add") or {}).get("ids") or [])
    shown = next(item for item in schemes.priority_schemes(call.site) if item["id"] == record["id"])
    return json_response({"priorityScheme": shown}, 202)


def _join(call: Call, record: JsonObject, project_ids: list[object]) -> None:
    """Let projects follow a scheme that has the priorities of their issues."""
    site = call.site
    for text in project_ids:
        project = site.find_project(str(text))
        if project is None:
            raise ApiError(400, "A project does not exist.")
        issues = site.issues.of_project(project.project_id)
        used = {str(site.body(issue).values.get("priority")) for issue in issues} - {"None"}
        lost = used - set(record["priorityIds"])
        if lost:
            raise ApiError(400, f"The priorities with IDs {sorted(lost)} require mapping.")
        site.made.bindings[project.project_id, "priority_scheme"] = str(record["id"])
    site.reference_changed()
