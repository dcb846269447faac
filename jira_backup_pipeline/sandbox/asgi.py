"""Sockets: a thin Starlette application over the core, and what faults do to a connection.

What belongs here: bytes to ``http.Request`` and exchanges to bytes, compression, cutting, stalling and
dripping of connections, and the check that control requests come from loopback.

What stays out: anything that Jira decides (``core``), which fault fires (``faults``), and opening ports
(``server``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import zlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request as StarletteRequest
from starlette.responses import StreamingResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jira_backup_pipeline.sandbox.control import PREFIX, Control
from jira_backup_pipeline.sandbox.faults import Fault, FaultKind
from jira_backup_pipeline.sandbox.http import Request, Response, UploadedFile, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from jira_backup_pipeline.sandbox.core import Exchange, Sandbox
    from jira_backup_pipeline.sandbox.media import MediaHost

TRANSPORT = "sandbox.transport"
MEDIA_TEMPLATE = "/file/{uuid}/binary"
_SMALLEST_COMPRESSED = 1024
_NO_BODY = frozenset({204, 304})


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the transport in the scope, so that a fault can cut the connection."""

    def on_message_begin(self) -> None:
        """Put the transport where the application finds it."""
        super().on_message_begin()
        self.scope["state"][TRANSPORT] = self.transport


def _abort(scope: Scope) -> None:
    """Reset the connection: the client sees it cut, not closed in order."""
    transport: asyncio.Transport | None = scope.get("state", {}).get(TRANSPORT)
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _read(scope: Scope, receive: Receive) -> Request:
    incoming = StarletteRequest(scope, receive)
    headers = {name.lower(): value for name, value in incoming.headers.items()}
    request = Request(incoming.method, incoming.url.path, list(incoming.query_params.multi_items()), headers)
    request.path = scope["path"]
    if headers.get("content-type", "").startswith("multipart/form-data"):
        async with incoming.form(max_files=200) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    content = await value.read()
                    request.files.append(
                        UploadedFile(name, value.filename or "", value.content_type or "", content)
                    )
    else:
        request.body = await incoming.body()
    return request


def _compressed(request: Request, response: Response, level: int) -> tuple[bytes, dict[str, str]]:
    headers = dict(response.headers)
    if level <= 0 or "gzip" not in request.headers.get("accept-encoding", ""):
        return response.body, headers
    if len(response.body) < _SMALLEST_COMPRESSED or not response.content_type.startswith(
        ("application/json", "text/")
    ):
        return response.body, headers
    if response.status == 206 or "Accept-Ranges" in headers:
        return response.body, headers
    headers["Content-Encoding"] = "gzip"
    headers["Vary"] = "Accept-Encoding"
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(response.body) + packer.flush(), headers


async def _send_whole(send: Send, response: Response, body: bytes, headers: dict[str, str]) -> None:
    await _send_head(send, response, len(body), headers)
    await send({"type": "http.response.body", "body": body})


async def _send_head(send: Send, response: Response, length: int, headers: dict[str, str]) -> None:
    lines = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    if response.status not in _NO_BODY:
        lines.append((b"content-type", response.content_type.encode("latin-1")))
        lines.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": lines})


async def _deliver(scope: Scope, send: Send, request: Request, exchange: Exchange, level: int) -> None:
    response, fault = exchange.response, exchange.fault
    kind = fault.kind if fault is not None else None
    if kind is FaultKind.LOST_ANSWER:
        _abort(scope)
        return
    if kind is FaultKind.TRUNCATED_GZIP:
        packer = zlib.compressobj(max(level, 1), zlib.DEFLATED, 31)
        packed = packer.compress(response.body) + packer.flush()
        await _send_whole(
            send, response, packed[: len(packed) // 2], {**response.headers, "Content-Encoding": "gzip"}
        )
        return
    body, headers = _compressed(request, response, level)
    if fault is not None and kind in {FaultKind.RESET, FaultKind.STALL}:
        await _send_head(send, response, max(len(body), 2), headers)
        keep = len(body) // 2 if fault.keep_bytes is None else fault.keep_bytes
        await send({"type": "http.response.body", "body": body[:keep], "more_body": True})
        await asyncio.sleep(0 if kind is FaultKind.RESET else fault.delay_ms / 1000)
        _abort(scope)
        return
    if fault is not None and kind is FaultKind.DRIP:
        await _drip(send, response, body, headers, fault)
        return
    await _send_whole(send, response, body, headers)


async def _drip(send: Send, response: Response, body: bytes, headers: dict[str, str], fault: Fault) -> None:
    await _send_head(send, response, len(body), headers)
    for at in range(0, len(body), fault.chunk_bytes):
        await send(
            {"type": "http.response.body", "body": body[at : at + fault.chunk_bytes], "more_body": True}
        )
        await asyncio.sleep(fault.delay_ms / 1000)
    await send({"type": "http.response.body", "body": b""})


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    return client is None or ipaddress.ip_address(client[0]).is_loopback


async def _streamed(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= 200:
            yield b"\n".join(batch) + b"\n"
            batch.clear()
            await asyncio.sleep(0)
    if batch:
        yield b"\n".join(batch) + b"\n"


class JiraEndpoint:
    """The ASGI form of a sandbox: Jira's paths and the control API."""

    def __init__(self, sandbox: Sandbox, control: Control) -> None:
        self._sandbox = sandbox
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = await _read(scope, receive)
        settings = self._sandbox.site.settings
        if request.path.startswith(PREFIX + "/"):
            await self._answer_control(scope, receive, send, request)
            return
        if settings.latency_ms > 0:
            await asyncio.sleep(settings.latency_ms / 1000)
        exchange = self._sandbox.exchange(request)
        await _deliver(scope, send, request, exchange, settings.gzip_level)

    async def _answer_control(self, scope: Scope, receive: Receive, send: Send, request: Request) -> None:
        if not _is_loopback(scope):
            await _send_whole(send, Response(403), encode({"error": "loopback only"}), {})
            return
        answer = self._control.handle(request)
        if isinstance(answer, Response):
            await _send_whole(send, answer, answer.body, answer.headers)
        else:
            stream = StreamingResponse(_streamed(answer), media_type="application/x-ndjson")
            await stream(scope, receive, send)


class MediaEndpoint:
    """The ASGI form of the media host; its requests are logged and suffer faults like Jira's own."""

    def __init__(self, sandbox: Sandbox, media: MediaHost) -> None:
        self._sandbox = sandbox
        self._media = media

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = await _read(scope, receive)
        exchange = self._sandbox.exchange_elsewhere(request, MEDIA_TEMPLATE, self._media.handle)
        await _deliver(scope, send, request, exchange, 0)


def application(endpoint: ASGIApp) -> ASGIApp:
    """A Starlette application that gives every path to one endpoint."""
    app = Starlette()
    app.router.default = endpoint
    return app
