"""What is asked of Jira and what comes back, as plain values.

What belongs here: `Request`, `Response`, the ways in which an exchange can break, and Jira's refusal of one object with
its own words.

What stays out: what to do about an answer (`wire.retries`), how a body is cut up (`wire.slices`), sockets (`client`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACE = re.compile(r"\{(\w+)\}")
_WORDS_LIMIT = 300
_SEE_OTHER = 303
_TASK = re.compile(r"/rest/api/(?:3|2|latest)/task/([A-Za-z0-9-]+)/?(?:\?.*)?$")
# Jira's own error collections name no others; its gateway, its apps and its older parts do.
_WORD_MEMBERS = ("errorMessage", "message", "error", "error_description", "title", "detail", "reason")
_JSON_HEADERS = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `template` names the endpoint for limits and counts, `path` is what is really asked.

    `is_repeatable` promises that asking twice does no harm; only then is a lost answer asked for again.
    """

    method: str
    template: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    is_repeatable: bool = True

    @property
    def endpoint(self) -> str:
        """Name the endpoint as it is counted: method and path template."""
        return f"{self.method} {self.template}"

    @property
    def target(self) -> str:
        """Give path and query as they stand in the request line, below the base URL."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    @classmethod
    def get(cls, template: str, values: Mapping[str, str] | None = None, **query: str | int) -> Self:
        """Make a GET of a path template; `values` fill its places, `query` becomes the query string."""
        return cls(
            method="GET",
            template=template,
            path=fill(template, values or {}),
            query=tuple((name, str(value)) for name, value in query.items()),
        )

    @classmethod
    def asking_by_post(cls, template: str, document: object) -> Self:
        """Make a POST that only reads (search, bulk fetch), so repeating it is harmless."""
        body = json.dumps(document, separators=(",", ":")).encode("ascii")
        return cls(method="POST", template=template, path=template, body=body, headers=_JSON_HEADERS)

    def with_query(self, pairs: Sequence[tuple[str, str]]) -> Self:
        """Give the same request with further query members."""
        return type(self)(
            method=self.method,
            template=self.template,
            path=self.path,
            query=(*self.query, *pairs),
            body=self.body,
            headers=self.headers,
            is_repeatable=self.is_repeatable,
        )


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values into the places of a path template, quoted so that none can leave its path segment."""
    return _PLACE.sub(lambda place: quote(values[place.group(1)], safe=""), template)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Tell whether the status is one of the 200s."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the meaning of HTTP status classes

    @property
    def task_id(self) -> str | None:
        """Give the task that a 303 leads to: this is how Jira answers when work goes on after the answer."""
        if self.status != _SEE_OTHER:
            return None
        found = _TASK.search(self.headers.get("location", "")) or _TASK.search(self._own_address())
        return found[1] if found is not None else None

    def _own_address(self) -> str:
        """Give the address that a body states as its own: the documents show the task there, and no header."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        return str(document.get("self", "")) if isinstance(document, dict) else ""

    @property
    def told(self) -> bytes:
        """Give the body, and for a task the form that it has in the documents: the answer itself need not have any."""
        return self.body if self.task_id is None else json.dumps({"id": self.task_id}).encode("ascii")

    @property
    def is_html(self) -> bool:
        """Tell whether this is a page for people (a login or maintenance page) where JSON was asked for."""
        if "html" in self.headers.get("content-type", "").lower():
            return True
        return self.body[:200].lstrip()[:1] == b"<"


class Breakage(StrEnum):
    """How far an exchange came before it broke, which decides whether a write may have happened."""

    NOT_SENT = "not sent"
    NO_ANSWER = "no answer"
    CUT = "answer cut off"


class Broken(Exception):
    """An exchange without a whole answer; `words` come from the transport and hold no secrets."""

    def __init__(self, breakage: Breakage, words: str) -> None:
        super().__init__(f"{breakage.value}: {words}")
        self.breakage = breakage
        self.words = words


class Garbled(ValueError):
    """A body that came whole but cannot be read as what was asked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Jira's no to one object: the status, its words, and its error document as it was sent."""

    status: int
    words: str
    body: bytes = b""

    @property
    def document(self) -> object:
        """Give the decoded error document, None where the answer was not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @classmethod
    def of(cls, response: Response) -> Self:
        """Read the refusal out of an answer."""
        return cls(status=response.status, words=words_of(response), body=response.body)


def words_of(response: Response) -> str:
    """Give what Jira says about a refused call in one short line, without markup."""
    if response.is_html:
        return "an HTML page without further words"
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        text = response.body.decode("utf-8", "replace")
    else:
        text = _words_in(document)
    line = " ".join(text.split())
    return line[:_WORDS_LIMIT] or "no further words"


def _words_in(document: object) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, list):
        return "; ".join(dict.fromkeys(text for one in document if (text := _words_in(one))))
    if not isinstance(document, dict):
        return ""
    messages = document.get("errorMessages")
    found = [str(message) for message in messages] if isinstance(messages, list) else []
    errors = document.get("errors")
    if isinstance(errors, dict):
        found += [f"{name}: {text}" for name, text in errors.items()]
    if isinstance(errors, list):
        found += [text for one in errors if (text := _words_in(one))]
    found += [document[name] for name in _WORD_MEMBERS if isinstance(document.get(name), str)]
    return "; ".join(dict.fromkeys(found))
