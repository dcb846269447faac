"""The completeness ledger: what Jira said exists, against what is stored.

What belongs here: the tally kept while units are captured and the lines made of it; pure arithmetic.

What stays out: reading and storing; the judgement of a whole snapshot (`domain.manifest.state_of`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.kinds import Level, kinds_at
from jira_backup_pipeline.domain.manifest import LedgerLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.engine.ports import IssueUnit

# What Jira's own word for a kind's number is, as shown in the ledger.
_SOURCES = {
    "comment": "embedded totals",
    "worklog": "embedded totals",
    "attachment": "embedded lists",
    "issue_link": "embedded lists",
    "watcher": "watch counts",
    "vote": "vote counts",
    "changelog": "history answers",
    "remote_link": "link answers",
    "issue_property": "property answers",
}

_HANGS_ON_ISSUE = frozenset(kind.name for kind in kinds_at(Level.ISSUE)) - {"issue"}
BYTES_DECLARED = "bytes declared"


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Bytes of attachments: as Jira declares them, and as they are stored."""

    declared: int = 0
    stored: int = 0

    def __add__(self, other: FileBytes) -> FileBytes:
        """Sum up."""
        return FileBytes(self.declared + other.declared, self.stored + other.stored)

    def __sub__(self, other: FileBytes) -> FileBytes:
        """Take away."""
        return FileBytes(self.declared - other.declared, self.stored - other.stored)

    @classmethod
    def of(cls, declared: object, stored: object) -> FileBytes:
        """Give the bytes of one file; what Jira does not declare counts as it is stored, what is not stored as nothing."""
        held = stored if isinstance(stored, int) else 0
        return cls(declared if isinstance(declared, int) else held, held)

    @classmethod
    def told_by(cls, ledger: Iterable[LedgerLine]) -> FileBytes | None:
        """Give what an earlier ledger says; None where it says nothing of bytes."""
        found = [cls(line.expected, line.stored) for line in ledger if line.source == BYTES_DECLARED]
        return found[0] if found else None


@dataclass(slots=True)
class Tally:
    """Sums of declared and stored records by kind over the units of one capture.

    `carried_bytes` are the files of issues that are kept from an earlier capture; None where nobody knows them.
    """

    declared: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    blobs: int = 0
    file_bytes: FileBytes = field(default_factory=FileBytes)
    carried_bytes: FileBytes | None = field(default_factory=FileBytes)

    def count(self, unit: IssueUnit) -> Mapping[str, int]:
        """Add an issue: what Jira declared of it and what was read of it; gives how many records of each kind that is."""
        read: dict[str, int] = {}
        for record in unit.records:
            read[record.kind] = read.get(record.kind, 0) + 1
            if record.kind == "attachment":
                self.blobs += bool(record.extra.get("blob"))
                size = record.value.get("size") if isinstance(record.value, dict) else None
                self.file_bytes += FileBytes.of(size, record.extra.get("blob_size_bytes"))
        for kind, number in read.items():
            self.stored[kind] += number
        for kind, number in {**read, **unit.declared}.items():
            if kind in _HANGS_ON_ISSUE:
                self.declared[kind] += number
        return read

    def carry(self, counts: Mapping[str, int], *, missing_blobs: int = 0) -> None:
        """Add a unit that is kept from an earlier capture: it was accounted for when it was read."""
        self.blobs += counts.get("attachment", 0) - missing_blobs
        for kind, number in counts.items():
            if kind != "issue":
                self.stored[kind] += number
                self.declared[kind] += number


def issue_ledger(
    tally: Tally, gaps: Iterable[Gap], *, listed: int, stored_issues: int, approximate: int | None
) -> tuple[LedgerLine, ...]:
    """Make the ledger of a project scope. `listed` is the id walk's count, `stored_issues` the live issues."""
    explained: Counter[str] = Counter()
    for gap in gaps:
        explained[gap.kind] += gap.count
    lines = [
        LedgerLine(
            kind="issue",
            source="id walk",
            expected=listed,
            stored=stored_issues,
            explained=min(explained["issue"], max(0, listed - stored_issues)),
        )
    ]
    if approximate is not None:
        lines.append(
            LedgerLine(
                kind="issue",
                source="approximate count",
                expected=approximate,
                stored=stored_issues,
                is_estimate=True,
            )
        )
    for kind, source in _SOURCES.items():
        expected, stored = tally.declared[kind], tally.stored[kind]
        missing = max(0, expected - stored)
        lines.append(
            LedgerLine(
                kind=kind,
                source=source,
                expected=expected,
                stored=stored,
                explained=min(explained[kind], missing),
            )
        )
    attachments = tally.stored["attachment"]
    lines.append(
        LedgerLine(
            kind="attachment",
            source="bytes stored",
            expected=attachments,
            stored=tally.blobs,
            explained=min(explained["attachment"], max(0, attachments - tally.blobs)),
        )
    )
    if tally.carried_bytes is not None:
        lines.append(_bytes_line(tally.file_bytes + tally.carried_bytes, lines[-1]))
    return tuple(lines)


def _bytes_line(files: FileBytes, count: LedgerLine) -> LedgerLine:
    """Compare bytes; what is missing is explained where every file without bytes is."""
    missing = max(0, files.declared - files.stored)
    return LedgerLine(
        kind="attachment",
        source=BYTES_DECLARED,
        expected=files.declared,
        stored=files.stored,
        explained=0 if count.unexplained else missing,
    )
