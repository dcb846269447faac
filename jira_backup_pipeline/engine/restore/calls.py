"""Every call that a restore makes, counted, with the habits that all of them share.

What belongs here: counting by method and path template, keeping the pace of every single write, reading through POST (which
may be repeated), and sorting a failed call by what it means for one item.

What stays out: what is written (`issues`, `children`, ...) and waiting for rate limits (the client behind the writer).
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, BinaryIO

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    NotFound,
    TransientError,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.pacing import IssuePace, issues_written_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.errors import BackupPipelineError
    from jira_backup_pipeline.domain.readings import Account
    from jira_backup_pipeline.engine.ports import JiraWriter

# Reading again is harmless; after this many answers lost in a row the run ends and is resumed later.
_READ_ATTEMPTS = 3
_ID = re.compile(r"[0-9]+\Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_KEY = re.compile(r"[A-Z][A-Z0-9_]+(-[0-9]+)?\Z")
_ISSUES_PER_FETCH = 100


class Calls:
    """The writer of the target with a count of what was asked of it."""

    def __init__(self, writer: JiraWriter, *, pace: IssuePace | None = None) -> None:
        self._writer = writer
        self.pace = pace or IssuePace()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def requests(self) -> dict[str, int]:
        """Count calls so far by "METHOD path template"."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def whoami(self) -> Account:
        """Ask who writes and where."""
        self._count("GET", "/rest/api/3/myself")
        return self._writer.whoami()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """Read one answer."""
        self._count("GET", path)
        return self._writer.get(path, query)

    def get_all(
        self, path: str, items: str, query: Mapping[str, str] | None = None
    ) -> Iterable[Mapping[str, object]]:
        """Read every page of a list; counted once, whatever its pages."""
        self._count("GET", path)
        return self._writer.get_all(path, items, query)

    def read(self, path: str, body: object, query: Mapping[str, str] | None = None) -> object:
        """Read through POST: a lost answer is asked for again."""
        for attempt in range(1, _READ_ATTEMPTS + 1):
            self._count("POST", path)
            try:
                return self._writer.send("POST", path, body, query)
            except TransientError:
                if attempt == _READ_ATTEMPTS:
                    raise
        return None

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        """Write once, as soon as the limits of the issues that it writes to allow."""
        with self.pace.turn(issues_written_by(path, body)):
            self._count(method, path)
            return self._writer.send(method, path, body, query)

    def upload(self, issue_id: str, filename: str, stream: BinaryIO, size_bytes: int) -> Mapping[str, object]:
        """Upload one attachment."""
        path = f"/rest/api/3/issue/{issue_id}/attachments"
        with self.pace.turn(issues_written_by(path, None)):
            self._count("POST", path)
            return self._writer.upload(issue_id, filename, stream, size_bytes)

    def media_id(self, attachment_id: str) -> str | None:
        """Ask for the media id of an attachment."""
        self._count("GET", f"/rest/api/3/attachment/content/{attachment_id}")
        return self._writer.media_id(attachment_id)

    def fetch_issues(
        self, ids_or_keys: Iterable[str], *, fields: tuple[str, ...], properties: tuple[str, ...] = ()
    ) -> list[Mapping[str, object]]:
        """Read these fields of issues in bulk; issues that Jira does not show are left out.

        One that Jira has and cannot hand out with so many others is asked for again with fewer, at last alone: left out, it
        would look like an issue that does not exist.
        """
        wanted = list(ids_or_keys)
        found: list[Mapping[str, object]] = []
        for start in range(0, len(wanted), _ISSUES_PER_FETCH):
            found.extend(self._fetch(wanted[start : start + _ISSUES_PER_FETCH], fields, properties))
        return found

    def _fetch(
        self, ids_or_keys: list[str], fields: tuple[str, ...], properties: tuple[str, ...]
    ) -> Iterator[Mapping[str, object]]:
        body = {"issueIdsOrKeys": ids_or_keys, "fields": list(fields), "properties": list(properties)}
        answer = self.read("/rest/api/3/issue/bulkfetch", body)
        issues = list_of(answer, "issues")
        yield from issues
        there = {str(issue.get("id")) for issue in issues}
        failed = [str(error["id"]) for error in list_of(answer, "issueErrors") if error.get("id") is not None]
        left = [issue_id for issue_id in dict.fromkeys(failed) if issue_id not in there]
        size = len(ids_or_keys) // 2
        for start in range(0, len(left), size or 1):
            if size:
                yield from self._fetch(left[start : start + size], fields, properties)
            else:
                yield from self._fetch_single(left[start], fields, properties)

    def _fetch_single(
        self, issue_id: str, fields: tuple[str, ...], properties: tuple[str, ...]
    ) -> Iterator[Mapping[str, object]]:
        query = {"fields": ",".join(fields), **({"properties": ",".join(properties)} if properties else {})}
        try:
            answer = self.get(f"/rest/api/3/issue/{issue_id}", query)
        except NotFound:
            return
        if isinstance(answer, dict):
            yield answer

    def _count(self, method: str, path: str) -> None:
        with self._lock:
            self._counts[f"{method} {template_of(path)}"] += 1


def template_of(path: str) -> str:
    """Give a path with its ids and keys left open, the form in which requests are counted."""
    steps = path.partition("?")[0].split("/")
    return "/".join(
        "{id}" if _ID.match(step) and position > 3 else "{key}" if _KEY.match(step) else step  # noqa: PLR2004 - past /rest/api/3
        for position, step in enumerate(steps)
    )


def list_of(answer: object, member: str) -> list[Mapping[str, object]]:
    """Give the objects in a list member of an answer; an answer without it is an empty list."""
    found = answer.get(member) if isinstance(answer, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def item_reason(error: BackupPipelineError) -> str | None:
    """Give Jira's words when an error concerns one item only; None when the whole run must end."""
    if isinstance(error, CredentialsRejected) or not isinstance(
        error, WriteRefused | NotFound | AccessDenied
    ):
        return None
    if isinstance(error, WriteRefused):
        words = [*error.error_messages, *(f"{name}: {text}" for name, text in error.field_errors.items())]
        return "; ".join(words) or error.message
    return error.message
