"""Makes a whole site of made data: where a start of the sandbox enters this folder.

What belongs here: the order in which the parts are made.

What stays out: the parts (the other modules of this folder), and sites of recorded data (``recorded``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.seed import plan
from jira_backup_pipeline.sandbox.seed.bare import strip
from jira_backup_pipeline.sandbox.seed.bodies import SeededBodies
from jira_backup_pipeline.sandbox.seed.configuration import add_configuration
from jira_backup_pipeline.sandbox.seed.field_catalogue import add_fields
from jira_backup_pipeline.sandbox.seed.team_managed import add_team_managed
from jira_backup_pipeline.sandbox.site import Site

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.settings import Settings


def make_site(
    *,
    projects: int,
    issues: int,
    seed: int,
    settings: Settings | None = None,
    bare: bool = False,
    team_managed: int = 0,
) -> Site:
    """A site with so many projects and, spread over them, so many issues; a bare one has what new sites have.

    Team-managed projects come beside them, each with a few issues of its own.
    """
    site = Site(seed=seed, settings=settings)
    add_configuration(site)
    add_fields(site)
    if bare:
        strip(site)
        return site
    pools = plan.add_projects(site, projects)
    site.issues.source = SeededBodies(site, pools, 10_000)
    if pools:
        plan.add_issues(site, pools, issues)
    add_team_managed(site, team_managed)
    return site
