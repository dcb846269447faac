"""What a backup would cost: counted with one or two requests a project, or forecast from what is stored with none.

What belongs here: gathering the facts of every project and of the site, and the estimate with its JSON form.

What stays out: the arithmetic (`cost`), and which projects a request means (`backup`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.domain.errors import IntegrityError
from jira_backup_pipeline.domain.kinds import BY_NAME, Level, Paging, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, project_scope
from jira_backup_pipeline.engine.capture.changes import property_sample, reread_turn
from jira_backup_pipeline.engine.capture.turns import requests_expected
from jira_backup_pipeline.engine.cost import Cost, Workload, averages_of, cost_of, total

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.readings import Pace
    from jira_backup_pipeline.engine.capture.options import CaptureOptions
    from jira_backup_pipeline.engine.ports import JiraReader, ListedProject
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.repository.repository import Repository

_DEFAULT_PAGE: Final = 50
# Of a site that was never read, how many lists a kind has on average.
_LISTS_A_KIND: Final = 2
# What a night without being counted is taken to have changed, for each day since the last capture.
_CHANGED_A_DAY: Final = 0.01
# Projects that the first line of a run names; the others are counted.
_NAMED: Final = 5
_SITE_BASIS: Final = "list pages of the site's kinds"


@dataclass(frozen=True, slots=True)
class ProjectEstimate:
    """What a capture of one project would ask of Jira; `changed` are the issues that it would read."""

    key: str
    issues: int
    changed: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class BackupEstimate:
    """What a backup would cost, counted without reading an issue; overflow of single issues comes on top."""

    projects: tuple[ProjectEstimate, ...]
    site: Cost
    pace: Pace

    @property
    def cost(self) -> Cost:
        """Sum the costs of all projects and the site."""
        return total([self.site, *(project.cost for project in self.projects)])

    def in_words(self) -> str:
        """Say the whole in a line."""
        return self.cost.in_words(self.pace)

    def to_json(self) -> dict[str, Any]:
        """Give the estimate for `--json`; times are in seconds."""
        return {
            **self.cost.to_json(),
            "site_requests": self.site.requests_total,
            "seconds": self.cost.seconds(self.pace),
            "pace": {"seconds_a_request": self.pace.seconds_a_request, "at_once": self.pace.at_once},
            "projects": [
                {"key": p.key, "issues": p.issues, "changed": p.changed, **p.cost.to_json()}
                for p in self.projects
            ],
        }


def count(
    repository: Repository,
    reader: JiraReader,
    listed: Sequence[ListedProject],
    *,
    with_site: bool,
    options: CaptureOptions,
    now: datetime,
) -> BackupEstimate:
    """Count what a backup would ask of Jira, with one or two requests a project."""
    facts = _Facts(repository, reader, repository.latest(SITE_SCOPE), options, now)
    return facts.estimate([facts.counted(project) for project in listed], with_site=with_site)


def forecast(
    repository: Repository,
    reader: JiraReader,
    listed: Sequence[ListedProject],
    *,
    with_site: bool,
    options: CaptureOptions,
    now: datetime,
) -> BackupEstimate:
    """Guess what a backup will ask of Jira from what is stored and listed already: without a request."""
    facts = _Facts(repository, reader, _latest_unless_damaged(repository, SITE_SCOPE), options, now)
    return facts.estimate([facts.guessed(project) for project in listed], with_site=with_site)


def announce(
    progress: Progress,
    repository: Repository,
    reader: JiraReader,
    listed: Sequence[ListedProject],
    *,
    with_site: bool,
    options: CaptureOptions,
    now: datetime,
) -> BackupEstimate:
    """Say what a run will cost before it begins: its first line."""
    likely = forecast(repository, reader, listed, with_site=with_site, options=options, now=now)
    names = [project.identity.key for project in listed[:_NAMED]]
    more = [f"{len(listed) - len(names):,} more"] if len(listed) > len(names) else []
    what = ", ".join([*(["the site"] if with_site else []), *names, *more]) or "nothing"
    progress.note(f"backing up {what}: {likely.in_words()}")
    return likely


@dataclass(frozen=True, slots=True)
class _Facts:
    """Where the facts of an estimate come from."""

    repository: Repository
    reader: JiraReader
    site: Manifest | None
    options: CaptureOptions
    now: datetime

    def estimate(self, projects: Sequence[ProjectEstimate], *, with_site: bool) -> BackupEstimate:
        """Put an estimate together."""
        site = _site_cost(self.site) if with_site else Cost()
        return BackupEstimate(tuple(projects), site, self.reader.pace())

    def guessed(self, project: ListedProject) -> ProjectEstimate:
        """Guess what a project needs from its last snapshot and the number of issues that the listing states."""
        manifest = _latest_unless_damaged(self.repository, project_scope(project.identity.id))
        known = manifest.counts.get("issues", 0) if manifest else 0
        issues = project.issue_count or known
        if manifest is None:
            return self._costed(project, None, self._work(None, issues, issues, issues))
        to_read = issues
        if not self.options.is_full:
            days = max(0.0, (self.now - manifest.captured_at).total_seconds() / 86_400)
            turns = 1 / self.options.reread_days if self.options.reread_days and days >= 1 else 0
            to_read = min(issues, ceil(issues * (days * _CHANGED_A_DAY + turns)))
        work = self._work(manifest, issues, to_read, issues - known)
        return self._costed(project, manifest, replace(work, changed=to_read))

    def counted(self, project: ListedProject) -> ProjectEstimate:
        """Count what a project needs by asking Jira how many issues there are and which changed."""
        project_id = project.identity.id
        issues = self.reader.issue_count(project_id) or project.issue_count or 0
        manifest = self.repository.latest(project_scope(project_id))
        if manifest is None:
            return self._costed(project, None, self._work(None, issues, issues, issues))
        stored = self.repository.read_index(manifest).updated_ms("issue")
        new = issues - len(stored)
        if self.options.is_full:
            return self._costed(project, manifest, self._work(manifest, issues, issues, new))
        since_ms = manifest.watermark_ms - int(self.options.overlap_hours * 3_600_000)
        changed = list(self.reader.changed_issues(project_id, max(0, since_ms)))
        to_read = {issue_id for issue_id, updated_ms in changed if stored.get(issue_id) != updated_ms}
        new = max(new, len(to_read - stored.keys()))
        if manifest.captured_at.date() < self.now.date():
            to_read.update(reread_turn(stored, self.now.date(), self.options.reread_days))
        to_read.update(gap.issue_id for gap in manifest.gaps if gap.issue_id is not None)
        work = self._work(manifest, issues, len(to_read), new)
        return self._costed(project, manifest, replace(work, changed=len(changed)))

    def _work(self, manifest: Manifest | None, issues: int, to_read: int, new: int) -> Workload:
        return Workload(
            listed=issues,
            to_read=to_read,
            new=min(max(0, new), to_read),
            is_full=self.options.is_full,
            is_first=manifest is None,
            people=self.site.counts.get("people", 0) if self.site else 0,
            property_keys=len(manifest.property_keys or ()) if manifest else 0,
            sample=len(property_sample([""] * to_read, is_first=manifest is None)),
            versions=requests_expected(
                manifest.counts.get("versions", 0) if manifest else 0,
                is_first=manifest is None,
                is_full=self.options.is_full,
                reread_days=self.options.reread_days,
            ),
        )

    def _costed(self, project: ListedProject, manifest: Manifest | None, work: Workload) -> ProjectEstimate:
        key = project.identity.key
        cost = cost_of(work, averages_of(self.repository, manifest, key))
        return ProjectEstimate(key, work.listed, work.to_read, cost)


def _latest_unless_damaged(repository: Repository, scope: str) -> Manifest | None:
    """Give the newest snapshot. A forecast must not stop a run: the capture of this scope meets the damage and says so."""
    try:
        return repository.latest(scope)
    except IntegrityError:
        return None


def _site_cost(site: Manifest | None) -> Cost:
    """Count the list pages of the site's kinds by how many things were stored of each."""
    kinds = kinds_at(Level.SITE)
    if site is None:
        return Cost(
            {"site": len(kinds) * _LISTS_A_KIND}, basis=frozenset({"two lists for a kind of the site"})
        )
    requests = 0
    for kind in kinds:
        things = site.counts.get(kind.table, 0)
        lists = site.counts.get(BY_NAME[kind.parent].table, 0) if kind.parent else 1
        lists = ceil(lists / kind.listing.batch) if kind.listing.batch else lists
        pages = ceil(things / (kind.listing.page_size or _DEFAULT_PAGE))
        requests += max(lists if kind.listing.is_per_parent else 1, pages)
        if kind.listing.paging in (Paging.KEYS, Paging.LINKS):
            requests += things
    return Cost({"site": requests}, basis=frozenset({_SITE_BASIS}))
