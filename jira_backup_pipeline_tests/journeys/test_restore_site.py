"""The whole site in one command: every project by its own plan and report, a roll-up, and one that fails stops no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.domain.errors import Refused
from jira_backup_pipeline.engine.restore import apply, safety
from jira_backup_pipeline.engine.restore.several import check_confirmed
from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site
from jira_backup_pipeline_tests.doubles.restorable import SWIFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    with backed_site(tmp_path_factory.mktemp("site"), projects=3, issues=6) as found:
        yield found


@pytest.fixture
def run(made: BackedSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(made.folder)
    # The pace that Jira asks for is not what is told here.
    monkeypatch.setattr(apply, "ApplyOptions", lambda: SWIFT)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main([*arguments, "--json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, document

    return call


def writes(site: BackedSite, mark: int) -> list[str]:
    reading = ("/bulkfetch", "/search/jql", "list")
    return [
        entry.path
        for entry in site.sandbox.log.entries()[mark:]
        if entry.method != "GET" and not entry.path.endswith(reading)
    ]


def test_a_lost_site_comes_back_and_a_project_in_the_way_stops_no_other(made: BackedSite, run: Run) -> None:
    """One story, because each part needs the one before: back up, lose everything, plan, restore, restore again."""
    site = made.sandbox.site
    keys = sorted(project.key for project in site.projects.values())
    first_of = [next(iter(site.issues.of_project(project_id))) for project_id in site.projects]
    for source, destination in (first_of[:2], first_of[1:], (first_of[2], first_of[0])):
        changes.add_link(site, next(iter(site.link_types)), source, destination, site.backup_account_id)
    links = len(site.links)
    assert run("backup")[0] == 0
    for key in keys[1:]:
        made.sandbox.edits.delete_project(key, permanent=True)
    made.sandbox.edits.delete_project(keys[0])
    mark = len(made.sandbox.log.entries())

    code, planned = run("restore", "--site")
    assert code == 3
    assert [found["project"] for found in planned["projects"]] == keys
    assert [found["exit_code"] for found in planned["projects"]] == [4, 0, 0]
    assert writes(made, mark) == []

    code, done = run("restore", "--site", "--apply")
    assert (code, done["exit_code"]) == (3, 3)
    first, *others = done["projects"]
    assert "in the trash" in first["error"]
    assert "--target-project" in first["hint"]
    assert [found["exit_code"] for found in others] == [0, 0]
    assert all(found["outcome"]["failures"] == [] for found in others)

    # Out of the trash and gone for good: now the site is whole again, also the links from one project to another.
    made.sandbox.edits.delete_project(keys[0], permanent=True)
    code, done = run("restore", "--site", "--apply")
    assert (code, [found["exit_code"] for found in done["projects"]]) == (0, [0, 0, 0])
    assert keys == sorted(project.key for project in site.projects.values())
    assert links == len(site.links)

    mark = len(made.sandbox.log.entries())
    code, again = run("restore", "--project", keys[0], "--project", keys[1], "--apply")
    assert (code, writes(made, mark)) == (0, [])
    assert [found["plan"]["creates"] for found in again["projects"]] == [[], []]

    repository = made.repository()
    records = [repository.get_document("runs", name) for name in repository.list_documents("runs")]
    rolled_up = [record for record in records if record.get("verb") == "restore"]
    assert [record["exit_code"] for record in rolled_up] == [3, 0, 0]
    assert len(repository.list_documents("reports")) == 7

    code, refused = run("restore", "--site", "--policy", "update", "--apply")
    assert code == 4
    assert all(f"--confirm {key}" in refused["hint"] for key in keys)
    confirmed = [word for key in keys[1:] for word in ("--confirm", key)]
    code, refused = run("restore", "--site", "--policy", "update", "--apply", *confirmed)
    assert (code, f"--confirm {keys[0]}" in refused["hint"]) == (4, True)
    assert keys[1] not in refused["hint"]
    assert writes(made, mark) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "either --project or --site"),
        (("--site", "--project", "APP"), "either --project or --site"),
        (("--site", "--issue", "APP-1"), "for a single project"),
        (("--site", "--target-project", "NEW"), "for a single project"),
        (("--project", "A", "--project", "B", "--snapshot", "2"), "a single project"),
        (("--project", "A", "--apply", "--confirm", "A", "--confirm", "B"), "more than one key"),
        (("--project", "A", "--attachments-only", "--configuration-only"), "exclude each other"),
        (("--project", "A", "--where", " "), "--where is empty"),
        (("--project", "A", "--mapping", "absent.toml"), "cannot read absent.toml"),
        (("--project", "A", "--snapshot", "3", "--as-of", "2026-01-01"), "both say which snapshot"),
        (("--project", "A", "--snapshot", "newest"), "neither `latest` nor the number"),
    ],
)
def test_options_that_contradict_each_other_are_explained(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    code, document = run("restore", *arguments)
    assert code == 2
    assert words in document["error"]
    assert document["hint"]


def test_many_issues_of_many_projects_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand issues are a thousand issues, in whatever projects they lie."""

    class Plan:
        policy = "skip"
        written_issues = 600

        def __init__(self, key: str) -> None:
            self.target = type("Target", (), {"key": key, "is_source_project": False, "is_same_site": True})
            self.source = type("Source", (), {"key": "OLD"})

    plans: Any = [Plan("ONE"), Plan("TWO")]
    with pytest.raises(Refused, match="writes 1,200 issues") as refused:
        check_confirmed(plans, ["ONE"])
    assert "--confirm TWO" in refused.value.hint
    check_confirmed(plans, ["ONE", "TWO"])
    with pytest.raises(Refused, match="confirmed THREE"):
        check_confirmed(plans, ["ONE", "TWO", "THREE"])
    monkeypatch.setattr(safety, "CONFIRM_ABOVE_ISSUES", 1200)
    check_confirmed(plans, [])
