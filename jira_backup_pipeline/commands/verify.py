"""The verb `verify`: is what was stored still there, unchanged and readable?

What belongs here: options and presentation. What stays out: the looking (`engine.verify`).
"""

from __future__ import annotations

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.engine.verify import VerifyLevel
from jira_backup_pipeline.engine.verify import verify as verify_snapshots
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.terminal import in_bytes
from jira_backup_pipeline.workplace import open_repository


@click.command()
@click.option(
    "--level",
    type=click.Choice([level.value for level in VerifyLevel]),
    default=VerifyLevel.HASH.value,
    show_default=True,
    help="list: objects are there; hash: their stored bytes are unchanged; decrypt: they open and hold their content.",
)
@click.option(
    "--project", "projects", multiple=True, metavar="K", help="Id or key, or `site`; may be repeated."
)
@json_option
@click.pass_obj
def verify(session: Session, level: str, projects: tuple[str, ...]) -> int:
    """Check every object that the snapshots rest on."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    with session.terminal.progress() as progress:
        report = verify_snapshots(
            repository,
            scopes=[repository.find_scope(name) for name in projects] or None,
            level=VerifyLevel(level),
            progress=progress,
        )
    terminal = session.terminal
    if terminal.is_json:
        terminal.document(report.to_json())
        return report.exit_code
    verdict = "intact" if report.is_intact else f"{len(report.findings)} findings"
    terminal.line(
        f"{verdict}: {report.snapshots:,} snapshots, {report.objects:,} objects, {in_bytes(report.bytes)}, level {level}"
    )
    if not report.is_intact:
        terminal.table(
            ("scope", "snapshot", "object", "problem"),
            [(f.scope, f.snapshot, f.object_key, f.problem) for f in report.findings],
        )
        for remedy in dict.fromkeys(finding.remedy for finding in report.findings):
            terminal.note(f"HINT: {remedy}")
    return report.exit_code
