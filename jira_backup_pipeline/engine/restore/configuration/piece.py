"""What a plan says of the configuration, thing by thing.

What belongs here: the value, its JSON form, and what follows from several of them.

What stays out: how a thing is matched or made (`making`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


# The kind of the pieces that say which scheme a project follows.
PROJECT_SCHEME = "project_scheme"


class Action(StrEnum):
    """What happens to a thing: made, used with what it lacks added, brought to the snapshot's state, used as it is, left out."""

    MAKE = "make"
    COMPLETE = "complete"
    UPDATE = "update"
    MATCH = "match"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Change:
    """One value in which a thing of the target differs from the snapshot, in words.

    `hindrance` says why it stays as it is whatever the policy; empty where a restore with `update` changes it.
    """

    field: str
    present: str
    wanted: str
    hindrance: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        if self.hindrance:
            return f"{self.field}: {self.present or 'nothing'} stays ({self.hindrance})"
        return f"{self.field}: {self.present or 'nothing'} → {self.wanted or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing of the configuration in a plan; `note` says why it is left out, or what else there is to say.

    `changes` are the values in which what is there differs from the snapshot: brought back where the action is `update`,
    else left as they are.
    """

    kind: str
    source_id: str
    name: str
    action: Action
    note: str = ""
    changes: tuple[Change, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        changes = tuple(Change(**change) for change in document.get("changes", ()))
        return cls(**{**document, "action": Action(document["action"]), "changes": changes})

    def hindrance(self, field: str) -> str:
        """Say why a value stays as it is; empty where nothing is in its way."""
        return next((found.hindrance for found in self.changes if found.field == field), "")


@dataclass(frozen=True, slots=True)
class Coming:
    """What a restore will make, for those who plan what stands on it."""

    pieces: tuple[Piece, ...] = ()
    # Names of the statuses that the workflows of a new project will have; None where nothing is known of them.
    statuses: frozenset[str] | None = None

    def makes(self, kind: str, name: str) -> bool:
        """Tell whether a thing of that name will be there although it is not yet."""
        wanted = name.strip().casefold()
        return any(
            piece.kind == kind and piece.action is Action.MAKE and piece.name.strip().casefold() == wanted
            for piece in self.pieces
        )

    def makes_id(self, kind: str, source_id: str) -> bool:
        """Tell the same of a thing by its id in the snapshot."""
        return any(
            (piece.kind, piece.source_id, piece.action) == (kind, source_id, Action.MAKE)
            for piece in self.pieces
        )

    def brings(self, kind: str) -> bool:
        """Tell whether anything of a kind is matched or will be made."""
        return any(piece.kind == kind and piece.action is not Action.LEAVE for piece in self.pieces)
