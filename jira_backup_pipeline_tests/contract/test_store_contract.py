"""Every store keeps the same promises: the in-memory reference, a folder, a bucket, and the doubles of other tests."""

from __future__ import annotations

import hashlib
import io
import os
import random
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest

from jira_backup_pipeline.domain.errors import AlreadyExists, ConfigurationError, NotFound
from jira_backup_pipeline.store.probe import probe_create_only

if TYPE_CHECKING:
    from jira_backup_pipeline.store.contract import Store

KEY = "packs/10001/p1/issue-000.parquet"
KEYS = (
    "a/b-c",
    "a/b/c",
    "a/b/d",
    "a/b0",
    "a/b=1/x.age",
    "a.b",
    "aa",
    "repository.json",
    "Z/1",
    "snapshots/10001/1.age",
    "snapshots/10001/10.age",
    "snapshots/10001/2.age",
    "snapshots/100010/1.age",
)


MISLEADING_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "../x",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    ".incoming/x",
    "a/.hidden",
    "a b",
    "a\\b",
    "a\0b",
    "ä",
    "a\n",
    "x" * 201,
    "/".join(["x" * 100] * 6),
)


def keys_of(store: Store, prefix: str, *, start_after: str = "") -> list[str]:
    return [found.key for found in store.list(prefix, start_after=start_after)]


def test_what_was_put_is_at_once_readable_described_and_listed(store: Store) -> None:
    created = store.put_new(KEY, b"some bytes")

    assert store.get(KEY) == b"some bytes"
    assert (created.key, created.size_bytes) == (KEY, 10)
    described = store.head(KEY)
    assert (described.key, described.size_bytes) == (KEY, 10)
    assert [described] == list(store.list("packs/"))


def test_times_are_aware_and_of_now(store: Store) -> None:
    created = store.put_new(KEY, b"")

    for moment in (created.modified_at, store.head(KEY).modified_at):
        assert moment.utcoffset() == timedelta(0)
        assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_taken_key_is_refused_and_keeps_its_object(store: Store) -> None:
    store.put_new(KEY, b"first")

    with pytest.raises(AlreadyExists, match="exists already"):
        store.put_new(KEY, b"second")
    with pytest.raises(AlreadyExists):
        store.put_new(KEY, b"first")

    assert store.get(KEY) == b"first"


def test_of_racing_writers_exactly_one_wins(store: Store) -> None:
    start = threading.Barrier(6)

    def write(number: int) -> int | None:
        start.wait(20)
        try:
            store.put_new(KEY, b"writer %d" % number)
        except AlreadyExists:
            return None
        return number

    with ThreadPoolExecutor(6) as pool:
        winners = [number for number in pool.map(write, range(6)) if number is not None]

    assert len(winners) == 1
    assert b"writer %d" % winners[0] == store.get(KEY)


def test_the_probe_of_create_only_writes_trusts_every_store(store: Store) -> None:
    outcome = probe_create_only(store, rounds=1)

    assert outcome.leftover_keys == ()
    assert keys_of(store, "") == []


@pytest.mark.parametrize("verb", ["get", "open", "head", "delete"])
def test_an_absent_object_is_not_found(store: Store, verb: str) -> None:
    store.put_new("packs/10001/p1/other", b"x")

    for absent in (KEY, "packs", "packs/10001/p1", "nowhere/at/all", "packs/10001/p1/other/below"):
        with pytest.raises(NotFound, match=f"no such object in the store: {absent}"):
            getattr(store, verb)(absent)


@pytest.mark.parametrize("verb", ["put_new", "get", "open", "head", "delete"])
def test_a_key_that_could_be_misunderstood_is_refused(store: Store, verb: str) -> None:
    for key in MISLEADING_KEYS:
        arguments = (key, b"x") if verb == "put_new" else (key,)
        with pytest.raises(ConfigurationError, match="not a valid object key"):
            getattr(store, verb)(*arguments)


def test_an_empty_object_is_an_object(store: Store) -> None:
    assert store.put_new(KEY, b"").size_bytes == 0

    assert store.get(KEY) == b""
    with store.open(KEY) as stream:
        assert stream.read() == b""
    assert keys_of(store, "") == [KEY]
    with pytest.raises(AlreadyExists):
        store.put_new(KEY, b"")


@pytest.mark.parametrize("size_bytes", [0, 1, 99_999, 100_000, 100_001, 11_000_000])
def test_bodies_of_any_size_come_back_from_bytes_and_from_files(store: Store, size_bytes: int) -> None:
    body = random.Random(size_bytes).randbytes(size_bytes)

    store.put_new("from/bytes", body)
    with tempfile.SpooledTemporaryFile(max_size=1_000_000) as spooled:
        spooled.write(body)
        created = store.put_new(
            "from/file", cast("BinaryIO", spooled)
        )  # read from its start, wherever it stands
        assert not spooled.closed

    assert size_bytes == created.size_bytes == store.head("from/bytes").size_bytes
    digest = hashlib.sha256(body).hexdigest()
    for key in ("from/bytes", "from/file"):
        assert digest == hashlib.sha256(store.get(key)).hexdigest()


def test_a_large_body_is_create_only_too(store: Store) -> None:
    store.put_new(KEY, b"small and first")

    with pytest.raises(AlreadyExists):
        store.put_new(KEY, bytes(200_000))

    assert store.get(KEY) == b"small and first"


@pytest.mark.parametrize("size_bytes", [10, 200_000])
def test_a_body_that_is_not_what_was_announced_is_never_stored(store: Store, size_bytes: int) -> None:
    body = bytes(size_bytes)
    with pytest.raises(ConfigurationError, match="announced sha256"):
        store.put_new(KEY, body, sha256=hashlib.sha256(b"another body").digest())

    assert keys_of(store, "") == []
    store.put_new(KEY, body, sha256=hashlib.sha256(body).digest())
    assert body == store.get(KEY)


def test_a_stream_reads_in_pieces_seeks_and_ends(store: Store) -> None:
    body = random.Random(3).randbytes(3_000_000)
    store.put_new(KEY, body)

    with store.open(KEY) as stream:
        assert stream.readable()
        assert stream.seekable()
        assert body[:10] == stream.read(10)
        assert stream.seek(-10, os.SEEK_END) == 2_999_990
        assert body[-10:] == stream.read()
        assert stream.read(1) == b""
        assert stream.seek(1_500_000) == 1_500_000
        assert body[1_500_000:] == stream.read()
        assert stream.seek(5_000_000) == 5_000_000
        assert stream.read() == b""
        stream.seek(0)
        assert body == b"".join(iter(lambda: stream.read(777_777), b""))


def test_many_threads_read_and_write_at_once(store: Store) -> None:
    def round_trip(number: int) -> bool:
        body = random.Random(number).randbytes(number * 100)
        store.put_new(f"t/{number}", io.BytesIO(body))
        return store.get(f"t/{number}") == body

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(40)))

    assert sorted(f"t/{number}" for number in range(40)) == keys_of(store, "t/")


def test_a_listing_is_complete_and_in_key_order(store: Store) -> None:
    for key in random.Random(1).sample(KEYS, len(KEYS)):
        store.put_new(key, key.encode())

    assert sorted(KEYS) == keys_of(store, "")
    for prefix in (
        "a",
        "a/",
        "a/b",
        "a/b/",
        "snapshots/10001/",
        "snapshots/10001",
        "snapshots/10001/1",
        "zz",
        "../",
        "/",
        "a//",
        KEYS[0],
    ):
        assert sorted(key for key in KEYS if key.startswith(prefix)) == keys_of(store, prefix), prefix
    assert {key: len(key) for key in KEYS} == {found.key: found.size_bytes for found in store.list("")}


def test_a_listing_goes_on_after_any_key_present_or_not(store: Store) -> None:
    for key in KEYS:
        store.put_new(key, b"")

    for prefix in ("", "a/", "snapshots/10001/"):
        for after in (*KEYS, "a", "a/", "a/b", "a/b/", "snapshots", "snapshots/10001/1", "0", "zzz"):
            expected = sorted(key for key in KEYS if key.startswith(prefix) and key > after)
            assert expected == keys_of(store, prefix, start_after=after), (prefix, after)


def test_an_empty_store_lists_nothing(store: Store) -> None:
    assert keys_of(store, "") == []
    assert keys_of(store, "packs/") == []


def test_a_deleted_object_is_gone_and_its_key_is_free(store: Store) -> None:
    store.put_new(KEY, b"first")
    store.put_new("packs/10001/p2/x", b"stays")

    store.delete(KEY)

    assert keys_of(store, "") == ["packs/10001/p2/x"]
    with pytest.raises(NotFound):
        store.get(KEY)
    with pytest.raises(NotFound):
        store.delete(KEY)
    store.put_new(KEY, b"second")
    assert store.get(KEY) == b"second"


def test_the_address_of_a_store_is_shown_without_secrets(store: Store) -> None:
    assert store.uri.startswith(("memory:", "file:///", "s3://"))
    assert "@" not in store.uri


@pytest.mark.parametrize("size_bytes", [0, 10, 9 * 2**20], ids=["empty", "small", "large"])
def test_a_staged_object_appears_whole_under_the_name_it_gets_last(store: Store, size_bytes: int) -> None:
    content = random.Random(size_bytes).randbytes(size_bytes)
    with store.stage() as staged:
        for start in range(0, size_bytes, 300_000):
            staged.write(content[start : start + 300_000])
        assert keys_of(store, "") == []

        created = staged.publish(KEY, sha256=hashlib.sha256(content).digest())

    assert (created.key, created.size_bytes) == (KEY, size_bytes)
    assert store.get(KEY) == content
    assert keys_of(store, "") == [KEY]


def test_a_stage_keeps_nothing_of_a_block_that_is_used_again(store: Store) -> None:
    block = bytearray(200_000)
    with store.stage() as staged:
        for number, size in enumerate((10, 200_000, 70_000)):
            block[:] = bytes([number]) * len(block)
            staged.write(memoryview(block)[:size])
        content = bytes(10) + b"\1" * 200_000 + b"\2" * 70_000
        staged.publish(KEY, sha256=hashlib.sha256(content).digest())

    assert store.get(KEY) == content


def test_published_objects_are_settled_together_whoever_published_them(store: Store) -> None:
    for name in ("a/b/c", "a/b/d", "a/e"):
        with store.stage() as staged:
            staged.write(b"x")
            staged.publish(name, sha256=hashlib.sha256(b"x").digest())
    store.put_new("top", b"")

    store.settle(["a/b/c", "a/b/d", "a/e", "top"])
    store.settle([])

    assert keys_of(store, "") == ["a/b/c", "a/b/d", "a/e", "top"]


def test_a_staged_object_that_gets_no_name_was_never_there(store: Store) -> None:
    with store.stage() as staged:
        staged.write(bytes(3 * 2**20))

    assert keys_of(store, "") == []


def test_a_staged_object_does_not_take_the_place_of_another(store: Store) -> None:
    store.put_new(KEY, b"the first")

    with store.stage() as staged:
        staged.write(b"the second")
        with pytest.raises(AlreadyExists):
            staged.publish(KEY, sha256=hashlib.sha256(b"the second").digest())

    assert store.get(KEY) == b"the first"
