"""How the vault's entries are sealed: the key's three notations, its derivation, and the cipher.

What belongs here: reading a key (base64 of 32 bytes, `file:/path`, `passphrase:...` through Argon2id), sealing and opening
one entry with AES-256-GCM bound to its name.

What stays out: the vault's file and who may write it when (`vault`), and the variable that names the key (`settings`).
No plain secret is ever a local variable of a function that can fail, so a traceback with locals gives none away.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from jira_backup_pipeline.domain.errors import AccessDenied, ConfigurationError, IntegrityError
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.private_files import read_private

if TYPE_CHECKING:
    from collections.abc import Mapping

VAULT_FORMAT: Final = "jira-backup-pipeline vault 1"
KEY_BYTES: Final = 32
# A person's passphrase below this falls to guessing whatever the derivation costs.
SHORTEST_PASSPHRASE: Final = 12
KEY_HINT: Final = (
    "Make a key with `(umask 077; head -c 32 /dev/urandom | base64 > vault.key)` "
    "and set BACKUP_VAULT_KEY=file:/path/to/vault.key."
)
_NONCE_BYTES = 12
_SALT_BYTES = 16
_PASSPHRASE = "passphrase:"  # noqa: S105 - the prefix of a notation
_FILE = "file:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One opened entry; `set_at` is ISO text."""

    set_at: str
    members: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class Derivation:
    """Argon2id costs, stored beside the salt. The default is the second recommended option of RFC 9106 (64 MiB)."""

    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 65_536

    def is_sane(self) -> bool:
        """Refuse costs of an altered file that would exhaust the machine, or make the derivation cheap to guess."""
        return (
            self.iterations in range(1, 65)
            and self.lanes in range(1, 17)
            and self.memory_kib in range(8_192, 2_097_153)
        )


def new_key_text() -> Secret:
    """Make a fresh key in the notation that `BACKUP_VAULT_KEY` and key files take."""
    return Secret(base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii"))


class Sealer:
    """Seals and opens entries under one key; holds the cipher, never the key's text."""

    def __init__(self, cipher: AESGCM) -> None:
        self._cipher = cipher

    @classmethod
    def fresh(cls, key: Secret, derivation: Derivation) -> tuple[Sealer, dict[str, object] | None]:
        """Begin a new vault: the sealer, and how its key is derived (None for a plain key)."""
        passphrase = _passphrase_of(key)
        if passphrase is None:
            return cls(AESGCM(_key_bytes(key))), None
        salt = os.urandom(_SALT_BYTES)
        kdf: dict[str, object] = {
            "name": "argon2id",
            "salt": base64.b64encode(salt).decode("ascii"),
            "iterations": derivation.iterations,
            "lanes": derivation.lanes,
            "memory_kib": derivation.memory_kib,
        }
        return cls(AESGCM(_derived(passphrase, salt, derivation))), kdf

    @classmethod
    def existing(cls, key: Secret, document: Mapping[str, Any], path: Path) -> Sealer:
        """Open an existing vault's document.

        Raises:
            AccessDenied: the key is not the one the vault was made with.
        """
        kdf, passphrase = document.get("kdf"), _passphrase_of(key)
        if (kdf is None) != (passphrase is None):
            kind = "a key of 32 bytes" if kdf is None else "a passphrase"
            message = f"the vault {path} was made with {kind}, and BACKUP_VAULT_KEY holds the other sort"
            raise AccessDenied(message, hint="Set BACKUP_VAULT_KEY to what the vault was made with.")
        if passphrase is None:
            sealer = cls(AESGCM(_key_bytes(key)))
        else:
            sealer = cls(AESGCM(_derived(passphrase, *_stored_derivation(kdf, path))))
        sealer._check(document.get("check"), path)
        return sealer

    def check_value(self) -> str:
        """Make the value by which a wrong key is told from a damaged entry; it says nothing."""
        return self._seal("", {})

    def seal(self, name: str, entry: Entry) -> str:
        """Encrypt an entry, bound to its name."""
        return self._seal(name, {"set_at": entry.set_at, "members": dict(entry.members)})

    def unseal(self, name: str, sealed: object) -> Entry:
        """Open an entry.

        Raises:
            IntegrityError: it was altered, or sealed under another name.
        """
        try:
            return _entry(self._plain(name, sealed))
        except (InvalidTag, ValueError, TypeError, KeyError, AttributeError):
            # The cause is left out: a parser's own frames would hold what was opened.
            message = f"the vault entry {name!r} does not open: it was altered, or moved from another name"
            hint = f"Find out who wrote to the file, then store it again with `jira-backup credentials set {name}`."
            raise IntegrityError(message, hint=hint) from None

    def _seal(self, name: str, value: Mapping[str, object]) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(value, sort_keys=True, default=Secret.reveal)
        return base64.b64encode(
            nonce + self._cipher.encrypt(nonce, text.encode("ascii"), _binding(name))
        ).decode()

    def _check(self, sealed: object, path: Path) -> None:
        try:
            self._plain("", sealed)
        except (InvalidTag, ValueError):
            message = f"the key in BACKUP_VAULT_KEY does not open the vault {path}"
            hint = "Use the key the vault was made with; without it, remove the file and set the credentials again."
            raise AccessDenied(message, hint=hint) from None

    def _plain(self, name: str, sealed: object) -> bytes:
        data = base64.b64decode(sealed, validate=True) if isinstance(sealed, str) else b""
        return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _binding(name))


def not_a_vault(path: Path) -> IntegrityError:
    """Make the error for a file that this program did not write, or that was altered."""
    return IntegrityError(
        f"{path} is not a vault that this program wrote",
        hint="Point BACKUP_VAULT to the right file, or remove this one and set the credentials again.",
    )


def _binding(name: str) -> bytes:
    return f"{VAULT_FORMAT}\n{name}".encode()


def _entry(plain: bytes) -> Entry:
    members = {name: Secret(value) for name, value in json.loads(plain)["members"].items()}
    return Entry(str(json.loads(plain)["set_at"]), MappingProxyType(members))


def _resolved(key: Secret) -> Secret:
    """Follow `file:` to the text in the file."""
    if not key.reveal().startswith(_FILE):
        return key
    path = Path(key.reveal().removeprefix(_FILE)).expanduser()
    return Secret(read_private(path, "vault key file").decode("utf-8", "replace").strip())


def _passphrase_of(key: Secret) -> Secret | None:
    resolved = _resolved(key)
    if not resolved.reveal().startswith(_PASSPHRASE):
        return None
    passphrase = Secret(resolved.reveal().removeprefix(_PASSPHRASE))
    if len(passphrase.reveal()) < SHORTEST_PASSPHRASE:
        message = f"the vault passphrase is shorter than {SHORTEST_PASSPHRASE} characters"
        raise ConfigurationError(message, hint=f"Use several words, or a key file. {KEY_HINT}")
    return passphrase


def _key_bytes(key: Secret) -> bytes:
    resolved = _resolved(key)
    try:
        is_key = len(base64.b64decode(resolved.reveal(), validate=True)) == KEY_BYTES
    except ValueError:
        is_key = False
    if not is_key:
        message = (
            "BACKUP_VAULT_KEY is not base64 of 32 bytes, `file:/path` of such a text, or `passphrase:...`"
        )
        raise ConfigurationError(message, hint=KEY_HINT)
    return base64.b64decode(resolved.reveal(), validate=True)


def _stored_derivation(kdf: object, path: Path) -> tuple[bytes, Derivation]:
    try:
        if not isinstance(kdf, dict) or kdf["name"] != "argon2id":
            raise not_a_vault(path)
        costs = Derivation(int(kdf["iterations"]), int(kdf["lanes"]), int(kdf["memory_kib"]))
        salt = base64.b64decode(kdf["salt"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise not_a_vault(path) from error
    if not costs.is_sane() or len(salt) != _SALT_BYTES:
        raise not_a_vault(path)
    return salt, costs


def _derived(passphrase: Secret, salt: bytes, costs: Derivation) -> bytes:
    try:
        return Argon2id(
            salt=salt,
            length=KEY_BYTES,
            iterations=costs.iterations,
            lanes=costs.lanes,
            memory_cost=costs.memory_kib,
        ).derive(passphrase.reveal().encode("utf-8", "surrogatepass"))
    except UnsupportedAlgorithm as error:
        message = "the installed OpenSSL cannot derive keys with Argon2id"
        raise ConfigurationError(
            message, hint=f"Use a key file instead of a passphrase. {KEY_HINT}"
        ) from error
