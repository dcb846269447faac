"""The body of an attachment upload: a multipart form with one file, read from a stream while it is sent.

What belongs here: the form's framing, its exact length, and the quoting of any file name that Jira may have given us.

What stays out: sending (`client`) and which files are uploaded (`engine.restore`).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE_BYTES = 64 * 1024
# As browsers do it: everything else of a name, whatever its script, travels as UTF-8.
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "%00"})


class FileForm:
    """A form with one part named `file`, of a length known before it is sent. Use it for one attempt."""

    def __init__(
        self, filename: str, stream: BinaryIO, size_bytes: int, *, boundary: str | None = None
    ) -> None:
        self.boundary = boundary or secrets.token_hex(16)
        name = filename.translate(_QUOTED).encode("utf-8", "replace")
        self._head = (
            b"--" + self.boundary.encode("ascii") + b"\r\n"
            b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n"
        )
        self._tail = b"\r\n--" + self.boundary.encode("ascii") + b"--\r\n"
        self._stream = stream
        self._size_bytes = size_bytes
        self._pieces = self._all_pieces()
        self._rest = b""

    def __len__(self) -> int:
        return len(self._head) + self._size_bytes + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self, limit_bytes: int = -1) -> bytes:
        """Give the next bytes of the form, b"" at its end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        piece = self._rest if limit_bytes < 0 else self._rest[:limit_bytes]
        self._rest = self._rest[len(piece) :]
        return piece

    def _all_pieces(self) -> Iterator[bytes]:
        yield self._head
        left = self._size_bytes
        while left:
            piece = self._stream.read(min(_PIECE_BYTES, left))
            if not piece:
                message = f"the stream to upload ended {left} bytes before its stated size"
                raise ValueError(message)
            left -= len(piece)
            yield piece
        yield self._tail
