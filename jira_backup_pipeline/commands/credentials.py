"""The verbs `credentials set|list|rotate|remove`: the vault, from a keyboard or a pipe.

What belongs here: asking for values without echo, or reading them as JSON from stdin; never as arguments, which other
users of the machine can see.

What stays out: the vault itself (`vault`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.private_files import create_private
from jira_backup_pipeline.settings import check_site_address
from jira_backup_pipeline.terminal import rows_of
from jira_backup_pipeline.vault import ENTRIES, SECRET_MEMBERS
from jira_backup_pipeline.vault_sealing import new_key_text

_NAME = click.argument("name", type=click.Choice(list(ENTRIES)))


@click.group()
def credentials() -> None:
    """Store credentials encrypted in the file BACKUP_VAULT, under the key BACKUP_VAULT_KEY."""


@credentials.command("set")
@_NAME
@json_option
@click.pass_obj
def set_entry(session: Session, name: str) -> None:
    """Create or replace an entry.

    Asks for each value; when stdin is not a terminal, reads one JSON object from it, such as
    {"base_url": "...", "email": "...", "api_token": "..."}.
    """
    vault = session.settings.vault()
    members = _asked(name) if sys.stdin.isatty() else _piped()
    if "base_url" in members:
        check_site_address("base_url", members["base_url"])
    vault.set(name, members)
    _present(session, {"entry": name, "members": sorted(members)}, f"stored {name} in {vault.path}")


@credentials.command("list")
@json_option
@click.pass_obj
def list_entries(session: Session) -> None:
    """List the entries and their members, never their values."""
    vault = session.settings.vault()
    entries = [entry.to_json() for entry in vault.list()]
    if session.terminal.is_json:
        session.terminal.document({"vault": str(vault.path), "entries": entries})
    else:
        columns = ("name", "members", "set_at")
        session.terminal.table(columns, rows_of(entries, columns), title=str(vault.path))


@credentials.command("remove")
@_NAME
@json_option
@click.pass_obj
def remove_entry(session: Session, name: str) -> None:
    """Remove an entry."""
    vault = session.settings.vault()
    vault.remove(name)
    _present(session, {"entry": name}, f"removed {name} from {vault.path}")


@credentials.command("rotate")
@click.option(
    "--new-key-file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of the new key; made (0600) when there is none.",
)
@json_option
@click.pass_obj
def rotate_key(session: Session, new_key_file: Path) -> None:
    """Encrypt every entry anew under another key."""
    vault = session.settings.vault()
    is_new = not new_key_file.exists()
    if is_new:
        create_private(new_key_file, Secret(new_key_text().reveal() + "\n"), "vault key file")
    vault.rotate(Secret(f"file:{new_key_file.absolute()}"))
    setting = f"BACKUP_VAULT_KEY=file:{new_key_file.absolute()}"
    _present(
        session,
        {"key_file": str(new_key_file.absolute()), "is_new_key": is_new},
        f"rotated; from now on set {setting}",
    )


def _asked(name: str) -> dict[str, Secret]:
    shape = ENTRIES[name]
    return {
        member: Secret(
            click.prompt(
                member if member in shape.required else f"{member} (may stay empty)",
                default="" if member in shape.optional else None,
                show_default=False,
                hide_input=member in SECRET_MEMBERS[name],
                err=True,
            )
        )
        for member in shape.members
    }


def _piped() -> dict[str, Secret]:
    try:
        members = {str(member): _text(value) for member, value in json.load(sys.stdin).items()}
    except (ValueError, AttributeError):
        # The cause would hold what was piped in.
        members = None
    if members is None:
        message = "stdin does not hold one JSON object of texts"
        raise ConfigurationError(message, hint='Pipe in {"member": "value", ...}, or run it in a terminal.')
    return members


def _text(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - caught with the other signs of a wrong document
    return Secret(value)


def _present(session: Session, document: dict[str, object], line: str) -> None:
    if session.terminal.is_json:
        session.terminal.document(document)
    else:
        session.terminal.line(line)
