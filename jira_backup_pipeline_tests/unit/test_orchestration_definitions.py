"""The code location loads with nothing configured, and its graph is what the committed text says."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import dagster as dg
import pytest

from jira_backup_pipeline.domain.kinds import KINDS
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "jira_backup_pipeline_tests" / "golden" / "definitions.txt"


def definitions() -> dg.Definitions:
    return build_definitions(Settings.from_environment({}))


def picture_of(built: dg.Definitions) -> str:
    """Draw the definitions as text: what there is, what it hangs on, when it runs."""
    repository = built.get_repository_def()
    graph = repository.asset_graph
    lines = ["assets"]
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        partitions = node.partitions_def.name if node.partitions_def else "-"  # type: ignore[attr-defined]
        lines.append(
            f"  {key.to_user_string()}  group={node.group_name} partitions={partitions} "
            f"pools={','.join(sorted(node.pools or ())) or '-'} "
            f"kinds={','.join(sorted(node.kinds))} from=[{parents}]"
        )
    lines.append("checks")
    for check in sorted(graph.asset_check_keys, key=lambda key: (key.asset_key, key.name)):
        partitions = "jira_project" if graph.get(check).partitions_def else "-"
        lines.append(f"  {check.asset_key.to_user_string()}:{check.name}  partitions={partitions}")
    lines.append("jobs")
    for job in sorted(built.jobs or (), key=lambda job: job.name):
        nodes = ", ".join(sorted(node.name for node in built.resolve_job_def(job.name).nodes))
        lines.append(f"  {job.name}  nodes=[{nodes}]")
    lines.append("schedules")
    lines += [
        f"  {schedule.name}  {schedule.cron_schedule} {schedule.execution_timezone} -> {schedule.job_name} "
        f"{schedule.default_status.value}"
        for schedule in sorted(repository.schedule_defs, key=lambda schedule: schedule.name)
    ]
    lines.append("sensors")
    lines += [
        f"  {sensor.name}  every {sensor.minimum_interval_seconds or 30} s {sensor.default_status.value}"
        for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
    ]
    return "\n".join(lines) + "\n"


def test_the_graph_is_what_the_committed_text_says() -> None:
    """After a wanted change: delete the text, run this test twice, read the difference."""
    drawn = picture_of(definitions())
    if not PICTURE.exists():
        PICTURE.write_text(drawn, encoding="utf-8")
        pytest.fail(f"{PICTURE.name} was written anew: read it, commit it, run again")

    assert PICTURE.read_text(encoding="utf-8") == drawn


def test_every_kind_of_the_catalogue_is_an_asset_with_its_columns() -> None:
    graph = definitions().resolve_asset_graph()

    for kind in KINDS:
        node = graph.get(dg.AssetKey(["jira", kind.table]))
        schema = node.metadata["dagster/column_schema"]
        assert {column.name for column in kind.columns} <= {column.name for column in schema.columns}
        assert kind.title[1:] in str(node.description)


def test_definitions_load_without_a_warning_about_what_is_on_its_way_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        warnings.simplefilter("error", dg.SupersessionWarning)
        warnings.simplefilter("error", dg.PreviewWarning)
        built = definitions()
        dg.Definitions.validate_loadable(built)


def test_every_build_is_fresh_and_takes_overrides() -> None:
    marker = object()

    first, second = (
        definitions(),
        build_definitions(Settings.from_environment({}), overrides={"extra": marker}),
    )

    assert first is not second
    assert "extra" in (second.resources or {})
    assert "extra" not in (first.resources or {})


def test_times_and_freshness_come_from_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "jira-backup.toml"
    file.write_text('[backup]\nschedule = "30 3 * * *"\ntime_zone = "Europe/Berlin"\nfreshness_hours = 12\n')

    built = build_definitions(Settings.from_environment({}, config_file=file))

    schedule = built.resolve_schedule_def("nightly_project_backup")
    node = built.resolve_asset_graph().get(dg.AssetKey(["jira", "snapshot"]))
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 3 * * *", "Europe/Berlin")
    assert "fail_window" in str(node.freshness_policy)
    assert "43200" in str(node.freshness_policy) or "12:00:00" in str(node.freshness_policy)


def test_no_resource_field_and_no_job_asks_for_a_secret() -> None:
    for job in definitions().jobs or ():
        schema = str(definitions().resolve_job_def(job.name).run_config_schema.config_type)
        for word in ("token", "password", "secret", "api_key", "identity"):
            assert word not in schema.lower()


@pytest.mark.parametrize("target", [["-w", "workspace.yaml"], ["-m", "jira_backup_pipeline.definitions"]])
def test_dagster_itself_validates_the_location_with_an_empty_environment(
    target: list[str], tmp_path: Path
) -> None:
    outcome = subprocess.run(
        [str(Path(sys.executable).with_name("dagster")), "definitions", "validate", *target],
        cwd=ROOT,
        env={
            "PATH": str(Path(sys.executable).parent),
            "DAGSTER_HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert outcome.returncode == 0, outcome.stderr
    assert "All code locations passed validation" in outcome.stdout + outcome.stderr
