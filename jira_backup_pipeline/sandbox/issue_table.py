"""All issues of a site: light records in memory, heavy bodies made on demand and dropped again.

What belongs here: issues by id, number and former key, the owner of every comment, worklog and file, and
which bodies are kept: a changed one is pinned, the others live in a bounded cache. ``IssueSource`` is the
seam for what makes them.

What stays out: the making (``seed.bodies``), permissions and trashed projects (``site``), rendered answers
(``rendering``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.http import Json
    from jira_backup_pipeline.sandbox.model import Issue, IssueBody, Visibility, Worklog


class IssueSource(Protocol):
    """Makes bodies of issues it knows, the same each time."""

    def body(self, issue: Issue) -> IssueBody:
        """The whole body of an issue."""

    def brief(self, issue: Issue) -> tuple[str, str]:
        """Summary and priority id, which every issue that links to this one shows."""

    def worklogs(self, issue: Issue) -> list[Worklog]:
        """Only the worklogs (the site-wide feed needs them for every issue)."""


@dataclass(slots=True)
class IdLocator:
    """Which issue owns a comment, worklog or attachment: ranges for seeded ids, a dictionary for later ones."""

    starts: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    later: dict[int, int] = field(default_factory=dict)

    def reserve(self, start: int, count: int, owner: int) -> None:
        """Note a range; ranges come in ascending order."""
        self.starts.append(start)
        self.counts.append(count)
        self.owners.append(owner)

    def owner(self, item_id: int) -> int | None:
        """The issue that holds (or held) the item."""
        if item_id in self.later:
            return self.later[item_id]
        at = bisect_right(self.starts, item_id) - 1
        if at >= 0 and item_id < self.starts[at] + self.counts[at]:
            return self.owners[at]
        return None

    def start_of(self, owner: int) -> tuple[int, int]:
        """First id and count reserved for an issue; (0, 0) when it has none."""
        at = self._positions().get(owner)
        return (self.starts[at], self.counts[at]) if at is not None else (0, 0)

    _position_cache: dict[int, int] = field(default_factory=dict)

    def _positions(self) -> dict[int, int]:
        if len(self._position_cache) != len(self.owners):
            self._position_cache = {owner: at for at, owner in enumerate(self.owners)}
        return self._position_cache


@dataclass(frozen=True, slots=True)
class WorklogStamp:
    """A worklog without its text."""

    worklog_id: int
    updated_ms: int
    visibility: Visibility | None
    properties: dict[str, Json]


class IssueTable:
    """Issues by id and by key, with their bodies."""

    def __init__(self, source: IssueSource | None = None, *, cached_bodies: int = 4000) -> None:
        self.source = source
        self.cached_bodies = cached_bodies
        self.by_id: dict[int, Issue] = {}
        self.by_number: dict[int, dict[int, int]] = {}
        self.children: dict[int, list[int]] = {}
        self.moved_keys: dict[str, int] = {}
        self.comments = IdLocator()
        self.worklogs = IdLocator()
        self.attachments = IdLocator()
        self._bodies: OrderedDict[int, IssueBody] = OrderedDict()
        self._stamps: dict[int, list[WorklogStamp]] = {}
        self._components: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Issue]:
        return iter(self.by_id.values())

    def add(self, issue: Issue) -> None:
        """Take in a new issue."""
        self.by_id[issue.issue_id] = issue
        self.by_number.setdefault(issue.project_id, {})[issue.number] = issue.issue_id
        if issue.parent_id is not None:
            self.children.setdefault(issue.parent_id, []).append(issue.issue_id)

    def remove(self, issue: Issue) -> None:
        """Forget an issue for good."""
        self.by_id.pop(issue.issue_id, None)
        self.by_number.get(issue.project_id, {}).pop(issue.number, None)
        self._bodies.pop(issue.issue_id, None)
        self._components.pop(issue.issue_id, None)
        self.children.pop(issue.issue_id, None)
        self.set_parent(issue, None)
        for key in [key for key, value in self.moved_keys.items() if value == issue.issue_id]:
            del self.moved_keys[key]

    def set_parent(self, issue: Issue, parent_id: int | None) -> None:
        """Change an issue's parent, keeping the index of children."""
        if issue.parent_id is not None:
            siblings = self.children.get(issue.parent_id, [])
            if issue.issue_id in siblings:
                siblings.remove(issue.issue_id)
        issue.parent_id = parent_id
        if parent_id is not None and issue.issue_id in self.by_id:
            self.children.setdefault(parent_id, []).append(issue.issue_id)

    def of_project(self, project_id: int) -> list[Issue]:
        """The issues of a project."""
        return [self.by_id[issue_id] for issue_id in self.by_number.get(project_id, {}).values()]

    def body(self, issue: Issue) -> IssueBody:
        """The body for reading; do not change it (see ``pin``)."""
        if issue.body is not None:
            return issue.body
        cached = self._bodies.get(issue.issue_id)
        if cached is not None:
            self._bodies.move_to_end(issue.issue_id)
            return cached
        if self.source is None:
            raise LookupError(f"issue {issue.issue_id} has no body and no source")
        made = self.source.body(issue)
        self._bodies[issue.issue_id] = made
        self._components[issue.issue_id] = tuple(made.values.get("components") or ())
        while len(self._bodies) > self.cached_bodies:
            self._bodies.popitem(last=False)
        return made

    def pin(self, issue: Issue) -> IssueBody:
        """The body for changing: from now on it is kept with the issue."""
        if issue.body is None:
            issue.body = self.body(issue)
            self._bodies.pop(issue.issue_id, None)
            self._stamps.pop(issue.issue_id, None)
        return issue.body

    def brief(self, issue: Issue) -> tuple[str, str | None]:
        """Summary and priority id without making a body that is not at hand."""
        body = issue.body or self._bodies.get(issue.issue_id)
        if body is not None:
            return body.values.get("summary") or "", body.values.get("priority")
        if self.source is None:
            return "", None
        return self.source.brief(issue)

    def component_ids(self, issue: Issue) -> tuple[int, ...]:
        """The components of an issue; remembered, since counts per component ask for every issue of a project."""
        if issue.body is not None:
            return tuple(issue.body.values.get("components") or ())
        if issue.issue_id not in self._components:
            self.body(issue)
        return self._components[issue.issue_id]

    def worklogs_of(self, issue: Issue) -> list[Worklog]:
        """The worklogs without making the rest of a body that is not at hand."""
        if issue.body is not None:
            return issue.body.worklogs
        cached = self._bodies.get(issue.issue_id)
        if cached is not None:
            return cached.worklogs
        if self.worklogs.start_of(issue.issue_id)[1] == 0:
            return []
        return self.body(issue).worklogs if self.source is None else self.source.worklogs(issue)

    def worklog_stamps(self, issue: Issue) -> list[WorklogStamp]:
        """What the site-wide feed tells of an issue's worklogs; remembered, since the feed asks for every issue."""
        known = self._stamps.get(issue.issue_id)
        if known is None:
            known = [
                WorklogStamp(item.worklog_id, item.updated_ms, item.visibility, item.properties)
                for item in self.worklogs_of(issue)
            ]
            if known and issue.body is None:
                self._stamps[issue.issue_id] = known
        return known
