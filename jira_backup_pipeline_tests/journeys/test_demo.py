"""The demonstration, small: told to its end it exits with 0, leaves its proof in one folder and nothing running."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.demo.programs import DemoFailed, free_port
from jira_backup_pipeline.demo.story import _prepared
from jira_backup_pipeline.settings import environment_for_child
from jira_backup_pipeline_tests.programs import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def test_the_story_ends_well_and_stops_what_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "demo data"
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "jira_backup_pipeline.cli", "demo", "--no-ui", "--json"),
            *("--folder", str(folder), "--projects", "2", "--issues", "40"),
        ],
        cwd=tmp_path,
        env=environment_for_child({"PYTHONPATH": str(REPOSITORY)}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert finished.returncode == 0, finished.stderr + (folder / "dagster.log").read_text()[-3000:]
    document = json.loads(finished.stdout)
    assert len(document["restores"]) == 2
    assert sum(row["wrong"] for report in document["restores"] for row in report["kinds"]) == 0
    assert len(list(folder.glob("fidelity-report-*.md"))) == 2
    assert still_running(str(folder)) == []


def still_running(words: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if words in line]


def test_a_folder_that_no_demonstration_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()

    with pytest.raises(DemoFailed, match="holds files that no demonstration made"):
        _prepared(tmp_path)
    assert (tmp_path / "precious").exists()


def test_a_folder_of_an_earlier_demonstration_is_made_anew(tmp_path: Path) -> None:
    folder = _prepared(tmp_path / "demo")
    (folder / "old").touch()

    assert sorted(path.name for path in _prepared(folder).iterdir()) == [".made-by-jira-backup-demo"]


def test_a_port_that_is_taken_is_passed_over() -> None:

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port) != port
