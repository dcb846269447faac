"""The live rows of a snapshot's tables, streamed out of encrypted files.

What belongs here: the reader of one table (Arrow, batches, Polars, records, count), the rule that a row is live when the
index says so, and the local cache of still encrypted files.

What stays out: which files a snapshot has (`repository`), SQL (`query`), file options (`files`).
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.repository.spooling import download
from jira_backup_pipeline.repository.tables.files import dataset_format, explained
from jira_backup_pipeline.repository.tables.schema import EXTRA_COLUMNS, is_issue_level, schema_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from jira_backup_pipeline.domain.manifest import ObjectRef
    from jira_backup_pipeline.store.contract import Store

_BATCH_ROWS = 5_000
# Batches read ahead: enough to keep a core busy, few enough to bound the memory.
_READ_AHEAD = 2
# Files fetched at once: hides the latency of a bucket, where a snapshot may rest on hundreds of small files.
_DOWNLOADS = 4


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file of a table: its key, and the ids that are live in it (None: every row is)."""

    ref: ObjectRef
    pack: str
    key: bytes = field(repr=False)
    live_ids: pa.Array | None = field(default=None, repr=False)


class FileCache:
    """Encrypted files of one reading, downloaded once and proven, in a private folder that goes with it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = tempfile.TemporaryDirectory(prefix="jira-backup-")
        self._threads = ThreadPoolExecutor(_DOWNLOADS, thread_name_prefix="table")
        self._files: dict[str, Future[Path]] = {}
        self._lock = threading.Lock()

    def path(self, ref: ObjectRef) -> Path:
        """Give the local path of an object, downloading it at the first call.

        Raises:
            IntegrityError: it is gone or not what the receipt says.
        """
        begun = self._begin(ref)
        try:
            return begun.result()
        except BaseException:
            with self._lock:
                self._files.pop(ref.key, None)
            raise

    def ahead(self, files: Sequence[TableFile]) -> Iterator[tuple[TableFile, Path]]:
        """Give files with their paths in order, downloading the next few meanwhile."""
        for position, file in enumerate(files):
            for near in files[position : position + _DOWNLOADS]:
                self._begin(near.ref)
            yield file, self.path(file.ref)

    def close(self) -> None:
        """Remove the folder."""
        self._threads.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def _begin(self, ref: ObjectRef) -> Future[Path]:
        with self._lock:
            begun = self._files.get(ref.key)
            if begun is None:
                # Object keys are unique, and so are their digests of fixed length: a safe file name on any system.
                name = hashlib.sha256(ref.key.encode()).hexdigest()
                begun = self._threads.submit(self._download, ref, Path(self._folder.name) / f"{name}.parquet")
                self._files[ref.key] = begun
            return begun

    def _download(self, ref: ObjectRef, path: Path) -> Path:
        with path.open("wb") as target:
            download(self._store, ref, target)
        return path


class TableReader:
    """One table of a snapshot; every way of reading gives live rows only."""

    def __init__(self, kind: str, files: Sequence[TableFile], cache: FileCache) -> None:
        self.kind = kind
        self.schema: pa.Schema = schema_of(kind)
        self._files = tuple(files)
        self._cache = cache

    @property
    def live_column(self) -> str:
        """Name the column by which the index decides whether a row is live."""
        return "issue_id" if is_issue_level(self.kind) else "id"

    def to_batches(
        self,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | None = None,  # noqa: A002 - pyarrow's word
        *,
        of: Collection[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Stream the live rows; memory stays bounded by a few row groups.

        Args:
            columns: names of the wanted columns, in their order; all when None.
            filter: a pyarrow expression (`pyarrow.compute.field(...)`) that rows must satisfy.
            of: only the rows of these issues (above issue level: with these ids); all when None.

        Raises:
            ConfigurationError: a column does not exist.
            IntegrityError: a file is not what was stored.
        """
        wanted = self._checked(columns)
        if of is not None:
            among = ds.field(self.live_column).isin(pa.array(sorted(of), pa.string()))
            filter = among if filter is None else among & filter  # noqa: A001 - pyarrow's word
        for file, path in self._cache.ahead(self._files):
            with explained(file.ref.key):
                yield from self._scanner(file, path, wanted, filter).to_batches()

    def to_arrow(
        self,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | None = None,  # noqa: A002 - pyarrow's word
    ) -> pa.Table:
        """Give the live rows as one Arrow table; see `to_batches`."""
        wanted = self._checked(columns)
        schema = pa.schema([self.schema.field(name) for name in wanted])
        return pa.Table.from_batches(self.to_batches(wanted, filter), schema=schema)

    def to_polars(
        self,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | None = None,  # noqa: A002 - pyarrow's word
    ) -> Any:  # noqa: ANN401 - Polars is optional, its type may be absent
        """Give the live rows as a Polars DataFrame.

        Raises:
            ConfigurationError: Polars is not installed.
        """
        try:
            import polars  # noqa: PLC0415, ICN001 - an optional extra
        except ImportError as error:
            message = "Polars is not installed"
            raise ConfigurationError(
                message, hint="Install it with `pip install jira-backup-pipeline[polars]`, or use to_arrow()."
            ) from error
        return polars.from_arrow(self.to_arrow(columns, filter))

    def count(self, filter: ds.Expression | None = None) -> int:  # noqa: A002 - pyarrow's word
        """Count the live rows."""
        total = 0
        for file, path in self._cache.ahead(self._files):
            with explained(file.ref.key):
                total += self._scanner(file, path, [self.live_column], filter).count_rows()
        return total

    def records(
        self,
        filter: ds.Expression | None = None,  # noqa: A002 - pyarrow's word
        *,
        of: Collection[str] | None = None,
    ) -> Iterator[Record]:
        """Give the live rows as records, `raw` byte for byte as captured; `of` as in `to_batches`.

        `value` is None where `raw` cannot be decoded.
        """
        extras = [name for name, _ in EXTRA_COLUMNS.get(self.kind, ())]
        columns = ["id", *(["issue_id"] if is_issue_level(self.kind) else []), *extras, "raw", "raw_binary"]
        for batch in self.to_batches(columns, filter, of=of):
            for row in batch.to_pylist():
                raw = row["raw_binary"] if row["raw"] is None else row["raw"].encode("utf-8")
                yield Record(
                    kind=self.kind,
                    id=row["id"],
                    raw=raw,
                    value=_decoded(raw),
                    issue_id=row.get("issue_id"),
                    extra={name: row[name] for name in extras if row[name] is not None},
                )

    def dataset(self, pack_column: str) -> ds.Dataset:
        """Give all rows, dead ones too, as a dataset with the pack in an extra column; for `query` alone."""
        schema = self.schema.append(pa.field(pack_column, pa.string()))
        by_key: dict[bytes, list[tuple[TableFile, Path]]] = {}
        for file, path in self._cache.ahead(self._files):
            by_key.setdefault(file.key, []).append((file, path))
        parts = []
        for key, files in by_key.items():
            form = dataset_format(key)
            fragments = [
                form.make_fragment(
                    str(path),
                    filesystem=pa.fs.LocalFileSystem(),
                    partition_expression=ds.field(pack_column) == file.pack,
                )
                for file, path in files
            ]
            parts.append(ds.FileSystemDataset(fragments, schema, form, filesystem=pa.fs.LocalFileSystem()))
        if not parts:
            return ds.dataset(schema.empty_table())
        return parts[0] if len(parts) == 1 else ds.dataset(parts)

    def _checked(self, columns: Sequence[str] | None) -> list[str]:
        if columns is None:
            return list(self.schema.names)
        unknown = [name for name in columns if name not in self.schema.names]
        if unknown:
            message = f"table of {self.kind} has no column {', '.join(unknown)}"
            raise ConfigurationError(message, hint=f"Its columns are {', '.join(self.schema.names)}.")
        return list(columns)

    def _scanner(
        self, file: TableFile, path: Path, columns: list[str], extra: ds.Expression | None
    ) -> ds.Scanner:
        condition = None
        if file.live_ids is not None:
            condition = ds.field(self.live_column).isin(file.live_ids)
        if extra is not None:
            condition = extra if condition is None else condition & extra
        fragment = dataset_format(file.key).make_fragment(str(path), filesystem=pa.fs.LocalFileSystem())
        return fragment.scanner(
            schema=self.schema,
            columns=columns,
            filter=condition,
            batch_size=_BATCH_ROWS,
            batch_readahead=_READ_AHEAD,
        )


def _decoded(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
