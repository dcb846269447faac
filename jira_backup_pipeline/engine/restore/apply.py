"""Carrying out a plan: stage after stage under the journal, and again after a crash without a second copy.

What belongs here: the order of checks and stages, and the outcome.

What stays out: the checks (`safety`), what the stages do (`place`, `issues`, `attachments`, `children`, `edits`,
`relations`, `properties`, `statuses`), planning (`plan`) and the proof (`prove`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import Refused, RestoreConflict
from jira_backup_pipeline.domain.references import site_base
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.progress import Silence
from jira_backup_pipeline.engine.restore.attachments import restore_attachments
from jira_backup_pipeline.engine.restore.calls import Calls
from jira_backup_pipeline.engine.restore.children import restore_comments, restore_worklogs
from jira_backup_pipeline.engine.restore.configuration.assigning import AFTER_ISSUES, assign_schemes
from jira_backup_pipeline.engine.restore.configuration.restoring import (
    as_planned,
    bench_for,
    make_boards,
    make_contexts,
    make_definitions,
    make_the_rest,
    project_members,
    wanted_configuration,
)
from jira_backup_pipeline.engine.restore.edits import edit_issues
from jira_backup_pipeline.engine.restore.fields import ValueWriter
from jira_backup_pipeline.engine.restore.findings import Findings
from jira_backup_pipeline.engine.restore.idmap import IdMap
from jira_backup_pipeline.engine.restore.interleaving import Interleaver
from jira_backup_pipeline.engine.restore.issues import IssueCreator
from jira_backup_pipeline.engine.restore.journal import Journal
from jira_backup_pipeline.engine.restore.limits import STAGES_OF_PART
from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.pacing import IssuePace
from jira_backup_pipeline.engine.restore.people import planned_people
from jira_backup_pipeline.engine.restore.place import Place
from jira_backup_pipeline.engine.restore.place_changes import PlaceDifferences, amend_place
from jira_backup_pipeline.engine.restore.plan import RestorePlan, matches_for, source_fields
from jira_backup_pipeline.engine.restore.properties import restore_properties
from jira_backup_pipeline.engine.restore.quiet import quietly
from jira_backup_pipeline.engine.restore.ranks import restore_ranks
from jira_backup_pipeline.engine.restore.relations import (
    restore_links,
    restore_remote_links,
    restore_watchers,
)
from jira_backup_pipeline.engine.restore.safety import check_safety, check_site
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView, members_of
from jira_backup_pipeline.engine.restore.sprints import restore_sprints
from jira_backup_pipeline.engine.restore.stages import Restoration, record
from jira_backup_pipeline.engine.restore.statuses import restore_statuses
from jira_backup_pipeline.engine.restore.survey import needed_by, survey
from jira_backup_pipeline.engine.restore.target import (
    is_origin_of,
    probe_beyond,
    read_project,
    read_project_id,
    read_site,
)
from jira_backup_pipeline.engine.restore.temporary import through_temporary_workflow
from jira_backup_pipeline.engine.restore.texts import TextWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from jira_backup_pipeline.engine.ports import JiraWriter
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.configuration.noun import Bench
    from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.survey import Survey
    from jira_backup_pipeline.engine.restore.target import ProjectState, SiteState
    from jira_backup_pipeline.repository.repository import Repository

_STAGES = (
    ("attachments", restore_attachments),
    ("comments", restore_comments),
    ("worklogs", restore_worklogs),
    ("edits", edit_issues),
    ("sprints", restore_sprints),
    # After the sprints: who moves into one is ranked anew.
    ("ranks", restore_ranks),
    ("links", restore_links),
    ("remote links", restore_remote_links),
    ("watchers", restore_watchers),
    ("properties", restore_properties),
    # Last, because some workflows forbid changes to closed issues.
    ("statuses", restore_statuses),
)
_UPDATE_STAGES = frozenset({"edits", "statuses"})


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """What a restore did. `plan` is the one that was carried out: on a resume that of the run that began.

    `people` tells which accounts of the snapshot are active on the target, `fields` where its fields were written to, `found` which
    of the configuration (kind and id) was there already when it was its turn.
    """

    restore: str
    run: str
    plan: RestorePlan
    project_id: str
    id_map: IdMap
    failures: tuple[Failure, ...]
    adjustments: tuple[Adjustment, ...]
    requests: Mapping[str, int]
    is_resumed: bool = False
    people: Mapping[str, bool] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    found: frozenset[tuple[str, str]] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Give the outcome for `--json` and run records; ids, counts and reasons, never issue text."""
        found = Findings()
        for failure in self.failures:
            found.fail(failure)
        found.adjust(*self.adjustments)
        return {
            "restore": self.restore,
            "run": self.run,
            "plan_digest": self.plan.digest,
            "target_project": self.plan.target.key,
            "target_project_id": self.project_id,
            "is_resumed": self.is_resumed,
            "issues": len(self.id_map.issues),
            "id_map": self.id_map.to_json(),
            "requests": dict(self.requests),
            "requests_total": sum(self.requests.values()),
            **found.to_json(),
        }


def apply_plan(
    repository: Repository,
    plan: RestorePlan,
    writer: JiraWriter,
    *,
    run: str,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    resume: bool = False,
    confirm: str | None = None,
    options: ApplyOptions | None = None,
) -> RestoreOutcome:
    """Write what the plan says. Safe to call again with `resume` after any end: nothing is ever made twice.

    `run` names the run, and the restore when it begins here. With `resume` an unfinished restore of the same snapshot,
    target, selection and policy is continued, if there is one. `confirm` is the target project's key, typed out: needed for
    large restores and for updates of the source project.

    Raises:
        Refused: not confirmed, or an unfinished restore is to be begun anew.
        RestoreConflict: the target is not what the plan was made for.
        TransientError: Jira stayed away; what was done is in the journal.
    """
    options, progress = options or ApplyOptions(), progress or Silence()
    calls = Calls(writer, pace=IssuePace(options.issue_write_limits, played=options.pace_time))
    site = read_site(calls)
    check_site(plan, site)
    journal = Journal.unfinished(repository, scope=plan.scope, identity=plan.identity)
    if journal is not None:
        if not resume:
            message = (
                f"restore {journal.restore} of this snapshot into {plan.target.key} did not come to its end"
            )
            raise Refused(
                message, hint="Run again with --resume; it continues there and makes nothing twice."
            )
        plan = RestorePlan.from_json(journal.header["plan"])
    check_safety(plan, confirm)
    view = SnapshotView(repository, repository.load(plan.scope, plan.snapshot))
    if journal is None:
        _check_unchanged(calls, plan)
        header = {
            "run": run,
            "begun_at": to_iso(clock()),
            "plan": plan.to_json(),
            "has_head_line": options.has_head_line,
        }
        journal = Journal.begin(repository, run, scope=plan.scope, identity=plan.identity, header=header)
    # A restore that is continued goes on as it began, or half of its comments would differ.
    options = replace(options, has_head_line=journal.header.get("has_head_line", options.has_head_line))
    restoration, project, bench = _prepare(
        plan, view, calls, site, journal=journal, options=options, progress=progress
    )
    if _has_work(plan):
        quietly(restoration, lambda quiet: through_temporary_workflow(quiet, _carry_out))
    if plan.makes_configuration:
        make_the_rest(bench, journal, project.key)
        assign_schemes(bench, plan.configuration, journal, options.pause, AFTER_ISSUES)
    finished = RestoreOutcome(
        restore=journal.restore,
        run=run,
        plan=plan,
        project_id=project.id,
        id_map=restoration.id_map,
        failures=restoration.findings.failures,
        adjustments=restoration.findings.adjustments,
        requests=calls.requests,
        is_resumed=journal.is_resumed,
        people=restoration.matches.people.active,
        fields=restoration.matches.field_ids(),
        found=frozenset(bench.matched),
    )
    journal.end({"ended_at": to_iso(clock()), "run": run, "failures": len(finished.failures)})
    return finished


def _check_unchanged(calls: Calls, plan: RestorePlan) -> None:
    """Refuse when another restore wrote since the plan was made; its issues lie beyond the last number seen."""
    project = read_project(calls, plan.target.key) if plan.target.project_id is not None else None
    if project is None:
        return
    beyond, _ = probe_beyond(calls, project.key, plan.last_number)
    if any(is_origin_of(origin, repository_id=plan.repository_id, scope=plan.scope) for _, origin in beyond):
        message = f"another restore has written into {plan.target.key} since the plan was made"
        raise RestoreConflict(message, hint="Plan again; a plan is made for the target as it was read.")


def _map_projects(found: Survey, calls: Calls, id_map: IdMap) -> None:
    """Find the projects that fields name, also those that were lost and restored since and have another id."""
    for project_id, key in sorted(found.projects.items()):
        target = (
            read_project_id(calls, project_id, key) if id_map.get("project", project_id) is None else None
        )
        if target is not None and target != project_id:
            id_map.put("project", project_id, target)


def _has_work(plan: RestorePlan) -> bool:
    return bool(plan.creates or plan.updates)


def _prepare(
    plan: RestorePlan,
    view: SnapshotView,
    calls: Calls,
    site: SiteState,
    *,
    journal: Journal,
    options: ApplyOptions,
    progress: Progress,
) -> tuple[Restoration, ProjectState, Bench]:
    id_map, findings = IdMap(), Findings()
    for document in journal.maps:
        id_map.merge(document)
    for document in journal.findings:
        findings.merge(document)
    findings.take_changes()
    fields = source_fields(view, site, is_same_site=plan.target.is_same_site)
    touched = {*plan.creates, *plan.updates}
    # The plan settled who stands in for whom; people whom nothing but text mentions need no look.
    found = survey(view, touched, fields, is_whole=plan.selection.is_whole_project)
    is_new = plan.target.project_id is None
    needed = needed_by(view, found, fields, plan.selection.part)
    wanted = wanted_configuration(
        view,
        needed,
        plan.selection,
        project_id=plan.source.id,
        has_new_project=is_new,
        is_whole=plan.is_whole_update,
    )
    found.people |= wanted.people
    matches = matches_for(
        calls,
        site,
        None,
        fields,
        people=planned_people(calls, found.people, plan.accounts, plan.fallback_account),
        stand_ins=plan.stand_ins,
        sprints=found.sprints,
        is_same_site=plan.target.is_same_site,
    )
    if plan.target.is_same_site:
        _map_projects(found, calls, id_map)
    progress.stage("configuration", len(plan.configuration))
    bench = bench_for(
        wanted, matches, calls, id_map=id_map, findings=findings, is_update=plan.is_whole_update
    )
    if plan.target.project_id is not None:
        bench.need = as_planned(bench.need, plan.configuration)
    if plan.makes_configuration and make_definitions(bench, journal):
        matches = replace(matches, site=read_site(calls))
    progress.stage("project", None)
    place = Place(plan, view, calls, id_map=id_map, findings=findings)
    project = place.project(matches, is_resumed=journal.is_resumed, schemes=project_members(bench))
    bench.project_id = project.id
    assign_schemes(bench, plan.configuration, journal, options.pause)
    if plan.makes_configuration:
        make_contexts(bench, journal)
        make_boards(bench, journal, project.key)
    is_about_place = plan.selection.part is Part.CONFIGURATION or plan.changes_place
    if plan.target.project_id is None or touched or is_about_place:
        place.furnish(project, matches)
    if plan.changes_place:
        is_copy = plan.target.key != plan.source.key
        differences = PlaceDifferences(view, calls, matches, project.id, has_own_name=is_copy)
        amend_place(bench, plan, differences, journal)
    project = read_project(calls, plan.target.key) or project
    matches = replace(matches, project=project)
    _map_standing(plan, view, id_map)
    restoration = _restoration(
        plan,
        view,
        calls,
        matches,
        project,
        id_map=id_map,
        findings=findings,
        journal=journal,
        options=options,
        progress=progress,
    )
    restoration.destinations = found.destinations
    record(restoration, "place", [], {})
    return restoration, project, bench


def _restoration(
    plan: RestorePlan,
    view: SnapshotView,
    calls: Calls,
    matches: Matches,
    project: ProjectState,
    *,
    id_map: IdMap,
    findings: Findings,
    journal: Journal,
    options: ApplyOptions,
    progress: Progress,
) -> Restoration:
    texts = TextWriter(
        id_map,
        source_bases=source_bases(view, plan),
        target_base=plan.target.base_url,
        projects={**plan.elsewhere_projects, plan.source.key: plan.target.key},
        accounts=plan.accounts,
        keys=plan.elsewhere_keys,
    )
    values = ValueWriter(
        matches,
        id_map,
        texts,
        find_issue=lambda source_id: id_map.issue(source_id) or plan.standing.get(source_id),
    )
    is_quiet = bool(project.permissions & {"ADMINISTER", "ADMINISTER_PROJECTS"})
    return Restoration(
        plan=plan,
        view=view,
        calls=calls,
        journal=journal,
        id_map=id_map,
        findings=findings,
        matches=matches,
        texts=texts,
        values=values,
        interleaver=Interleaver(options.workers, pace=calls.pace),
        options=options,
        progress=progress,
        pause=options.pause,
        project_id=project.id,
        project_key=project.key,
        # Without administration the call as a whole would be refused, not just the silence.
        notify={"notifyUsers": "false"} if is_quiet else {},
    )


def source_bases(view: SnapshotView, plan: RestorePlan) -> tuple[str, ...]:
    """Give the addresses under which the source site appears in its own texts."""
    project = next(iter(view.rows("project")), None)
    own = members_of(project).get("self") if project is not None else None
    bases = [site_base(own)] if isinstance(own, str) else []
    if plan.target.is_same_site:
        bases.append(plan.target.base_url)
    return tuple(dict.fromkeys(bases))


def _map_standing(plan: RestorePlan, view: SnapshotView, id_map: IdMap) -> None:
    """Put issues that are updated or left alone into the map: text and links find them like the created ones."""
    present = {**plan.skips, **plan.updates}
    if present:
        for head in view.heads():
            if head.id in present and id_map.issue(head.id) is None:
                id_map.put_issue(head.id, head.key, present[head.id])


def _carry_out(restoration: Restoration) -> None:
    plan, progress = restoration.plan, restoration.progress
    progress.stage("issues", len(plan.creates))
    IssueCreator(restoration, last_number=plan.last_number).create(restoration.view.heads())
    restoration.texts.renew()
    written = len(restoration.written_issues)
    totals = {step.stage: step.count for step in plan.steps}
    wanted = STAGES_OF_PART.get(plan.selection.part)
    for name, stage in _STAGES:
        if wanted is not None and name not in wanted:
            continue
        progress.stage(name, written if name in _UPDATE_STAGES else totals.get(name))
        stage(restoration)
