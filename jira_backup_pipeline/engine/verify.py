"""The verb `verify`: is everything that the snapshots rest on there, unchanged and readable?

What belongs here: which objects are looked at on which level, the chain of snapshots and the heads that the site
snapshot recorded, and the findings.

What stays out: checking one object's bytes (`repository`), and a rehearsal of the restore (`drill`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError, ExitCode, IntegrityError, NotFound
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.engine.progress import Progress, Silence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.manifest import Head, Manifest, ObjectRef
    from jira_backup_pipeline.repository.repository import Repository

_LOST_REMEDY = (
    "Earlier snapshots stay usable; bring the object back from a copy of the bucket, or run a full backup."
)


class VerifyLevel(StrEnum):
    """How deep: every object is there with its size; its stored bytes have their digest; it opens and holds its content."""

    LIST = "list"
    HASH = "hash"
    DECRYPT = "decrypt"


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
    for scope in repository.scopes() if scopes is None else scopes:
        check.scope(scope)
    check.heads(scopes)
    return VerifyReport(level, check.snapshots, len(check.seen), check.bytes, tuple(check.findings))


class _Verification:
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
        """Check every snapshot of a scope, its chain and its objects."""
        numbers = self._repository.snapshot_numbers(scope)
        self._progress.stage(f"verifying {scope}", len(numbers))
        self._check_chain_is_closed(scope, numbers)
        for number in numbers[-1:] if self._newest_only else numbers:
            manifest = self._load(scope, number)
            if manifest is not None:
                self.snapshots += 1
                for ref in self._objects(manifest):
                    self._check(manifest, ref)
            self._progress.advance()

    def heads(self, scopes: Sequence[str] | None) -> None:
        """Compare every scope with the newest snapshot that the site manifest recorded of it."""
        site = self._latest_site()
        recorded: Mapping[str, Head] = {} if site is None else site.heads
        for scope, head in recorded.items():
            if scopes is not None and scope not in scopes:
                continue
            found = self._repository.head(scope)
            if found is None or found.number < head.number:
                seen = "none" if found is None else f"number {found.number}"
                problem = (
                    f"the site snapshot saw number {head.number} as newest, now there is {seen}: rolled back"
                )
                self._find(scope, head.number, f"snapshots/{scope}", problem)

    def _latest_site(self) -> Manifest | None:
        try:
            return self._repository.latest(SITE_SCOPE)
        except (IntegrityError, NotFound):
            # Reported where the site scope itself is checked.
            return None

    def _check_chain_is_closed(self, scope: str, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        removed = self._repository.removed_snapshots(scope)
        for number in range(1, numbers[-1]):
            if number not in numbers and number not in removed:
                self._find(scope, number, f"snapshots/{scope}", f"snapshot {number} was taken away")

    def _load(self, scope: str, number: int) -> Manifest | None:
        try:
            return self._repository.load(scope, number)
        except (IntegrityError, NotFound) as error:
            self._find(scope, number, f"snapshots/{scope}", error.message)
            return None

    def _objects(self, manifest: Manifest) -> Iterator[ObjectRef]:
        """Give the objects of a snapshot; a receipt that cannot be read is a finding, and the others go on."""
        yield manifest.index
        for pack in manifest.packs:
            yield pack.receipt
            try:
                yield from self._repository.pack_objects(manifest.scope, pack)
            except (IntegrityError, NotFound) as error:
                self._find(manifest.scope, manifest.number, pack.receipt.key, error.message)

    def _check(self, manifest: Manifest, ref: ObjectRef) -> None:
        if ref.key in self.seen:
            return
        self.seen.add(ref.key)
        try:
            self.bytes += self._repository.check_object(manifest.scope, ref, self._level.value)
        except BackupPipelineError as error:
            if not isinstance(error, IntegrityError | NotFound):
                raise
            self._find(manifest.scope, manifest.number, ref.key, error.message)

    def _find(self, scope: str, number: int | None, key: str, problem: str) -> None:
        finding = Finding(scope, number, key, problem, _LOST_REMEDY)
        if finding not in self.findings:
            self.findings.append(finding)
