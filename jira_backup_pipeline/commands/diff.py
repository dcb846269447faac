"""The verb `diff`: what differs between two snapshots, or between a snapshot and Jira as it is now.

What belongs here: options and presentation. What stays out: comparing (`engine.diff`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.commands.sql import find_snapshot
from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.engine.diff.values import words
from jira_backup_pipeline.engine.diff.verb import DiffResult, diff_live, diff_snapshots
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import open_jira_reader, open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.terminal import Terminal

_LIVE = "live"
_SHOWN = 500


@click.command()
@click.option("--project", required=True, metavar="K", help="A project's id, its key, or a key it once had.")
@click.option(
    "--from",
    "before",
    required=True,
    metavar="S",
    help="A snapshot: its number, `latest`, or a time (the newest not later).",
)
@click.option(
    "--to", "after", required=True, metavar="S", help="Another snapshot, or `live`: Jira as it is now."
)
@click.option(
    "--bytes",
    "with_bytes",
    is_flag=True,
    help="With `live`: download every stored attachment again and compare its content.",
)
@json_option
@click.pass_obj
def diff(session: Session, project: str, before: str, after: str, *, with_bytes: bool) -> None:
    """List what differs between two snapshots of a project, issue by issue and field by field.

    A difference is no error: the exit code is 0 when the comparison was made, whatever it found; --json says `is_equal`.
    """
    if with_bytes and after != _LIVE:
        message = (
            "--bytes compares with Jira as it is now, two snapshots are compared by their digests anyway"
        )
        raise ConfigurationError(message, hint="Leave --bytes out, or give --to live.")
    needs = [Need.REPOSITORY, Need.IDENTITY, *([Need.JIRA] if after == _LIVE else [])]
    session.settings.require(*needs)
    repository = open_repository(session.settings)
    first = _snapshot(repository, project, before)
    with session.terminal.progress() as progress:
        if after == _LIVE:
            reader = open_jira_reader(session.settings)
            result = diff_live(repository, first, reader, with_bytes=with_bytes, progress=progress)
        else:
            second = _snapshot(repository, project, after)
            result = diff_snapshots(repository, first, second, progress=progress)
    _present(session.terminal, result)


def _snapshot(repository: Repository, project: str, named: str) -> Manifest:
    if named.isdecimal() and int(named):
        return find_snapshot(repository, project, int(named), None)
    if named == "latest":
        return find_snapshot(repository, project, None, None)
    try:
        moment = parse_instant(named)
    except ValueError:
        message = f"{named!r} names no snapshot"
        hint = "Give a number, `latest`, or a time such as 2026-01-31T08:00; --to also takes `live`."
        raise ConfigurationError(message, hint=hint) from None
    return find_snapshot(repository, project, None, moment)


def _present(terminal: Terminal, result: DiffResult) -> None:
    if terminal.is_json:
        terminal.document(result.to_json())
        return
    shown = result.differences[:_SHOWN]
    if shown:
        terminal.table(
            ("issue", "kind", "id", "field", "change", "before", "after"),
            [
                (
                    found.issue or result.project,
                    found.kind,
                    found.id,
                    found.field,
                    found.change.value,
                    words(found.before),
                    words(found.after),
                )
                for found in shown
            ],
        )
    if len(result.differences) > len(shown):
        terminal.note(f"{len(result.differences) - len(shown):,} more differences: --json gives all of them")
    totals = "; ".join(
        f"{kind}: {', '.join(f'{count:,} {change}' for change, count in counts.items() if count)}"
        for kind, counts in result.counts.items()
    )
    terminal.line(totals or "no difference")
    for note in result.notes:
        terminal.note(note)
