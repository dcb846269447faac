"""Quiet while issues are written: the target project follows an empty notification scheme, and its own one afterwards.

What belongs here: the swap and its undoing, both in the journal, so that a restore that died is put right by its resumption;
and what a plan says about mail.

What stays out: `notifyUsers=false` of single calls (`stages`), and making notification schemes (`configuration`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError, NotFound
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.findings import Failure
from jira_backup_pipeline.engine.restore.stages import Restoration, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.engine.restore.journal import StageMemory
    from jira_backup_pipeline.engine.restore.target import ProjectState

SILENT_SCHEME = "Silent while jira-backup restores"
STAGE = "quiet"
_API = "/rest/api/3"
_HUSH, _WAS, _SPEAK = "hush", "was", "speak"
_LOOKS = 3
_STILL = (
    "mail that does not go by the scheme still goes out: to people whom text mentions, by automation rules, apps and filter "
    "subscriptions"
)


def mail_line(permissions: frozenset[str], project: ProjectState | None) -> str:
    """Say what mail a restore sends; `project` is the target's, None when it will be made."""
    if "ADMINISTER" in permissions and (project is None or not project.is_team_managed):
        return (
            "the target project follows an empty notification scheme while issues are written, and its own again at the end; "
            f"{_STILL}"
        )
    return (
        "creating issues and comments sends mail by the project's notification scheme, which this account cannot exchange: give "
        "the target project an empty one first"
    )


def quietly(restoration: Restoration, write: Callable[[Restoration], None]) -> None:
    """Write while the project is silent; its own scheme comes back whatever happens, at the latest with `--resume`."""
    was = _hush(restoration) if _may(restoration) else None
    if was is None:
        write(restoration)
        return
    try:
        write(restoration)
    except (Exception, KeyboardInterrupt) as error:
        _speak_after(restoration, was, error)
        raise
    _speak(restoration, was)


def _may(restoration: Restoration) -> bool:
    project = restoration.matches.project
    is_needed = bool(restoration.plan.creates or restoration.plan.updates)
    return (
        is_needed
        and project is not None
        and not project.is_team_managed
        and "ADMINISTER" in project.permissions
    )


def _hush(restoration: Restoration) -> str | None:
    """Give the project the empty scheme; tells which one it had, None where nothing can or need be done.

    A resumed restore does it again: the run before may have ended on either side of the swap.
    """
    memory = restoration.journal.stage(STAGE)
    if _SPEAK in memory.done:
        return None
    try:
        was = _noted(memory) or _present(restoration)
        silent = _silent_scheme(restoration) if was is not None else None
        if was is None or silent is None:
            return None
        if was == silent:
            _left_silent(restoration)
            return None
        if _HUSH not in memory.done:
            restoration.journal.intend(STAGE, [_HUSH], {_WAS: was})
        _follow(restoration, silent)
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        done = "mail goes out by the project's notification scheme"
        restoration.findings.fail(Failure("notification_scheme", restoration.project_id, None, reason, done))
        return None
    if _HUSH not in memory.done:
        record(restoration, STAGE, [_HUSH], {_HUSH: silent, _WAS: was})
    return was


def _noted(memory: StageMemory) -> str | None:
    """Give the scheme that an earlier run of this restore found, from its result or else from its intent."""
    notes = [str(note[_WAS]) for note in memory.open_notes if note.get(_WAS)]
    return memory.done.get(_WAS) or next(iter(notes), None)


def _present(restoration: Restoration) -> str | None:
    path = f"{_API}/project/{restoration.project_id}/notificationscheme"
    try:
        answer = restoration.calls.get(path)
    except NotFound:
        return None  # nobody is told of anything in this project
    found = answer.get("id") if isinstance(answer, dict) else None
    return str(found) if found is not None else None


def _left_silent(restoration: Restoration) -> None:
    reason = "another restore left the project with the empty notification scheme"
    done = "it stays so: finish that restore with --resume, or choose a scheme in the project's settings"
    _still_silent(restoration, reason, done)


def _still_silent(restoration: Restoration, reason: str, done: str) -> None:
    """Say that the project tells nobody of anything any more, which a person must end."""
    failure = Failure("notification_scheme", restoration.project_id, None, reason, done, is_left_over=True)
    restoration.findings.fail(failure)


def _silent_scheme(restoration: Restoration) -> str | None:
    """Give the empty scheme, made once for each site: it is left there for the next restore."""
    for _ in range(_LOOKS):
        for item in restoration.calls.get_all(f"{_API}/notificationscheme", "values"):
            if item.get("name") == SILENT_SCHEME:
                return str(item.get("id"))
        body = {
            "name": SILENT_SCHEME,
            "description": "Tells nobody of anything. Projects follow it while jira-backup writes issues into them.",
        }
        try:
            answer = restoration.calls.send("POST", f"{_API}/notificationscheme", body)
        except AnswerLost:
            continue
        return str(answer["id"]) if isinstance(answer, dict) and answer.get("id") else None
    return None


def _follow(restoration: Restoration, scheme_id: str) -> None:
    """Let the project follow a scheme; a second time changes nothing."""
    path, body = f"{_API}/project/{restoration.project_id}", {"notificationScheme": int(scheme_id)}
    try:
        restoration.calls.send("PUT", path, body)
    except AnswerLost:
        restoration.calls.send("PUT", path, body)


def _speak(restoration: Restoration, was: str) -> None:
    try:
        _follow(restoration, was)
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        done = f"the project still follows {SILENT_SCHEME!r}: give it the notification scheme {was} in its settings"
        _still_silent(restoration, reason, done)
    record(restoration, STAGE, [_SPEAK], {_SPEAK: was})


def _speak_after(restoration: Restoration, was: str, error: BaseException) -> None:
    """Put the scheme back when the restore fails. Where Jira does not answer any more, its resumption will."""
    try:
        _follow(restoration, was)
    except BackupPipelineError:
        words = f" Until then project {restoration.project_key} follows the notification scheme {SILENT_SCHEME!r}."
        if isinstance(error, BackupPipelineError):
            error.hint += words
