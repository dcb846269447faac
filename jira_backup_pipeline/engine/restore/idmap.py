"""What became what: the map from ids of the snapshot to ids on the target.

What belongs here: a thread-safe map by kind, with its JSON form for the journal and the outcome.

What stays out: storing it (`journal`) and using it in text (`texts`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA = "media"


@dataclass(frozen=True, slots=True)
class TargetIssue:
    """An issue on the target: its id and present key."""

    id: str
    key: str


class IdMap:
    """Grows while a restore runs; reads and writes may come from several threads."""

    def __init__(self) -> None:
        self._issues: dict[str, TargetIssue] = {}
        self._keys: dict[str, str] = {}
        self._others: dict[str, dict[str, str]] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def put_issue(self, source_id: str, source_key: str, target: TargetIssue) -> None:
        """Remember what an issue became."""
        with self._lock:
            self._issues[source_id] = target
            self._keys[source_key] = target.key
            self._changes.setdefault("issues", {})[source_id] = {"id": target.id, "key": target.key}
            self._changes.setdefault("keys", {})[source_key] = target.key

    def issue(self, source_id: str) -> TargetIssue | None:
        """Give the issue on the target, None while there is none."""
        return self._issues.get(source_id)

    def put(self, kind: str, source_id: str, target_id: str) -> None:
        """Remember what a thing of another kind became."""
        with self._lock:
            self._others.setdefault(kind, {})[source_id] = target_id
            self._changes.setdefault(kind, {})[source_id] = target_id

    def get(self, kind: str, source_id: str) -> str | None:
        """Give the id on the target, None while there is none."""
        return self._others.get(kind, {}).get(source_id)

    def of(self, kind: str) -> dict[str, str]:
        """Give a copy of all pairs of a kind other than issues."""
        with self._lock:
            return dict(self._others.get(kind, {}))

    @property
    def issues(self) -> dict[str, TargetIssue]:
        """Give a copy of all issues by their source id."""
        with self._lock:
            return dict(self._issues)

    @property
    def keys(self) -> dict[str, str]:
        """Give a copy of all issue keys, old to new."""
        with self._lock:
            return dict(self._keys)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        with self._lock:
            return {
                "issues": {
                    source: {"id": target.id, "key": target.key} for source, target in self._issues.items()
                },
                "keys": dict(self._keys),
                **{kind: dict(pairs) for kind, pairs in sorted(self._others.items())},
            }

    def take_changes(self) -> dict[str, Any]:
        """Give what was put since this was last asked, in the JSON form: what the journal has to keep."""
        with self._lock:
            taken, self._changes = self._changes, {}
            return taken

    def merge(self, document: Mapping[str, Any]) -> None:
        """Add pairs in their JSON form, which the journal of an earlier run kept."""
        with self._lock:
            for kind, pairs in document.items():
                if kind == "issues":
                    self._issues.update({source: TargetIssue(**target) for source, target in pairs.items()})
                elif kind == "keys":
                    self._keys.update(pairs)
                else:
                    self._others.setdefault(kind, {}).update(pairs)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        made = cls()
        made.merge(document)
        return made
