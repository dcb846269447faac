"""What must be true of a backup, as Dagster asset checks: complete, intact, fresh; per project and rolled up.

What belongs here: specs and results of the checks that a backup run yields for its own partition, and the roll-ups over
all projects, which are not partitioned: project A red and project B green is red. The roll-ups hang on the list of
discovered projects: on the snapshot itself, every single backup would run them.

What stays out: the judgement itself (`health`), verification (`engine.verify`), and when checks are re-evaluated between
runs (`sensors.health`).

See https://docs.dagster.io/guides/test/asset-checks
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from jira_backup_pipeline.engine.outcomes import CaptureOutcome
from jira_backup_pipeline.engine.verify import VerifyLevel, VerifyReport, verify
from jira_backup_pipeline.orchestration.assets.discovered import read_registry
from jira_backup_pipeline.orchestration.assets.specs import DISCOVERED_PROJECTS
from jira_backup_pipeline.orchestration.failures import explained
from jira_backup_pipeline.orchestration.heads import Heads, read_heads
from jira_backup_pipeline.orchestration.health import (
    ProjectHealth,
    SiteHealth,
    Verdict,
    has_no_mass_disappearance,
    is_complete,
    is_fresh,
    judge_projects,
    judge_site,
)
from jira_backup_pipeline.orchestration.metadata import (
    Metadata,
    disappeared_table,
    gaps_table,
    ledger_table,
    table,
)
from jira_backup_pipeline.orchestration.partitions import known_partitions
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, now

COMPLETE, INTACT, FRESH, NO_MASS_DISAPPEARANCE = (
    "complete",
    "intact",
    "fresh",
    "no_mass_disappearance",
)
EVERY_COMPLETE, EVERY_INTACT, EVERY_FRESH, EVERY_VERIFIED = (
    "every_project_complete",
    "every_project_intact",
    "every_project_fresh",
    "every_project_verified",
)
_ROW = ("project", "standing", "snapshot", "state", "captured_at", "what is wrong", "what to do")
_FINDING = ("scope", "snapshot", "object", "problem", "what to do")


def in_run_specs(
    asset: dg.AssetKey, partitions: dg.PartitionsDefinition[str] | None
) -> list[dg.AssetCheckSpec]:
    """Describe the checks that a backup yields with its snapshot.

    Partitioned checks are a preview of Dagster 1.13: this function is the only one that knows, so that a change of that
    preview is a change of this function.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=partitions)
            for name, description in (
                (
                    COMPLETE,
                    "All that Jira said exists is stored, or is missing for a reason that was accepted.",
                ),
                (INTACT, "Every object that the snapshot rests on is in the store with its size."),
                (FRESH, "The newest restorable snapshot is not older than the configured freshness."),
                (
                    NO_MASS_DISAPPEARANCE,
                    "No more issues disappeared at once than a share that deletion explains; else a person must look.",
                ),
            )
        ]


def in_run_results(outcome: CaptureOutcome, workplace: BackupWorkplace) -> list[dg.AssetCheckResult]:
    """Judge a snapshot right after its commit."""
    manifest = outcome.manifest
    report = verify(workplace.repository(), scopes=[manifest.scope], level=VerifyLevel.LIST, newest_only=True)
    restorable = manifest if manifest.is_restorable_by_default else None
    fresh = is_fresh(restorable, now=now(), freshness=freshness_of(workplace))
    complete = is_complete(manifest, outcome.accepted_gaps)
    ledger: Metadata = {
        "ledger": ledger_table(manifest.ledger),
        "gaps": gaps_table(manifest.gaps),
    }
    return [
        result_of(COMPLETE, complete, ledger),
        result_of(INTACT, intact_verdict(report), findings_metadata(report)),
        result_of(FRESH, fresh),
        result_of(
            NO_MASS_DISAPPEARANCE,
            has_no_mass_disappearance(manifest),
            {"disappeared": disappeared_table(manifest)},
        ),
    ]


def freshness_of(workplace: BackupWorkplace) -> timedelta:
    """Give how old the newest restorable snapshot of a project may be."""
    return timedelta(hours=workplace.settings().file.freshness_hours)


def result_of(
    name: str,
    verdict: Verdict,
    metadata: Metadata | None = None,
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Give the result of a check from its verdict."""
    remedy: Metadata = {"what to do": dg.MetadataValue.text(verdict.remedy)} if verdict.remedy else {}
    return dg.AssetCheckResult(
        check_name=name,
        passed=verdict.is_good,
        severity=severity,
        description=verdict.reason,
        metadata={**remedy, **(metadata or {})},
    )


def intact_verdict(report: VerifyReport) -> Verdict:
    """Judge a verification."""
    looked_at = f"{report.objects:,} objects of {report.snapshots:,} snapshots, level {report.level.value}"
    if report.is_intact:
        return Verdict(is_good=True, reason=f"nothing wrong with {looked_at}")
    reason = f"{len(report.findings):,} findings in {looked_at}, first: {report.findings[0].problem}"
    return Verdict(is_good=False, reason=reason, remedy=report.findings[0].remedy)


def findings_metadata(report: VerifyReport) -> Metadata:
    """Show what a verification looked at and found."""
    rows = [(f.scope, f.snapshot, f.object_key, f.problem, f.remedy) for f in report.findings]
    return {
        "findings": table(_FINDING, rows),
        "objects": dg.MetadataValue.int(report.objects),
        "bytes": dg.MetadataValue.int(report.bytes),
        "level": dg.MetadataValue.text(report.level.value),
    }


def evaluation_of(
    result: dg.AssetCheckResult, asset: dg.AssetKey, partition: str | None = None
) -> dg.AssetCheckEvaluation:
    """Give the event that reports a result outside of a run of the check."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=str(result.check_name),
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=dict(result.metadata),
        partition=partition,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the repository: every project partition and the site, judged."""

    projects: list[ProjectHealth]
    site: SiteHealth
    heads: Mapping[str, Heads]


def take_look(instance: dg.DagsterInstance, workplace: BackupWorkplace) -> Look:
    """Judge everything from the repository and the registry; Jira is not asked."""
    registry = read_registry(instance)
    heads = read_heads(workplace.repository())
    moment, freshness = now(), freshness_of(workplace)
    gaps = workplace.settings().file.accepted_gaps
    projects = judge_projects(
        known_partitions(instance), registry, heads, now=moment, freshness=freshness, accepted_gaps=gaps
    )
    site = judge_site(registry, heads, now=moment, freshness=freshness, accepted_gaps=gaps)
    return Look(projects, site, heads)


def rolled_up(name: str, projects: Sequence[ProjectHealth]) -> dg.AssetCheckResult:
    """Roll verdicts up: one bad watched project makes it bad; no project at all is a warning, never green."""
    watched = [project for project in projects if project.is_watched]
    bad = [
        project
        for project in watched
        if not (project.complete if name == EVERY_COMPLETE else project.fresh).is_good
    ]
    retired = [project for project in projects if not project.is_watched]
    shown = [tuple(project.row().values()) for project in [*bad, *retired]]
    if not watched:
        reason = "no project is known yet: turn on project_discovery_sensor"
    elif bad:
        reason = f"{len(bad)} of {len(watched)} projects: {', '.join(project.key for project in bad[:10])}"
    else:
        reason = f"all {len(watched)} projects, {len(retired)} retired"
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=DISCOVERED_PROJECTS,
        passed=bool(watched) and not bad,
        severity=dg.AssetCheckSeverity.ERROR if watched else dg.AssetCheckSeverity.WARN,
        description=reason,
        metadata={
            "projects": table(_ROW, shown),
            "watched": len(watched),
            "bad": len(bad),
        },
    )


@dg.asset_check(
    asset=DISCOVERED_PROJECTS,
    name=EVERY_COMPLETE,
    description="The newest snapshot of every project holds all that Jira listed, or its gaps were accepted.",
)
def every_project_complete(
    context: dg.AssetCheckExecutionContext, workplace: BackupWorkplace
) -> dg.AssetCheckResult:
    """Judge the newest snapshot of every project."""
    with explained():
        return rolled_up(EVERY_COMPLETE, take_look(context.instance, workplace).projects)


@dg.asset_check(
    asset=DISCOVERED_PROJECTS,
    name=EVERY_FRESH,
    description="Every project has a restorable snapshot that is not older than the configured freshness.",
)
def every_project_fresh(
    context: dg.AssetCheckExecutionContext, workplace: BackupWorkplace
) -> dg.AssetCheckResult:
    """Judge the age of every project's newest restorable snapshot."""
    with explained():
        return rolled_up(EVERY_FRESH, take_look(context.instance, workplace).projects)


@dg.asset_check(
    asset=DISCOVERED_PROJECTS,
    name=EVERY_INTACT,
    description=(
        "Every object that the newest snapshots of all scopes rest on is in the store with its size, and no snapshot was "
        "taken away. A listing of the store; `every_project_verified` looks into the objects."
    ),
)
def every_project_intact(workplace: BackupWorkplace) -> dg.AssetCheckResult:
    """Verify the newest snapshots of all scopes against the store's listing."""
    with explained():
        report = verify(workplace.repository(), level=VerifyLevel.LIST, newest_only=True)
        return verified_result(EVERY_INTACT, report)


@dg.asset_check(
    asset=DISCOVERED_PROJECTS,
    name=EVERY_VERIFIED,
    description=(
        "Every object that any snapshot rests on has the digest that it was written with. Reads the whole repository; "
        "`verify_job` does this every week and reports here."
    ),
)
def every_project_verified(workplace: BackupWorkplace) -> dg.AssetCheckResult:
    """Verify all snapshots of all scopes by their digests."""
    with explained():
        return verified_result(EVERY_VERIFIED, verify(workplace.repository(), level=VerifyLevel.HASH))


def verified_result(name: str, report: VerifyReport) -> dg.AssetCheckResult:
    """Give the roll-up that follows from a verification of all scopes; one without any snapshot is a warning."""
    if report.is_intact and not report.snapshots:
        verdict = Verdict(is_good=False, reason="there is no snapshot to verify yet")
        return result_of(name, verdict, severity=dg.AssetCheckSeverity.WARN)
    return result_of(name, intact_verdict(report), findings_metadata(report))


ROLL_UPS = (every_project_complete, every_project_intact, every_project_fresh, every_project_verified)
# What a look at manifests and at the store's listing can tell; cheap enough to be asked at any time.
QUICK_ROLL_UPS = [
    dg.AssetCheckKey(DISCOVERED_PROJECTS, name) for name in (EVERY_COMPLETE, EVERY_INTACT, EVERY_FRESH)
]
