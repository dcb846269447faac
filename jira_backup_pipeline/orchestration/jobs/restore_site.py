"""The job that brings several projects back, or the whole site: plan all, then restore one after the other.

What belongs here: the described launchpad fields, the two ops, plans and the roll-up as readable metadata.

What stays out: which snapshots a site means (`engine.restore.site_snapshots`), the restores and their roll-up
(`engine.restore.several`), and the restore of one project with all its choices (`jobs.restore`).

See https://docs.dagster.io/guides/operate/run-configuration
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from jira_backup_pipeline.domain.errors import ConfigurationError, Refused
from jira_backup_pipeline.domain.manifest import Manifest
from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.restore.plan import Policy
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.engine.restore.several import (
    ProjectRestore,
    SeveralRestores,
    plan_several,
    restore_several,
)
from jira_backup_pipeline.engine.restore.site_snapshots import site_snapshots
from jira_backup_pipeline.mapping_file import read_mapping
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.jobs.backup import EXECUTOR
from jira_backup_pipeline.orchestration.jobs.restore import chosen_snapshot, moment_of
from jira_backup_pipeline.orchestration.metadata import Metadata
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now
from jira_backup_pipeline.orchestration.run_memory import RUN_MEMORY
from jira_backup_pipeline.repository.repository import Repository
from jira_backup_pipeline.settings import Need


class RestoreSiteConfig(dg.Config):
    """What is brought back, from which snapshots."""

    projects: list[str] = Field(
        default=[],
        description="Keys or ids of the projects to bring back. Empty: every project of the site's snapshot.",
    )
    snapshot: str = Field(
        default="latest",
        description=(
            "`latest`, or a moment such as 2026-01-31T08:00Z for the newest snapshots before it; without projects also the "
            'number of a snapshot of the site in quotes, such as "12". `latest` never takes a doubtful one.'
        ),
    )
    where: str = Field(
        default="",
        description="Only issues for which this SQL condition holds on their snapshot's tables. Empty: no condition.",
    )
    only_deleted: bool = Field(
        default=False, description="Only issues that are in the snapshots and no longer in Jira."
    )
    part: Literal["everything", "attachments", "configuration"] = Field(
        default="everything",
        description="everything; or only missing attachments; or only what surrounds the issues.",
    )
    mapping_file: str = Field(
        default="",
        description="Path of a TOML or JSON file that says who and what stands in on the target. Empty: none.",
    )
    policy: Literal["skip", "update", "copy"] = Field(
        default="skip", description="What happens to issues that are there already, as in restore_job."
    )
    dry_run: bool = Field(
        default=True,
        description="true: only plan, nothing is written; read the plans in the run's events. false: write.",
    )
    confirm: list[str] = Field(
        default=[],
        description="For a real restore: repeat the key of every project that is written to, so that no slip writes.",
    )


@dg.op(
    out={
        "plans": dg.Out(dg.Nothing, description="The plans and their roll-up, as metadata of this output."),
        "approved_plans": dg.Out(
            SeveralRestores,
            is_required=False,
            io_manager_key=RUN_MEMORY,
            description="The plans to carry out; absent in a dry run.",
        ),
    },
    description="Read snapshots and target and plan every project; writes nothing.",
)
def plan_restores(
    context: dg.OpExecutionContext, config: RestoreSiteConfig, workplace: BackupWorkplace
) -> Iterator[dg.Output[SeveralRestores | None]]:
    """Make the plans and show them; hand them on only when this is not a dry run."""
    with explained():
        planned = _plan(context, config, workplace)
        if not config.dry_run:
            require_confirmations(planned, config.confirm)
    yield dg.Output(None, "plans", metadata=_metadata(planned))
    if config.dry_run:
        context.log.info(
            "dry run: nothing was written; set dry_run to false and confirm to the keys to restore"
        )
    else:
        yield dg.Output(planned, "approved_plans")


@dg.op(
    out=dg.Out(dg.Nothing),
    description="Carry out every plan and prove it; a project that fails stops no other. A second run goes on where it stopped.",
)
def apply_restores(
    context: dg.OpExecutionContext,
    config: RestoreSiteConfig,
    workplace: BackupWorkplace,
    approved_plans: SeveralRestores,
) -> dg.Output[None]:
    """Restore project after project; fail at the end when not everything came back."""
    with explained(), workplace.target() as writer, workplace.target_reader() as reader:
        result = restore_several(
            workplace.repository(),
            approved_plans,
            writer,
            reader,
            new_run=partial(new_run_id, now),
            clock=now,
            progress=RunLog(context.log.info),
            resume=True,
            confirm=config.confirm,
        )
    if result.exit_code:
        raise dg.Failure(
            "not every project came back as it should\n"
            "HINT: Read the roll-up in restores; run the job again to finish what failed, it makes nothing twice.",
            metadata=_metadata(result),
            allow_retries=False,
        )
    return dg.Output(None, metadata=_metadata(result))


@dg.config_mapping
def one_config_for_both(config: RestoreSiteConfig) -> dg.RunConfig:
    """Let the launchpad show the fields themselves instead of one copy per op."""
    return dg.RunConfig(ops={"plan_restores": config, "apply_restores": config})


@dg.job(
    config=one_config_for_both,
    executor_def=EXECUTOR,
    tags={"dagster/priority": "10"},
    description=(
        "Bring back several projects, or every project of the site's newest snapshot. As it stands it only plans: launch it and "
        "read the plans in the metadata of `plan_restores`. To write, set `dry_run: false` and list the key of every project "
        "that is written to under `confirm`. Each project has its own plan, journal and report."
    ),
)
def restore_site_job() -> None:
    """Plan all, restore and prove one after the other."""
    _, approved_plans = plan_restores()
    apply_restores(approved_plans)


def _plan(
    context: dg.OpExecutionContext, config: RestoreSiteConfig, workplace: BackupWorkplace
) -> SeveralRestores:
    workplace.preflight(Need.REPOSITORY, Need.IDENTITY, Need.RESTORE_JIRA)
    repository = workplace.repository()
    stand_ins = read_mapping(Path(config.mapping_file)) if config.mapping_file else None
    manifests, more = _snapshots(repository, config)
    with workplace.target() as writer:
        return plan_several(
            repository,
            manifests,
            writer,
            clock=now,
            progress=RunLog(context.log.info),
            selection=Selection(
                (), config.only_deleted, config.where.strip(), Part(config.part), is_site=not config.projects
            ),
            policy=Policy(config.policy),
            stand_ins=stand_ins,
            **more,
        )


def _snapshots(repository: Repository, config: RestoreSiteConfig) -> tuple[list[Manifest], dict[str, Any]]:
    if len(config.projects) > 1 and config.snapshot.strip().isdecimal():
        message = "a number names a snapshot of a single project, and several were named"
        raise ConfigurationError(
            message, hint="Give a moment, or name no project: then it is a snapshot of the site."
        )
    if config.projects:
        scopes = dict.fromkeys(repository.find_scope(name) for name in config.projects)
        return [chosen_snapshot(repository, scope, config.snapshot) for scope in scopes], {}
    text = config.snapshot.strip()
    number = int(text) if text.isdecimal() else None
    as_of = None if number or text == "latest" else moment_of(text)
    site = site_snapshots(repository, number=number, as_of=as_of)
    failed = [ProjectRestore(name, scope, None, error=error) for name, (scope, error) in site.errors.items()]
    return site.projects, {"failed": failed, "notes": site.notes}


def require_confirmations(planned: SeveralRestores, confirm: list[str]) -> None:
    """Refuse to write unless the key of every project that is written to was typed out: the UI has no login.

    Raises:
        Refused: one is missing.
    """
    missing = [
        plan.target.key for plan in planned.plans if plan.target.key not in confirm and not plan.blocking
    ]
    if missing:
        message = f"a restore into {', '.join(missing)} was not confirmed"
        raise Refused(message, hint="List the key of every project under confirm, or set dry_run to true.")


def _metadata(result: SeveralRestores) -> Metadata:
    plans = {f"plan of {plan.source.key}": dg.MetadataValue.md(plan.to_markdown()) for plan in result.plans}
    reports = {
        f"fidelity of {project.name}": dg.MetadataValue.md(project.result.report.to_markdown())
        for project in result.projects
        if project.result is not None and project.result.report is not None
    }
    return {"restores": dg.MetadataValue.md(result.to_markdown()), **plans, **reports}
