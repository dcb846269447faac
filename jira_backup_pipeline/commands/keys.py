"""The verbs `keys list|add|remove|rotate`: who can open the repository, and fresh data keys.

What belongs here: options and presentation. What stays out: wrapping and epochs (`repository.keyring`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.terminal import rows_of
from jira_backup_pipeline.workplace import open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.repository.repository import Repository

_COLUMNS = ("name", "recipient")


@click.group()
def keys() -> None:
    """Decide who can open the repository: at least two recipients, one of them kept offline."""


@keys.command("list")
@json_option
@click.pass_obj
def list_keys(session: Session) -> None:
    """List the recipients."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    _present(session, open_repository(session.settings))


@keys.command("add")
@click.argument("name")
@click.argument("recipient")
@json_option
@click.pass_obj
def add_key(session: Session, name: str, recipient: str) -> None:
    """Let RECIPIENT (age1..., the public half of an identity) open the repository, under a NAME for people."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    repository.add_recipient(recipient, name=name)
    _present(session, repository)


@keys.command("remove")
@click.argument("name")
@json_option
@click.pass_obj
def remove_key(session: Session, name: str) -> None:
    """Close everything that is written from now on to a recipient; what was readable once stays known."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    repository.remove_recipient(name)
    _present(session, repository)


@keys.command("rotate")
@click.option("--project", help="A project's id or key, or `site`; without it every scope.")
@json_option
@click.pass_obj
def rotate_keys(session: Session, project: str | None) -> None:
    """Begin new data keys: what is written from now on is sealed with them."""
    session.settings.require(Need.REPOSITORY, Need.IDENTITY)
    repository = open_repository(session.settings)
    scopes = [repository.find_scope(project)] if project else repository.scopes()
    epochs = [{"scope": scope, "epoch": repository.rotate(scope)} for scope in scopes]
    if session.terminal.is_json:
        session.terminal.document({"rotated": epochs})
    else:
        session.terminal.table(("scope", "epoch"), rows_of(epochs, ("scope", "epoch")))


def _present(session: Session, repository: Repository) -> None:
    recipients = [{"name": found.name, "recipient": found.recipient} for found in repository.recipients()]
    if session.terminal.is_json:
        session.terminal.document({"repository_id": repository.repository_id, "recipients": recipients})
    else:
        session.terminal.table(_COLUMNS, rows_of(recipients, _COLUMNS))
