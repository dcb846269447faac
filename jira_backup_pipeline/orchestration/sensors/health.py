"""The watch: what is stale or incomplete turns red by itself and what is overdue is asked for again.

What belongs here: the sensor that reads the newest manifests, reports verdicts that changed as check evaluations, and
requests runs for overdue projects (with the time slot in the run key: a key without it would run once and never again).

What stays out: any question to Jira, and the verdicts themselves (`health`).

See https://docs.dagster.io/guides/automate/sensors
"""

import json
from collections.abc import Iterator, Mapping

import dagster as dg

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS, SITE_SNAPSHOT, SNAPSHOT
from jira_backup_pipeline.orchestration.checks import (
    COMPLETE,
    EVERY_COMPLETE,
    EVERY_FRESH,
    FRESH,
    Look,
    evaluation_of,
    result_of,
    rolled_up,
    take_look,
)
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.health import has_unrecorded_heads
from jira_backup_pipeline.orchestration.jobs.backup import (
    backup_job,
    health_checks_job,
    record_heads_job,
    site_backup_job,
)
from jira_backup_pipeline.orchestration.partitions import UnderWay, runs_under_way
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now

_SECONDS_BETWEEN_LOOKS = 5 * 60
# What is overdue is asked for once in a slot: often enough to catch up, too seldom to hammer a failing site.
_SLOT_HOURS = 3
# The name in the cursor of what the roll-up checks saw last; no verdict has this name.
_CHECKED = "checked"

# A verdict that may have to be reported: its name in the cursor, what it depends on, and the event.
_Told = tuple[str, str, dg.AssetCheckEvaluation]


@dg.sensor(
    name="backup_health_sensor",
    jobs=[backup_job, site_backup_job, record_heads_job, health_checks_job],
    minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Every 5 minutes, from the repository alone: report which projects became stale or incomplete (or well again), and "
        "request runs for overdue ones, once in three hours each. A new project first waits for the schedule."
    ),
)
def backup_health_sensor(
    context: dg.SensorEvaluationContext, workplace: BackupWorkplace
) -> dg.SensorResult | dg.SkipReason:
    """Look at the newest snapshots, report what changed and request what is overdue."""
    try:
        with explained():
            look = take_look(context.instance, workplace)
    except dg.Failure as failure:
        if isinstance(failure.__cause__, ConfigurationError):
            return dg.SkipReason(f"nothing to watch yet: {failure.description}")
        raise
    return health_result(look, runs_under_way(context.instance), context.cursor)


def health_result(look: Look, under_way: UnderWay, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    """Give what follows from one look: evaluations of verdicts that differ from the last ones, and run requests."""
    before: Mapping[str, str] = json.loads(cursor) if cursor else {}
    told = list(_verdicts(look))
    events = [event for name, basis, event in told if before.get(name, _silent(event)) != basis]
    requests = list(_requests(look, under_way))
    after = {name: basis for name, basis, _ in told}
    after[_CHECKED] = before.get(_CHECKED, "")
    if look.heads and not under_way.is_busy and after[_CHECKED] != _total(look):
        # Backups have ended since: record the newest snapshots, and let the roll-up checks look at all of them.
        after[_CHECKED] = _total(look)
        requests += _after_backups(look)
    words = json.dumps(after, sort_keys=True)
    if not events and not requests:
        return dg.SensorResult(skip_reason=f"{len(look.projects)} projects, nothing changed", cursor=words)
    return dg.SensorResult(run_requests=requests, asset_events=events, cursor=words)


def _silent(event: dg.AssetCheckEvaluation) -> str | None:
    """Give the basis that needs no telling on the first look: a good verdict on one scope was told by its own run."""
    is_roll_up = event.check_name in {EVERY_COMPLETE, EVERY_FRESH}
    return _good_basis(event) if event.passed and not is_roll_up else None


def _good_basis(event: dg.AssetCheckEvaluation) -> str:
    return f"good/{event.check_name}"


def _verdicts(look: Look) -> Iterator[_Told]:
    for project in look.projects:
        if project.is_watched:
            for name, verdict in ((COMPLETE, project.complete), (FRESH, project.fresh)):
                event = evaluation_of(result_of(name, verdict), SNAPSHOT, partition=project.key)
                yield f"{name}/{project.key}", _basis(event, project.snapshot), event
    for name, verdict in ((COMPLETE, look.site.complete), (FRESH, look.site.fresh)):
        event = evaluation_of(result_of(name, verdict), SITE_SNAPSHOT)
        yield f"{name}/site", _basis(event, look.site.snapshot), event
    for name in (EVERY_COMPLETE, EVERY_FRESH):
        event = evaluation_of(rolled_up(name, look.projects), DISCOVERED_PROJECTS)
        # Its words name the bad projects and hold no age: they change exactly when the verdict does.
        yield name, str(event.description), event


def _basis(event: dg.AssetCheckEvaluation, snapshot: int | None) -> str:
    """Say what a verdict on one scope depends on, leaving out ages, which differ at every look."""
    return _good_basis(event) if event.passed else f"bad/{event.check_name}/{snapshot}"


def _requests(look: Look, under_way: UnderWay) -> Iterator[dg.RunRequest]:
    moment = now()
    slot = f"{moment:%Y-%m-%d}/{moment.hour // _SLOT_HOURS}"
    if look.site.is_overdue and site_backup_job.name not in under_way.jobs:
        yield dg.RunRequest(run_key=f"catch-up/{slot}/site", job_name=site_backup_job.name)
    for project in look.projects:
        if project.is_overdue and project.key not in under_way.partitions:
            yield dg.RunRequest(
                run_key=f"catch-up/{slot}/{project.key}", job_name=backup_job.name, partition_key=project.key
            )


def _after_backups(look: Look) -> Iterator[dg.RunRequest]:
    if has_unrecorded_heads(look.heads):
        yield dg.RunRequest(run_key=f"heads/{_total(look)}", job_name=record_heads_job.name)
    yield dg.RunRequest(run_key=f"checks/{_total(look)}", job_name=health_checks_job.name)


def _total(look: Look) -> str:
    """Say how far the repository is: every new project snapshot raises the sum of the newest numbers."""
    return str(sum(heads.newest.number for scope, heads in look.heads.items() if scope != SITE_SCOPE))
