"""Sealed and signed JSON: manifests, receipts, keyring entries, run records, journals; and the two signed open ones.

What belongs here: the envelope (line 1 the format and the object's own key, line 2 the signature, then JSON), its
reading with every check, and the canonical text of the signed plain documents.

What stays out: what the documents say (`snapshots`, `packs`, `keyring`, `founding`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import NotFound
from jira_backup_pipeline.domain.manifest import ObjectRef
from jira_backup_pipeline.repository.damage import damaged, lost, newer
from jira_backup_pipeline.repository.sealing import Signer, check_signature, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jira_backup_pipeline.store.contract import Store

ENVELOPE_FORMAT = 1
_MAGIC = "jira-backup-pipeline"


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A document as it is stored: its reference and the sealed bytes, ready to be put."""

    ref: ObjectRef
    sealed: bytes


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """A document that passed every check: what it says and the reference of what was read."""

    ref: ObjectRef
    payload: dict[str, Any]


def seal_document(
    key: str, payload: Mapping[str, Any], *, recipients: Sequence[str], signer: Signer
) -> SealedDocument:
    """Sign a payload for one object key and seal it; nothing is stored yet."""
    first = f"{_MAGIC} {ENVELOPE_FORMAT} {key}\n".encode()
    # ASCII escapes keep lone surrogates, which Jira's texts may hold, out of the UTF-8.
    body = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    plain = first + signer.sign(first + body).encode("ascii") + b"\n" + body
    sealed = seal(plain, recipients)
    ref = ObjectRef(
        key=key,
        size_bytes=len(sealed),
        stored_sha256=hashlib.sha256(sealed).hexdigest(),
        plain_sha256=hashlib.sha256(plain).hexdigest(),
    )
    return SealedDocument(ref, sealed)


def fetch_document(store: Store, key: str, *, identities: Sequence[str], public: str) -> OpenedDocument:
    """Read a document that must be there, and prove seal, signature and name.

    Raises:
        IntegrityError: it is gone, damaged, signed by another key or stored under another name.
        UnsupportedFormat: a newer version wrote it.
        NoMatchingKey: it is sealed to others.
    """
    try:
        sealed = store.get(key)
    except NotFound as error:
        raise lost(key) from error
    return open_document(key, sealed, identities=identities, public=public)


def open_document(key: str, sealed: bytes, *, identities: Sequence[str], public: str) -> OpenedDocument:
    """Open sealed bytes that were read under `key`; see `fetch_document`."""
    plain = unseal(sealed, identities, key=key)
    first, _, rest = plain.partition(b"\n")
    signature, _, body = rest.partition(b"\n")
    _check_first_line(first, key)
    check_signature(first + b"\n" + body, signature.decode("ascii", "replace"), public=public, key=key)
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise damaged(key, "its content is not JSON") from error
    if not isinstance(payload, dict):
        raise damaged(key, "its content is not a JSON object")
    ref = ObjectRef(
        key=key,
        size_bytes=len(sealed),
        stored_sha256=hashlib.sha256(sealed).hexdigest(),
        plain_sha256=hashlib.sha256(plain).hexdigest(),
    )
    return OpenedDocument(ref, payload)


def _check_first_line(first: bytes, key: str) -> None:
    parts = first.decode("utf-8", "replace").split(" ")
    if len(parts) < 3 or parts[0] != _MAGIC or not parts[1].isdigit():  # noqa: PLR2004 - magic, format, key
        raise damaged(key, "it is not a document of this format")
    if int(parts[1]) > ENVELOPE_FORMAT:
        raise newer(key, parts[1], ENVELOPE_FORMAT)
    if parts[2:] != [key]:
        raise damaged(key, "it was written under another name")


def sign_plain(key: str, document: Mapping[str, Any], signer: Signer) -> bytes:
    """Give the text of a signed document that is not encrypted, in its one canonical form."""
    signature = signer.sign(_plain_message(key, document))
    return _canonical({**document, "signature": signature})


def open_plain(key: str, text: bytes, *, known_format: int, public: str | None = None) -> dict[str, Any]:
    """Read a signed plain document; without `public` the signer that the document itself names must have signed it.

    Raises:
        IntegrityError: it is not byte for byte what was signed.
        UnsupportedFormat: a newer version wrote it.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise damaged(key, "it is not JSON") from error
    if not isinstance(document, dict):
        raise damaged(key, "it is not a JSON object")
    found = document.get("format")
    if isinstance(found, int) and found > known_format:
        raise newer(key, found, known_format)
    signer = public if public is not None else document.get("signer")
    if _canonical(document) != text or not isinstance(signer, str):
        raise damaged(key, "it is not in the form in which it was written")
    signature = document.pop("signature", None)
    check_signature(_plain_message(key, document), str(signature), public=signer, key=key)
    return document


def _plain_message(key: str, document: Mapping[str, Any]) -> bytes:
    return f"{_MAGIC} {ENVELOPE_FORMAT} {key}\n".encode() + _canonical(document)


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=True).encode("ascii") + b"\n"
