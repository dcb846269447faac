"""Priority schemes other than the default one: which priorities a project has, in order, and letting a project follow one.

What belongs here: the noun, bringing one that is there to the snapshot's state, and who follows which.

What stays out: the priorities themselves (`definitions`), and the default scheme: it has every priority and every project
that was given no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    listed,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record

_PATH = f"{API}/priorityscheme"


def _present(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(_PATH, "values"))


def _priorities(bench: Bench, row: Record) -> list[int]:
    """Give the target's ids of a scheme's priorities in order, as far as they are there."""
    found = (bench.mapped("priority", item) for item in bench.source.priorities_of(row))
    return [int(priority_id) for priority_id in found if priority_id is not None]


def _default(bench: Bench, row: Record) -> int | None:
    mapped = bench.mapped("priority", members_of(row).get("defaultPriorityId"))
    return int(mapped) if mapped is not None else None


def _make(bench: Bench, row: Record) -> str:
    priorities, default = _priorities(bench, row), _default(bench, row)
    body: dict[str, Any] = {**text_of(row, "name", "description"), "priorityIds": priorities}
    body["defaultPriorityId"] = default if default in priorities else next(iter(priorities), None)
    return made_id(bench.calls.send("POST", _PATH, body))


def _objection(bench: Bench, row: Record) -> str | None:
    known = bench.source.by_id("priority")
    is_told = any(item in known for item in bench.source.priorities_of(row))
    return None if is_told else "the snapshot does not say which priorities it has"


def amend_priority_scheme(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    """Add the priorities that a scheme lacks, and give it its name, description and default again."""
    present = {str(item) for item in _ids(members_of(target).get("priorities"))}
    missing = [item for item in _priorities(bench, row) if str(item) not in present]
    members = members_of(row)
    body: dict[str, Any] = {"name": members.get("name"), "description": members.get("description") or ""}
    default = _default(bench, row)
    if default is not None:
        body["defaultPriorityId"] = default
    if missing:
        body["priorities"] = {"add": {"ids": missing}}
    bench.calls.send("PUT", f"{_PATH}/{own_id(target)}", body)


def _ids(page: object) -> list[str]:
    values = page.get("values") if isinstance(page, dict) else None
    return [str(item.get("id")) for item in values or [] if isinstance(item, dict)]


def followed_priority_scheme(bench: Bench) -> Mapping[str, Any]:
    """Give the scheme that the project follows; each is asked for this one project."""
    wanted = str(bench.project_id)
    for scheme in bench.calls.get_all(_PATH, "values"):
        path = f"{_PATH}/{scheme.get('id')}/projects"
        found = bench.calls.get_all(path, "values", {"projectId": wanted})
        if any(str(item.get("id")) == wanted for item in found):
            return scheme
    return {}


def follow_priority_scheme(bench: Bench, scheme_id: str) -> object:
    """Let the project follow a scheme; gives the answer, which may lead to a task.

    No mapping is sent: where issues have priorities that the scheme lacks, Jira refuses with its reason.
    """
    body = {"projects": {"add": {"ids": [int(bench.project_id or 0)]}}}
    answer = bench.calls.send("PUT", f"{_PATH}/{scheme_id}", body)
    task = answer.get("task") if isinstance(answer, dict) else None
    return task if isinstance(task, dict) and task.get("status") not in {None, "COMPLETE"} else None


PRIORITY_SCHEMES = Noun("priority_scheme", "priority schemes", _present, _make, objection=_objection)
