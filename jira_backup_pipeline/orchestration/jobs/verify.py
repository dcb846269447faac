"""The job that proves stored snapshots.

What belongs here: its configuration, its one op, and the check result that follows from it.

What stays out: the verification itself (`engine.verify`).
"""

from typing import Literal

import dagster as dg
from pydantic import Field

from jira_backup_pipeline.engine.verify import VerifyLevel, VerifyReport, verify
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS
from jira_backup_pipeline.orchestration.checks import (
    EVERY_VERIFIED,
    evaluation_of,
    findings_metadata,
    intact_verdict,
    verified_result,
)
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.jobs.backup import EXECUTOR
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.orchestration.resources import BackupWorkplace


class VerifyConfig(dg.Config):
    """How deep to look, and at what."""

    level: Literal["list", "hash", "decrypt"] = Field(
        default="hash",
        description=(
            "list: every object is there with its size. hash: its stored bytes have their digest (reads everything). "
            "decrypt: it opens with the keys and holds what was written."
        ),
    )
    projects: list[str] = Field(
        default=[],
        description="Project keys or ids, or `site`. Empty: everything in the repository.",
    )
    newest_only: bool = Field(
        default=False, description="Look at the newest snapshot of each project instead of at all of them."
    )


@dg.op(
    out=dg.Out(dg.Nothing),
    description="Look at every object that the snapshots rest on; fails when something is wrong.",
)
def verify_snapshots(
    context: dg.OpExecutionContext, config: VerifyConfig, workplace: BackupWorkplace
) -> dg.Output[None]:
    """Verify, report a whole look as the check of all projects, and fail when something is wrong."""
    with explained():
        repository = workplace.repository()
        report = verify(
            repository,
            scopes=[repository.find_scope(name) for name in config.projects] or None,
            level=VerifyLevel(config.level),
            newest_only=config.newest_only,
            progress=RunLog(context.log.info),
        )
    if _is_whole(config):
        check = verified_result(EVERY_VERIFIED, report)
        context.instance.report_runless_asset_event(evaluation_of(check, DISCOVERED_PROJECTS))
    if not report.is_intact:
        raise _failure(report)
    return dg.Output(None, metadata=findings_metadata(report))


@dg.config_mapping
def verify_config(config: VerifyConfig) -> dg.RunConfig:
    """Let the launchpad show the fields themselves."""
    return dg.RunConfig(ops={"verify_snapshots": config})


@dg.job(
    config=verify_config,
    executor_def=EXECUTOR,
    tags={"dagster/priority": "1"},
    description=(
        "Prove that what is stored is still what was written: nothing missing, nothing changed, nothing rolled back. "
        "Reads the repository only."
    ),
)
def verify_job() -> None:
    """Verify snapshots."""
    verify_snapshots()


def _is_whole(config: VerifyConfig) -> bool:
    """Tell whether the look was as wide and deep as the roll-up check promises; a lesser look must not clear it."""
    return (
        not config.projects and not config.newest_only and VerifyLevel(config.level) is not VerifyLevel.LIST
    )


def _failure(report: VerifyReport) -> dg.Failure:
    verdict = intact_verdict(report)
    return dg.Failure(
        description=f"{verdict.reason}\nHINT: {verdict.remedy}",
        metadata=findings_metadata(report),
        allow_retries=False,
    )
