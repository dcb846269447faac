"""Alerts: a failed run is told where operators look.

What belongs here: the sensor that sees failed runs of this code location and writes one clear line about each.

What stays out: retries (`failures`) and webhooks: no setting names one, and nothing but Jira and the store is contacted.

See https://docs.dagster.io/guides/automate/run-status-sensors
"""

import logging

import dagster as dg

_log = logging.getLogger("jira_backup_pipeline.alerts")


@dg.run_failure_sensor(
    name="failure_alert_sensor",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tell about every failed run: one line at level ERROR in the sensor's and the daemon's log.",
)
def failure_alert_sensor(context: dg.RunFailureSensorContext) -> None:
    """Log one line about a failed run."""
    text = alert_text(context.dagster_run, context.failure_event.message or "")
    context.log.error(text)
    _log.error(text)


def alert_text(run: dg.DagsterRun, message: str) -> str:
    """Say in one line what failed, for whom, and where to look."""
    project = run.tags.get("dagster/partition")
    what = f"{run.job_name} of project {project}" if project else run.job_name
    return f"{what} failed: {' '.join(message.split())} (run {run.run_id})"
