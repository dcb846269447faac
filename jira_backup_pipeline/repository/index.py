"""The index: a snapshot's list of live units and the pack that holds each.

What belongs here: the index as Arrow columns, its content digest, its file.

What stays out: which units are live after a capture (`engine.capture`), and the rows that hang on a unit (`tables`).
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import ObjectRef
from jira_backup_pipeline.domain.units import UnitRef
from jira_backup_pipeline.repository.damage import damaged
from jira_backup_pipeline.repository.spooling import download, new_spool, put_once
from jira_backup_pipeline.repository.tables.files import read_batches
from jira_backup_pipeline.repository.tables.schema import UNITS_SCHEMA
from jira_backup_pipeline.repository.tables.writing import EncryptedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from jira_backup_pipeline.store.contract import Store

_ROW_GROUP_ROWS = 50_000
_REPEATED = frozenset({"kind", "pack", "tally"})
_PLAIN_UNITS = pa.schema(
    [field.with_type(pa.binary()) if field.name == "digest" else field for field in UNITS_SCHEMA]
)


def write_tally(counts: Mapping[str, int]) -> str:
    """Write record counts by kind in the one form of the index."""
    return " ".join(f"{kind}={count}" for kind, count in sorted(counts.items()) if count)


@lru_cache(maxsize=4096)
def read_tally(tally: str) -> Mapping[str, int]:
    """Read record counts by kind; equal texts share one mapping."""
    pairs = (entry.split("=") for entry in tally.split())
    return MappingProxyType({kind: int(count) for kind, count in pairs})


_COLUMNS: tuple[Callable[[UnitRef], object], ...] = (
    lambda unit: unit.kind,
    lambda unit: unit.id,
    lambda unit: unit.updated_ms,
    lambda unit: unit.digest,
    lambda unit: unit.pack,
    lambda unit: write_tally(unit.counts),
)


def _unit(row: tuple[Any, ...]) -> UnitRef:
    kind, unit_id, updated_ms, digest, pack, tally = row
    return UnitRef(kind, unit_id, updated_ms, digest, pack, read_tally(tally))


class Index:
    """Live units as Arrow columns: 100,000 of them cost a few megabytes and load in milliseconds."""

    def __init__(self, table: pa.Table) -> None:
        # The texts that repeat are most of an index: as dictionaries they take an eighth of the memory.
        for place, name in enumerate(table.schema.names):
            if name in _REPEATED:
                table = table.set_column(place, name, table[name].dictionary_encode())
        self._table = table.combine_chunks()
        self._rows: dict[tuple[str, str], int] | None = None

    @classmethod
    def of(cls, units: Iterable[UnitRef]) -> Index:
        """Make an index of units, ordered by kind and id.

        Raises:
            ConfigurationError: a unit occurs twice.
        """
        ordered = sorted(units, key=lambda unit: (unit.kind, unit.id))
        for earlier, later in itertools.pairwise(ordered):
            if (earlier.kind, earlier.id) == (later.kind, later.id):
                message = f"the index would hold {later.kind} {later.id} twice"
                raise ConfigurationError(message, hint="This is a defect of the caller; please report it.")
        columns = [
            pa.array([value(unit) for unit in ordered], field.type)
            for field, value in zip(UNITS_SCHEMA, _COLUMNS, strict=True)
        ]
        return cls(pa.Table.from_arrays(columns, schema=UNITS_SCHEMA))

    def __eq__(self, other: object) -> bool:
        """Tell whether both list the same units in the same packs."""
        return self.units_table().equals(other.units_table()) if isinstance(other, Index) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """Count the units."""
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[UnitRef]:
        """Give every unit, by kind and id."""
        return (_unit(row) for row in self._rows_as_tuples())

    def _rows_as_tuples(self) -> Iterator[tuple[Any, ...]]:
        # Arrow hands out plain texts and bytes twenty times as fast as dictionaries and bytes of a fixed length.
        for batch in self._table.to_batches(max_chunksize=10_000):
            yield from zip(*(column.to_pylist() for column in batch.cast(_PLAIN_UNITS).columns), strict=True)

    def get(self, kind: str, unit_id: str) -> UnitRef | None:
        """Find a unit; the first call builds a lookup of all."""
        if self._rows is None:
            keys = zip(self._table["kind"].to_pylist(), self._table["id"].to_pylist(), strict=True)
            self._rows = {key: row for row, key in enumerate(keys)}
        row = self._rows.get((kind, unit_id))
        return None if row is None else self._unit(row)

    def ids(self, kind: str) -> list[str]:
        """Give the ids of all live units of a kind, in order."""
        found = self._table.filter(pc.equal(self._table["kind"], kind))["id"].to_pylist()
        return [str(unit_id) for unit_id in found]

    def updated_ms(self, kind: str) -> dict[str, int]:
        """Give Jira's time of the last change, in epoch milliseconds, of all live units of a kind by id."""
        found = self._table.filter(pc.equal(self._table["kind"], kind))
        return dict(zip(found["id"].to_pylist(), found["updated_ms"].to_pylist(), strict=True))

    def packs(self) -> dict[str, int]:
        """Count the live units by pack."""
        counted = pc.value_counts(self._table["pack"])
        return {entry["values"]: entry["counts"] for entry in counted.to_pylist()}

    def live_ids(self, kind: str, pack: str) -> pa.Array:
        """Give the ids of the units of a kind that lie in a pack, as an Arrow array."""
        mask = pc.and_(pc.equal(self._table["pack"], pack), pc.equal(self._table["kind"], kind))
        return self._table["id"].filter(mask).combine_chunks()

    def units_table(self) -> pa.Table:
        """Give the Arrow columns in the schema of the file, for `query`."""
        return self._table.cast(UNITS_SCHEMA)

    def record_counts(self) -> dict[str, int]:
        """Count the live records by table name."""
        counts: dict[str, int] = {}
        for entry in pc.value_counts(self._table["tally"]).to_pylist():
            for kind, count in read_tally(entry["values"]).items():
                # A kind that only a newer version knows counts under its own name.
                table = BY_NAME[kind].table if kind in BY_NAME else kind
                counts[table] = counts.get(table, 0) + count * entry["counts"]
        return counts

    def digest(self) -> str:
        """Give the sha256 of the rows in their order: the index's name, equal for equal content."""
        whole = hashlib.sha256()
        for kind, unit_id, updated_ms, digest, pack, tally in self._rows_as_tuples():
            line = f"{kind}\0{unit_id}\0{updated_ms}\0{digest.hex()}\0{pack}\0{tally}\n"
            whole.update(line.encode())
        return whole.hexdigest()

    def write(self, target_key: str, key: bytes, *, digest: str) -> WrittenIndex:
        """Write the encrypted file into a spool; nothing is stored yet."""
        file = EncryptedFile(UNITS_SCHEMA, key)
        for batch in self._table.to_batches(max_chunksize=_ROW_GROUP_ROWS):
            file.write(batch.cast(UNITS_SCHEMA))
        size_bytes, stored_sha256 = file.finish()
        return WrittenIndex(ObjectRef(target_key, size_bytes, stored_sha256, digest, len(self)), file.spool)

    def _unit(self, row: int) -> UnitRef:
        return _unit(tuple(column[row].as_py() for column in self._table.columns))


@dataclass(frozen=True, slots=True)
class WrittenIndex:
    """An index file that waits in its spool."""

    ref: ObjectRef
    spool: BinaryIO


def read_units(store: Store, ref: ObjectRef, key: bytes) -> Index:
    """Read a file of units (an index, or the units of a pack) and prove it against its reference.

    Raises:
        IntegrityError: it is gone, damaged or not what the reference says.
    """
    with new_spool() as spool:
        download(store, ref, spool)
        return load_units(spool, ref, key)


def load_units(spool: BinaryIO, ref: ObjectRef, key: bytes) -> Index:
    """Read a file of units from a proven spool."""
    spool.seek(0)
    batches = list(read_batches(spool, ref.key, key))
    if any(batch.schema != UNITS_SCHEMA for batch in batches):
        raise damaged(ref.key, "it has other columns than a list of units")
    table = pa.Table.from_batches(batches, schema=UNITS_SCHEMA)
    if table.num_rows != ref.rows:
        raise damaged(ref.key, f"it has {table.num_rows} units instead of {ref.rows}")
    return Index(table)


def store_units(store: Store, index: Index, target_key: str, key: bytes, *, digest: str) -> ObjectRef:
    """Store a file of units under a name that nobody else uses, and read it back."""
    written = index.write(target_key, key, digest=digest)
    with written.spool as spool:
        put_once(store, target_key, spool, sha256=bytes.fromhex(written.ref.stored_sha256))
    if read_units(store, written.ref, key).digest() != digest:
        raise damaged(target_key, "it does not read back as it was written")
    return written.ref


def find_stored(store: Store, target_key: str, key: bytes, *, digest: str, rows: int) -> ObjectRef | None:
    """Give the reference of an index of this content that is stored already, after proving it."""
    with new_spool() as spool:
        whole = hashlib.sha256()
        size_bytes = _copy(store, target_key, spool, whole)
        if size_bytes is None:
            return None
        ref = ObjectRef(target_key, size_bytes, whole.hexdigest(), digest, rows)
        if load_units(spool, ref, key).digest() != digest:
            raise damaged(target_key, "its rows are not those of its name")
        return ref


def _copy(store: Store, key: str, target: BinaryIO, whole: hashlib._Hash) -> int | None:
    found: Sequence[object] = [stored for stored in store.list(key) if stored.key == key]
    if not found:
        return None
    size_bytes = 0
    with store.open(key) as source:
        while chunk := source.read(2**20):
            size_bytes += len(chunk)
            whole.update(chunk)
            target.write(chunk)
    return size_bytes
