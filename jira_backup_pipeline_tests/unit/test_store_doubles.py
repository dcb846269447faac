"""The misbehaving stand-ins do what their plans say, and a plan that did not happen fails its test."""

from __future__ import annotations

import pytest

from jira_backup_pipeline.domain.errors import NotFound, TransientError
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.stores import (
    CrashingStore,
    FaultyStore,
    Moment,
    PlannedError,
    ProcessKilled,
)

LATER = TransientError("the store is busy", hint="Run again later.")


def test_a_planned_error_fires_once_and_before_the_effect() -> None:
    store = FaultyStore(MemoryStore())

    with store.planned(PlannedError("put_new", LATER, match="manifest")):
        store.put_new("other", b"x")
        with pytest.raises(TransientError):
            store.put_new("manifest", b"x")
        with pytest.raises(NotFound):
            store.get("manifest")
        store.put_new("manifest", b"x")


def test_a_lost_answer_fires_after_the_effect() -> None:
    store = FaultyStore(MemoryStore())

    with store.planned(PlannedError("put_new", LATER, moment=Moment.AFTER)), pytest.raises(TransientError):
        store.put_new("k", b"x")

    assert store.get("k") == b"x"


def test_a_planned_error_that_never_fired_fails_the_test() -> None:
    store = FaultyStore(MemoryStore())

    with pytest.raises(AssertionError, match="never fired"), store.planned(PlannedError("get", LATER)):
        store.put_new("k", b"x")


def test_a_store_without_a_crash_counts_its_calls() -> None:
    store = CrashingStore(MemoryStore())
    store.put_new("k", b"x")
    store.get("k")

    assert store.calls == [("put_new", "k"), ("get", "k")]
    assert not store.is_crashed


@pytest.mark.parametrize(("moment", "stored"), [(Moment.BEFORE, []), (Moment.AFTER, ["second"])])
def test_a_crashed_process_does_nothing_any_more(moment: Moment, stored: list[str]) -> None:
    inner = MemoryStore()
    store = CrashingStore(inner, 2, moment=moment)
    store.put_new("first", b"x")

    for _ in range(2):
        with pytest.raises(ProcessKilled):
            store.put_new("second", b"x")
    with pytest.raises(ProcessKilled):
        store.get("first")

    assert store.is_crashed
    assert ["first", *stored] == [found.key for found in inner.list("")]


def test_no_handler_of_exceptions_survives_a_crash() -> None:
    assert not issubclass(ProcessKilled, Exception)
