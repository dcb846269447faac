"""Attachment bytes are stored once per content and scope, and proven before a byte of them is used."""

from __future__ import annotations

import hashlib
import hmac
import io
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import IntegrityError, StoreError, TransientError
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline.repository.spooling import (
    SPOOL_BYTES,
    Blocks,
    CountingReader,
    CountingWriter,
    own_failures,
    room_for_bytes,
    whole_blocks,
)
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SCOPE,
    SmallRepository,
    blob_columns,
    issue_unit,
    record,
    unit,
)
from jira_backup_pipeline_tests.doubles.stores import CrashingStore


def _key(name: str) -> str:
    return f"blobs/{SCOPE}/{name[:2]}/{name}.age"


def _blob_keys(small: SmallRepository) -> list[str]:
    return [stored.key for stored in small.store.list("blobs/")]


@settings(max_examples=12)
@given(contents=st.lists(st.binary(max_size=300), max_size=4))
def test_bytes_come_back_and_equal_bytes_are_stored_once(contents: list[bytes]) -> None:
    small = SmallRepository()

    refs = [small.put_blob(content) for content in contents]

    repository = small.reopened()
    assert contents == [repository.open_blob(SCOPE, ref.name).read() for ref in refs] if refs else True
    assert len(set(contents)) == len(_blob_keys(small))
    assert [(len(content), hashlib.sha256(content).hexdigest()) for content in contents] == [
        (ref.size_bytes, ref.plain_sha256) for ref in refs
    ]


def test_a_blob_larger_than_memory_allows_passes_through_a_file() -> None:
    small = SmallRepository()
    content = bytes(range(256)) * (SPOOL_BYTES // 256 + 5)

    ref = small.put_blob(content)

    assert hashlib.sha256(content).hexdigest() == ref.plain_sha256
    with small.reopened().open_blob(SCOPE, ref.name) as opened:
        assert content == opened.read()


def test_names_are_keyed_so_that_scopes_and_repositories_do_not_share_them() -> None:
    small, other = SmallRepository(), SmallRepository()

    names = [small.put_blob(b"known"), small.put_blob(b"known", "project-2"), other.put_blob(b"known")]

    assert len({ref.name for ref in names}) == 3
    assert hashlib.sha256(b"known").hexdigest() not in {ref.name for ref in names}


def test_a_name_is_the_keyed_digest_of_the_contents_digest_and_in_older_packs_of_the_content() -> None:
    small = SmallRepository()
    content = b"content" * 100_000
    ref = small.put_blob(content)
    repository = small.reopened()
    name_key = repository._keyring.of(SCOPE).current.name_key
    older = hmac.digest(name_key, content, "sha256").hex()
    small.store.put_new(_key(older), small.store.get(_key(ref.name)))
    foreign = hmac.digest(name_key, b"other content", "sha256").hex()
    small.store.put_new(_key(foreign), small.store.get(_key(ref.name)))

    assert ref.name == hmac.digest(name_key, hashlib.sha256(content).digest(), "sha256").hex()
    for name in (ref.name, older):
        with repository.open_blob(SCOPE, name) as opened:
            assert opened.read() == content
    with pytest.raises(IntegrityError, match="other content than its name"):
        repository.open_blob(SCOPE, foreign)


def test_several_threads_may_store_the_same_bytes() -> None:
    small = SmallRepository()
    pack = small.repository.start_pack(SCOPE, run="run", watermark_ms=0)
    contents = [b"a" * 1000, b"b" * 1000] * 8

    with ThreadPoolExecutor(8) as threads:
        refs = list(threads.map(lambda content: pack.put_blob(io.BytesIO(content)), contents))

    assert 2 == len(set(refs)) == len(_blob_keys(small))


class _CutStream(io.RawIOBase):
    """A download that breaks off."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error
        self._chunks = [b"beginning"]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        del size
        if self._chunks:
            return self._chunks.pop()
        raise self._error


def test_a_download_that_breaks_off_stores_nothing_and_keeps_its_error() -> None:
    small = SmallRepository()
    pack = small.repository.start_pack(SCOPE, run="run", watermark_ms=0)
    cut = TransientError("the connection broke", hint="Try again.")

    with pytest.raises(TransientError) as raised:
        pack.put_blob(_CutStream(cut))  # type: ignore[arg-type]

    assert cut is raised.value
    assert _blob_keys(small) == []


def test_an_operating_system_error_of_a_stream_is_a_store_error() -> None:
    pack = SmallRepository().repository.start_pack(SCOPE, run="run", watermark_ms=0)

    with pytest.raises(StoreError, match="temporary bytes"):
        pack.put_blob(_CutStream(OSError(5, "Input/output error")))  # type: ignore[arg-type]


def test_the_names_of_a_packs_blobs_are_durable_before_its_receipt_names_them() -> None:
    small = SmallRepository()
    left_over = small.put_blob(b"stored by a run that died")
    watched = CrashingStore(small.store)
    repository = open_repository(watched, identity_text=small.identity_text, clock=small.clock)
    pack = repository.start_pack(SCOPE, run="run", watermark_ms=0)
    blobs = [pack.put_blob(io.BytesIO(b"new")), left_over]
    files = [
        record("attachment", str(number), {"filename": "a"}, issue_id="1", extra=blob_columns(blob))
        for number, blob in enumerate(blobs)
    ]
    pack.add(unit(*issue_unit("1").records, *files))

    pack.close()

    verbs = [verb for verb, _ in watched.calls]
    settled = watched.calls[verbs.index("settle")][1].split()
    receipt = next(
        place for place, (verb, key) in enumerate(watched.calls) if verb == "put_new" and "receipt" in key
    )
    assert verbs.index("settle") < receipt
    assert sorted(settled) == sorted(f"blobs/{SCOPE}/{blob.name[:2]}/{blob.name}.age" for blob in blobs)


@given(pieces=st.lists(st.binary(max_size=40), max_size=12), room=st.integers(1, 30))
def test_what_is_read_through_a_block_is_the_same_bytes_in_the_same_order(
    pieces: list[bytes], room: int
) -> None:
    content = b"".join(pieces)
    read_on, written_on, target = hashlib.sha256(), hashlib.sha256(), io.BytesIO()
    source = CountingReader(io.BytesIO(content), read_on.update, memoryview(bytearray(room)))
    writer = CountingWriter(target, written_on.update)

    while chunk := source.read(7):
        writer.write(chunk)

    assert target.getvalue() == content
    assert source.size_bytes == writer.size_bytes == len(content)
    assert read_on.digest() == written_on.digest() == hashlib.sha256(content).digest()


class _InPieces(io.RawIOBase):
    """Gives at most so many bytes at a time, as a connection does."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__()
        self._content = io.BytesIO(content)
        self._most = most

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, self._most) if size >= 0 else self._most)


@given(content=st.binary(max_size=100), room=st.integers(1, 30), most=st.integers(1, 40))
def test_blocks_of_a_stream_are_full_but_for_the_last(content: bytes, room: int, most: int) -> None:
    stream = cast("BinaryIO", _InPieces(content, most))
    parts = [(bytes(part), is_last) for part, is_last in whole_blocks(stream, memoryview(bytearray(room)))]

    assert b"".join(part for part, _ in parts) == content
    assert [is_last for _, is_last in parts] == [False] * (len(parts) - 1) + [True]
    assert all(len(part) == room for part, _ in parts[:-1])
    assert len(parts) == max(1, -(-len(content) // room))


def test_a_full_disk_on_the_way_is_a_store_error_and_any_other_error_is_itself() -> None:
    with pytest.raises(StoreError, match="No space left") as full, room_for_bytes():
        raise OSError(28, "No space left on device")
    with pytest.raises(ValueError, match="mine"), room_for_bytes():
        raise ValueError("mine")

    assert "TMPDIR" in full.value.hint


def test_blocks_are_lent_again_and_never_to_two_at_once() -> None:
    blocks = Blocks()

    with blocks.lend() as first, blocks.lend() as second:
        assert first.obj is not second.obj
        known = {id(first.obj), id(second.obj)}
    with blocks.lend() as third:
        assert id(third.obj) in known


def test_a_full_disk_below_a_writer_is_a_store_error() -> None:
    class _Full(io.BytesIO):
        def write(self, chunk: object) -> int:
            del chunk
            raise OSError(28, "No space left on device")

    writer = CountingWriter(_Full(), lambda _: None)
    with pytest.raises(StoreError, match="No space left"), own_failures(writer):
        writer.write(b"x")


def test_stored_bytes_that_are_damaged_are_noticed_when_the_same_content_comes_again() -> None:
    small = SmallRepository()
    ref = small.put_blob(b"content" * 100)
    key = f"blobs/{SCOPE}/{ref.name[:2]}/{ref.name}.age"
    body = small.store.get(key)
    small.store.delete(key)
    small.store.put_new(key, body[:-1] + bytes([body[-1] ^ 1]))

    with pytest.raises(IntegrityError, match="blobs/"):
        small.put_blob(b"content" * 100)


def test_an_absent_blob_is_an_integrity_error() -> None:
    small = SmallRepository()
    small.put_blob(b"x")

    with pytest.raises(IntegrityError, match="missing"):
        small.reopened().open_blob(SCOPE, "0" * 64)


class _ReadCounting(MemoryStore):
    """Counts the blobs that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.blob_reads = 0

    def open(self, key: str) -> io.BytesIO:  # type: ignore[override]
        self.blob_reads += key.startswith("blobs/")
        return io.BytesIO(self.get(key))


@pytest.mark.parametrize("is_known", [True, False])
def test_a_pack_lists_blobs_that_an_earlier_pack_stored(is_known: bool) -> None:
    store = _ReadCounting()
    small = SmallRepository(store)
    ref = small.put_blob(b"picture")
    attachment = record("attachment", "7", {}, issue_id="1", extra=blob_columns(ref))
    if is_known:
        small.snapshot([unit(*issue_unit("1").records, attachment)])
    small.repository = small.reopened()
    store.blob_reads = 0

    manifest = small.snapshot([unit(*issue_unit("1", summary="changed").records, attachment)])

    # What a receipt tells need not be read; where none does, the object itself is asked.
    assert (0 if is_known else 1) == store.blob_reads
    keys = [found.key for found, role in small.reopened().objects_of(manifest) if role == "blob"]
    assert _blob_keys(small) == keys
