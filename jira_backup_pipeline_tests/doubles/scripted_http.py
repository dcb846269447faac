"""An HTTP server on loopback whose every answer a test writes itself, down to connections that break.

What belongs here: `ScriptedHttp`, the requests it saw, and answers that are cut, dripped or never sent.

What stays out: anything that knows Jira; the bundled sandbox plays Jira.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; header names are lower case, `port` is that of the client's connection.

    `target` is what stood in the request line: a proxy is given more than a path.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    port: int
    target: str

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer. `cut_after` sends only so many bytes of the body and then resets the connection."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    is_silent: bool = False
    before_each_byte: Callable[[], None] | None = None

    @classmethod
    def json(cls, document: object, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(document).encode(), {"Content-Type": "application/json", **named})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body, port = self.rfile.read(length), self.client_address[1]
        seen = Seen(self.command, parts.path, query, headers, body, port, self.path)
        self.server.seen.append(seen)
        self.send(self.server.script(seen))

    def send(self, reply: Reply) -> None:
        if reply.is_silent:
            self.reset()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.before_each_byte is not None:
            self.drip(reply.body, reply.before_each_byte)
        elif reply.cut_after is None:
            self.wfile.write(reply.body)
        else:
            self.wfile.write(reply.body[: reply.cut_after])
            self.wfile.flush()
            self.reset()

    def drip(self, body: bytes, before_each_byte: Callable[[], None]) -> None:
        for position in range(len(body)):
            before_each_byte()
            try:
                self.wfile.write(body[position : position + 1])
            except OSError:
                self.close_connection = True
                return

    def reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_CONNECT = answer  # noqa: N815 - names of the standard library

    def log_message(self, *_: object) -> None:
        """Say nothing: tests look at `seen`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Callable[[Seen], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.seen: list[Seen] = []

    def handle_error(self, *_: object) -> None:
        """Say nothing: a connection that the client dropped is part of the script."""


class ScriptedHttp:
    """Answers with what `script` gives for each request; keeps what it saw in `seen`."""

    def __init__(self, script: Callable[[Seen], Reply]) -> None:
        self._server = _Server(script)
        self.seen = self._server.seen
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
