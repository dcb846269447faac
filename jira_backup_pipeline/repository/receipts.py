"""The receipts of a repository: opened once, remembered, and asked which packs, keys and blobs there are.

What belongs here: reading receipts with their checks, finding packs that no snapshot uses yet, and finding a blob that an
earlier pack stored.

What stays out: what a receipt says and how a pack is written (`packs`).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import IntegrityError
from jira_backup_pipeline.repository.damage import damaged
from jira_backup_pipeline.repository.layout import packs_prefix, parse_receipt
from jira_backup_pipeline.repository.packs import fetch_receipt, read_pack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from jira_backup_pipeline.domain.manifest import ObjectRef, PackRef
    from jira_backup_pipeline.repository.blobs import StoredBlob
    from jira_backup_pipeline.repository.keyring import Keyring
    from jira_backup_pipeline.repository.packs import ClosedPack, Receipt
    from jira_backup_pipeline.repository.snapshots import Snapshots
    from jira_backup_pipeline.store.contract import Store


class Receipts:
    """Opened receipts by scope and pack. They are immutable, so one that was proven is never read twice."""

    def __init__(self, store: Store, *, keyring: Keyring, snapshots: Snapshots) -> None:
        self._store = store
        self._keyring = keyring
        self._snapshots = snapshots
        self._known: dict[tuple[str, str], tuple[Receipt, ObjectRef]] = {}
        self._blobs: dict[tuple[str, str], StoredBlob] = {}
        self._scanned: dict[str, int] = {}
        self._lock = threading.Lock()

    def fetch(self, scope: str, pack: str) -> tuple[Receipt, ObjectRef]:
        """Give a pack's receipt and the reference of its object.

        Raises:
            IntegrityError: it is gone or damaged.
        """
        with self._lock:
            known = self._known.get((scope, pack))
        if known is None:
            known = fetch_receipt(self._keyring, scope, pack)
            with self._lock:
                self._known[scope, pack] = known
                self._blobs.update({(scope, blob.blob.name): blob for blob in known[0].blobs})
        return known

    def of(self, scope: str, pack: PackRef) -> Receipt:
        """Give the receipt that a snapshot names, and no other."""
        receipt, ref = self.fetch(scope, pack.pack)
        if ref != pack.receipt:
            raise damaged(ref.key, "it is not the receipt that the snapshot names")
        return receipt

    def closed_packs(
        self,
        scope: str,
        *,
        not_in: Collection[str],
        on_damage: Callable[[IntegrityError], None] | None,
    ) -> Iterator[ClosedPack]:
        """Give the packs that have a receipt and are not among `not_in`, oldest first; see `Repository.closed_packs`."""
        for stored in self._store.list(packs_prefix(scope)):
            name = parse_receipt(stored.key)
            if name is None or name[1] in not_in:
                continue
            with reporting(on_damage):
                receipt, ref = self.fetch(scope, name[1])
                keys = self._keyring.epoch_keys(scope, receipt.epoch)
                yield read_pack(self._store, receipt, ref, keys.table_key)

    def known_blob(self, scope: str, name: str) -> StoredBlob | None:
        """Give what the newest snapshot's receipts, and all that were opened before, say of a blob."""
        found = self._blobs.get((scope, name))
        if found is None:
            self._scan_newest(scope)
            found = self._blobs.get((scope, name))
        return found

    def _scan_newest(self, scope: str) -> None:
        number = self._snapshots.newest_number(scope)
        if number is None or self._scanned.get(scope) == number:
            return
        for pack in self._snapshots.load_with_ref(scope, number)[0].packs:
            self.of(scope, pack)
        self._scanned[scope] = number


@contextmanager
def reporting(on_damage: Callable[[IntegrityError], None] | None) -> Iterator[None]:
    """Tell an integrity error to `on_damage` and go on, or raise it where nobody listens."""
    try:
        yield
    except IntegrityError as error:
        if on_damage is None:
            raise
        on_damage(error)
