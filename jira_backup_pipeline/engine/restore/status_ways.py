"""How a restore brings issues into their statuses: the choice among the three ways, made by the plan.

What belongs here: the ways, and what each of them needs.

What stays out: what they cost (`limits`), and going them (`temporary`, `statuses`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.selection import Part

if TYPE_CHECKING:
    from jira_backup_pipeline.engine.restore.target import ProjectState

# Making the temporary workflow, following it, leaving and removing it take about ten requests: fewer issues are moved for less.
TEMPORARY_FROM_ISSUES = 25


class StatusWay(StrEnum):
    """Straight through a temporary workflow; along the shortest paths of the own one, in bulk or issue by issue."""

    TEMPORARY = "temporary"
    PATHS_IN_BULK = "paths in bulk"
    PATHS_SINGLY = "paths singly"


def status_way(
    permissions: frozenset[str],
    project: ProjectState | None,
    *,
    creates: int,
    updates: int,
    last_number: int,
    part: Part,
) -> StatusWay:
    """Choose by what the account may do and by the target: `project` is None where it will be made, `last_number` 0 where it is empty.

    Another project's issues would have to migrate twice between workflow schemes, before the eyes of those who work with them.
    """
    if "BULK_CHANGE" not in permissions:
        return StatusWay.PATHS_SINGLY
    is_ours = project is None or (last_number == 0 and not updates and not project.is_team_managed)
    is_worth_it = creates >= TEMPORARY_FROM_ISSUES and part is Part.EVERYTHING
    if "ADMINISTER" in permissions and is_ours and is_worth_it:
        return StatusWay.TEMPORARY
    return StatusWay.PATHS_IN_BULK
