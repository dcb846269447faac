"""A read that survives broken connections.

What belongs here: the stream that asks again from where it stopped, and its bounded patience.

What stays out: how a piece of an object is fetched and what its failures mean (`s3`).
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Final, Protocol

from jira_backup_pipeline.domain.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

# Breaks in a row without a single byte between them; any progress starts the count again.
_PATIENCE: Final = 5
_FIRST_PAUSE_SECONDS: Final = 0.2


class Piece(Protocol):
    """The rest of an object from some offset, as it arrives; a broken connection raises `TransientError`."""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes; nothing means the connection ended."""

    def close(self) -> None:
        """Let go of the connection."""


class ResumingReader(io.RawIOBase):
    """A seekable stream over pieces: gives exactly `size_bytes` bytes or an error, never a short object."""

    def __init__(
        self,
        name: str,
        size_bytes: int,
        *,
        open_at: Callable[[int], Piece],
        first: Piece,
        sleep: Callable[[float], None],
    ) -> None:
        super().__init__()
        self._name = name
        self._size_bytes = size_bytes
        self._open_at = open_at
        self._piece: Piece | None = first
        self._sleep = sleep
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes: a seek costs a new request at the next read, and only then."""
        return True

    def tell(self) -> int:
        """Give the position in bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; a position past the end reads as empty, as in a file."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}[whence]
        if origin + offset < 0:
            message = f"negative seek position {origin + offset}"
            raise ValueError(message)
        if origin + offset != self._position:
            self._drop()
            self._position = origin + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is there, up to the size of the buffer; 0 only at the end of the object."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._size_bytes - self._position)
        if wanted <= 0:
            return 0
        chunk = self._next_bytes(wanted)
        view[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()
        super().close()

    def _next_bytes(self, wanted: int) -> bytes:
        for attempt in range(_PATIENCE):
            try:
                if self._piece is None:
                    self._piece = self._open_at(self._position)
                if chunk := self._piece.read(wanted):
                    return chunk
            except TransientError:
                if attempt == _PATIENCE - 1:
                    raise
            self._drop()
            self._sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        raise TransientError(
            f"the store ended {self._name} at byte {self._position} of {self._size_bytes}",
            hint="The store was asked several times; run again later.",
        )

    def _drop(self) -> None:
        if self._piece is not None:
            self._piece.close()
            self._piece = None
