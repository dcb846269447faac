"""A trial of the one promise everything rests on: of several writers of one key exactly one wins.

What belongs here: the race that `doctor` and `init` run against a store before trusting it.

What stays out: the stores themselves. Some servers that speak S3 ignore create-only conditions, and one keeps them for
writers that come one after another but not for those that come at once: so the trial is a race, run more than once.
"""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.errors import AccessDenied, AlreadyExists, Refused

if TYPE_CHECKING:
    from jira_backup_pipeline.store.contract import Store

PROBES: Final = "probes/"
_WRITERS: Final = 8
_START_TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """What the trial left: `leftover_keys` are probe objects that these credentials may not delete (no fault)."""

    rounds: int
    leftover_keys: tuple[str, ...]


def probe_create_only(store: Store, *, rounds: int = 3) -> ProbeOutcome:
    """Let parallel writers race for one key, a few times over.

    Raises:
        Refused: more or fewer than one of them won, or what is stored is not what the winner wrote.
        AccessDenied: the credentials may not write or read.
    """
    leftovers = []
    for _ in range(rounds):
        key = PROBES + secrets.token_hex(16)
        _race(store, key)
        try:
            store.delete(key)
        except AccessDenied:
            leftovers.append(key)
    return ProbeOutcome(rounds, tuple(leftovers))


def _race(store: Store, key: str) -> None:
    start = threading.Barrier(_WRITERS)

    def write(writer: int) -> bytes | None:
        body = f"probe of writer {writer}".encode("ascii")
        start.wait(_START_TIMEOUT_SECONDS)
        try:
            store.put_new(key, body)
        except AlreadyExists:
            return None
        return body

    with ThreadPoolExecutor(_WRITERS) as pool:
        won = [body for body in pool.map(write, range(_WRITERS)) if body is not None]
    if len(won) != 1:
        raise _unsafe(
            store, f"{len(won)} of {_WRITERS} simultaneous writers of one object were told they made it"
        )
    if store.get(key) != won[0]:
        raise _unsafe(store, "a writer that lost replaced the object of the one that won")


def _unsafe(store: Store, reason: str) -> Refused:
    return Refused(
        f"{store.uri} is not safe for backups: {reason}",
        hint="Use a store that keeps If-None-Match on writes, such as AWS S3 or Ceph, or a local folder.",
    )
