"""A file of a folder store on its way, before it has a name.

What belongs here: collecting an object's bytes, and writing them to a file that nobody can mistake for an object.

What stays out: names, folders and syncing (`local`), and stores that take an object whole (`staging`).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.store.contract import StoredObject
    from jira_backup_pipeline.store.local import LocalStore

_MEMORY_BYTES: Final = 1024 * 1024
# From here on a copy would cost more than a write of its own.
_LARGE_BYTES: Final = 128 * 1024
# POSIX promises that a system takes 16 buffers at once.
_MOST_BUFFERS: Final = 16
# How messages call an object whose name is not known yet.
_NAMELESS: Final = "a new object"


class LocalStage:
    """A file on its way: small ones stay in memory until they are named, larger ones grow in `.incoming`."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        self._file: tuple[int, str] | None = None

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the passing name; what was published stays."""
        self._waiting.clear()
        if self._file is None:
            return
        descriptor, temporary = self._file
        self._file = None
        with self._store.explained("write", _NAMELESS), contextlib.suppress(FileNotFoundError):
            os.close(descriptor)
            os.unlink(temporary)  # noqa: PTH108 -- once for every file of a backup, and a Path costs more than the call

    def write(self, chunk: bytes | memoryview) -> int:
        """Take the next bytes."""
        is_large = len(chunk) >= _LARGE_BYTES
        self._waiting.append(chunk if is_large else bytes(chunk))
        self._waiting_bytes += len(chunk)
        if is_large or self._waiting_bytes >= _MEMORY_BYTES:
            with self._store.explained("write", _NAMELESS):
                self.write_out()
        return len(chunk)

    def publish(self, key: str, *, sha256: bytes) -> StoredObject:  # noqa: ARG002 -- the caller hashed what was written here
        """Create the object; see the contract."""
        return self._store.publish(self, key)

    def write_out(self) -> tuple[int, str]:
        """Have all bytes in the file; gives its descriptor and path."""
        if self._file is None:
            self._file = self._store.open_incoming()
        _write_all(self._file[0], self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return self._file


def _write_all(descriptor: int, chunks: Sequence[bytes | memoryview]) -> None:
    rest = [memoryview(chunk) for chunk in chunks]
    while rest:
        written = os.writev(descriptor, rest[:_MOST_BUFFERS])
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if written:
            rest[0] = rest[0][written:]
