"""Which single nodes of a document a target refuses: found by halving, with a bound on what is asked.

What belongs here: the search, what was learnt from earlier documents, and the last resort of plain paragraphs.

What stays out: what stands in a node's place (`degrade`), how a document is sent, and what is reported (`edits`, `children`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import attributes_of
from jira_backup_pipeline.engine.restore.degrade import (
    degradable,
    degraded,
    names_of,
    plain_document,
    plain_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jira_backup_pipeline.domain.references import Node
    from jira_backup_pipeline.engine.restore.degrade import Place

# One refused node among a thousand takes two dozen tries; a document with many refused ones is not worth more than this.
MOST_TRIES = 64
# What editors give to single nodes, which says nothing about their kind.
_OWN = frozenset({"localId", "occurrenceKey"})


@dataclass(frozen=True, slots=True)
class Plainer:
    """The form that the target took: the document, the nodes that are text there (none: all of it), and that in words."""

    document: Node
    places: tuple[Place, ...]
    words: str


class RefusedNodes:
    """What a target was found to refuse, over documents and threads: a hint where to look first, no verdict."""

    def __init__(self) -> None:
        self._looks: set[str] = set()

    def learn(self, document: Node, places: Iterable[Place]) -> None:
        """Remember the looks of refused nodes."""
        self._looks.update(_looks(document, places).values())

    def suspects(self, document: Node, places: Iterable[Place]) -> list[Place]:
        """Give the nodes of a document that look like refused ones."""
        return [place for place, looks in _looks(document, places).items() if looks in self._looks]


def find_taken(document: Node, accepts: Callable[[Node], bool], refused: RefusedNodes) -> Plainer | None:
    """Find the form nearest to a refused document that the target takes; None when it takes none.

    `accepts` sends a form and tells whether it was taken. The target is left with the form that is given back.
    """
    places = degradable(document)
    search = _Search(document, accepts)
    for suspects in (refused.suspects(document, places), places):
        if suspects and search.takes_without(suspects):
            found = search.narrowed(suspects)
            form = degraded(document, found)
            if form != search.taken:
                accepts(form)
            refused.learn(document, found)
            more = "; not told apart from their neighbours" if search.is_cut_short else ""
            return Plainer(form, tuple(found), f"became text: {names_of(found)}{more}")
    plain = plain_document(plain_text(document))
    if plain in (document, degraded(document, places)) or not accepts(plain):
        return None
    return Plainer(plain, (), "the document became plain paragraphs")


class _Search:
    """Asks which nodes must go, by sending the document without some of them."""

    def __init__(self, document: Node, accepts: Callable[[Node], bool]) -> None:
        self._document = document
        self._accepts = accepts
        self._answers: dict[frozenset[Place], bool] = {}
        self.is_cut_short = False
        # What was refused changes nothing: the target holds what it took last.
        self.taken: Node | None = None

    def takes_without(self, gone: Iterable[Place]) -> bool:
        """Tell whether the target takes the document without these nodes; asks once for each set."""
        key = frozenset(gone)
        if key not in self._answers:
            form = degraded(self._document, key)
            self._answers[key] = self._accepts(form)
            self.taken = form if self._answers[key] else self.taken
        return self._answers[key]

    def narrowed(self, suspects: Sequence[Place]) -> list[Place]:
        """Give those of the suspects that must go: the document goes without all of them, and not with all of them."""
        found = self._refused_in(suspects)
        # Where what is left needs a node that the halves saw in other company, all suspects have to go.
        return self._least(found) if self.takes_without(found) else list(suspects)

    def _refused_in(self, suspects: Sequence[Place]) -> list[Place]:
        """Halve a part that holds a refused node until single ones are left; outside of the part everything is gone."""
        everything = frozenset(suspects)
        found: list[Place] = []
        parts = [list(suspects)]
        while parts:
            part = parts.pop()
            if len(part) == 1 or self._is_spent():
                found += part
                continue
            first, second = part[: len(part) // 2], part[len(part) // 2 :]
            is_first_good = self.takes_without(everything - set(first))
            # One half must hold it: where the first does not, the second needs no question.
            if is_first_good or not self.takes_without(everything - set(second)):
                parts.append(second)
            if not is_first_good:
                parts.append(first)
        return sorted(found)

    def _least(self, found: list[Place]) -> list[Place]:
        """Keep what need not go: a node may have been refused for where it stood once its parent was gone."""
        needed = list(found)
        for place in found:
            without = [other for other in needed if other != place]
            if without and not self._is_spent() and self.takes_without(without):
                needed = without
        return needed

    def _is_spent(self) -> bool:
        is_spent = len(self._answers) >= MOST_TRIES
        self.is_cut_short = self.is_cut_short or is_spent
        return is_spent


def _looks(document: Node, places: Iterable[Place]) -> dict[Place, str]:
    """Say of nodes and marks what a site may judge them by: their kind and attributes."""
    wanted = {}
    for place in places:
        node: Any = document
        for position in place.path:
            node = node["content"][position]
        found = node if place.is_node else next(mark for mark in node["marks"] if place.is_mark(mark))
        attributes = {name: value for name, value in attributes_of(found).items() if name not in _OWN}
        wanted[place] = json.dumps([place.name, attributes], sort_keys=True)
    return wanted
