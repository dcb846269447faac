"""Requests, responses, errors and the route table: HTTP as plain values, without sockets.

What belongs here: what every handler needs of HTTP: the call with its caller, JSON both ways, Jira's error
body, and the marks that stand for the site's address until an answer leaves.

What stays out: sockets (``asgi``), authentication (``auth``), page beans (``routes.paging``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account
    from jira_backup_pipeline.sandbox.site import Site

# A decoded JSON value: what it may be is for the reader of the value to check.
Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Json]

# Rendered answers carry these marks instead of an address, so that a cached answer serves both the site's own
# address and the gateway's. They lie in the private use area, where no ordinary text has a character.
SELF_BASE = "\ue0f1sandbox-self\ue0f2"
SITE_BASE = "\ue0f1sandbox-site\ue0f2"
SELF_BASE_BYTES = SELF_BASE.encode()
SITE_BASE_BYTES = SITE_BASE.encode()

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file part of a multipart form."""

    name: str
    filename: str
    content_type: str
    content: bytes


@dataclass(slots=True)
class Request:
    """One request as the core sees it; header names are lower case."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    files: list[UploadedFile] = field(default_factory=list)

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def every(self, name: str) -> list[str]:
        """All values of a query parameter, whether repeated or joined with commas."""
        return [
            part.strip()
            for key, value in self.query
            if key == name
            for part in value.split(",")
            if part.strip()
        ]

    def has(self, name: str) -> bool:
        """Whether the query parameter is there at all."""
        return any(key == name for key, _ in self.query)

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean query parameter."""
        value = self.first(name).lower()
        return default if value == "" else value == "true"

    def integer(self, name: str, default: int) -> int:
        """An integer query parameter; text that is no integer is a 404, as in Jira's own parameter binding."""
        value = self.first(name)
        if value == "":
            return default
        try:
            return int(value)
        except ValueError:
            raise ApiError(404, f"The value '{value}' of parameter '{name}' is not a number.") from None


@dataclass(slots=True)
class Response:
    """One answer: the body is complete and not compressed."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE


class ApiError(Exception):
    """An answer with Jira's error body: ``errorMessages`` and ``errors``."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {'; '.join(messages) or errors}")
        self.status = status
        self.messages = list(messages)
        self.errors = errors or {}
        self.headers = headers or {}

    def body(self) -> JsonObject:
        """The error collection as Jira writes it."""
        return {"errorMessages": self.messages, "errors": self.errors}

    def response(self) -> Response:
        """The error as an answer."""
        return Response(self.status, encode(self.body()), dict(self.headers))


def encode(value: Json) -> bytes:
    """JSON bytes of a value; ``msgspec.Raw`` parts are copied as they are."""
    return msgspec.json.encode(value)


def decode(data: bytes | str) -> Json:
    """The value of JSON bytes; bad JSON raises ``msgspec.DecodeError``."""
    return msgspec.json.decode(data)


def json_response(value: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, encode(value), headers or {})


def no_content() -> Response:
    """204 without a body."""
    return Response(204)


@dataclass(slots=True)
class Call:
    """What a handler gets: the request, its path parameters, the state and who is calling."""

    site: Site
    request: Request
    params: dict[str, str]
    caller: Account | None

    def actor(self) -> Account:
        """The caller, or 401 for a caller without credentials."""
        if self.caller is None:
            raise ApiError(401, "Client must be authenticated to access this resource.")
        return self.caller

    def json(self) -> Json:
        """The JSON body; a body that is not JSON is a 400."""
        try:
            return decode(self.request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ApiError(
                400, "There was an error parsing JSON. Check that your request body is valid."
            ) from None

    def json_object(self) -> JsonObject:
        """The JSON body, which must be an object."""
        value = self.json()
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return value


Handler: TypeAlias = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One documented operation; ``template`` is written as in the OpenAPI document."""

    method: str
    template: str
    handler: Handler
    segments: tuple[str, ...]


# What comes after the first segments of a path: further steps, or the route itself.
_Steps: TypeAlias = "dict[str, Any]"


def _walked(steps: _Steps, parts: list[str], depth: int) -> Route | None:
    """The route that the rest of a path leads to; the literal way is tried before the one through a parameter."""
    for name in (parts[depth], ""):
        found = steps.get(name)
        if isinstance(found, dict):
            found = _walked(found, parts, depth + 1)
        if found is not None:
            return found
    return None


@dataclass(slots=True)
class RouteTable:
    """Routes by method and path; a literal segment wins over a parameter."""

    routes: list[Route] = field(default_factory=list)
    # By method and number of segments, then segment by segment; what is a parameter lies under the empty text, which no
    # segment of a template is. The last step gives the route.
    _by_shape: dict[tuple[str, int], _Steps] = field(default_factory=dict)

    def add(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Decorator: register a handler for a documented operation."""

        def register(handler: Handler) -> Handler:
            self.include(Route(method, template, handler, tuple(template.strip("/").split("/"))))
            return handler

        return register

    def get(self, template: str) -> Callable[[Handler], Handler]:
        """Decorator for GET."""
        return self.add("GET", template)

    def post(self, template: str) -> Callable[[Handler], Handler]:
        """Decorator for POST."""
        return self.add("POST", template)

    def put(self, template: str) -> Callable[[Handler], Handler]:
        """Decorator for PUT."""
        return self.add("PUT", template)

    def delete(self, template: str) -> Callable[[Handler], Handler]:
        """Decorator for DELETE."""
        return self.add("DELETE", template)

    def include(self, route: Route) -> None:
        """Add one route; of two with the same literal segments the first stays."""
        self.routes.append(route)
        steps = self._by_shape.setdefault((route.method, len(route.segments)), {})
        *before, last = ["" if segment.startswith("{") else segment for segment in route.segments]
        for name in before:
            steps = steps.setdefault(name, {})
        steps.setdefault(last, route)

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path, with its parameters; None when there is none."""
        parts = path.strip("/").split("/")
        route = _walked(self._by_shape.get((method, len(parts)), {}), parts, 0)
        if route is None:
            return None
        pairs = zip(route.segments, parts, strict=True)
        return route, {segment[1:-1]: part for segment, part in pairs if segment.startswith("{")}

    def methods(self, path: str) -> list[str]:
        """The methods a path answers to (for 405)."""
        return [method for method in ("GET", "POST", "PUT", "DELETE") if self.match(method, path)]
