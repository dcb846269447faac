"""What a verb gives back: plain values that the command line and Dagster both show.

What belongs here: outcomes of capture and backup with their JSON form, and the exit code that follows from them.

What stays out: the reports of verify and restore, which live beside their verbs, and any presentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.disappearances import count_fates
from jira_backup_pipeline.domain.errors import ExitCode
from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.domain.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.errors import BackupPipelineError
    from jira_backup_pipeline.domain.manifest import Manifest


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """A committed snapshot and what it cost.

    `requests` counts calls to Jira by "METHOD path template"; `written_bytes` what reached the store;
    `changed_units` how many units this capture wrote; `reused_units` how many came from packs of a run that died.
    """

    manifest: Manifest
    requests: Mapping[str, int]
    written_bytes: int
    changed_units: int
    reused_units: int
    removed_units: int
    duration_seconds: float
    accepted_gaps: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is missing, wrong or doubtful but for gaps that the configuration accepts."""
        manifest = self.manifest
        return (
            manifest.state is not SnapshotState.DOUBTFUL
            and manifest.unexplained == 0
            and all(gap.is_accepted(self.accepted_gaps) for gap in manifest.gaps)
        )

    def to_json(self) -> dict[str, Any]:
        """Give the outcome for `--json` and for run records; counts and names only, never issue text."""
        manifest = self.manifest
        return {
            "scope": manifest.scope,
            "project": manifest.project.key if manifest.project else None,
            "project_id": manifest.project.id if manifest.project else None,
            "snapshot": manifest.number,
            "state": manifest.state.value,
            "captured_at": to_iso(manifest.captured_at),
            "counts": dict(manifest.counts),
            "disappeared": count_fates(manifest.disappeared.values()),
            "gaps": [
                {
                    "kind": gap.kind,
                    "subject": gap.subject,
                    "issue_id": gap.issue_id,
                    "status": gap.status,
                    "reason": gap.reason,
                    "remedy": gap.remedy,
                    "count": gap.count,
                }
                for gap in manifest.gaps
            ],
            "ledger": [
                {
                    "kind": line.kind,
                    "source": line.source,
                    "expected": line.expected,
                    "stored": line.stored,
                    "explained": line.explained,
                    "unexplained": line.unexplained,
                    "is_estimate": line.is_estimate,
                }
                for line in manifest.ledger
            ],
            "requests": dict(self.requests),
            "requests_total": sum(self.requests.values()),
            "written_bytes": self.written_bytes,
            "changed_units": self.changed_units,
            "reused_units": self.reused_units,
            "removed_units": self.removed_units,
            "duration_seconds": round(self.duration_seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class FailedScope:
    """A scope whose capture failed while others went on."""

    scope: str
    name: str
    error: BackupPipelineError


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """All captures of one run of the verb `backup`."""

    run: str
    captures: tuple[CaptureOutcome, ...]
    failures: tuple[FailedScope, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Give 1 when nothing could be captured, 3 when something is wrong or missing, else 0."""
        if self.failures and not self.captures:
            return self.failures[0].error.exit_code
        if self.failures or not all(capture.is_clean for capture in self.captures):
            return ExitCode.INCOMPLETE
        return ExitCode.DONE

    def to_json(self) -> dict[str, Any]:
        """Give the outcome for `--json`."""
        return {
            "run": self.run,
            "exit_code": int(self.exit_code),
            "snapshots": [capture.to_json() for capture in self.captures],
            "failures": [
                {
                    "scope": failure.scope,
                    "name": failure.name,
                    "error": failure.error.message,
                    "hint": failure.error.hint,
                }
                for failure in self.failures
            ],
        }
