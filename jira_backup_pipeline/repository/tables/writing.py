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

from jira_backup_pipeline.domain.errors import ConfigurationError, UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import ColumnType
from jira_backup_pipeline.domain.records import column_values
from jira_backup_pipeline.repository.spooling import CountingWriter, new_spool, own_failures
from jira_backup_pipeline.repository.tables.files import open_writer
from jira_backup_pipeline.repository.tables.schema import (
    EXTRA_COLUMNS,
    column_types,
    is_issue_level,
    schema_of,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from jira_backup_pipeline.domain.records import Record

_SURROGATE = re.compile("[\ud800-\udfff]")
# A row group closes at whichever comes first: readers hold one row group in memory.
ROW_GROUP_ROWS = 5_000
ROW_GROUP_RAW_BYTES = 16 * 2**20
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
        self._dates = [
            name for name, column_type in column_types(kind).items() if column_type is ColumnType.DATE
        ]
        self._is_issue_level = is_issue_level(kind)
        self._extras = frozenset(name for name, _ in EXTRA_COLUMNS.get(kind, ()))
        self._file = EncryptedFile(self._schema, key)
        self._rows_digest = hashlib.sha256()
        self._columns: dict[str, list[Any]] = {}
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

    def add(self, record: Record) -> None:
        """Take one record; may close a row group.

        Raises:
            UnexpectedAnswer: an id is not text that can be stored.
            ConfigurationError: the record has extra columns that the table does not know.
        """
        row = self._row(record)
        for append, name in self._appends:
            append(row[name])
        self._rows_digest.update(row["raw_sha256"])
        self._buffered_bytes += len(record.raw)
        self._buffered_rows += 1
        self.rows += 1
        if self._buffered_rows >= ROW_GROUP_ROWS or self._buffered_bytes >= ROW_GROUP_RAW_BYTES:
            self.close_row_group()

    def close_row_group(self) -> None:
        """Write the waiting rows as a row group."""
        if self._buffered_rows:
            arrays = [pa.array(self._columns[field.name], type=field.type) for field in self._schema]
            self._file.write(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
            self._reset()

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
        self._columns = {field.name: [] for field in self._schema}
        # Looked up once a row group: a million rows make tens of millions of appends.
        self._appends = [(column.append, name) for name, column in self._columns.items()]
        self._buffered_bytes = 0
        self._buffered_rows = 0

    def _row(self, record: Record) -> dict[str, Any]:
        unknown = record.extra.keys() - self._extras if record.extra else None
        if unknown:
            message = f"table of kind {self._kind} has no columns {', '.join(sorted(unknown))}"
            raise ConfigurationError(message, hint="This is a defect of the caller; please report it.")
        row: dict[str, Any] = dict(column_values(record))
        row["id"] = _checked_id(record, record.id)
        if self._is_issue_level:
            row["issue_id"] = _checked_id(record, record.issue_id)
        for name in self._extras:
            row[name] = record.extra.get(name)
        for name in self._dates:
            if row[name] is not None:
                row[name] = date.fromisoformat(row[name])
        row["raw"], row["raw_binary"] = _split_raw(record.raw)
        row["raw_sha256"] = hashlib.sha256(record.raw).digest()
        return row


def _split_raw(raw: bytes) -> tuple[str | None, bytes | None]:
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, raw


def _checked_id(record: Record, value: str | None) -> str:
    # A lone surrogate is the one text that UTF-8 cannot hold.
    if value is not None and (value.isascii() or not _SURROGATE.search(value)):
        return value
    message = f"a {record.kind} has an id that cannot be stored: {record.id!r} of issue {record.issue_id!r}"
    raise UnexpectedAnswer(message, hint="Please report this with the kind named here.")
