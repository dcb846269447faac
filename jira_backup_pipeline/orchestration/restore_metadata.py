"""How a restore is shown in Dagster: the plan and the fidelity report as text to read, with a small chart.

What belongs here: metadata of the ops of `jobs.restore`.

What stays out: the wording of plan and report (`engine.restore`) and drawing (`plots`).
"""

import dagster as dg

from jira_backup_pipeline.engine.restore.plan import RestorePlan
from jira_backup_pipeline.orchestration.metadata import Metadata


def plan_metadata(plan: RestorePlan) -> Metadata:
    """Show a plan."""
    return {
        "plan": dg.MetadataValue.md(plan.to_markdown()),
        "requests": dg.MetadataValue.int(plan.requests),
        "duration_seconds": dg.MetadataValue.float(float(plan.duration_seconds)),
        "digest": dg.MetadataValue.text(plan.digest),
    }


def report_metadata(report: FidelityReport) -> Metadata:
    """Show a fidelity report: what came back exact, normalised, changed on purpose, impossible or wrong."""
    return {
        "fidelity_report": dg.MetadataValue.md(f"{_chart(report)}\n\n{report.to_markdown()}"),
        **{name: dg.MetadataValue.int(number) for name, number, _ in _verdicts(report)},
    }


def report_verdict(report: FidelityReport) -> str:
    """Say in one error what the report means for its reader."""
    wrong = dict((name, number) for name, number, _ in _verdicts(report))["wrong"]
    return (
        f"{wrong:,} values did not come back as they should\n"
        "HINT: Read the findings in fidelity_report; run the restore again to finish what failed, it makes nothing twice."
    )
