"""The probe refuses every store on which two writers could both believe they made an object."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, BinaryIO

import pytest

from jira_backup_pipeline.domain.errors import AccessDenied, AlreadyExists, ExitCode, Refused
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline.store.probe import probe_create_only
from jira_backup_pipeline_tests.doubles.stores import FaultyStore, PlannedError

if TYPE_CHECKING:
    from jira_backup_pipeline.store.contract import StoredObject


class Overwriting(MemoryStore):
    """A server that ignores the create-only condition."""

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        with self._lock:
            self._objects.pop(key, None)
        return super().put_new(key, body, sha256=sha256)


class LookingFirst(MemoryStore):
    """A server that looks and then writes: right for one writer after another, wrong for several at once."""

    def __init__(self) -> None:
        super().__init__()
        self._everyone_looked = threading.Barrier(8)

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        is_taken = key in self._objects
        self._everyone_looked.wait(20)
        if is_taken:
            raise AlreadyExists(f"object exists already: {key}", hint="Use another name.")
        with self._lock:
            self._objects.pop(key, None)
            self._folders.clear()
        try:
            return super().put_new(key, body, sha256=sha256)
        except AlreadyExists:
            return self.head(key)


class RefusingEveryone(MemoryStore):
    """A server that tells every writer that it lost."""

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        del body, sha256  # whatever it is, it is refused
        raise AlreadyExists(f"object exists already: {key}", hint="Use another name.")


class LastOneStays(MemoryStore):
    """A server that answers one winner and keeps the body of a loser."""

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        try:
            return super().put_new(key, body, sha256=sha256)
        except AlreadyExists:
            assert isinstance(body, bytes)
            self._objects[key] = (body, self._objects[key][1])
            raise


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Overwriting, "8 of 8 simultaneous writers"),
        (LookingFirst, "8 of 8 simultaneous writers"),
        (RefusingEveryone, "0 of 8 simultaneous writers"),
        (LastOneStays, "a writer that lost replaced the object"),
    ],
)
def test_a_store_that_breaks_the_promise_is_refused_with_the_reason(
    broken: type[MemoryStore], reason: str
) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        probe_create_only(broken())

    assert caught.value.exit_code is ExitCode.REFUSED
    assert "HINT: " in str(caught.value)


def test_a_store_that_keeps_the_promise_is_left_clean() -> None:
    store = MemoryStore()

    outcome = probe_create_only(store, rounds=2)

    assert (outcome.rounds, outcome.leftover_keys) == (2, ())
    assert list(store.list("")) == []


def test_probe_objects_stay_where_deleting_is_not_allowed() -> None:
    store = FaultyStore(MemoryStore())
    denied = PlannedError("delete", AccessDenied("may not delete", hint="Nothing to do."), match="probes/")

    with store.planned(denied):
        outcome = probe_create_only(store, rounds=2)

    assert list(outcome.leftover_keys) == [found.key for found in store.list("probes/")]
    assert len(outcome.leftover_keys) == 1


def test_a_writer_that_may_not_write_is_told_so() -> None:
    store = FaultyStore(MemoryStore())
    denied = PlannedError("put_new", AccessDenied("may not write", hint="Allow it."))

    with store.planned(denied), pytest.raises(AccessDenied, match="may not write"):
        probe_create_only(store)
