"""Workflows: checked by Jira before they are made, with the target's ids in statuses and rules.

What belongs here: the body of a workflow, and what is done when Jira objects to a rule.

What stays out: rules one by one (`rules`), workflow schemes (`schemes`), and moving issues (`engine.restore.statuses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.configuration.need import status_references
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    listed,
    made_id,
)
from jira_backup_pipeline.engine.restore.configuration.rules import moved_transition
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record

_RULES = ("actions", "validators", "triggers", "conditions", "transitionScreen")
_STEP = ("id", "name", "description", "type", "properties", "customIssueEventId")
_GLOBAL = {"type": "GLOBAL"}


def _present(bench: Bench) -> Iterable[Present]:
    found = bench.calls.get_all(f"{API}/workflows/search", "values")
    return listed(item for item in found if not _is_of_a_project(item))


def _is_of_a_project(item: Mapping[str, object]) -> bool:
    scope = item.get("scope")
    return isinstance(scope, dict) and scope.get("type") == "PROJECT"


def _objection(bench: Bench, row: Record) -> str | None:
    known = bench.source.by_id("status")
    unknown = [item for item in status_references(members_of(row)) if item not in known]
    return f"the snapshot does not say what its statuses {', '.join(unknown)} are" if unknown else None


def _make(bench: Bench, row: Record) -> str:
    """Make a workflow. Rules that Jira objects to are taken off, transition by transition, then all of them."""
    payload, dropped = payload_of(bench, row)
    payload = {"scope": _GLOBAL, **payload}
    for suspects in _suspects(bench, f"{API}/workflows/create/validation", payload):
        dropped += without_rules(payload, suspects)
    answer = bench.calls.send("POST", f"{API}/workflows/create", payload)
    note_dropped(bench, row, dropped)
    made = list_of(answer, "workflows")
    return made_id(next(iter(made), {}))


def note_dropped(bench: Bench, row: Record, dropped: list[tuple[str, str]]) -> None:
    """Note what transitions lose, each with the reason."""
    for transition, reason in dropped:
        field = f"transition {transition}"
        bench.findings.adjust(Adjustment("workflow", row.id, field, reason, is_impossible=True))


def payload_of(bench: Bench, row: Record) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Give a workflow with its statuses as Jira takes them, and the transitions that lose rules, with the reason.

    Raises:
        WriteRefused: the target lacks some of its statuses.
    """
    source, statuses = members_of(row), bench.source.by_id("status")
    references = {item: bench.mapped("status", item) for item in status_references(source)}
    missing = [
        str(members_of(statuses[item]).get("name")) for item, found in references.items() if found is None
    ]
    if missing:
        message = f"the target lacks the statuses {', '.join(missing)}"
        raise WriteRefused(message, hint="See why they could not be made.", status=0, answer=None)
    dropped: list[tuple[str, str]] = []
    transitions = []
    for step in source.get("transitions") or []:
        moved, gone = moved_transition(step, bench.mapped)
        dropped += [(str(step.get("name")), f"{key} is left out: {reason}") for key, reason in gone]
        transitions.append({**_bare_step(step, references), **moved})
    workflow = {
        "name": source.get("name"),
        "description": source.get("description") or "",
        "statuses": [_layout(item, references) for item in source.get("statuses") or []],
        "transitions": transitions,
        **{
            name: source[name]
            for name in ("startPointLayout", "loopedTransitionContainerLayout")
            if source.get(name)
        },
    }
    declared = [declared_status(statuses[item], found) for item, found in references.items()]
    return {"statuses": declared, "workflows": [workflow]}, dropped


def declared_status(row: Record, target_id: str | None) -> dict[str, Any]:
    """Declare a status that exists: its reference is its id, which is also what Jira shows it by."""
    source = members_of(row)
    return {
        "id": target_id,
        "statusReference": target_id,
        "name": source.get("name"),
        "statusCategory": source.get("statusCategory"),
        "description": source.get("description") or "",
    }


def _layout(item: Mapping[str, Any], references: Mapping[str, str | None]) -> dict[str, Any]:
    kept = {"layout": item["layout"]} if item.get("layout") else {}
    reference = references[str(item.get("statusReference"))]
    return {"statusReference": reference, "properties": item.get("properties") or {}, **kept}


def _bare_step(step: Mapping[str, Any], references: Mapping[str, str | None]) -> dict[str, Any]:
    made = {name: step[name] for name in _STEP if step.get(name) is not None}
    links = [
        {**link, "fromStatusReference": references.get(str(link.get("fromStatusReference")))}
        for link in step.get("links") or []
    ]
    target = references.get(str(step.get("toStatusReference")))
    return {**made, "links": links, **({"toStatusReference": target} if target is not None else {})}


def _suspects(bench: Bench, path: str, payload: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Ask Jira what it objects to, and name the transitions with rules that are to be taken off, with its words."""
    for _ in range(2):
        errors = errors_of(bench, path, payload)
        if not errors:
            return
        named = suspects_of(errors)
        every = {str(step.get("id")): str(errors[0].get("message")) for step in _steps(payload)}
        yield named or every


def suspects_of(errors: list[Mapping[str, object]]) -> dict[str, str]:
    """Give the ids of the transitions that Jira objects to, with its words."""
    return {
        str(place["transitionId"]): str(error.get("message"))
        for error in errors
        if isinstance(place := error.get("elementReference"), dict) and place.get("transitionId")
    }


def errors_of(bench: Bench, path: str, payload: dict[str, Any]) -> list[Mapping[str, object]]:
    """Ask Jira what is wrong with workflows that are to be written."""
    body = {"payload": payload, "validationOptions": {"levels": ["ERROR"]}}
    answer = bench.calls.read(path, body)
    return [error for error in list_of(answer, "errors") if error.get("level", "ERROR") == "ERROR"]


def _steps(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = payload["workflows"][0]["transitions"]
    return steps


def without_rules(payload: Mapping[str, Any], suspects: Mapping[str, str]) -> list[tuple[str, str]]:
    """Take the rules off transitions; gives the names of these with the reason."""
    dropped = []
    for step in _steps(payload):
        reason = suspects.get(str(step.get("id")))
        gone = [name for name in _RULES if step.pop(name, None)] if reason is not None else []
        if gone:
            dropped.append((str(step.get("name")), f"its {', '.join(gone)} are left out: {reason}"))
    return dropped


WORKFLOWS = Noun("workflow", "workflows", _present, _make, objection=_objection)
