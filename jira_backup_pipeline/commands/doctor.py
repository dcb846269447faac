"""The verb `doctor`: is everything set up?

What belongs here: presentation. What stays out: the checks (`diagnosis`).
"""

from __future__ import annotations

import click

from jira_backup_pipeline.commands.session import Session, json_option
from jira_backup_pipeline.diagnosis import diagnose, exit_code_of


@click.command()
@json_option
@click.pass_obj
def doctor(session: Session) -> int:
    """Check settings, vault, store, repository, Jira account, permissions and clocks."""
    terminal, findings = session.terminal, []
    for finding in diagnose(session.settings):
        findings.append(finding)
        if not terminal.is_json:
            terminal.line(f"{finding.health.value:4}  {finding.check}: {finding.message}")
            if finding.hint:
                terminal.line(f"      HINT: {finding.hint}")
    code = exit_code_of(findings)
    if terminal.is_json:
        terminal.document({"exit_code": int(code), "findings": [finding.to_json() for finding in findings]})
    return code
