"""A sandbox with one captured project, and writers that reach it without sockets, in any mood: what restore tests start from.

What belongs here: the set-up, a direct writer on the sandbox's core, and counting, dying and forgetful versions of writer and
repository. What stays out: what a restore should have done, which the tests say.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qsl

from jira_backup_pipeline.domain.errors import AnswerLost, NotFound, WriteRefused
from jira_backup_pipeline.domain.readings import Account
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.capture.site import capture_site
from jira_backup_pipeline.engine.restore.all_to_all import NAME_PREFIX
from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.plan import RestorePlan, RestoreTarget, make_plan
from jira_backup_pipeline.engine.restore.verb import RestoreResult, restore
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.repository.repository import Repository, create_repository
from jira_backup_pipeline.sandbox.http import Request, UploadedFile
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.store.contract import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.store.contract import Store


SEE_OTHER = 303
_SPRINT, _RANK = "customfield_10020", "customfield_10019"


def now() -> datetime:
    return datetime.now(UTC)


def no_wait(_: float) -> None:
    """Stand in for a pause: what is waited for in tests is there already."""


# One worker makes the order of calls the same in every run, so that each of them can be hit.
STEADY = ApplyOptions(workers=1, issue_write_limits=(), pause=no_wait)
SWIFT = ApplyOptions(workers=4, issue_write_limits=(), pause=no_wait)


class Killed(BaseException):
    """The process died; nothing in the product may catch this."""


@dataclass(slots=True)
class Fate:
    """Counts events and ends the process right after number `last` (0: never)."""

    last: int = 0
    events: list[str] = field(default_factory=list)

    def pass_by(self, event: str) -> None:
        self.events.append(event)
        if self.last and len(self.events) >= self.last:
            raise Killed(event)


class DirectWriter:
    """A `JiraWriter` that calls the sandbox's core. `fate` sees every write, `forgets` makes answers get lost."""

    def __init__(
        self,
        sandbox: RunningSandbox,
        *,
        fate: Fate | None = None,
        forgets: Callable[[str, int], bool] | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._fate = fate or Fate()
        self._forgets = forgets or (lambda _event, _number: False)
        self.writes: list[str] = []

    def whoami(self) -> Account:
        site = self._sandbox.site
        account = site.backup_account
        return Account(account.account_id, account.display_name, "Etc/UTC", site.cloud_id, site.url, now())

    def get(self, path: str, query: Mapping[str, str] | None = None) -> object:
        status, answer = self._call("GET", path, query=query)
        if status == 404:
            raise NotFound(f"nothing at {path}", hint="A test asked for it.")
        assert status < 400, (path, status, answer)
        return answer

    def get_all(
        self, kind_path: str, items: str, query: Mapping[str, str] | None = None
    ) -> Iterator[Mapping[str, object]]:
        page = dict(query or {})
        start = 0
        while True:
            answer: Any = self.get(kind_path, page)
            found = answer[items] if items else answer
            yield from found
            start += len(found)
            if answer.get("nextPageToken"):
                page["nextPageToken"] = answer["nextPageToken"]
            elif found and answer.get("isLast") is not True and start < answer.get("total", 0):
                page["startAt"] = str(start)
            else:
                return

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        status, answer = self._call(method, path, body=body, query=query)
        if path.endswith(("/bulkfetch", "/comment/list")):
            return answer
        self._happened(f"{method} {path}")
        if status >= 400:
            raise WriteRefused("refused", hint="The sandbox says why.", status=status, answer=answer)
        return answer

    def upload(self, issue_id: str, filename: str, stream: BinaryIO, size_bytes: int) -> Mapping[str, object]:
        data = stream.read()
        assert len(data) == size_bytes
        path = f"/rest/api/3/issue/{issue_id}/attachments"
        file = UploadedFile("file", filename, "application/octet-stream", data)
        status, answer = self._call("POST", path, files=[file])
        self._happened(f"POST {path}")
        if status >= 400:
            raise WriteRefused("refused", hint="The sandbox says why.", status=status, answer=answer)
        made: Mapping[str, object] = answer[0]
        return made

    def media_id(self, attachment_id: str) -> str | None:
        found = self._sandbox.site.attachment(int(attachment_id))
        return found.media_uuid if found is not None else None

    def _happened(self, event: str) -> None:
        self.writes.append(event)
        self._fate.pass_by(event)
        if self._forgets(event, len(self.writes)):
            raise AnswerLost(f"no answer to {event}", hint="Look before trying again.")

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, str] | None = None,
        files: list[UploadedFile] | None = None,
    ) -> tuple[int, Any]:
        address, _, more = path.partition("?")
        pair = f"{self._sandbox.email}:{self._sandbox.token}".encode()
        headers = {
            "authorization": "Basic " + base64.b64encode(pair).decode(),
            "x-atlassian-token": "no-check",
        }
        content = b"" if body is None else json.dumps(body).encode()
        pairs = [*parse_qsl(more, keep_blank_values=True), *(query or {}).items()]
        answer = self._sandbox.core.handle(Request(method, address, pairs, headers, content, files or []))
        if answer.status == SEE_OTHER:
            return answer.status, {"id": answer.headers["Location"].rpartition("/")[2]}
        return answer.status, json.loads(answer.body) if answer.body else None


class FatedRepository:
    """A repository whose documents are events of a fate; everything else is the real one's."""

    def __init__(self, inner: Repository, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def put_document(self, prefix: str, name: str, payload: Mapping[str, Any], *, scope: str) -> object:
        ref = self._inner.put_document(prefix, name, payload, scope=scope)
        self._fate.pass_by(f"{prefix} {name.rpartition('-')[2]}")
        return ref

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass(slots=True, eq=False)
class Restorable:
    """A running sandbox whose first project is captured."""

    sandbox: RunningSandbox
    repository: Repository
    manifest: Manifest
    reader: CloudReader
    writer: CloudWriter
    runs: int = 0

    @property
    def key(self) -> str:
        assert self.manifest.project is not None
        return self.manifest.project.key

    def direct(self, **mood: Any) -> DirectWriter:
        """Make a writer without sockets."""
        return DirectWriter(self.sandbox, **mood)

    def plan(self, writer: Any = None, *, target_key: str | None = None, **how: Any) -> RestorePlan:
        """Plan a restore, of the whole project into its own key unless told otherwise."""
        target = RestoreTarget(project_key=target_key)
        return make_plan(
            self.repository, self.manifest, writer or self.writer, target=target, clock=now, **how
        )

    def restore(self, plan: RestorePlan, *, writer: Any = None, **how: Any) -> RestoreResult:
        """Carry a plan out and prove it."""
        self.runs += 1
        how = {"options": SWIFT, "confirm": plan.target.key, **how}
        return restore(
            self.repository,
            plan,
            writer or self.writer,
            self.reader,
            run=f"run{self.runs:03}",
            clock=now,
            **how,
        )


@contextmanager
def restorable(
    *,
    projects: int = 2,
    issues: int = 60,
    seed: int = 7,
    store: Store | None = None,
    before: Callable[[RunningSandbox], None] | None = None,
    team_managed: int = 0,
    key: str | None = None,
) -> Iterator[Restorable]:
    """Start a sandbox, let `before` change it, and capture its first project, or the one of that key."""
    with start_sandbox(projects=projects, issues=issues, seed=seed, team_managed=team_managed) as sandbox:
        if before is not None:
            before(sandbox)
        config = JiraConfig(sandbox.url, sandbox.email, Secret(sandbox.token))
        reader = CloudReader(connect(config))
        repository = create_repository(
            store or MemoryStore(), operator=new_identity(), recovery_recipient=new_identity().recipient
        )
        capture_site(repository, reader, run="capture-site", clock=now)
        project = next(found for found in reader.projects() if key in (None, found.identity.key))
        outcome = capture_project(repository, reader, project, run="capture", clock=now)
        yield Restorable(sandbox, repository, outcome.manifest, reader, CloudWriter(connect(config)))


def without_mark(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != "jira-backup.origin"}


def shape_of(sandbox: RunningSandbox, project_key: str) -> dict[str, Any]:
    """Say what a project holds without ids and dates: equal shapes mean equal restores, and a second copy shows."""
    site = sandbox.site
    project = site.find_project(project_key)
    assert project is not None
    shape = {}
    for issue in site.issues.of_project(project.project_id):
        body = site.body(issue)
        origin = body.properties.get("jira-backup.origin", {})
        shape[f"{origin.get('issue_id')} #{issue.number}"] = {
            "status": issue.status_id,
            "resolution": body.values.get("resolution"),
            "summary": body.values.get("summary"),
            "has_parent": issue.parent_id is not None,
            "comments": [comment.properties["jira-backup.origin"]["id"] for comment in body.comments],
            "worklogs": sorted(found.properties["jira-backup.origin"]["id"] for found in body.worklogs),
            "files": sorted((found.filename, found.content.sha256()) for found in body.attachments),
            "links": len(site.links_of_issue(issue.issue_id)),
            "remote": sorted(str(link.global_id) for link in body.remote_links),
            "watchers": sorted(issue.watchers),
            "sprints": [
                (site.sprints[number].name, site.sprints[number].state)
                for number in body.values.get(_SPRINT) or []
            ],
            "properties": without_mark(body.properties),
            "child properties": sorted(
                str(without_mark(item.properties)) for item in (*body.comments, *body.worklogs)
            ),
        }
    ranked = sorted(
        (body.values[_RANK], body.properties.get("jira-backup.origin", {}).get("issue_id", ""))
        for issue in site.issues.of_project(project.project_id)
        for body in [site.body(issue)]
    )
    boards = [board.board_id for board in site.boards.values() if board.project_id == project.project_id]
    return {
        "issues": shape,
        "order": [source_id for _, source_id in ranked],
        "sprints": sorted(sprint.name for sprint in site.sprints.values() if sprint.board_id in boards),
        "components": sorted(found.name for found in site.components_of(project.project_id)),
        "versions": sorted(found.name for found in site.versions_of(project.project_id)),
        "workflows": dict(project.workflows),
        "left over": left_over(sandbox),
    }


def left_over(sandbox: RunningSandbox) -> list[str]:
    """Name the workflows and workflow schemes that were made for a restore and are still there."""
    schemes = [str(found["name"]) for found in sandbox.site.made.of("workflow_scheme")]
    return [name for name in (*sandbox.site.workflows, *schemes) if name.startswith(NAME_PREFIX)]
