"""Making a plan: the snapshot and the target are read, nothing is written.

What belongs here: the order in which snapshot and target are read, and the plan made of what was found.

What stays out: the values a plan is made of (`planned`), what is selected (`selection`) and what happens to it (`actions`),
reading the target (`target`), the walk over the snapshot (`survey`), what a person must know (`objections`), costs and documented limits (`limits`), and doing it (`apply`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.engine.progress import Silence
from jira_backup_pipeline.engine.restore.actions import changed_since, decide, only_updating
from jira_backup_pipeline.engine.restore.attachments import lacking_files
from jira_backup_pipeline.engine.restore.calls import Calls
from jira_backup_pipeline.engine.restore.configuration.assigning import scheme_pieces
from jira_backup_pipeline.engine.restore.configuration.coming_statuses import statuses_to_come
from jira_backup_pipeline.engine.restore.configuration.piece import Coming
from jira_backup_pipeline.engine.restore.configuration.restoring import (
    bench_for,
    compare_configuration,
    plan_configuration,
    wanted_configuration,
)
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.elsewhere import find_elsewhere
from jira_backup_pipeline.engine.restore.findings import Findings
from jira_backup_pipeline.engine.restore.idmap import IdMap, TargetIssue
from jira_backup_pipeline.engine.restore.journal import Journal
from jira_backup_pipeline.engine.restore.limits import impossible_of, steps_of
from jira_backup_pipeline.engine.restore.matching import Matches
from jira_backup_pipeline.engine.restore.objections import Objections, objections_to
from jira_backup_pipeline.engine.restore.people import People, find_people
from jira_backup_pipeline.engine.restore.place_changes import PlaceDifferences, place_pieces
from jira_backup_pipeline.engine.restore.planned import PlannedTarget, Policy, RestorePlan, RestoreTarget
from jira_backup_pipeline.engine.restore.selection import Part, Selection, selected_heads
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline.engine.restore.stand_ins import StandIns
from jira_backup_pipeline.engine.restore.status_ways import StatusWay, status_way
from jira_backup_pipeline.engine.restore.survey import Survey, needed_by, survey
from jira_backup_pipeline.engine.restore.target import (
    FoundIssue,
    MarkedIssues,
    ProjectState,
    SiteState,
    TargetField,
    read_issues_by_id,
    read_marks,
    read_permissions,
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
    from jira_backup_pipeline.engine.restore.configuration.restoring import Wanted
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
_MAX_KEY_CHARACTERS = 10


def make_plan(
    repository: Repository,
    manifest: Manifest,
    writer: JiraWriter,
    *,
    selection: Selection | None = None,
    target: RestoreTarget | None = None,
    policy: Policy = Policy.SKIP,
    stand_ins: StandIns | None = None,
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
    is_whole_update = policy is Policy.UPDATE and (selection or Selection()).is_whole_project
    selection, target, progress = selection or Selection(), target or RestoreTarget(), progress or Silence()
    source = source_project(manifest)
    calls = Calls(writer)
    progress.stage("reading the snapshot", None)
    view = SnapshotView(repository, manifest)
    heads = selected_heads(view, selection)
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
    actions = decide(heads, by_id, marks, planned, policy=policy, selection=selection)
    if selection.part is Part.ATTACHMENTS:
        actions = only_updating(actions, lacking_files(calls, view, actions.updates))
    if by_id and (changed := changed_since(actions, by_id, view.updated_ms(), policy)) is not None:
        actions = replace(actions, conflicts=(*actions.conflicts, changed))
    touched = {*(head.id for head in actions.creates), *actions.updates}
    fields = source_fields(view, site, is_same_site=is_same_site)
    stand_ins = stand_ins or StandIns()
    knows_everybody = is_same_site and not stand_ins.sections.get("people")
    found = survey(
        view, touched, fields, is_whole=selection.is_whole_project, with_mentions=not knows_everybody
    )
    wanted = wanted_configuration(
        view,
        needed_by(view, found, fields, selection.part),
        selection,
        project_id=source.id,
        has_new_project=project is None,
        is_whole=is_whole_update,
    )
    found.people |= wanted.people
    people = find_people(calls, found.people, {} if knows_everybody else view.emails(), stand_ins)
    matches = matches_for(
        calls,
        site,
        project,
        fields,
        people=people,
        stand_ins=stand_ins,
        sprints=found.sprints,
        is_same_site=is_same_site,
    )
    permissions = project.permissions if project is not None else read_permissions(calls)
    whole = None
    if project is not None and selection.is_whole_project and not is_whole_update:
        needed = needed_by(view, found, fields, selection.part)
        whole = wanted_configuration(
            view, needed, selection, project_id=source.id, has_new_project=False, is_whole=True
        )
    coming = _coming(
        wanted,
        matches,
        calls,
        permissions=permissions,
        part=selection.part,
        is_update=is_whole_update,
        whole=whole,
    )
    if project is not None and selection.is_whole_project:
        differences = PlaceDifferences(
            view, calls, matches, project.id, has_own_name=planned.key != source.key
        )
        coming = replace(coming, pieces=(*coming.pieces, *place_pieces(differences, policy)))
    levels = Counter(head.level for head in actions.creates)
    objections = Objections(conflicts=list(actions.conflicts), notes=list(actions.notes))
    objections_to(
        objections,
        view=view,
        survey=found,
        matches=matches,
        planned=planned,
        calls=calls,
        policy=policy,
        permissions=permissions,
        coming=coming,
        part=selection.part,
    )
    way = status_way(
        permissions,
        project,
        creates=len(actions.creates),
        updates=len(actions.updates) + len(actions.skips),
        last_number=marks.last_number,
        part=selection.part,
    )
    ends = found.ends - touched
    standing = _standing(calls, ends, marks, by_id, is_same_site=is_same_site)
    elsewhere = find_elsewhere(
        repository, calls, view, planned, ends=ends - standing.keys(), issue_ids=touched
    )
    standing |= {end: elsewhere.issues[end] for end in sorted(ends & elsewhere.issues.keys())}
    objections.notes.extend(elsewhere.notes)
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
        standing=standing,
        absent_ends=tuple(sorted(ends - standing.keys())),
        elsewhere_keys=elsewhere.keys,
        elsewhere_projects=elsewhere.projects,
        stand_ins=stand_ins,
        accounts=people.replaced,
        fallback_account=people.fallback,
        needed=_needed(selection, found),
        counts={kind: count for kind, count in sorted(found.counts.items()) if count},
        configuration=coming.pieces,
        steps=steps_of(
            found,
            configuration=coming.pieces,
            creates_by_level=levels,
            updates=len(actions.updates),
            is_new_project=project is None,
            new_sprints=len(found.sprints - set(matches.sprints)),
            part=selection.part,
            way=way,
        ),
        conflicts=tuple(objections.conflicts),
        impossible=impossible_of(
            found,
            is_new_project=project is None,
            standing_sprints=set(matches.sprints),
            people=people,
            configuration=coming.pieces,
            part=selection.part,
        ),
        prerequisites=tuple(objections.prerequisites),
        notes=tuple(objections.notes),
        last_number=marks.last_number,
        has_temporary_workflow=way is StatusWay.TEMPORARY,
        planning_requests=calls.requests,
    )
    return _with_unfinished(repository, plan)


def _coming(
    wanted: Wanted,
    matches: Matches,
    calls: Calls,
    *,
    permissions: frozenset[str],
    part: Part,
    is_update: bool,
    whole: Wanted | None,
) -> Coming:
    """Plan the configuration, and compare what a project that is there follows, where the account may make some and the restore is about more than files."""
    if "ADMINISTER" not in permissions or part is Part.ATTACHMENTS:
        return Coming()
    bench = bench_for(wanted, matches, calls, id_map=IdMap(), findings=Findings(), is_update=is_update)
    pieces = plan_configuration(bench)
    coming = Coming(pieces, statuses_to_come(bench, pieces))
    if matches.project is not None and is_update:
        return replace(coming, pieces=(*pieces, *scheme_pieces(bench, matches.project)))
    if whole is None:
        return coming
    # Nothing of this is written: what differs is only said.
    known = {(piece.kind, piece.source_id) for piece in pieces}
    compared = bench_for(whole, matches, calls, id_map=IdMap(), findings=Findings())
    more = [piece for piece in compare_configuration(compared) if (piece.kind, piece.source_id) not in known]
    if matches.project is not None:
        more += scheme_pieces(compared, matches.project)
    return replace(coming, pieces=(*pieces, *more))


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
    for row in ConfigurationSource(view).rows("field"):
        if isinstance(row.value, dict):
            known[row.id] = target_field(row.value)
    return known


def matches_for(
    calls: Calls,
    site: SiteState,
    project: ProjectState | None,
    fields: Mapping[str, TargetField],
    *,
    people: People,
    stand_ins: StandIns,
    sprints: set[str],
    is_same_site: bool,
) -> Matches:
    """Read what is still missing for a matching, and make it."""
    return Matches(
        is_same_site=is_same_site,
        site=site,
        project=project,
        source_fields=fields,
        people=people,
        stand_ins=stand_ins,
        sprints=read_sprints(calls, sprints) if is_same_site else {},
    )


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


def _needed(selection: Selection, found: Survey) -> dict[str, tuple[str, ...]] | None:
    """Name the components and versions that the selected issues need; None when all of the project's are wanted."""
    if selection.is_whole_project:
        return None
    if selection.part is Part.ATTACHMENTS:
        return {}
    return {"component": tuple(sorted(found.components)), "version": tuple(sorted(found.versions))}


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
