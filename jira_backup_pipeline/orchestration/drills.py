"""What rehearsals say about recovery: the check `drilled` over all projects.

What belongs here: the judgement of the newest rehearsals by result and age, and the check that shows it. It hangs on the
list of discovered projects like the other roll-ups; `jobs.drill` reports it after each rehearsal.

What stays out: rehearsing (`engine.drill`, `jobs.drill`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import dagster as dg

from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.drill import Drill, newest_drill
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.metadata import table
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now
from jira_backup_pipeline.repository.repository import Repository

DRILLED = "drilled"
# A weekly rehearsal may be missed once.
OLDEST = timedelta(days=15)
_ROW = ("project", "snapshot", "rehearsed", "days ago", "seconds", "records", "wrong or missing", "result")
_REMEDY = "Run drill_job, or turn on weekly_drill."


@dg.asset_check(
    asset=DISCOVERED_PROJECTS,
    name=DRILLED,
    description=(
        "Every project's recovery was rehearsed lately, and everything came back. `drill_job` rehearses and reports here."
    ),
)
def drilled(workplace: BackupWorkplace) -> dg.AssetCheckResult:
    """Judge the newest rehearsal of every project."""
    with explained():
        return drilled_result(workplace.repository(), now())


def drilled_result(repository: Repository, moment: datetime) -> dg.AssetCheckResult:
    """Read the newest rehearsals and judge them."""
    scopes = [scope for scope in repository.scopes() if scope != SITE_SCOPE]
    return judged({scope: newest_drill(repository, scope) for scope in scopes}, moment)


def judged(drills: Mapping[str, Drill | None], moment: datetime) -> dg.AssetCheckResult:
    """Judge: something that did not come back is an error; what was not rehearsed lately a warning, and never green."""
    known = {scope: drill for scope, drill in drills.items() if drill is not None}
    failed = [drill.project for drill in known.values() if not drill.is_proven]
    old = [drill.project for drill in known.values() if moment - drill.begun_at > OLDEST]
    never = [scope for scope in drills if scope not in known]
    if failed:
        reason = f"{len(failed)} of {len(drills)} projects did not come back whole: {', '.join(failed[:10])}"
    elif not drills:
        reason = "there is no project to rehearse yet"
    elif never or old:
        reason = f"{len(never)} of {len(drills)} projects were never rehearsed, {len(old)} not within {OLDEST.days} days"
    else:
        reason = f"all {len(drills)} projects came back whole"
    is_good = bool(drills) and not (failed or never or old)
    return dg.AssetCheckResult(
        check_name=DRILLED,
        asset_key=DISCOVERED_PROJECTS,
        passed=is_good,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=reason,
        metadata={
            "rehearsals": table(_ROW, [_row(drill, moment) for drill in known.values()]),
            "never rehearsed": dg.MetadataValue.text(", ".join(never) or "none"),
            **({} if is_good else {"what to do": dg.MetadataValue.text(_REMEDY)}),
        },
    )


def _row(drill: Drill, moment: datetime) -> tuple[str | int | float | None, ...]:
    result = drill.error or ("proven" if drill.is_proven else "not all came back")
    return (
        drill.project,
        drill.snapshot,
        to_iso(drill.begun_at),
        (moment - drill.begun_at).days,
        drill.duration_seconds,
        drill.records,
        drill.wrong,
        result,
    )
