"""A repository that reads each snapshot once: for tests that restore the same snapshot a hundred times.

What belongs here: remembering what is immutable (manifests, tables of a snapshot). What stays out: documents, which tests write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(slots=True)
class RememberedTable:
    """A table whose records and columns are read once for each choice of issues."""

    inner: Any
    _records: dict[Any, list[Any]] = field(default_factory=dict)
    _batches: dict[Any, list[Any]] = field(default_factory=dict)

    def records(self, *, of: Collection[str] | None = None) -> list[Any]:
        """Give the live records."""
        key = None if of is None else frozenset(of)
        if key not in self._records:
            self._records[key] = list(self.inner.records(of=of))
        return self._records[key]

    def to_batches(self, columns: Sequence[str], *, of: Collection[str] | None = None) -> list[Any]:
        """Give columns of the live records."""
        key = tuple(columns), None if of is None else frozenset(of)
        if key not in self._batches:
            self._batches[key] = list(self.inner.to_batches(columns, of=of))
        return self._batches[key]


@dataclass(slots=True)
class RememberedTables:
    """The tables of one snapshot."""

    inner: Any
    _tables: dict[str, RememberedTable] = field(default_factory=dict)

    def table(self, name: str) -> RememberedTable:
        """Give one table."""
        if name not in self._tables:
            self._tables[name] = RememberedTable(self.inner.table(name))
        return self._tables[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class RememberingRepository:
    """Everything but manifests and tables is the real repository's."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._manifests: dict[tuple[str, int], Any] = {}
        self._tables: dict[tuple[str, int], RememberedTables] = {}

    def load(self, scope: str, number: int) -> Any:
        """Load a manifest, the first time."""
        key = scope, number
        if key not in self._manifests:
            self._manifests[key] = self._inner.load(scope, number)
        return self._manifests[key]

    def tables(self, manifest: Any) -> RememberedTables:
        """Open the tables of a snapshot, the first time."""
        key = manifest.scope, manifest.number
        if key not in self._tables:
            self._tables[key] = RememberedTables(self._inner.tables(manifest))
        return self._tables[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
