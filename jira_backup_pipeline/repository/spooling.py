"""Bytes on their way, with bounded memory: spools, hashing readers and writers, checked downloads.

What belongs here: anything that moves bytes between a stream, a temporary file and the store, counting and hashing them.

What stays out: what the bytes mean, and encryption (`sealing`).
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from jira_backup_pipeline.domain.errors import AlreadyExists, NotFound, StoreError
from jira_backup_pipeline.repository.damage import damaged, lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.domain.manifest import ObjectRef
    from jira_backup_pipeline.store.contract import Store

# What stays in memory before a spool becomes an (unnamed) temporary file.
SPOOL_BYTES = 8 * 2**20
CHUNK_BYTES = 2**20
# A block holds a chunk, or what becomes of one when it is sealed: its header and tags fit in here.
_SURPLUS_BYTES = 2**14
# So much is read beyond a full block to learn whether it is the last one.
_AHEAD_BYTES = 2**14


def new_spool(memory_bytes: int = SPOOL_BYTES) -> BinaryIO:
    """Open a place for bytes that lives in memory up to `memory_bytes` and in an unnamed temporary file beyond."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=memory_bytes))


class Blocks:
    """Blocks of a little more than `CHUNK_BYTES` that are lent and used again; taken from several threads.

    The C library gives a block of this size back to the system when it is freed: a new one for every file would cost a
    page fault for every 4 KiB, which is more than what the digests cost.
    """

    def __init__(self) -> None:
        self._free: list[bytearray] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[memoryview]:
        """Lend a block; what is in it is another's until it is written."""
        with self._lock:
            block = self._free.pop() if self._free else bytearray(CHUNK_BYTES + _SURPLUS_BYTES)
        try:
            yield memoryview(block)
        finally:
            with self._lock:
                self._free.append(block)


def whole_blocks(source: BinaryIO, block: memoryview) -> Iterator[tuple[memoryview, bool]]:
    """Give a stream's bytes a full block at a time, each with whether it is the last; an empty stream is one empty block.

    Each is a view of `block`, which is filled again for the next.
    """
    filled = 0
    while True:
        if filled < len(block):
            piece = source.read(len(block) - filled)
        elif piece := source.read(min(_AHEAD_BYTES, len(block))):
            yield block, False
            filled = 0
        if not piece:
            yield block[:filled], True
            return
        block[filled : filled + len(piece)] = piece
        filled += len(piece)


class CountingReader(io.RawIOBase):
    """A stream seen through: every byte that is read is counted and shown to `watch`.

    The inner stream is read a block at a time, however small the pieces that are asked for: the encryption library asks for
    8 KiB at a time, and every digest of so little would cost a change of threads. An exception of the inner stream is kept
    in `failure`: the encryption library, which reads through us, would hide it.
    """

    def __init__(self, source: BinaryIO, watch: Callable[[memoryview], None], block: memoryview) -> None:
        """Prepare; `watch` may look at what it is given only until it returns, the block is filled again."""
        super().__init__()
        self._source = source
        self._watch = watch
        self._block = block
        self._position = self._end = 0
        self.size_bytes = 0
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        """Say that this is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Give the next bytes, as many as the buffer takes and the block still has."""
        if self._position == self._end:
            self._position, self._end = 0, self._fill()
        view = memoryview(cast("bytearray", buffer))
        count = min(len(view), self._end - self._position)
        view[:count] = self._block[self._position : self._position + count]
        self._position += count
        return count

    def _fill(self) -> int:
        filled = 0
        try:
            while filled < len(self._block) and (piece := self._source.read(len(self._block) - filled)):
                self._block[filled : filled + len(piece)] = piece
                filled += len(piece)
        except BaseException as failure:
            self.failure = failure
            raise
        self.size_bytes += filled
        self._watch(self._block[:filled])
        return filled


class Sink(Protocol):
    """Where bytes go."""

    def write(self, chunk: bytes, /) -> object:
        """Take the next bytes."""


class CountingWriter(io.RawIOBase):
    """A stream written through: every chunk is counted, shown to `watch` and passed on where there is a target."""

    def __init__(self, target: Sink | None, watch: Callable[[bytes], None]) -> None:
        super().__init__()
        self._target = target
        self._watch = watch
        self.size_bytes = 0
        self.failure: BaseException | None = None

    def writable(self) -> bool:
        """Say that this is for writing."""
        return True

    def tell(self) -> int:
        """Give the count of bytes written so far."""
        return self.size_bytes

    def write(self, chunk: object) -> int:
        """Write a chunk on."""
        data = bytes(cast("bytes", chunk))
        self.size_bytes += len(data)
        self._watch(data)
        if self._target is not None:
            try:
                self._target.write(data)
            except BaseException as failure:
                self.failure = failure
                raise
        return len(data)


@contextmanager
def own_failures(*streams: CountingReader | CountingWriter) -> Iterator[None]:
    """Raise what a stream itself failed with instead of what a library between made of it.

    A full disk is a `StoreError`; errors of a caller's stream pass unchanged.
    """
    try:
        yield
    except Exception as error:
        failure = next((stream.failure for stream in streams if stream.failure is not None), None)
        if failure is None:
            raise
        if isinstance(failure, OSError):
            raise _no_room(failure) from error
        raise failure from error


@contextmanager
def room_for_bytes() -> Iterator[None]:
    """Make a `StoreError` of what the operating system says while bytes are on their way; other errors pass unchanged."""
    try:
        yield
    except OSError as error:
        raise _no_room(error) from error


def _no_room(failure: OSError) -> StoreError:
    return StoreError(
        f"reading or writing temporary bytes failed: {failure}",
        hint="Check the free space of the temporary folder (TMPDIR) and the network.",
    )


def download(store: Store, ref: ObjectRef, target: BinaryIO | None) -> int:
    """Copy an object to `target`, proving its length and stored sha256 on the way; gives the bytes read.

    Raises:
        IntegrityError: the object is gone or not what `ref` says. What `target` got until then must not be used.
    """
    digest = hashlib.sha256()
    size_bytes = 0
    try:
        source = store.open(ref.key)
    except NotFound as error:
        raise lost(ref.key) from error
    with source:
        while chunk := source.read(CHUNK_BYTES):
            size_bytes += len(chunk)
            digest.update(chunk)
            if target is not None:
                target.write(chunk)
    if size_bytes != ref.size_bytes:
        raise damaged(ref.key, f"it has {size_bytes} bytes instead of {ref.size_bytes}")
    if digest.hexdigest() != ref.stored_sha256:
        raise damaged(ref.key, "its sha256 differs")
    return size_bytes


def put_once(store: Store, key: str, body: bytes | BinaryIO, *, sha256: bytes) -> None:
    """Create an object whose name nobody else uses; an object of that name with the same bytes is ours.

    A put whose answer got lost is repeated by the store and then meets its own object.
    """
    try:
        store.put_new(key, body, sha256=sha256)
    except AlreadyExists:
        digest = hashlib.sha256()
        with store.open(key) as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
        if digest.digest() != sha256:
            raise
