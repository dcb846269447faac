"""From records to encrypted Parquet files, with bounded memory.

What belongs here: buffering of rows by kind, closing of row groups, conversion of a record into columns.

What stays out: file options (`files`), the store and the receipt (`packs`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa

from jira_backup_pipeline.domain.columns import extractor, texts_extractor
from jira_backup_pipeline.domain.errors import ConfigurationError, UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import BY_NAME, ColumnType
from jira_backup_pipeline.repository.spooling import CountingWriter, new_spool, own_failures
from jira_backup_pipeline.repository.tables.files import open_writer
from jira_backup_pipeline.repository.tables.schema import EXTRA_COLUMNS, is_issue_level, schema_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow.parquet as pq

    from jira_backup_pipeline.domain.records import Record

_SURROGATE = re.compile("[\ud800-\udfff]")
# A row group closes at whichever comes first: readers hold one row group in memory.
ROW_GROUP_ROWS = 5_000
ROW_GROUP_RAW_BYTES = 16 * 2**20
_SLICE_ROWS = 250
# Table spools hold ciphertext, ten kinds side by side: less memory each than a blob's spool.
_TABLE_SPOOL_BYTES = 2 * 2**20


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """A finished file, still in its spool (the taker closes it)."""

    kind: str
    spool: BinaryIO
    size_bytes: int
    stored_sha256: str
    plain_sha256: str
    rows: int


class EncryptedFile:
    """One Parquet file being written into a spool of ciphertext, hashed on its way."""

    def __init__(self, schema: pa.Schema, key: bytes) -> None:
        self._stored = hashlib.sha256()
        self.spool = new_spool(_TABLE_SPOOL_BYTES)
        self._target = CountingWriter(self.spool, self._stored.update)
        self._writer: pq.ParquetWriter = open_writer(cast("BinaryIO", self._target), schema, key)

    @property
    def size_bytes(self) -> int:
        """Give the bytes written so far."""
        return self._target.size_bytes

    def write(self, batch: pa.RecordBatch) -> None:
        """Write one row group."""
        with own_failures(self._target):
            self._writer.write_batch(batch, row_group_size=max(1, batch.num_rows))

    def finish(self) -> tuple[int, str]:
        """Write the footer; gives size and stored sha256."""
        with own_failures(self._target):
            self._writer.close()
        return self._target.size_bytes, self._stored.hexdigest()


class TableWriter:
    """Takes the records of one kind and makes one encrypted file of them."""

    def __init__(self, kind: str, key: bytes) -> None:
        self._kind = kind
        self._schema = schema_of(kind)
        self._hangs_on_issue = is_issue_level(kind)
        self._extras = frozenset(name for name, _ in EXTRA_COLUMNS.get(kind, ()))
        self._cells = _cells_of(kind)
        self._texts = _texts_of(kind)
        self._file = EncryptedFile(self._schema, key)
        self._rows_digest = hashlib.sha256()
        # Records wait decoded until a slice of them is turned into cells column by column, which is several times
        # faster than row by row; only a slice, because decoded records take many times the room of cells.
        self._waiting: list[Record] = []
        self._columns: dict[str, list[Any]] = {}
        # Columns of texts lie flat, with the place where each row ends: Arrow takes them so, and lists of lists cost twice.
        self._ends: dict[str, list[int]] = {}
        self._copied: list[pa.RecordBatch] = []
        self._reset()
        self.rows = 0

    @property
    def buffered_bytes(self) -> int:
        """Give the raw bytes that wait for their row group to close."""
        return self._buffered_bytes

    @property
    def written_bytes(self) -> int:
        """Give the size of the file so far, in stored bytes."""
        return self._file.size_bytes

    def add(self, records: Sequence[Record]) -> None:
        """Take the records of one unit; may close a row group.

        Raises:
            UnexpectedAnswer: an id is not text that can be stored.
            ConfigurationError: a record has extra columns that the table does not know.
        """
        if self._copied:
            self.close_row_group()
        waiting, hangs = self._waiting, self._hangs_on_issue
        for record in records:
            # Nearly every record is plain; the calls for the others would cost as much as all the rest here.
            if (
                record.extra
                or not record.id.isascii()
                or (hangs and not (record.issue_id or "\x80").isascii())
            ):
                self._check(record)
            waiting.append(record)
            self._buffered_bytes += len(record.raw)
            self._buffered_rows += 1
            if self._buffered_rows >= ROW_GROUP_ROWS or self._buffered_bytes >= ROW_GROUP_RAW_BYTES:
                self.close_row_group()
            elif len(waiting) >= _SLICE_ROWS:
                self._turn_into_cells()
        self.rows += len(records)

    def copy(self, batch: pa.RecordBatch) -> None:
        """Take rows of another file of this kind as they are, cell by cell; may close a row group.

        What is buffered of records is written first, so that rows and their digest keep one order.
        """
        if self._buffered_rows and not self._copied:
            self.close_row_group()
        self._copied.append(batch)
        self._buffered_bytes += batch.nbytes
        self._buffered_rows += batch.num_rows
        self.rows += batch.num_rows
        for digest in batch.column("raw_sha256").to_pylist():
            self._rows_digest.update(digest)
        if self._buffered_rows >= ROW_GROUP_ROWS or self._buffered_bytes >= ROW_GROUP_RAW_BYTES:
            self.close_row_group()

    def close_row_group(self) -> None:
        """Write the waiting rows as a row group."""
        if self._copied:
            whole = pa.Table.from_batches(self._copied, schema=self._schema).combine_chunks()
            for batch in whole.to_batches(max_chunksize=ROW_GROUP_ROWS):
                self._file.write(batch)
            self._reset()
        elif self._buffered_rows:
            self._turn_into_cells()
            raw, raw_binary = _raw_arrays(self._columns["raw"])
            arrays = [
                raw
                if field.name == "raw"
                else raw_binary
                if field.name == "raw_binary"
                else self._array(field)
                for field in self._schema
            ]
            self._file.write(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
            self._reset()

    def _array(self, field: pa.Field) -> pa.Array:
        cells = self._columns[field.name]
        ends = self._ends.get(field.name)
        if ends is None:
            return pa.array(cells, type=field.type)
        flat = pa.array(cells, type=field.type.value_type)
        return pa.ListArray.from_arrays(pa.array(ends, type=pa.int32()), flat, type=field.type)

    def finish(self) -> WrittenTable:
        """Write what waits and the footer."""
        self.close_row_group()
        size_bytes, stored_sha256 = self._file.finish()
        return WrittenTable(
            self._kind, self._file.spool, size_bytes, stored_sha256, self._rows_digest.hexdigest(), self.rows
        )

    def abandon(self) -> None:
        """Forget everything."""
        self._reset()
        self._file.spool.close()

    def _reset(self) -> None:
        self._waiting.clear()
        self._copied.clear()
        self._columns = {field.name: [] for field in self._schema}
        self._ends = {name: [0] for name, _ in self._texts}
        self._buffered_bytes = 0
        self._buffered_rows = 0

    def _check(self, record: Record) -> None:
        if record.extra and not record.extra.keys() <= self._extras:
            unknown = record.extra.keys() - self._extras
            message = f"table of kind {self._kind} has no columns {', '.join(sorted(unknown))}"
            raise ConfigurationError(message, hint="This is a defect of the caller; please report it.")
        if not record.id.isascii():
            _check_id(record, record.id)
        if self._hangs_on_issue and (record.issue_id is None or not record.issue_id.isascii()):
            _check_id(record, record.issue_id)

    def _turn_into_cells(self) -> None:
        records, columns = self._waiting, self._columns
        values = [record.value for record in records]
        for name, extract in self._cells:
            columns[name].extend([extract(value) for value in values])
        for name, extract_texts in self._texts:
            flat, ends = columns[name], self._ends[name]
            for value in values:
                flat.extend(extract_texts(value))
                ends.append(len(flat))
        for name in self._extras:
            columns[name].extend([record.extra.get(name) for record in records])
        columns["id"].extend([record.id for record in records])
        if self._hangs_on_issue:
            columns["issue_id"].extend([record.issue_id for record in records])
        raws = [record.raw for record in records]
        digests = [hashlib.sha256(raw).digest() for raw in raws]
        columns["raw"].extend(raws)
        columns["raw_sha256"].extend(digests)
        self._rows_digest.update(b"".join(digests))
        records.clear()


def _cells_of(kind: str) -> list[tuple[str, Callable[[object], Any]]]:
    """Give the columns that hold one value of a record, each with its function; Arrow takes dates as dates."""
    cells: list[tuple[str, Callable[[object], Any]]] = []
    for column in BY_NAME[kind].columns:
        if column.type is not ColumnType.STRINGS:
            extract = extractor(column)
            cells.append((column.name, _as_date(extract) if column.type is ColumnType.DATE else extract))
    return cells


def _texts_of(kind: str) -> list[tuple[str, Callable[[object], list[str]]]]:
    """Give the columns that hold several texts, each with its function."""
    columns = [column for column in BY_NAME[kind].columns if column.type is ColumnType.STRINGS]
    return [(column.name, texts_extractor(column)) for column in columns]


def _as_date(extract: Callable[[object], Any]) -> Callable[[object], date | None]:
    def extract_date(value: object) -> date | None:
        text = extract(value)
        return None if text is None else date.fromisoformat(text)

    return extract_date


def _raw_arrays(raws: Sequence[bytes]) -> tuple[pa.Array, pa.Array]:
    """Give exact bytes as texts, and as bytes those that are not UTF-8; each row stands in one of the two, the other is null."""
    try:
        return pa.array(raws, type=pa.string()), pa.nulls(len(raws), pa.binary())
    except pa.ArrowInvalid:
        # Hardly ever: Arrow refuses a whole column for one row, so each is looked at.
        texts = [_as_unicode(raw) for raw in raws]
        others = [raw if text is None else None for raw, text in zip(raws, texts, strict=True)]
        return pa.array(texts, type=pa.string()), pa.array(others, type=pa.binary())


def _as_unicode(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _check_id(record: Record, value: str | None) -> None:
    # A lone surrogate is the one text that UTF-8 cannot hold.
    if value is not None and not _SURROGATE.search(value):
        return
    message = f"a {record.kind} has an id that cannot be stored: {record.id!r} of issue {record.issue_id!r}"
    raise UnexpectedAnswer(message, hint="Please report this with the kind named here.")
