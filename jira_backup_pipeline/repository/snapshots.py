"""Snapshots: the manifests of a scope, the chain they form, and the one create-only put that commits.

What belongs here: listing and loading manifests with every check, the draft that the engine hands in, the commit, and
the proof of the chain and of the heads that the site manifest remembers.

What stays out: what a manifest says (`domain.manifest`), the index file (`index`), packs (`packs`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import AlreadyExists, ConcurrentWriter, IntegrityError, NotFound
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Head, Manifest, SnapshotState
from jira_backup_pipeline.repository.damage import damaged, lost
from jira_backup_pipeline.repository.documents import seal_document
from jira_backup_pipeline.repository.layout import (
    SNAPSHOT_PREFIX,
    parse_snapshot,
    snapshot_key,
    snapshots_prefix,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from jira_backup_pipeline.domain.disappearances import Disappearance
    from jira_backup_pipeline.domain.manifest import Gap, LedgerLine, ObjectRef, PackRef, ProjectIdentity
    from jira_backup_pipeline.domain.worklog_feed import WorklogFeed
    from jira_backup_pipeline.repository.founding import Founding
    from jira_backup_pipeline.repository.keyring import Keyring
    from jira_backup_pipeline.store.contract import Store, StoredObject

_HEX_SHA256 = 64


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """A stored manifest that was not opened yet."""

    number: int
    object: StoredObject


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """What the engine knows of a snapshot before it is committed.

    `expected_parent` is the number of the snapshot after which this one comes (None for the first). `packs` may hold what is
    known of packs already; the commit looks the others up. `heads`, where none are given, number, digests and counts are
    filled in by the commit.
    """

    scope: str
    run: str
    state: SnapshotState
    captured_at: datetime
    watermark_ms: int
    ledger: tuple[LedgerLine, ...] = ()
    gaps: tuple[Gap, ...] = ()
    project: ProjectIdentity | None = None
    site_snapshot: int | None = None
    heads: Mapping[str, Head] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)
    disappeared: Mapping[str, Disappearance] = field(default_factory=dict)
    property_keys: tuple[str, ...] | None = None
    field_witnesses: tuple[str, ...] = ()
    worklog_feed: WorklogFeed | None = None
    notes: tuple[str, ...] = ()
    packs: Mapping[str, PackRef] = field(default_factory=dict)
    expected_parent: int | None = None


class HeadMoved(ConcurrentWriter):
    """Another writer committed the scope first; `head` is its manifest, on which the units can be rebased."""

    def __init__(self, message: str, *, hint: str, head: Manifest | None = None) -> None:
        super().__init__(message, hint=hint)
        self.head = head

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with the head."""
        return _rebuild_moved, (self.message, self.hint, self.head)


def _rebuild_moved(message: str, hint: str, head: Manifest | None) -> HeadMoved:
    return HeadMoved(message, hint=hint, head=head)


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """Something wrong with the chain of a scope: which object, and what."""

    key: str
    problem: str


class Snapshots:
    """The manifests of a repository."""

    def __init__(self, store: Store, founding: Callable[[], Founding], keyring: Keyring) -> None:
        self._store = store
        self._founding = founding
        self._keyring = keyring
        self._site_heads: tuple[int, Mapping[str, Head]] | None = None

    def scopes(self) -> list[str]:
        """Give every scope that has a snapshot, in order."""
        found = (parse_snapshot(stored.key) for stored in self._store.list(SNAPSHOT_PREFIX))
        return sorted({name[0] for name in found if name is not None})

    def entries(self, scope: str) -> list[SnapshotEntry]:
        """Give the stored manifests of a scope, oldest first."""
        listed = (
            (parse_snapshot(stored.key), stored) for stored in self._store.list(snapshots_prefix(scope))
        )
        return [SnapshotEntry(name[1], stored) for name, stored in listed if name is not None]

    def load(self, scope: str, number: int) -> Manifest:
        """Open a manifest and prove signature, name, site and the digest of its parent where that is still stored.

        Raises:
            NotFound: there is no such snapshot.
            IntegrityError: it is damaged, replaced, or does not continue its parent.
            UnsupportedFormat: a newer version wrote it.
        """
        manifest, _ = self.load_with_ref(scope, number)
        self._check_parent(manifest)
        return manifest

    def load_with_ref(self, scope: str, number: int) -> tuple[Manifest, ObjectRef]:
        """Open a manifest without looking at its parent; gives it with the reference of its object."""
        key = snapshot_key(scope, number)
        self._store.head(key)
        opened = self._keyring.fetch(scope, key)
        try:
            manifest = Manifest.from_json(opened.payload)
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(key, f"a member is missing or garbled in it ({error})") from error
        if (manifest.scope, manifest.number, manifest.repository_id) != (
            scope,
            number,
            self._founding().repository_id,
        ):
            raise damaged(key, "it belongs to another snapshot")
        if self._founding().cloud_id is not None and manifest.cloud_id != self._founding().cloud_id:
            raise damaged(key, "it belongs to another Jira site")
        return manifest, opened.ref

    def stored_sha256(self, scope: str, number: int) -> str | None:
        """Give the sha256 of a stored manifest's bytes; None when it is not there."""
        try:
            return hashlib.sha256(self._store.get(snapshot_key(scope, number))).hexdigest()
        except NotFound:
            return None

    def newest_number(self, scope: str) -> int | None:
        """Give the highest number of a scope; None when it has no snapshot."""
        entries = self.entries(scope)
        return entries[-1].number if entries else None

    def head(self, scope: str) -> Head | None:
        """Give number and digest of the newest snapshot of a scope."""
        number = self.newest_number(scope)
        digest = None if number is None else self.stored_sha256(scope, number)
        return None if number is None or digest is None else Head(number, digest)

    def heads(self) -> dict[str, Head]:
        """Give the heads of all project scopes: what a site manifest remembers."""
        found = {scope: self.head(scope) for scope in self.scopes() if scope != SITE_SCOPE}
        return {scope: head for scope, head in found.items() if head is not None}

    def check_not_rolled_back(self, scope: str) -> None:
        """Prove that the newest snapshots which the site manifest saw are still there.

        Raises:
            IntegrityError: snapshots were taken away or replaced.
        """
        remembered = self._remembered_heads().get(scope)
        if remembered is None:
            return
        found = self.stored_sha256(scope, remembered.number)
        if found is None:
            raise lost(snapshot_key(scope, remembered.number))
        if found != remembered.stored_sha256:
            raise damaged(
                snapshot_key(scope, remembered.number), "it is not the one that the site snapshot saw"
            )

    def commit(self, manifest: Manifest) -> None:
        """Store a manifest create-only: when this returns, the snapshot exists.

        Raises:
            HeadMoved: another writer was first; nothing changed.
        """
        key = snapshot_key(manifest.scope, manifest.number)
        keys = self._keyring.of(manifest.scope)
        sealed = seal_document(
            key,
            manifest.to_json(),
            recipients=[keys.current.blob_recipient],
            signer=self._founding().signer,
        )
        try:
            self._store.put_new(key, sealed.sealed, sha256=bytes.fromhex(sealed.ref.stored_sha256))
        except AlreadyExists as error:
            # The answer to our own put may have been lost and the put repeated.
            if self._store.get(key) != sealed.sealed:
                raise self.moved(manifest.scope) from error
        self.load_with_ref(manifest.scope, manifest.number)

    def moved(self, scope: str) -> HeadMoved:
        """Make the error that says who was first."""
        number = self.newest_number(scope)
        head = None if number is None else self.load_with_ref(scope, number)[0]
        message = f"another writer committed snapshot {number} of {scope} first"
        return HeadMoved(
            message,
            hint="Run the backup again; what was stored is used then. Keep one writer per project.",
            head=head,
        )

    def chain_findings(self, scope: str, *, removed: Collection[int] = ()) -> Iterator[ChainFinding]:
        """Prove a scope's chain and head: no manifest is missing, altered, added or rolled back.

        `removed` are the numbers that retention is known to have taken away.
        """
        entries = self.entries(scope)
        stored = {entry.number for entry in entries}
        for number in range(1, max(stored, default=0)):
            if number not in stored and number not in removed:
                yield ChainFinding(
                    snapshot_key(scope, number), "is missing although later snapshots rest on it"
                )
        previous: tuple[int, str] | None = None
        for entry in entries:
            try:
                manifest, ref = self.load_with_ref(scope, entry.number)
            except (IntegrityError, NotFound) as error:
                yield ChainFinding(entry.object.key, error.message)
                previous = None
                continue
            if manifest.parent != (entry.number - 1 or None):
                yield ChainFinding(entry.object.key, f"names {manifest.parent} as its parent")
            if (
                previous is not None
                and previous[0] == manifest.parent
                and previous[1] != manifest.parent_sha256
            ):
                yield ChainFinding(entry.object.key, "does not continue the snapshot before it")
            previous = (entry.number, ref.stored_sha256)
            yield from self._site_finding(manifest)
        yield from self._head_findings(scope)

    def _site_finding(self, manifest: Manifest) -> Iterator[ChainFinding]:
        number = manifest.site_snapshot
        if number is not None and self.stored_sha256(SITE_SCOPE, number) is None:
            yield ChainFinding(
                snapshot_key(SITE_SCOPE, number),
                f"is gone although snapshot {manifest.number} of {manifest.scope} names it",
            )

    def _head_findings(self, scope: str) -> Iterator[ChainFinding]:
        try:
            self.check_not_rolled_back(scope)
        except IntegrityError as error:
            yield ChainFinding(snapshots_prefix(scope), error.message)

    def remembered_scopes(self) -> list[str]:
        """Give the scopes whose heads the newest site manifest remembers; none where that manifest is damaged.

        The damage itself is found where the site scope is checked.
        """
        try:
            return sorted(self._remembered_heads())
        except IntegrityError:
            return []

    def _remembered_heads(self) -> Mapping[str, Head]:
        newest = self.newest_number(SITE_SCOPE)
        if newest is None:
            return {}
        if self._site_heads is None or self._site_heads[0] != newest:
            self._site_heads = (newest, self.load_with_ref(SITE_SCOPE, newest)[0].heads)
        return self._site_heads[1]

    def _check_parent(self, manifest: Manifest) -> None:
        key = snapshot_key(manifest.scope, manifest.number)
        if manifest.parent is None:
            if manifest.number != 1:
                raise damaged(key, "it names no parent")
            return
        if manifest.parent != manifest.number - 1 or len(manifest.parent_sha256 or "") != _HEX_SHA256:
            raise damaged(key, "it does not name its parent")
        found = self.stored_sha256(manifest.scope, manifest.parent)
        if found is not None and found != manifest.parent_sha256:
            raise damaged(snapshot_key(manifest.scope, manifest.parent), "its successor knew it otherwise")


def draft_to_manifest(draft: ManifestDraft, **filled: Any) -> Manifest:  # noqa: ANN401 - the members of Manifest
    """Complete a draft."""
    return Manifest(
        scope=draft.scope,
        parent=draft.expected_parent,
        run=draft.run,
        state=draft.state,
        captured_at=draft.captured_at,
        watermark_ms=draft.watermark_ms,
        ledger=draft.ledger,
        gaps=draft.gaps,
        project=draft.project,
        site_snapshot=draft.site_snapshot,
        unresolved=draft.unresolved,
        disappeared=draft.disappeared,
        property_keys=draft.property_keys,
        field_witnesses=draft.field_witnesses,
        worklog_feed=draft.worklog_feed,
        notes=draft.notes,
        **filled,
    )
