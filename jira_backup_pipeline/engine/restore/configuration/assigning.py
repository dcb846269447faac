"""Letting a project that is there follow the schemes that it followed: each sort has its own rule for projects with issues.

What belongs here: which scheme the project follows now, what stands against another one, and the call that gives it.

What stays out: making and changing schemes (`schemes`, `amend_schemes`), and new projects, which are made with theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import NotFound, WriteRefused
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.configuration.field_configurations import (
    SCHEME_PATH,
    follow_field_configuration_scheme,
)
from jira_backup_pipeline.engine.restore.configuration.field_schemes import (
    default_field_scheme,
    follow_field_scheme,
    followed_field_scheme,
)
from jira_backup_pipeline.engine.restore.configuration.making import run_tasks
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, is_fatal, key_of, refusals
from jira_backup_pipeline.engine.restore.configuration.piece import PROJECT_SCHEME, Action, Change, Piece
from jira_backup_pipeline.engine.restore.configuration.priority_schemes import (
    follow_priority_scheme,
    followed_priority_scheme,
)
from jira_backup_pipeline.engine.restore.configuration.source import own_id, workflow_of
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.tasks import await_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.journal import Journal
    from jira_backup_pipeline.engine.restore.target import ProjectState

_STAGE = "configuration: schemes of the project"
_DONE = frozenset({"COMPLETE", None})
# What is listed by scheme for asked projects: address and the member that holds the scheme.
_BY_PROJECT = {
    "issue_type_scheme": (f"{API}/issuetypescheme/project", "issueTypeScheme"),
    "issue_type_screen_scheme": (f"{API}/issuetypescreenscheme/project", "issueTypeScreenScheme"),
    "workflow_scheme": (f"{API}/workflowscheme/project", "workflowScheme"),
    "field_configuration_scheme": (f"{SCHEME_PATH}/project", "fieldConfigurationScheme"),
}
# What the project itself tells: the last step of the address.
_OF_PROJECT = {
    "permission_scheme": "permissionscheme",
    "notification_scheme": "notificationscheme",
    "security_scheme": "issuesecuritylevelscheme",
}
BEFORE_ISSUES = (
    "issue_type_scheme",
    "issue_type_screen_scheme",
    "workflow_scheme",
    "permission_scheme",
    "notification_scheme",
    "security_scheme",
    "priority_scheme",
)
# What they require, and what they hide, must not stand in the way of issues of the snapshot.
AFTER_ISSUES = ("field_configuration_scheme", "field_scheme")
# No project is made with these: one that is new follows them afterwards.
# Stands for a default scheme that a project followed, which may have no record.
_DEFAULT = "default"
JOINED = frozenset({"priority_scheme", *AFTER_ISSUES})


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is needed to wait for a task: calls, and a pause in seconds."""

    calls: Calls
    pause: Callable[[float], None]


def scheme_pieces(bench: Bench, project: ProjectState) -> Iterator[Piece]:
    """Say which schemes the project followed and follows no more, and whether it will again."""
    for noun in (*BEFORE_ISSUES, *AFTER_ISSUES):
        row = _wanted(bench, noun)
        if row is None:
            continue
        name = str(members_of(row).get("name"))
        try:
            present = _followed(bench, noun)
        except refusals() as error:
            if is_fatal(error):
                raise
            change = Change(
                "followed", "not shown", name, f"the target does not say what is followed: {error}"
            )
        else:
            wanted_id = _target_id(bench, row)
            if wanted_id is not None and wanted_id == _id_of(present):
                continue
            hindrance = _hindrance(bench, noun, row, project)
            change = Change("followed", str(present.get("name") or ""), name, hindrance)
        is_changed = bench.is_update and not change.hindrance
        action = Action.UPDATE if is_changed else Action.MATCH
        yield Piece(PROJECT_SCHEME, noun, noun.replace("_", " "), action, "", (change,))


def _wanted(bench: Bench, noun: str) -> Record | None:
    """Give the scheme that the project followed, None where it cannot be on the target."""
    scheme_id = bench.need.schemes.get(noun)
    row = bench.source.by_id(noun).get(scheme_id or "")
    if noun in AFTER_ISSUES and row is None and not scheme_id:
        is_known = bench.source.follows_default_rules(noun, bench.need.project_id)
        return Record(noun, _DEFAULT, b"", {"name": "the default one"}) if is_known else None
    is_out = row is None or (noun, own_id(row)) in bench.left_out
    return None if is_out else row


def _target_id(bench: Bench, row: Record) -> str | None:
    """Give the target's id of a scheme; None where it is not there, empty for a default one that has none."""
    if row.id != _DEFAULT:
        return bench.mapped(row.kind, own_id(row))
    return default_field_scheme(bench) if row.kind == "field_scheme" else ""


def _id_of(scheme: Mapping[str, Any]) -> str:
    found = scheme.get("id")
    return "" if found is None else str(found)  # there is a scheme with the id 0


def _followed(bench: Bench, noun: str) -> Mapping[str, Any]:
    """Give the scheme that the project follows now; empty where it follows none."""
    if noun == "priority_scheme":
        return followed_priority_scheme(bench)
    if noun == "field_scheme":
        return followed_field_scheme(bench)
    if noun in _OF_PROJECT:
        try:
            answer = bench.calls.get(f"{API}/project/{bench.project_id}/{_OF_PROJECT[noun]}")
        except NotFound:
            return {}
        return answer if isinstance(answer, dict) else {}
    path, member = _BY_PROJECT[noun]
    listed = bench.calls.get_all(path, "values", {"projectId": str(bench.project_id)})
    found = next(iter(listed), {}).get(member)
    return found if isinstance(found, dict) else {}


def _hindrance(bench: Bench, noun: str, row: Record, project: ProjectState) -> str:
    """Say what stands against giving a scheme to a project that has issues; empty where nothing is known to."""
    if project.is_team_managed:
        return "a team-managed project follows no schemes"
    if noun == "workflow_scheme":
        lost = _lost_statuses(bench, row, project)
        if lost:
            return (
                f"its workflows lack the statuses {', '.join(lost)}: somebody has to say where such issues go"
            )
    if noun == "security_scheme":
        names = {key_of(members_of(level).get("name")) for level in _levels(bench, row)}
        lost = [level.name for level in project.levels or () if key_of(level.name) not in names]
        if lost:
            return f"it lacks the levels {', '.join(lost)}: everybody could see issues that have them"
    return ""


def _levels(bench: Bench, row: Record) -> list[Record]:
    levels = bench.source.rows("security_level")
    return [item for item in levels if str(members_of(item).get("issueSecuritySchemeId")) == own_id(row)]


def _lost_statuses(bench: Bench, row: Record, project: ProjectState) -> list[str]:
    """Name the statuses that issues of the project may be in and that the wanted workflows lack, by issue type."""
    names = {own_id(item): str(members_of(item).get("name")) for item in bench.source.rows("status")}
    workflows = {
        str(members_of(item).get("name")): {
            key_of(names.get(str(status.get("statusReference"))))
            for status in members_of(item).get("statuses") or []
        }
        for item in bench.source.rows("workflow")
    }
    types = {key_of(members_of(item).get("name")): own_id(item) for item in bench.source.rows("issue_type")}
    lost: dict[str, None] = {}
    for found in project.types:
        workflow = workflow_of(members_of(row), types.get(key_of(found.name), ""))
        for status in project.statuses.get(found.id, ()):
            if key_of(status.name) not in workflows.get(workflow, set()):
                lost[status.name] = None
    return list(lost)


def assign_schemes(
    bench: Bench,
    pieces: tuple[Piece, ...],
    journal: Journal,
    pause: Callable[[float], None],
    nouns: tuple[str, ...] = BEFORE_ISSUES,
) -> None:
    """Give the project the schemes that a plan says. What it follows is looked at before, so doing it twice writes once."""
    planned = {
        piece.source_id for piece in pieces if (piece.kind, piece.action) == (PROJECT_SCHEME, Action.UPDATE)
    }
    if bench.need.has_new_project:
        told = {piece.kind for piece in pieces if piece.action is not Action.LEAVE}
        planned |= JOINED & told
    rows = [row for noun in nouns if noun in planned and (row := _wanted(bench, noun)) is not None]
    for row in rows:
        # Schemes of two sorts may have one id: each sort is a stage of its own.
        stage = f"{_STAGE}: {row.kind}"
        if own_id(row) not in journal.stage(stage).done:
            run_tasks(bench, stage, [row], _assigner(bench, Waiting(bench.calls, pause)), journal)


def _assigner(bench: Bench, waiting: Waiting) -> Callable[..., str | None]:
    def act(row: Record, *, must_look: bool) -> str | None:
        del must_look  # what is followed is looked at anyway
        wanted = _target_id(bench, row)
        if wanted is None:
            message = f"the {row.kind.replace('_', ' ')} is not on the target"
            raise WriteRefused(message, hint="See why it could not be made.", status=0, answer=None)
        if _id_of(_followed(bench, row.kind)) != wanted:
            _assign(bench, row, wanted, waiting)
            if _id_of(_followed(bench, row.kind)) != wanted:
                message = "Jira took the change, and the project does not follow the scheme"
                raise WriteRefused(message, hint="Give it the scheme in Jira.", status=0, answer=None)
        return wanted

    return act


def _assign(bench: Bench, row: Record, wanted: str, waiting: Waiting) -> None:
    project_id, noun = str(bench.project_id), row.kind
    if noun == "permission_scheme":
        bench.calls.send("PUT", f"{API}/project/{project_id}/permissionscheme", {"id": int(wanted)})
    elif noun == "notification_scheme":
        bench.calls.send("PUT", f"{API}/project/{project_id}", {"notificationScheme": int(wanted)})
    elif noun == "issue_type_scheme":
        body = {"issueTypeSchemeId": wanted, "projectId": project_id}
        bench.calls.send("PUT", f"{API}/issuetypescheme/project", body)
    elif noun == "issue_type_screen_scheme":
        body = {"issueTypeScreenSchemeId": wanted, "projectId": project_id}
        bench.calls.send("PUT", f"{API}/issuetypescreenscheme/project", body)
    elif noun == "workflow_scheme":
        # The call for projects without issues would do for some; this one does for all.
        switch = {"targetSchemeId": wanted, "projectId": project_id}
        _await(waiting, bench.calls.send("POST", f"{API}/workflowscheme/project/switch", switch))
    elif noun == "priority_scheme":
        _await(waiting, follow_priority_scheme(bench, wanted))
    elif noun == "field_configuration_scheme":
        follow_field_configuration_scheme(bench, wanted)
    elif noun == "field_scheme":
        follow_field_scheme(bench, wanted)
    else:
        _assign_security(bench, row, wanted, waiting)


def _assign_security(bench: Bench, row: Record, wanted: str, waiting: Waiting) -> None:
    """Give a project its security scheme, with the levels of its issues exchanged by name."""
    present = str(_followed(bench, row.kind).get("id") or "")
    by_scheme: dict[str, dict[str, str]] = {present: {}, wanted: {}}
    for item in bench.calls.get_all(f"{API}/issuesecurityschemes/level", "values"):
        scheme_id = str(item.get("issueSecuritySchemeId"))
        if scheme_id in by_scheme:
            by_scheme[scheme_id][key_of(item.get("name"))] = str(item.get("id"))
    mappings = [
        {"oldLevelId": level_id, "newLevelId": by_scheme[wanted][name]}
        for name, level_id in by_scheme[present].items()
        if name in by_scheme[wanted]
    ]
    body: dict[str, Any] = {"projectId": str(bench.project_id), "schemeId": wanted}
    if mappings:
        body["oldToNewSecurityLevelMappings"] = mappings
    _await(waiting, bench.calls.send("PUT", f"{API}/issuesecurityschemes/project", body))


def _await(waiting: Waiting, answer: object) -> None:
    """Wait for the end of a task.

    Raises:
        WriteRefused: it did not come to a good one.
    """
    end = await_task(waiting, answer)
    if end.get("status") not in _DONE:
        message = f"Jira's task ended as {end.get('status')}: {end.get('message') or 'without a word'}"
        raise WriteRefused(message, hint="Look at the project's settings in Jira.", status=0, answer=None)
