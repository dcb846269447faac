"""A strict proxy before an S3 server: checks what moto does not, and misbehaves on a plan.

Strict: every body must have the digests its headers announce, every object must be written create-only and with a sha256.
On a plan: each planned fault fires on the next request it matches; leaving `planned(...)` with a fault that never fired
fails the test, because it then proved nothing.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length", "host"}


class Misbehaviour(Enum):
    """The ways in which a request can go wrong."""

    REFUSE = "answer an error, do nothing"
    REFUSE_AFTER_COMMIT = "do it, then answer an error"
    RESET_BEFORE_COMMIT = "read the request, do nothing, reset the connection"
    RESET_AFTER_COMMIT = "do it, then reset the connection instead of answering"
    RESET_MID_BODY = "answer half of the body, then reset the connection"
    TRUNCATE_BODY = "answer half of the body, then close the connection in peace"
    FLIP_BYTE = "answer the body with one bit changed"


@dataclass(frozen=True)
class PlannedFault:
    """What happens to the next request of `method` whose path and query contain `match`; `status` and `code` of refusals."""

    misbehaviour: Misbehaviour
    method: str = "PUT"
    match: str = ""
    status: int = 503
    code: str = "SlowDown"


@dataclass(frozen=True)
class SeenRequest:
    """One request as it arrived, with lower-case header names."""

    method: str
    target: str
    headers: Mapping[str, str]


class StrictS3Proxy:
    """The proxy's memory: faults to come and requests that were."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.endpoint = ""
        self.requests: list[SeenRequest] = []
        self._faults: list[PlannedFault] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def planned(self, *faults: PlannedFault) -> Iterator[None]:
        """Plan faults, in order of firing among those that match; each must have fired at the end."""
        with self._lock:
            assert not self._faults, "plans do not nest"
            self._faults = list(faults)
        try:
            yield
        finally:
            with self._lock:
                unfired, self._faults = self._faults, []
        assert not unfired, f"planned faults never fired: {unfired}"

    def count(self, method: str, match: str = "") -> int:
        """Count the requests so far."""
        with self._lock:
            return sum(seen.method == method and match in seen.target for seen in self.requests)

    def note(self, seen: SeenRequest) -> PlannedFault | None:
        """Remember a request and give the fault that is due for it."""
        with self._lock:
            self.requests.append(seen)
            for position, fault in enumerate(self._faults):
                if fault.method == seen.method and fault.match in seen.target:
                    return self._faults.pop(position)
        return None


@contextlib.contextmanager
def running_s3_proxy(upstream: str) -> Iterator[StrictS3Proxy]:
    """Run a proxy before the server at `upstream` (an http endpoint of this machine)."""
    proxy = StrictS3Proxy(upstream)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _QuietServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up, which some tests make them do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet per answer: a head sent on its own waits 40 ms for the client's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    proxy: StrictS3Proxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the parent's name
        """Stay quiet."""

    def handle_expect_100(self) -> bool:
        """Send the go-ahead at once: the client waits a second for it."""
        is_expected = super().handle_expect_100()
        self.wfile.flush()
        return is_expected

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.proxy.note(SeenRequest(self.command, self.path, headers))
        if (objection := _objection(self.command, self.path, headers, body)) is not None:
            self._refuse(400, objection)
            return
        kind = fault.misbehaviour if fault is not None else None
        if fault is not None and kind is Misbehaviour.REFUSE:
            self._refuse(fault.status, fault.code)
        elif kind is Misbehaviour.RESET_BEFORE_COMMIT:
            self._reset()
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 -- the parent's names

    def _forward(self, body: bytes, fault: PlannedFault | None) -> None:
        upstream = HTTPConnection(self.proxy.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_HEADERS:
                    upstream.putheader(name, value)
            upstream.putheader("Host", self.headers["Host"])  # it is part of the signature
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            content = answer.read()
            self._pass_on(answer.status, answer.getheaders(), content, fault)
        finally:
            upstream.close()

    def _pass_on(
        self, status: int, headers: list[tuple[str, str]], content: bytes, fault: PlannedFault | None
    ) -> None:
        kind = fault.misbehaviour if fault is not None else None
        if fault is not None and kind is Misbehaviour.REFUSE_AFTER_COMMIT:
            self._refuse(fault.status, fault.code)
            return
        if kind is Misbehaviour.RESET_AFTER_COMMIT:
            self._reset()
            return
        if kind is Misbehaviour.FLIP_BYTE:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_HEADERS or (
                name.lower() == "content-length" and self.command == "HEAD"
            ):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if kind in {Misbehaviour.TRUNCATE_BODY, Misbehaviour.RESET_MID_BODY}:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            if kind is Misbehaviour.RESET_MID_BODY:
                self._reset()
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        document = (
            f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>as planned</Message></Error>'
        ).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(document)

    def _reset(self) -> None:
        """Close the connection with a reset instead of a farewell."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.rfile.close()
        self.connection.close()


def _objection(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
    digest = hashlib.sha256(body)
    if len(announced := headers.get("x-amz-content-sha256", "")) == 64 and announced != digest.hexdigest():
        return "XAmzContentSHA256Mismatch"
    checksum = headers.get("x-amz-checksum-sha256")
    if checksum is not None and base64.b64decode(checksum) != digest.digest():
        return "BadDigest"
    query = urlsplit(target).query
    is_completion = method == "POST" and "uploadId=" in query
    is_part = method == "PUT" and "partNumber=" in query
    is_object = (
        method == "PUT" and urlsplit(target).path.count("/") > 1 and not query.replace("x-id=PutObject", "")
    )
    if (is_object or is_completion) and headers.get("if-none-match") != "*":
        return "OverwriteNotAllowed"
    if (is_object or is_part) and checksum is None:
        return "ChecksumRequired"
    return None
