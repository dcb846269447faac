"""The job that brings things back: plan, apply, prove; a dry run unless it is told otherwise.

What belongs here: the described launchpad fields, the three ops, and the plan and the report as readable metadata. The
job is not partitioned, because the restore that matters most is of a project that no longer exists.

What stays out: planning, writing and comparing (`engine.restore`).

See https://docs.dagster.io/guides/operate/run-configuration
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field

from jira_backup_pipeline.domain.errors import Refused, UnknownName
from jira_backup_pipeline.domain.manifest import Manifest
from jira_backup_pipeline.domain.times import parse_instant, to_iso
from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.restore.apply import RestoreOutcome, apply_plan
from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.plan import Policy, RestorePlan, RestoreTarget, make_plan
from jira_backup_pipeline.engine.restore.prove import prove
from jira_backup_pipeline.engine.restore.report import FidelityReport
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.mapping_file import read_mapping
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.jobs.backup import EXECUTOR
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now
from jira_backup_pipeline.orchestration.restore_metadata import plan_metadata, report_metadata, report_verdict
from jira_backup_pipeline.orchestration.run_memory import RUN_MEMORY
from jira_backup_pipeline.repository.repository import Repository
from jira_backup_pipeline.settings import Need


class RestoreConfig(dg.Config):
    """What is brought back, from which snapshot, to where."""

    source_project: str = Field(
        description="The project to bring back: its key, a key it once had, or its numeric id."
    )
    snapshot: str = Field(
        default="latest",
        description=(
            'Which snapshot: `latest`, a number in quotes such as "12", or a moment such as 2026-01-31T08:00Z for the newest '
            "one before it. `latest` never takes a doubtful one."
        ),
    )
    issue_keys: list[str] = Field(
        default=[], description="Only these issues, such as [ABC-1, ABC-7]. Empty: the whole project."
    )
    only_deleted: bool = Field(
        default=False, description="Only issues that are in the snapshot and no longer in Jira."
    )
    where: str = Field(
        default="",
        description=(
            "Only issues for which this SQL condition holds on the snapshot's tables, such as status = 'Done' AND updated < "
            "'2026-01-31'. Empty: no condition."
        ),
    )
    part: Literal["everything", "attachments", "configuration"] = Field(
        default="everything",
        description=(
            "everything: issues with all that hangs on them, and the project around them. attachments: only missing files, onto "
            "issues that are there. configuration: only what surrounds the issues."
        ),
    )
    target_project: str = Field(
        default="",
        description="Key of the project to write to; it is created if absent. Empty: the same key.",
    )
    mapping_file: str = Field(
        default="",
        description=(
            "Path of a TOML or JSON file, on the machine that runs the job, that says who and what stands in on the target for "
            "people, fields, issue types, statuses and the like. Empty: matched by id, name and e-mail address alone."
        ),
    )
    policy: Literal["skip", "update", "copy"] = Field(
        default="skip",
        description=(
            "What happens to an issue that is there already. skip: leave it alone. update: write the snapshot's values over it. "
            "copy: make a second issue beside it."
        ),
    )
    head_line: bool = Field(
        default=True,
        description="Put the original author and date in a line at the head of each restored comment.",
    )
    dry_run: bool = Field(
        default=True,
        description="true: only plan, nothing is written; read the plan in the run's events. false: write.",
    )
    confirm: str = Field(
        default="",
        description="For a real restore: repeat the key of the target project, so that no slip writes.",
    )


@dg.op(
    out={
        "plan": dg.Out(
            dg.Nothing,
            description="The plan, as metadata of this output: what would be written, what cannot be.",
        ),
        "approved_plan": dg.Out(
            RestorePlan,
            is_required=False,
            io_manager_key=RUN_MEMORY,
            description="The plan to carry out; absent in a dry run.",
        ),
    },
    description="Read snapshot and target and plan every step; writes nothing.",
)
def plan_restore(
    context: dg.OpExecutionContext, config: RestoreConfig, workplace: BackupWorkplace
) -> Iterator[dg.Output[RestorePlan | None]]:
    """Make the plan and show it; hand it on only when this is not a dry run."""
    with explained():
        plan = _plan(context, config, workplace)
        if not config.dry_run:
            require_confirmation(plan.target.key, config.confirm)
    yield dg.Output(None, "plan", metadata=plan_metadata(plan))
    if config.dry_run:
        context.log.info(
            "dry run: nothing was written; set dry_run to false and confirm to the target's key to restore"
        )
    else:
        yield dg.Output(plan, "approved_plan")


@dg.op(
    out=dg.Out(RestoreOutcome, io_manager_key=RUN_MEMORY),
    description="Write what the plan says; a second run goes on where the first one stopped, nothing is made twice.",
)
def apply_restore(
    context: dg.OpExecutionContext,
    config: RestoreConfig,
    workplace: BackupWorkplace,
    approved_plan: RestorePlan,
) -> RestoreOutcome:
    """Carry out the plan."""
    with explained(), workplace.target() as writer:
        return apply_plan(
            workplace.repository(),
            approved_plan,
            writer,
            run=new_run_id(now),
            clock=now,
            progress=RunLog(context.log.info),
            resume=True,
            confirm=config.confirm or None,
            options=ApplyOptions(has_head_line=config.head_line),
        )


@dg.op(
    out=dg.Out(dg.Nothing),
    description="Read the target back and compare it with the snapshot; fails when something came back wrong.",
)
def prove_restore(
    context: dg.OpExecutionContext, workplace: BackupWorkplace, outcome: RestoreOutcome
) -> dg.Output[None]:
    """Make the fidelity report and show it."""
    with explained(), workplace.target_reader() as reader:
        report = prove(
            workplace.repository(),
            # A resumed restore carried out the plan of the run that began it.
            outcome.plan,
            outcome,
            reader,
            clock=now,
            progress=RunLog(context.log.info),
        )
    return proven(report)


def proven(report: FidelityReport) -> dg.Output[None]:
    """Show a report; the job is green exactly when nothing in it is wrong.

    Raises:
        dg.Failure: something came back wrong; the report goes with it.
    """
    metadata = report_metadata(report)
    if report.exit_code:
        raise dg.Failure(report_verdict(report), metadata=metadata, allow_retries=False)
    return dg.Output(None, metadata=metadata)


@dg.config_mapping
def one_config_for_all(config: RestoreConfig) -> dg.RunConfig:
    """Let the launchpad show the fields themselves instead of one copy per op."""
    return dg.RunConfig(ops={"plan_restore": config, "apply_restore": config})


@dg.job(
    config=one_config_for_all,
    executor_def=EXECUTOR,
    tags={"dagster/priority": "10"},
    description=(
        "Bring back a project or some issues. As it stands it only plans: launch it, open the run, and read the plan in the "
        "metadata of `plan_restore`. To write, set `dry_run: false` and `confirm` to the target project's key. It ends with a "
        "fidelity report, read back from Jira. Anybody who can open this page can launch it: Dagster has no login of its own."
    ),
)
def restore_job() -> None:
    """Plan, apply, prove."""
    _, approved_plan = plan_restore()
    prove_restore(apply_restore(approved_plan))


def _plan(context: dg.OpExecutionContext, config: RestoreConfig, workplace: BackupWorkplace) -> RestorePlan:
    workplace.preflight(Need.REPOSITORY, Need.IDENTITY, Need.RESTORE_JIRA)
    repository = workplace.repository()
    manifest = chosen_snapshot(repository, repository.find_scope(config.source_project), config.snapshot)
    context.log.info(
        "snapshot %s of %s, captured %s", manifest.number, manifest.scope, to_iso(manifest.captured_at)
    )
    with workplace.target() as writer:
        return make_plan(
            repository,
            manifest,
            writer,
            selection=Selection(
                issue_keys=tuple(config.issue_keys),
                only_deleted=config.only_deleted,
                where=config.where.strip(),
                part=Part(config.part),
            ),
            target=RestoreTarget(project_key=config.target_project or None),
            policy=Policy(config.policy),
            stand_ins=read_mapping(Path(config.mapping_file)) if config.mapping_file else None,
            progress=RunLog(context.log.info),
        )


def chosen_snapshot(repository: Repository, scope: str, wanted: str) -> Manifest:
    """Find the snapshot that the launchpad names: `latest`, a number, or the newest one before a moment.

    Raises:
        UnknownName: there is no such snapshot.
    """
    text = wanted.strip()
    if text.isdigit():
        return repository.load(scope, int(text))
    manifest = repository.latest(scope, as_of=None if text == "latest" else moment_of(text))
    if manifest is None:
        message = f"scope {scope} has no restorable snapshot for {text!r}"
        raise UnknownName(
            message, hint="See the materializations of jira/snapshot, or `jira-backup snapshots`."
        )
    return manifest


def require_confirmation(target_key: str, confirm: str) -> None:
    """Refuse to write unless the target project's key was typed out: the UI has no login and a slip is one click."""
    if confirm.strip() != target_key:
        message = f"a restore into project {target_key} was not confirmed: confirm is {confirm!r}"
        raise Refused(message, hint=f"Set confirm to {target_key}, or dry_run to true.")


def moment_of(text: str) -> datetime:
    """Read a moment from the launchpad.

    Raises:
        UnknownName: it is none.
    """
    try:
        return parse_instant(text)
    except ValueError:
        message = f"not a snapshot: {text!r}"
        hint = 'Use latest, a number in quotes such as "12", or a moment such as 2026-01-31T08:00Z.'
        raise UnknownName(message, hint=hint) from None
