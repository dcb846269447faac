"""What a store promises, and the in-memory store that is its reference.

What belongs here: the `Store` protocol with its guarantees, the rule for keys, and `MemoryStore`, to which every
other store is compared by one contract test suite.

What stays out: any knowledge of what the bytes mean, and any file or network access.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import methodcaller
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from jira_backup_pipeline.domain.errors import AlreadyExists, ConfigurationError, NotFound
from jira_backup_pipeline.store.staging import SpooledStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# One segment of a key: what every file system and every S3 implementation takes without quoting.
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,199}\Z")
_MAX_KEY_LENGTH = 512


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the store knows it; `modified_at` is the store's clock, aware."""

    key: str
    size_bytes: int
    modified_at: datetime


class Staged(Protocol):
    """An object whose bytes are written before its name is known. Use as a context manager: it may hold a temporary file."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, *_: object) -> None:
        """Forget the bytes; what was published stays."""

    def write(self, chunk: bytes | memoryview, /) -> int:
        """Take the next bytes, written or copied before this returns; gives how many."""

    def publish(self, key: str, *, sha256: bytes) -> StoredObject:
        """Create the object, once, with every promise of `put_new` but one: `Store.settle` makes its name durable.

        `sha256` is the digest that the caller counted while writing; a store that reads the bytes again proves it.

        Raises:
            AlreadyExists: an object of that key is there; it was not touched.
        """


class Store(Protocol):
    """Immutable objects under slash-separated keys.

    Promises: a `put_new` that returned is durable and at once readable and listed; of several writers of one key exactly
    one wins; an object is never seen half written. Errors are of `domain.errors` only, also those of an opened stream
    and of a listing under way: `NotFound`, `AlreadyExists`, `AccessDenied`, `TransientError` (worth a later try; the
    store already retried), `StoreError` (full, broken), `ConfigurationError` (a bad key or setting). After an error
    other than `AlreadyExists` a `put_new` may or may not have taken effect, but never half.

    No key is a folder of another (`a` beside `a/b`), and no two keys differ in case only: a folder cannot hold both on
    every file system, so no caller may count on it.
    """

    @property
    def uri(self) -> str:
        """Name the store for people; holds no secret."""

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        """Create an object from bytes or from a seekable binary file (read from its start, left open).

        `sha256` is the digest the caller knows; bytes that do not have it are refused before anything is visible.

        Raises:
            AlreadyExists: an object of that key is there; it was not touched.
        """

    def stage(self) -> Staged:
        """Begin an object whose key only its bytes will tell; nothing is visible before it is published."""

    def settle(self, keys: Iterable[str]) -> None:
        """Return when the objects of these keys survive a power cut, whichever writer published them.

        To be called before anything is stored that names a published object; of many objects at once it costs a folder
        one sync for all that lie in it. Objects of `put_new` do not need it.

        Raises:
            NotFound: in a store of folders, that of an object is gone.
        """

    def get(self, key: str) -> bytes:
        """Read a whole object; for small ones."""

    def open(self, key: str) -> BinaryIO:
        """Open an object as a seekable binary stream for reading; the caller closes it."""

    def head(self, key: str) -> StoredObject:
        """Describe an object without reading it."""

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[StoredObject]:
        """Give every object whose key starts with `prefix` and sorts after `start_after`, in ascending key order."""

    def delete(self, key: str) -> None:
        """Remove an object; only retention and purge call this.

        Raises:
            NotFound: there is no such object.
        """


def check_key(key: str) -> str:
    """Refuse keys that a file system or a bucket could understand in another way than we do."""
    segments = key.split("/")
    if len(key) > _MAX_KEY_LENGTH or not all(_SEGMENT.match(segment) for segment in segments):
        message = f"not a valid object key: {key[:80]!r}"
        raise ConfigurationError(
            message, hint="Keys are made by the repository; please report this as a defect."
        )
    return key


def is_key(text: str) -> bool:
    """Tell whether a name found in a store can be an object of ours."""
    try:
        check_key(text)
    except ConfigurationError:
        return False
    return True


class MemoryStore:
    """The reference store: what it does is what the contract means. Also used by fast tests."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._folders: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._clock = clock

    @property
    def uri(self) -> str:
        """Name the store."""
        return "memory:"

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        """Create an object; see the contract."""
        check_key(key)
        if isinstance(body, bytes):
            data = body
        else:
            body.seek(0)
            data = body.read()
        if sha256 is not None and hashlib.sha256(data).digest() != sha256:
            raise wrong_digest(key)
        with self._lock:
            if key in self._objects:
                raise occupied(key)
            if self._folders[key] or any(folder in self._objects for folder in folders_of(key)):
                raise nested(key)
            stored_at = self._clock()
            self._objects[key] = (data, stored_at)
            self._folders.update(folders_of(key))
        return StoredObject(key, len(data), stored_at)

    def stage(self) -> SpooledStage:
        """Begin an object without a name; see the contract."""
        return SpooledStage(self)

    def settle(self, keys: Iterable[str]) -> None:
        """Nothing to do: memory promises nothing beyond the process."""

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        return self._find(key)[0]

    def open(self, key: str) -> BinaryIO:
        """Open an object as a stream."""
        return io.BytesIO(self._find(key)[0])

    def head(self, key: str) -> StoredObject:
        """Describe an object."""
        data, stored_at = self._find(key)
        return StoredObject(key, len(data), stored_at)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[StoredObject]:
        """List objects in key order."""
        with self._lock:
            # Without a line of Python for each key that is not wanted: every document that is written lists some keys.
            keys = sorted(filter(methodcaller("startswith", prefix), self._objects))
            keys = keys[bisect_right(keys, start_after) :]
            found = [(key, *self._objects[key]) for key in keys]
        return iter([StoredObject(key, len(data), stored_at) for key, data, stored_at in found])

    def delete(self, key: str) -> None:
        """Remove an object."""
        check_key(key)
        with self._lock:
            if self._objects.pop(key, None) is None:
                raise missing(key)
            self._folders.subtract(folders_of(key))

    def _find(self, key: str) -> tuple[bytes, datetime]:
        check_key(key)
        with self._lock:
            found = self._objects.get(key)
        if found is None:
            raise missing(key)
        return found


def folders_of(key: str) -> tuple[str, ...]:
    """Name every folder above a key, the outermost first."""
    segments = key.split("/")
    return tuple("/".join(segments[:depth]) for depth in range(1, len(segments)))


def missing(key: str) -> NotFound:
    """Make the one error that every store raises for an absent object."""
    return NotFound(
        f"no such object in the store: {key}", hint="Run `jira-backup verify` to see what is missing."
    )


def occupied(key: str) -> AlreadyExists:
    """Make the one error that every store raises when a key is taken."""
    return AlreadyExists(
        f"object exists already: {key}", hint="Objects are never overwritten; use another name."
    )


def nested(key: str) -> ConfigurationError:
    """Make the error for a key that is a folder of another key, or lies below an object."""
    return ConfigurationError(
        f"object key is a folder of another key: {key}",
        hint="Keys are made by the repository; please report this as a defect.",
    )


def wrong_digest(key: str) -> ConfigurationError:
    """Make the error for a body that is not what its caller announced."""
    return ConfigurationError(
        f"bytes for {key} do not have the announced sha256",
        hint="This is a defect of the caller; please report it.",
    )
