"""All tables of one snapshot: the mapping that a reader of backups works with.

What belongs here: which files a table of a snapshot consists of and which ids are live in each, and the way to SQL.

What stays out: reading of rows (`tables.reading`), DuckDB (`query`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import UnknownName
from jira_backup_pipeline.domain.kinds import BY_TABLE, Level, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.repository.index import Index
from jira_backup_pipeline.repository.query import matching_ids, run_query
from jira_backup_pipeline.repository.tables.reading import FileCache, TableFile, TableReader
from jira_backup_pipeline.repository.tables.schema import is_issue_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Manifest, PackRef
    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.repository.packs import Receipt
    from jira_backup_pipeline.store.contract import Store


class TableSet:
    """The tables of a snapshot. Holds a private folder of encrypted files until it is closed or forgotten."""

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        *,
        index: Index,
        receipts: Sequence[tuple[PackRef, Receipt]],
        table_key: Callable[[str], bytes],
        cache: FileCache | None = None,
    ) -> None:
        self.manifest = manifest
        self._index = index
        self._receipts = tuple(receipts)
        self._table_key = table_key
        self._store = store
        self._cache = cache or FileCache(store)
        levels = (Level.SITE,) if manifest.scope == SITE_SCOPE else (Level.PROJECT, Level.ISSUE)
        self._kinds = {kind.table: kind for kind in kinds_at(*levels)}

    @property
    def names(self) -> list[str]:
        """Name the tables of this scope, in catalogue order; a table may be empty."""
        return list(self._kinds)

    @property
    def index(self) -> Index:
        """Give the live units."""
        return self._index

    def only(self, units: Iterable[UnitRef]) -> TableSet:
        """Give the same tables with these units alone; files that hold none of them are never fetched."""
        return TableSet(
            self._store,
            self.manifest,
            index=Index.of(units),
            receipts=self._receipts,
            table_key=self._table_key,
            cache=self._cache,
        )

    def table(self, name: str) -> TableReader:
        """Give the reader of a table.

        Raises:
            UnknownName: this scope has no such table.
        """
        kind = self._kinds.get(name)
        if kind is None:
            elsewhere = " It is a table of the site snapshot." if name in BY_TABLE else ""
            if elsewhere and self.manifest.scope == SITE_SCOPE:
                elsewhere = " It is a table of project snapshots."
            message = f"{self.manifest.scope} has no table {name!r}"
            raise UnknownName(message, hint=f"Its tables are {', '.join(self.names)}.{elsewhere}")
        return TableReader(kind.name, list(self._files(kind)), self._cache)

    def __getitem__(self, name: str) -> TableReader:
        """Give the reader of a table; see `table`."""
        return self.table(name)

    def sql(self, query: str) -> Any:  # noqa: ANN401 - a pyarrow.Table, which only the Arrow rooms import
        """Answer one SELECT over all tables of the snapshot; see `query.run_query`."""
        readers = {name: self.table(name) for name in self.names}
        return run_query(query, readers, self._index.units_table())

    def matching_issues(self, condition: str) -> list[str]:
        """Give the ids of the issues for which an SQL condition holds; see `query.matching_ids`."""
        readers = {name: self.table(name) for name in self.names}
        return matching_ids(condition, readers, self._index.units_table())

    def close(self) -> None:
        """Remove the local files."""
        self._cache.close()

    def _files(self, kind: Kind) -> list[TableFile]:
        live_by_pack = self._index.packs()
        unit_kind = "issue" if is_issue_level(kind.name) else kind.name
        files = []
        for pack_ref, receipt in self._receipts:
            parts = [part for part in receipt.tables if part.kind == kind.name]
            if not parts:
                continue
            live = None
            if live_by_pack.get(pack_ref.pack, 0) < receipt.total_units:
                live = self._index.live_ids(unit_kind, pack_ref.pack)
                if not len(live):
                    continue
            key = self._table_key(receipt.epoch)
            files += [TableFile(part.ref, pack_ref.pack, key, live) for part in parts]
        return files
