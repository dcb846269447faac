"""What a capture cost and brought, put together once the snapshot is committed.

What belongs here: making the outcome and the run record of one capture.

What stays out: the outcome's shape (`engine.outcomes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.outcomes import CaptureOutcome

if TYPE_CHECKING:
    from datetime import timedelta

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.capture.draft import Draft
    from jira_backup_pipeline.engine.capture.options import CaptureOptions
    from jira_backup_pipeline.engine.ports import JiraReader


def capture_outcome(
    manifest: Manifest, draft: Draft, reader: JiraReader, duration: timedelta, options: CaptureOptions
) -> CaptureOutcome:
    """Sum up a capture. Requests are all that the reader made since the capture before."""
    return CaptureOutcome(
        manifest=manifest,
        requests=reader.take_request_counts(),
        written_bytes=draft.written_bytes + manifest.index.size_bytes,
        changed_units=draft.changed_units,
        reused_units=draft.reused_units,
        removed_units=len(draft.removed),
        duration_seconds=duration.total_seconds(),
        accepted_gaps=options.accepted_gaps,
    )
