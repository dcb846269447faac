"""The job that rehearses recovery.

What belongs here: its configuration, its one op, and reporting the check that follows from it.

What stays out: the rehearsal (`engine.drill`), the local site (`rehearsal`), the check's judgement (`orchestration.drills`).
"""

from functools import partial

import dagster as dg
from pydantic import Field

from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Manifest
from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.drill import DrillResult, drill
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS
from jira_backup_pipeline.orchestration.checks import evaluation_of
from jira_backup_pipeline.orchestration.drills import drilled_result
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.jobs.backup import EXECUTOR
from jira_backup_pipeline.orchestration.metadata import Metadata
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now
from jira_backup_pipeline.rehearsal import fresh_site
from jira_backup_pipeline.repository.repository import Repository


class DrillConfig(dg.Config):
    """Which projects' recovery is rehearsed."""

    projects: list[str] = Field(
        default=[], description="Project keys or ids. Empty: every project that has a restorable snapshot."
    )


@dg.op(
    out=dg.Out(dg.Nothing),
    description="Restore each project's newest snapshot into a fresh local Jira and prove it; fails when something is missing.",
)
def rehearse_recovery(
    context: dg.OpExecutionContext, config: DrillConfig, workplace: BackupWorkplace
) -> dg.Output[None]:
    """Rehearse, report the check over all projects, and fail when not everything came back."""
    with explained():
        repository = workplace.repository()
        result = drill(
            repository,
            _newest(repository, config.projects),
            partial(fresh_site, email=workplace.backup_email()),
            new_run=partial(new_run_id, now),
            clock=now,
            progress=RunLog(context.log.info),
        )
        check = drilled_result(repository, now())
    context.instance.report_runless_asset_event(evaluation_of(check, DISCOVERED_PROJECTS))
    if result.exit_code:
        raise dg.Failure(_verdict(result), metadata=_metadata(result), allow_retries=False)
    return dg.Output(None, metadata=_metadata(result))


@dg.config_mapping
def drill_config(config: DrillConfig) -> dg.RunConfig:
    """Let the launchpad show the fields themselves."""
    return dg.RunConfig(ops={"rehearse_recovery": config})


@dg.job(
    config=drill_config,
    executor_def=EXECUTOR,
    tags={"dagster/priority": "-1"},
    description=(
        "Rehearse recovery: each project's newest snapshot is restored into a fresh local Jira, a program of its own on this "
        "machine, and read back. No Jira of yours is contacted. The check `drilled` shows age and result."
    ),
)
def drill_job() -> None:
    """Rehearse recovery."""
    rehearse_recovery()


def _newest(repository: Repository, names: list[str]) -> list[Manifest]:
    scopes = [repository.find_scope(name) for name in names] or repository.scopes()
    found = [repository.latest(scope) for scope in dict.fromkeys(scopes) if scope != SITE_SCOPE]
    return [manifest for manifest in found if manifest is not None]


def _metadata(result: DrillResult) -> Metadata:
    return {
        "rehearsals": dg.MetadataValue.md(result.to_markdown()),
        "projects": dg.MetadataValue.int(len(result.drills)),
        "proven": dg.MetadataValue.int(sum(found.is_proven for found in result.drills)),
        "seconds": dg.MetadataValue.float(round(sum(found.duration_seconds for found in result.drills), 3)),
    }


def _verdict(result: DrillResult) -> str:
    failed = [found.project for found in result.drills if not found.is_proven]
    return (
        f"{len(failed)} of {len(result.drills)} projects did not come back whole: {', '.join(failed[:10])}\n"
        "HINT: Read the table in rehearsals; `jira-backup drill --project KEY --json` gives the whole report of one."
    )
