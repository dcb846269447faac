"""The backup of one project: one reading of Jira, many tables, one committed snapshot.

What belongs here: the multi-asset whose partition is a project, and its launchpad configuration.

What stays out: what is read and how it is committed (`engine.capture`), the shape of results (`assets.results`).

See https://docs.dagster.io/guides/build/assets/defining-assets#multi-asset
"""

from collections.abc import Iterator
from contextlib import closing

import dagster as dg
from pydantic import Field

from jira_backup_pipeline.engine.backup import find_projects, new_run_id
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.capture.searches import share_searches
from jira_backup_pipeline.engine.estimate import announce
from jira_backup_pipeline.engine.outcomes import CaptureOutcome
from jira_backup_pipeline.engine.ports import JiraReader, ListedProject
from jira_backup_pipeline.orchestration.assets.results import record_run, results_of
from jira_backup_pipeline.orchestration.assets.specs import JIRA_POOL, PROJECT_KINDS, SNAPSHOT, project_specs
from jira_backup_pipeline.orchestration.checks import in_run_results, in_run_specs
from jira_backup_pipeline.orchestration.failures import RETRY_TRANSIENT, explained
from jira_backup_pipeline.orchestration.partitions import jira_project
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now, runs_at_once
from jira_backup_pipeline.settings import Need


class BackupConfig(dg.Config):
    """How one backup reads Jira."""

    full: bool = Field(
        default=False,
        description=(
            "Read every issue again instead of those that changed since the last snapshot. Slower, and not needed every "
            "night: a thirtieth of all issues is read again by each run anyway."
        ),
    )
    accept_missing: bool = Field(
        default=False,
        description=(
            "Somebody has looked into Jira: so many issues are really gone, and this backup is not doubtful because of it."
        ),
    )


@dg.multi_asset(
    name="project_backup",
    specs=project_specs(),
    check_specs=in_run_specs(SNAPSHOT, jira_project),
    partitions_def=jira_project,
    can_subset=False,
    pool=JIRA_POOL,
    retry_policy=RETRY_TRANSIENT,
)
def project_backup(
    context: dg.AssetExecutionContext, config: BackupConfig, workplace: BackupWorkplace
) -> Iterator[dg.MaterializeResult[None]]:
    """Read one project of Jira and commit its snapshot; results appear only after the commit."""
    with explained():
        outcome = _capture(context, workplace, config)
        checks = in_run_results(outcome, workplace)
        uri = workplace.settings().repository_uri()
    yield from results_of(outcome, kinds=PROJECT_KINDS, snapshot=SNAPSHOT, repository_uri=uri, checks=checks)


def _capture(
    context: dg.AssetExecutionContext, workplace: BackupWorkplace, config: BackupConfig
) -> CaptureOutcome:
    workplace.preflight(Need.JIRA, Need.REPOSITORY, Need.IDENTITY)
    repository, run = workplace.repository(), new_run_id(now)
    options = workplace.capture_options(is_full=config.full, accepts_disappearance=config.accept_missing)
    with (
        workplace.reader(share_of=runs_at_once(context.instance, JIRA_POOL)) as reader,
        closing(RunLog(context.log.info)) as log,
    ):
        project = _find(reader, context)
        announce(log, repository, reader, [project], with_site=False, options=options, now=now())
        share_searches(repository, reader, project, options=options, clock=now)
        outcome = capture_project(
            repository, reader, project, options=options, run=run, clock=now, progress=log
        )
    record_run(repository, run, outcome, dagster_run=context.run.run_id)
    return outcome


def _find(reader: JiraReader, context: dg.AssetExecutionContext) -> ListedProject:
    [project] = find_projects(reader, [context.partition_key])
    if project.identity.key != context.partition_key:
        context.log.warning(
            "project %s is called %s now; it is backed up all the same",
            context.partition_key,
            project.identity.key,
        )
    return project
