"""The commit: index first and proven, manifest last and create-only.

What belongs here: the order of a commit, the choice between a stored index and a new one, and what a manifest says of its
packs.

What stays out: the manifest's seal and its one put (`snapshots`), the index file (`index`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jira_backup_pipeline import __version__
from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, PackRef
from jira_backup_pipeline.repository.damage import damaged
from jira_backup_pipeline.repository.index import Index, find_stored, store_units
from jira_backup_pipeline.repository.layout import index_key
from jira_backup_pipeline.repository.snapshots import draft_to_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest, ObjectRef
    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.repository.founding import Founding
    from jira_backup_pipeline.repository.keyring import EpochKeys, Keyring
    from jira_backup_pipeline.repository.receipts import Receipts
    from jira_backup_pipeline.repository.snapshots import ManifestDraft, Snapshots
    from jira_backup_pipeline.store.contract import Store


def commit_snapshot(
    draft: ManifestDraft,
    units: Iterable[UnitRef],
    *,
    store: Store,
    founding: Founding,
    keyring: Keyring,
    snapshots: Snapshots,
    receipts: Receipts,
    now: Callable[[], datetime],
) -> Manifest:
    """Commit a draft; see `Repository.commit`."""
    if founding.cloud_id is None:
        message = "the repository is not bound to a Jira site yet"
        raise ConfigurationError(message, hint="This is a defect of the caller: bind_site comes first.")
    keys = keyring.for_writing(draft.scope)
    if snapshots.newest_number(draft.scope) != draft.expected_parent:
        raise snapshots.moved(draft.scope)
    parent, parent_sha256 = None, None
    if draft.expected_parent is not None:
        parent, parent_ref = snapshots.load_with_ref(draft.scope, draft.expected_parent)
        parent_sha256 = parent_ref.stored_sha256
    index = Index.of(units)
    manifest = draft_to_manifest(
        draft,
        repository_id=founding.repository_id,
        cloud_id=founding.cloud_id,
        number=(draft.expected_parent or 0) + 1,
        parent_sha256=parent_sha256,
        tool_version=__version__,
        committed_at=now(),
        index=_stored_index(store, draft.scope, index, keys.current, parent),
        packs=_pack_refs(
            receipts, draft, index, {} if parent is None else {ref.pack: ref for ref in parent.packs}
        ),
        counts=index.record_counts(),
        heads=draft.heads or (snapshots.heads() if draft.scope == SITE_SCOPE else {}),
    )
    snapshots.commit(manifest)
    return manifest


def _stored_index(
    store: Store, scope: str, index: Index, keys: EpochKeys, parent: Manifest | None
) -> ObjectRef:
    digest = index.digest()
    if parent is not None and parent.index.plain_sha256 == digest:
        return parent.index
    key = index_key(scope, keys.epoch, digest)
    found = find_stored(store, key, keys.table_key, digest=digest, rows=len(index))
    return found or store_units(store, index, key, keys.table_key, digest=digest)


def _pack_refs(
    receipts: Receipts, draft: ManifestDraft, index: Index, before: Mapping[str, PackRef]
) -> tuple[PackRef, ...]:
    refs = []
    for name, live in sorted(index.packs().items()):
        known = before.get(name) or draft.packs.get(name)
        if known is None:
            receipt, ref = receipts.fetch(draft.scope, name)
            known = PackRef(name, receipt.epoch, ref, live, receipt.total_units)
        if live > known.total_units:
            raise damaged(known.receipt.key, f"the index names {live} of its {known.total_units} units")
        refs.append(replace(known, live_units=live))
    return tuple(refs)
