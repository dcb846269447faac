"""Packs: the immutable files of one capture, written, read back, and closed by a receipt.

What belongs here: the pack writer, the receipt and its JSON form, and finding packs that no snapshot uses yet.

What stays out: how rows and blobs are written (`tables`, `blobs`), and which packs a snapshot rests on (`snapshots`).
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.manifest import Gap, ObjectRef, PackRef
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.domain.units import BlobRef, UnitRef
from jira_backup_pipeline.repository.blobs import StoredBlob, inspect_blob, open_blob, store_blob
from jira_backup_pipeline.repository.damage import damaged, newer
from jira_backup_pipeline.repository.documents import seal_document
from jira_backup_pipeline.repository.index import Index, read_tally, read_units, store_units, write_tally
from jira_backup_pipeline.repository.layout import blob_key, receipt_key, table_key
from jira_backup_pipeline.repository.memory import give_back_free_memory
from jira_backup_pipeline.repository.sealing import NoMatchingKey
from jira_backup_pipeline.repository.spooling import Blocks, download, new_spool, put_once
from jira_backup_pipeline.repository.tables.files import check_footer
from jira_backup_pipeline.repository.tables.schema import UNITS, is_issue_level
from jira_backup_pipeline.repository.tables.writing import TableWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.units import StoredUnit
    from jira_backup_pipeline.repository.keyring import EpochKeys, Keyring, ScopeKeys
    from jira_backup_pipeline.repository.sealing import Signer
    from jira_backup_pipeline.repository.tables.writing import WrittenTable
    from jira_backup_pipeline.store.contract import Store

# 2: names of blobs are keyed digests of the content's digest; 1: of the content itself.
RECEIPT_FORMAT = 2
# All kinds together may hold this much raw before the fullest row group closes early.
_BUFFER_BYTES = 48 * 2**20
# A file that grew to this size is finished and the next one begun: nobody has to move more at once.
_FILE_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table file of a pack."""

    kind: str
    ref: ObjectRef


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a pack holds. A pack without a receipt does not exist."""

    scope: str
    pack: str
    epoch: str
    run: str
    watermark_ms: int
    total_units: int
    closed_at: str
    gaps: tuple[Gap, ...]
    units: ObjectRef
    tables: tuple[TablePart, ...]
    blobs: tuple[StoredBlob, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form that `FORMAT.md` documents."""
        return {"format": RECEIPT_FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, key: str) -> Receipt:
        """Rebuild from the JSON form.

        Raises:
            UnsupportedFormat: a newer version wrote it.
            IntegrityError: a member is missing.
        """
        found = document.get("format")
        if not isinstance(found, int) or found > RECEIPT_FORMAT:
            raise newer(key, found, RECEIPT_FORMAT)
        try:
            return cls(
                scope=document["scope"],
                pack=document["pack"],
                epoch=document["epoch"],
                run=document["run"],
                watermark_ms=document["watermark_ms"],
                total_units=document["total_units"],
                closed_at=document["closed_at"],
                gaps=tuple(Gap.from_json(gap) for gap in document["gaps"]),
                units=ObjectRef.from_json(document["units"]),
                tables=tuple(
                    TablePart(part["kind"], ObjectRef.from_json(part["ref"])) for part in document["tables"]
                ),
                blobs=tuple(
                    StoredBlob(BlobRef(**part["blob"]), ObjectRef.from_json(part["ref"]))
                    for part in document["blobs"]
                ),
            )
        except (KeyError, TypeError) as error:
            raise damaged(key, f"a member is missing in it ({error})") from error


@dataclass(frozen=True, slots=True)
class ClosedPack:
    """A finished pack: what a manifest says of it, its units, what of them could not be read, and what it cost.

    `watermark_ms` is Jira's clock, in epoch milliseconds, when the capture that wrote it began.
    """

    ref: PackRef
    units: Index
    watermark_ms: int
    gaps: tuple[Gap, ...]
    written_bytes: int


class PackWriter:
    """Writes one pack. `add` and `flush` belong to one thread; `put_blob` may be called from several.

    Nothing of a pack counts until `close` has stored the receipt; `abandon` (or a crash) leaves objects that no snapshot
    names.
    """

    def __init__(
        self,
        store: Store,
        *,
        keys: ScopeKeys,
        signer: Signer,
        now: Callable[[], datetime],
        run: str,
        watermark_ms: int,
        find_blob: Callable[[str], StoredBlob | None],
    ) -> None:
        self._store = store
        self._keys = keys
        self._epoch: EpochKeys = keys.current
        self._signer = signer
        self._now = now
        self._run = run
        self._watermark_ms = watermark_ms
        self._find_blob = find_blob
        moment = now().strftime("%Y%m%dT%H%M%SZ")
        self.pack = f"{moment}-{secrets.token_hex(8)}"
        self._open_tables: dict[str, TableWriter] = {}
        self._file_numbers: dict[str, int] = {}
        self._parts: list[TablePart] = []
        self._units: dict[tuple[str, str], UnitRef] = {}
        self._blobs: dict[str, StoredBlob] = {}
        self._named_blobs: set[str] = set()
        self._sample: BlobRef | None = None
        self._blob_lock = threading.Lock()
        self._blocks = Blocks()

    @property
    def scope(self) -> str:
        """Name the scope of the pack."""
        return self._keys.scope

    def add(self, unit: StoredUnit) -> None:
        """Take a unit with all its records.

        Raises:
            ConfigurationError: the unit is in this pack already, or a record does not belong to it.
        """
        if (unit.kind, unit.id) in self._units:
            raise _defect(f"{unit.kind} {unit.id} was added to the pack twice")
        by_kind: dict[str, list[Record]] = {}
        for record in unit.records:
            _check_belongs(unit, record)
            by_kind.setdefault(record.kind, []).append(record)
            if record.extra and record.extra.get("blob"):
                self._named_blobs.add(str(record.extra["blob"]))
        counts = {kind: len(records) for kind, records in by_kind.items()}
        if counts.get(unit.kind) != 1:
            raise _defect(f"{unit.kind} {unit.id} came without its own record")
        for kind, records in by_kind.items():
            self._table(kind).add(records)
        shared = read_tally(write_tally(counts))
        self._units[unit.kind, unit.id] = UnitRef(
            unit.kind, unit.id, unit.updated_ms, unit.digest, self.pack, shared
        )
        self._bound_memory()

    def copy_units(self, units: Iterable[UnitRef]) -> None:
        """Name units that lie in older packs as units of this one; their rows are to follow by `copy_rows`.

        Raises:
            ConfigurationError: a unit is in this pack already.
        """
        for unit in units:
            if (unit.kind, unit.id) in self._units:
                raise _defect(f"{unit.kind} {unit.id} was added to the pack twice")
            self._units[unit.kind, unit.id] = replace(unit, pack=self.pack)

    def copy_rows(self, kind: str, rows: pa.RecordBatch) -> None:
        """Take the rows of copied units as they are; the blobs that they name stay where they lie."""
        self._table(kind).copy(rows)
        if "blob" in rows.schema.names:
            self._named_blobs.update(name for name in rows.column("blob").to_pylist() if name)
        self._bound_memory()

    def put_blob(self, stream: BinaryIO) -> BlobRef:
        """Store the bytes of an attachment, or recognise them; see `blobs.store_blob`."""
        stored = store_blob(self._store, self._keys, stream, self._blocks)
        with self._blob_lock:
            self._blobs[stored.blob.name] = stored
            self._sample = self._sample or stored.blob
        return stored.blob

    def flush(self) -> None:
        """Store what is buffered as finished table files, freeing memory and temporary space.

        Rarely needed: memory is bounded without it, and many calls make many small files.
        """
        for kind in list(self._open_tables):
            self._store_table(self._open_tables.pop(kind).finish())

    def close(self, *, gaps: Sequence[Gap] = ()) -> ClosedPack | None:
        """Store the rest, read it back, then store the receipt; None when no unit was added (no table is stored then).

        `gaps` say what of these units could not be read, for a run that takes the pack over.

        Raises:
            IntegrityError: something does not read back as it was written.
        """
        if not self._units:
            return None
        self.flush()
        give_back_free_memory()
        blobs = [self._stored_blob(name) for name in sorted(self._named_blobs)]
        self._store.settle(stored.ref.key for stored in self._blobs.values())
        self._read_back()
        index = Index.of(self._units.values())
        units_ref = store_units(
            self._store,
            index,
            table_key(self.scope, self.pack, UNITS, 0),
            self._epoch.table_key,
            digest=index.digest(),
        )
        receipt = Receipt(
            scope=self.scope,
            pack=self.pack,
            epoch=self._epoch.epoch,
            total_units=len(index),
            run=self._run,
            watermark_ms=self._watermark_ms,
            closed_at=to_iso(self._now()),
            gaps=tuple(gaps),
            units=units_ref,
            tables=tuple(self._parts),
            blobs=tuple(blobs),
        )
        return _closed(receipt, self._store_receipt(receipt), index)

    def abandon(self) -> None:
        """Forget what is buffered; stored objects stay unnamed until retention removes them."""
        for writer in self._open_tables.values():
            writer.abandon()
        self._open_tables.clear()
        self._units.clear()

    def _table(self, kind: str) -> TableWriter:
        writer = self._open_tables.get(kind)
        if writer is None:
            writer = self._open_tables[kind] = TableWriter(kind, self._epoch.table_key)
        return writer

    def _bound_memory(self) -> None:
        for kind, writer in list(self._open_tables.items()):
            if writer.written_bytes >= _FILE_BYTES:
                self._store_table(self._open_tables.pop(kind).finish())
        while sum(writer.buffered_bytes for writer in self._open_tables.values()) > _BUFFER_BYTES:
            max(self._open_tables.values(), key=lambda writer: writer.buffered_bytes).close_row_group()

    def _store_table(self, written: WrittenTable) -> None:
        number = self._file_numbers.get(written.kind, 0)
        self._file_numbers[written.kind] = number + 1
        key = table_key(self.scope, self.pack, written.kind, number)
        with written.spool as spool:
            put_once(self._store, key, spool, sha256=bytes.fromhex(written.stored_sha256))
        ref = ObjectRef(key, written.size_bytes, written.stored_sha256, written.plain_sha256, written.rows)
        self._parts.append(TablePart(written.kind, ref))

    def _stored_blob(self, name: str) -> StoredBlob:
        known = self._blobs.get(name) or self._find_blob(name)
        # Neither written here nor named by a receipt at hand: only the object itself can tell.
        try:
            found = known or inspect_blob(self._store, self._keys, name)
        except NoMatchingKey as error:
            raise damaged(blob_key(self.scope, name), "no key of its scope opens it") from error
        if known is None:
            self._blobs[name] = found
        return found

    def _read_back(self) -> None:
        for part in self._parts:
            with new_spool() as spool:
                download(self._store, part.ref, spool)
                spool.seek(0)
                check_footer(spool, part.ref, self._epoch.table_key)
        if self._sample is not None:
            open_blob(self._store, self._keys, self._sample.name).close()

    def _store_receipt(self, receipt: Receipt) -> ObjectRef:
        key = receipt_key(self.scope, self.pack)
        sealed = seal_document(
            key, receipt.to_json(), recipients=[self._epoch.blob_recipient], signer=self._signer
        )
        put_once(self._store, key, sealed.sealed, sha256=bytes.fromhex(sealed.ref.stored_sha256))
        return sealed.ref


def fetch_receipt(keyring: Keyring, scope: str, pack: str) -> tuple[Receipt, ObjectRef]:
    """Read a receipt with every check; gives it with its reference."""
    key = receipt_key(scope, pack)
    opened = keyring.fetch(scope, key)
    receipt = Receipt.from_json(opened.payload, key=key)
    if (receipt.scope, receipt.pack) != (scope, pack):
        raise damaged(key, "it belongs to another pack")
    return receipt, opened.ref


def read_pack(store: Store, receipt: Receipt, ref: ObjectRef, table_key_bytes: bytes) -> ClosedPack:
    """Read the units of a pack back from its receipt."""
    return _closed(receipt, ref, read_units(store, receipt.units, table_key_bytes))


def _closed(receipt: Receipt, ref: ObjectRef, units: Index) -> ClosedPack:
    parts = [
        ref,
        receipt.units,
        *(part.ref for part in receipt.tables),
        *(blob.ref for blob in receipt.blobs),
    ]
    return ClosedPack(
        ref=PackRef(receipt.pack, receipt.epoch, ref, receipt.total_units, receipt.total_units),
        units=units,
        watermark_ms=receipt.watermark_ms,
        gaps=receipt.gaps,
        written_bytes=sum(part.size_bytes for part in parts),
    )


def _check_belongs(unit: StoredUnit, record: Record) -> None:
    if is_issue_level(record.kind):
        if unit.kind != "issue" or record.issue_id != unit.id:
            raise _defect(f"{record.kind} {record.id} does not hang on {unit.kind} {unit.id}")
    elif (record.kind, record.id) != (unit.kind, unit.id):
        raise _defect(f"{record.kind} {record.id} is not the unit {unit.kind} {unit.id}")


def _defect(message: str) -> ConfigurationError:
    return ConfigurationError(message, hint="This is a defect of the caller; please report it.")
