"""The verb `sql`: a question to one snapshot.

What belongs here: options and presentation. What stays out: running the query (`repository.query`).
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.domain.errors import ConfigurationError, UnknownName
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.workplace import open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository


class SnapshotNumber(click.ParamType[int]):
    """A snapshot's number, or `latest` (0): the newest that is not doubtful, which is meant when nothing is said."""

    name = "number"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a number or the word."""
        if value == "latest":
            return 0
        if not str(value).isdecimal() or not int(value):
            self.fail(f"{value!r} is neither `latest` nor the number of a snapshot", param, ctx)
        return int(value)


class Moment(click.ParamType[datetime]):
    """A time; without an offset it is UTC."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read ISO text."""
        if not isinstance(value, str):
            return value
        try:
            return parse_instant(value)
        except ValueError:
            self.fail(
                f"{value!r} is not a time such as 2026-01-31T18:00 or 2026-01-31T18:00+02:00", param, ctx
            )


@click.command()
@click.option(
    "--project", required=True, metavar="K", help="A project's id, present or former key, or `site`."
)
@click.option(
    "--snapshot", "number", type=SnapshotNumber(), help="The snapshot's number, or `latest` (the default)."
)
@click.option(
    "--as-of", type=Moment(), help="The newest snapshot not later than this time (UTC without an offset)."
)
@click.argument("query")
@json_option
@click.pass_obj
def sql(session: Session, project: str, number: int | None, as_of: datetime | None, query: str) -> None:
    """Run one SELECT over a snapshot's tables: issues, comments, worklogs, changelog, attachments, ..."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    manifest = find_snapshot(repository, project, number, as_of)
    found = repository.tables(manifest).sql(query)
    # By column, not by row: two columns of one name are both shown.
    rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    if session.terminal.is_json:
        session.terminal.document(
            {
                "scope": manifest.scope,
                "snapshot": manifest.number,
                "columns": found.column_names,
                "rows": [[_finite(value) for value in row] for row in rows],
            }
        )
    else:
        session.terminal.table(found.column_names, rows)


def find_snapshot(
    repository: Repository, project: str, number: int | None, as_of: datetime | None
) -> Manifest:
    """Find the snapshot that the options name: by number, by time, or the newest that is not doubtful."""
    check_one_snapshot(number, as_of)
    scope = repository.find_scope(project)
    manifest = repository.load(scope, number) if number else repository.latest(scope, as_of)
    if manifest is None:
        when = "" if as_of is None else f" at or before {as_of.isoformat()}"
        message = f"{project} has no snapshot{when} that is not doubtful"
        raise UnknownName(
            message, hint="`jira-backup snapshots` shows what there is; name one with --snapshot."
        )
    return manifest


def check_one_snapshot(number: int | None, as_of: datetime | None) -> None:
    """Refuse two ways of saying which snapshot."""
    if number is not None and as_of is not None:
        message = "--snapshot and --as-of both say which snapshot"
        raise ConfigurationError(message, hint="Give one of them.")


def _finite(value: object) -> object:
    """JSON has no notation for NaN and infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
