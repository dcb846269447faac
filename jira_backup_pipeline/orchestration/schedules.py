"""What runs by the clock: backups each night, a verification each week, and a rehearsed recovery where it is turned on.

What belongs here: the schedules and the run requests they make. The day is in the run key, times and zone come from the
`[backup]` section of the configuration file.

What stays out: which projects are active (`registry`), catch-up after an outage (`sensors.health`).

See https://docs.dagster.io/guides/automate/schedules
"""

from collections.abc import Iterator

import dagster as dg

from jira_backup_pipeline.orchestration.assets.discovered import read_registry
from jira_backup_pipeline.orchestration.jobs.backup import backup_job, site_backup_job
from jira_backup_pipeline.orchestration.jobs.drill import drill_job
from jira_backup_pipeline.orchestration.jobs.verify import verify_job
from jira_backup_pipeline.orchestration.partitions import known_partitions
from jira_backup_pipeline.settings_file import FileSettings

# Backups are the point of the product: they run unless somebody turns them off.
_DRILL_CRON = "0 5 * * 6"
_RUNNING = dg.DefaultScheduleStatus.RUNNING


def build_schedules(settings: FileSettings) -> list[dg.ScheduleDefinition]:
    """Give the schedules at the times that are configured."""
    return [
        _nightly_site(settings),
        _nightly_projects(settings),
        _weekly_verify(settings),
        _weekly_drill(settings),
    ]


def _nightly_site(settings: FileSettings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="nightly_site_backup",
        job=site_backup_job,
        cron_schedule=settings.schedule,
        execution_timezone=settings.time_zone,
        default_status=_RUNNING,
        description="Every night: what all projects share. Goes before the projects, whose snapshots name the site's.",
    )
    def nightly_site_backup(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{_day(context)}/site")

    return nightly_site_backup


def _nightly_projects(settings: FileSettings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="nightly_project_backup",
        job=backup_job,
        cron_schedule=settings.schedule,
        execution_timezone=settings.time_zone,
        default_status=_RUNNING,
        description="Every night: one run for every active project. Retired projects are left out.",
    )
    def nightly_project_backup(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        registry = read_registry(context.instance)
        active = [key for key in known_partitions(context.instance) if registry.is_active(key)]
        if not active:
            yield dg.SkipReason("no active project is known yet: turn on project_discovery_sensor")
        for key in active:
            yield dg.RunRequest(run_key=f"{_day(context)}/{key}", partition_key=key)

    return nightly_project_backup


def _weekly_verify(settings: FileSettings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="weekly_verify",
        job=verify_job,
        cron_schedule=settings.verify_schedule,
        execution_timezone=settings.time_zone,
        default_status=_RUNNING,
        description="Every week: read every stored object and compare its digest.",
    )
    def weekly_verify(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{_day(context)}/verify")

    return weekly_verify


def _weekly_drill(settings: FileSettings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="weekly_drill",
        job=drill_job,
        cron_schedule=_DRILL_CRON,
        execution_timezone=settings.time_zone,
        # It takes the memory and the time of a whole restore: somebody who has both to spare turns it on.
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every week, once turned on: restore every project into a fresh local Jira and prove it.",
    )
    def weekly_drill(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{_day(context)}/drill")

    return weekly_drill


def _day(context: dg.ScheduleEvaluationContext) -> str:
    """Name the tick by its local day; with a cron of several ticks a day also by its time."""
    return context.scheduled_execution_time.strftime("%Y-%m-%dT%H%M")
