"""A running sandbox captured over HTTP into a repository in memory, with played time: what the tests of faults start from.

What belongs here: `SandboxCaptures`: capturing, the truth beside what is stored, and what a run asked for.

What stays out: the faults themselves (tests), and captures of a Jira without HTTP (`captures`).
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.manifest import project_scope
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.backup import back_up, find_projects, new_run_id
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.verify import VerifyLevel, verify
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository, open_repository
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import OPERATOR, RECOVERY
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.site_truth import difference, held_by, stored_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.outcomes import BackupOutcome, CaptureOutcome
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.sandbox.http import Request
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.store.contract import Store
    from jira_backup_pipeline_tests.doubles.site_truth import IssueRecords

_BULKFETCH = "/rest/api/3/issue/bulkfetch"


class SandboxCaptures:
    """One sandbox and one repository. `time` is played: what was waited is in it, and no test waits."""

    def __init__(self, running: RunningSandbox, store: Store | None = None) -> None:
        self.running = running
        self.store = store or MemoryStore()
        self.time = PlayedTime()
        self.project = str(next(iter(running.site.projects)))
        create_repository(
            self.store, operator=read_identity(OPERATOR), recovery_recipient=RECOVERY, clock=self.clock
        )

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.running.site.now() / 1000, UTC)

    def repository(self, store: Store | None = None) -> Repository:
        return open_repository(store or self.store, identity_text=OPERATOR, clock=self.clock)

    @contextmanager
    def reader(self) -> Iterator[CloudReader]:
        config = JiraConfig(self.running.url, self.running.email, Secret(self.running.token))
        with connect(config, timing=self.time.timing()) as client:
            yield CloudReader(client)

    def capture(
        self,
        project: str | None = None,
        *,
        store: Store | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> CaptureOutcome:
        """Capture one project as a process of its own would."""
        with self.reader() as reader:
            [listed] = find_projects(reader, [project or self.project])
            return capture_project(
                self.repository(store),
                reader,
                listed,
                run=new_run_id(self.clock),
                clock=self.clock,
                options=CaptureOptions(**options),
                progress=progress,
            )

    def back_up(self) -> BackupOutcome:
        """Back up the site and all projects."""
        with self.reader() as reader:
            return back_up(self.repository(), reader, projects=None, with_site=True, clock=self.clock)

    def latest(self, project: str | None = None) -> Manifest | None:
        return self.repository().latest(project_scope(project or self.project))

    def stored(self, manifest: Manifest) -> dict[str, IssueRecords]:
        return stored_in(self.repository(), manifest)

    def held(self, project: str | None = None) -> dict[str, IssueRecords]:
        return held_by(self.running.site, project or self.project)

    def assert_true(self, manifest: Manifest, *, without: frozenset[tuple[str, str]] = frozenset()) -> None:
        """Compare a snapshot with the site as it is now, record by record, leaving out the records named."""
        assert manifest.project is not None
        held, stored = self.held(manifest.project.id), self.stored(manifest)
        assert held.keys() == stored.keys()
        for issue_id, records in held.items():
            expected = {key: value for key, value in records.items() if key not in without}
            found = {key: value for key, value in stored[issue_id].items() if key not in without}
            assert expected == found, f"issue {issue_id}: {difference(expected, found)}"

    def assert_intact(self) -> None:
        """Prove every object of the repository."""
        assert list(verify(self.repository(), level=VerifyLevel.DECRYPT).findings) == []

    @contextmanager
    def asked(self) -> Iterator[Counter[str]]:
        """Count what is asked for while the block runs: ids of issues read in bulk, and downloads, each by its id."""
        found: Counter[str] = Counter()

        def note(request: Request) -> None:
            if request.path == _BULKFETCH:
                body = json.loads(request.body)
                # With an expansion it is the names of fields that are asked for.
                if body["fields"] == ["*all"] and "expand" not in body:
                    found.update(body["issueIdsOrKeys"])
            elif "/attachment/content/" in request.path:
                found[f"file {request.path.rpartition('/')[2]}"] += 1

        with self.watching(note):
            yield found

    @contextmanager
    def watching(self, before_each: Callable[[Request], object]) -> Iterator[None]:
        """Call something before each request to Jira is answered, on the server's own thread."""
        core, answer = self.running.core, self.running.core.exchange

        def exchange(request: Request) -> Any:
            before_each(request)
            return answer(request)

        core.exchange = exchange  # type: ignore[method-assign]
        try:
            yield
        finally:
            core.exchange = answer  # type: ignore[method-assign]
