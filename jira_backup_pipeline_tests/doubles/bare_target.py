"""A new Jira site beside a captured one: a target that lacks nearly everything that the captured project stands on.

What belongs here: starting it, letting the same people work there, and restoring into it. What stays out: what a restore
should have made, which the tests say.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.restore.plan import RestorePlan, RestoreTarget, make_plan
from jira_backup_pipeline.engine.restore.verb import RestoreResult, restore
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.sandbox.seed.make import make_site
from jira_backup_pipeline.sandbox.server import RunningSandbox
from jira_backup_pipeline_tests.doubles.restorable import SWIFT, Restorable, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.site import Site


@dataclass(slots=True)
class BareTarget:
    """A bare site and the captured project that is to come there."""

    source: Restorable
    sandbox: RunningSandbox

    @property
    def site(self) -> Site:
        return self.sandbox.site

    @property
    def config(self) -> JiraConfig:
        return JiraConfig(self.sandbox.url, self.sandbox.email, Secret(self.sandbox.token))

    def plan(self, writer: Any = None, *, key: str | None = None, **how: Any) -> RestorePlan:
        """Plan the restore of the captured project into the bare site."""
        target = RestoreTarget(project_key=key)
        writer = writer or CloudWriter(connect(self.config))
        return make_plan(
            self.source.repository, self.source.manifest, writer, target=target, clock=now, **how
        )

    def restore(self, plan: RestorePlan, *, writer: Any = None, **how: Any) -> RestoreResult:
        """Carry a plan out and prove it."""
        # Several bare sites may share one repository, where no two runs have one name.
        self.source.runs += 1
        run = f"bare{self.source.runs:03}"
        how = {"options": SWIFT, "confirm": plan.target.key, "run": run, **how}
        return restore(
            self.source.repository,
            plan,
            writer or CloudWriter(connect(self.config)),
            CloudReader(connect(self.config)),
            clock=now,
            **how,
        )


@contextmanager
def bare_target(source: Restorable, *, seed: int = 8) -> Iterator[BareTarget]:
    """Start a bare site with the people of the captured one: accounts belong to Atlassian and work on several sites."""
    site = make_site(projects=0, issues=0, seed=seed, bare=True)
    site.accounts = dict(source.sandbox.site.accounts)
    site.backup_account_id = source.sandbox.site.backup_account_id
    for group in site.groups.values():
        group.members = [site.backup_account_id]
    with RunningSandbox(site) as sandbox:
        yield BareTarget(source, sandbox)
