"""Dagster runs that read several projects whole search the site for watchers and voters once, not once for each project."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.engine.backup import back_up, find_projects
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.searches import KeptSearches, share_searches
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.orchestration.sensors.discovery import register_projects
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline.workplace import open_jira_reader
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.captures import capture, new_repository, reopen
from jira_backup_pipeline_tests.doubles.dagster_instances import throwaway_instance
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import dagster as dg

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.readings import ListedProject
    from jira_backup_pipeline_tests.doubles.backed_site import BackedSite

PROJECTS = 3
KINDS = (("watchers", "watcher"), ("votes", "voter"))


@dataclass
class Asked:
    """Counts what is asked about watchers and voters."""

    site: BackedSite
    instance: dg.DagsterInstance
    keys: list[str]
    found: Counter[str]

    def run(self, job: str, **options: Any) -> Counter[str]:
        """Run a job as a program of its own would; give what it asked."""
        self.found.clear()
        job_def = build_definitions(Settings.from_environment({})).resolve_job_def(job)
        assert job_def.execute_in_process(instance=self.instance, **options).success
        return Counter(self.found)

    def note(self, request: Any) -> None:
        path = request.path
        if path.endswith("/search/jql") and request.body:
            jql = json.loads(request.body)["jql"]
            if "watcher = " in jql or "voter = " in jql:
                self.found["in a project" if jql.startswith("project") else "in the site"] += 1
        elif path.endswith(("/watchers", "/votes")):
            self.found["of an issue"] += 1


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    with backed_site(tmp_path, projects=PROJECTS, issues=120) as site, throwaway_instance() as instance:
        keys = register_projects(instance, find_projects(open_jira_reader(site.settings), None))
        made = Asked(site, instance, keys, Counter())
        answer = site.sandbox.core.exchange

        def exchange(request: Any) -> Any:
            made.note(request)
            return answer(request)

        monkeypatch.setattr(site.sandbox.core, "exchange", exchange)
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def stored(asked: Asked, manifest: Manifest) -> dict[str, set[tuple[str, str]]]:
    tables = asked.site.repository().tables(manifest)
    return {
        name: {(row["issue_id"], row["account_id"]) for row in tables[name].to_arrow().to_pylist()}
        for name, _ in KINDS
    }


def assert_everybody_is_stored(asked: Asked) -> None:
    repository = asked.site.repository()
    for key in asked.keys:
        manifest = repository.latest(repository.find_scope(key))
        assert manifest is not None
        assert manifest.project is not None
        issues = asked.site.sandbox.site.issues.of_project(int(manifest.project.id))
        found = stored(asked, manifest)
        assert found["watchers"] == {(str(i.issue_id), who) for i in issues for who in i.watchers}
        assert found["votes"] == {(str(i.issue_id), who) for i in issues for who in i.voters}
        assert manifest.unexplained == 0


def test_the_runs_of_a_first_night_search_the_site_once_and_ask_what_changed_since(asked: Asked) -> None:
    reader = open_jira_reader(asked.site.settings)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    back_up(asked.site.repository(), reader, projects=(), with_site=True, clock=lambda: now)
    people = sum(account.active for account in asked.site.sandbox.site.accounts.values())

    first = asked.run("backup_job", partition_key=asked.keys[0])
    home = asked.site.repository().find_scope(asked.keys[0]).removeprefix("project-")
    elsewhere = [i for i in asked.site.sandbox.site.issues if str(i.project_id) != home]
    next(issue for issue in elsewhere if len(issue.watchers) > 1).watchers.pop()
    others = [asked.run("backup_job", partition_key=key) for key in asked.keys[1:]]

    # One search for each person and kind in the first run, none in the others: neither in the site nor in their projects.
    assert 0 < first["in the site"] <= 2 * (people + 1)
    assert [(run["in the site"], run["in a project"]) for run in others] == [(0, 0)] * (PROJECTS - 1)
    assert sum(run["of an issue"] for run in others) >= 1
    assert_everybody_is_stored(asked)


class Whole(PocketJira):
    """Three projects; remembers for how many issues searches were to be shared."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.shared: list[int] = []
        for number in (1, 2):
            self.projects_by_id[f"1000{number}"] = ProjectIdentity(f"1000{number}", f"P{number}", "Another")

    def projects(self) -> Iterator[ListedProject]:
        return iter([replace(project, issue_count=100) for project in super().projects()])

    def share_searches(self, kept: object, issues: int) -> None:
        assert isinstance(kept, KeptSearches)
        self.shared.append(issues)

    def share(self, project: str, *, is_full: bool = False) -> list[int]:
        self.shared.clear()
        [listed] = find_projects(self, [project])
        share_searches(
            reopen(self.store, self), self, listed, options=CaptureOptions(is_full=is_full), clock=self.clock
        )
        return self.shared


def test_who_reads_a_project_whole_shares_with_all_who_will() -> None:
    jira = Whole()
    repository = new_repository(jira.store, jira)

    assert jira.share("10000") == [300]
    capture(repository, jira)
    assert jira.share("10001") == [200]
    assert jira.share("10000") == []
    assert jira.share("10000", is_full=True) == [300]


def test_searches_are_kept_for_hours_and_the_newest_counts() -> None:
    jira = PocketJira()
    repository = new_repository(MemoryStore(), jira)
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def kept_at(hours: float) -> KeptSearches:
        return KeptSearches(repository, lambda: now + timedelta(hours=hours))

    kept_at(0).keep("watcher", {"1": ["a"]})
    kept_at(1).keep("watcher", {"1": ["b", "a"], "2": ["b"]})

    assert kept_at(2).load("watcher") == {"1": ["b", "a"], "2": ["b"]}
    assert kept_at(2).load("voter") is None
    assert kept_at(7.5).load("watcher") is None
