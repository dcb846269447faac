"""Memory that is free again goes back to the machine, so that a capture of hours stays as small as its first minutes.

What belongs here: the two requests to the C library that it does not guess by itself, and the one to Arrow. Answers of
megabytes come and go between millions of small objects; left alone, glibc takes them from its heaps, which never shrink
below their last living byte. Elsewhere than with glibc nothing is done: other allocators give back by themselves.

What stays out: how much is held at a time (`tables`, `spooling`, and the windows of `jira.issues`).
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

import pyarrow as pa

# From the header malloc.h of glibc.
_M_MMAP_THRESHOLD = -3
# Larger blocks get a mapping of their own, which is gone the moment they are. This is glibc's own starting value; setting
# it keeps glibc from raising it up to 32 MiB as soon as the first large block is freed.
_OWN_MAPPING_BYTES = 128 * 1024


@cache
def keep_large_blocks_apart() -> None:
    """Give every large block a mapping of its own, for the whole process and once."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES)


def give_back_free_memory() -> None:
    """Return what is free to the machine; takes milliseconds."""
    pa.default_memory_pool().release_unused()
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
