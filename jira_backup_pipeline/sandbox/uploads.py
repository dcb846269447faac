"""The bytes of uploaded files: small ones in memory, large ones in one nameless file that ends with the process.

What belongs here: keeping and giving back. A whole project may be restored into a sandbox, and its files must not have to
fit into memory.

What stays out: made files, which are made anew each time they are read (``model``).
"""

from __future__ import annotations

import os
import tempfile
import threading
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.model import FileContent

if TYPE_CHECKING:
    from typing import IO

_SMALL_BYTES = 65_536


class Uploads:
    """Keeps what is uploaded to one site; safe for several threads."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0
        self._lock = threading.Lock()

    def keep(self, data: bytes) -> FileContent:
        """Keep bytes and give the content that reads them again."""
        if len(data) <= _SMALL_BYTES:
            return FileContent(len(data), data=data)
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="sandbox-")  # noqa: SIM115 - lives as long as the site
            number, offset = self._file.fileno(), self._end
            view = memoryview(data)
            while view:
                written = os.pwrite(number, view, self._end)
                self._end += written
                view = view[written:]
        return FileContent(len(data), kept=lambda: _read(number, offset, len(data)))


def _read(number: int, offset: int, size: int) -> bytes:
    parts = []
    while size and (part := os.pread(number, size, offset)):
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)
