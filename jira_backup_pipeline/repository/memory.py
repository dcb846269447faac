"""Memory that is free again goes back to the machine, so that a capture of hours stays as small as its first minutes.

What belongs here: the two requests to the C library that it does not guess by itself, the one to Arrow, and how often the
interpreter looks for cycles. Answers of megabytes come and go between millions of small objects; left alone, glibc takes
them from its heaps, which never shrink below their last living byte. Elsewhere than with glibc nothing is done: other
allocators give back by themselves.

What stays out: how much is held at a time (`tables`, `spooling`, and the windows of `jira.issues`).
"""

from __future__ import annotations

import ctypes
import gc
import platform
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

# From the header malloc.h of glibc.
_M_MMAP_THRESHOLD = -3
# Larger blocks get a mapping of their own, which is gone the moment they are. This is glibc's own starting value; setting
# it keeps glibc from raising it up to 32 MiB as soon as the first large block is freed.
_OWN_MAPPING_BYTES = 128 * 1024
# New containers between two searches for cycles while records are read. Decoded JSON has no cycles; with the interpreter's
# own setting, 700, a third of the time in which units are put together would go into looking for them.
_CONTAINERS_BETWEEN_SEARCHES = 50_000


@cache
def keep_large_blocks_apart() -> None:
    """Give every large block a mapping of its own, for the whole process and once."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES)


class _Search:
    """The interpreter's search for cycles, which all readings of this process share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readings = 0
        self._usual = gc.get_threshold()

    def begin(self) -> None:
        with self._lock:
            self._readings += 1
            if self._readings == 1:
                self._usual = gc.get_threshold()
                # What lives already, modules above all, outlives the reading: it need not be looked through again.
                gc.freeze()
                gc.set_threshold(_CONTAINERS_BETWEEN_SEARCHES, *self._usual[1:])

    def end(self) -> None:
        with self._lock:
            self._readings -= 1
            if self._readings == 0:
                gc.set_threshold(*self._usual)
                gc.unfreeze()


_SEARCH = _Search()


@contextmanager
def cycles_searched_rarely() -> Iterator[None]:
    """Let the interpreter look for cycles of objects less often while the block runs; for the whole process."""
    _SEARCH.begin()
    try:
        yield
    finally:
        _SEARCH.end()


def give_back_free_memory() -> None:
    """Return what is free to the machine; takes milliseconds."""
    pa.default_memory_pool().release_unused()
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
