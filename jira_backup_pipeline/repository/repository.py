"""The facade of the room: one repository, opened, with everything the engine may ask of it.

What belongs here: the wiring of keyring, packs, index, snapshots and tables, and the order of a commit.

What stays out: each of these things' own rules (their modules), and what to capture, verify or restore (`engine`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from jira_backup_pipeline.domain.errors import IntegrityError, NotFound, UnknownName
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, PackRef, project_scope
from jira_backup_pipeline.repository.blobs import StoredBlob, open_blob
from jira_backup_pipeline.repository.checking import ObjectCheck, Role, VerifyLevel
from jira_backup_pipeline.repository.commits import commit_snapshot
from jira_backup_pipeline.repository.damage import damaged
from jira_backup_pipeline.repository.documents import seal_document
from jira_backup_pipeline.repository.founding import (
    Founding,
    bind,
    change_recipients,
    found_repository,
    open_founding,
)
from jira_backup_pipeline.repository.identity import Identity, read_identity
from jira_backup_pipeline.repository.index import Index, read_units
from jira_backup_pipeline.repository.keyring import Keyring, Recipient
from jira_backup_pipeline.repository.layout import (
    blob_key,
    check_scope,
    document_key,
    parse_index,
    parse_keyring,
    parse_table,
)
from jira_backup_pipeline.repository.memory import keep_large_blocks_apart
from jira_backup_pipeline.repository.packs import ClosedPack, PackWriter
from jira_backup_pipeline.repository.receipts import Receipts, reporting
from jira_backup_pipeline.repository.snapshots import (
    ChainFinding,
    ManifestDraft,
    SnapshotEntry,
    Snapshots,
)
from jira_backup_pipeline.repository.table_set import TableSet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.manifest import Head, Manifest, ObjectRef
    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.repository.identity import Anchor
    from jira_backup_pipeline.store.contract import Store

__all__ = ["Repository", "TableSet", "create_repository", "open_repository"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_repository(
    store: Store,
    *,
    operator: Identity | str,
    recovery_recipient: str,
    cloud_id: str | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> Repository:
    """Create a repository in an empty store.

    Args:
        store: where it will live.
        operator: the operator's identity, or only its public recipient.
        recovery_recipient: the public recipient of the identity that is kept offline.
        cloud_id: the site it belongs to; None leaves that to the first capture (`bind_site`).
        clock: gives the time that documents carry, aware.

    Raises:
        AlreadyExists: there is a repository already; it was not touched.
    """
    recipient = operator if isinstance(operator, str) else operator.recipient
    founding = found_repository(
        store,
        recipients=[Recipient("operator", recipient), Recipient("recovery", recovery_recipient)],
        cloud_id=cloud_id,
        now=clock(),
    )
    identities = [] if isinstance(operator, str) else [operator.secret]
    return Repository(store, founding, identities=identities, clock=clock)


def open_repository(
    store: Store, *, identity_text: str, clock: Callable[[], datetime] = _utc_now
) -> Repository:
    """Open a repository with the content of an identity file.

    Raises:
        ConfigurationError: there is no repository, or the text holds no identity.
        AccessDenied: the identity is not among the recipients.
        IntegrityError: a founding document is damaged or not signed by whom the identity file trusts.
        UnsupportedFormat: a newer version wrote it.
    """
    identity = read_identity(identity_text)
    return Repository(store, open_founding(store, identity), identities=[identity.secret], clock=clock)


class Repository:
    """One repository. Safe for several threads; a pack writer belongs to one of them."""

    def __init__(
        self,
        store: Store,
        founding: Founding,
        *,
        identities: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        keep_large_blocks_apart()
        self._store = store
        self._founding = founding
        self._clock = clock
        self._keyring = Keyring(
            store,
            signer=founding.signer,
            recipients=lambda: self._founding.recipients,
            identities=identities,
            clock=clock,
        )
        self._snapshots = Snapshots(store, lambda: self._founding, self._keyring)
        self._check = ObjectCheck(store, self._keyring)
        self._receipts = Receipts(store, keyring=self._keyring, snapshots=self._snapshots)

    # What it is

    @property
    def store(self) -> Store:
        """Give the store it lives in."""
        return self._store

    @property
    def repository_id(self) -> str:
        """Give the id that was drawn when it was created."""
        return self._founding.repository_id

    @property
    def cloud_id(self) -> str | None:
        """Give the id of the one Jira site it belongs to; None before the first capture."""
        return self._founding.cloud_id

    @property
    def anchor(self) -> Anchor:
        """Give the line of trust that belongs into identity files (`Anchor.to_line`, `Identity.to_text`)."""
        return self._founding.anchor

    def bind_site(self, cloud_id: str, base_url: str = "") -> None:
        """Bind the repository to a Jira site, or prove that it belongs to it.

        Raises:
            Refused: it belongs to another site.
        """
        bound = bind(self._store, self._founding, cloud_id, base_url=base_url, now=self._clock())
        self._founding = replace(self._founding, cloud_id=bound)

    # Snapshots

    def scopes(self) -> list[str]:
        """Give every scope that has a snapshot, in order."""
        return self._snapshots.scopes()

    def remembered_scopes(self) -> list[str]:
        """Give every project scope that had a snapshot when the newest site snapshot was committed."""
        return self._snapshots.remembered_scopes()

    def snapshots(self, scope: str) -> list[SnapshotEntry]:
        """Give the snapshots of a scope, oldest first, unopened."""
        return self._snapshots.entries(check_scope(scope))

    def snapshot_numbers(self, scope: str) -> list[int]:
        """Give the numbers of a scope's snapshots, ascending."""
        return [entry.number for entry in self.snapshots(scope)]

    def head(self, scope: str) -> Head | None:
        """Give number and stored digest of the newest snapshot of a scope; None when it has none."""
        return self._snapshots.head(check_scope(scope))

    def load(self, scope: str, number: int) -> Manifest:
        """Open a snapshot's manifest with every check.

        Raises:
            UnknownName: there is no such snapshot.
            IntegrityError: it is damaged, replaced, or does not continue its parent.
        """
        try:
            return self._snapshots.load(check_scope(scope), number)
        except NotFound as error:
            numbers = [entry.number for entry in self._snapshots.entries(scope)]
            known = f"It has {numbers[0]} to {numbers[-1]}." if numbers else "It has none yet; run a backup."
            message = f"{scope} has no snapshot {number}"
            raise UnknownName(message, hint=known) from error

    def latest(
        self, scope: str, as_of: datetime | None = None, *, include_doubtful: bool = False
    ) -> Manifest | None:
        """Give the newest snapshot whose capture began at or before `as_of`; None when there is none.

        Doubtful snapshots are passed over unless asked for.

        Raises:
            IntegrityError: a manifest is damaged, or the newest ones were taken away (the site snapshot knows them).
        """
        self._snapshots.check_not_rolled_back(check_scope(scope))
        for entry in reversed(self._snapshots.entries(scope)):
            manifest = self._snapshots.load(scope, entry.number)
            if as_of is not None and manifest.captured_at > as_of:
                continue
            if include_doubtful or manifest.is_restorable_by_default:
                return manifest
        return None

    def find_scope(self, name: str) -> str:
        """Find a scope by `site`, scope name, numeric project id, present key, or a key the project once had.

        Raises:
            UnknownName: no snapshot knows the name, or several projects do.
        """
        scopes = self.scopes()
        for scope in (name, project_scope(name)):
            if scope in scopes:
                return scope
        present: list[str] = []
        former: list[str] = []
        known: list[str] = []
        for scope in scopes:
            manifest = None if scope == SITE_SCOPE else self.latest(scope, include_doubtful=True)
            if manifest is None or manifest.project is None:
                continue
            known.append(manifest.project.key)
            if manifest.project.key.upper() == name.upper():
                present.append(scope)
            elif name.upper() in {key.upper() for key in manifest.project.former_keys}:
                former.append(scope)
        found = present or former
        if len(found) == 1:
            return found[0]
        if found:
            message = f"{name!r} names several projects: {', '.join(found)}"
            raise UnknownName(message, hint="Give the numeric project id instead of the key.")
        message = f"no snapshot of a project {name!r} in this repository"
        raise UnknownName(
            message, hint=f"Known here: {', '.join(sorted(known)) or 'no project yet; run a backup'}."
        )

    def chain_findings(self, scope: str) -> Iterator[ChainFinding]:
        """Prove that no manifest of a scope is missing, altered, added or rolled back; gives what is wrong."""
        return self._snapshots.chain_findings(check_scope(scope), removed=self.removed_snapshots(scope))

    def removed_snapshots(self, scope: str) -> set[int]:
        """Give the numbers of the snapshots that signed removal records say retention took away."""
        removed: set[int] = set()
        for name in self.list_documents("removals"):
            payload = self.get_document("removals", name)
            if payload.get("scope") == scope:
                removed |= set(payload.get("snapshots", ()))
        return removed

    # Writing

    def start_pack(self, scope: str, *, run: str, watermark_ms: int) -> PackWriter:
        """Begin a pack in a scope, making the scope's keys where it has none.

        `watermark_ms` is Jira's clock, in epoch milliseconds, when the capture began.
        """
        return PackWriter(
            self._store,
            keys=self._keyring.for_writing(check_scope(scope)),
            signer=self._founding.signer,
            now=self._clock,
            run=run,
            watermark_ms=watermark_ms,
            find_blob=lambda name: self._receipts.known_blob(scope, name),
        )

    def closed_packs(
        self,
        scope: str,
        *,
        not_in: Collection[str] = (),
        on_damage: Callable[[IntegrityError], None] | None = None,
    ) -> Iterator[ClosedPack]:
        """Give the packs of a scope that have a receipt and are not among `not_in`, oldest first, with their units.

        A damaged one is told to `on_damage` and passed over; without `on_damage` it is raised.
        """
        return self._receipts.closed_packs(check_scope(scope), not_in=not_in, on_damage=on_damage)

    def commit(self, draft: ManifestDraft, units: Iterable[UnitRef]) -> Manifest:
        """Store the index, prove it, then store the manifest create-only; when this returns the snapshot exists.

        Raises:
            HeadMoved: the scope's newest snapshot is not the draft's parent; its `head` is the new one.
            ConfigurationError: the repository is not bound to a site yet.
            IntegrityError: a pack that the units name has no receipt, or something does not read back.
        """
        check_scope(draft.scope)
        return commit_snapshot(
            draft,
            units,
            store=self._store,
            founding=self._founding,
            keyring=self._keyring,
            snapshots=self._snapshots,
            receipts=self._receipts,
            now=self._clock,
        )

    # Reading

    def read_index(self, manifest: Manifest) -> Index:
        """Read the live units of a snapshot, proven against the manifest."""
        name = parse_index(manifest.index.key)
        if name is None or name[0] != manifest.scope:
            raise damaged(manifest.index.key, "it is not the name of an index of this scope")
        return read_units(
            self._store, manifest.index, self._keyring.epoch_keys(manifest.scope, name[1]).table_key
        )

    def tables(self, manifest: Manifest, *, packs: Collection[str] | None = None) -> TableSet:
        """Give the tables of a snapshot, or what of them lies in some packs; files are downloaded when they are first read."""
        return TableSet(
            self._store,
            manifest,
            index=self.read_index(manifest),
            receipts=[
                (pack, self._receipts.of(manifest.scope, pack))
                for pack in manifest.packs
                if packs is None or pack.pack in packs
            ],
            table_key=lambda epoch: self._keyring.epoch_keys(manifest.scope, epoch).table_key,
        )

    def open_blob(self, scope: str, name: str) -> BinaryIO:
        """Open an attachment's bytes; all of it is decrypted and proven before the first byte is given.

        Raises:
            IntegrityError: it is gone, damaged, or not the content of its name.
        """
        key = blob_key(check_scope(scope), name)
        return self._keyring.opening(scope, key, lambda keys: open_blob(self._store, keys, name))

    # Proof

    def objects_of(
        self, manifest: Manifest, *, on_damage: Callable[[IntegrityError], None] | None = None
    ) -> Iterator[tuple[ObjectRef, Role]]:
        """Give every object that a snapshot rests on, each once: keyring, manifest, index, receipts, units, tables, blobs.

        A receipt or keyring entry that cannot be opened is told to `on_damage`, and what it names is left out; without
        `on_damage` it is raised.
        """
        for key in self._keyring.entries(manifest.scope):
            with reporting(on_damage):
                yield self._keyring.open_entry(manifest.scope, key).ref, Role.KEYRING
        with reporting(on_damage):
            yield self._snapshots.load_with_ref(manifest.scope, manifest.number)[1], Role.MANIFEST
        yield manifest.index, Role.INDEX
        blobs: dict[str, StoredBlob] = {}
        for pack in manifest.packs:
            yield pack.receipt, Role.RECEIPT
            with reporting(on_damage):
                receipt = self._receipts.of(manifest.scope, pack)
                yield receipt.units, Role.UNITS
                for part in receipt.tables:
                    yield part.ref, Role.TABLE
                blobs |= {blob.ref.key: blob for blob in receipt.blobs}
        for blob in blobs.values():
            yield blob.ref, Role.BLOB

    def pack_objects(self, scope: str, pack: PackRef) -> Iterator[ObjectRef]:
        """Give every object that a pack's receipt names.

        Raises:
            IntegrityError: the receipt is gone, damaged, or not the one that the snapshot names.
        """
        receipt = self._receipts.of(check_scope(scope), pack)
        yield receipt.units
        yield from (part.ref for part in receipt.tables)
        yield from (blob.ref for blob in receipt.blobs)

    def check_object(self, scope: str, ref: ObjectRef, level: VerifyLevel | str) -> int:
        """Prove one object of a scope at a level (`list`, `hash`, `decrypt`); gives the bytes that were read.

        Raises:
            IntegrityError: it is gone or not what was written.
        """
        return self._check.check(check_scope(scope), ref, VerifyLevel(level), epoch=self._epoch_of(ref))

    # Documents

    def put_document(
        self, prefix: str, name: str, payload: Mapping[str, Any], *, scope: str = SITE_SCOPE
    ) -> ObjectRef:
        """Store a sealed and signed JSON document, create-only, under the keys of a scope.

        Raises:
            AlreadyExists: there is a document of that name; it was not touched.
        """
        key = document_key(prefix, name)
        sealed = seal_document(
            key,
            payload,
            recipients=[self._keyring.for_writing(check_scope(scope)).current.blob_recipient],
            signer=self._founding.signer,
        )
        self._store.put_new(key, sealed.sealed, sha256=bytes.fromhex(sealed.ref.stored_sha256))
        return sealed.ref

    def get_document(self, prefix: str, name: str, *, scope: str = SITE_SCOPE) -> dict[str, Any]:
        """Read a document with every check.

        Raises:
            NotFound: there is none of that name.
        """
        key = document_key(prefix, name)
        self._store.head(key)
        return self._keyring.fetch(check_scope(scope), key).payload

    def list_documents(self, prefix: str, *, under: str = "") -> list[str]:
        """Name the documents of a folder whose names start with `under`, in order."""
        root = document_key(prefix, "").removesuffix(".age")
        listed = self._store.list(root + under)
        return [
            stored.key.removeprefix(root).removesuffix(".age")
            for stored in listed
            if stored.key.endswith(".age")
        ]

    # Keys

    def recipients(self) -> tuple[Recipient, ...]:
        """Give everybody who can open the repository."""
        return self._founding.recipients

    def add_recipient(self, recipient: str, *, name: str) -> None:
        """Let somebody else open the repository too; repeating an interrupted call finishes it."""
        wanted = Recipient(name, recipient)
        if wanted not in self._founding.recipients:
            self._change_recipients([*self._founding.recipients, wanted])
        self._rewrap_all()

    def remove_recipient(self, name: str) -> None:
        """Stop sealing to somebody, and begin new epochs everywhere so that new data is closed to them.

        Old wraps stay until retention removes them: what was readable once must be taken as known.

        Raises:
            UnknownName: nobody of that name is a recipient.
            ConfigurationError: fewer than two would be left.
        """
        left = [recipient for recipient in self._founding.recipients if recipient.name != name]
        if len(left) == len(self._founding.recipients):
            known = ", ".join(recipient.name for recipient in left)
            message = f"no recipient is named {name!r}"
            raise UnknownName(message, hint=f"The recipients are {known}.")
        self._change_recipients(left)
        self._rewrap_all()
        for scope in self._keyring.scopes():
            self._keyring.rotate(scope)

    def rotate(self, scope: str) -> str:
        """Begin a new epoch of a scope's data keys; gives its name."""
        return self._keyring.rotate(check_scope(scope)).epoch

    # Inside

    def _change_recipients(self, recipients: Sequence[Recipient]) -> None:
        self._founding = change_recipients(self._store, self._founding, recipients, now=self._clock())

    def _rewrap_all(self) -> None:
        for scope in self._keyring.scopes():
            self._keyring.rewrap(scope)

    def _epoch_of(self, ref: ObjectRef) -> str:
        index, table, entry = parse_index(ref.key), parse_table(ref.key), parse_keyring(ref.key)
        if index is not None:
            return index[1]
        if table is not None:
            return self._receipts.fetch(table.scope, table.pack)[0].epoch
        return entry.epoch if entry is not None else ""
