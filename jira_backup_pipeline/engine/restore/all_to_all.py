"""The temporary workflow in which every status can be reached from every other by one transition.

What belongs here: the pure making of its body, from the statuses that a project's types have and from where issues belong.

What stays out: making it on the target, letting the project follow it, and removing it (`temporary`); moving issues (`statuses`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAME_PREFIX = "jira-backup temporary"
DESCRIPTION = (
    "Made by a restore of jira-backup, which removes it when it ends. Left over: run that restore again with --resume, or give the "
    "project its own workflow scheme and delete this one with its workflows."
)
_CATEGORIES = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}
_INITIAL = {"id": "1", "name": "Create", "description": "", "type": "INITIAL", "links": []}
# Transition ids in steps of ten, as Jira's editor gives them.
_FIRST_TRANSITION, _TRANSITION_STEP = 11, 10


@dataclass(frozen=True, slots=True)
class WorkflowStatus:
    """A status as a workflow declares it; `category` is one of TODO, IN_PROGRESS, DONE."""

    id: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class AllToAll:
    """One temporary workflow: its name, the ids of the types that follow it, and what `/workflows/create` is sent for it."""

    name: str
    type_ids: tuple[str, ...]
    statuses: tuple[WorkflowStatus, ...]
    body: Mapping[str, Any]


def name_of(restore: str) -> str:
    """Name the temporary workflow scheme of a restore; the names of its workflows begin with it."""
    return f"{NAME_PREFIX} {restore}"


def transition_name(status_id: str, resolution_id: str | None) -> str:
    """Name the transition into a status that sets this resolution (None: that leaves it as it is)."""
    return f"to {status_id}" if resolution_id is None else f"to {status_id} as {resolution_id}"


def statuses_by_type(answer: object) -> dict[str, tuple[WorkflowStatus, ...]]:
    """Read the answer of `/project/{id}/statuses`."""
    found: dict[str, tuple[WorkflowStatus, ...]] = {}
    for item in answer if isinstance(answer, list) else []:
        statuses = [
            WorkflowStatus(
                str(status["id"]),
                str(status["name"]),
                _CATEGORIES.get(str((status.get("statusCategory") or {}).get("key")), "TODO"),
            )
            for status in item.get("statuses") or []
        ]
        if statuses:
            found[str(item["id"])] = tuple(statuses)
    return found


def workflows_for(
    statuses: Mapping[str, Sequence[WorkflowStatus]],
    goals: Mapping[str, Counter[tuple[str, str | None]]],
    *,
    restore: str,
) -> list[AllToAll]:
    """Make one workflow for every set of statuses that types have, so that no switch of schemes takes a status away.

    `statuses` are those of each type by its id, `goals` count where issues of a type belong: status id and resolution id.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for type_id, found in statuses.items():
        groups.setdefault(frozenset(status.id for status in found), []).append(type_id)
    made = []
    # In an order of their own: a resumed restore may be told of the types in another one.
    ordered = sorted(groups.items(), key=lambda group: sorted(group[0]))
    for number, (_, type_ids) in enumerate(ordered, 1):
        wanted: Counter[tuple[str, str | None]] = Counter()
        for type_id in type_ids:
            wanted.update(goals.get(type_id, Counter()))
        own = tuple(statuses[type_ids[0]])
        name = f"{name_of(restore)} {number}"
        made.append(AllToAll(name, tuple(type_ids), own, _body(name, own, wanted)))
    return made


def _body(
    name: str, statuses: Sequence[WorkflowStatus], wanted: Counter[tuple[str, str | None]]
) -> dict[str, Any]:
    ids = [status.id for status in statuses]
    pairs = sorted(
        {*((status_id, None) for status_id in ids), *(pair for pair in wanted if pair[0] in ids)},
        key=lambda pair: (ids.index(pair[0]), pair[1] or ""),
    )
    return {
        "name": name,
        "description": DESCRIPTION,
        "statuses": [{"statusReference": status_id, "properties": {}} for status_id in ids],
        "transitions": [
            {**_INITIAL, "toStatusReference": _first_status(ids, wanted)},
            *(_transition(number, *pair) for number, pair in enumerate(pairs)),
        ],
    }


def _first_status(ids: Sequence[str], wanted: Counter[tuple[str, str | None]]) -> str:
    """Choose where issues are created: where most of them stay, for whom no transition is then needed."""
    return max(ids, key=lambda status_id: (wanted[status_id, None], -ids.index(status_id)))


def _transition(number: int, status_id: str, resolution_id: str | None) -> dict[str, Any]:
    rule = {
        "ruleKey": "system:update-field",
        "parameters": {"field": "resolution", "value": resolution_id, "mode": "replace"},
    }
    return {
        "id": str(_FIRST_TRANSITION + _TRANSITION_STEP * number),
        "name": transition_name(status_id, resolution_id),
        "description": "",
        "type": "GLOBAL",
        "toStatusReference": status_id,
        "links": [],
        "actions": [] if resolution_id is None else [rule],
    }


def payload(workflows: Iterable[AllToAll], *, with_rules: bool = True) -> dict[str, Any]:
    """Give the body of `/workflows/create`; without rules, resolutions are left to be edited."""
    found = list(workflows)
    declared = {status.id: status for workflow in found for status in workflow.statuses}
    return {
        "scope": {"type": "GLOBAL"},
        "statuses": [
            {
                "id": status.id,
                "statusReference": status.id,
                "name": status.name,
                "statusCategory": status.category,
            }
            for status in declared.values()
        ],
        "workflows": [workflow.body if with_rules else _without_rules(workflow.body) for workflow in found],
    }


def _without_rules(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **body,
        "transitions": [
            {name: value for name, value in step.items() if name != "actions"} for step in body["transitions"]
        ],
    }
