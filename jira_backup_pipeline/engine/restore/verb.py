"""The verb restore as the command line and Dagster call it: plan, and on request apply and prove.

What belongs here: the order of the three and their joint result.

What stays out: everything they do (`plan`, `apply`, `prove`) and how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import ExitCode
from jira_backup_pipeline.engine.restore.apply import RestoreOutcome, apply_plan
from jira_backup_pipeline.engine.restore.plan import Policy, RestorePlan, RestoreTarget, Selection, make_plan
from jira_backup_pipeline.engine.restore.prove import prove

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.ports import JiraReader, JiraWriter
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.options import ApplyOptions
    from jira_backup_pipeline.engine.restore.report import FidelityReport
    from jira_backup_pipeline.engine.restore.stand_ins import StandIns
    from jira_backup_pipeline.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What the verb came to: a plan alone, or also what was done and how faithful it is."""

    plan: RestorePlan
    outcome: RestoreOutcome | None = None
    report: FidelityReport | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Give 3 when something came back wrong or not at all; a plan that something blocks is a 4."""
        if self.outcome is None:
            return ExitCode.REFUSED if self.plan.blocking else ExitCode.DONE
        return self.report.exit_code if self.report is not None else ExitCode.DONE

    def to_json(self) -> dict[str, Any]:
        """Give the result for `--json`."""
        return {
            "exit_code": int(self.exit_code),
            "plan": {
                **self.plan.to_json(),
                "requests": self.plan.requests,
                "duration_seconds": self.plan.duration_seconds,
            },
            "outcome": self.outcome.to_json() if self.outcome is not None else None,
            "report": self.report.to_json() if self.report is not None else None,
        }


def plan_restore(
    repository: Repository,
    manifest: Manifest,
    writer: JiraWriter,
    *,
    selection: Selection | None = None,
    target: RestoreTarget | None = None,
    policy: Policy = Policy.SKIP,
    stand_ins: StandIns | None = None,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> RestoreResult:
    """Plan only, which is what the verb does unless told otherwise."""
    plan = make_plan(
        repository,
        manifest,
        writer,
        selection=selection,
        target=target,
        policy=policy,
        stand_ins=stand_ins,
        clock=clock,
        progress=progress,
    )
    return RestoreResult(plan)


def restore(
    repository: Repository,
    plan: RestorePlan,
    writer: JiraWriter,
    reader: JiraReader,
    *,
    run: str,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    resume: bool = False,
    confirm: str | None = None,
    options: ApplyOptions | None = None,
) -> RestoreResult:
    """Carry out a plan and prove what came back; `reader` reads the same site that `writer` writes to."""
    outcome = apply_plan(
        repository,
        plan,
        writer,
        run=run,
        clock=clock,
        progress=progress,
        resume=resume,
        confirm=confirm,
        options=options,
    )
    report = prove(repository, outcome.plan, outcome, reader, clock=clock, progress=progress)
    return RestoreResult(outcome.plan, outcome, report)
