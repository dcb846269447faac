"""The capture of kinds that Jira lists as a whole: project settings and site configuration.

What belongs here: comparing a listing with what is stored, unit by unit, and its line in the ledger.

What stays out: issues (`project`) and paging (`jira`).
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.errors import TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import Gap, LedgerLine
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.turns import turns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.capture.draft import Draft, Packing
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.engine.progress import Progress

# One list that Jira fails on must not cost all others; several one after the other mean that Jira is down.
_ENOUGH_FAILURES = 3
_AS_LISTED: Final[Mapping[str, Callable[[Listed], Listed]]] = MappingProxyType({})


def capture_listings(
    reader: JiraReader,
    draft: Draft,
    packing: Packing,
    kinds: Iterable[Kind],
    progress: Progress,
    *,
    project_id: str | None = None,
    options: CaptureOptions | None = None,
    completed: Mapping[str, Callable[[Listed], Listed]] = _AS_LISTED,
) -> dict[str, Sequence[Record]]:
    """Read whole listings into the draft; records that are listed no more leave the snapshot.

    `completed` holds by kind what is added to its records after they were listed.

    Gives the records of the kinds that others were listed for. A list that Jira fails on, or answers with something else,
    is a gap that nobody has accepted beforehand.

    Raises:
        TransientError, UnexpectedAnswer: several lists failed one after the other.
    """
    kinds, options = tuple(kinds), options or CaptureOptions()
    parents = {kind.parent for kind in kinds if kind.listing.is_per_parent}
    parents |= {kind.listing.only.of for kind in kinds if kind.listing.only is not None}
    parents |= {kind.completed_by for kind in kinds}
    known: dict[str, Sequence[Record]] = {}
    unread: dict[str | None, tuple[str, ...]] = {}
    failed = 0
    for kind in kinds:
        waiting: frozenset[str] = frozenset()
        try:
            if kind.listing.takes_turns:
                listed, waiting = _in_turns(reader, draft, kind, known, options)
            else:
                listed = reader.list_kind(kind, project_id=project_id, known=known)
        except (TransientError, UnexpectedAnswer) as error:
            failed += 1
            if failed >= _ENOUGH_FAILURES:
                raise
            gap = Gap(kind=kind.name, subject=kind.title, reason=error.message, remedy=error.hint)
            listed = Listed(kind.name, (), (gap,), unread=("",))
        else:
            failed = 0
        if kind.name in parents:
            known[kind.name] = listed.records
        unread[kind.name] = listed.unread
        if kind.listing.is_per_parent:
            # What hangs on an unread parent is unread as well, all the way down.
            unread[kind.name] += unread.get(kind.parent, ())
        if kind.name in completed:
            listed = completed[kind.name](listed)
        _store(draft, packing, listed, unread[kind.name], waiting)
        progress.advance()
    return known


def _in_turns(
    reader: JiraReader,
    draft: Draft,
    kind: Kind,
    known: Mapping[str, Sequence[Record]],
    options: CaptureOptions,
) -> tuple[Listed, frozenset[str]]:
    """Ask the parents whose turn it is; give also the ids of those that wait, whose stored lists stay as they are."""
    above = str(kind.parent)
    parents = known.get(above, ())
    turns = turns_of(draft, kind, parents, reread_days=options.reread_days, is_full=options.is_full)
    listed, asked = _that_hold_something(reader, kind, {**known, above: turns.now}), turns.now
    if turns.if_used and listed.records:
        more = _that_hold_something(reader, kind, {**known, above: turns.if_used})
        listed = Listed(
            kind.name,
            (*listed.records, *more.records),
            (*listed.gaps, *more.gaps),
            (listed.declared or 0) + (more.declared or 0),
            (*listed.unread, *more.unread),
        )
        asked = tuple(parents)
    elif turns.if_used:
        draft.notes.append(
            f"{kind.title}: {len(asked)} of {len(parents)} were asked, as none is known to have any; the others take turns,"
            " and a full reading asks all"
        )
    return listed, frozenset(parent.id for parent in parents) - {parent.id for parent in asked}


def _that_hold_something(reader: JiraReader, kind: Kind, known: Mapping[str, Sequence[Record]]) -> Listed:
    """Read lists without the empty ones: whether a parent was asked must not make another snapshot."""
    listed = reader.list_kind(kind, known=known)
    filled = tuple(record for record in listed.records if record.value)
    empty = len(listed.records) - len(filled)
    declared = None if listed.declared is None else listed.declared - empty
    return replace(listed, records=filled, declared=declared)


def _store(
    draft: Draft,
    packing: Packing,
    listed: Listed,
    unread: tuple[str, ...],
    waiting: Collection[str] = (),
) -> None:
    seen = set()
    for record in listed.records:
        seen.add(record.id)
        packing.add(listed.kind, record.id, 0, [record])
    draft.gaps.extend(listed.gaps)
    gone = draft.previous.ids(listed.kind) - seen - set(waiting)
    # What could not be read is not proven gone: the last good copy stays, and the gap says why it may be old.
    kept = {record_id for record_id in gone if any(_lies_below(record_id, above) for above in unread)}
    if kept:
        draft.notes.append(f"{len(kept)} of {listed.kind} kept from an earlier snapshot because of a gap")
    draft.removed.update((listed.kind, record_id) for record_id in gone - kept)
    draft.ledger.append(
        LedgerLine(
            kind=listed.kind,
            source="listing",
            expected=len(seen) if listed.declared is None else listed.declared,
            stored=len(seen),
            explained=sum(gap.count for gap in listed.gaps),
        )
    )


def _lies_below(record_id: str, above: str) -> bool:
    return not above or record_id == above or record_id.startswith(f"{above}/")
