"""Objects that are written before anybody knows their name: their bytes decide it.

What belongs here: the stage of stores that take an object whole, which keeps the bytes in memory and, beyond a few
megabytes, in an unnamed temporary file until the name is known.

What stays out: the promise (`contract.Staged`), and stores that can write under a passing name themselves (`local`).
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, Self, cast

if TYPE_CHECKING:
    from jira_backup_pipeline.store.contract import Store, StoredObject

_MEMORY_BYTES = 8 * 2**20


class SpooledStage:
    """Collects an object's bytes and hands them to the store's `put_new` when they are named."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES))  # noqa: SIM115 -- closed when the stage is left

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the bytes; what was published stays."""
        self._spool.close()

    def write(self, chunk: bytes | memoryview) -> int:
        """Take the next bytes."""
        return self._spool.write(chunk)

    def publish(self, key: str, *, sha256: bytes) -> StoredObject:
        """Create the object; see the contract."""
        return self._store.put_new(key, self._spool, sha256=sha256)
