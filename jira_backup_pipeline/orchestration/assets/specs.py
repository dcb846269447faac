"""The specs of all assets, made from the catalogue: a new kind is an asset without another line of code.

What belongs here: names, descriptions, lineage, groups, tags and column schemas of assets.

What stays out: what computes them (`assets.project`, `assets.site`) and when they are due (`build` sets the freshness
policy from the settings).

See https://docs.dagster.io/guides/build/assets
"""

from types import MappingProxyType

import dagster as dg

from jira_backup_pipeline.domain.kinds import BY_NAME, Kind, Level, kinds_at
from jira_backup_pipeline.orchestration.metadata import column_schema

PROJECT_GROUP = "jira_projects"
SITE_GROUP = "jira_site"
JIRA_POOL = "jira_api"

PROJECT_KINDS = kinds_at(Level.PROJECT, Level.ISSUE)
SITE_KINDS = kinds_at(Level.SITE)

SNAPSHOT = dg.AssetKey(["jira", "snapshot"])
SITE_SNAPSHOT = dg.AssetKey(["jira", "site_snapshot"])
DISCOVERED_PROJECTS = dg.AssetKey(["jira", "discovered_projects"])

_LEVEL_WORDS = MappingProxyType(
    {
        Level.SITE: "of the whole site",
        Level.PROJECT: "of one project",
        Level.ISSUE: "of one project's issues",
    }
)


def table_key(kind: Kind) -> dg.AssetKey:
    """Name the asset of a kind's table."""
    return dg.AssetKey(["jira", kind.table])


def table_spec(kind: Kind, group: str) -> dg.AssetSpec:
    """Describe the asset of one table."""
    parent = [table_key(BY_NAME[kind.parent])] if kind.parent else []
    return dg.AssetSpec(
        table_key(kind),
        deps=parent,
        group_name=group,
        description=_description(kind),
        kinds={"jira", "parquet"},
        tags={"jira/level": kind.level.value, "jira/restorable": "yes" if kind.is_restorable else "no"},
        metadata={"dagster/column_schema": column_schema(kind)},
    )


def project_specs() -> list[dg.AssetSpec]:
    """Describe what one project's capture yields, the snapshot last."""
    snapshot = dg.AssetSpec(
        SNAPSHOT,
        deps=[*(table_key(kind) for kind in PROJECT_KINDS), SITE_SNAPSHOT],
        group_name=PROJECT_GROUP,
        description=(
            "The commit of one project's backup: a signed manifest that names every object it rests on, with the ledger "
            "(what Jira said exists against what is stored) and every gap with its reason. What is green here can be "
            "restored with `restore_job`."
        ),
        kinds={"jira", "age"},
        tags={"jira/level": "snapshot"},
    )
    return [*(table_spec(kind, PROJECT_GROUP) for kind in PROJECT_KINDS), snapshot]


def site_specs() -> list[dg.AssetSpec]:
    """Describe what the site's capture yields, the snapshot last."""
    snapshot = dg.AssetSpec(
        SITE_SNAPSHOT,
        deps=[table_key(kind) for kind in SITE_KINDS],
        group_name=SITE_GROUP,
        description=(
            "The commit of the site's own backup: configuration and people that all projects share. A project's snapshot "
            "names the site snapshot that it goes with."
        ),
        kinds={"jira", "age"},
        tags={"jira/level": "snapshot"},
    )
    return [*(table_spec(kind, SITE_GROUP) for kind in SITE_KINDS), snapshot]


def _description(kind: Kind) -> str:
    restore = "Restored by `restore_job`" if kind.is_restorable else "Not written back by a restore"
    note = f": {kind.restore_note}" if kind.restore_note else ""
    title = kind.title[0].upper() + kind.title[1:]
    return (
        f"{title} {_LEVEL_WORDS[kind.level]}: the table `{kind.table}` of the snapshot, encrypted Parquet with typed columns "
        f"beside the exact JSON.\n\n{restore}{note}."
    )
