"""The jobs that back up, and the small ones that go with them.

What belongs here: asset jobs over the project and site assets, the job of roll-up checks, and the job that records which
snapshot of every project is the newest.

What stays out: what an asset does (`assets`), when jobs run (`schedules`, `sensors`).

See https://docs.dagster.io/guides/build/jobs/asset-jobs
"""

import dagster as dg

from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.capture.site import record_heads
from jira_backup_pipeline.orchestration.assets.project import project_backup
from jira_backup_pipeline.orchestration.assets.site import site_backup
from jira_backup_pipeline.orchestration.checks import QUICK_ROLL_UPS
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now

# The steps share one process: a process per step costs over a second each and splits the request budget.
EXECUTOR = dg.in_process_executor

backup_job = dg.define_asset_job(
    "backup_job",
    selection=dg.AssetSelection.assets(project_backup),
    executor_def=EXECUTOR,
    description="Back up one project: pick its partition. Several at once: use a backfill of the project assets.",
)

site_backup_job = dg.define_asset_job(
    "site_backup_job",
    selection=dg.AssetSelection.assets(site_backup),
    executor_def=EXECUTOR,
    tags={"dagster/priority": "2"},
    description="Back up what all projects share: fields, types, statuses, roles, people.",
)

health_checks_job = dg.define_asset_job(
    "health_checks_job",
    selection=dg.AssetSelection.checks(*QUICK_ROLL_UPS),
    executor_def=EXECUTOR,
    tags={"dagster/priority": "3"},
    description="Judge all projects now: complete, intact, fresh. Reads the repository only.",
)


@dg.op(
    description="Commit a site snapshot of unchanged content that lists the newest snapshot of every project."
)
def record_newest_snapshots(context: dg.OpExecutionContext, workplace: BackupWorkplace) -> None:
    """Make a later removal of newest snapshots visible to verification."""
    with explained():
        manifest = record_heads(workplace.repository(), run=new_run_id(now))
    done = "nothing new to record" if manifest is None else f"recorded in site snapshot {manifest.number}"
    context.log.info(done)


@dg.job(
    executor_def=EXECUTOR,
    tags={"dagster/priority": "3"},
    description=(
        "Record in the site's snapshot which snapshot of every project is the newest, so that verification notices when "
        "the newest ones are taken away. The health sensor requests it after backups."
    ),
)
def record_heads_job() -> None:
    """Record the newest snapshots."""
    record_newest_snapshots()
