"""Changing workflows: the check of an update and the update itself.

What belongs here: the two requests, and that no issue is left in a status that its workflow loses.

What stays out: lists and making (``workflows``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response, RouteTable, json_response
from jira_backup_pipeline.sandbox.routes.workflows import (
    fill,
    part_problems,
    problem_of,
    rules_of,
    status_id_of,
    status_problems,
    used_statuses,
    version_of,
    workflow_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.model import Workflow
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"


def _named(site: Site, workflow_id: object) -> Workflow | None:
    return next((item for item in site.workflows.values() if item.entity_id == str(workflow_id)), None)


def _problems(site: Site, payload: JsonObject) -> Iterator[JsonObject]:
    references = {str(given.get("statusReference")) for given in payload.get("statuses") or []}
    yield from status_problems(site, payload)
    for given in payload.get("workflows") or []:
        found = _named(site, given.get("id"))
        if found is None:
            yield problem_of("WORKFLOW", f"The workflow {given.get('id')} does not exist.")
            continue
        # An app whose rule is there is installed.
        present = {str(rule.get("ruleKey")) for step in found.transitions for rule in rules_of(step.more)}
        yield from part_problems(site, given, references, present)
        kept = {str(item.get("statusReference")) for item in given.get("statuses") or []}
        lost = set(found.statuses) - kept
        if lost and not given.get("statusMappings"):
            yield problem_of(
                "STATUS", f"Statuses {', '.join(sorted(lost))} go, and nothing says where issues go."
            )


@ROUTES.post(f"{API}/workflows/update/validation")
def validate(call: Call) -> Response:
    """What is wrong with a change of workflows."""
    call.site.require(call.caller, "ADMINISTER")
    payload = call.json_object().get("payload")
    if not isinstance(payload, dict):
        raise ApiError(400, "The payload is required.")
    return json_response({"errors": list(_problems(call.site, payload))})


@ROUTES.post(f"{API}/workflows/update")
def update(call: Call) -> Response:
    """Replace statuses and transitions of workflows that are as the request knows them."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    payload = call.json_object()
    wrong = [str(item["message"]) for item in _problems(site, payload)]
    if wrong:
        raise ApiError(400, *wrong)
    ids = {str(item["statusReference"]): status_id_of(site, item) for item in payload.get("statuses") or []}
    changed: list[Workflow] = []
    for given in payload.get("workflows") or []:
        found = _named(site, given["id"])
        if found is None or given.get("version") != version_of(found):
            raise ApiError(409, "The workflow was changed in the meantime.")
        fill(found, given, ids)
        found.version += 1
        changed.append(found)
    site.reference_changed()
    used = {status_id for item in changed for status_id in item.statuses}
    return json_response(
        {"workflows": [workflow_record(item) for item in changed], "statuses": used_statuses(site, used)}
    )
