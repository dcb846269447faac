"""One open answer: its head, and its body read piece by piece against a deadline.

What belongs here: reading a body whole (gunzipped, its length checked, within a deadline that a slow drip cannot outlast)
or in pieces for a download.

What stays out: opening connections (`client`) and what an answer means (`wire.retries`).
"""

from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING, Protocol

from jira_backup_pipeline.jira.wire.messages import Breakage, Broken, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOG = logging.getLogger(__name__)
# Large enough to make digests cheap, small enough that the C library serves it from its heap: beyond 128 KiB every block
# would be a mapping of its own, made and zeroed anew for every piece.
_PIECE_BYTES = 112 * 1024
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class RawBody(Protocol):
    """What a transport must give of a body; `read_piece` gives b"" at the end and raises Broken when it breaks."""

    def read_piece(self, limit_bytes: int) -> bytes:
        """Give the next bytes as they came from the socket, at most one wait long."""

    def close(self) -> None:
        """Give the connection back, or drop it if the body was not read to its end."""


class Exchange:
    """An answer whose head has come. Close it, or read it to its end."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: RawBody,
        *,
        monotonic: Callable[[], float],
        asked_at_seconds: float,
    ) -> None:
        self.status = status
        self.headers = headers
        self._body = body
        self._monotonic = monotonic
        self._asked_at_seconds = asked_at_seconds
        self._received_bytes = 0
        self.length_bytes = _whole_number(headers.get("content-length"))

    def read_whole(self, deadline_seconds: float) -> Response:
        """Read the body to its end and close. The deadline counts from the asking, or from the head after an upload.

        Raises:
            Broken: the body is shorter than announced, not readable gzip, or did not come within the deadline.
        """
        latest = self._asked_at_seconds + deadline_seconds
        pieces: list[bytes] = []
        try:
            while piece := self.read_piece():
                pieces.append(piece)
                if self._monotonic() > latest:
                    raise Broken(Breakage.CUT, f"the answer took longer than {deadline_seconds:g} seconds")
        finally:
            self.close()
        return Response(self.status, self.headers, self._unpacked(b"".join(pieces)))

    def read_piece(self) -> bytes:
        """Give the next bytes as sent, b"" at the end.

        Raises:
            Broken: the connection broke, or ended before the announced length.
        """
        if self._received_bytes and self._received_bytes == self.length_bytes:
            return b""
        piece = self._body.read_piece(_PIECE_BYTES)
        self._received_bytes += len(piece)
        if not piece and self.length_bytes is not None and self._received_bytes < self.length_bytes:
            raise Broken(Breakage.CUT, f"{self._received_bytes} of {self.length_bytes} bytes came")
        return piece

    def close(self) -> None:
        """Give the connection back, or drop it if the body was not read to its end."""
        self._body.close()

    def dismiss(self) -> None:
        """Close an answer of which only the head counts; a short body is read, which keeps the connection for the next."""
        try:
            if self.length_bytes is not None and self.length_bytes <= _PIECE_BYTES:
                while self.read_piece():
                    pass
        except Broken:
            _LOG.debug("the body of an answer broke off that nobody needs")
        finally:
            self.close()

    def _unpacked(self, packed: bytes) -> bytes:
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity") or not packed:
            return packed
        if encoding not in ("gzip", "x-gzip"):
            raise Broken(Breakage.CUT, f"the body is packed as {encoding!r}, which was not asked for")
        return _gunzipped(packed)


def _gunzipped(packed: bytes) -> bytes:
    parts: list[bytes] = []
    try:
        while packed:
            unpacker = zlib.decompressobj(_GZIP_WINDOW)
            parts.append(unpacker.decompress(packed))
            if not unpacker.eof:
                raise Broken(Breakage.CUT, "the packed body ends in the middle")
            packed = unpacker.unused_data
    except zlib.error as error:
        raise Broken(Breakage.CUT, f"the packed body is damaged: {error}") from error
    return b"".join(parts)


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
