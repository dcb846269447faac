"""The `jira-backup` command: its verbs, and what becomes of a failure.

What belongs here: the group of verbs, exit codes, and the one place where errors are shown: a line and a `HINT:` line,
under `--json` a document on stdout as well; never a traceback unless `BACKUP_LOG=debug` asks for it, and then without secrets.

What stays out: the verbs (`commands`) and how things are printed (`terminal`).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from jira_backup_pipeline import __version__
from jira_backup_pipeline.commands.backup import backup
from jira_backup_pipeline.commands.credentials import credentials
from jira_backup_pipeline.commands.demo import demo
from jira_backup_pipeline.commands.diff import diff
from jira_backup_pipeline.commands.doctor import doctor
from jira_backup_pipeline.commands.drill import drill
from jira_backup_pipeline.commands.init import init
from jira_backup_pipeline.commands.keys import keys
from jira_backup_pipeline.commands.restore import restore
from jira_backup_pipeline.commands.session import Session
from jira_backup_pipeline.commands.snapshots import snapshots
from jira_backup_pipeline.commands.sql import sql
from jira_backup_pipeline.commands.verify import verify
from jira_backup_pipeline.domain.errors import BackupPipelineError, ExitCode
from jira_backup_pipeline.logs import masked, masked_traceback
from jira_backup_pipeline.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFECT_HINT = "This is a defect of the program; run it again with BACKUP_LOG=debug to see where it happened, and report it."


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 done but something is missing or wrong, 4 refused for "
        "safety. Settings come from variables (JIRA_BASE_URL, JIRA_EMAIL, JIRA_API_TOKEN, BACKUP_URI, "
        "BACKUP_IDENTITY_FILE, ...) and from jira-backup.toml."
    ),
)
@click.version_option(__version__, prog_name="jira-backup", message="%(prog)s %(version)s")
def program() -> None:
    """Back up Jira Cloud into your own bucket, query it, prove it, restore it."""


for verb in (demo, init, doctor, credentials, keys, backup, snapshots, verify, restore, diff, drill, sql):
    program.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    session = Session(Terminal(is_json="--json" in given[: given.index("--") if "--" in given else None]))
    try:
        code = program.main(given, prog_name="jira-backup", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except (BackupPipelineError, click.ClickException) as error:
        return _explained(session, error)
    except (click.Abort, KeyboardInterrupt):
        return _failed(session, "interrupted", "Run it again: what is stored already is kept and used.")
    except BrokenPipeError:
        # Whoever read our output went away, as `head` does. The interpreter flushes stdout once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 - the last place before a person would see a traceback with what it holds
        return _defect(session, error)
    return int(code or ExitCode.DONE)


def _explained(session: Session, error: BackupPipelineError | click.ClickException) -> int:
    if isinstance(error, BackupPipelineError):
        session.terminal.error(
            masked(error.message, session.secrets()), masked(error.hint, session.secrets()), error.exit_code
        )
        return int(error.exit_code)
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "jira-backup"
    message = masked(error.format_message(), session.secrets())
    session.terminal.error(
        message[:1].lower() + message[1:].rstrip("."), f"See `{command} --help`.", ExitCode.USAGE
    )
    return int(ExitCode.USAGE)


def _failed(session: Session, message: str, hint: str) -> int:
    session.terminal.error(message, hint, ExitCode.FAILED)
    return int(ExitCode.FAILED)


def _defect(session: Session, error: Exception) -> int:
    if session.is_debugging:
        session.terminal.note(masked_traceback(error, session.secrets()))
    first = str(error).partition("\n")[0]
    return _failed(
        session, masked(f"unexpected {type(error).__name__}: {first}", session.secrets()), _DEFECT_HINT
    )


if __name__ == "__main__":
    sys.exit(main())
