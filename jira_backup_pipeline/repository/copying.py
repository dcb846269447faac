"""Copies live units out of older packs into a new one, row by row as they are: nothing is decoded, nothing made anew.

What belongs here: which rows belong to the units, and the proof that all of them came along.

What stays out: which packs are worth it (`engine.capture.compaction`), and writing (`packs`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.repository.damage import damaged
from jira_backup_pipeline.repository.tables.schema import is_issue_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.repository.packs import PackWriter
    from jira_backup_pipeline.repository.table_set import TableSet


def are_known(units: Sequence[UnitRef]) -> bool:
    """Tell whether every kind of record in these units is in this version's catalogue; others cannot be copied whole."""
    return all(kind in BY_NAME for unit in units for kind in unit.counts)


def copy_units(tables: TableSet, units: Sequence[UnitRef], pack: PackWriter) -> None:
    """Copy units that are live in a snapshot into a pack.

    Raises:
        IntegrityError: the tables hold other rows than the index counts.
    """
    expected: Counter[str] = Counter()
    for unit in units:
        expected.update(unit.counts)
    pack.copy_units(units)
    for kind in sorted(expected):
        unit_kind = "issue" if is_issue_level(kind) else kind
        ids = {unit.id for unit in units if unit.kind == unit_kind}
        copied = 0
        for batch in tables[BY_NAME[kind].table].to_batches(of=ids):
            pack.copy_rows(kind, batch)
            copied += batch.num_rows
        if copied != expected[kind]:
            key = f"packs/{pack.scope}/"
            raise damaged(key, f"it holds {copied} rows of {kind} where the index counts {expected[kind]}")
