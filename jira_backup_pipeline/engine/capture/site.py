"""The capture of the site scope: configuration and people, and the heads of all project scopes.

What belongs here: the order of its steps, and the heads by which a rolled-back project becomes visible.

What stays out: everything of one project (`project`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.kinds import Level, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Gap, Head, LedgerLine
from jira_backup_pipeline.domain.times import to_epoch_ms
from jira_backup_pipeline.engine.capture.commit import commit
from jira_backup_pipeline.engine.capture.compaction import compact
from jira_backup_pipeline.engine.capture.draft import Draft, Packing
from jira_backup_pipeline.engine.capture.listing import capture_listings
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.outcome import capture_outcome
from jira_backup_pipeline.engine.capture.pictures import with_pictures
from jira_backup_pipeline.engine.capture.previous import load_previous
from jira_backup_pipeline.engine.progress import Progress, Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.readings import Account
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.outcomes import CaptureOutcome
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.repository.repository import Repository

_PROJECTS = "site_project"
# The feed hides its last minute, so the next reading begins before the last one ended.
_FEED_OVERLAP_MS = 120_000
# After a long pause the search for changed issues does the work; years of worklogs do not belong into a manifest.
_LONGEST_FEED_MS = 35 * 86_400_000


def capture_site(
    repository: Repository,
    reader: JiraReader,
    *,
    run: str,
    clock: Callable[[], datetime],
    options: CaptureOptions | None = None,
    progress: Progress | None = None,
    account: Account | None = None,
) -> CaptureOutcome:
    """Capture the site's configuration and people and commit the site snapshot; `account` is what was just asked of it, if it was.

    Raises:
        CredentialsRejected: Jira does not know the account; nothing is committed.
        Refused: the repository belongs to another Jira site.
    """
    options, progress = options or CaptureOptions(), progress or Silence()
    started_at = clock()
    reader.on_wait(progress.note)
    account = account or reader.whoami()
    repository.bind_site(account.cloud_id, account.base_url)
    draft = Draft(
        scope=SITE_SCOPE,
        run=run,
        captured_at=started_at,
        watermark_ms=to_epoch_ms(account.server_time),
        previous=load_previous(repository, SITE_SCOPE),
    )
    packing = Packing(repository, draft)
    kinds = kinds_at(Level.SITE)
    progress.stage("site: configuration and people", len(kinds))
    pictures = partial(with_pictures, repository, reader, draft.previous, packing)
    known = capture_listings(
        reader, draft, packing, kinds, progress, options=options, completed={"avatar": pictures}
    )
    packing.close()
    _hear_worklogs(reader, draft)
    _find_blind_spots(reader, draft, known.get(_PROJECTS, ()))
    compact(repository, draft)
    manifest = commit(repository, draft, heads=heads_of(repository))
    return capture_outcome(manifest, draft, reader, clock() - started_at, options)


def _hear_worklogs(reader: JiraReader, draft: Draft) -> None:
    """Read the worklog feed once for all projects; the first site snapshot has nothing to go on from."""
    before = draft.previous.manifest
    if before is None:
        return
    since_ms = before.watermark_ms - _FEED_OVERLAP_MS
    earliest_ms = draft.watermark_ms - _LONGEST_FEED_MS
    if since_ms < earliest_ms:
        draft.notes.append(
            "the last site snapshot is old: Jira's feed of worklogs is read for the last 35 days"
        )
    draft.worklog_feed = reader.worklog_feed(max(0, since_ms, earliest_ms))
    if draft.worklog_feed is None:
        draft.notes.append(
            "Jira refuses its feed of changed worklogs: only searches and the re-read find them"
        )


def _find_blind_spots(reader: JiraReader, draft: Draft, seen: Sequence[Record]) -> None:
    """Compare the projects that the account sees with those it may browse: of the others no issue is backed up."""
    browsable = {project.identity.id for project in reader.projects()}
    closed = [record for record in seen if record.id not in browsable]
    draft.gaps.extend(_closed_project(record) for record in closed)
    draft.ledger.append(
        LedgerLine(
            kind=_PROJECTS,
            source="visible and browsable",
            expected=len(seen),
            stored=len(seen) - len(closed),
            explained=len(closed),
        )
    )


def _closed_project(record: Record) -> Gap:
    key = record.value.get("key") if isinstance(record.value, dict) else None
    return Gap(
        kind=_PROJECTS,
        subject=f"project {key or record.id}",
        reason="the account sees that it exists and may not browse it: none of its issues is backed up",
        remedy="Give the backup account the permission Browse Projects there, or accept the gap in the configuration.",
    )


def heads_of(repository: Repository) -> dict[str, Head]:
    """Give the newest snapshot of every project scope as the store has it now."""
    heads = {}
    for scope in repository.scopes():
        if scope == SITE_SCOPE:
            continue
        head = repository.head(scope)
        if head is not None:
            heads[scope] = head
    return heads


def record_heads(repository: Repository, *, run: str) -> Manifest | None:
    """Commit a site snapshot of unchanged content that lists the present heads; None when they are listed already.

    A project's snapshot names the site snapshot before it, so the site is captured first; without this second, tiny
    commit the newest snapshots of all projects could be taken away unseen until the next night.
    """
    previous = load_previous(repository, SITE_SCOPE)
    heads = heads_of(repository)
    if previous.manifest is None or dict(previous.manifest.heads) == heads:
        return None
    before = previous.manifest
    draft = Draft(
        scope=SITE_SCOPE,
        run=run,
        captured_at=before.captured_at,
        watermark_ms=before.watermark_ms,
        previous=replace(previous, fresh={}, fresh_watermark_ms=None),
        gaps=list(before.gaps),
        ledger=list(before.ledger),
        notes=["heads only"],
    )
    return commit(repository, draft, heads=heads)
