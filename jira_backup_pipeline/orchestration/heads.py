"""The newest snapshots of every scope, read from the repository alone and only once each.

What belongs here: finding, for every scope, the newest snapshot and the newest one that a restore would take by itself,
with a bounded memory of manifests already read (they never change, and sensors ask every few minutes).

What stays out: what follows from them (`health`), and any question to Jira.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository

_REMEMBERED_MANIFESTS = 4_000


@dataclass(frozen=True, slots=True)
class Heads:
    """Of one scope: the newest snapshot, and the newest that is not doubtful (None where all are)."""

    newest: Manifest
    restorable: Manifest | None


class ManifestMemory:
    """Remembers manifests that were read and checked; safe to share between threads."""

    def __init__(self, limit: int = _REMEMBERED_MANIFESTS) -> None:
        self._limit = limit
        self._known: OrderedDict[tuple[str, str, int], Manifest] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, repository: Repository, scope: str, number: int) -> Manifest:
        """Give a manifest, reading and checking it the first time only."""
        key = (repository.repository_id, scope, number)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        manifest = repository.load(scope, number)
        with self._lock:
            self._known[key] = manifest
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        return manifest


MEMORY = ManifestMemory()


def read_heads(repository: Repository, memory: ManifestMemory = MEMORY) -> Mapping[str, Heads]:
    """Give the heads of every scope that has a snapshot, by scope name.

    Raises:
        IntegrityError: a newest manifest is damaged or was replaced.
    """
    found = {}
    for scope in repository.scopes():
        heads = heads_of(repository, scope, memory)
        if heads is not None:
            found[scope] = heads
    return found


def heads_of(repository: Repository, scope: str, memory: ManifestMemory = MEMORY) -> Heads | None:
    """Give the heads of one scope, or None where it has no snapshot."""
    numbers = sorted((entry.number for entry in repository.snapshots(scope)), reverse=True)
    newest = memory.load(repository, scope, numbers[0]) if numbers else None
    if newest is None:
        return None
    for number in numbers:
        manifest = memory.load(repository, scope, number)
        if manifest.is_restorable_by_default:
            return Heads(newest, manifest)
    return Heads(newest, None)
