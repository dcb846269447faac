"""What a capture builds on: the snapshot before it and the packs of runs that died.

What belongs here: loading that state once, and the questions a capture asks of it.

What stays out: deciding what to read (`changes`) and the snapshot in the making (`draft`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import IntegrityError
from jira_backup_pipeline.domain.history import names_remote_link
from jira_backup_pipeline.domain.kinds import BY_NAME, Level
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.domain.readings import StoredLinks
from jira_backup_pipeline.domain.times import to_epoch_ms
from jira_backup_pipeline.engine.capture.ledger import FileBytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jira_backup_pipeline.domain.manifest import Gap, Manifest, PackRef
    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.repository.index import Index
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.repository.tables.reading import TableReader

# Other projects whose property keys a first reading looks up: each costs two reads of the store.
_SIBLINGS = 8
_BLOB_COLUMNS = ("blob", "blob_size_bytes", "blob_sha256", "media_id")


@dataclass(frozen=True, slots=True)
class Previous:
    """The state a capture starts from.

    Attributes:
        newest: the newest snapshot of any state; the next one is its child.
        manifest: the newest snapshot that is not doubtful; the next one builds on its content.
        index: the live units of `manifest`.
        packs: every pack that a unit may lie in, by its id.
        fresh: units of closed packs that no snapshot holds, left by a run that died, by (kind, id).
        fresh_watermark_ms: Jira's clock when the oldest of those packs was begun.
        gaps: what of the stored and the fresh units could not be read.
    """

    newest: Manifest | None = None
    manifest: Manifest | None = None
    index: Index | None = None
    packs: Mapping[str, PackRef] = field(default_factory=dict)
    fresh: Mapping[tuple[str, str], UnitRef] = field(default_factory=dict)
    fresh_watermark_ms: int | None = None
    gaps: tuple[Gap, ...] = ()

    def units(self) -> Iterator[UnitRef]:
        """Give the live units of the snapshot before."""
        return iter(()) if self.index is None else iter(self.index)

    def find(self, kind: str, record_id: str) -> UnitRef | None:
        """Give a live unit of the snapshot before, or None."""
        return None if self.index is None else self.index.get(kind, record_id)

    def ids(self, kind: str) -> set[str]:
        """Give the ids of the live units of a kind in the snapshot before."""
        return set() if self.index is None else set(self.index.ids(kind))

    def stored_issues(self) -> dict[str, int]:
        """Give `updated` (epoch milliseconds) of the live issues by id."""
        return {} if self.index is None else dict(self.index.updated_ms("issue"))

    def changed_while_read(self) -> list[str]:
        """Give the stored issues that changed after the run that read them began.

        An issue's parts are asked for one after the other, so these may be torn: a new body with a history from before the
        change. Nothing would ever tell, because the body's `updated` is the new one.
        """
        if self.manifest is None:
            return []
        return [i for i, at in self.stored_issues().items() if at > self.manifest.watermark_ms]

    def fresh_issues(self) -> dict[str, int]:
        """Give `updated` (epoch milliseconds) of the issues in packs of a dead run by id."""
        return {ref.id: ref.updated_ms for (kind, _), ref in self.fresh.items() if kind == "issue"}

    def changed_since_ms(self, *, is_full: bool) -> int | None:
        """Give the moment from which changes matter, or None when nothing stored is going to be trusted."""
        marks = [] if self.fresh_watermark_ms is None else [self.fresh_watermark_ms]
        if self.manifest is not None and not is_full:
            marks.append(self.manifest.watermark_ms)
        return min(marks, default=None)

    def known_blobs(
        self, repository: Repository, issue_ids: Collection[str]
    ) -> dict[str, Mapping[str, object]]:
        """Give the blob columns by attachment id of what is stored for these issues."""
        if self.manifest is None or not self.manifest.counts.get("attachments") or not issue_ids:
            return {}
        table = repository.tables(self.manifest, packs=self._packs_of(issue_ids))["attachments"]
        known: dict[str, Mapping[str, object]] = {}
        for batch in table.to_batches(columns=["id", "issue_id", *_BLOB_COLUMNS], of=issue_ids):
            for row in batch.to_pylist():
                if row["blob"] is not None:
                    known[row["id"]] = {name: row[name] for name in _BLOB_COLUMNS}
        return known

    def identities(
        self, repository: Repository, issue_ids: Collection[str]
    ) -> dict[str, tuple[str | None, str | None]]:
        """Give key and name of the security level by issue id, as these issues are stored."""
        if self.manifest is None:
            return {}
        table = repository.tables(self.manifest, packs=self._packs_of(issue_ids))["issues"]
        return {
            row["id"]: (row["key"], row["security_level"])
            for batch in table.to_batches(columns=["id", "key", "security_level"], of=issue_ids)
            for row in batch.to_pylist()
        }

    def _packs_of(self, issue_ids: Collection[str]) -> set[str]:
        """Give the packs that these issues lie in: a delta need not open what holds none of them."""
        found = (self.find("issue", issue_id) for issue_id in issue_ids)
        return {ref.pack for ref in found if ref is not None}

    def file_bytes(self, repository: Repository, issue_ids: Collection[str]) -> FileBytes:
        """Sum the bytes of the attachments of these issues, as declared and as stored."""
        wanted = {i for i in issue_ids if (ref := self.find("issue", i)) and ref.counts.get("attachment")}
        total = FileBytes()
        if self.manifest is None or not wanted:
            return total
        table = repository.tables(self.manifest, packs=self._packs_of(wanted))["attachments"]
        for batch in table.to_batches(columns=["issue_id", "size_bytes", "blob_size_bytes"]):
            for row in batch.to_pylist():
                if row["issue_id"] in wanted:
                    total += FileBytes.of(row["size_bytes"], row["blob_size_bytes"])
        return total

    def property_keys(self, repository: Repository) -> list[str]:
        """Give the keys of the issue properties that are stored."""
        if self.manifest is None:
            return []
        if self.manifest.property_keys is not None:
            return list(self.manifest.property_keys)
        if not self.manifest.counts.get("issue_properties"):
            return []
        keys: set[str] = set()
        for batch in repository.tables(self.manifest)["issue_properties"].to_batches(columns=["id"]):
            keys.update(batch.column("id").unique().to_pylist())
        return sorted(keys)

    def worklogs(self, repository: Repository, issue_ids: Collection[str]) -> dict[str, int]:
        """Give `updated` (epoch milliseconds) of the stored worklogs of these issues by id."""
        if self.manifest is None or not issue_ids:
            return {}
        wanted = set(issue_ids)
        table = repository.tables(self.manifest, packs=self._packs_of(wanted))["worklogs"]
        return {
            row["id"]: to_epoch_ms(row["updated"])
            for batch in table.to_batches(columns=["id", "issue_id", "updated"])
            for row in batch.to_pylist()
            if row["issue_id"] in wanted and row["updated"] is not None
        }

    def issues_of_worklogs(self, repository: Repository, worklog_ids: Collection[str]) -> set[str]:
        """Give the issues on which these worklogs are stored."""
        if self.manifest is None or not worklog_ids or not self.manifest.counts.get("worklogs"):
            return set()
        wanted = set(worklog_ids)
        return {
            row["issue_id"]
            for batch in repository.tables(self.manifest)["worklogs"].to_batches(columns=["id", "issue_id"])
            for row in batch.to_pylist()
            if row["id"] in wanted
        }

    def people(self, repository: Repository, issue_ids: Collection[str]) -> dict[str, dict[str, list[bytes]]]:
        """Give who is stored as watching and voting: by kind and issue id, as the exact bytes of their user objects."""
        if self.manifest is None or not issue_ids:
            return {}
        tables = repository.tables(self.manifest, packs=self._packs_of(issue_ids))
        return {kind: _raws_in(tables[BY_NAME[kind].table], issue_ids) for kind in ("watcher", "vote")}

    def remote_links(self, repository: Repository, issue_ids: Collection[str]) -> dict[str, StoredLinks]:
        """Give the stored remote links by issue id, with the history entries by which they were known."""
        if self.manifest is None or not issue_ids:
            return {}
        tables = repository.tables(self.manifest, packs=self._packs_of(issue_ids))
        entries: dict[str, set[str]] = {}
        columns = ["id", "issue_id", "fields", "field_ids"]
        for batch in tables["changelog"].to_batches(columns, of=issue_ids):
            for row in batch.to_pylist():
                if names_remote_link([*row["fields"], *row["field_ids"]]):
                    entries.setdefault(row["issue_id"], set()).add(row["id"])
        links = _raws_in(tables["remote_links"], issue_ids)
        return {
            issue_id: StoredLinks(tuple(links.get(issue_id, ())), frozenset(entries.get(issue_id, ())))
            for issue_id in entries.keys() | links.keys()
        }


def _raws_in(table: TableReader, issue_ids: Collection[str]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for record in table.records(of=issue_ids):
        found.setdefault(str(record.issue_id), []).append(record.raw)
    return found


def keys_of_siblings(repository: Repository, scope: str) -> list[str]:
    """Give the keys of issue properties that a few other projects of the site have: apps serve whole sites."""
    others = [name for name in repository.scopes() if name not in (scope, SITE_SCOPE)]
    chosen = others[:: max(1, len(others) // _SIBLINGS)][:_SIBLINGS]
    return sorted({key for name in chosen for key in _keys_of(repository, name)})


def _keys_of(repository: Repository, scope: str) -> tuple[str, ...]:
    try:
        manifest = repository.latest(scope)
    except IntegrityError:
        # Damage of another project is no reason to fail this one; `verify` and that project's own runs tell of it.
        return ()
    return manifest.property_keys or () if manifest else ()


def load_previous(repository: Repository, scope: str) -> Previous:
    """Load the state that the next capture of a scope builds on."""
    newest = repository.latest(scope, include_doubtful=True)
    manifest = repository.latest(scope)
    watermark_ms = manifest.watermark_ms if manifest else 0
    packs = {pack.pack: pack for pack in manifest.packs} if manifest else {}
    committed = {pack.pack for pack in newest.packs} if newest else set()
    leftovers = sorted(
        (
            left
            for left in repository.closed_packs(scope, not_in=packs.keys() | committed)
            # Older ones belong to snapshots that are gone or were overtaken: what they hold is stored anew already.
            if left.watermark_ms > watermark_ms
        ),
        key=lambda left: left.watermark_ms,
    )
    fresh = {
        (ref.kind, ref.id): ref
        for left in leftovers
        for ref in left.units
        # What changed while the dead run read it may be torn (`Previous.changed_while_read`).
        if ref.updated_ms <= left.watermark_ms
    }
    gaps = tuple(manifest.gaps if manifest else ()) + tuple(gap for left in leftovers for gap in left.gaps)
    return Previous(
        newest=newest,
        manifest=manifest,
        index=repository.read_index(manifest) if manifest else None,
        packs={**packs, **{left.ref.pack: left.ref for left in leftovers}},
        fresh=fresh,
        fresh_watermark_ms=min((left.watermark_ms for left in leftovers), default=None),
        gaps=gaps,
    )


def is_of_issues(gap: Gap) -> bool:
    """Tell whether a gap is about issues (they are kept between runs) rather than about listings (asked each run)."""
    kind = BY_NAME.get(gap.kind)
    return kind is not None and kind.level is Level.ISSUE


def active_people(repository: Repository) -> list[str]:
    """Give the account ids of active people as the newest site snapshot knows them."""
    site = repository.latest(SITE_SCOPE)
    if site is None or not site.counts.get("people"):
        return []
    rows = repository.tables(site)["people"].to_arrow(columns=["id", "is_active"]).to_pylist()
    return [row["id"] for row in rows if row["is_active"]]
