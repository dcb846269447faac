"""The one place where the code location is put together.

What belongs here: composing assets, checks, jobs, schedules, sensors and the resource into fresh `Definitions`, with
overrides for tests and for other deployments.

What stays out: what any of them does. Nothing is read when this module is imported; the settings file is read when
definitions are built, for the times of schedules only.

See https://docs.dagster.io/guides/build/projects-and-components
"""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from jira_backup_pipeline.orchestration.assets.discovered import discovered_projects
from jira_backup_pipeline.orchestration.assets.project import project_backup
from jira_backup_pipeline.orchestration.assets.site import site_backup
from jira_backup_pipeline.orchestration.checks import ROLL_UPS
from jira_backup_pipeline.orchestration.drills import drilled
from jira_backup_pipeline.orchestration.jobs.backup import (
    EXECUTOR,
    backup_job,
    health_checks_job,
    record_heads_job,
    site_backup_job,
)
from jira_backup_pipeline.orchestration.jobs.drill import drill_job
from jira_backup_pipeline.orchestration.jobs.restore import restore_job
from jira_backup_pipeline.orchestration.jobs.restore_site import restore_site_job
from jira_backup_pipeline.orchestration.jobs.verify import verify_job
from jira_backup_pipeline.orchestration.resources import BackupWorkplace
from jira_backup_pipeline.orchestration.run_memory import RUN_MEMORY, run_memory
from jira_backup_pipeline.orchestration.schedules import build_schedules
from jira_backup_pipeline.orchestration.sensors.alerts import failure_alert_sensor
from jira_backup_pipeline.orchestration.sensors.discovery import project_discovery_sensor
from jira_backup_pipeline.orchestration.sensors.health import backup_health_sensor
from jira_backup_pipeline.settings import Settings, settings_from_process


def build_definitions(
    settings: Settings | None = None, *, overrides: Mapping[str, object] | None = None
) -> dg.Definitions:
    """Build fresh definitions.

    Args:
        settings: for schedule times and freshness; read from the process when None.
        overrides: resources by name that replace the standard ones (`workplace`).

    Raises:
        ConfigurationError: the settings are malformed. Missing ones are not missed here: a run names them.
    """
    file = (settings or settings_from_process()).file
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=file.freshness_hours))
    backups = [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=freshness))
        for asset in (site_backup, project_backup)
    ]
    return dg.Definitions(
        assets=[*backups, discovered_projects],
        asset_checks=[*ROLL_UPS, drilled],
        jobs=[
            backup_job,
            site_backup_job,
            verify_job,
            restore_job,
            restore_site_job,
            drill_job,
            health_checks_job,
            record_heads_job,
        ],
        schedules=build_schedules(file),
        sensors=[project_discovery_sensor, backup_health_sensor, failure_alert_sensor],
        resources={"workplace": BackupWorkplace(), RUN_MEMORY: run_memory, **(overrides or {})},
        executor=EXECUTOR,
    )
