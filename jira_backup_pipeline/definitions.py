"""The Dagster code location: what `workspace.yaml` and `dagster dev` load.

What belongs here: `defs`, evaluated by Dagster's loader and not at import.

What stays out: everything else (`orchestration.build`).
"""

import dagster as dg

from jira_backup_pipeline.orchestration.build import build_definitions

__all__ = ["build_definitions", "defs"]


@dg.definitions
def defs() -> dg.Definitions:
    """Give the code location's definitions."""
    return build_definitions()
