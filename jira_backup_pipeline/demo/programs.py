"""The programs that run beside the demonstration: the sandbox and Dagster, as processes of their own.

What belongs here: starting each in a process group, waiting until it is there, and stopping exactly those groups.

What stays out: what is asked of them (`dagster_api`, `story`).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.domain.errors import BackupPipelineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0


class DemoFailed(BackupPipelineError):
    """The demonstration cannot go on."""


@contextmanager
def running(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    folder: Path,
    speaks: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, and stop the whole group at the end: it may start others.

    Everything it writes goes to its log; with `speaks` its stdout can be read instead.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if speaks else output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)
        if process.stdout is not None:
            process.stdout.close()


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
    if process.stdout is None or not select.select([process.stdout], [], [], _START_SECONDS)[0]:
        raise _did_not_start("the sandbox", log)
    line = process.stdout.readline()
    if not line:
        raise _did_not_start("the sandbox", log)
    found: dict[str, Any] = json.loads(line)
    return found


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a program accepts connections on a loopback port."""
    deadline = time.monotonic() + _START_SECONDS
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


def _stop(process: subprocess.Popen[bytes]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, ending)
        except ProcessLookupError:
            break
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait(_STOP_SECONDS)
