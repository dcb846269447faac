"""The partitions of the project assets: one per Jira project, added as projects are discovered.

What belongs here: the partitions definition, the rule which project keys may become partition keys, and how to ask
which of them have a run under way.

What stays out: who a key belongs to and whether it is retired (`registry`), and the decision to add keys
(`sensors.discovery`). Partitions are never deleted here: a vanished project keeps its history.

See https://docs.dagster.io/guides/build/partitions-and-backfills
"""

import re
from dataclasses import dataclass

import dagster as dg

PARTITION_SET = "jira_project"

jira_project = dg.DynamicPartitionsDefinition(name=PARTITION_SET)

# Dagster takes any text as a partition key, but `|`, `,`, `...` and `[` mean something else in ranges and selections.
_PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]+\Z")
_PARTITION_TAG = "dagster/partition"
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def is_partition_key(project_key: str) -> bool:
    """Tell whether a project key has Jira's own grammar and so is safe as a partition key."""
    return _PROJECT_KEY.match(project_key) is not None


def known_partitions(instance: dg.DagsterInstance) -> list[str]:
    """Give the keys of all project partitions, sorted."""
    return sorted(instance.get_dynamic_partitions(PARTITION_SET))


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What queued and running runs work on: partition keys, and the names of jobs."""

    partitions: frozenset[str]
    jobs: frozenset[str]

    @property
    def is_busy(self) -> bool:
        """Tell whether anything runs or waits at all."""
        return bool(self.partitions or self.jobs)


def runs_under_way(instance: dg.DagsterInstance) -> UnderWay:
    """Tell what queued and running runs work on."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNDER_WAY))
    return UnderWay(
        frozenset(run.tags[_PARTITION_TAG] for run in runs if _PARTITION_TAG in run.tags),
        frozenset(run.job_name for run in runs),
    )
