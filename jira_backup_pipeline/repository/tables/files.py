"""Single Parquet files: the only door to `pyarrow.parquet` and its encryption.

What belongs here: writer and reader options of the format, opening a file with its key, and the proof that a file holds
what its reference says.

What stays out: what rows mean (`writing`, `reading`) and where files come from (`packs`, `index`).
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from jira_backup_pipeline.domain.errors import StoreError
from jira_backup_pipeline.repository.damage import damaged
from jira_backup_pipeline.repository.tables.schema import RAW_COLUMNS, dictionary_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline.domain.manifest import ObjectRef

# zstd-3 is where more effort stops to pay: level 9 saves 12 % for four times the work.
_COMPRESSION_LEVEL = 3


def open_writer(target: BinaryIO, schema: pa.Schema, key: bytes) -> pq.ParquetWriter:
    """Begin an encrypted file with the options of the format."""
    return pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=dictionary_columns(schema),
        data_page_version="1.0",
        # Smallest and largest of whole JSON texts help no reader and would double a small file.
        write_statistics=[path for path in _leaf_paths(schema) if path not in RAW_COLUMNS],
        # The format says the types; an Arrow schema beside them would only make small files larger.
        store_schema=False,
        encryption_properties=pe.create_encryption_properties(key),
    )


def _leaf_paths(schema: pa.Schema) -> list[str]:
    return [f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name for field in schema]


def decryption(key: bytes) -> Any:  # noqa: ANN401 - pyarrow publishes no type
    """Give what pyarrow needs to open a file; a file without encryption is refused."""
    return pe.create_decryption_properties(key)


def dataset_format(key: bytes) -> ds.ParquetFileFormat:
    """Give the dataset format that opens files of this key."""
    return ds.ParquetFileFormat(
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(decryption_properties=decryption(key))
    )


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn pyarrow's errors on an object into ours."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise StoreError(
                f"reading {name} failed: {error}",
                hint="Check the temporary folder (TMPDIR) and its free space.",
            ) from error
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise damaged(name, f"it cannot be read as a table ({first[:200]})") from error


def check_footer(source: Path | BinaryIO, ref: ObjectRef, key: bytes) -> None:
    """Open a file's footer with its key and compare the number of rows."""
    with explained(ref.key), pq.ParquetFile(source, decryption_properties=decryption(key)) as file:
        if ref.rows is not None and file.metadata.num_rows != ref.rows:
            raise damaged(ref.key, f"it has {file.metadata.num_rows} rows instead of {ref.rows}")


def read_batches(
    source: Path | BinaryIO, name: str, key: bytes, *, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file batch by batch."""
    with explained(name), pq.ParquetFile(source, decryption_properties=decryption(key)) as file:
        yield from file.iter_batches(columns=columns, batch_size=5_000)


def check_rows(source: Path | BinaryIO, ref: ObjectRef, key: bytes) -> None:
    """Prove every row of a kind's table: `raw` has its sha256, and all of them together are what the receipt says.

    Raises:
        IntegrityError: a row is not what was captured, or rows are missing, added or reordered.
    """
    whole = hashlib.sha256()
    rows = 0
    for batch in read_batches(source, ref.key, key, columns=["raw", "raw_binary", "raw_sha256"]):
        raws = pc.coalesce(batch.column("raw_binary"), batch.column("raw").cast(pa.binary()))
        for raw, digest in zip(raws.to_pylist(), batch.column("raw_sha256").to_pylist(), strict=True):
            if raw is None or hashlib.sha256(raw).digest() != digest:
                raise damaged(ref.key, f"row {rows} does not have its sha256")
            whole.update(digest)
            rows += 1
    if rows != ref.rows or whole.hexdigest() != ref.plain_sha256:
        raise damaged(ref.key, "its rows are not those that were written")
