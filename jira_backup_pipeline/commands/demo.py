"""The verb `demo`: the whole story in one command.

What belongs here: options. What stays out: the story (`demo.story`).
"""

from __future__ import annotations

from pathlib import Path

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.demo.story import Scale, tell


@click.command()
@click.option(
    "--no-ui", is_flag=True, help="End when the story is told, instead of leaving Dagster and the sandbox on."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-data"),
    show_default=True,
    help="Where everything goes; a folder of an earlier demonstration is replaced.",
)
@click.option(
    "--projects", type=click.IntRange(2, 20), default=3, show_default=True, help="Projects of the sandbox."
)
@click.option(
    "--issues", type=click.IntRange(30, 100_000), default=1500, show_default=True, help="Issues over all."
)
@json_option
@click.pass_obj
def demo(session: Session, *, no_ui: bool, folder: Path, projects: int, issues: int) -> int:
    """Start a sandbox Jira, back it up through Dagster, lose a project, get it back, and show the proof.

    Needs no settings and touches none: everything is made in one folder, and everything stays on this machine.
    """
    return tell(session.terminal, folder, scale=Scale(projects, issues), is_left_running=not no_ui)
