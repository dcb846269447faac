"""The backup of the site: configuration and people that all projects share, one committed snapshot.

What belongs here: the multi-asset of the site scope, which is not partitioned.

What stays out: what is read and how it is committed (`engine.capture`), the shape of results (`assets.results`).

See https://docs.dagster.io/guides/build/assets/defining-assets#multi-asset
"""

from collections.abc import Iterator
from contextlib import closing

import dagster as dg

from jira_backup_pipeline.engine.backup import new_run_id
from jira_backup_pipeline.engine.capture.site import capture_site
from jira_backup_pipeline.engine.estimate import announce
from jira_backup_pipeline.engine.outcomes import CaptureOutcome
from jira_backup_pipeline.orchestration.assets.results import record_run, results_of
from jira_backup_pipeline.orchestration.assets.specs import JIRA_POOL, SITE_KINDS, SITE_SNAPSHOT, site_specs
from jira_backup_pipeline.orchestration.checks import in_run_results, in_run_specs
from jira_backup_pipeline.orchestration.failures import RETRY_TRANSIENT, explained
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now, runs_at_once
from jira_backup_pipeline.settings import Need


@dg.multi_asset(
    name="site_backup",
    specs=site_specs(),
    check_specs=in_run_specs(SITE_SNAPSHOT, None),
    can_subset=False,
    pool=JIRA_POOL,
    retry_policy=RETRY_TRANSIENT,
)
def site_backup(
    context: dg.AssetExecutionContext, workplace: BackupWorkplace
) -> Iterator[dg.MaterializeResult[None]]:
    """Read what all projects share and commit the site's snapshot; results appear only after the commit."""
    with explained():
        outcome = _capture(context, workplace)
        checks = in_run_results(outcome, workplace)
        uri = workplace.settings().repository_uri()
    yield from results_of(
        outcome, kinds=SITE_KINDS, snapshot=SITE_SNAPSHOT, repository_uri=uri, checks=checks
    )


def _capture(context: dg.AssetExecutionContext, workplace: BackupWorkplace) -> CaptureOutcome:
    workplace.preflight(Need.JIRA, Need.REPOSITORY, Need.IDENTITY)
    repository, run = workplace.repository(), new_run_id(now)
    options = workplace.capture_options(is_full=False)
    with (
        workplace.reader(share_of=runs_at_once(context.instance, JIRA_POOL)) as reader,
        closing(RunLog(context.log.info)) as log,
    ):
        announce(log, repository, reader, [], with_site=True, options=options, now=now())
        outcome = capture_site(repository, reader, options=options, run=run, clock=now, progress=log)
    record_run(repository, run, outcome, dagster_run=context.run.run_id)
    return outcome
