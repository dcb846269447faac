"""Writes age files for one recipient, from block to block and without the interpreter's lock.

What belongs here: the writing half of the age format, version 1 (https://c2sp.org/age): a header with one X25519 stanza, then
the payload in chunks of 64 KiB, each with its tag. Every primitive is one of `cryptography`.

What stays out: reading, and sealing to several recipients. Both are pyrage's (`sealing`), which thereby proves with every pack
that is read back what is written here.
"""

from __future__ import annotations

import base64
import os
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
_VERSION: Final = b"age-encryption.org/v1"
_FILE_KEY_BYTES: Final = 16
_PAYLOAD_NONCE_BYTES: Final = 16
_KEY_BYTES: Final = 32
_COUNTER_BYTES: Final = 11
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_CHECKSUM: Final = 6


class AgeWriter:
    """One age file on its way: takes the plaintext in parts and gives the bytes of the file for each."""

    def __init__(self, recipient: str) -> None:
        """Begin a file for a recipient that `sealing.check_recipient` took: a key of its own, used for nothing else."""
        file_key = os.urandom(_FILE_KEY_BYTES)
        nonce = os.urandom(_PAYLOAD_NONCE_BYTES)
        self._head = _header(_public_key(recipient), file_key) + nonce
        self._cipher = ChaCha20Poly1305(_derived(file_key, salt=nonce, info=b"payload"))
        self._chunks = 0

    def seal(self, plain: memoryview, into: memoryview, *, is_last: bool) -> int:
        """Encrypt the next part; every part but the last holds whole chunks, and only an empty file's last part is empty.

        Returns:
            How many bytes of `into` are the file's next ones; the first part has the header before it.
        """
        head, self._head = self._head, b""
        into[: len(head)] = head
        end = len(head)
        for start in range(0, max(len(plain), 1), CHUNK_BYTES):
            chunk = plain[start : start + CHUNK_BYTES]
            ends_file = is_last and start + CHUNK_BYTES >= len(plain)
            nonce = self._chunks.to_bytes(_COUNTER_BYTES, "big") + bytes([ends_file])
            sealed = into[end : end + len(chunk) + TAG_BYTES]
            end += self._cipher.encrypt_into(nonce, chunk, None, sealed)
            self._chunks += 1
        return end


def _header(recipient: X25519PublicKey, file_key: bytes) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    wrapping = _derived(
        ephemeral.exchange(recipient),
        salt=share + recipient.public_bytes_raw(),
        info=_VERSION + b"/X25519",
    )
    # The wrapping key is used once, which is why the format has no nonce here.
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    stanza = b"\n".join([_VERSION, b"-> X25519 " + _base64(share), _base64(wrapped), b"---"])
    mac = HMAC(_derived(file_key, salt=b"", info=b"header"), SHA256())
    mac.update(stanza)
    return stanza + b" " + _base64(mac.finalize()) + b"\n"


def _derived(key: bytes, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt, info).derive(key)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _public_key(recipient: str) -> X25519PublicKey:
    """Give the key of a recipient: Bech32 after "age1", five bits a letter, whose checksum was looked at before."""
    letters = recipient[len("age1") : -_BECH32_CHECKSUM]
    bits = 0
    for letter in letters:
        bits = bits << 5 | _BECH32.index(letter)
    surplus = 5 * len(letters) - 8 * _KEY_BYTES
    return X25519PublicKey.from_public_bytes((bits >> surplus).to_bytes(_KEY_BYTES, "big"))
