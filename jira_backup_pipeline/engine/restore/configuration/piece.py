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


class Action(StrEnum):
    """What happens to a thing of the configuration: made, used with what it lacks added, used as it is, left out."""

    MAKE = "make"
    COMPLETE = "complete"
    MATCH = "match"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing of the configuration in a plan; `note` says why it is left out, or what else there is to say."""

    kind: str
    source_id: str
    name: str
    action: Action
    note: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(**{**document, "action": Action(document["action"])})


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
