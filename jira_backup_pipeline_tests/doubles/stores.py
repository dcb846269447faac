"""Stores that fail on a plan, and a process that dies at a store call.

`FaultyStore` raises planned errors before or after a call took effect, and fails the test when one never fired.
`CrashingStore` stands for `kill -9`: at its n-th call it raises `ProcessKilled`, and from then on does nothing any more.
Without a number it only counts the calls, so that a test can crash at each of them in turn.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO

from jira_backup_pipeline.store.staging import SpooledStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from jira_backup_pipeline.domain.errors import BackupPipelineError
    from jira_backup_pipeline.store.contract import Store, StoredObject

    T = TypeVar("T")


class ProcessKilled(BaseException):
    """The process is gone: not an `Exception`, so that no handler of the product can survive it."""


class Moment(Enum):
    """When a planned failure happens."""

    BEFORE = "the call has no effect"
    AFTER = "the call takes effect, its answer is lost"


class _WatchedStore:
    """Pass every call on through `_call`."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def _call(self, verb: str, key: str, run: Callable[[], T]) -> T:
        raise NotImplementedError

    @property
    def uri(self) -> str:
        return self._inner.uri

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        return self._call("put_new", key, lambda: self._inner.put_new(key, body, sha256=sha256))

    def stage(self) -> SpooledStage:
        return SpooledStage(self)

    def settle(self, keys: Iterable[str]) -> None:
        settled = list(keys)
        self._call("settle", " ".join(settled), lambda: self._inner.settle(settled))

    def get(self, key: str) -> bytes:
        return self._call("get", key, lambda: self._inner.get(key))

    def open(self, key: str) -> BinaryIO:
        return self._call("open", key, lambda: self._inner.open(key))

    def head(self, key: str) -> StoredObject:
        return self._call("head", key, lambda: self._inner.head(key))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[StoredObject]:
        return self._call("list", prefix, lambda: self._inner.list(prefix, start_after=start_after))

    def delete(self, key: str) -> None:
        self._call("delete", key, lambda: self._inner.delete(key))


@dataclass(frozen=True)
class PlannedError:
    """The error of the next call of `verb` (`put_new`, `get`…) whose key or prefix contains `match`."""

    verb: str
    error: BackupPipelineError
    match: str = ""
    moment: Moment = Moment.BEFORE


class FaultyStore(_WatchedStore):
    """A store whose planned errors each fire once."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self._plan: list[PlannedError] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def planned(self, *errors: PlannedError) -> Iterator[None]:
        """Plan errors; each must have fired when the block ends."""
        with self._lock:
            assert not self._plan, "plans do not nest"
            self._plan = list(errors)
        try:
            yield
        finally:
            with self._lock:
                unfired, self._plan = self._plan, []
        assert not unfired, f"planned errors never fired: {unfired}"

    def _call(self, verb: str, key: str, run: Callable[[], T]) -> T:
        with self._lock:
            due = next((item for item in self._plan if item.verb == verb and item.match in key), None)
            if due is not None:
                self._plan.remove(due)
        if due is None:
            return run()
        if due.moment is Moment.AFTER:
            run()
        raise due.error


class CrashingStore(_WatchedStore):
    """A store whose process dies at call number `crash_at` (from 1); `calls` says which calls there were."""

    def __init__(self, inner: Store, crash_at: int | None = None, *, moment: Moment = Moment.BEFORE) -> None:
        super().__init__(inner)
        self.calls: list[tuple[str, str]] = []
        self._crash_at = crash_at
        self._moment = moment
        self._lock = threading.Lock()

    @property
    def is_crashed(self) -> bool:
        """Tell whether the process died; a test that counts on it asserts it."""
        return self._crash_at is not None and len(self.calls) >= self._crash_at

    def _call(self, verb: str, key: str, run: Callable[[], T]) -> T:
        with self._lock:
            if self.is_crashed:
                raise ProcessKilled(f"{verb} {key} after the crash")
            self.calls.append((verb, key))
            is_last = self.is_crashed
        if is_last and self._moment is Moment.BEFORE:
            raise ProcessKilled(f"before {verb} {key}")
        result = run()
        if is_last:
            raise ProcessKilled(f"after {verb} {key}")
        return result
