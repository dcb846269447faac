"""age and Ed25519: the door to encryption of documents, to whatever is sealed, and to signatures.

What belongs here: identities and recipients, sealing of bytes, unsealing of bytes and streams, signing and checking, and the
mapping of pyrage's and cryptography's errors.

What stays out: sealing of streams (`age_writing`), which key belongs to what (`keyring`), the shape of what is sealed
(`documents`, `blobs`), and the encryption inside Parquet files (`tables`).
"""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING, BinaryIO

import pyrage  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jira_backup_pipeline.domain.errors import AccessDenied, ConfigurationError
from jira_backup_pipeline.repository.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNER_PREFIX = "ed25519:"
_SIGNATURE_BYTES = 64
# Small enough that the C library serves it from its heap instead of mapping it anew for every stream.
_BUFFER_BYTES = 112 * 1024
# pyrage gives one exception type for everything; only this text tells a foreign key from damage.
_NO_KEY_TEXT = "No matching keys"


class NoMatchingKey(AccessDenied):
    """None of the identities at hand opens the sealed object."""


def generate_identity() -> tuple[str, str]:
    """Make a new age identity: its secret line and its public recipient."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def recipient_of(identity: str) -> str:
    """Give the public recipient of an age identity's secret line.

    Raises:
        ConfigurationError: the text is no age identity (its text is never repeated).
    """
    return str(_identity(identity).to_public())


def check_recipient(recipient: str) -> str:
    """Refuse what is not an age X25519 recipient."""
    _recipient(recipient)
    return recipient


def _identity(secret: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(secret)
    except pyrage.IdentityError:
        message = "not a valid age identity"
        raise ConfigurationError(
            message,
            hint="An identity is a line that starts with AGE-SECRET-KEY-1; check that the file was copied whole.",
        ) from None


def _recipient(recipient: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        message = f"not a valid age recipient: {recipient[:80]!r}"
        raise ConfigurationError(
            message, hint="A recipient is the public half of an identity and starts with age1."
        ) from None


def seal(plain: bytes, recipients: Sequence[str]) -> bytes:
    """Encrypt bytes to all recipients; any one of them can open the result."""
    return bytes(pyrage.encrypt(plain, [_recipient(recipient) for recipient in recipients]))


def unseal(sealed: bytes, identities: Sequence[str], *, key: str) -> bytes:
    """Decrypt bytes; `key` names the object in errors.

    Raises:
        NoMatchingKey: it was sealed to others.
        IntegrityError: it is damaged.
    """
    try:
        return bytes(pyrage.decrypt(sealed, [_identity(identity) for identity in identities]))
    except pyrage.DecryptError as error:
        raise _explained(error, key) from error


def unseal_stream(source: io.RawIOBase, target: BinaryIO, identities: Sequence[str], *, key: str) -> None:
    """Decrypt a raw stream with bounded memory and close it; on an error nothing that `target` got may be used.

    Raises:
        NoMatchingKey: it was sealed to others.
        IntegrityError: it is damaged or cut.
    """
    try:
        # The library asks for 8 KiB at a time: a buffer in C answers most of these calls without the interpreter.
        with io.BufferedReader(source, _BUFFER_BYTES) as buffered:
            pyrage.decrypt_io(buffered, target, [_identity(identity) for identity in identities])
    except (pyrage.DecryptError, OSError) as error:
        raise _explained(error, key) from error


def _explained(error: Exception, key: str) -> Exception:
    if _NO_KEY_TEXT in str(error):
        return NoMatchingKey(
            f"no identity at hand opens {key}",
            hint="Name the identity file of a present recipient in BACKUP_IDENTITY_FILE.",
        )
    return damaged(key, f"it cannot be decrypted ({error})")


class Signer:
    """The private half of a repository's Ed25519 key; its text form never shows the key."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed

    @classmethod
    def generate(cls) -> Signer:
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> str:
        """Give the public half as `ed25519:` and base64."""
        return _SIGNER_PREFIX + base64.b64encode(self._private.public_key().public_bytes_raw()).decode(
            "ascii"
        )

    @property
    def seed(self) -> bytes:
        """Give the private half; only the keyring asks for it."""
        return self._seed

    def sign(self, message: bytes) -> str:
        """Sign bytes; gives base64."""
        return base64.b64encode(self._private.sign(message)).decode("ascii")


def check_signature(message: bytes, signature: str, *, public: str, key: str) -> None:
    """Prove that the holder of the key `public` signed the message; `key` names the object in errors.

    Raises:
        IntegrityError: the signature is missing, garbled or another key's.
    """
    try:
        decoded = base64.b64decode(signature.encode("ascii"), validate=True)
        if base64.b64encode(decoded).decode("ascii") != signature or len(decoded) != _SIGNATURE_BYTES:
            raise damaged(key, "its signature is garbled")
        raw = base64.b64decode(public.removeprefix(_SIGNER_PREFIX), validate=True)
        Ed25519PublicKey.from_public_bytes(raw).verify(decoded, message)
    except (InvalidSignature, UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise damaged(key, "it is not signed by this repository's key") from error
