"""What restores of other projects made: links and texts of this one lead to issues that have new ids and keys by now.

What belongs here: finding such issues by the journals of this repository, and proving by their origin marks that they are
what the journals say.

What stays out: issues of the project itself (`target`), projects restored in the same command (`several`), and writing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import IntegrityError, NotFound, UnsupportedFormat
from jira_backup_pipeline.domain.references import issue_keys
from jira_backup_pipeline.engine.restore.idmap import TargetIssue
from jira_backup_pipeline.engine.restore.journal import restores_of_others
from jira_backup_pipeline.engine.restore.snapshot import fields_of, members_of
from jira_backup_pipeline.engine.restore.target import (
    is_origin_of,
    read_issues_by_id,
    read_origins,
    read_project,
)
from jira_backup_pipeline.engine.restore.texts import TEXT_MEMBER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.journal import PastRestore
    from jira_backup_pipeline.engine.restore.planned import PlannedTarget
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
    from jira_backup_pipeline.repository.repository import Repository

_UNREADABLE = (IntegrityError, NotFound, UnsupportedFormat)


@dataclass(slots=True)
class Elsewhere:
    """Issues by their id in the snapshot, issue keys and project keys old to new, and what could not be looked up."""

    issues: dict[str, TargetIssue] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Made:
    """An issue that a journal says was made: `source_id` and `source_key` are those of the snapshot of `scope`."""

    scope: str
    source_id: str
    source_key: str
    target_id: str


def find_elsewhere(
    repository: Repository,
    calls: Calls,
    view: SnapshotView,
    planned: PlannedTarget,
    *,
    ends: Collection[str],
    issue_ids: set[str],
) -> Elsewhere:
    """Look for the issues at the `ends` of links and for those that the texts of issues mention; reads only.

    What is still on the target under its own id is never exchanged for a copy of it.
    """
    result = Elsewhere()
    if not issue_ids:
        return result
    past = _into(repository, view.manifest.scope, planned, result)
    if not past:
        return result
    mentioned = set(_mentioned(view, issue_ids))
    made = [
        found
        for one, _ in past
        for found in _made(one, result)
        if found.source_id in ends or found.source_key in mentioned
    ]
    if planned.is_same_site:
        still_there = read_issues_by_id(calls, sorted({found.source_id for found in made}))
        made = [found for found in made if found.source_id not in still_there]
    _prove(result, calls, made, repository_id=view.manifest.repository_id)
    moved = {source: target for _, (source, target) in reversed(past) if source != target}
    prefixes = {key.rpartition("-")[0] for key in result.keys}
    for source, target in moved.items():
        # An address of the project is exchanged with those of its issues, unless the project is still there.
        if source in prefixes and not (planned.is_same_site and read_project(calls, source)):
            result.projects[source] = target
    return result


def _into(
    repository: Repository, own_scope: str, planned: PlannedTarget, result: Elsewhere
) -> list[tuple[PastRestore, tuple[str, str]]]:
    """Give the restores into this site, newest first, each with the project's key in the snapshot and on the target."""
    found = []
    for past in restores_of_others(repository, own_scope):
        try:
            plan = past.header()["plan"]
        except _UNREADABLE as error:
            result.notes.append(_unread(past, error.message))
            continue
        if plan["target"]["cloud_id"] == planned.cloud_id:
            found.append((past, (str(plan["source"]["key"]), str(plan["target"]["key"]))))
    return found


def _made(past: PastRestore, result: Elsewhere) -> Iterator[_Made]:
    """Give the issues that a restore made; those that it updated kept their ids and need no look."""
    try:
        for document in past.maps():
            source_keys = {target: source for source, target in document.get("keys", {}).items()}
            for source_id, target in document.get("issues", {}).items():
                if source_id != target["id"]:
                    source_key = source_keys.get(target["key"], "")
                    yield _Made(past.scope, source_id, source_key, target["id"])
    except _UNREADABLE as error:
        result.notes.append(_unread(past, error.message))


def _unread(past: PastRestore, why: str) -> str:
    return f"links to what restore {past.restore} made may stay unmade: its journal cannot be read ({why})"


def _prove(result: Elsewhere, calls: Calls, made: list[_Made], *, repository_id: str) -> None:
    """Take the newest issue that is on the target and whose mark says that it is the one meant."""
    marks = {issue.id: (issue, origin) for issue, origin in read_origins(calls, _ids(made))}
    for found in made:
        issue, origin = marks.get(found.target_id, (None, {}))
        if issue is None or found.source_id in result.issues:
            continue
        is_ours = is_origin_of(origin, repository_id=repository_id, scope=found.scope)
        if is_ours and str(origin["issue_id"]) == found.source_id:
            result.issues[found.source_id] = TargetIssue(issue.id, issue.key)
            if found.source_key and found.source_key != issue.key:
                result.keys[found.source_key] = issue.key


def _ids(made: list[_Made]) -> list[str]:
    return sorted({found.target_id for found in made})


def _mentioned(view: SnapshotView, issue_ids: set[str]) -> Iterator[str]:
    """Give the issue keys that texts mention."""
    for row in view.rows("issue", issue_ids):
        for value in fields_of(row).values():
            yield from issue_keys(value)
    for kind, text in TEXT_MEMBER.items():
        for row in view.rows(kind, issue_ids):
            yield from issue_keys(members_of(row).get(text))
