"""The verb `backup`: site and projects captured one after the other, each committed on its own.

What belongs here: which projects a request means, the order of captures, what a failing project does to the others, and
the record of the run.

What stays out: the capture of one scope (`engine.capture`) and what it will cost (`engine.estimate`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    BackupPipelineError,
    CredentialsRejected,
    IntegrityError,
    Refused,
    StoreError,
    UnknownName,
)
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, project_scope
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.capture.site import capture_site, record_heads
from jira_backup_pipeline.engine.estimate import BackupEstimate, announce, count
from jira_backup_pipeline.engine.outcomes import BackupOutcome, CaptureOutcome, FailedScope
from jira_backup_pipeline.engine.progress import Progress, Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.readings import Account
    from jira_backup_pipeline.engine.ports import JiraReader, ListedProject
    from jira_backup_pipeline.repository.repository import Repository

# Failures that the next project would meet as well: going on would only repeat them.
_ENDS_THE_RUN = (CredentialsRejected, StoreError, IntegrityError, Refused)
# So many names are looked up one by one; for more, listing everything costs less.
_FEW_NAMES = 10
# So long an account counts as just asked.
_ACCOUNT_LASTS = timedelta(minutes=10)


def new_run_id(clock: Callable[[], datetime]) -> str:
    """Make a run's name: sorts by time, never repeats."""
    return f"{clock():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def back_up(
    repository: Repository,
    reader: JiraReader,
    *,
    projects: Sequence[str] | None,
    with_site: bool,
    clock: Callable[[], datetime],
    options: CaptureOptions | None = None,
    progress: Progress | None = None,
) -> BackupOutcome:
    """Capture the site (when asked) and the named projects (None: all that the account can browse).

    A project that fails is reported and the others go on, unless the failure is one that they would share.

    Raises:
        UnknownName: a named project does not exist in Jira.
        CredentialsRejected, Refused, StoreError, IntegrityError: nothing could be captured at all.
    """
    progress = progress or Silence()
    run = new_run_id(clock)
    wanted = find_projects(reader, projects)
    captures: list[CaptureOutcome] = []
    failures: list[FailedScope] = []

    account = _AccountOfRun(reader, clock)

    def attempt(scope: str, name: str, capture: Callable[..., CaptureOutcome]) -> None:
        try:
            captures.append(capture(account=account.at_present()))
        except BackupPipelineError as error:
            failures.append(FailedScope(scope, name, error))
            if isinstance(error, _ENDS_THE_RUN):
                raise

    likely = announce(
        progress,
        repository,
        reader,
        wanted,
        with_site=with_site,
        options=options or CaptureOptions(),
        now=clock(),
    )
    reader.expect_issues(sum(project.changed for project in likely.projects))
    settings: dict[str, Any] = {"run": run, "clock": clock, "options": options, "progress": progress}
    try:
        if with_site:
            attempt(SITE_SCOPE, "site", partial(capture_site, repository, reader, **settings))
        for project in wanted:
            identity = project.identity
            capture = partial(capture_project, repository, reader, project, **settings)
            attempt(project_scope(identity.id), identity.key, capture)
        if with_site:
            record_heads(repository, run=run)
    except _ENDS_THE_RUN:
        if not captures:
            raise
    outcome = BackupOutcome(run, tuple(captures), tuple(failures))
    repository.put_document("runs", run, outcome.to_json())
    return outcome


@dataclass(slots=True)
class _AccountOfRun:
    """Who the run works as, asked once in a while instead of once for each project: two requests a project on a quiet night.

    Every answer names the account that it is made out to, so a token that stops counting is noticed without asking.
    """

    reader: JiraReader
    clock: Callable[[], datetime]
    _known: tuple[datetime, Account] | None = None

    def at_present(self) -> Account:
        """Give the account with Jira's clock as it is now, never ahead of it: the time since it was asked is added."""
        if self._known is not None:
            asked_at, account = self._known
            elapsed = self.clock() - asked_at
            # A clock of ours that was set, back or forth, shows as a span that cannot be.
            if timedelta(0) <= elapsed <= _ACCOUNT_LASTS:
                return replace(account, server_time=account.server_time + elapsed)
        account = self.reader.whoami()
        # After the answer: counted from before the question, Jira's clock would be put forward by the way there and back.
        self._known = (self.clock(), account)
        return account


def find_projects(reader: JiraReader, names: Sequence[str] | None) -> list[ListedProject]:
    """Find projects by numeric id, present key or a key they once had; None means every project not deleted.

    Raises:
        UnknownName: a name is unknown, or two projects had it.
    """
    wanted = None if names is None else dict.fromkeys(names)
    if wanted is not None and len(wanted) <= _FEW_NAMES:
        named = [reader.project_named(name.strip()) for name in wanted]
        found = [project for project in named if project is not None and not project.is_deleted]
        if len(found) == len(wanted):
            return found
    # A name of another kind (a former key, an archived project), or no project at all: only the whole list can tell.
    listed = [project for project in reader.projects() if not project.is_deleted]
    return listed if wanted is None else [_find(listed, name) for name in wanted]


def _find(listed: Sequence[ListedProject], name: str) -> ListedProject:
    wanted = name.strip()
    by_present = [p for p in listed if wanted == p.identity.id or wanted.upper() == p.identity.key.upper()]
    matches = by_present or [
        p for p in listed if wanted.upper() in {key.upper() for key in p.identity.former_keys}
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(f"{project.identity.key} (id {project.identity.id})" for project in matches)
        message = f"project name {wanted!r} is ambiguous: {ids}"
        raise UnknownName(message, hint="Name the project by its numeric id.")
    keys = ", ".join(sorted(project.identity.key for project in listed)[:20]) or "none"
    message = f"no project {wanted!r} that this account can browse; it sees: {keys}"
    raise UnknownName(
        message, hint="Check the key, or give the backup account the permission to browse the project."
    )


def estimate(
    repository: Repository,
    reader: JiraReader,
    *,
    projects: Sequence[str] | None,
    with_site: bool,
    now: datetime,
    options: CaptureOptions | None = None,
) -> BackupEstimate:
    """Count what a backup would ask of Jira, with one or two requests a project."""
    wanted = find_projects(reader, projects)
    return count(
        repository, reader, wanted, with_site=with_site, options=options or CaptureOptions(), now=now
    )
