"""A snapshot in the making: what a capture has stored, kept, removed and could not read so far.

What belongs here: collecting those facts, packing units, and deriving the live units from them.

What stays out: reading Jira (`project`, `site`, `listing`) and publishing (`commit`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, Protocol

from jira_backup_pipeline.domain.records import unit_digest
from jira_backup_pipeline.domain.units import StoredUnit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.disappearances import Disappearance
    from jira_backup_pipeline.domain.manifest import Gap, LedgerLine, PackRef, ProjectIdentity
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.units import BlobRef, UnitRef
    from jira_backup_pipeline.domain.worklog_feed import WorklogFeed
    from jira_backup_pipeline.engine.capture.previous import Previous
    from jira_backup_pipeline.repository.packs import ClosedPack, PackWriter
    from jira_backup_pipeline.repository.repository import Repository

UnitKey = tuple[str, str]


class UnitRefs(Protocol):
    """Units that can be counted and walked several times: a list of them, or an index."""

    def __len__(self) -> int:
        """Count the units."""

    def __iter__(self) -> Iterator[UnitRef]:
        """Give every unit."""


class BroughtUnits:
    """The units that a capture brings: stored now, reused from a dead run, or copied; of one key the last counts.

    They stay in the packs' own indexes, which hold a unit in a fifth of the memory that an object of its own takes: a first
    capture brings all the issues of a project.
    """

    def __init__(self) -> None:
        self._sources: list[UnitRefs] = []
        # Which source counts for a key, by kind and id; None where none does any more.
        self._places: dict[str, dict[str, int | None]] = {}

    def add(self, units: UnitRefs) -> None:
        """Take in units; they replace those of the same key."""
        place = len(self._sources)
        self._sources.append(units)
        for ref in units:
            self._places.setdefault(ref.kind, {})[ref.id] = place

    def drop(self, keys: Iterable[UnitKey]) -> None:
        """Forget units by kind and id."""
        for kind, record_id in keys:
            self._places.setdefault(kind, {})[record_id] = None

    def __contains__(self, key: UnitKey) -> bool:
        """Tell whether a unit of this kind and id was brought."""
        kind, record_id = key
        return self._places.get(kind, {}).get(record_id) is not None

    def __iter__(self) -> Iterator[UnitRef]:
        """Give every unit once."""
        for place, units in enumerate(self._sources):
            for ref in units:
                if self._places[ref.kind][ref.id] == place:
                    yield ref


@dataclass(slots=True)
class Draft:
    """The facts of one capture. `units` are those that it brings, `removed` those of before that are gone."""

    scope: str
    run: str
    captured_at: datetime
    watermark_ms: int
    previous: Previous
    project: ProjectIdentity | None = None
    site_snapshot: int | None = None
    units: BroughtUnits = field(default_factory=BroughtUnits)
    removed: set[UnitKey] = field(default_factory=set)
    copied: set[UnitKey] = field(default_factory=set)
    packs: dict[str, PackRef] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    ledger: list[LedgerLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unresolved: dict[str, str] = field(default_factory=dict)
    disappeared: dict[str, Disappearance] = field(default_factory=dict)
    property_keys: set[str] | None = None
    field_witnesses: tuple[str, ...] = ()
    worklog_feed: WorklogFeed | None = None
    is_doubtful: bool = False
    written_bytes: int = 0
    changed_units: int = 0
    reused_units: int = 0

    def live_units(self) -> Iterator[UnitRef]:
        """Give the units of the snapshot: what is kept of the one before, then what this capture brought."""
        for ref in self.previous.units():
            key = (ref.kind, ref.id)
            if key not in self.units and key not in self.removed:
                yield ref
        yield from self.units

    def reuse(self, refs: UnitRefs) -> None:
        """Take over units from packs that a dead run left."""
        self.units.add(refs)
        self.reused_units += len(refs)

    def take_copies(self, closed: ClosedPack) -> None:
        """Name a new pack's copies instead of the units that they were made of."""
        self.packs[closed.ref.pack] = closed.ref
        self.written_bytes += closed.written_bytes
        self.units.add(closed.units)
        self.copied.update((ref.kind, ref.id) for ref in closed.units)

    def drop_copies(self) -> None:
        """Forget the copies: what they were made of may have been replaced by another writer."""
        self.units.drop(self.copied)
        self.copied.clear()

    def live_count(self, kind: str) -> int:
        """Count the live units of a kind."""
        return Counter(ref.kind for ref in self.live_units())[kind]


class Packing:
    """Puts a capture's units into packs, one open at a time, opened only when there is something to store."""

    def __init__(self, repository: Repository, draft: Draft) -> None:
        self._repository = repository
        self._draft = draft
        self._pack: PackWriter | None = None
        self._opening = Lock()
        self._gaps_closed = 0

    def add(self, kind: str, record_id: str, updated_ms: int, records: Sequence[Record]) -> None:
        """Store a unit, unless the snapshot before holds it with the same content already."""
        digest = unit_digest(records)
        before = self._draft.previous.find(kind, record_id)
        if before is not None and before.digest == digest and before.updated_ms == updated_ms:
            return
        self._open().add(StoredUnit(kind, record_id, updated_ms, digest, tuple(records)))

    def put_blob(self, stream: BinaryIO) -> BlobRef:
        """Store the bytes of an attachment in the open pack; called from several threads."""
        return self._open().put_blob(stream)

    def close(self) -> None:
        """Close the open pack, if any: from here on its units outlive a crash of this run."""
        if self._pack is None:
            return
        gaps = self._draft.gaps[self._gaps_closed :]
        closed = self._pack.close(gaps=gaps)
        self._pack, self._gaps_closed = None, len(self._draft.gaps)
        if closed is None:
            return
        self._draft.packs[closed.ref.pack] = closed.ref
        self._draft.written_bytes += closed.written_bytes
        self._draft.changed_units += len(closed.units)
        self._draft.units.add(closed.units)

    def _open(self) -> PackWriter:
        # Downloads come from several threads: two of them must not each open a pack.
        with self._opening:
            if self._pack is None:
                draft = self._draft
                self._pack = self._repository.start_pack(
                    draft.scope, run=draft.run, watermark_ms=draft.watermark_ms
                )
            return self._pack
