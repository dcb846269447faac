"""Blobs: the bytes of attachments, sealed, named by a keyed digest of their content, once per content and scope.

What belongs here: storing a stream of unknown length, recognising content that is stored already, and opening a blob
only after all of it is proven.

What stays out: the attachment's metadata (`tables`) and the list of a pack's blobs (`packs`).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from jira_backup_pipeline.domain.errors import AlreadyExists, NotFound
from jira_backup_pipeline.domain.manifest import ObjectRef
from jira_backup_pipeline.domain.units import BlobRef
from jira_backup_pipeline.repository.age_writing import AgeWriter
from jira_backup_pipeline.repository.damage import damaged, lost
from jira_backup_pipeline.repository.layout import blob_key
from jira_backup_pipeline.repository.sealing import NoMatchingKey, unseal_stream
from jira_backup_pipeline.repository.spooling import (
    CHUNK_BYTES,
    Blocks,
    CountingReader,
    CountingWriter,
    new_spool,
    own_failures,
    room_for_bytes,
    whole_blocks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jira_backup_pipeline.repository.keyring import ScopeKeys
    from jira_backup_pipeline.store.contract import Store


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob with the reference of its object."""

    blob: BlobRef
    ref: ObjectRef


def _name(name_key: bytes, plain_sha256: bytes) -> str:
    # The keyed digest of a digest: as hard to guess and to collide as one of the content, which would be a pass of its own
    # over every byte, and one for each epoch where a blob is read.
    return hmac.digest(name_key, plain_sha256, "sha256").hex()


def _names_of_format_1(name_keys: Iterable[bytes], content: BinaryIO) -> set[str]:
    """Give the names that receipts of format 1 knew content by: the keyed digest of all of it; reads it from its start."""
    names = [hmac.new(key, digestmod=hashlib.sha256) for key in name_keys]
    content.seek(0)
    while chunk := content.read(CHUNK_BYTES):
        for name in names:
            name.update(chunk)
    return {name.hexdigest() for name in names}


def store_blob(store: Store, keys: ScopeKeys, stream: BinaryIO, blocks: Blocks) -> StoredBlob:
    """Seal and store the bytes of a stream, or recognise that they are stored; the stream is read to its end.

    Memory stays bounded: the bytes pass through two of the blocks, and the ciphertext is staged in the store. An exception of `stream` passes unchanged and nothing is stored.

    Raises:
        IntegrityError: the content is stored already, but what is stored is damaged.
    """
    content, stored = hashlib.sha256(), hashlib.sha256()
    plain_bytes = stored_bytes = 0
    with store.stage() as staged, blocks.lend() as plain, blocks.lend() as sealed:
        writer = AgeWriter(keys.current.blob_recipient)
        with room_for_bytes():
            for part, is_last in whole_blocks(stream, plain[:CHUNK_BYTES]):
                content.update(part)
                plain_bytes += len(part)
                done = sealed[: writer.seal(part, sealed, is_last=is_last)]
                stored.update(done)
                stored_bytes += len(done)
                staged.write(done)
        name = _name(keys.current.name_key, content.digest())
        blob = BlobRef(name, plain_bytes, content.hexdigest())
        key = blob_key(keys.scope, blob.name)
        ref = ObjectRef(key, stored_bytes, stored.hexdigest(), blob.plain_sha256)
        try:
            staged.publish(key, sha256=stored.digest())
        except AlreadyExists:
            try:
                found = inspect_blob(store, keys, blob.name)
            except NoMatchingKey as error:
                raise damaged(key, "no key of its scope opens it") from error
            if found.blob != blob:
                raise damaged(key, "it holds other content than its name says") from None
            return found
    return StoredBlob(blob, ref)


def inspect_blob(store: Store, keys: ScopeKeys, name: str) -> StoredBlob:
    """Read a stored blob to its end, prove it, and give what is known of it; errors as in `open_blob`."""
    with new_spool() as spool:
        return _fetch(store, keys, name, spool)


def open_blob(store: Store, keys: ScopeKeys, name: str) -> BinaryIO:
    """Open a blob for reading; all of it is decrypted and proven before the first byte is given.

    Raises:
        IntegrityError: it is gone, damaged, or not the content of its name.
        NoMatchingKey: none of these keys opens it.
    """
    spool = new_spool()
    try:
        _fetch(store, keys, name, spool)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool


def _fetch(store: Store, keys: ScopeKeys, name: str, spool: BinaryIO) -> StoredBlob:
    key = blob_key(keys.scope, name)
    content, stored = hashlib.sha256(), hashlib.sha256()
    try:
        opened = store.open(key)
    except NotFound as error:
        raise lost(key) from error
    with opened:
        source = CountingReader(opened, stored.update, memoryview(bytearray(CHUNK_BYTES)))
        target = CountingWriter(spool, content.update)
        with own_failures(source, target):
            unseal_stream(source, target, keys.identities, key=key)  # type: ignore[arg-type]
    name_keys = [epoch.name_key for epoch in keys.epochs]
    names = {_name(name_key, content.digest()) for name_key in name_keys}
    if name not in names and name not in _names_of_format_1(name_keys, spool):
        raise damaged(key, "it holds other content than its name says")
    blob = BlobRef(name, target.size_bytes, content.hexdigest())
    return StoredBlob(blob, ObjectRef(key, source.size_bytes, stored.hexdigest(), blob.plain_sha256))
