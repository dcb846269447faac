"""Creating and opening a repository: `repository.json`, the site binding, the repository's own keyring entry.

What belongs here: the founding documents, the rule who is trusted (anchor before store), and the recipients.

What stays out: the keys of scopes (`keyring`) and everything that a founded repository does (`repository`).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AlreadyExists,
    ConfigurationError,
    IntegrityError,
    NotFound,
    Refused,
)
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.repository.damage import damaged, lost, newer
from jira_backup_pipeline.repository.documents import (
    fetch_document,
    open_plain,
    seal_document,
    sign_plain,
)
from jira_backup_pipeline.repository.identity import Anchor, Identity
from jira_backup_pipeline.repository.keyring import KEYRING_FORMAT, Recipient
from jira_backup_pipeline.repository.layout import (
    BINDING_KEY,
    REPOSITORY_KEY,
    REPOSITORY_RING,
    SNAPSHOT_PREFIX,
    keyring_key,
    keyring_prefix,
    parse_keyring,
)
from jira_backup_pipeline.repository.sealing import NoMatchingKey, Signer, check_recipient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from jira_backup_pipeline.store.contract import Store

REPOSITORY_FORMAT = 1
_LEAST_RECIPIENTS = 2


@dataclass(frozen=True, slots=True)
class Founding:
    """What is known of a repository once it is open. `wrap` counts the changes of its recipients."""

    repository_id: str
    cloud_id: str | None
    signer: Signer
    recipients: tuple[Recipient, ...]
    wrap: int

    @property
    def anchor(self) -> Anchor:
        """Give the line of trust for identity files."""
        return Anchor(self.signer.public, self.repository_id)


def found_repository(
    store: Store, *, recipients: Sequence[Recipient], cloud_id: str | None, now: datetime
) -> Founding:
    """Create a repository in an empty place; `repository.json` is written last and is the founding.

    Raises:
        AlreadyExists: there is a repository already; it was not touched.
        ConfigurationError: there are not two different recipients.
    """
    _check_recipients(recipients)
    try:
        store.head(REPOSITORY_KEY)
    except NotFound:
        pass
    else:
        raise _exists(store)
    signer = Signer.generate()
    repository_id = secrets.token_hex(16)
    founding = Founding(repository_id, cloud_id, signer, tuple(recipients), wrap=1)
    ring_sha256 = _put_ring(store, founding, now)
    text = sign_plain(
        REPOSITORY_KEY,
        {
            "format": REPOSITORY_FORMAT,
            "repository_id": repository_id,
            "created_at": to_iso(now),
            "cloud_id": cloud_id,
            "signer": signer.public,
            "recipients": [_recipient_json(recipient) for recipient in recipients],
            "first_keyring_sha256": ring_sha256,
        },
        signer,
    )
    try:
        store.put_new(REPOSITORY_KEY, text, sha256=hashlib.sha256(text).digest())
    except AlreadyExists as error:
        raise _exists(store) from error
    return founding


def open_founding(store: Store, identity: Identity) -> Founding:
    """Open a repository with an identity.

    Raises:
        ConfigurationError: there is no repository here.
        AccessDenied: the identity is not among the recipients.
        IntegrityError: a founding document is damaged, missing, or signed by somebody the anchor does not name.
        UnsupportedFormat: a newer version wrote it.
    """
    try:
        text = store.get(REPOSITORY_KEY)
    except NotFound as error:
        message = f"there is no backup repository in {store.uri}"
        raise ConfigurationError(
            message, hint="Check BACKUP_URI, or run `jira-backup init` to create a repository there."
        ) from error
    document = open_plain(REPOSITORY_KEY, text, known_format=REPOSITORY_FORMAT)
    repository_id, public = str(document["repository_id"]), str(document["signer"])
    _check_anchors(identity, Anchor(public, repository_id))
    payload, wrap = _open_ring(store, identity, document)
    signer = Signer(base64.b64decode(payload["signing_key"]))
    if signer.public != public or payload.get("repository_id") != repository_id:
        raise damaged(keyring_key(REPOSITORY_RING, repository_id, wrap), "it belongs to another repository")
    recipients = tuple(Recipient(entry["name"], entry["recipient"]) for entry in payload["recipients"])
    cloud_id = document["cloud_id"] or read_binding(store, signer.public, repository_id)
    return Founding(repository_id, cloud_id, signer, recipients, wrap)


def read_binding(store: Store, public: str, repository_id: str) -> str | None:
    """Give the cloud id of a repository that was founded without one; None while nothing was captured."""
    try:
        text = store.get(BINDING_KEY)
    except NotFound:
        if next(iter(store.list(SNAPSHOT_PREFIX)), None) is not None:
            raise lost(BINDING_KEY) from None
        return None
    document = open_plain(BINDING_KEY, text, known_format=REPOSITORY_FORMAT, public=public)
    if document.get("repository_id") != repository_id:
        raise damaged(BINDING_KEY, "it belongs to another repository")
    return str(document["cloud_id"])


def bind(store: Store, founding: Founding, cloud_id: str, *, base_url: str, now: datetime) -> str:
    """Bind a repository to the one site it belongs to; binding it to the same site again changes nothing.

    Raises:
        Refused: it belongs to another site.
    """
    bound = founding.cloud_id or read_binding(store, founding.signer.public, founding.repository_id)
    if bound is None:
        document = {
            "format": REPOSITORY_FORMAT,
            "repository_id": founding.repository_id,
            "cloud_id": cloud_id,
            "base_url": base_url,
            "bound_at": to_iso(now),
        }
        text = sign_plain(BINDING_KEY, document, founding.signer)
        try:
            store.put_new(BINDING_KEY, text, sha256=hashlib.sha256(text).digest())
        except AlreadyExists:
            bound = read_binding(store, founding.signer.public, founding.repository_id)
        else:
            return cloud_id
    if bound != cloud_id:
        message = f"this repository belongs to the Jira site {bound}, not to {cloud_id}"
        raise Refused(
            message, hint="Use one repository (one BACKUP_URI) per Jira site, or correct JIRA_BASE_URL."
        )
    return cloud_id


def change_recipients(
    store: Store, founding: Founding, recipients: Sequence[Recipient], *, now: datetime
) -> Founding:
    """Wrap the repository's signing key to other recipients; gives the founding as it is from now on."""
    _check_recipients(recipients)
    changed = Founding(
        founding.repository_id, founding.cloud_id, founding.signer, tuple(recipients), founding.wrap + 1
    )
    _put_ring(store, changed, now)
    return changed


def _check_recipients(recipients: Sequence[Recipient]) -> None:
    for recipient in recipients:
        check_recipient(recipient.recipient)
    if len({recipient.recipient for recipient in recipients}) < max(_LEAST_RECIPIENTS, len(recipients)):
        message = "a repository needs at least two different recipients"
        raise ConfigurationError(
            message, hint="Give the operator's recipient and the one of the recovery identity kept offline."
        )
    if len({recipient.name for recipient in recipients}) < len(recipients):
        message = "two recipients have the same name"
        raise ConfigurationError(message, hint="Give every recipient a name of its own.")


def _check_anchors(identity: Identity, seen: Anchor) -> None:
    if not identity.anchors or seen in identity.anchors:
        return
    known = ", ".join(sorted({anchor.repository_id for anchor in identity.anchors}))
    message = f"the repository in the store ({seen.repository_id}) is not signed by a key that the identity file trusts"
    raise IntegrityError(
        message,
        hint=f"The identity file knows {known}. If this is another repository of yours, add its signer line to the file.",
    )


def _open_ring(store: Store, identity: Identity, document: dict[str, Any]) -> tuple[dict[str, Any], int]:
    repository_id = str(document["repository_id"])
    names = [parse_keyring(stored.key) for stored in store.list(keyring_prefix(REPOSITORY_RING))]
    wraps = sorted(name.wrap for name in names if name is not None and name.epoch == repository_id)
    if not wraps:
        raise lost(keyring_key(REPOSITORY_RING, repository_id, 1))
    key = keyring_key(REPOSITORY_RING, repository_id, wraps[-1])
    if wraps[-1] == 1 and hashlib.sha256(store.get(key)).hexdigest() != document["first_keyring_sha256"]:
        raise damaged(key, "its sha256 differs")
    try:
        opened = fetch_document(store, key, identities=[identity.secret], public=str(document["signer"]))
    except NoMatchingKey as error:
        message = f"the identity {identity.recipient} does not open this repository"
        raise AccessDenied(
            message,
            hint="Point BACKUP_IDENTITY_FILE at an operator's identity or at the recovery identity of this repository.",
        ) from error
    found = opened.payload.get("format")
    if not isinstance(found, int) or found > KEYRING_FORMAT:
        raise newer(key, found, KEYRING_FORMAT)
    return opened.payload, wraps[-1]


def _put_ring(store: Store, founding: Founding, now: datetime) -> str:
    key = keyring_key(REPOSITORY_RING, founding.repository_id, founding.wrap)
    sealed = seal_document(
        key,
        {
            "format": KEYRING_FORMAT,
            "scope": REPOSITORY_RING,
            "repository_id": founding.repository_id,
            "signing_key": base64.b64encode(founding.signer.seed).decode("ascii"),
            "recipients": [_recipient_json(recipient) for recipient in founding.recipients],
            "wrapped_at": to_iso(now),
        },
        recipients=[recipient.recipient for recipient in founding.recipients],
        signer=founding.signer,
    )
    store.put_new(key, sealed.sealed, sha256=bytes.fromhex(sealed.ref.stored_sha256))
    return sealed.ref.stored_sha256


def _recipient_json(recipient: Recipient) -> dict[str, str]:
    return {"name": recipient.name, "recipient": recipient.recipient}


def _exists(store: Store) -> AlreadyExists:
    return AlreadyExists(
        f"there is a backup repository in {store.uri} already",
        hint="Use it as it is, or give another BACKUP_URI to `jira-backup init`.",
    )
