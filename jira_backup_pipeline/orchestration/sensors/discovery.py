"""Project discovery: Jira's list of projects becomes partitions and the registry.

What belongs here: the one cheap question to Jira, and what is done with a complete answer. A failed or empty listing
changes nothing and says why; nothing is ever deleted.

What stays out: the rule by which a listing changes the registry (`registry`), and requests for runs (`schedules`,
`sensors.health`).

See https://docs.dagster.io/guides/automate/sensors
"""

import dagster as dg

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.ports import ListedProject
from jira_backup_pipeline.orchestration.assets.discovered import read_registry, registry_event
from jira_backup_pipeline.orchestration.partitions import is_partition_key, jira_project, known_partitions
from jira_backup_pipeline.orchestration.registry import ProjectRegistry
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now

_SECONDS_BETWEEN_LISTINGS = 15 * 60


@dg.sensor(
    name="project_discovery_sensor",
    minimum_interval_seconds=_SECONDS_BETWEEN_LISTINGS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Every 15 minutes: list Jira's projects, add a partition for each new one, and report which are renamed, archived, "
        "deleted or not seen any more. A listing that fails changes nothing; partitions are never deleted."
    ),
)
def project_discovery_sensor(
    context: dg.SensorEvaluationContext, workplace: BackupWorkplace
) -> dg.SensorResult | dg.SkipReason:
    """List projects and report what changed."""
    try:
        with workplace.reader() as reader:
            listed = list(reader.projects())
    except BackupPipelineError as error:
        return dg.SkipReason(f"projects could not be listed, nothing was changed: {error}")
    registry = read_registry(context.instance)
    if not listed:
        return dg.SkipReason(_empty_listing(registry))
    return discovery_result(context.instance, registry, listed)


def discovery_result(
    instance: dg.DagsterInstance, registry: ProjectRegistry, listed: list[ListedProject]
) -> dg.SensorResult | dg.SkipReason:
    """Give what follows from a complete listing: partitions to add and, when something changed, a new registry."""
    changed = registry.after_listing(listed, now())
    known = set(known_partitions(instance))
    # A partition that somebody deleted by hand comes back only when its project is alive in Jira.
    new = [key for key in changed.projects if key not in known and changed.is_active(key)]
    if changed == registry and not new:
        return dg.SkipReason(f"{len(listed)} projects, nothing changed")
    return dg.SensorResult(
        dynamic_partitions_requests=[jira_project.build_add_request(new)] if new else [],
        asset_events=[] if changed == registry else [registry_event(changed)],
    )


def register_projects(instance: dg.DagsterInstance, listed: list[ListedProject]) -> list[str]:
    """Do at once what the sensor does with a listing, for programs that run without the daemon.

    Returns:
        The keys of all partitions, sorted.
    """
    registry = read_registry(instance).after_listing(listed, now())
    new = [key for key in registry.projects if is_partition_key(key) and registry.is_active(key)]
    instance.add_dynamic_partitions(str(jira_project.name), new)
    instance.report_runless_asset_event(registry_event(registry))
    return known_partitions(instance)


def _empty_listing(registry: ProjectRegistry) -> str:
    if registry.projects:
        return (
            f"Jira listed no project at all, though {len(registry.projects)} are known; nothing was changed\n"
            "HINT: Give the backup account the permission Browse Projects again."
        )
    return (
        "the account does not see any project\n"
        "HINT: Give the backup account the permission Browse Projects in every project that is to be backed up."
    )
