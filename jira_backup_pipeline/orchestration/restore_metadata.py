"""How a restore is shown in Dagster: the plan and the fidelity report as text to read, with a small chart.

What belongs here: metadata of the ops of `jobs.restore`.

What stays out: the wording of plan and report (`engine.restore`) and drawing (`plots`).
"""

from types import MappingProxyType

import dagster as dg

from jira_backup_pipeline.engine.restore.plan import RestorePlan
from jira_backup_pipeline.engine.restore.report import FidelityReport
from jira_backup_pipeline.orchestration.metadata import Metadata
from jira_backup_pipeline.orchestration.plots import bar_chart

# Readable for people who do not tell red from green.
_COLOURS = MappingProxyType(
    {
        "exact": "#2c7bb6",
        "normalised": "#5fa8d3",
        "changed": "#a6a6a6",
        "impossible": "#fdae61",
        "wrong": "#d7191c",
    }
)


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
    totals = _totals(report)
    bars = [(name, totals[name], colour) for name, colour in _COLOURS.items()]
    chart = bar_chart("Values that came back", bars)
    return {
        "fidelity_report": dg.MetadataValue.md(f"{chart}\n\n{report.to_markdown()}"),
        **{name: dg.MetadataValue.int(number) for name, number in totals.items()},
    }


def report_verdict(report: FidelityReport) -> str:
    """Say in one error what the report means for its reader."""
    return (
        f"{_totals(report)['wrong']:,} values did not come back as they should\n"
        "HINT: Read the findings in fidelity_report; run the restore again to finish what failed, it makes nothing twice."
    )


def _totals(report: FidelityReport) -> dict[str, int]:
    return {name: sum(getattr(report, name).values()) for name in _COLOURS}
