"""Backups through Dagster, over HTTP against the sandbox: what is green is restorable, what is not is red."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from jira_backup_pipeline.domain.manifest import project_scope
from jira_backup_pipeline.engine.backup import find_projects
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.orchestration.sensors.discovery import register_projects
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.workplace import open_jira_reader
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.dagster_instances import throwaway_instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

    from jira_backup_pipeline_tests.doubles.backed_site import BackedSite


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A site, a Dagster instance that knows its projects, and one way to run jobs."""

    site: BackedSite
    instance: dg.DagsterInstance
    keys: list[str]

    def run(self, job: str, **options: Any) -> dg.ExecuteInProcessResult:
        """Run a job in this process with the environment that the test has set."""
        found = definitions().resolve_job_def(job)
        return found.execute_in_process(instance=self.instance, raise_on_error=False, **options)

    def snapshots(self, key: str) -> int:
        """Count the snapshots of a project."""
        repository = self.site.repository()
        project_id = find_projects(open_jira_reader(self.site.settings), [key])[0].identity.id
        return len(repository.snapshots(project_scope(project_id)))


@contextmanager
def pipeline_in(folder: Path) -> Iterator[Pipeline]:
    with backed_site(folder, projects=2, issues=16) as site, throwaway_instance() as instance:
        keys = register_projects(instance, find_projects(open_jira_reader(site.settings), None))
        yield Pipeline(site, instance, keys)


@pytest.fixture(scope="module")
def shared_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline_in(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def pipeline(shared_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """One that tests share: they add snapshots and damage nothing."""
    for name, value in shared_pipeline.site.environment.items():
        monkeypatch.setenv(name, value)
    return shared_pipeline


@pytest.fixture
def own_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """One of a test's own, to be damaged or to start from nothing."""
    with pipeline_in(tmp_path / "site") as made:
        for name, value in made.site.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def definitions() -> dg.Definitions:
    return build_definitions(Settings.from_environment({}))


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def lines_of(pipeline: Pipeline, result: dg.ExecuteInProcessResult) -> list[str]:
    """Give what a run told its log about the cost and how far it was."""
    entries = [entry.user_message for entry in pipeline.instance.all_logs(result.run_id)]
    return [text for text in entries if text.startswith("backing up") or text.endswith(", done")]


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


def test_a_partition_is_backed_up_and_every_table_says_what_it_holds(pipeline: Pipeline) -> None:
    key = pipeline.keys[0]
    assert pipeline.run("site_backup_job").success

    # A full reading has something to count whichever test ran before.
    config = {"ops": {"project_backup": {"config": {"full": True}}}}
    result = pipeline.run("backup_job", partition_key=key, run_config=config)

    repository = pipeline.site.repository()
    manifest = repository.latest(repository.find_scope(key))
    made = {m.asset_key.path[-1]: m for m in result.asset_materializations_for_node("project_backup")}
    assert result.success
    assert manifest is not None
    assert list(made)[-1] == "snapshot"
    assert {m.partition for m in made.values()} == {key}
    assert made["issues"].metadata["dagster/partition_row_count"].value == manifest.counts["issues"]
    assert manifest.counts["issues"] > 0
    assert made["snapshot"].metadata["state"].value == manifest.state.value
    assert made["snapshot"].metadata["site_snapshot"].value == manifest.site_snapshot
    assert set(evaluations(result)) == {"complete", "intact", "fresh", "no_mass_disappearance"}
    assert all(found.passed and found.partition == key for found in evaluations(result).values())
    record = repository.get_document("runs", manifest.run)
    assert record["dagster_run"] == result.run_id
    said = lines_of(pipeline, result)
    assert said[0].startswith(f"backing up {key}: about ")
    assert said[-1].startswith(f"{key}: issues: ")
    assert said[-1].endswith(", done")
    assert "comments" in said[-1]
    # Who looks at the snapshot and who looks at the check see the whole ledger.
    told = [
        (line.kind, line.source, line.expected, line.stored, line.unexplained) for line in manifest.ledger
    ]
    assert {"id walk", "approximate count", "embedded totals", "bytes stored", "bytes declared"} <= {
        source for _, source, *_ in told
    }
    for metadata in (made["snapshot"].metadata, evaluations(result)["complete"].metadata):
        assert ledger_shown(metadata) == told


def ledger_shown(metadata: Any) -> list[tuple[object, ...]]:
    columns = ("kind", "source", "expected", "stored", "unexplained")
    return [tuple(record.data[name] for name in columns) for record in metadata["ledger"].records]


def test_a_second_backup_without_changes_keeps_the_data_version_of_the_tables(pipeline: Pipeline) -> None:
    versions = []
    for _ in range(2):
        result = pipeline.run("backup_job", partition_key=pipeline.keys[0])
        versions.append(
            {
                m.asset_key.path[-1]: (m.tags or {})["dagster/data_version"]
                for m in result.asset_materializations_for_node("project_backup")
            }
        )

    assert versions[0]["issues"] == versions[1]["issues"]
    assert versions[0]["snapshot"] != versions[1]["snapshot"]


def test_a_rejected_token_fails_at_once_with_its_hint_and_commits_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pipeline.snapshots(pipeline.keys[1])
    monkeypatch.setenv("JIRA_API_TOKEN", "not-the-token")

    result = pipeline.run("backup_job", partition_key=pipeline.keys[1])

    assert not result.success
    assert "HINT:" in failure_text(result)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert not result.asset_materializations_for_node("project_backup")
    assert before == pipeline.snapshots(pipeline.keys[1])


def test_missing_settings_are_named_all_at_once_before_anything_is_asked(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in pipeline.site.environment:
        monkeypatch.delenv(name)

    result = pipeline.run("backup_job", partition_key=pipeline.keys[0])

    assert all(name in failure_text(result) for name in pipeline.site.environment)


def test_a_renamed_project_is_still_backed_up_under_its_old_partition(own_pipeline: Pipeline) -> None:
    key = own_pipeline.keys[0]
    own_pipeline.site.sandbox.edits.rename_project(key, "RENAMED")

    result = own_pipeline.run("backup_job", partition_key=key)

    repository = own_pipeline.site.repository()
    manifest = repository.latest(repository.find_scope("RENAMED"))
    assert result.success
    assert manifest is not None
    assert manifest.project is not None
    assert manifest.project.key == "RENAMED"


def test_a_project_that_is_red_is_never_hidden_by_one_that_is_green(own_pipeline: Pipeline) -> None:
    first, second = own_pipeline.keys
    assert own_pipeline.run("backup_job", partition_key=first).success

    half = evaluations(own_pipeline.run("health_checks_job"))
    assert own_pipeline.run("backup_job", partition_key=second).success
    whole = evaluations(own_pipeline.run("health_checks_job"))

    assert not half["every_project_complete"].passed
    assert not half["every_project_fresh"].passed
    assert second in str(half["every_project_fresh"].description)
    assert first not in str(half["every_project_fresh"].description)
    assert all(found.passed for found in whole.values())
    assert {found.asset_key for found in whole.values()} == {DISCOVERED_PROJECTS}


def test_damage_is_found_by_verify_job_and_turns_the_roll_up_red(own_pipeline: Pipeline) -> None:
    assert own_pipeline.run("backup_job", partition_key=own_pipeline.keys[0]).success
    assert own_pipeline.run("verify_job").success
    [table, *_] = sorted((own_pipeline.site.folder / "repository" / "packs").rglob("issue*.parquet"))
    table.chmod(0o644)
    table.write_bytes(b"x" + table.read_bytes()[1:])

    result = own_pipeline.run("verify_job")

    record = verified(own_pipeline.instance)[0]
    assert not result.success
    assert "HINT:" in failure_text(result)
    assert record.status.value == "FAILED"


def test_a_lesser_look_never_clears_the_verdict_of_a_deeper_one(pipeline: Pipeline) -> None:
    assert pipeline.run("backup_job", partition_key=pipeline.keys[0]).success
    before = len(verified(pipeline.instance))

    for config in ({"level": "list"}, {"projects": [pipeline.keys[0]]}, {"newest_only": True}):
        assert pipeline.run("verify_job", run_config=config).success

    assert before == len(verified(pipeline.instance))


def test_the_newest_snapshots_are_recorded_in_the_sites(pipeline: Pipeline) -> None:
    assert pipeline.run("site_backup_job").success
    assert pipeline.run("backup_job", partition_key=pipeline.keys[0]).success

    assert pipeline.run("record_heads_job").success

    repository = pipeline.site.repository()
    recorded = repository.latest("site")
    assert recorded is not None
    scope = repository.find_scope(pipeline.keys[0])
    assert recorded.heads[scope].number == pipeline.snapshots(pipeline.keys[0])


def test_an_unknown_partition_is_refused_before_any_code_runs(pipeline: Pipeline) -> None:
    with pytest.raises(dg.DagsterUnknownPartitionError):
        pipeline.run("backup_job", partition_key="NOPE")


def verified(instance: dg.DagsterInstance) -> Sequence[AssetCheckExecutionRecord]:
    key = dg.AssetCheckKey(DISCOVERED_PROJECTS, "every_project_verified")
    return instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
