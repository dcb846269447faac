"""``python -m jira_backup_pipeline.sandbox``: serve a made or recorded Jira site until told to stop.

Prints one line of JSON once it listens; ends with 0 on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.recorded import RecordingProblem
from jira_backup_pipeline.sandbox.seed.accounts import AccountsProblem
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.sandbox.settings import Settings

if TYPE_CHECKING:
    from types import FrameType


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="jira_backup_pipeline.sandbox", description="a local Jira Cloud")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--projects", type=int, default=3)
    parser.add_argument("--issues", type=int, default=1500, help="over all projects")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--load", metavar="DIR", help="serve recorded answers instead of made ones")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait before each answer")
    parser.add_argument("--token", help="the API token (random by default)")
    parser.add_argument(
        "--bare", action="store_true", help="no project, and only the configuration of a new site"
    )
    parser.add_argument(
        "--team-managed", type=int, default=0, metavar="N", help="team-managed projects beside the others"
    )
    parser.add_argument(
        "--accounts",
        metavar="FILE",
        help="people instead of the made ones: a JSON list of users, - for stdin",
    )
    parser.add_argument("--owner", metavar="ID", help="the account among them that the token belongs to")
    parser.add_argument("--warm", action="store_true", help="make every issue before listening")
    return parser.parse_args(arguments)


def _accounts(source: str | None) -> str | None:
    if source is None:
        return None
    return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal comes."""
    options = _arguments(arguments)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        running = start_sandbox(
            projects=options.projects,
            issues=options.issues,
            seed=options.seed,
            load=options.load,
            settings=Settings(latency_ms=options.latency_ms),
            host=options.host,
            port=options.port,
            token=options.token,
            warm=options.warm,
            bare=options.bare,
            accounts=_accounts(options.accounts),
            owner=options.owner,
            team_managed=options.team_managed,
        )
    except (RecordingProblem, AccountsProblem) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except OSError as problem:
        sys.stderr.write(
            f"cannot listen on {options.host} port {options.port}: {problem.strerror}\nHINT: Choose another port, or 0 for a free one.\n"
        )
        return 1
    with running:
        sys.stdout.write(json.dumps({**running.describe(), "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        while not stop.wait(1.0):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
