"""The verb `backup`: read Jira, commit snapshots, say what it brought.

What belongs here: options and presentation. What stays out: what is captured and in which order (`engine.backup`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.domain.errors import ExitCode
from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.engine.backup import back_up, estimate
from jira_backup_pipeline.engine.cost import in_time
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.terminal import in_bytes
from jira_backup_pipeline.workplace import capture_options, open_jira_reader, open_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.estimate import BackupEstimate
    from jira_backup_pipeline.engine.outcomes import BackupOutcome
    from jira_backup_pipeline.terminal import Terminal

_ISSUES_NAMED = 3


@click.command()
@click.option(
    "--project", "projects", multiple=True, metavar="K", help="Id or key of a project; may be repeated."
)
@click.option(
    "--site", is_flag=True, help="Capture the site too when projects are named (alone: only the site)."
)
@click.option("--full", is_flag=True, help="Read every issue again, not only the changed ones.")
@click.option(
    "--estimate",
    "is_estimate",
    is_flag=True,
    help="Say what it would cost in requests, time and bytes; read nothing.",
)
@click.option(
    "--accept-missing",
    is_flag=True,
    help="You have looked: so many issues are really gone, and the snapshot is not doubtful because of it.",
)
@json_option
@click.pass_obj
def backup(
    session: Session,
    projects: tuple[str, ...],
    *,
    site: bool,
    full: bool,
    is_estimate: bool,
    accept_missing: bool,
) -> int:
    """Back up the site and every project, or those that are named."""
    settings = session.settings
    settings.require(Need.JIRA, Need.REPOSITORY, Need.IDENTITY)
    options = capture_options(settings, is_full=full, accepts_disappearance=accept_missing)
    with_site = site or not projects
    wanted = [] if site and not projects else list(projects) or None
    repository, reader = open_repository(settings), open_jira_reader(settings)
    if is_estimate:
        found = estimate(
            repository,
            reader,
            projects=wanted,
            with_site=with_site,
            options=options,
            now=datetime.now(UTC),
        )
        _present_estimate(session.terminal, found)
        return ExitCode.DONE
    with session.terminal.progress() as progress:
        outcome = back_up(
            repository,
            reader,
            projects=wanted,
            with_site=with_site,
            clock=lambda: datetime.now(UTC),
            options=options,
            progress=progress,
        )
    _present(session.terminal, outcome)
    return outcome.exit_code


def _present(terminal: Terminal, outcome: BackupOutcome) -> None:
    if terminal.is_json:
        terminal.document(outcome.to_json())
        return
    terminal.table(
        (
            "scope",
            "snapshot",
            "state",
            "issues",
            "records",
            "changed",
            "gaps",
            "requests",
            "written",
            "seconds",
        ),
        [
            (
                capture.manifest.project.key if capture.manifest.project else "site",
                capture.manifest.number,
                capture.manifest.state.value,
                capture.manifest.counts.get("issues"),
                sum(capture.manifest.counts.values()),
                capture.changed_units,
                len(capture.manifest.gaps),
                sum(capture.requests.values()),
                in_bytes(capture.written_bytes),
                round(capture.duration_seconds, 1),
            )
            for capture in outcome.captures
        ],
        title=f"run {outcome.run}",
    )
    for capture in outcome.captures:
        for line in gap_lines(capture.manifest):
            terminal.note(line)
        if capture.manifest.unexplained:
            terminal.note(
                f"missing without a reason in {capture.manifest.scope}: {capture.manifest.unexplained}"
            )
        for note in capture.manifest.notes:
            terminal.note(note)
        if capture.manifest.state is SnapshotState.DOUBTFUL:
            key = capture.manifest.project.key if capture.manifest.project else ""
            terminal.note(
                "HINT: Look into Jira. If the issues are really gone, run "
                f"`jira-backup backup --project {key} --accept-missing`."
            )
    for failure in outcome.failures:
        terminal.note(f"error: {failure.name}: {failure.error.message}")
        terminal.note(f"HINT: {failure.error.hint}")


def gap_lines(manifest: Manifest) -> Iterator[str]:
    """Tell each gap with its place; those of several issues that say the same are one line."""
    place = manifest.project.key if manifest.project else "site"
    alike: dict[tuple[str, str, str], list[str]] = {}
    for gap in manifest.gaps:
        issue_ids = alike.setdefault((gap.subject, gap.reason, gap.remedy), [])
        if gap.issue_id is not None:
            issue_ids.append(gap.issue_id)
    for (subject, reason, remedy), issue_ids in alike.items():
        named = ", ".join(issue_ids[:_ISSUES_NAMED])
        more = f" and {len(issue_ids) - _ISSUES_NAMED:,} more" if len(issue_ids) > _ISSUES_NAMED else ""
        whose = f" (issue {named}{more})" if issue_ids and issue_ids[0] not in subject else ""
        yield f"gap: {place}: {subject}{whose}: {reason}. {remedy}"


def _present_estimate(terminal: Terminal, found: BackupEstimate) -> None:
    if terminal.is_json:
        terminal.document(found.to_json())
        return
    terminal.table(
        ("project", "issues", "to read", "requests", "to store", "time"),
        [
            (
                project.key,
                project.issues,
                project.changed,
                project.cost.requests_total,
                in_bytes(project.cost.bytes),
                in_time(project.cost.seconds(found.pace) or 0),
            )
            for project in found.projects
        ],
    )
    terminal.line(f"{found.in_words()}; {found.site.requests_total:,} of them for the site")
