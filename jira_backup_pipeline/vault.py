"""Credentials at rest: one small file in which every entry is encrypted and bound to its name.

What belongs here: the file (a JSON object with `format`, `kdf` where the key is a passphrase, `check`, `entries`), which
entries and members there are, and one writer at a time.

What stays out: keys and the cipher (`vault_sealing`), safe reading and replacing (`private_files`), which variable names the file and the key (`settings`), and asking a
person for values (`cli`). Not promised: that someone who may write the file cannot remove an entry or put an older
copy of the file back.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.domain.errors import ConfigurationError, UnknownName, UnsupportedFormat
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.private_files import read_private, replace_private, unwritable
from jira_backup_pipeline.vault_sealing import (
    VAULT_FORMAT,
    Derivation,
    Entry,
    Sealer,
    not_a_vault,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_FORMAT_NAME = "jira-backup-pipeline vault "


@dataclass(frozen=True, slots=True)
class EntryShape:
    """The members of an entry: those it must have, and those it may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Give every member name that is known, required ones first."""
        return self.required + self.optional


_JIRA = EntryShape(("base_url", "email", "api_token"))
ENTRIES: Final[Mapping[str, EntryShape]] = MappingProxyType(
    {
        "jira": _JIRA,
        "restore_jira": _JIRA,
        "aws": EntryShape(
            ("access_key_id", "secret_access_key"), ("session_token", "region", "endpoint_url")
        ),
    }
)

# What is asked for without echo, and masked should it ever stand in a text; the rest is no secret.
SECRET_MEMBERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "jira": frozenset({"api_token"}),
        "restore_jira": frozenset({"api_token"}),
        "aws": frozenset({"secret_access_key", "session_token"}),
    }
)


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """What may be told of an entry without giving anything away."""

    name: str
    members: tuple[str, ...]
    set_at: str

    def to_json(self) -> dict[str, object]:
        """Give the JSON form."""
        return {"name": self.name, "members": list(self.members), "set_at": self.set_at}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Vault:
    """The encrypted credentials in one file; every method opens the file anew, so writers may come and go.

    `key` is what `BACKUP_VAULT_KEY` holds: base64 of 32 bytes, `file:/path` of such a text, or `passphrase:...`.
    """

    def __init__(
        self,
        path: Path,
        key: Secret,
        *,
        clock: Callable[[], datetime] = _utc_now,
        derivation: Derivation | None = None,
    ) -> None:
        self.path = path.expanduser()
        self._key = key
        self._clock = clock
        self._derivation = derivation or Derivation()

    def set(self, name: str, members: Mapping[str, Secret]) -> None:
        """Create or replace an entry; the other entries are untouched. Empty members count as absent.

        Raises:
            ConfigurationError: the entry or a member is not known, or a required one is missing.
        """
        members = {member: value for member, value in members.items() if value}
        _check_members(name, _shape(name), members)
        entry = Entry(to_iso(self._clock()), members)
        with self._locked():
            document, sealer = self._open_or_new()
            document["entries"][name] = sealer.seal(name, entry)
            self._write(document)

    def get(self, name: str) -> Mapping[str, Secret]:
        """Give an entry's members.

        Raises:
            UnknownName: the vault holds no such entry.
            IntegrityError: the entry was altered or moved.
        """
        found = self.find(name)
        if found is None:
            raise self._unknown(name, f"Store it with `jira-backup credentials set {name}`.")
        return found

    def find(self, name: str) -> Mapping[str, Secret] | None:
        """Give an entry's members, or None where the vault or the entry does not exist."""
        _shape(name)
        if not self.path.exists():
            return None
        document, sealer = self._open()
        sealed = document["entries"].get(name)
        return None if sealed is None else sealer.unseal(name, sealed).members

    def list(self) -> list[EntrySummary]:
        """Summarise the entries by name; every one is opened, so a damaged one is found here."""
        if not self.path.exists():
            return []
        document, sealer = self._open()
        opened = {name: sealer.unseal(name, sealed) for name, sealed in sorted(document["entries"].items())}
        return [
            EntrySummary(name, tuple(sorted(entry.members)), entry.set_at) for name, entry in opened.items()
        ]

    def remove(self, name: str) -> None:
        """Remove an entry.

        Raises:
            UnknownName: the vault holds no such entry.
        """
        _shape(name)
        with self._locked():
            document, _ = self._open_or_new()
            if document["entries"].pop(name, None) is None:
                raise self._unknown(name, "`jira-backup credentials list` shows what there is.")
            self._write(document)

    def rotate(self, new_key: Secret) -> None:
        """Encrypt every entry anew under another key; from then on only that key opens the vault."""
        with self._locked():
            document, sealer = self._open_or_new()
            fresh, new_sealer = self._new(new_key)
            for name, sealed in document["entries"].items():
                fresh["entries"][name] = new_sealer.seal(name, sealer.unseal(name, sealed))
            self._write(fresh)
        self._key = new_key

    def _unknown(self, name: str, hint: str) -> UnknownName:
        return UnknownName(f"the vault {self.path} holds no entry {name!r}", hint=hint)

    def _open_or_new(self) -> tuple[dict[str, Any], Sealer]:
        return self._open() if self.path.exists() else self._new(self._key)

    def _new(self, key: Secret) -> tuple[dict[str, Any], Sealer]:
        sealer, kdf = Sealer.fresh(key, self._derivation)
        document = {"format": VAULT_FORMAT, "check": sealer.check_value(), "entries": {}}
        return document | ({} if kdf is None else {"kdf": kdf}), sealer

    def _open(self) -> tuple[dict[str, Any], Sealer]:
        document = _parsed(self.path, read_private(self.path, "vault"))
        return document, Sealer.existing(self._key, document, self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one writer in at a time; the lock is a file of its own because the vault file is replaced."""
        lock = self.path.with_name(self.path.name + ".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(self.path, "vault", error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, document: Mapping[str, Any]) -> None:
        replace_private(self.path, Secret(json.dumps(document, indent=1, sort_keys=True) + "\n"), "vault")


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise not_a_vault(path) from error
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, str) and found.startswith(_FORMAT_NAME) and found != VAULT_FORMAT:
        message = f"the vault {path} has the format {found!r}, this version reads {VAULT_FORMAT!r}"
        raise UnsupportedFormat(
            message, hint="Upgrade jira_backup_pipeline to the version that wrote the vault."
        )
    if found != VAULT_FORMAT or not isinstance(document.get("entries"), dict):
        raise not_a_vault(path)
    return dict(document)


def _shape(name: str) -> EntryShape:
    shape = ENTRIES.get(name)
    if shape is None:
        message = f"no such vault entry: {name!r}"
        raise UnknownName(message, hint=f"The entries are {', '.join(ENTRIES)}.")
    return shape


def _check_members(name: str, shape: EntryShape, members: Mapping[str, object]) -> None:
    unknown = sorted(set(members) - set(shape.members))
    missing = [member for member in shape.required if member not in members]
    if not unknown and not missing:
        return
    problems = [
        f"{word} {', '.join(names)}"
        for word, names in (("unknown:", unknown), ("missing:", missing))
        if names
    ]
    message = f"the vault entry {name!r} is not right ({'; '.join(problems)})"
    optional = f" and may have {', '.join(shape.optional)}" if shape.optional else ""
    raise ConfigurationError(message, hint=f"It needs {', '.join(shape.required)}{optional}.")
