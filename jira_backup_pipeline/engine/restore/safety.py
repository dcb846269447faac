"""What must hold before a restore writes: the site that was planned for, nothing in the way, the key typed out.

What belongs here: the checks that need no more than the plan and the site, and when a restore must be confirmed.

What stays out: whether the target changed since the plan (`apply`), and what is in the way (`objections`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import Refused, RestoreConflict
from jira_backup_pipeline.engine.restore.planned import Policy

if TYPE_CHECKING:
    from jira_backup_pipeline.engine.restore.planned import RestorePlan
    from jira_backup_pipeline.engine.restore.target import SiteState

# More than this many issues are never written without the project key typed out.
CONFIRM_ABOVE_ISSUES = 1000


def check_site(plan: RestorePlan, site: SiteState) -> None:
    """Prove that the account leads to the site the plan was made for.

    Raises:
        RestoreConflict: it leads to another one.
    """
    if site.cloud_id != plan.target.cloud_id:
        message = f"the plan is for {plan.target.base_url}, the account leads to {site.base_url}"
        raise RestoreConflict(message, hint="Plan again with the credentials of the site that you mean.")


def unconfirmed_reason(plan: RestorePlan, *, together: int = 0) -> str | None:
    """Say why this restore needs the key typed out; None when it does not. `together` counts a whole run's issues."""
    # A project that an earlier restore made anew under the old key is where people work now.
    is_source = plan.target.is_source_project or (
        plan.target.is_same_site and plan.target.key == plan.source.key
    )
    if plan.policy is Policy.UPDATE and is_source:
        return "writes over the source project"
    written = max(plan.written_issues, together)
    if plan.written_issues and written > CONFIRM_ABOVE_ISSUES:
        return f"writes {written:,} issues"
    return None


def check_safety(plan: RestorePlan, confirm: str | None) -> None:
    """Prove that nothing is in the way and that what must be confirmed was.

    Raises:
        RestoreConflict: something must be resolved first.
        Refused: the key was not typed out, or another one was.
    """
    for conflict in plan.blocking:
        message = f"{conflict.kind} {conflict.subject}: {conflict.problem}"
        raise RestoreConflict(message, hint=conflict.remedy)
    if confirm is not None and confirm != plan.target.key:
        message = f"confirmed {confirm!r}, but the target is {plan.target.key}"
        raise Refused(message, hint=f"Check the target; then confirm with --confirm {plan.target.key}.")
    reason = unconfirmed_reason(plan)
    if confirm is None and reason is not None:
        message = f"the restore {reason} and was not confirmed"
        raise Refused(message, hint=f"Read the plan; then add --confirm {plan.target.key}.")
