"""The programs that run beside the demonstration: the sandbox and Dagster, as processes of their own.

What belongs here: their command lines, and waiting until each is there.

What stays out: starting and stopping processes (`child_programs`), what is asked of them (`dagster_api`, `story`).
"""

from __future__ import annotations

import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.child_programs import START_SECONDS, first_word
from jira_backup_pipeline.domain.errors import BackupPipelineError

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


class DemoFailed(BackupPipelineError):
    """The demonstration cannot go on."""


def sandbox_command(*, projects: int, issues: int, seed: int) -> list[str]:
    """Give the command line of the sandbox."""
    return [
        *(sys.executable, "-m", "jira_backup_pipeline.sandbox", "--port", "0"),
        *("--projects", str(projects), "--issues", str(issues), "--seed", str(seed)),
    ]


def first_line_of(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """Read the line of JSON by which the sandbox says that it listens.

    Raises:
        DemoFailed: it ended, or said nothing for a minute.
    """
    found = first_word(process)
    if found is None:
        raise _did_not_start("the sandbox", log)
    return found


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a program accepts connections on a loopback port."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise _did_not_start("Dagster", log)


def free_port(preferred: int) -> int:
    """Give the preferred loopback port when it is free, else any other that is."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    message = "no port is free on this machine"
    raise DemoFailed(message, hint="End programs that hold ports, and try again.")


def _did_not_start(what: str, log: Path) -> DemoFailed:
    return DemoFailed(f"{what} did not start", hint=f"Its last words are in {log}.")
