"""Making a plan: the snapshot and the target are read, nothing is written.

What belongs here: which issues are created, updated or left alone, and every line that a person must know before.

What stays out: the values a plan is made of (`planned`), reading the target (`target`), the walk over the snapshot
(`survey`), costs and documented limits (`limits`), and doing it (`apply`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import ConfigurationError, UnknownName
from jira_backup_pipeline.engine.progress import Silence
from jira_backup_pipeline.engine.restore.calls import Calls
from jira_backup_pipeline.engine.restore.idmap import TargetIssue
from jira_backup_pipeline.engine.restore.journal import Journal
from jira_backup_pipeline.engine.restore.limits import impossible_of, steps_of
from jira_backup_pipeline.engine.restore.matching import Matches
from jira_backup_pipeline.engine.restore.objections import Objections, objections_to
from jira_backup_pipeline.engine.restore.planned import (
    Conflict,
    PlannedTarget,
    Policy,
    RestorePlan,
    RestoreTarget,
    Selection,
)
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline.engine.restore.survey import survey
from jira_backup_pipeline.engine.restore.target import (
    FoundIssue,
    MarkedIssues,
    ProjectState,
    SiteState,
    TargetField,
    read_issues_by_id,
    read_marks,
    read_people,
    read_project,
    read_site,
    read_sprints,
    target_field,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest, ProjectIdentity
    from jira_backup_pipeline.engine.ports import JiraWriter
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.snapshot import IssueHead
    from jira_backup_pipeline.repository.repository import Repository

__all__ = [
    "Policy",
    "RestorePlan",
    "RestoreTarget",
    "Selection",
    "make_plan",
    "matches_for",
    "source_project",
]

_KEY_START = ("A", "Z")
_SHOWN_KEYS = 10
_MAX_KEY_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class _Actions:
    """What happens to each selected issue, in order of creation."""

    creates: tuple[IssueHead, ...]
    updates: Mapping[str, TargetIssue]
    skips: Mapping[str, TargetIssue]
    moved: tuple[Conflict, ...]


def make_plan(
    repository: Repository,
    manifest: Manifest,
    writer: JiraWriter,
    *,
    selection: Selection | None = None,
    target: RestoreTarget | None = None,
    policy: Policy = Policy.SKIP,
    clock: Callable[[], datetime] | None = None,
    progress: Progress | None = None,
) -> RestorePlan:
    """Plan a restore of a project's snapshot; reads only.

    The clock is not asked: equal snapshot, target, selection and policy give an equal plan.

    Raises:
        ConfigurationError: the snapshot is the site's, or a name is not known.
        CredentialsRejected: the target does not accept the account.
    """
    del clock
    selection, target, progress = selection or Selection(), target or RestoreTarget(), progress or Silence()
    source = source_project(manifest)
    calls = Calls(writer)
    progress.stage("reading the snapshot", None)
    view = SnapshotView(repository, manifest)
    heads = _selected(view.heads(), selection)
    progress.stage("reading the target", None)
    site = read_site(calls)
    is_same_site = site.cloud_id == manifest.cloud_id
    key = _checked_key(target.project_key or source.key)
    project = read_project(calls, key)
    planned = PlannedTarget(
        base_url=site.base_url,
        cloud_id=site.cloud_id,
        key=key,
        name=project.name if project is not None else target.project_name or _new_name(source, key),
        project_id=project.id if project is not None else None,
        is_same_site=is_same_site,
        is_source_project=is_same_site
        and (key == source.key if project is None else project.id == source.id),
    )
    marks = (
        read_marks(calls, project, repository_id=manifest.repository_id, scope=manifest.scope)
        if project is not None
        else MarkedIssues()
    )
    by_id = read_issues_by_id(calls, [head.id for head in heads]) if _may_have_stayed(planned, source) else {}
    actions = _decide(heads, by_id, marks, planned, policy, only_deleted=selection.only_deleted)
    touched = {*(head.id for head in actions.creates), *actions.updates}
    fields = source_fields(view, site, is_same_site=is_same_site)
    found = survey(view, touched, fields, is_whole=selection.is_whole_project)
    matches = matches_for(
        calls, site, project, fields, people=found.people, sprints=found.sprints, is_same_site=is_same_site
    )
    levels = Counter(head.level for head in actions.creates)
    objections = Objections(conflicts=list(actions.moved), notes=_orphans(heads, actions, by_id))
    objections_to(
        objections, view=view, survey=found, matches=matches, planned=planned, calls=calls, policy=policy
    )
    plan = RestorePlan(
        repository_id=manifest.repository_id,
        scope=manifest.scope,
        snapshot=manifest.number,
        source=source,
        target=planned,
        selection=selection,
        policy=policy,
        creates=tuple(head.id for head in actions.creates),
        updates=actions.updates,
        skips=actions.skips,
        standing=_standing(calls, found.ends - touched, marks, by_id, is_same_site=is_same_site),
        needed=None
        if selection.is_whole_project
        else {"component": tuple(sorted(found.components)), "version": tuple(sorted(found.versions))},
        counts={kind: count for kind, count in sorted(found.counts.items()) if count},
        steps=steps_of(
            found, creates_by_level=levels, updates=len(actions.updates), is_new_project=project is None
        ),
        conflicts=tuple(objections.conflicts),
        impossible=impossible_of(found, is_new_project=project is None),
        prerequisites=tuple(objections.prerequisites),
        notes=tuple(objections.notes),
        last_number=marks.last_number,
        planning_requests=calls.requests,
    )
    return _with_unfinished(repository, plan)


def source_project(manifest: Manifest) -> ProjectIdentity:
    """Give the project of a snapshot.

    Raises:
        ConfigurationError: it is the site's snapshot.
    """
    if manifest.project is None:
        message = f"{manifest.scope} is not a project and cannot be restored"
        raise ConfigurationError(
            message, hint="Name a project with --project; site settings are matched, not restored."
        )
    return manifest.project


def source_fields(view: SnapshotView, site: SiteState, *, is_same_site: bool) -> dict[str, TargetField]:
    """Give the field definitions of the snapshot; on the same site today's stand in where the snapshot has none."""
    known = dict(site.fields) if is_same_site else {}
    for row in view.site_rows("field"):
        if isinstance(row.value, dict):
            known[row.id] = target_field(row.value)
    return known


def matches_for(
    calls: Calls,
    site: SiteState,
    project: ProjectState | None,
    fields: Mapping[str, TargetField],
    *,
    people: set[str],
    sprints: set[str],
    is_same_site: bool,
) -> Matches:
    """Read what is still missing for a matching, and make it."""
    return Matches(
        is_same_site=is_same_site,
        site=site,
        project=project,
        source_fields=fields,
        people=read_people(calls, people),
        sprints=read_sprints(calls, sprints) if is_same_site else {},
    )


def _selected(heads: list[IssueHead], selection: Selection) -> list[IssueHead]:
    if not selection.issue_keys:
        return heads
    by_name = {name: head for head in heads for name in (head.id, head.key)}
    unknown = [name for name in selection.issue_keys if name.upper() not in by_name]
    if unknown:
        message = f"the snapshot has no issue {', '.join(unknown[:10])}"
        raise UnknownName(
            message, hint="Look with `jira-backup sql` which keys the snapshot has, or name an earlier one."
        )
    chosen = {by_name[name.upper()].id for name in selection.issue_keys}
    # Sub-tasks cannot exist without their parent: who wants the one wants the other.
    chosen |= {head.id for head in heads if head.level < 0 and head.parent_id in chosen}
    return [head for head in heads if head.id in chosen]


def _checked_key(key: str) -> str:
    is_word = key.isascii() and key.replace("_", "A").isalnum() and key == key.upper()
    if (
        not is_word
        or not _KEY_START[0] <= key[:1] <= _KEY_START[1]
        or not 1 < len(key) <= _MAX_KEY_CHARACTERS
    ):
        message = f"not a project key: {key!r}"
        raise ConfigurationError(
            message,
            hint="A key starts with a capital letter and has 2 to 10 capital letters, digits or underscores.",
        )
    return key


def _new_name(source: ProjectIdentity, key: str) -> str:
    """Name a project that will be created: names are unique on a site, so a copy gets its key beside the old name."""
    return source.name if key == source.key else f"{source.name} ({key})"


def _may_have_stayed(planned: PlannedTarget, source: ProjectIdentity) -> bool:
    """Tell whether issues of the snapshot may still be where the restore writes: only there do they count as present."""
    return planned.is_source_project or (planned.is_same_site and planned.key == source.key)


def _decide(
    heads: list[IssueHead],
    by_id: Mapping[str, FoundIssue],
    marks: MarkedIssues,
    planned: PlannedTarget,
    policy: Policy,
    *,
    only_deleted: bool,
) -> _Actions:
    creates: list[IssueHead] = []
    updates: dict[str, TargetIssue] = {}
    skips: dict[str, TargetIssue] = {}
    moved: list[Conflict] = []
    for head in heads:
        original, copy = by_id.get(head.id), marks.by_source.get(head.id)
        if only_deleted and original is not None:
            continue
        present = original or copy
        if present is None or policy is Policy.COPY:
            creates.append(head)
            continue
        issue = TargetIssue(present.id, present.key)
        if planned.project_id is not None and present.project_id != planned.project_id:
            skips[head.id] = issue
            problem = f"was moved and is now {present.key}"
            moved.append(Conflict("issue", head.key, problem, "It is left where it is."))
        elif policy is Policy.UPDATE:
            updates[head.id] = issue
        else:
            skips[head.id] = issue
    return _Actions(tuple(creates), updates, skips, tuple(moved))


def _orphans(heads: list[IssueHead], actions: _Actions, by_id: Mapping[str, FoundIssue]) -> list[str]:
    """Say which issues stayed behind when their parent was deleted: Jira has cleared their parent."""
    created = {head.id for head in actions.creates}
    left = [
        head.key
        for head in heads
        if head.parent_id in created and head.id in by_id and head.id not in created
    ]
    if not left:
        return []
    shown = ", ".join(left[:_SHOWN_KEYS]) + (", ..." if len(left) > _SHOWN_KEYS else "")
    return [
        f"{len(left)} issues lost their parent when it was deleted ({shown}); restore them with policy update afterwards"
    ]


def _standing(
    calls: Calls,
    ends: set[str],
    marks: MarkedIssues,
    by_id: Mapping[str, FoundIssue],
    *,
    is_same_site: bool,
) -> dict[str, TargetIssue]:
    """Find the issues that links and parents lead to and that the restore does not write."""
    found = {**marks.by_source, **by_id}
    unknown = [source_id for source_id in sorted(ends) if source_id not in found]
    if is_same_site and unknown:
        found |= read_issues_by_id(calls, unknown)
    return {
        source_id: TargetIssue(found[source_id].id, found[source_id].key)
        for source_id in sorted(ends)
        if source_id in found
    }


def _with_unfinished(repository: Repository, plan: RestorePlan) -> RestorePlan:
    """Say so when an earlier run of this very restore did not come to its end."""
    unfinished = Journal.unfinished(repository, scope=plan.scope, identity=plan.identity)
    if unfinished is None:
        return plan
    note = f"restore {unfinished.restore} of this snapshot did not come to its end; it will be continued, not begun anew"
    return RestorePlan.from_json({**plan.to_json(), "notes": [*plan.notes, note]})
