"""Issues are written while their project follows a temporary workflow in which one bulk operation reaches every status.

What belongs here: making that workflow and its scheme, letting the project follow it and its own scheme again, and removing both;
all of it under the journal, so that the resumption of a restore that died puts it right.

What stays out: the body of the workflow (`all_to_all`), moving issues (`statuses`), and whether a plan chooses this way (`plan`).
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AnswerLost,
    BackupPipelineError,
    CredentialsRejected,
    NotFound,
    TransientError,
    UnexpectedAnswer,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.all_to_all import (
    DESCRIPTION,
    name_of,
    payload,
    statuses_by_type,
    workflows_for,
)
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.stages import Restoration, record
from jira_backup_pipeline.engine.restore.tasks import await_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.all_to_all import AllToAll
    from jira_backup_pipeline.engine.restore.journal import StageMemory

STAGE = "temporary workflow"
# What the failures of this module are about.
_KIND = "workflow_scheme"
_API = "/rest/api/3"
_ENTER, _WAS, _LEAVE = "enter", "was", "leave"
_LOOKS = 3
# The documented limit of workflows in one call.
_WORKFLOWS_PER_CALL = 20
_CONFLICT = 409
_BROKEN_OFF = frozenset({"FAILED", "CANCELLED", "DEAD"})
_GONE = frozenset({404, 410})
# Another task on workflows of the site may take minutes; 120 looks of at most 5 seconds are ten.
_CONFLICT_LOOKS = 120
_LONGEST_WAIT_SECONDS = 5.0
# What a target answers that does not let the account do this, or does not know how.
_REFUSALS = (WriteRefused, AccessDenied, NotFound, UnexpectedAnswer)


def through_temporary_workflow(restoration: Restoration, write: Callable[[Restoration], None]) -> None:
    """Write while the project follows the temporary workflow, where the plan says so and the target lets us.

    Its own scheme comes back afterwards, at the latest with `--resume`.
    """
    was = _enter(restoration) if _may(restoration) else None
    if was is None:
        write(restoration)
        return
    restoration.is_all_to_all = True
    try:
        write(restoration)
        restoration.is_all_to_all = False
        _leave(restoration, was)
    except BackupPipelineError as error:
        error.hint += (
            f" Until then project {restoration.project_key} follows the workflow scheme "
            f"{name_of(restoration.journal.restore)!r}."
        )
        raise


def _may(restoration: Restoration) -> bool:
    project = restoration.matches.project
    return (
        restoration.plan.has_temporary_workflow
        and project is not None
        and not project.is_team_managed
        and "ADMINISTER" in project.permissions
    )


def _enter(restoration: Restoration) -> str | None:
    """Let the project follow the temporary scheme; gives its own one, None where statuses go by paths.

    A resumed restore does it again: everything is looked for before it is made, and an earlier run may have ended anywhere.
    """
    memory = restoration.journal.stage(STAGE)
    if _LEAVE in memory.done:
        return None
    was, scheme_id = _noted(memory), ""
    if was is not None and _LEAVE in memory.in_doubt:
        return was  # all was written, and the own scheme may be back already
    try:
        was = was or _present_scheme(restoration)
        if was is None:
            reason: str | None = (
                "the project follows Jira's default workflow scheme, which no call can name to put it back"
            )
        else:
            if _ENTER not in memory.done:
                restoration.journal.intend(STAGE, [_ENTER], {_WAS: was})
            scheme_id = _temporary_scheme(restoration, _temporary_workflows(restoration))
            reason = _follow(restoration, scheme_id)
    except _REFUSALS as error:
        if isinstance(error, CredentialsRejected):
            raise
        reason = _words(error)
    if reason is not None:
        _do_without(restoration, reason, was)
        return None
    if _ENTER not in memory.done:
        record(restoration, STAGE, [_ENTER], {_ENTER: scheme_id, _WAS: was})
    return was


def _noted(memory: StageMemory) -> str | None:
    """Give the scheme that an earlier run of this restore found, from its result or else from its intent."""
    notes = [str(note[_WAS]) for note in memory.open_notes if note.get(_WAS)]
    return memory.done.get(_WAS) or next(iter(notes), None)


def _do_without(restoration: Restoration, reason: str, was: str | None) -> None:
    """Say why there is no temporary workflow, and take back what of it was made."""
    done = f"statuses were set by the paths of the project's own workflows: {reason}"
    source_id = restoration.plan.source.id
    restoration.findings.adjust(
        Adjustment("project", source_id, "temporary workflow", done, is_impossible=True)
    )
    if was is None:
        record(restoration, STAGE, [_LEAVE], {_LEAVE: None})
    else:
        record(restoration, STAGE, [], {_WAS: was})
        _leave(restoration, was)


def _present_scheme(restoration: Restoration) -> str | None:
    answer = restoration.calls.get(f"{_API}/workflowscheme/project", {"projectId": restoration.project_id})
    for item in list_of(answer, "values"):
        scheme = item.get("workflowScheme")
        if isinstance(scheme, dict) and scheme.get("id") is not None:
            return str(scheme["id"])
    return None


def _temporary_workflows(restoration: Restoration) -> list[AllToAll]:
    """Make the workflows that are not there yet."""
    answer = restoration.calls.get(f"{_API}/project/{restoration.project_id}/statuses")
    wanted = workflows_for(statuses_by_type(answer), _goals(restoration), restore=restoration.journal.restore)
    if not wanted:
        message = "the project has no issue types with statuses"
        raise UnexpectedAnswer(message, hint="Look at the project's workflow scheme.")
    with_rules = True
    for _ in range(_LOOKS):
        present = {name for name, _ in _own_workflows(restoration)}
        missing = iter([workflow for workflow in wanted if workflow.name not in present])
        try:
            while part := list(islice(missing, _WORKFLOWS_PER_CALL)):
                body = payload(part, with_rules=with_rules)
                restoration.calls.send("POST", f"{_API}/workflows/create", body)
        except AnswerLost:
            continue
        except WriteRefused:
            if not with_rules:
                raise
            # The rule that sets resolutions is all that can be objected to; without it they are edited.
            with_rules = False
            continue
        return wanted
    message = "answers to the making of workflows keep getting lost"
    raise TransientError(message, hint="Run the restore again with --resume when Jira answers steadily.")


def _goals(restoration: Restoration) -> dict[str, Counter[tuple[str, str | None]]]:
    """Count where issues belong, in the target's ids and by its types."""
    matches = restoration.matches
    goals: dict[str, Counter[tuple[str, str | None]]] = {}
    for found, count in restoration.destinations.items():
        issue_type = matches.issue_type(found.type_name, found.level)
        status = matches.status(issue_type.id, found.status) if issue_type is not None else None
        if issue_type is None or status is None:
            continue
        resolution = (
            matches.resolution(dict(zip(("id", "name"), found.resolution, strict=True)))
            if found.resolution is not None
            else None
        )
        goals.setdefault(issue_type.id, Counter())[status.id, resolution] += count
    return goals


def _own_workflows(restoration: Restoration) -> Iterator[tuple[str, str]]:
    """Give name and id of the workflows that this restore made."""
    prefix = f"{name_of(restoration.journal.restore)} "
    for item in restoration.calls.get_all(f"{_API}/workflows/search", "values"):
        name = str(item.get("name"))
        if name.startswith(prefix):
            yield name, str(item.get("id"))


def _own_scheme(restoration: Restoration) -> str | None:
    """Give the id of the scheme that this restore made, None while there is none."""
    name = name_of(restoration.journal.restore)
    schemes = restoration.calls.get_all(f"{_API}/workflowscheme", "values")
    return next((str(item.get("id")) for item in schemes if item.get("name") == name), None)


def _temporary_scheme(restoration: Restoration, workflows: list[AllToAll]) -> str:
    """Make the scheme, unless an earlier run did."""
    body = {
        "name": name_of(restoration.journal.restore),
        "description": DESCRIPTION,
        "defaultWorkflow": workflows[0].name,
        "issueTypeMappings": {
            type_id: workflow.name for workflow in workflows for type_id in workflow.type_ids
        },
    }
    for _ in range(_LOOKS):
        found = _own_scheme(restoration)
        if found is not None:
            return found
        try:
            answer = restoration.calls.send("POST", f"{_API}/workflowscheme", body)
        except AnswerLost:
            continue
        if isinstance(answer, dict) and answer.get("id") is not None:
            return str(answer["id"])
    message = "answers to the making of a workflow scheme keep getting lost"
    raise TransientError(message, hint="Run the restore again with --resume when Jira answers steadily.")


def _follow(restoration: Restoration, scheme_id: str) -> str | None:
    """Let the project follow a scheme and wait until its issues do; gives Jira's reason where it does not come about.

    The way in is the way back: a target that knows no switch is found out while there is nothing to put back.
    """
    body = {"projectId": restoration.project_id, "targetSchemeId": scheme_id}
    wait_seconds, reason, lost = 0.1, "", 0
    for _ in range(_CONFLICT_LOOKS):
        if _present_scheme(restoration) == scheme_id:
            return None
        try:
            answer = restoration.calls.send("POST", f"{_API}/workflowscheme/project/switch", body)
        except AnswerLost:
            lost += 1
            if lost > _LOOKS:
                raise
        except WriteRefused as refusal:
            reason = _words(refusal)
            if refusal.status != _CONFLICT:
                return reason
        else:
            return _followed(restoration, scheme_id, await_task(restoration, answer))
        restoration.pause(wait_seconds)
        wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT_SECONDS)
    return reason


def _followed(restoration: Restoration, scheme_id: str, end: Mapping[str, object]) -> str | None:
    """Look whether a switch that was accepted came about."""
    for look in range(_LOOKS):
        if end.get("status") in _BROKEN_OFF:
            break
        if _present_scheme(restoration) == scheme_id:
            return None
        restoration.pause(float(look + 1))
    words = f": {end['message']}" if end.get("message") else ""
    return f"the switch of workflow schemes ended as {end.get('status', 'a task without a name')}{words}"


def _leave(restoration: Restoration, was: str) -> None:
    """Give the project its own scheme again and remove the temporary one; what cannot be done is told as a person must do it."""
    memory = restoration.journal.stage(STAGE)
    if _LEAVE not in memory.in_doubt:
        restoration.journal.intend(STAGE, [_LEAVE], {_WAS: was})
    name = name_of(restoration.journal.restore)
    try:
        reason = _follow(restoration, was)
    except _REFUSALS as error:
        if isinstance(error, CredentialsRejected):
            raise
        reason = _words(error)
    if reason is not None:
        done = (
            f"the project may still follow the workflow scheme {name!r}: give it the workflow scheme {was} in its settings, then "
            "delete the former and its workflows"
        )
        _report(restoration, reason, done)
    else:
        _remove(restoration, name)
    record(restoration, STAGE, [_LEAVE], {_LEAVE: was})


def _remove(restoration: Restoration, name: str) -> None:
    try:
        scheme_id = _own_scheme(restoration)
        if scheme_id is not None:
            _delete(restoration, f"{_API}/workflowscheme/{scheme_id}")
        for _, workflow_id in list(_own_workflows(restoration)):
            _delete(restoration, f"{_API}/workflow/{workflow_id}")
    except _REFUSALS as error:
        if isinstance(error, CredentialsRejected):
            raise
        done = (
            f"nothing follows it any more: delete the workflow scheme {name!r} and the workflows of that name"
        )
        _report(restoration, _words(error), done)


def _delete(restoration: Restoration, path: str) -> None:
    """Delete something that may be gone already."""
    for look in range(_LOOKS + 1):
        try:
            restoration.calls.send("DELETE", path)
        except AnswerLost:
            if look == _LOOKS:
                raise
            continue
        except WriteRefused as refusal:
            if refusal.status not in _GONE:
                raise
        return


def _report(restoration: Restoration, reason: str, done: str) -> None:
    restoration.findings.fail(Failure(_KIND, restoration.project_id, None, reason, done, is_left_over=True))


def _words(error: BackupPipelineError) -> str:
    return item_reason(error) or error.message
