"""From the command line: what was lost is planned, brought back, proven; a second time nothing is left to do."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("jira_backup_pipeline")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackedSite]:
    monkeypatch.chdir(tmp_path)
    with backed_site(tmp_path / "site", projects=2, issues=30) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main([*arguments, "--json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, document

    return call


def projects_of(outcome: dict[str, Any]) -> list[str]:
    return [one["project"] for one in outcome["snapshots"] if one["project"]]


def test_a_deleted_project_comes_back_whole_and_a_second_restore_changes_nothing(
    site: BackedSite, run: Run
) -> None:
    backed_up = run("backup")[1]["snapshots"][-1]
    lost = backed_up["project"]
    site.sandbox.edits.delete_project(lost, permanent=True)

    code, planned = run("restore", "--project", lost)
    assert (code, planned["outcome"], planned["report"]) == (0, None, None)
    assert len(planned["plan"]["creates"]) == backed_up["counts"]["issues"] > 0

    code, done = run("restore", "--project", lost, "--apply")
    assert code == 0
    assert done["outcome"]["failures"] == []
    assert sum(row["wrong"] for row in done["report"]["kinds"]) == 0
    assert sum(row["exact"] for row in done["report"]["kinds"]) > 0

    code, again = run("restore", "--project", lost)
    assert (code, again["plan"]["creates"]) == (0, [])


def test_single_issues_come_back_and_the_others_are_left_alone(site: BackedSite, run: Run) -> None:
    project = projects_of(run("backup")[1])[0]
    query = (
        "SELECT issues.id, key FROM issues JOIN comments ON comments.issue_id = issues.id WHERE hierarchy_level = 0 "
        "ORDER BY issues.id LIMIT 1"
    )
    [[lost_id, lost]] = run("sql", "--project", project, query)[1]["rows"]
    site.sandbox.edits.delete_issue(lost)

    code, done = run("restore", "--project", project, "--issue", lost, "--no-head-line", "--apply")
    assert code == 0
    assert lost_id in done["plan"]["creates"]
    made = site.sandbox.site.find_issue(done["outcome"]["id_map"]["issues"][lost_id]["id"])
    comments = [json.dumps(comment.body) for comment in site.sandbox.site.body(made).comments]
    assert comments
    assert not any("Originally by" in text for text in comments)
    _, planned = run("restore", "--project", project, "--only-deleted")
    assert lost not in json.dumps(planned["plan"]["creates"])


@pytest.mark.usefixtures("site")
def test_options_that_need_each_other_are_explained(run: Run) -> None:
    code, document = run("restore", "--project", "APP", "--confirm", "APP")
    assert (code, document["error"]) == (2, "--confirm and --resume have a meaning with --apply only")
    code, document = run("restore", "--project", "NOPE")
    assert (code, "no snapshot of a project 'NOPE'" in document["error"]) == (2, True)


def test_an_update_of_the_source_project_asks_for_its_key(site: BackedSite, run: Run) -> None:
    project = projects_of(run("backup")[1])[0]
    key = run("sql", "--project", project, "SELECT min(key) FROM issues WHERE hierarchy_level = 0")[1][
        "rows"
    ][0][0]
    site.sandbox.edits.edit_issue(key, {"summary": "changed after the backup"})

    code, document = run("restore", "--project", project, "--policy", "update", "--apply")
    assert code == 4
    assert project in document["hint"]
    code, done = run("restore", "--project", project, "--policy", "update", "--apply", "--confirm", project)
    assert (code, done["report"]["exit_code"]) == (0, 0)


def test_people_get_the_plan_and_the_report_as_text(
    site: BackedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup"]) == 0
    project = site.repository().load("project-10000", 1).project
    assert project is not None
    site.sandbox.edits.delete_project(project.key, permanent=True)
    capsys.readouterr()

    assert main(["restore", "--project", project.key]) == 0
    shown = capsys.readouterr()
    assert f"Restore of {project.key} into {project.key}" in shown.out
    assert "nothing was written" in shown.err
    assert main(["restore", "--project", project.key, "--apply"]) == 0
    shown = capsys.readouterr().out
    assert "nothing is wrong or missing" in shown
    assert "What REST cannot bring back" in shown
    assert "the account is inactive: Jira refuses it" in shown

    site.sandbox.edits.delete_project(project.key, permanent=True)
    site.sandbox.edits.set_settings(upload_limit_bytes=1)
    assert main(["restore", "--project", project.key, "--apply"]) == 3
    shown = capsys.readouterr().out
    assert "Wrong or missing" in shown
    assert "more than the target's limit of 1" in " ".join(shown.split())
