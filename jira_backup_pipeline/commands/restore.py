"""The verb `restore`: plan what would come back, and with `--apply` bring it back and prove it.

What belongs here: options and presentation. What stays out: planning, writing, proving and their safety (`engine.restore`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.commands.sql import Moment, find_snapshot
from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.restore.planned import Policy, RestoreTarget, Selection
from jira_backup_pipeline.engine.restore.verb import RestoreResult, plan_restore
from jira_backup_pipeline.engine.restore.verb import restore as carry_out
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import open_jira_reader, open_jira_writer, open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.terminal import Terminal


@click.command()
@click.option(
    "--project", required=True, metavar="K", help="The project's id, its key, or a key it once had."
)
@click.option(
    "--snapshot", "number", type=int, help="The snapshot's number; without it the newest complete one."
)
@click.option(
    "--as-of", type=Moment(), help="The newest snapshot not later than this time (UTC without an offset)."
)
@click.option(
    "--issue", "issues", multiple=True, metavar="K", help="Only this issue, by key or id; may be repeated."
)
@click.option(
    "--only-deleted", is_flag=True, help="Only issues that are in the snapshot and no longer in Jira."
)
@click.option(
    "--target-project", metavar="K", help="Restore into this project; made if absent. Default: the same key."
)
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in Policy]),
    default=Policy.SKIP.value,
    show_default=True,
    help="What happens to issues that are there already: skip them, update them, or make a copy beside them.",
)
@click.option(
    "--apply", "is_real", is_flag=True, help="Write. Without it nothing is written: the plan is shown."
)
@click.option(
    "--confirm", metavar="K", help="The target project's key, typed out, where a restore asks for it."
)
@click.option("--resume", is_flag=True, help="Go on with a restore that did not come to its end.")
@json_option
@click.pass_obj
def restore(  # noqa: PLR0917 - click passes options by name
    session: Session,
    project: str,
    number: int | None,
    as_of: datetime | None,
    issues: tuple[str, ...],
    only_deleted: bool,  # noqa: FBT001 - as above
    target_project: str | None,
    policy: str,
    is_real: bool,  # noqa: FBT001 - as above
    confirm: str | None,
    resume: bool,  # noqa: FBT001 - as above
) -> int:
    """Plan a restore; with --apply carry it out, read the target back and report what came back how.

    The target is the site of RESTORE_JIRA_BASE_URL, RESTORE_JIRA_EMAIL and RESTORE_JIRA_API_TOKEN; what these leave open is
    taken from the source site.
    """
    if not is_real and (confirm or resume):
        message = "--confirm and --resume have a meaning with --apply only"
        raise ConfigurationError(message, hint="Add --apply to write, or leave them out to plan.")
    settings, terminal = session.settings, session.terminal
    settings.require(Need.RESTORE_JIRA, Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(settings)
    manifest = find_snapshot(repository, project, number, as_of)
    writer = open_jira_writer(settings)
    with terminal.progress() as progress:
        result = plan_restore(
            repository,
            manifest,
            writer,
            selection=Selection(issues, only_deleted),
            target=RestoreTarget(target_project),
            policy=Policy(policy),
            clock=_now,
            progress=progress,
        )
        if is_real:
            result = carry_out(
                repository,
                result.plan,
                writer,
                open_jira_reader(settings, target=True),
                run=new_run_id(_now),
                clock=_now,
                progress=progress,
                resume=resume,
                confirm=confirm,
            )
    _present(terminal, result)
    return result.exit_code


def _present(terminal: Terminal, result: RestoreResult) -> None:
    if terminal.is_json:
        terminal.document(result.to_json())
        return
    terminal.markdown(result.plan.to_markdown())
    if result.report is not None:
        terminal.markdown(result.report.to_markdown())
    elif not result.plan.blocking:
        terminal.note("nothing was written: this is the plan. Add --apply to carry it out.")


def _now() -> datetime:
    return datetime.now(UTC)
