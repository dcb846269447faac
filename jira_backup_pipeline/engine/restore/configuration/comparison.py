"""Whether the configuration came back: what was made is held against the snapshot, what was matched is told apart.

What belongs here: reading the target's side through the ordinary reader, pairing by the id map, and judging.

What stays out: what is compared of each kind (`facts`), and issues (`engine.restore.compare_records`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.engine.restore.compare import DIFFERENT, NEW_ID
from jira_backup_pipeline.engine.restore.configuration.differences import OwnRulesBook
from jira_backup_pipeline.engine.restore.configuration.facts import Book, facts_of, options_of
from jira_backup_pipeline.engine.restore.configuration.field_facts import of_both
from jira_backup_pipeline.engine.restore.configuration.grants import (
    GIVING_KINDS,
    Grant,
    grants_of,
    level_facts,
)
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Finding, Judgement, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.engine.restore.compare_records import Excuses
    from jira_backup_pipeline.engine.restore.configuration.piece import Piece
    from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
    from jira_backup_pipeline.engine.restore.idmap import IdMap

_MISSING = Judgement(Verdict.WRONG, Rule.MISSING)
# Of filters and dashboards that are there; an update leaves these to the owner.
_SHARED = frozenset({"shared with", "may be changed by"})
_NOT_REMOVED = Judgement(Verdict.CHANGED, Rule.NOT_REMOVED)
_SURPLUS = Judgement(Verdict.WRONG, Rule.SURPLUS)
_NOT_OVERWRITTEN = Judgement(Verdict.CHANGED, Rule.NOT_OVERWRITTEN)
# Things that hold others, which may be left out one by one with a word on each.
_WITH_MEMBERS = frozenset({"dashboard", "filter", "screen"})
_CONTEXT, _OPTION, _FIELD, _BOARD = "field_context", "field_option", "field", "board"


@dataclass(slots=True)
class TargetSide:
    """The target's configuration, each kind read when it is first asked for."""

    reader: JiraReader
    id_map: IdMap
    read: dict[str, tuple[Record, ...]] = field(default_factory=dict)

    def rows(self, kind: str) -> tuple[Record, ...]:
        """Give the records of a kind; of what is listed for parents only what the restore knows the parents of."""
        if kind not in self.read:
            known = self._parents_of(kind)
            self.read[kind] = tuple(self.reader.list_kind(BY_NAME[kind], known=known).records)
        return self.read[kind]

    def _parents_of(self, kind: str) -> dict[str, list[Record]] | None:
        if kind == "screen_field":
            return {"screen_tab": self._known_tabs()}
        if kind == "dashboard_gadget":
            return {"dashboard": self._known("dashboard")}
        if kind in {"field_configuration_item", "field_scheme_item"}:
            parent = kind.removesuffix("_item")
            return {parent: self._known(parent)}
        return None

    def _known(self, kind: str) -> list[Record]:
        known = set(self.id_map.of(kind).values())
        return [row for row in self.rows(kind) if row.id in known]

    def _known_tabs(self) -> list[Record]:
        screens = set(self.id_map.of("screen").values())
        return [tab for tab in self.rows("screen_tab") if str(members_of(tab).get("screenId")) in screens]

    def of_fields(self, field_ids: set[str]) -> tuple[list[Record], list[Record]]:
        """Give the contexts of some fields and the options of these."""
        fields = [row for row in self.rows(_FIELD) if row.id in field_ids]
        contexts = self.reader.list_kind(BY_NAME[_CONTEXT], known={_FIELD: fields}).records
        known = {_FIELD: fields, _CONTEXT: list(contexts)}
        return list(contexts), list(self.reader.list_kind(BY_NAME[_OPTION], known=known).records)


@dataclass(frozen=True, slots=True)
class ConfigurationComparison:
    """Compares the pieces of a plan. `excuses` are what the restore noted itself."""

    source: ConfigurationSource
    target: TargetSide
    id_map: IdMap
    excuses: Excuses
    moved_query: Callable[[str], str]
    person: Callable[[str], str] = str
    is_same_site: bool = False
    left_out: set[tuple[str, str]] = field(default_factory=set)

    def findings(self, pieces: tuple[Piece, ...]) -> Iterator[Finding]:
        """Judge everything that the restore made, and what it matched of the same kinds."""
        touched = _compared(pieces)
        self.left_out.update(
            (piece.kind, piece.source_id) for piece in pieces if piece.action is Action.LEAVE
        )
        there = Book(self.target.rows)
        books = Book(self.source.rows, self._moved, there), there
        for piece in pieces:
            if piece.kind in {_CONTEXT, _BOARD}:
                continue
            if piece.action is Action.LEAVE:
                reason = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, piece.note)
                yield self._finding(piece, "record", reason)
            elif piece.kind in touched:
                yield from self._piece(piece, *books)
        yield from self._contexts([piece for piece in pieces if piece.kind == _CONTEXT])
        yield from (self._board(piece) for piece in pieces if piece.kind == _BOARD)

    def _moved(self, noun: str, source_id: str) -> str:
        """Give what an id became; what was neither made nor matched keeps its id at home, and has none elsewhere."""
        if noun == "user":
            return self.person(source_id)
        return self.id_map.get(noun, source_id) or (source_id if self.is_same_site else "")

    def _finding(self, piece: Piece, name: str, judgement: Judgement, *, is_lack: bool = True) -> Finding:
        subject = f"{piece.kind.replace('_', ' ')} {piece.name}"
        if judgement.verdict is Verdict.WRONG:
            judgement = self._excused(piece, name, judgement, is_lack=is_lack)
        return Finding(piece.kind, piece.source_id, subject, name, judgement)

    def _excused(self, piece: Piece, name: str, judgement: Judgement, *, is_lack: bool) -> Judgement:
        """Give what the restore noted about this value; about a list that lacks members, what it noted of any of them."""
        found = self.excuses.judge(piece.kind, piece.source_id, name, judgement)
        if found != judgement or not is_lack:
            return found
        noted = [
            adjustment.reason
            for (kind, source_id, field_name), adjustment in self.excuses.adjustments.items()
            if (kind, source_id) == (piece.kind, piece.source_id)
            and adjustment.is_impossible
            and (field_name == "record" or piece.kind in _WITH_MEMBERS)
        ]
        return Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, "; ".join(noted)) if noted else found

    def _piece(self, piece: Piece, left: Book, right: Book) -> Iterator[Finding]:
        source = self.source.by_id(piece.kind).get(piece.source_id)
        target_id = self.id_map.get(piece.kind, piece.source_id)
        target = next((row for row in right.rows(piece.kind) if own_id(row) == target_id), None)
        if source is None or target is None:
            yield self._finding(piece, "record", _MISSING)
            return
        yield self._finding(piece, "id", EXACT if piece.source_id == target_id else NEW_ID)
        if piece.kind == "filter":
            yield self._finding(piece, "query", self._query(members_of(source), members_of(target)))
        sides = (source, left), (target, right)
        if piece.action is Action.UPDATE:
            # Rules of apps were neither written nor taken away.
            left = OwnRulesBook(left.rows, self._moved, left_out=self.left_out, there=right)
            right = OwnRulesBook(right.rows)
        wanted, present = facts_of(piece.kind, source, left), facts_of(piece.kind, target, right)
        present = of_both(piece.kind, wanted, present)
        if piece.kind in GIVING_KINDS:
            # Their lists are judged one by one.
            wanted, present = (
                {name: fact for name, fact in facts.items() if not isinstance(fact, list)}
                for facts in (wanted, present)
            )
            yield from self._grants(piece, *(grants_of(piece.kind, row, book) for row, book in sides))
        if piece.kind == "security_scheme":
            yield from self._levels(piece, *(level_facts(row, book) for row, book in sides))
        for name in wanted.keys() | present.keys() if piece.action is Action.MATCH else wanted.keys():
            left_fact, right_fact = wanted.get(name), present.get(name)
            is_lack = _is_lack(left_fact, right_fact)
            yield self._finding(piece, name, _judged(piece, name, left_fact, right_fact), is_lack=is_lack)
        if piece.action is Action.MAKE:
            for name in present.keys() - wanted.keys():
                yield self._finding(piece, name, _SURPLUS, is_lack=False)

    def _grants(self, piece: Piece, wanted: list[Grant], present: list[Grant]) -> Iterator[Finding]:
        """Judge who is given what, one by one: what is left out has a word of its own, what is more is wrong."""
        lacking, more = {
            Action.MAKE: (_MISSING, _SURPLUS),
            Action.UPDATE: (_MISSING, _NOT_REMOVED),
        }.get(piece.action, (_NOT_OVERWRITTEN, _NOT_OVERWRITTEN))
        free = Counter(grant.name for grant in present)
        for grant in wanted:
            judgement = EXACT if free[grant.name] else lacking
            free[grant.name] -= bool(free[grant.name])
            hindrance = piece.hindrance(grant.fact)
            if judgement is _MISSING and hindrance:
                judgement = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, hindrance)
            elif judgement is _MISSING:
                judgement = self.excuses.judge(piece.kind, piece.source_id, grant.noted_as, judgement)
            yield self._finding(piece, grant.name, judgement, is_lack=False)
        for name, count in free.items():
            if count:
                yield self._finding(piece, name, more, is_lack=False)

    def _levels(
        self, piece: Piece, wanted: Mapping[str, Any], present: Mapping[str, Any]
    ) -> Iterator[Finding]:
        """Judge the levels of a security scheme themselves; an update adds members and leaves the rest of a level alone."""
        is_ours = piece.action is Action.MAKE
        for name, fact in wanted.items():
            there = present.get(name)
            lacking = _MISSING if there is None else DIFFERENT if is_ours else _NOT_OVERWRITTEN
            if there is None and piece.action is Action.MATCH:
                lacking = _NOT_OVERWRITTEN
            yield self._finding(piece, name, EXACT if fact == there else lacking, is_lack=False)
        for name in present.keys() - wanted.keys():
            yield self._finding(piece, name, _SURPLUS if is_ours else _NOT_REMOVED, is_lack=False)

    def _query(self, source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
        wanted, present = str(source.get("jql") or ""), target.get("jql")
        if wanted == present:
            return EXACT
        is_moved = self.moved_query(wanted) == present
        return Judgement(Verdict.CHANGED, Rule.NEW_REFERENCES) if is_moved else DIFFERENT

    def _contexts(self, pieces: list[Piece]) -> Iterator[Finding]:
        """Judge the options of contexts: those of the snapshot must be there, in their order; more may be."""
        wanted = self._options_by_context()
        fields = {row.id.rpartition("/")[2]: row.id.split("/")[0] for row in self.source.rows(_CONTEXT)}
        field_ids = {self.id_map.get(_FIELD, fields.get(piece.source_id, "")) or "" for piece in pieces}
        contexts, options = self.target.of_fields(field_ids) if pieces else ([], [])
        there = {own_id(row) for row in contexts}
        by_context: dict[str, list[Record]] = {}
        for row in options:
            by_context.setdefault(row.id.split("/")[1], []).append(row)
        for piece in pieces:
            target_id = self.id_map.get(_CONTEXT, piece.source_id)
            if target_id not in there:
                yield self._finding(piece, "record", _left_or_missing(piece))
                continue
            yield self._finding(piece, "id", EXACT if target_id == piece.source_id else NEW_ID)
            present = options_of(by_context.get(target_id or "", []))
            expected = options_of(wanted.get(piece.source_id, []))
            if expected:
                kept = [option for option in present if option in set(expected)]
                yield self._finding(piece, "options", EXACT if kept == expected else DIFFERENT)

    def _options_by_context(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for row in self.source.rows(_OPTION):
            found.setdefault(row.id.split("/")[1], []).append(row)
        return found

    def _board(self, piece: Piece) -> Finding:
        is_there = self.id_map.get(_BOARD, piece.source_id) is not None
        limit = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, "no call writes them")
        judgement = limit if is_there else _MISSING
        return self._finding(
            piece, "columns, swimlanes, quick filters and card layout" if is_there else "record", judgement
        )


def _left_or_missing(piece: Piece) -> Judgement:
    if piece.action is Action.LEAVE:
        return Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, piece.note)
    return _MISSING


def _is_lack(wanted: Any, present: Any) -> bool:  # noqa: ANN401 - a fact of any shape
    """Tell whether all that differs is that members of a list are not there."""
    return isinstance(wanted, list) and (present is None or all(member in wanted for member in present))


def _judged(piece: Piece, name: str, wanted: Any, present: Any) -> Judgement:  # noqa: ANN401 - a fact of any shape
    if wanted == present:
        return EXACT
    if piece.action is Action.UPDATE:
        hindrance = piece.hindrance(name)
        if name in _SHARED:
            return _NOT_OVERWRITTEN
        if hindrance:
            return Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, hindrance)
        if isinstance(wanted, list) and isinstance(present, list) and set(wanted) < set(present):
            return _NOT_REMOVED
        return DIFFERENT
    return _NOT_OVERWRITTEN if piece.action is Action.MATCH else DIFFERENT


def records_of(pieces: tuple[Piece, ...]) -> Mapping[str, int]:
    """Count the things of a plan by kind, of the kinds that are compared: those of which anything is not just matched."""
    counted = Counter(piece.kind for piece in pieces)
    compared = {piece.kind for piece in pieces if piece.action is not Action.MATCH} | _compared(pieces)
    return {kind: count for kind, count in counted.items() if kind in compared}


def _compared(pieces: tuple[Piece, ...]) -> set[str]:
    """Name the kinds that are compared: of which something is written, and those that say who may do and see what."""
    written = {piece.kind for piece in pieces if piece.action in {Action.MAKE, Action.UPDATE}}
    return written | {piece.kind for piece in pieces if piece.kind in GIVING_KINDS}
