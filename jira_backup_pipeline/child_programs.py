"""Programs that run beside ours for a while, each in a process group of its own.

What belongs here: starting one, its first word, and stopping exactly its group.

What stays out: which programs (`rehearsal`, `demo.programs`) and what is asked of them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0


@contextmanager
def running(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    folder: Path,
    speaks: bool = False,
    told: bytes | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, and stop the whole group at the end: it may start others.

    Everything it writes goes to its log; with `speaks` its stdout can be read instead. `told` is what it finds on its stdin.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL if told is None else subprocess.PIPE,
            stdout=subprocess.PIPE if speaks else output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if told is not None and process.stdin is not None:
            _tell(process, told)
        yield process
    finally:
        _stop(process)
        if process.stdout is not None:
            process.stdout.close()


def first_word(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    """Read the line of JSON by which a program says that it is there; None when it ended or stayed silent for a minute."""
    if process.stdout is None or not select.select([process.stdout], [], [], START_SECONDS)[0]:
        return None
    line = process.stdout.readline()
    found: dict[str, Any] | None = json.loads(line) if line else None
    return found


def _tell(process: subprocess.Popen[bytes], told: bytes) -> None:
    if process.stdin is None:
        return
    try:
        with process.stdin as stream:
            stream.write(told)
    except BrokenPipeError:
        # It ended before it listened; its first word will be missed, and its log says why.
        return


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
