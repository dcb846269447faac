"""Issues that disappear from a site, over HTTP: told apart by what Jira itself answers, and shown where people look."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.domain.disappearances import Fate
from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.orchestration.metadata import disappeared_table
from jira_backup_pipeline.workplace import open_jira_reader
from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline.domain.manifest import Manifest


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    with backed_site(tmp_path_factory.mktemp("disappearances"), projects=2, issues=60) as made:
        yield made


def captured(site: BackedSite, key: str, *, days: int = 0, **options: bool) -> Manifest:
    """Back a project up, some days from now by our clock and the site's."""
    with closing(open_jira_reader(site.settings)) as reader:
        outcome = back_up(
            site.repository(),
            reader,
            projects=[key],
            with_site=False,
            clock=lambda: datetime.now(UTC) + timedelta(days=days),
            options=CaptureOptions(reread_days=0, **options),
        )
    return outcome.captures[0].manifest


def test_deleted_and_moved_issues_are_told_apart_and_a_day_later_one_has_a_tombstone(
    site: BackedSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key, other = sorted(project.key for project in site.sandbox.site.projects.values())[:2]
    captured(site, key)
    project = site.sandbox.site.find_project(key)
    assert project is not None
    issues = list(site.sandbox.site.issues.of_project(project.project_id))
    parents = {issue.parent_id for issue in issues}
    alone = [issue for issue in issues if issue.parent_id is None and issue.issue_id not in parents]
    gone, moved = str(alone[0].issue_id), str(alone[1].issue_id)
    keys = {gone: site.sandbox.site.key_of(alone[0]), moved: site.sandbox.site.key_of(alone[1])}
    site.sandbox.edits.delete_issue(gone)
    new_key = site.sandbox.edits.move_issue(moved, other)["key"]

    first = captured(site, key)
    later = captured(site, key, days=1)

    assert {i: (one.fate, one.key, one.moved_to) for i, one in first.disappeared.items()} == {
        gone: (Fate.UNSEEN, keys[gone], None),
        moved: (Fate.MOVED, keys[moved], new_key),
    }
    assert later.disappeared[gone].fate is Fate.DELETED
    assert any("does not exist" in line for line in later.disappeared[gone].evidence)
    assert first.state is later.state is SnapshotState.COMPLETE

    shown = {row.data["key"]: row.data["fate"] for row in disappeared_table(later).records}
    assert shown == {keys[gone]: "deleted", keys[moved]: "moved"}
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    assert main(["snapshots", "--project", key, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["snapshots"]
    assert [one["gone"] for one in listed] == ["", "1 moved, 1 unseen", "1 deleted, 1 moved"]
    assert [len(one["disappeared"]) for one in listed] == [0, 2, 2]


def test_a_project_that_loses_its_issues_waits_for_a_person_on_the_command_line(
    site: BackedSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, key = sorted(project.key for project in site.sandbox.site.projects.values())[:2]
    before = captured(site, key)
    project = site.sandbox.site.find_project(key)
    assert project is not None
    for issue in list(site.sandbox.site.issues.of_project(project.project_id))[:20]:
        if site.sandbox.site.find_issue(str(issue.issue_id)) is not None:
            site.sandbox.edits.delete_issue(str(issue.issue_id))
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)

    assert main(["backup", "--project", key, "--json"]) == 3
    doubtful = json.loads(capsys.readouterr().out)["snapshots"][0]
    restorable = site.repository().latest(before.scope)
    assert doubtful["state"] == "doubtful"
    assert doubtful["disappeared"]["unseen"] >= 20
    assert restorable is not None
    assert restorable.number == before.number

    assert main(["backup", "--project", key]) == 3
    assert f"backup --project {key} --accept-missing" in capsys.readouterr().err

    assert main(["backup", "--project", key, "--accept-missing", "--json"]) == 0
    accepted = json.loads(capsys.readouterr().out)["snapshots"][0]
    assert accepted["state"] == "complete"
    assert accepted["counts"]["issues"] < before.counts["issues"]


def test_how_much_may_go_at_once_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with backed_site(tmp_path, projects=1, issues=20) as small:
        [project] = small.sandbox.site.projects.values()
        captured(small, project.key)
        for issue in list(small.sandbox.site.issues.of_project(project.project_id))[:6]:
            if small.sandbox.site.find_issue(str(issue.issue_id)) is not None:
                small.sandbox.edits.delete_issue(str(issue.issue_id))
        for name, value in small.environment.items():
            monkeypatch.setenv(name, value)
        assert main(["backup", "--project", project.key, "--json"]) == 3
        capsys.readouterr()

        (tmp_path / "jira-backup.toml").write_text("[backup]\nmass_disappearance_share = 0.9\n")
        monkeypatch.setenv("BACKUP_CONFIG", str(tmp_path / "jira-backup.toml"))

        assert main(["backup", "--project", project.key, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["snapshots"][0]["state"] == "complete"
