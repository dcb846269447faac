"""Publishing a draft: one create-only object makes it a snapshot, and a lost race is rebased.

What belongs here: turning a draft into the repository's manifest draft, and what to do when another writer was first.

What stays out: how the manifest is written and signed (`repository.snapshots`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import ConcurrentWriter
from jira_backup_pipeline.domain.manifest import state_of
from jira_backup_pipeline.engine.capture.previous import load_previous
from jira_backup_pipeline.repository.snapshots import ManifestDraft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.manifest import Gap, Head, Manifest
    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.engine.capture.draft import Draft
    from jira_backup_pipeline.engine.capture.previous import Previous
    from jira_backup_pipeline.repository.repository import Repository

_ATTEMPTS = 4


def commit(repository: Repository, draft: Draft, *, heads: Mapping[str, Head] | None = None) -> Manifest:
    """Publish a draft, on top of other writers' snapshots if need be.

    Raises:
        ConcurrentWriter: other writers were first every time.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return repository.commit(_manifest_draft(draft, heads or {}), draft.live_units())
        except ConcurrentWriter:
            if attempt == _ATTEMPTS - 1:
                raise
            rebase(repository, draft)
    message = f"no attempt was made to commit {draft.scope}"
    raise AssertionError(message)


def rebase(repository: Repository, draft: Draft) -> None:
    """Put a draft on top of the snapshot that another writer committed meanwhile; the newer reading of a unit wins."""
    previous = load_previous(repository, draft.scope)
    draft.drop_copies()
    draft.units.drop([(ref.kind, ref.id) for ref in draft.units if _is_older(ref, previous)])
    # What they found after we looked is not ours to remove.
    if previous.manifest is not None and previous.manifest.watermark_ms > draft.watermark_ms:
        draft.removed.clear()
        draft.disappeared = dict(previous.manifest.disappeared)
        draft.unresolved = dict(previous.manifest.unresolved)
    draft.previous = previous
    draft.notes.append("rebased on a snapshot that another writer committed meanwhile")


def _is_older(ref: UnitRef, previous: Previous) -> bool:
    theirs = previous.find(ref.kind, ref.id)
    return theirs is not None and theirs.updated_ms > ref.updated_ms


def _manifest_draft(draft: Draft, heads: Mapping[str, Head]) -> ManifestDraft:
    previous = draft.previous
    return ManifestDraft(
        scope=draft.scope,
        run=draft.run,
        state=state_of(draft.gaps, draft.ledger, is_doubtful=draft.is_doubtful),
        captured_at=draft.captured_at,
        watermark_ms=draft.watermark_ms,
        ledger=tuple(draft.ledger),
        gaps=_merged(draft.gaps),
        project=draft.project,
        site_snapshot=draft.site_snapshot,
        heads=heads,
        unresolved=draft.unresolved,
        disappeared=draft.disappeared,
        property_keys=None if draft.property_keys is None else tuple(sorted(draft.property_keys)),
        field_witnesses=draft.field_witnesses,
        worklog_feed=draft.worklog_feed,
        notes=tuple(draft.notes),
        packs={**previous.packs, **draft.packs},
        expected_parent=None if previous.newest is None else previous.newest.number,
    )


def _merged(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Tell the same gap once, with its whole count: a refused permission is met again with every thousand issues."""
    counts: Counter[Gap] = Counter()
    for gap in gaps:
        counts[replace(gap, count=1)] += gap.count
    return tuple(replace(gap, count=count) for gap, count in counts.items())
