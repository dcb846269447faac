"""What is written as an age file is one: another implementation of the format opens it, and notices any change in it."""

from __future__ import annotations

import base64

import pyrage  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.repository.age_writing import CHUNK_BYTES, TAG_BYTES, AgeWriter
from jira_backup_pipeline.repository.sealing import generate_identity

_ROOM = 2**18


def _written(recipient: str, *parts: bytes) -> bytes:
    writer, into = AgeWriter(recipient), memoryview(bytearray(_ROOM))
    ends = [False] * (len(parts) - 1) + [True]
    return b"".join(
        bytes(into[: writer.seal(memoryview(part), into, is_last=is_last)])
        for part, is_last in zip(parts, ends, strict=True)
    )


def _opened(sealed: bytes, secret: str) -> bytes:
    return bytes(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(secret)]))


@given(
    whole=st.lists(st.integers(1, 3), max_size=3),
    last=st.one_of(
        st.integers(0, 40), st.integers(CHUNK_BYTES - 2, CHUNK_BYTES + 2), st.just(2 * CHUNK_BYTES)
    ),
    letter=st.binary(min_size=7, max_size=7),
)
def test_pyrage_opens_what_is_written_in_parts(whole: list[int], last: int, letter: bytes) -> None:
    # The last part of a file is empty only where the file is: the reader of a stream never gives another.
    lengths = [chunks * CHUNK_BYTES for chunks in whole] + [max(last, 1) if whole else last]
    content = (letter * (sum(lengths) // 7 + 1))[: sum(lengths)]
    ends = [sum(lengths[: place + 1]) for place in range(len(lengths))]
    parts = [content[end - length : end] for length, end in zip(lengths, ends, strict=True)]
    secret, recipient = generate_identity()

    assert _opened(_written(recipient, *parts), secret) == content


def test_the_file_is_of_the_published_shape() -> None:
    secret, recipient = generate_identity()

    sealed = _written(recipient, b"x" * (CHUNK_BYTES + 1))

    version, stanza, wrapped, mac, payload = sealed.split(b"\n", 4)
    assert (version, stanza.split()[:2]) == (b"age-encryption.org/v1", [b"->", b"X25519"])
    assert [len(base64.b64decode(text + b"=")) for text in (stanza.split()[2], wrapped)] == [32, 32]
    assert mac.startswith(b"--- ")
    assert len(payload) == 16 + CHUNK_BYTES + 1 + 2 * TAG_BYTES
    assert _opened(sealed, secret)


def test_nothing_is_used_for_two_files() -> None:
    _, recipient = generate_identity()

    first, second = (_written(recipient, b"the same") for _ in range(2))

    assert not set(first.split(b"\n")[1:]) & set(second.split(b"\n")[1:])


def test_another_identity_does_not_open_it() -> None:
    _, recipient = generate_identity()
    other, _ = generate_identity()

    with pytest.raises(pyrage.DecryptError, match="No matching keys"):
        _opened(_written(recipient, b"secret"), other)


@given(place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_a_change_of_any_byte_is_noticed(place: int, flip: int) -> None:
    secret, recipient = generate_identity()
    sealed = bytearray(_written(recipient, b"0123456789" * 4))
    sealed[place % len(sealed)] ^= flip

    with pytest.raises(pyrage.DecryptError):
        _opened(bytes(sealed), secret)


@pytest.mark.parametrize("kept", [1, 2])
def test_an_end_at_a_chunk_is_noticed(kept: int) -> None:
    secret, recipient = generate_identity()
    sealed = _written(recipient, b"x" * (3 * CHUNK_BYTES))
    beyond = (3 - kept) * (CHUNK_BYTES + TAG_BYTES)

    with pytest.raises(pyrage.DecryptError):
        _opened(sealed[:-beyond], secret)
