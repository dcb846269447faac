"""The search index when it lags: searches see the site as it was some seconds ago.

What belongs here: past versions of light records and when to forget them. Without a lag nothing is kept.

What stays out: reads by id, which never go through here, so that a test can let search and bulk fetch
disagree; and evaluation of queries (``jql``).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.site import Site


class SearchIndex:
    """Past versions of issues' light records, each with the time until which it was true."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._past: dict[int, list[tuple[int, Issue | None]]] = {}

    def remember(self, issue_id: int) -> None:
        """Note how an issue is before it changes; one that does not exist yet is noted as absent."""
        present = self._site.issues.by_id.get(issue_id)
        kept = None
        if present is not None:
            kept = copy.copy(present)
            kept.labels, kept.watchers, kept.voters = (
                list(present.labels),
                list(present.watchers),
                list(present.voters),
            )
        self._past.setdefault(issue_id, []).append((self._site.now(), kept))

    def of_project(self, project_id: int) -> Iterator[Issue]:
        """The issues of a project as the index knows them."""
        horizon = self._site.now() - round(self._site.settings.index_lag_seconds * 1000)
        for issue_id in list(self._past):
            versions = [entry for entry in self._past[issue_id] if entry[0] > horizon]
            if versions:
                self._past[issue_id] = versions
            else:
                del self._past[issue_id]
        for issue in self._site.issues.of_project(project_id):
            if issue.issue_id not in self._past:
                yield issue
        for versions in self._past.values():
            seen = versions[0][1]
            if seen is not None and seen.project_id == project_id:
                yield seen
