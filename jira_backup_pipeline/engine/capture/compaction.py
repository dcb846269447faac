"""Compaction: a snapshot that rests on too many packs, or on packs that are mostly dead, gets its live units into new ones.

What belongs here: choosing the packs, and having their live units copied; old packs stay until retention frees them.

What stays out: copying rows (`repository.copying`), and removing anything.

A pack is rewritten when under half of it is live, so every unit is copied at most about once for each time that as much is
written anew; beyond 64 packs the smallest are put together, down to 48, so that it is not done every night.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.repository.copying import are_known, copy_units

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.engine.capture.draft import Draft
    from jira_backup_pipeline.repository.repository import Repository

MOST_PACKS: Final = 64
_PACKS_AFTERWARDS: Final = 48


def packs_to_rewrite(live: Mapping[str, int], total: Mapping[str, int], *, new: Collection[str]) -> set[str]:
    """Choose the packs whose live units are copied. `live` and `total` count units by pack; `new` are never chosen."""
    old = [pack for pack in live if pack not in new]
    chosen = {pack for pack in old if 2 * live[pack] < total[pack]}
    rest = sorted((pack for pack in old if pack not in chosen), key=lambda pack: (live[pack], pack))
    if len(live) - len(chosen) + bool(chosen) > MOST_PACKS:
        # All that is chosen becomes one pack.
        while rest and len(live) - len(chosen) + 1 > _PACKS_AFTERWARDS:
            chosen.add(rest.pop(0))
    # One pack that is wholly live and would become another one of the same is not worth a copy.
    return chosen if len(chosen) > 1 or any(live[pack] < total[pack] for pack in chosen) else set()


def compact(repository: Repository, draft: Draft) -> None:
    """Copy the live units of packs that are not worth keeping into a new pack of the snapshot in the making."""
    manifest = draft.previous.manifest
    if manifest is None or draft.is_doubtful:
        return
    by_pack: dict[str, list[UnitRef]] = {}
    for unit in draft.live_units():
        by_pack.setdefault(unit.pack, []).append(unit)
    total = {pack.pack: pack.total_units for pack in manifest.packs}
    chosen = packs_to_rewrite(
        Counter({pack: len(units) for pack, units in by_pack.items()}),
        total,
        new=by_pack.keys() - total.keys(),
    )
    units = [unit for pack in sorted(chosen) for unit in by_pack[pack]]
    if not units or not are_known(units):
        return
    # The clock of what is copied, not of this run: left behind by a crash, the pack must not count as a new reading.
    pack = repository.start_pack(draft.scope, run=draft.run, watermark_ms=manifest.watermark_ms)
    with closing(repository.tables(manifest, packs=chosen)) as tables:
        copy_units(tables, units, pack)
    closed = pack.close()
    if closed is not None:
        draft.take_copies(closed)
        draft.notes.append(f"{len(units)} units of {len(chosen)} packs were copied into a new one")
