"""Faults on request: which request goes wrong and how, and the count of how often each one fired.

What belongs here: the script, the answers that a fault gives instead of the handler, and answers rewritten on
their way out.

What stays out: what a fault does to a connection (``asgi``), and refusals that follow from rules (``auth``,
``limits``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from jira_backup_pipeline.sandbox.http import Json, JsonObject, Response, decode, encode

LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Log in to continue</title></head>"
    b"<body><form action='/login'>Log in to continue to Jira</form></body></html>"
)


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    LOGIN_PAGE = "login_page"
    RESET = "reset"
    TRUNCATED_GZIP = "truncated_gzip"
    DRIP = "drip"
    STALL = "stall"
    LOST_ANSWER = "lost_answer"
    LOOP_TOKEN = "loop_token"  # noqa: S105 - the name of a fault
    DUPLICATE_ISSUE = "duplicate_issue"
    SHORT_BODY = "short_body"
    FOREIGN_REDIRECT = "foreign_redirect"


# Faults that answer in place of the handler; the others let the request take effect first.
INSTEAD = frozenset({FaultKind.STATUS, FaultKind.LOGIN_PAGE})


@dataclass(slots=True)
class Fault:
    """One entry of the script. ``times`` None means for ever."""

    fault_id: int
    kind: FaultKind
    method: str | None = None
    path: str | None = None
    after: int = 0
    times: int | None = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    delay_ms: float = 20.0
    chunk_bytes: int = 64
    keep_bytes: int | None = None
    location: str = "http://localhost:9/elsewhere"
    seen: int = 0
    fired: int = 0

    def matches(self, method: str, template: str, path: str) -> bool:
        """Whether a request is one of those this fault watches."""
        if self.method is not None and self.method.upper() != method:
            return False
        if self.path is None or self.path == template:
            return True
        try:
            return re.search(self.path, path) is not None
        except re.error:
            return False

    def describe(self) -> JsonObject:
        """The fault with its counts, for a test's proof."""
        return {
            "id": self.fault_id,
            "kind": self.kind.value,
            "method": self.method,
            "path": self.path,
            "after": self.after,
            "times": self.times,
            "status": self.status,
            "seen": self.seen,
            "fired": self.fired,
        }


_SETTABLE = {
    "method",
    "path",
    "after",
    "times",
    "status",
    "headers",
    "body",
    "delay_ms",
    "chunk_bytes",
    "keep_bytes",
    "location",
}


class FaultScript:
    """The faults of a sandbox, first match first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, kind: str, **options: Json) -> Fault:
        """Add a fault; an unknown kind or option raises ``ValueError``."""
        unknown = set(options) - _SETTABLE
        if unknown:
            raise ValueError(f"unknown fault options: {', '.join(sorted(unknown))}")
        with self._lock:
            made = Fault(self._next_id, FaultKind(kind), **options)
            self._next_id += 1
            self._faults.append(made)
            return made

    def clear(self) -> None:
        """Forget all faults and counts."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[Fault]:
        """All faults, used up or not."""
        with self._lock:
            return list(self._faults)

    def fired(self, fault_id: int) -> int:
        """How often a fault has fired."""
        with self._lock:
            return next((fault.fired for fault in self._faults if fault.fault_id == fault_id), 0)

    def take(self, method: str, template: str, path: str) -> Fault | None:
        """Count a request against every fault that watches it; the first that is due fires."""
        chosen: Fault | None = None
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, template, path):
                    continue
                fault.seen += 1
                due = fault.seen > fault.after and (fault.times is None or fault.fired < fault.times)
                if due and chosen is None:
                    fault.fired += 1
                    chosen = fault
        return chosen


def instead(fault: Fault) -> Response:
    """The answer of a fault that replaces the handler."""
    if fault.kind is FaultKind.LOGIN_PAGE:
        return Response(200, LOGIN_PAGE, content_type="text/html;charset=UTF-8")
    if fault.body is not None:
        return Response(fault.status, fault.body.encode(), dict(fault.headers))
    messages = {401: "Client must be authenticated to access this resource.", 429: "Rate limit exceeded."}
    text = messages.get(fault.status, "Something went wrong on our end.")
    return Response(fault.status, encode({"errorMessages": [text], "errors": {}}), dict(fault.headers))


def rewritten(fault: Fault, response: Response, request_body: bytes, query_token: str) -> Response:
    """The handler's answer after a fault has changed it."""
    if fault.kind is FaultKind.SHORT_BODY:
        keep = len(response.body) // 2 if fault.keep_bytes is None else fault.keep_bytes
        return Response(response.status, response.body[:keep], response.headers, response.content_type)
    if fault.kind is FaultKind.FOREIGN_REDIRECT:
        return Response(303, b"", {**response.headers, "Location": fault.location}, "text/html")
    if fault.kind in {FaultKind.LOOP_TOKEN, FaultKind.DUPLICATE_ISSUE} and response.status == 200:
        value = decode(response.body)
        if fault.kind is FaultKind.LOOP_TOKEN:
            asked = query_token or (decode(request_body).get("nextPageToken") if request_body else None)
            value["nextPageToken"] = asked or value.get("nextPageToken") or "loop"
            value["isLast"] = False
        elif value.get("issues"):
            value["issues"] = [*value["issues"], value["issues"][-1]]
        return Response(response.status, encode(value), response.headers, response.content_type)
    return response
