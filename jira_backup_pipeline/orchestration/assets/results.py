"""From the outcome of a capture to what a multi-asset yields, in the order of the catalogue, the snapshot last.

What belongs here: materializations of all tables and of the snapshot, the check results that come with it, and the
record of the run.

What stays out: capturing (`assets.project`, `assets.site`), how values look (`metadata`), verdicts (`checks`).
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from jira_backup_pipeline.domain.kinds import Kind
from jira_backup_pipeline.engine.outcomes import BackupOutcome, CaptureOutcome
from jira_backup_pipeline.orchestration.assets.specs import table_key
from jira_backup_pipeline.orchestration.metadata import (
    content_version,
    manifest_version,
    snapshot_metadata,
    table_metadata,
)
from jira_backup_pipeline.repository.repository import Repository


def record_run(repository: Repository, run: str, outcome: CaptureOutcome, *, dagster_run: str) -> None:
    """Keep the record of a run in the repository, where it outlives Dagster's event log."""
    document = BackupOutcome(run, (outcome,)).to_json()
    repository.put_document("runs", run, {**document, "dagster_run": dagster_run})


def results_of(
    outcome: CaptureOutcome,
    *,
    kinds: Sequence[Kind],
    snapshot: dg.AssetKey,
    repository_uri: str,
    checks: Sequence[dg.AssetCheckResult],
) -> Iterator[dg.MaterializeResult[None]]:
    """Give the results of a committed capture; only call this after the commit."""
    version = content_version(outcome.manifest)
    for kind in kinds:
        yield dg.MaterializeResult(
            asset_key=table_key(kind),
            metadata=table_metadata(outcome, kind.table, repository_uri),
            data_version=version,
        )
    yield dg.MaterializeResult(
        asset_key=snapshot,
        metadata=snapshot_metadata(outcome, repository_uri),
        data_version=manifest_version(outcome.manifest),
        check_results=checks,
    )
