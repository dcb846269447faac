"""The list of projects that discovery saw: an asset that a sensor reports, the home of the project registry.

What belongs here: the spec, the event that reports a registry, and reading the newest one back from the instance.

What stays out: the registry's rules (`registry`) and asking Jira (`sensors.discovery`).

See https://docs.dagster.io/guides/build/assets/external-assets
"""

from typing import cast

import dagster as dg

from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS, SITE_GROUP
from jira_backup_pipeline.orchestration.metadata import table
from jira_backup_pipeline.orchestration.registry import ProjectRegistry, Standing

_REGISTRY = "registry"

discovered_projects = dg.AssetSpec(
    DISCOVERED_PROJECTS,
    group_name=SITE_GROUP,
    description=(
        "Every project that the account has ever seen, and how it stands now. `project_discovery_sensor` reports it when "
        "something changes and adds a partition for each new project. Renamed, archived, deleted and unseen projects are "
        "retired: their snapshots stay restorable, schedules leave them out, and partitions are never deleted for them."
    ),
    kinds={"jira"},
    tags={"jira/level": "site"},
)


def registry_event(registry: ProjectRegistry) -> dg.AssetMaterialization:
    """Give the event that reports a registry; it holds keys and ids only."""
    rows = [
        (known.key, known.project_id, known.standing.value, known.present_key, to_iso(known.since_at))
        for known in registry.projects.values()
    ]
    active = sum(known.standing is Standing.ACTIVE for known in registry.projects.values())
    return dg.AssetMaterialization(
        DISCOVERED_PROJECTS,
        description=f"{active} active projects, {len(rows) - active} retired",
        metadata={
            "dagster/row_count": len(rows),
            "projects": table(("key", "project_id", "standing", "called_now", "since"), rows),
            "unusable_keys": dg.MetadataValue.json(list(registry.unusable)),
            _REGISTRY: dg.MetadataValue.json(registry.to_json()),
        },
    )


def read_registry(instance: dg.DagsterInstance) -> ProjectRegistry:
    """Read the newest reported registry; an empty one where discovery has never run."""
    event = instance.get_latest_materialization_event(DISCOVERED_PROJECTS)
    reported = event.asset_materialization if event else None
    if reported is None:
        return ProjectRegistry()
    value = cast("dg.JsonMetadataValue", reported.metadata[_REGISTRY]).value
    return ProjectRegistry.from_json(cast("dict[str, object]", value))
