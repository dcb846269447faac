"""The verb `verify`: is everything that the snapshots rest on there, unchanged and readable?

What belongs here: which objects are looked at on which level, the chain of snapshots and the heads that the site
snapshot recorded, and the findings.

What stays out: checking one object's bytes (`repository`), and a rehearsal of the restore (`drill`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import ExitCode, IntegrityError, NotFound, UnknownName
from jira_backup_pipeline.engine.progress import Progress, Silence
from jira_backup_pipeline.repository.checking import VerifyLevel
from jira_backup_pipeline.repository.layout import snapshot_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.manifest import Manifest, ObjectRef
    from jira_backup_pipeline.repository.repository import Repository

__all__ = ["Finding", "VerifyLevel", "VerifyReport", "verify"]

_LOST_REMEDY = (
    "Earlier snapshots stay usable; bring the object back from a copy of the bucket, or run a full backup."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    scope: str
    snapshot: int | None
    object_key: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification looked at and found."""

    level: VerifyLevel
    snapshots: int
    objects: int
    bytes: int
    findings: tuple[Finding, ...]

    @property
    def is_intact(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings

    @property
    def exit_code(self) -> ExitCode:
        """Give 3 when something is wrong, else 0."""
        return ExitCode.DONE if self.is_intact else ExitCode.INCOMPLETE

    def to_json(self) -> dict[str, Any]:
        """Give the report for `--json`."""
        return {
            "level": self.level.value,
            "is_intact": self.is_intact,
            "snapshots": self.snapshots,
            "objects": self.objects,
            "bytes": self.bytes,
            "findings": [
                {
                    "scope": finding.scope,
                    "snapshot": finding.snapshot,
                    "object": finding.object_key,
                    "problem": finding.problem,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            ],
        }


def verify(
    repository: Repository,
    *,
    scopes: Sequence[str] | None = None,
    level: VerifyLevel = VerifyLevel.HASH,
    newest_only: bool = False,
    progress: Progress | None = None,
) -> VerifyReport:
    """Verify the snapshots of the given scopes (None: all), every object once however many snapshots rest on it.

    Damage is collected, not raised; only a store or key that cannot be used at all raises.
    """
    check = _Verification(repository, level, newest_only=newest_only, progress=progress or Silence())
    for scope in _known_scopes(repository) if scopes is None else scopes:
        check.scope(scope)
    return VerifyReport(level, check.snapshots, len(check.seen), check.bytes, tuple(check.findings))


def _known_scopes(repository: Repository) -> list[str]:
    """Give the scopes that have snapshots, and those that had some when the site snapshot was made."""
    return sorted({*repository.scopes(), *repository.remembered_scopes()})


class _Verification:
    """One run of the verb: what was seen, and what is wrong."""

    def __init__(
        self, repository: Repository, level: VerifyLevel, *, newest_only: bool, progress: Progress
    ) -> None:
        self._repository = repository
        self._level = level
        self._newest_only = newest_only
        self._progress = progress
        self.findings: list[Finding] = []
        self.seen: set[str] = set()
        self.snapshots = 0
        self.bytes = 0

    def scope(self, scope: str) -> None:
        """Check a scope's chain of snapshots, then the objects of each (or of the newest)."""
        for wrong in self._repository.chain_findings(scope):
            self._find(scope, None, wrong.key, wrong.problem)
        numbers = self._repository.snapshot_numbers(scope)
        wanted = numbers[-1:] if self._newest_only else numbers
        self._progress.stage(f"verifying {scope}", len(wanted))
        for number in wanted:
            self._snapshot(scope, number)
            self._progress.advance()

    def _snapshot(self, scope: str, number: int) -> None:
        try:
            manifest = self._repository.load(scope, number)
        except (IntegrityError, UnknownName) as error:
            self._find(scope, number, snapshot_key(scope, number), error.message)
            return
        self.snapshots += 1

        def report(error: IntegrityError) -> None:
            self._find(scope, number, snapshot_key(scope, number), error.message)

        for ref, _ in self._repository.objects_of(manifest, on_damage=report):
            self._object(manifest, ref)

    def _object(self, manifest: Manifest, ref: ObjectRef) -> None:
        if ref.key in self.seen:
            return
        self.seen.add(ref.key)
        try:
            self.bytes += self._repository.check_object(manifest.scope, ref, self._level)
        except (IntegrityError, NotFound) as error:
            self._find(manifest.scope, manifest.number, ref.key, error.message)

    def _find(self, scope: str, number: int | None, key: str, problem: str) -> None:
        known = {(finding.object_key, finding.problem) for finding in self.findings}
        if (key, problem) not in known:
            self.findings.append(Finding(scope, number, key, problem, _LOST_REMEDY))
