"""Recovery is rehearsed on a local Jira of its own, from the command line and in Dagster; what does not come back is red."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from jira_backup_pipeline import rehearsal
from jira_backup_pipeline.cli import main
from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.drill import Drill, DrillResult
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.orchestration.jobs import drill as drill_module
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site
from jira_backup_pipeline_tests.doubles.dagster_instances import throwaway_instance

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    with backed_site(tmp_path_factory.mktemp("drill"), projects=1, issues=10) as found:
        yield found


@pytest.fixture
def site(made: BackedSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> BackedSite:
    monkeypatch.chdir(made.folder)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    if not made.repository().scopes():
        assert main(["backup"]) == 0
        capsys.readouterr()
    return made


@pytest.fixture
def lost_file(site: BackedSite) -> Iterator[str]:
    """Take the bytes of one attachment out of the store, and give the project's key."""
    store = site.repository().store
    key = next(found.key for found in store.list("blobs/"))
    kept = store.get(key)
    store.delete(key)
    scope = key.split("/")[1]
    project = site.repository().latest(scope)
    assert project is not None
    assert project.project is not None
    yield project.project.key
    store.put_new(key, kept)


def drills_of(site: BackedSite) -> list[dict[str, Any]]:
    repository = site.repository()
    names = repository.list_documents("drills")
    return [repository.get_document("drills", name, scope=name[: name.index("-", 8)]) for name in names]


def test_every_project_comes_back_whole_without_touching_the_source(
    site: BackedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = len(site.sandbox.log.entries())
    before = len(drills_of(site))

    code = main(["drill", "--json"])

    found = json.loads(capsys.readouterr().out)
    wrong = [one["report"]["wrong"] for one in found["drills"] if one["report"]]
    assert (code, wrong) == (0, [[]])
    assert [one["is_proven"] for one in found["drills"]] == [True]
    manifests = [site.repository().latest(one["scope"]) for one in found["drills"]]
    counted = [{row["kind"]: row["records"] for row in one["report"]["kinds"]} for one in found["drills"]]
    for manifest, counts in zip(manifests, counted, strict=True):
        assert manifest is not None
        for kind, table in (("issue", "issues"), ("comment", "comments"), ("attachment", "attachments")):
            assert counts[kind] == manifest.counts[table]
    assert len(site.sandbox.log.entries()) == mark
    kept = drills_of(site)[before:]
    assert {one["scope"]: one["report"] for one in kept} == {
        one["scope"]: one["report"] for one in found["drills"]
    }
    assert all(one["duration_seconds"] > 0 for one in kept)


def test_what_does_not_come_back_is_said_and_counted(
    site: BackedSite, lost_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["drill", "--project", lost_file])

    shown = capsys.readouterr().out
    assert code == 3
    assert "0 of 1 projects came back whole" in shown
    newest = max(drills_of(site), key=lambda one: str(one["begun_at"]))
    assert not newest["is_proven"]
    assert {one["kind"] for one in newest["report"]["wrong"]} >= {"attachment"}


@pytest.mark.usefixtures("site")
def test_a_project_that_is_not_known_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", "--project", "NOPE"]) == 2
    assert "no snapshot of a project 'NOPE'" in capsys.readouterr().err


class Dagster:
    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    def drill(self, **config: Any) -> dg.ExecuteInProcessResult:
        found = build_definitions(Settings.from_environment({})).resolve_job_def("drill_job")
        return found.execute_in_process(instance=self.instance, raise_on_error=False, run_config=config)

    def checked(self) -> list[tuple[bool, str]]:
        key = dg.AssetCheckKey(DISCOVERED_PROJECTS, "drilled")
        history = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        evaluations = [one.evaluation for one in history if one.evaluation is not None]
        return [(one.passed, str(one.description)) for one in evaluations]


def test_dagster_is_red_when_something_did_not_come_back(
    site: BackedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a rehearsal finds is told above; here only what becomes of it."""
    kept: list[str] = []

    def found(repository: Any, manifests: Any, *_: Any, **__: Any) -> DrillResult:
        [manifest] = manifests
        found = Drill(manifest.scope, "LOST", 1, "29990101T000000-aa", datetime.now(UTC), 1.0, 9, 2)
        ref = repository.put_document(
            "drills", f"{found.scope}-{found.run}", found.to_json(), scope=found.scope
        )
        kept.append(ref.key)
        return DrillResult((found,))

    monkeypatch.setattr(drill_module, "drill", found)
    with throwaway_instance() as instance:
        dagster = Dagster(instance)
        failed = dagster.drill()
        [(passed, words)] = dagster.checked()
    site.repository().store.delete(kept[0])

    assert not failed.success
    [event] = [event for event in failed.all_events if event.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    assert "1 of 1 projects did not come back whole: LOST" in str(failure.description)
    assert (passed, words) == (False, "1 of 1 projects did not come back whole: LOST")


@pytest.mark.usefixtures("site")
def test_dagster_is_green_when_all_came_back() -> None:
    with throwaway_instance() as instance:
        dagster = Dagster(instance)
        result = dagster.drill()
        assert result.success
        [(passed, words)] = dagster.checked()
        assert (passed, words) == (True, "all 1 projects came back whole")


def test_the_local_site_gets_no_variable_of_ours_and_no_name_on_its_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JIRA_API_TOKEN", "canary-token")
    started: list[tuple[list[str], Mapping[str, str], bytes]] = []
    real = rehearsal.running

    @contextmanager
    def watched(command: list[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
        started.append((command, how["environment"], how["told"]))
        with real(command, **how) as process:
            yield process
        assert process.poll() is not None

    monkeypatch.setattr(rehearsal, "running", watched)
    people = [{"accountId": "x1", "displayName": "Ann Lee", "emailAddress": "ann@example.invalid"}]
    with rehearsal.fresh_site(people, email="ANN@example.invalid") as (writer, reader):
        assert writer.whoami().account_id == "x1"
        assert list(reader.projects()) == []

    [(command, environment, told)] = started
    assert set(environment) == {"PYTHONPATH", "TMPDIR"}
    assert "Ann" not in " ".join(command)
    assert b"Ann Lee" in told


def test_a_local_site_that_does_not_start_says_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "_COMMAND", ("-c", "import sys; sys.exit('no memory left')"))
    open_site: Callable[..., Any] = partial(rehearsal.fresh_site, [])
    with pytest.raises(BackupPipelineError, match="did not start: no memory left"), open_site():
        pass
