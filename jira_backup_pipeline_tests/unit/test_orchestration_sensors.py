"""Sensors change nothing on doubt, never delete, ask for the overdue once in a slot, and tell what changed exactly once."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected
from jira_backup_pipeline.domain.manifest import Head, ProjectIdentity
from jira_backup_pipeline.domain.readings import ListedProject
from jira_backup_pipeline.orchestration.assets.discovered import read_registry
from jira_backup_pipeline.orchestration.checks import Look
from jira_backup_pipeline.orchestration.health import judge_site
from jira_backup_pipeline.orchestration.partitions import PARTITION_SET, UnderWay, known_partitions
from jira_backup_pipeline.orchestration.registry import ProjectRegistry, Standing
from jira_backup_pipeline.orchestration.resources import BackupWorkplace
from jira_backup_pipeline.orchestration.sensors import health as health_sensor
from jira_backup_pipeline.orchestration.sensors.alerts import alert_text
from jira_backup_pipeline.orchestration.sensors.discovery import (
    project_discovery_sensor,
    register_projects,
)
from jira_backup_pipeline.orchestration.sensors.health import backup_health_sensor, health_result
from jira_backup_pipeline_tests.doubles.dagster_instances import throwaway_instance
from jira_backup_pipeline_tests.doubles.manifests import (
    DAY,
    FRESHNESS,
    NOW,
    heads_of,
    judge,
    manifest_of,
    registry_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.manifest import Manifest

NOTHING_RUNS = UnderWay(frozenset(), frozenset())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with throwaway_instance() as made:
        yield made


def project(key: str, project_id: str, *, is_archived: bool = False) -> ListedProject:
    return ListedProject(ProjectIdentity(project_id, key, key), is_archived=is_archived)


class Lister:
    """A Jira of which only the list of projects is asked; it may break in the middle."""

    def __init__(self, *projects: ListedProject, breaks: bool = False) -> None:
        self._projects = projects
        self._breaks = breaks

    def projects(self) -> Iterator[ListedProject]:
        yield from self._projects
        if self._breaks:
            message = "the token is not accepted"
            raise CredentialsRejected(message, hint="Make a new one.")


def discover(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance, lister: Lister
) -> dg.SensorResult | dg.SkipReason:
    """Evaluate the sensor and apply what it asks for, as the daemon does."""
    monkeypatch.setattr(BackupWorkplace, "reader", lambda _: nullcontext(lister))
    with dg.build_sensor_context(instance=instance, resources={"workplace": BackupWorkplace()}) as context:
        result = project_discovery_sensor(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    if isinstance(result, dg.SensorResult):
        for request in result.dynamic_partitions_requests or ():
            assert isinstance(request, dg.AddDynamicPartitionsRequest)
            instance.add_dynamic_partitions(PARTITION_SET, list(request.partition_keys))
        for event in result.asset_events:
            instance.report_runless_asset_event(event)
    return result


def test_new_projects_become_partitions_and_are_registered(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    discover(monkeypatch, instance, Lister(project("AA", "1"), project("BB", "2")))

    assert known_partitions(instance) == ["AA", "BB"]
    assert read_registry(instance).project_id_of("BB") == "2"


def test_an_unchanged_listing_is_a_skip(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    discover(monkeypatch, instance, Lister(project("AA", "1")))

    result = discover(monkeypatch, instance, Lister(project("AA", "1")))

    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == "1 projects, nothing changed"


def test_a_listing_that_breaks_in_the_middle_changes_nothing_and_says_why(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    discover(monkeypatch, instance, Lister(project("AA", "1"), project("BB", "2")))
    before = read_registry(instance)

    result = discover(monkeypatch, instance, Lister(project("CC", "3"), breaks=True))

    assert isinstance(result, dg.SkipReason)
    assert "the token is not accepted" in str(result.skip_message)
    assert "HINT: Make a new one." in str(result.skip_message)
    assert (["AA", "BB"], before) == (known_partitions(instance), read_registry(instance))


def test_an_empty_listing_is_taken_for_lost_permission(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    discover(monkeypatch, instance, Lister(project("AA", "1")))

    result = discover(monkeypatch, instance, Lister())

    assert isinstance(result, dg.SkipReason)
    assert "Browse Projects" in str(result.skip_message)
    assert read_registry(instance).is_active("AA")


def test_nothing_is_deleted_when_a_project_vanishes(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    discover(monkeypatch, instance, Lister(project("AA", "1"), project("BB", "2")))

    discover(monkeypatch, instance, Lister(project("BB", "2")))

    assert known_partitions(instance) == ["AA", "BB"]
    assert read_registry(instance).standing_of("AA") is Standing.UNSEEN


def test_missing_settings_are_named_all_at_once(instance: dg.DagsterInstance) -> None:
    with dg.build_sensor_context(instance=instance, resources={"workplace": BackupWorkplace()}) as context:
        result = project_discovery_sensor(context)

    assert isinstance(result, dg.SkipReason)
    for name in ("JIRA_BASE_URL", "JIRA_EMAIL", "JIRA_API_TOKEN"):
        assert name in str(result.skip_message)


def test_the_watch_has_nothing_to_do_while_nothing_is_configured(instance: dg.DagsterInstance) -> None:
    with dg.build_sensor_context(instance=instance, resources={"workplace": BackupWorkplace()}) as context:
        result = backup_health_sensor(context)

    assert isinstance(result, dg.SkipReason)
    assert "BACKUP_URI" in str(result.skip_message)
    assert "BACKUP_IDENTITY_FILE" in str(result.skip_message)


def test_programs_without_a_daemon_register_projects_in_one_call(instance: dg.DagsterInstance) -> None:
    keys = register_projects(instance, [project("BB", "2"), project("AA", "1"), project("A|B", "3")])

    assert keys == ["AA", "BB"]
    assert read_registry(instance).unusable == ("A|B",)


SITE = manifest_of("", "0", scope="site", project=None, number=1)


def look_at(registry: ProjectRegistry, *manifests: Manifest) -> Look:
    heads = heads_of(*manifests)
    site = judge_site(registry, heads, now=NOW, freshness=FRESHNESS)
    return Look(list(judge(list(registry.projects), registry, heads).values()), site, heads)


def told(result: dg.SensorResult | dg.SkipReason) -> dict[str, bool]:
    assert isinstance(result, dg.SensorResult)
    events = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    return {f"{event.check_name}/{event.partition or '-'}": event.passed for event in events}


def run_keys(result: dg.SensorResult | dg.SkipReason) -> list[str | None]:
    assert isinstance(result, dg.SensorResult)
    return [request.run_key for request in result.run_requests or ()]


@pytest.fixture
def at_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(health_sensor, "now", lambda: NOW)
    return NOW


@pytest.mark.usefixtures("at_now")
def test_a_project_that_turned_stale_is_told_and_asked_for() -> None:
    registry = registry_of("AA", "BB")

    result = health_result(
        look_at(registry, manifest_of("AA", "1"), manifest_of("BB", "2", age=2 * DAY), SITE),
        NOTHING_RUNS,
        None,
    )

    assert told(result) == {
        "fresh/BB": False,
        "every_project_complete/-": True,
        "every_project_fresh/-": False,
    }
    assert "catch-up/2026-03-10/2/BB" in run_keys(result)
    assert "catch-up/2026-03-10/2/AA" not in run_keys(result)


@pytest.mark.usefixtures("at_now")
def test_a_verdict_is_told_once_and_again_when_it_is_well() -> None:
    registry = registry_of("AA")
    stale, well = manifest_of("AA", "1", age=2 * DAY), manifest_of("AA", "1", number=4)

    first = health_result(look_at(registry, stale, SITE), NOTHING_RUNS, None)
    second = health_result(look_at(registry, stale, SITE), NOTHING_RUNS, first.cursor)
    third = health_result(look_at(registry, well, SITE), NOTHING_RUNS, second.cursor)

    assert told(first)["fresh/AA"] is False
    assert told(second) == {}
    assert told(third) == {"fresh/AA": True, "every_project_fresh/-": True}


def test_the_next_slot_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    look = look_at(registry_of("AA"), manifest_of("AA", "1", age=2 * DAY), SITE)
    keys = []
    for hours in (0, 0.5, 3, 24):
        monkeypatch.setattr(health_sensor, "now", lambda hours=hours: NOW + timedelta(hours=hours))
        keys.append(run_keys(health_result(look, NOTHING_RUNS, None))[0])

    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.usefixtures("at_now")
def test_what_is_under_way_is_not_asked_for() -> None:
    look = look_at(registry_of("AA"), manifest_of("AA", "1", age=2 * DAY), SITE)

    result = health_result(look, UnderWay(frozenset({"AA"}), frozenset({"backup_job"})), None)

    assert not [key for key in run_keys(result) if "catch-up" in str(key)]


@pytest.mark.usefixtures("at_now")
def test_when_backups_have_ended_heads_are_recorded_and_all_projects_are_checked_once() -> None:
    project_manifest = manifest_of("AA", "1")
    recorded = manifest_of(
        "", "0", scope="site", project=None, number=2, heads={project_manifest.scope: Head(3, "00")}
    )
    busy = UnderWay(frozenset(), frozenset({"site_backup_job"}))

    during = health_result(look_at(registry_of("AA"), project_manifest, SITE), busy, None)
    after = health_result(look_at(registry_of("AA"), project_manifest, SITE), NOTHING_RUNS, during.cursor)
    later = health_result(look_at(registry_of("AA"), project_manifest, recorded), NOTHING_RUNS, after.cursor)
    known = health_result(look_at(registry_of("AA"), project_manifest, recorded), NOTHING_RUNS, None)

    assert run_keys(during) == []
    assert run_keys(after) == ["heads/3", "checks/3"]
    assert run_keys(later) == []
    assert run_keys(known) == ["checks/3"]


@pytest.mark.usefixtures("at_now")
def test_the_cursor_holds_verdicts_and_no_ages() -> None:
    result = health_result(look_at(registry_of("AA"), manifest_of("AA", "1"), SITE), NOTHING_RUNS, None)

    cursor = json.loads(str(result.cursor))
    assert cursor["fresh/AA"] == "good/fresh"
    assert "hours" not in str(result.cursor)


def test_an_alert_is_one_line_that_names_job_project_and_run() -> None:
    run = dg.DagsterRun(job_name="backup_job", run_id="0f3c", tags={"dagster/partition": "AA"}, run_config={})

    assert alert_text(run, "Jira said no\nHINT: Ask.") == (
        "backup_job of project AA failed: Jira said no HINT: Ask. (run 0f3c)"
    )


def test_moments_are_aware() -> None:
    assert datetime.now(UTC).tzinfo is health_sensor.now().tzinfo
