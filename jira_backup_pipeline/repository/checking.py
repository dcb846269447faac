"""Proof of stored objects, one by one, at three depths.

What belongs here: the roles of objects, the levels of proof, and the proof of one object at a level.

What stays out: which objects a snapshot rests on (`repository.objects_of`), the order of a whole verification and its
report (`engine.verify`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import NotFound
from jira_backup_pipeline.repository.blobs import inspect_blob
from jira_backup_pipeline.repository.damage import damaged, lost
from jira_backup_pipeline.repository.index import load_units
from jira_backup_pipeline.repository.layout import (
    parse_blob,
    parse_index,
    parse_keyring,
    parse_receipt,
    parse_snapshot,
    parse_table,
)
from jira_backup_pipeline.repository.spooling import download, new_spool
from jira_backup_pipeline.repository.tables.files import check_footer, check_rows
from jira_backup_pipeline.repository.tables.schema import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.domain.manifest import ObjectRef
    from jira_backup_pipeline.repository.keyring import Keyring
    from jira_backup_pipeline.store.contract import Store


class Role(StrEnum):
    """What an object is to a snapshot."""

    MANIFEST = "manifest"
    INDEX = "index"
    RECEIPT = "receipt"
    UNITS = "units"
    TABLE = "table"
    BLOB = "blob"
    KEYRING = "keyring"


_PARSERS: tuple[tuple[Role, Callable[[str], object]], ...] = (
    (Role.MANIFEST, parse_snapshot),
    (Role.INDEX, parse_index),
    (Role.RECEIPT, parse_receipt),
    (Role.TABLE, parse_table),
    (Role.BLOB, parse_blob),
    (Role.KEYRING, parse_keyring),
)


def role_of(scope: str, key: str) -> Role:
    """Tell an object's role from its name.

    Raises:
        IntegrityError: it is not the name of an object of this scope.
    """
    for role, parse in _PARSERS:
        if parse(key) is not None and key.split("/")[1] == scope:
            table = parse_table(key)
            return Role.UNITS if table is not None and table.kind == UNITS else role
    raise damaged(key, f"it is not the name of an object of {scope}")


class VerifyLevel(StrEnum):
    """How deep to look: is it there with its length, has it its stored digest, does it decrypt to what was written."""

    LIST = "list"
    HASH = "hash"
    DECRYPT = "decrypt"


class ObjectCheck:
    """Proves objects of one repository."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def check(self, scope: str, ref: ObjectRef, level: VerifyLevel, *, epoch: str) -> int:
        """Prove one object of a scope; `epoch` names the key of tables, units and index. Gives the bytes that were read.

        Raises:
            IntegrityError: it is gone or not what was written.
        """
        try:
            if level is VerifyLevel.LIST:
                self._check_length(ref)
                return 0
            if level is VerifyLevel.HASH:
                return download(self._store, ref, None)
            return self._check_content(scope, ref, epoch)
        except NotFound as error:
            raise lost(ref.key) from error

    def _check_length(self, ref: ObjectRef) -> None:
        found = self._store.head(ref.key).size_bytes
        if found != ref.size_bytes:
            raise damaged(ref.key, f"it has {found} bytes instead of {ref.size_bytes}")

    def _check_content(self, scope: str, ref: ObjectRef, epoch: str) -> int:
        role = role_of(scope, ref.key)
        if role is Role.BLOB:
            return self._check_blob(ref)
        if role in (Role.MANIFEST, Role.RECEIPT, Role.KEYRING):
            return self._check_document(scope, ref, role)
        key = self._keyring.epoch_keys(scope, epoch)
        with new_spool() as spool:
            size_bytes = download(self._store, ref, spool)
            spool.seek(0)
            if role is Role.TABLE:
                check_footer(spool, ref, key.table_key)
                spool.seek(0)
                check_rows(spool, ref, key.table_key)
            elif load_units(spool, ref, key.table_key).digest() != ref.plain_sha256:
                raise damaged(ref.key, "its units are not those that were written")
        if role is Role.INDEX and (parse_index(ref.key) or ("", "", ""))[2] != ref.plain_sha256:
            raise damaged(ref.key, "its name is not the digest of its content")
        return size_bytes

    def _check_blob(self, ref: ObjectRef) -> int:
        name = parse_blob(ref.key)
        if name is None:
            raise damaged(ref.key, "it is not the name of a blob")
        found = self._keyring.opening(name[0], ref.key, lambda keys: inspect_blob(self._store, keys, name[1]))
        if found.ref != ref:
            raise damaged(ref.key, "it is not the object that the receipt names")
        return found.ref.size_bytes

    def _check_document(self, scope: str, ref: ObjectRef, role: Role) -> int:
        if role is Role.KEYRING:
            found = self._keyring.open_entry(scope, ref.key).ref
        else:
            found = self._keyring.fetch(scope, ref.key).ref
        if found != ref:
            raise damaged(ref.key, "it is not the object that was named")
        return found.size_bytes
