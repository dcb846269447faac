"""The program itself gets `kill -9` while it backs up; the next run completes, and no half snapshot is ever listed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site

if TYPE_CHECKING:
    from pathlib import Path

    from jira_backup_pipeline.sandbox.request_log import LoggedRequest

_PATIENCE_SECONDS = 60


def program(site: BackedSite, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line as a user would, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "jira_backup_pipeline.cli", *arguments, "--json"],
        env={**os.environ, **site.environment},
        cwd=site.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def answer(site: BackedSite, *arguments: str) -> tuple[int, dict]:
    running = program(site, *arguments)
    out, _ = running.communicate(timeout=_PATIENCE_SECONDS)
    return running.returncode, json.loads(out)


@pytest.mark.parametrize("requests_before", [12, 45, 90])
def test_a_program_killed_while_it_backs_up_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requests_before: int
) -> None:
    with backed_site(tmp_path, projects=1, issues=60) as site:
        reached = threading.Event()
        plain = site.sandbox.log.add

        def count(entry: LoggedRequest) -> None:
            plain(entry)
            if site.sandbox.log.total() >= requests_before:
                reached.set()

        monkeypatch.setattr(site.sandbox.log, "add", count)
        dying = program(site, "backup")
        assert reached.wait(_PATIENCE_SECONDS)
        dying.send_signal(signal.SIGKILL)
        assert dying.wait(_PATIENCE_SECONDS) == -signal.SIGKILL

        _, listed = answer(site, "snapshots")
        assert {entry["scope"] for entry in listed["snapshots"]} <= {"site"}

        code, done = answer(site, "backup")
        assert code == 0
        assert done["snapshots"][-1]["counts"]["issues"] == 60
        assert answer(site, "verify", "--level", "decrypt")[0] == 0
