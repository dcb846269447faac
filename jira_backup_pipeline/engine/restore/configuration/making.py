"""Matching, making and recognising again: one noun at a time, under the journal.

What belongs here: what exists under the same name is matched and never touched; what is missing is announced in the
journal, made, looked for after a lost answer, completed, and recorded; a refusal is a finding and the rest goes on.

What stays out: what the nouns are, and their order (`restoring`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.noun import is_fatal, key_of, refusals
from jira_backup_pipeline.engine.restore.configuration.piece import Action, Piece
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.noun import Bench, Noun, Present
    from jira_backup_pipeline.engine.restore.journal import Journal

_LOOKS = 3
# The sections of a mapping file by kind.
_SECTIONS = {
    "field": "fields",
    "issue_type": "issue_types",
    "status": "statuses",
    "priority": "priorities",
    "resolution": "resolutions",
    "link_type": "link_types",
    "role": "roles",
}
_LEFT_OUT = "left out; the rest went on"


def pieces_of(bench: Bench, noun: Noun, wanted: Sequence[Record]) -> Iterator[Piece]:
    """Say what would happen to each wanted thing; what is matched is put into the id map."""
    if not wanted:
        return
    try:
        present = list(noun.present(bench))
    except refusals() as error:
        if is_fatal(error):
            raise
        reason = f"the target does not show its {noun.title}: {_words(error)}"
        yield from (_piece(noun, row, Action.LEAVE, reason) for row in wanted)
        return
    for row in wanted:
        found = _matched(bench, noun, row, present)
        if found is not None:
            yield _piece(noun, row, Action.MATCH)
            continue
        objection = noun.objection(bench, row)
        if objection is not None:
            bench.left_out.add((noun.kind, own_id(row)))
        yield _piece(noun, row, Action.MAKE if objection is None else Action.LEAVE, objection or "")


def _piece(noun: Noun, row: Record, action: Action, note: str = "") -> Piece:
    return Piece(noun.kind, own_id(row), str(members_of(row).get("name", own_id(row))), action, note)


def _matched(bench: Bench, noun: Noun, row: Record, present: Sequence[Present]) -> str | None:
    """Find a thing and note it in the id map; one that a person named in its place is not the same thing."""
    found = match(bench, noun, row, present)
    if found is not None:
        bench.id_map.put(noun.kind, own_id(row), found)
        if _stand_in(bench, noun, row) is None:
            bench.matched.add((noun.kind, own_id(row)))
    return found


def _stand_in(bench: Bench, noun: Noun, row: Record) -> str | None:
    name = members_of(row).get("name")
    return bench.stand_ins.of(_SECTIONS.get(noun.kind, ""), own_id(row), str(name) if name else None)


def match(bench: Bench, noun: Noun, row: Record, present: Sequence[Present]) -> str | None:
    """Find a thing: what a person said stands for it, else by its natural key; on the same site also by its id."""
    stand_in = _stand_in(bench, noun, row)
    if stand_in is not None:
        wanted = {stand_in, key_of(stand_in)}
        named = (found.id for found in present if wanted & {found.id, found.key.partition("\n")[0]})
        return next(named, None)
    alike = [
        found.id
        for found in present
        if found.key == noun.key(row) and (noun.is_meant is None or noun.is_meant(bench, row, found))
    ]
    if bench.is_same_site:
        ids = [found.id for found in present if found.id == own_id(row)]
        # What people name as they like may have another name by now; of anything else the name counts first.
        by_id_first = ids if noun.is_meant is not None else [found for found in alike if found in ids]
        alike = [*by_id_first, *alike, *ids]
    return next(iter(alike), None)


def bring(bench: Bench, noun: Noun, wanted: Sequence[Record], journal: Journal) -> bool:
    """Match or make every wanted thing of a noun; tells whether anything was made.

    Raises:
        TransientError: Jira stayed away; what was done is in the journal.
    """
    stage = f"configuration: {noun.title}"
    memory = journal.stage(stage)
    open_rows = [row for row in wanted if own_id(row) not in memory.done]
    if not open_rows:
        return False
    present = _look(bench, noun, open_rows)
    if present is None:
        return False
    making = [row for row in open_rows if _is_to_make(bench, noun, row, present, memory.in_doubt)]
    if not making:
        return False

    def act(row: Record, *, must_look: bool) -> str | None:
        return _made(bench, noun, row, must_look=must_look)

    run_tasks(bench, stage, making, act, journal)
    return True


def _look(bench: Bench, noun: Noun, rows: Iterable[Record]) -> list[Present] | None:
    try:
        return list(noun.present(bench))
    except refusals() as error:
        if is_fatal(error):
            raise
        for row in rows:
            reason = f"the target does not show its {noun.title}: {_words(error)}"
            bench.findings.fail(Failure(noun.kind, own_id(row), None, reason, _LEFT_OUT))
        return None


def _is_to_make(
    bench: Bench, noun: Noun, row: Record, present: Sequence[Present], in_doubt: set[str]
) -> bool:
    if own_id(row) in in_doubt:
        # An earlier run may have died after the making and before the completing: what is there is ours.
        found = match(bench, noun, row, present)
        if found is not None:
            bench.id_map.put(noun.kind, own_id(row), found)
            return True
    elif _matched(bench, noun, row, present) is not None:
        return False
    reason = noun.objection(bench, row)
    if reason is not None:
        bench.left_out.add((noun.kind, own_id(row)))
        bench.findings.adjust(Adjustment(noun.kind, own_id(row), "record", reason, is_impossible=True))
    return reason is None


def _made(bench: Bench, noun: Noun, row: Record, *, must_look: bool) -> str | None:
    found = bench.mapped(noun.kind, own_id(row))
    if found is None and must_look:
        found = match(bench, noun, row, list(noun.present(bench)))
    if found is None:
        found = noun.make(bench, row)
    bench.id_map.put(noun.kind, own_id(row), found)
    noun.fill(bench, row, found)
    return found


def run_tasks(
    bench: Bench,
    stage: str,
    rows: Sequence[Record],
    act: Callable[..., str | None],
    journal: Journal,
) -> None:
    """Do something for each record between an intent and a result; `act` may be called again for the same one."""
    names = [own_id(row) for row in rows]
    journal.intend(stage, names)
    done: dict[str, str | None] = {}
    try:
        for row in rows:
            done[own_id(row)] = _attempt(bench, row, act)
    except Exception:
        _record(bench, journal, stage, names, done, is_whole=False)
        raise
    _record(bench, journal, stage, names, done)


def _attempt(bench: Bench, row: Record, act: Callable[..., str | None]) -> str | None:
    for looks in range(_LOOKS + 1):
        try:
            return act(row, must_look=looks > 0)
        except AnswerLost:
            if looks == _LOOKS:
                raise
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
            bench.findings.fail(Failure(row.kind, own_id(row), None, reason, _LEFT_OUT))
            return None
    return None


def _record(
    bench: Bench,
    journal: Journal,
    stage: str,
    names: Sequence[str],
    done: Mapping[str, str | None],
    *,
    is_whole: bool = True,
) -> None:
    journal.record(
        stage,
        names,
        done,
        findings=bench.findings.take_changes(),
        maps=bench.id_map.take_changes(),
        is_whole=is_whole,
    )


def _words(error: Exception) -> str:
    return (item_reason(error) if isinstance(error, BackupPipelineError) else None) or str(error)
