"""The writer that a restore is handed: `engine.ports.JiraWriter` on top of a client.

What belongs here: `CloudWriter`. A write is sent once: it is sent again only when Jira refused it unread (429) or it never left
us; what may have happened is `AnswerLost`, and the caller looks before it tries again.

What stays out: what is written and in which order (`engine.restore`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, Final

from jira_backup_pipeline.domain.errors import TransientError, UnexpectedAnswer, WriteRefused
from jira_backup_pipeline.jira import site
from jira_backup_pipeline.jira.download import media_id_of
from jira_backup_pipeline.jira.refusals import error_for
from jira_backup_pipeline.jira.upload import FileForm
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.pages import OffsetPager, StartOnlyPager, TokenPager
from jira_backup_pipeline.jira.wire.slices import read_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jira_backup_pipeline.domain.readings import Account
    from jira_backup_pipeline.jira.client import JiraClient

_PAGE: Final = 100
# Calls by POST that only read: asking twice does no harm.
_READING_POSTS: Final = frozenset(
    {
        "/rest/api/3/search/jql",
        "/rest/api/3/search/approximate-count",
        "/rest/api/3/issue/bulkfetch",
        "/rest/api/3/changelog/bulkfetch",
        "/rest/api/3/comment/list",
        "/rest/api/3/worklog/list",
    }
)
_SET_PROPERTY = re.compile(r"/properties/[^/]+$")
_ATTACHMENTS = "/rest/api/3/issue/{issue_id}/attachments"
_VARIABLE = re.compile(
    r"\d+|[A-Z][A-Z0-9_]+-\d+|[0-9a-f]{24}|[0-9]+:[0-9a-f-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


class CloudWriter:
    """Writes to one Jira Cloud site. Several threads may use it."""

    def __init__(self, client: JiraClient) -> None:
        self.client = client

    def whoami(self) -> Account:
        """Ask who writes, and where; an anonymous answer raises CredentialsRejected."""
        return site.ask_whoami(self.client)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """Read and decode one answer.

        Raises:
            NotFound: 404. AccessDenied: 403. TransientError: retries are spent.
        """
        return self.client.ask(_request("GET", path, None, query), read_answer)

    def get_all(
        self, kind_path: str, items: str, query: Mapping[str, str] | None = None
    ) -> Iterator[Mapping[str, object]]:
        """Read every page of a list, by page token where the answer has one, else by `startAt`.

        `items` names the list's member, "" for a bare array; that is one page, unless the query names a `startAt`.
        """
        query = dict(query or {})
        pager: _AnyPager | None = _AnyPager(items, query)
        while pager is not None:
            request = _request("GET", kind_path, None, pager.query)
            answer = self.client.ask(request, read_answer)
            found = pager.take(answer)
            if found is None:
                raise UnexpectedAnswer(
                    f"the answer to {request.endpoint} has no list {items!r}",
                    hint="Report the endpoint and its answer; a list was expected by the documentation.",
                )
            yield from found
            pager = pager if pager.goes_on else None

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        """Write once and decode the answer (None when it is empty).

        Raises:
            WriteRefused: Jira's no, with its words. AnswerLost: it may have been done. TransientError: it was not done.
        """
        request = _request(method, path, body, query)
        return _or_refused(request, self.client.try_ask(request, read_answer))

    def upload(self, issue_id: str, filename: str, stream: BinaryIO, size_bytes: int) -> Mapping[str, object]:
        """Upload one attachment and give its metadata; a stream that can seek is sent again after a 429.

        Raises:
            WriteRefused, AnswerLost, TransientError: as `send`. ValueError: the stream is shorter than `size_bytes`.
        """
        start = stream.tell() if stream.seekable() else None
        boundary = FileForm(filename, stream, size_bytes).boundary

        attempts = 0

        def form() -> FileForm:
            nonlocal attempts
            attempts += 1
            if start is not None:
                stream.seek(start)
            elif attempts > 1:
                raise TransientError(
                    "jira refused an upload for now, and its stream cannot be read a second time",
                    hint="Hand over a stream that can seek, or open it again and repeat the call.",
                )
            return FileForm(filename, stream, size_bytes, boundary=boundary)

        request = Request(
            method="POST",
            template=_ATTACHMENTS,
            path=_ATTACHMENTS.replace("{issue_id}", issue_id),
            headers=(
                ("X-Atlassian-Token", "no-check"),
                ("Content-Type", f"multipart/form-data; boundary={boundary}"),
            ),
            is_repeatable=False,
        )
        answer = _or_refused(request, self.client.try_ask(request, read_answer, stream=form))
        if isinstance(answer, list) and answer and isinstance(answer[0], Mapping):
            return answer[0]
        raise UnexpectedAnswer(
            "an upload was answered without the new attachment's metadata",
            hint="Look at the issue's attachments before trying again.",
        )

    def media_id(self, attachment_id: str) -> str | None:
        """Tell the media UUID that text uses for an attachment, seen in the download's redirect."""
        return media_id_of(self.client, attachment_id)

    def close(self) -> None:
        """Let go of threads and connections."""
        self.client.close()


class _AnyPager:
    """Finds out from the first answer how a list is paged, and goes on that way."""

    def __init__(self, items: str, query: dict[str, str]) -> None:
        self._items = items
        self._fixed = {name: value for name, value in query.items() if name not in ("startAt", "maxResults")}
        self._is_bare_list_paged = "startAt" in query
        size, start = int(query.get("maxResults", _PAGE)), int(query.get("startAt", 0))
        self._offset: OffsetPager | None = OffsetPager(size, start)
        self._start: StartOnlyPager | None = StartOnlyPager(size, start)
        self._token: TokenPager | None = TokenPager()
        self._next = self._offset.query if items or self._is_bare_list_paged else ()
        self.goes_on = True

    @property
    def query(self) -> dict[str, str]:
        """Give the query of the next page."""
        return self._fixed | dict(self._next)

    def take(self, answer: object) -> Sequence[Mapping[str, object]] | None:
        """Give the things of a page and prepare the next question; None where the list is not there."""
        if isinstance(answer, list) and not self._items:
            self._after_bare_list(len(answer))
            found: object = answer
        elif isinstance(answer, Mapping):
            found = answer.get(self._items)
            if isinstance(found, list):
                self._after_page(answer, len(found))
        else:
            found = None
        return [thing for thing in found if isinstance(thing, Mapping)] if isinstance(found, list) else None

    def _after_bare_list(self, count: int) -> None:
        self._start = self._start.after(count) if self._start and self._is_bare_list_paged else None
        self.goes_on = self._start is not None
        self._next = self._start.query if self._start else ()

    def _after_page(self, page: Mapping[str, object], count: int) -> None:
        is_last = page.get("isLast")
        flag = is_last if isinstance(is_last, bool) else None
        if "nextPageToken" in page or (self._token is not None and self._token.token is not None):
            self._token = self._token.after(page.get("nextPageToken"), is_last=flag) if self._token else None
            self.goes_on = self._token is not None
            self._next = (("nextPageToken", self._token.token or ""),) if self._token else ()
            return
        total = page.get("total")
        known = total if isinstance(total, int) and not isinstance(total, bool) else None
        self._offset = self._offset.after(count, total=known, is_last=flag) if self._offset else None
        self.goes_on = self._offset is not None
        self._next = self._offset.query if self._offset else ()


def _request(method: str, path: str, body: object | None, query: Mapping[str, str] | None) -> Request:
    if not path.startswith("/"):
        message = f"a path begins with a slash: {path!r}"
        raise ValueError(message)
    packed = None if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
    is_repeatable = (
        method == "GET"
        or (method == "POST" and path in _READING_POSTS)
        or (method == "PUT" and _SET_PROPERTY.search(path) is not None)
    )
    return Request(
        method=method,
        template=template_of(path),
        path=path,
        query=tuple((query or {}).items()),
        body=packed,
        headers=(("Content-Type", "application/json"),) if packed is not None else (),
        is_repeatable=is_repeatable,
    )


def template_of(path: str) -> str:
    """Give a path with its ids and keys replaced by a place, the form in which endpoints are counted and limited."""
    head, _, rest = path.partition("/rest/")
    steps = rest.split("/")
    # The version of an API ("api/3") is no id.
    named = ["{id}" if place > 1 and _VARIABLE.fullmatch(step) else step for place, step in enumerate(steps)]
    return f"{head}/rest/{'/'.join(named)}" if rest else path


def _or_refused(request: Request, answer: object) -> object:
    if not isinstance(answer, Refusal):
        return answer
    error = error_for(request, answer)
    raise WriteRefused(error.message, hint=error.hint, status=answer.status, answer=answer.document)
