"""The keyring: every data key, wrapped to all recipients; the only place where a scope's secrets come from.

What belongs here: making, wrapping, re-wrapping and opening the entries under `keyring/`, and the rule which epoch
writes and which wrap counts.

What stays out: encryption itself (`sealing`, `tables`), and the removal of old wraps (retention).
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from jira_backup_pipeline.domain.errors import AlreadyExists, IntegrityError, UnknownName
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.repository.damage import damaged, lost, newer
from jira_backup_pipeline.repository.documents import fetch_document, seal_document
from jira_backup_pipeline.repository.layout import (
    KEYRING_PREFIX,
    REPOSITORY_RING,
    keyring_key,
    keyring_prefix,
    packs_prefix,
    parse_keyring,
    snapshots_prefix,
)
from jira_backup_pipeline.repository.sealing import NoMatchingKey, Signer, generate_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from jira_backup_pipeline.repository.documents import OpenedDocument
    from jira_backup_pipeline.store.contract import Store

T = TypeVar("T")

KEYRING_FORMAT = 1
_KEY_BYTES = 32
_FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who can open the repository: a name for people and the public age recipient."""

    name: str
    recipient: str


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """The data keys of one scope and epoch. No secret of it ever shows in its text form."""

    scope: str
    epoch: str
    table_key: bytes = field(repr=False)
    blob_identity: str = field(repr=False)
    blob_recipient: str
    name_key: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form, secrets included: only for sealing."""
        return {
            "format": KEYRING_FORMAT,
            "scope": self.scope,
            "epoch": self.epoch,
            "table_key": base64.b64encode(self.table_key).decode("ascii"),
            "blob_identity": self.blob_identity,
            "blob_recipient": self.blob_recipient,
            "name_key": base64.b64encode(self.name_key).decode("ascii"),
        }


@dataclass(frozen=True, slots=True)
class ScopeKeys:
    """All epochs of a scope, oldest first; the last one writes."""

    scope: str
    epochs: tuple[EpochKeys, ...]

    @property
    def current(self) -> EpochKeys:
        """Give the keys that new objects are written with."""
        return self.epochs[-1]

    @property
    def identities(self) -> tuple[str, ...]:
        """Give every age identity of the scope, newest first."""
        return tuple(keys.blob_identity for keys in reversed(self.epochs))

    def find(self, epoch: str) -> EpochKeys | None:
        """Give the keys of an epoch."""
        return next((keys for keys in self.epochs if keys.epoch == epoch), None)


class Keyring:
    """Opens and makes the data keys of scopes; remembers what it opened. Safe for several threads."""

    def __init__(
        self,
        store: Store,
        *,
        signer: Signer,
        recipients: Callable[[], Sequence[Recipient]],
        identities: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._signer = signer
        self._recipients = recipients
        self._identities = tuple(identities)
        self._clock = clock
        self._known: dict[str, ScopeKeys] = {}
        self._lock = threading.RLock()

    def of(self, scope: str, *, epoch: str | None = None) -> ScopeKeys:
        """Give the keys of a scope that has some; with `epoch` these must be among them.

        Raises:
            IntegrityError: the scope's keyring, or that epoch of it, is missing or damaged.
        """
        with self._lock:
            known = self._known.get(scope)
            if known is None or (epoch is not None and known.find(epoch) is None):
                known = self._load(scope)
            if not known.epochs or (epoch is not None and known.find(epoch) is None):
                raise lost(keyring_key(scope, epoch or f"{_FIRST_EPOCH:04}", 1))
            return known

    def epoch_keys(self, scope: str, epoch: str) -> EpochKeys:
        """Give the keys of one epoch of a scope.

        Raises:
            IntegrityError: they are missing or damaged.
        """
        found = self.of(scope, epoch=epoch).find(epoch)
        if found is None:
            raise lost(keyring_key(scope, epoch, 1))
        return found

    def reload(self, scope: str) -> ScopeKeys:
        """Give the keys of a scope as they are in the store now, which may be none."""
        with self._lock:
            return self._load(scope)

    def opening(self, scope: str, key: str, use: Callable[[ScopeKeys], T]) -> T:
        """Open something that is sealed to a scope, with the keys known here or, failing these, those in the store now.

        Raises:
            IntegrityError: no key of the scope opens it.
        """
        try:
            return use(self.of(scope))
        except NoMatchingKey:
            # Another process may have begun an epoch since this one looked.
            keys = self.reload(scope)
        try:
            return use(keys)
        except NoMatchingKey as error:
            raise damaged(key, "no key of its scope opens it") from error

    def fetch(self, scope: str, key: str) -> OpenedDocument:
        """Read a document that is sealed to a scope, with every check; see `documents.fetch_document`."""
        public = self._signer.public
        return self.opening(
            scope,
            key,
            lambda keys: fetch_document(self._store, key, identities=keys.identities, public=public),
        )

    def for_writing(self, scope: str) -> ScopeKeys:
        """Give the keys of a scope as they are in the store now, making the first epoch where there is none.

        Raises:
            IntegrityError: the keyring is gone although the scope already holds data.
        """
        with self._lock:
            found = self._load(scope)
            if found.epochs:
                return found
            for prefix in (packs_prefix(scope), snapshots_prefix(scope)):
                if next(iter(self._store.list(prefix)), None) is not None:
                    raise lost(keyring_key(scope, f"{_FIRST_EPOCH:04}", 1))
            self._make(scope, _FIRST_EPOCH)
            return self._load(scope)

    def rotate(self, scope: str) -> EpochKeys:
        """Begin a new epoch: what is written from now on uses new keys; old objects stay under theirs."""
        with self._lock:
            found = self._load(scope)
            if not found.epochs:
                message = f"scope {scope} has no keys yet"
                raise UnknownName(message, hint="A scope gets its keys with its first backup.")
            self._make(scope, int(found.current.epoch) + 1)
            return self._load(scope).current

    def rewrap(self, scope: str) -> None:
        """Wrap every epoch of a scope to the recipients of now, where that is not so yet."""
        wanted = [recipient.recipient for recipient in self._recipients()]
        with self._lock:
            for key in self.entries(scope):
                payload = self.open_entry(scope, key).payload
                name = parse_keyring(key)
                if name is not None and payload.get("recipients") != wanted:
                    keys = _read_keys(key, payload)
                    self._put(keyring_key(scope, keys.epoch, name.wrap + 1), keys.to_json())

    def scopes(self) -> list[str]:
        """Give every scope that has a keyring, in order."""
        parsed = (parse_keyring(stored.key) for stored in self._store.list(KEYRING_PREFIX))
        return sorted({name.scope for name in parsed if name is not None} - {REPOSITORY_RING})

    def entries(self, scope: str) -> list[str]:
        """Give the keys of the entries that count: the newest wrap of every epoch."""
        wraps = self._newest_wraps(scope)
        return [keyring_key(scope, epoch, wrap) for epoch, wrap in sorted(wraps.items())]

    def open_entry(self, scope: str, key: str) -> OpenedDocument:
        """Open one keyring entry with every check."""
        try:
            opened = fetch_document(self._store, key, identities=self._identities, public=self._signer.public)
        except NoMatchingKey as error:
            message = f"{key} does not open with the identity that opens the repository"
            raise IntegrityError(
                message,
                hint="It is damaged, or adding this recipient was interrupted: repeat `jira-backup keys add`.",
            ) from error
        found = opened.payload.get("format")
        if not isinstance(found, int) or found > KEYRING_FORMAT:
            raise newer(key, found, KEYRING_FORMAT)
        if opened.payload.get("scope") != scope:
            raise damaged(key, "it belongs to another scope")
        return opened

    def _newest_wraps(self, scope: str) -> dict[str, int]:
        wraps: dict[str, int] = {}
        for stored in self._store.list(keyring_prefix(scope)):
            name = parse_keyring(stored.key)
            if name is not None:
                wraps[name.epoch] = max(name.wrap, wraps.get(name.epoch, 0))
        return wraps

    def _load(self, scope: str) -> ScopeKeys:
        known = self._known.get(scope)
        epochs = []
        for key in self.entries(scope):
            name = parse_keyring(key)
            held = known.find(name.epoch) if known is not None and name is not None else None
            epochs.append(held or _read_keys(key, self.open_entry(scope, key).payload))
        loaded = ScopeKeys(scope, tuple(sorted(epochs, key=lambda keys: int(keys.epoch))))
        if loaded.epochs:
            self._known[scope] = loaded
        return loaded

    def _make(self, scope: str, epoch: int) -> None:
        identity, recipient = generate_identity()
        keys = EpochKeys(
            scope=scope,
            epoch=f"{epoch:04}",
            table_key=secrets.token_bytes(_KEY_BYTES),
            blob_identity=identity,
            blob_recipient=recipient,
            name_key=secrets.token_bytes(_KEY_BYTES),
        )
        try:
            self._put(keyring_key(scope, keys.epoch, 1), keys.to_json())
        except AlreadyExists:
            # Another writer made this epoch at the same moment: its keys are the scope's keys, ours are forgotten.
            return
        known = self._known.get(scope, ScopeKeys(scope, ()))
        self._known[scope] = ScopeKeys(scope, (*known.epochs, keys))

    def _put(self, key: str, payload: Mapping[str, Any]) -> None:
        recipients = [recipient.recipient for recipient in self._recipients()]
        document = seal_document(
            key,
            {**payload, "wrapped_at": to_iso(self._clock()), "recipients": recipients},
            recipients=recipients,
            signer=self._signer,
        )
        self._store.put_new(key, document.sealed, sha256=bytes.fromhex(document.ref.stored_sha256))


def _read_keys(key: str, payload: Mapping[str, Any]) -> EpochKeys:
    name = parse_keyring(key)
    try:
        keys = EpochKeys(
            scope=payload["scope"],
            epoch=payload["epoch"],
            table_key=base64.b64decode(payload["table_key"], validate=True),
            blob_identity=payload["blob_identity"],
            blob_recipient=payload["blob_recipient"],
            name_key=base64.b64decode(payload["name_key"], validate=True),
        )
    except (KeyError, TypeError, binascii.Error) as error:
        raise damaged(key, "a key is missing in it") from error
    if name is None or keys.epoch != name.epoch:
        raise damaged(key, "it is of another epoch")
    return keys
