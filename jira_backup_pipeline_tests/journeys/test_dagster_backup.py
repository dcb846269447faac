"""Backups through Dagster, over HTTP against the sandbox: what is green is restorable, what is not is red."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from jira_backup_pipeline.engine.backup import find_projects
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS, SNAPSHOT
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.orchestration.sensors.discovery import register_projects
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.workplace import open_jira_reader
from jira_backup_pipeline_tests.doubles.backed_site import backed_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline_tests.doubles.backed_site import BackedSite


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackedSite]:
    with backed_site(tmp_path / "site") as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def definitions() -> dg.Definitions:
    return build_definitions(Settings.from_environment({}))


def run(instance: dg.DagsterInstance, job: str, **options: Any) -> dg.ExecuteInProcessResult:
    return (
        definitions()
        .resolve_job_def(job)
        .execute_in_process(instance=instance, raise_on_error=False, **options)
    )


def discover(site: BackedSite, instance: dg.DagsterInstance) -> list[str]:
    return register_projects(instance, find_projects(open_jira_reader(site.settings), None))


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


def test_a_partition_is_backed_up_and_every_table_says_what_it_holds(
    site: BackedSite, instance: dg.DagsterInstance
) -> None:
    [first, _] = discover(site, instance)
    assert run(instance, "site_backup_job").success

    result = run(instance, "backup_job", partition_key=first)

    assert result.success
    made = {m.asset_key.path[-1]: m for m in result.asset_materializations_for_node("project_backup")}
    manifest = site.repository().latest(site.repository().find_scope(first))
    assert manifest is not None
    assert list(made)[-1] == "snapshot"
    assert {m.partition for m in made.values()} == {first}
    assert made["issues"].metadata["dagster/partition_row_count"].value == manifest.counts["issues"]
    assert manifest.counts["issues"] > 0
    assert made["snapshot"].metadata["state"].value == manifest.state.value
    assert made["snapshot"].metadata["site_snapshot"].value == 1
    assert {"complete", "intact", "fresh"} == set(evaluations(result))
    assert all(found.passed and found.partition == first for found in evaluations(result).values())


def test_a_second_backup_without_changes_keeps_the_data_version_of_the_tables(
    site: BackedSite, instance: dg.DagsterInstance
) -> None:
    [first, _] = discover(site, instance)

    versions = []
    for _ in range(2):
        result = run(instance, "backup_job", partition_key=first)
        versions.append(
            {
                m.asset_key.path[-1]: (m.tags or {})["dagster/data_version"]
                for m in result.asset_materializations_for_node("project_backup")
            }
        )

    assert versions[0]["issues"] == versions[1]["issues"]
    assert versions[0]["snapshot"] != versions[1]["snapshot"]


def test_a_rejected_token_fails_at_once_with_its_hint_and_commits_nothing(
    site: BackedSite, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, _] = discover(site, instance)
    monkeypatch.setenv("JIRA_API_TOKEN", "not-the-token")

    result = run(instance, "backup_job", partition_key=first)

    assert not result.success
    assert "HINT:" in failure_text(result)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert not result.asset_materializations_for_node("project_backup")
    assert site.repository().scopes() == []


def test_missing_settings_are_named_all_at_once_before_anything_is_asked(
    site: BackedSite, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, _] = discover(site, instance)
    for name in site.environment:
        monkeypatch.delenv(name)

    result = run(instance, "backup_job", partition_key=first)

    assert all(name in failure_text(result) for name in site.environment)


def test_a_project_that_is_red_is_never_hidden_by_one_that_is_green(
    site: BackedSite, instance: dg.DagsterInstance
) -> None:
    [first, second] = discover(site, instance)
    assert run(instance, "backup_job", partition_key=first).success

    half = evaluations(run(instance, "health_checks_job"))
    assert run(instance, "backup_job", partition_key=second).success
    whole = evaluations(run(instance, "health_checks_job"))

    assert not half["every_project_complete"].passed
    assert not half["every_project_fresh"].passed
    assert second in str(half["every_project_fresh"].description)
    assert first not in str(half["every_project_fresh"].description)
    assert all(found.passed for found in whole.values())
    assert {found.asset_key for found in whole.values()} == {DISCOVERED_PROJECTS}


def test_damage_is_found_by_verify_job_and_turns_the_roll_up_red(
    site: BackedSite, instance: dg.DagsterInstance
) -> None:
    [first, _] = discover(site, instance)
    assert run(instance, "backup_job", partition_key=first).success
    assert run(instance, "verify_job").success
    [table, *_] = sorted((site.folder / "repository" / "packs").rglob("issue*.parquet"))
    table.chmod(0o644)
    table.write_bytes(b"x" + table.read_bytes()[1:])

    result = run(instance, "verify_job")

    key = dg.AssetCheckKey(DISCOVERED_PROJECTS, "every_project_verified")
    [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert not result.success
    assert "HINT:" in failure_text(result)
    assert record.status.value == "FAILED"


def test_a_lesser_look_never_clears_the_verdict_of_a_deeper_one(
    site: BackedSite, instance: dg.DagsterInstance
) -> None:
    [first, _] = discover(site, instance)
    assert run(instance, "backup_job", partition_key=first).success
    config = {"level": "list", "projects": [first]}

    assert run(instance, "verify_job", run_config=config).success

    key = dg.AssetCheckKey(DISCOVERED_PROJECTS, "every_project_verified")
    assert instance.event_log_storage.get_asset_check_execution_history(key, limit=1) == []


def test_the_newest_snapshots_are_recorded_in_the_sites(
    site: BackedSite, instance: dg.DagsterInstance
) -> None:
    [first, _] = discover(site, instance)
    assert run(instance, "site_backup_job").success
    assert run(instance, "backup_job", partition_key=first).success

    assert run(instance, "record_heads_job").success

    recorded = site.repository().latest("site")
    assert recorded is not None
    assert list(recorded.heads) == [site.repository().find_scope(first)]


def test_an_unknown_partition_is_refused_before_any_code_runs(instance: dg.DagsterInstance) -> None:
    with pytest.raises(dg.DagsterUnknownPartitionError):
        run(instance, "backup_job", partition_key="NOPE")


def test_the_snapshot_asset_is_what_checks_of_a_project_hang_on() -> None:
    keys = definitions().resolve_asset_graph().asset_check_keys

    assert {key.name for key in keys if key.asset_key == SNAPSHOT} == {"complete", "intact", "fresh"}
