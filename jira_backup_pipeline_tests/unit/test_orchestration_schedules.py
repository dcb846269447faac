"""The night asks for one run per active project, with the day in the run key, and leaves retired projects out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.domain.readings import ListedProject
from jira_backup_pipeline.orchestration.assets.discovered import read_registry, registry_event
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.orchestration.partitions import PARTITION_SET
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline_tests.doubles.dagster_instances import throwaway_instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster._core.definitions.schedule_definition import ScheduleExecutionData

TUESDAY = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with throwaway_instance() as made:
        yield made


def tick(instance: dg.DagsterInstance, name: str, moment: datetime) -> ScheduleExecutionData:
    repository = build_definitions(Settings.from_environment({})).get_repository_def()
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=moment, repository_def=repository
    )
    return repository.get_schedule_def(name).evaluate_tick(context)


def discover(instance: dg.DagsterInstance, *projects: ListedProject) -> None:
    registry = read_registry(instance).after_listing(projects, TUESDAY)
    instance.report_runless_asset_event(registry_event(registry))
    instance.add_dynamic_partitions(PARTITION_SET, [project.identity.key for project in projects])


def project(key: str, project_id: str, *, is_archived: bool = False) -> ListedProject:
    return ListedProject(ProjectIdentity(project_id, key, key), is_archived=is_archived)


def test_every_active_project_is_asked_for_once_a_night(instance: dg.DagsterInstance) -> None:
    discover(instance, project("AA", "1"), project("BB", "2"))

    requests = tick(instance, "nightly_project_backup", TUESDAY).run_requests or []

    assert [(request.partition_key, request.run_key) for request in requests] == [
        ("AA", "2026-03-03T0100/AA"),
        ("BB", "2026-03-03T0100/BB"),
    ]


def test_another_night_has_other_run_keys(instance: dg.DagsterInstance) -> None:
    discover(instance, project("AA", "1"))

    [tuesday] = tick(instance, "nightly_project_backup", TUESDAY).run_requests or []
    [wednesday] = tick(instance, "nightly_project_backup", WEDNESDAY).run_requests or []

    assert tuesday.run_key != wednesday.run_key


def test_retired_projects_are_left_out(instance: dg.DagsterInstance) -> None:
    discover(instance, project("AA", "1"), project("OLD", "2", is_archived=True))

    requests = tick(instance, "nightly_project_backup", TUESDAY).run_requests or []

    assert [request.partition_key for request in requests] == ["AA"]


def test_a_partition_added_by_hand_is_asked_for_before_discovery_has_run(
    instance: dg.DagsterInstance,
) -> None:
    instance.add_dynamic_partitions(PARTITION_SET, ["HAND"])

    requests = tick(instance, "nightly_project_backup", TUESDAY).run_requests or []

    assert [request.partition_key for request in requests] == ["HAND"]


def test_without_any_project_the_tick_says_what_to_do(instance: dg.DagsterInstance) -> None:
    data = tick(instance, "nightly_project_backup", TUESDAY)

    assert not data.run_requests
    assert "project_discovery_sensor" in str(data.skip_message)


def test_the_site_is_asked_for_every_night_and_a_verification_every_week(
    instance: dg.DagsterInstance,
) -> None:
    site = tick(instance, "nightly_site_backup", TUESDAY).run_requests or []
    verify = tick(instance, "weekly_verify", TUESDAY).run_requests or []

    assert [request.run_key for request in site] == ["2026-03-03T0100/site"]
    assert [request.run_key for request in verify] == ["2026-03-03T0100/verify"]


def test_a_thousand_projects_are_asked_for_well_within_a_tick(instance: dg.DagsterInstance) -> None:
    discover(instance, *(project(f"P{number}", str(number)) for number in range(1000)))

    requests = tick(instance, "nightly_project_backup", TUESDAY).run_requests or []

    assert len({request.run_key for request in requests}) == 1000
