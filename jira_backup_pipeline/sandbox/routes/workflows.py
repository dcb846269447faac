"""Workflows: their list, the check of new ones, and making them.

What belongs here: workflows in Jira's newer form, where statuses are named by reference, and which rules a request may
name.

What stays out: taking transitions (``transitions``), schemes (``schemes``), and obeying rules: they are kept as sent.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import (
    SITE_BASE,
    ApiError,
    Call,
    Json,
    JsonObject,
    Response,
    RouteTable,
    json_response,
)
from jira_backup_pipeline.sandbox.model import Status, Transition, Workflow
from jira_backup_pipeline.sandbox.setup import fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
_MOST_WORKFLOWS = 20
_OWN_MEMBERS = {"id", "name", "type", "toStatusReference", "links"}
_FIELD_ID = re.compile(r"customfield_[0-9]+")


@ROUTES.get(f"{API}/workflows/search")
def workflows(call: Call) -> Response:
    """Workflows by page with their statuses and transitions."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    wanted = call.request.first("scope")
    items = [
        item
        for item in site.workflows.values()
        if not wanted or (wanted == "PROJECT") is (item.project_id is not None)
    ]
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
        "statuses": used_statuses(site, used),
    }
    value["values"] = [workflow_record(item) for item in shown]
    return json_response(value)


def used_statuses(site: Site, used: set[str]) -> list[JsonObject]:
    """The statuses that workflows have, as they are listed beside these."""
    return [
        {
            "id": item.status_id,
            "statusReference": item.status_id,
            "name": item.name,
            "statusCategory": show.CATEGORIES[item.category][3],
            **show.scope(item.project_id, default="GLOBAL"),
            "description": item.description,
        }
        for item in site.statuses.values()
        if item.status_id in used
    ]


def workflow_record(item: Workflow) -> JsonObject:
    """A workflow as it is listed, with its transitions."""
    creation: JsonObject = {
        "id": "1",
        "name": "Create",
        "description": "",
        **item.creation,
        "type": "INITIAL",
        "toStatusReference": item.statuses[0],
        "links": [],
    }
    return {
        "id": item.entity_id,
        "name": item.name,
        "description": item.description,
        "isEditable": True,
        **show.scope(item.project_id, default="GLOBAL"),
        "version": version_of(item),
        "statuses": [
            {"statusReference": status_id, "deprecated": False, **item.layouts.get(status_id, {})}
            for status_id in item.statuses
        ],
        "transitions": [creation, *(_step(step) for step in item.transitions)],
    }


def version_of(item: Workflow) -> JsonObject:
    """What an update has to name: the version that it was made for."""
    return {"id": item.entity_id, "versionNumber": item.version}


def _step(step: Transition) -> JsonObject:
    return {
        "description": "",
        **step.more,
        "id": step.transition_id,
        "name": step.name,
        "type": "GLOBAL" if step.sources is None else "DIRECTED",
        "toStatusReference": step.target,
        "links": [{"fromStatusReference": source} for source in step.sources or ()],
    }


@ROUTES.post(f"{API}/workflows/create/validation")
def validate(call: Call) -> Response:
    """What is wrong with workflows that are to be made."""
    call.site.require(call.caller, "ADMINISTER")
    payload = call.json_object().get("payload")
    if not isinstance(payload, dict):
        raise ApiError(400, "The payload is required.")
    return json_response({"errors": list(_problems(call.site, payload))})


@ROUTES.post(f"{API}/workflows/create")
def create(call: Call) -> Response:
    """Make workflows, and the statuses that do not exist yet."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    payload = call.json_object()
    wrong = [str(item["message"]) for item in _problems(site, payload) if item["level"] == "ERROR"]
    if wrong:
        raise ApiError(400, *wrong)
    ids = {str(item["statusReference"]): status_id_of(site, item) for item in payload.get("statuses") or []}
    made = [_make(site, item, ids) for item in payload.get("workflows") or []]
    used = {status_id for item in made for status_id in item.statuses}
    return json_response(
        {"workflows": [workflow_record(item) for item in made], "statuses": used_statuses(site, used)}
    )


def status_id_of(site: Site, given: JsonObject) -> str:
    """The id of a declared status, which is made where it has none."""
    if given.get("id"):
        return str(given["id"])
    categories = {value[3]: key for key, value in show.CATEGORIES.items()}
    made = Status(
        str(site.next_id("status")),
        str(given["name"]),
        categories[str(given["statusCategory"])],
        str(given.get("description") or ""),
    )
    site.statuses[made.status_id] = made
    return made.status_id


def _make(site: Site, given: JsonObject, ids: dict[str, str]) -> Workflow:
    made = Workflow(str(given["name"]), [], [], entity_id=str(uuid.uuid4()))
    fill(made, given, ids)
    site.workflows[made.name] = made
    return made


def fill(made: Workflow, given: JsonObject, ids: dict[str, str]) -> None:
    """Give a workflow the statuses and transitions of a request."""
    first = next(step for step in given["transitions"] if step["type"] == "INITIAL")
    initial = ids[str(first["toStatusReference"])]
    statuses = [ids[str(item["statusReference"])] for item in given["statuses"]]
    made.statuses = [initial, *(status_id for status_id in statuses if status_id != initial)]
    made.transitions = [_transition(step, ids) for step in given["transitions"] if step["type"] != "INITIAL"]
    made.description = str(given.get("description") or "")
    made.creation = {key: value for key, value in first.items() if key not in _OWN_MEMBERS - {"id", "name"}}
    made.layouts = {
        ids[str(item["statusReference"])]: {
            key: value for key, value in item.items() if key != "statusReference"
        }
        for item in given["statuses"]
    }


def _transition(step: JsonObject, ids: dict[str, str]) -> Transition:
    sources = tuple(ids[str(link["fromStatusReference"])] for link in step.get("links") or [])
    return Transition(
        str(step["id"]),
        str(step["name"]),
        ids[str(step["toStatusReference"])],
        None if step["type"] == "GLOBAL" else sources,
        {key: value for key, value in step.items() if key not in _OWN_MEMBERS},
    )


def problem_of(kind: str, message: str) -> JsonObject:
    """One problem as the check lists it."""
    return {"level": "ERROR", "type": kind, "code": f"{kind}_INVALID", "message": message}


def _problems(site: Site, payload: JsonObject) -> Iterator[JsonObject]:
    references = {str(given.get("statusReference")) for given in payload.get("statuses") or []}
    yield from status_problems(site, payload)
    listed: list[Json] = payload.get("workflows") or []
    if len(listed) > _MOST_WORKFLOWS:
        yield problem_of("WORKFLOW", "No more than 20 workflows can be made at once.")
    for given in listed:
        name = str(given.get("name") or "")
        if not name or any(name.lower() == known.lower() for known in site.workflows):
            yield problem_of("WORKFLOW", f"The workflow name {name!r} is empty or in use.")
        yield from part_problems(site, given, references)


def status_problems(site: Site, payload: JsonObject) -> Iterator[JsonObject]:
    """What is wrong with the statuses that a request declares."""
    names = {item.name.lower() for item in site.statuses.values() if item.project_id is None}
    for given in payload.get("statuses") or []:
        if given.get("id") and str(given["id"]) not in site.statuses:
            yield problem_of("STATUS", f"The status {given['id']} does not exist.")
        if not given.get("id") and str(given.get("name", "")).lower() in names:
            yield problem_of("STATUS", f"A status named {given.get('name')} already exists.")


def part_problems(
    site: Site, given: JsonObject, references: set[str], known: Collection[str] = ()
) -> Iterator[JsonObject]:
    """What is wrong with the statuses and transitions of one workflow; ``known`` are rules of apps that it has."""
    own = {str(item.get("statusReference")) for item in given.get("statuses") or []}
    if own - references:
        yield problem_of("STATUS", "A status of the workflow is not in the list of statuses.")
    yield from _step_problems(site, given.get("transitions") or [], own, known)


def _step_problems(
    site: Site, steps: list[Json], own: set[str], known: Collection[str]
) -> Iterator[JsonObject]:
    if sum(step.get("type") == "INITIAL" for step in steps) != 1:
        yield problem_of("WORKFLOW", "A workflow has exactly one initial transition.")
    seen: set[str] = set()
    for step in steps:
        transition_id = str(step.get("id") or "")
        if not transition_id.isdigit() or transition_id in seen:
            yield problem_of(
                "TRANSITION", f"The transition id {transition_id!r} is not a number or not unique."
            )
        seen.add(transition_id)
        ends = {str(link.get("fromStatusReference")) for link in step.get("links") or []}
        if str(step.get("toStatusReference")) not in own or ends - own:
            yield problem_of(
                "TRANSITION", f"A status of transition {step.get('name')} is not in the workflow."
            )
        if step.get("type") == "DIRECTED" and not ends:
            yield problem_of("TRANSITION", f"Transition {step.get('name')} starts nowhere.")
        for rule in rules_of(step):
            problem = None if rule.get("ruleKey") in known else _rule_problem(site, rule)
            if problem:
                yield problem_of("RULE", problem)


def rules_of(step: JsonObject) -> Iterator[JsonObject]:
    """All rules of a transition."""
    for name in ("actions", "validators", "triggers"):
        yield from step.get(name) or []
    if step.get("transitionScreen"):
        yield step["transitionScreen"]
    groups = [step["conditions"]] if step.get("conditions") else []
    while groups:
        group = groups.pop()
        yield from group.get("conditions") or []
        groups += group.get("conditionGroups") or []


def _rule_problem(site: Site, rule: JsonObject) -> str | None:
    key, given = str(rule.get("ruleKey", "")), rule.get("parameters") or {}
    if not key.startswith("system:"):
        return f"The rule {key} belongs to an app that is not installed."
    known: dict[str, set[str]] = {
        "screenId": {str(item["id"]) for item in fields.screens(site)},
        "statusIds": set(site.statuses),
        "previousStatusIds": set(site.statuses),
        "fromStatusId": set(site.statuses),
        "toStatusId": set(site.statuses),
        "roleIds": set(site.roles),
        "groupIds": set(site.groups),
    }
    for name, value in given.items():
        items = [part for part in str(value).split(",") if part]
        if name in known and set(items) - known[name]:
            return f"The {name} {value} of rule {key} does not exist."
        if any(found not in site.fields for found in _FIELD_ID.findall(str(value))):
            return f"A field in {name} of rule {key} does not exist."
    return None
