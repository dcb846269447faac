"""Bringing workflows to the snapshot's state: statuses and transitions added and changed, none taken away.

What belongs here: laying the snapshot's workflow over the target's, so that no issue loses the status that it is in.

What stays out: making workflows, and rules that Jira objects to (`workflows`), and what differs (`differences`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, key_of
from jira_backup_pipeline.engine.restore.configuration.rules import with_rules_of_apps
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.configuration.workflows import (
    declared_status,
    errors_of,
    note_dropped,
    payload_of,
    suspects_of,
    without_rules,
)
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jira_backup_pipeline.domain.records import Record

# Members of a listed status of a workflow that an update does not take.
_PATH = f"{API}/workflows/update"
_LISTED_ONLY = frozenset({"deprecated"})


def amend_workflow(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    """Write a workflow with everything that the snapshot has and what the target has besides."""
    payload, dropped = payload_of(bench, row)
    [wanted] = payload["workflows"]
    there = members_of(target)
    more = _more_statuses(wanted, there)
    statuses = bench.target.rows("status")
    payload["statuses"] += [
        declared_status(status, own_id(status))
        for status in statuses
        if own_id(status) in {item["statusReference"] for item in more}
    ]
    workflow = {
        **{name: value for name, value in wanted.items() if name != "name"},
        "id": there.get("id"),
        "version": there.get("version"),
        "statuses": [*wanted["statuses"], *more],
        "transitions": laid_over(wanted["transitions"], there.get("transitions") or []),
    }
    body = {**payload, "workflows": [workflow]}
    dropped += _settled(bench, body, there.get("transitions") or [])
    bench.calls.send("POST", _PATH, body)
    note_dropped(bench, row, dropped)


def _settled(bench: Bench, body: dict[str, Any], present: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Ask Jira what it objects to; a transition that it names stays as it is, for people work with it.

    Raises:
        WriteRefused: it objects to something else, or still.
    """
    errors = errors_of(bench, f"{_PATH}/validation", body)
    suspects = suspects_of(errors)
    if errors and suspects:
        by_id = {str(step.get("id")): step for step in present}
        [workflow] = body["workflows"]
        workflow["transitions"] = [
            by_id.get(str(step["id"]), step) if str(step["id"]) in suspects else step
            for step in workflow["transitions"]
        ]
        new = {step_id: reason for step_id, reason in suspects.items() if step_id not in by_id}
        dropped = without_rules(body, new)
        names = {str(step["id"]): str(step.get("name")) for step in workflow["transitions"]}
        kept = [(step_id, reason) for step_id, reason in suspects.items() if step_id in by_id]
        dropped += [(names.get(step_id, step_id), f"it stays as it is: {reason}") for step_id, reason in kept]
        errors = errors_of(bench, f"{_PATH}/validation", body)
    else:
        dropped = []
    if errors:
        words = [str(error.get("message")) for error in errors]
        message = f"Jira does not take the workflow: {'; '.join(words)}"
        hint = "Change it in Jira's administration; the snapshot has what it was."
        raise WriteRefused(message, hint=hint, status=0, answer={"errorMessages": words})
    return dropped


def _more_statuses(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = {str(item["statusReference"]) for item in wanted["statuses"]}
    return [
        {
            **{name: value for name, value in item.items() if name not in _LISTED_ONLY},
            "properties": item.get("properties") or {},
        }
        for item in there.get("statuses") or []
        if str(item.get("statusReference")) not in known
    ]


def laid_over(wanted: list[dict[str, Any]], present: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the transitions of two states of a workflow: the wanted ones under the ids that theirs have, then the others.

    A transition is the same one by type and name, then by where it leads to; an id is given to one transition only.
    """
    rest = list(present)
    found: list[dict[str, Any]] = []
    for step in wanted:
        alike = [item for item in rest if _identity(item) == _identity(step)]
        exact = [item for item in alike if item.get("toStatusReference") == step.get("toStatusReference")]
        same = next(iter([*exact, *alike]), None)
        if same is not None:
            rest.remove(same)
        kept = with_rules_of_apps(step, same) if same is not None else step
        found.append({**kept, "id": str(same["id"]) if same is not None else ""})
    taken = {str(item["id"]) for item in [*found, *rest] if item["id"]}
    free = (str(number) for number in range(1, 10_000) if str(number) not in taken)
    return [*({**step, "id": step["id"] or next(free)} for step in found), *rest]


def _identity(step: Mapping[str, Any]) -> tuple[str, str]:
    # A workflow has one initial transition, whatever its name.
    kind = str(step.get("type"))
    return kind, "" if kind == "INITIAL" else key_of(step.get("name"))
