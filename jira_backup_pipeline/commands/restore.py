"""The verb `restore`: plan what would come back, and with `--apply` bring it back and prove it.

What belongs here: options and presentation. What stays out: planning, writing, proving and their safety (`engine.restore`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.commands.sql import Moment, SnapshotNumber, check_one_snapshot, find_snapshot
from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.planned import Policy, RestoreTarget
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.engine.restore.several import ProjectRestore, plan_several, restore_several
from jira_backup_pipeline.engine.restore.site_snapshots import site_snapshots
from jira_backup_pipeline.engine.restore.verb import plan_restore
from jira_backup_pipeline.engine.restore.verb import restore as carry_out
from jira_backup_pipeline.mapping_file import read_mapping
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import open_jira_reader, open_jira_writer, open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.restore.several import SeveralRestores
    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as they were given."""

    projects: tuple[str, ...]
    site: bool
    number: int | None
    as_of: datetime | None
    issues: tuple[str, ...]
    where: str | None
    only_deleted: bool
    attachments_only: bool
    configuration_only: bool
    target_project: str | None
    policy: str
    mapping: Path | None
    is_real: bool
    confirm: tuple[str, ...]
    resume: bool
    has_head_line: bool

    @property
    def options(self) -> ApplyOptions:
        """Give how it is written."""
        return ApplyOptions(has_head_line=self.has_head_line)

    @property
    def is_several(self) -> bool:
        """Tell whether more than one project is meant."""
        return self.site or len(self.projects) > 1

    @property
    def selection(self) -> Selection:
        """Give what of each project is meant."""
        if self.attachments_only and self.configuration_only:
            message = "--attachments-only and --configuration-only exclude each other"
            raise ConfigurationError(message, hint="Run the verb twice, once for each.")
        part = Part.ATTACHMENTS if self.attachments_only else Part.EVERYTHING
        part = Part.CONFIGURATION if self.configuration_only else part
        if self.where is not None and not self.where.strip():
            message = "--where is empty"
            raise ConfigurationError(message, hint="Leave it out to restore every issue.")
        selection = Selection(self.issues, self.only_deleted, self.where or "", part, is_site=self.site)
        selection.check()
        return selection

    def check(self) -> None:
        """Refuse what contradicts itself, before anything is opened."""
        check_one_snapshot(self.number, self.as_of)
        for is_wrong, message, hint in (
            (
                not self.is_real and (self.confirm or self.resume),
                "--confirm and --resume have a meaning with --apply only",
                "Add --apply to write, or leave them out to plan.",
            ),
            (
                self.site == bool(self.projects),
                "either --project or --site says what to restore",
                "Name one or several projects, or the whole site.",
            ),
            (
                self.is_several and (self.issues or self.target_project is not None),
                "--issue and --target-project are for a single project",
                "Restore the projects one by one, or choose issues with --where.",
            ),
            (
                len(self.projects) > 1 and self.number,
                "--snapshot numbers the snapshots of a single project",
                "Use --as-of for several projects; with --site it is the number of a snapshot of the site.",
            ),
            (
                not self.is_several and len(self.confirm) > 1,
                "more than one key was confirmed for a single project",
                "Give --confirm once, with the target project's key.",
            ),
        ):
            if is_wrong:
                raise ConfigurationError(message, hint=hint)


@click.command()
@click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="K",
    help="The project's id, its key, or a key it once had; may be repeated.",
)
@click.option("--site", is_flag=True, help="Every project of the newest snapshot of the site.")
@click.option(
    "--snapshot",
    "number",
    type=SnapshotNumber(),
    help="The snapshot's number (with --site: of the site's), or `latest`: the newest that is not doubtful (the default).",
)
@click.option(
    "--as-of", type=Moment(), help="The newest snapshot not later than this time (UTC without an offset)."
)
@click.option(
    "--issue", "issues", multiple=True, metavar="K", help="Only this issue, by key or id; may be repeated."
)
@click.option(
    "--where",
    metavar="SQL",
    help="Only issues for which this condition holds on the snapshot's tables, as after WHERE in `sql`.",
)
@click.option(
    "--only-deleted", is_flag=True, help="Only issues that are in the snapshot and no longer in Jira."
)
@click.option(
    "--attachments-only", is_flag=True, help="Only missing attachments, onto issues that are there."
)
@click.option(
    "--configuration-only", is_flag=True, help="Only what surrounds the issues, none of the issues."
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
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="TOML or JSON: who and what stands in on the target for people, fields, types, statuses, ... of the snapshot.",
)
@click.option(
    "--apply", "is_real", is_flag=True, help="Write. Without it nothing is written: the plan is shown."
)
@click.option(
    "--confirm",
    multiple=True,
    metavar="K",
    help="The target project's key, typed out, where a restore asks for it; once for each project.",
)
@click.option(
    "--head-line/--no-head-line",
    "has_head_line",
    default=True,
    show_default=True,
    help="Put the original author and date in a line at the head of each restored comment.",
)
@click.option("--resume", is_flag=True, help="Go on with a restore that did not come to its end.")
@json_option
@click.pass_obj
def restore(session: Session, /, **given: Any) -> int:  # noqa: ANN401 - click's values, typed by `Asked`
    """Plan a restore; with --apply carry it out, read the target back and report what came back how.

    The target is the site of RESTORE_JIRA_BASE_URL, RESTORE_JIRA_EMAIL and RESTORE_JIRA_API_TOKEN; what these leave open is
    taken from the source site.
    """
    asked = Asked(**given)
    asked.check()
    how = {
        "selection": asked.selection,
        "policy": Policy(asked.policy),
        "stand_ins": read_mapping(asked.mapping) if asked.mapping is not None else None,
        "clock": _now,
    }
    session.settings.require(Need.RESTORE_JIRA, Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    if asked.is_several:
        return _restore_several(session, repository, asked, how)
    return _restore_one(session, repository, asked, how)


def _restore_one(session: Session, repository: Repository, asked: Asked, how: dict[str, Any]) -> int:
    manifest = find_snapshot(repository, asked.projects[0], asked.number, asked.as_of)
    writer = open_jira_writer(session.settings)
    target = RestoreTarget(asked.target_project)
    with session.terminal.progress() as progress:
        result = plan_restore(repository, manifest, writer, target=target, progress=progress, **how)
        if asked.is_real:
            result = carry_out(
                repository,
                result.plan,
                writer,
                open_jira_reader(session.settings, target=True),
                run=new_run_id(_now),
                clock=_now,
                progress=progress,
                resume=asked.resume,
                confirm=asked.confirm[0] if asked.confirm else None,
                options=asked.options,
            )
    if session.terminal.is_json:
        session.terminal.document(result.to_json())
    else:
        _present(session.terminal, result)
    return result.exit_code


def _restore_several(session: Session, repository: Repository, asked: Asked, how: dict[str, Any]) -> int:
    manifests, more = _snapshots(repository, asked)
    writer = open_jira_writer(session.settings)
    with session.terminal.progress() as progress:
        result = plan_several(repository, manifests, writer, progress=progress, **more, **how)
        if asked.is_real:
            result = restore_several(
                repository,
                result,
                writer,
                open_jira_reader(session.settings, target=True),
                new_run=partial(new_run_id, _now),
                clock=_now,
                progress=progress,
                resume=asked.resume,
                confirm=asked.confirm,
                options=asked.options,
            )
    if session.terminal.is_json:
        session.terminal.document(result.to_json())
    else:
        _present_several(session.terminal, result)
    return result.exit_code


def _snapshots(repository: Repository, asked: Asked) -> tuple[list[Manifest], dict[str, Any]]:
    if not asked.site:
        names = dict.fromkeys(asked.projects)
        found = [find_snapshot(repository, name, asked.number, asked.as_of) for name in names]
        # A project may have been named by two of its keys.
        return list({manifest.scope: manifest for manifest in found}.values()), {}
    site = site_snapshots(repository, number=asked.number, as_of=asked.as_of)
    failed = [ProjectRestore(name, scope, None, error=error) for name, (scope, error) in site.errors.items()]
    return site.projects, {"failed": failed, "notes": site.notes}


def _present_several(terminal: Terminal, result: SeveralRestores) -> None:
    for project in result.projects:
        if project.result is not None:
            _present_text(terminal, project.result)
    terminal.markdown(result.to_markdown())
    if all(project.result is None or project.result.outcome is None for project in result.projects):
        terminal.note("nothing was written: this is the plan. Add --apply to carry it out.")


def _present(terminal: Terminal, result: RestoreResult) -> None:
    _present_text(terminal, result)
    if result.report is None and not result.plan.blocking:
        terminal.note("nothing was written: this is the plan. Add --apply to carry it out.")


def _present_text(terminal: Terminal, result: RestoreResult) -> None:
    terminal.markdown(result.plan.to_markdown())
    if result.report is not None:
        terminal.markdown(result.report.to_markdown())


def _now() -> datetime:
    return datetime.now(UTC)
