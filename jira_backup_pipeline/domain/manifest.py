"""What a snapshot says about itself: the manifest, its ledger, its gaps and the objects it rests on.

What belongs here: frozen values with their JSON form (`to_json` / `from_json`), the rules that follow from them
alone (which state a snapshot has, which difference is explained), and the names of scopes.

What stays out: sealing and signing (`repository.sealing`), where objects lie (`repository.layout`), and how the
figures are obtained (`engine.capture`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.domain.disappearances import Disappearance, from_lines, to_lines
from jira_backup_pipeline.domain.errors import UnsupportedFormat
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.times import parse_instant, to_iso
from jira_backup_pipeline.domain.worklog_feed import WorklogFeed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

MANIFEST_FORMAT = 1
SITE_SCOPE = "site"
_PROJECT_PREFIX = "project-"


def project_scope(project_id: str) -> str:
    """Name the scope of a project; the numeric id is used because keys change."""
    return f"{_PROJECT_PREFIX}{project_id}"


def project_id_of(scope: str) -> str | None:
    """Give the numeric project id of a scope, or None for the site scope."""
    return scope.removeprefix(_PROJECT_PREFIX) if scope.startswith(_PROJECT_PREFIX) else None


class SnapshotState(StrEnum):
    """Whether a snapshot holds everything (`complete`), lacks known things (`gaps`), or a guard objected (`doubtful`)."""

    COMPLETE = "complete"
    GAPS = "gaps"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object in the store. `plain_sha256` is of what was sealed; for a table of its rows' `raw_sha256` in order."""

    key: str
    size_bytes: int
    stored_sha256: str
    plain_sha256: str
    rows: int | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            key=document["key"],
            size_bytes=document["size_bytes"],
            stored_sha256=document["stored_sha256"],
            plain_sha256=document["plain_sha256"],
            rows=document.get("rows"),
        )


@dataclass(frozen=True, slots=True)
class PackRef:
    """A pack that the snapshot rests on; its receipt lists and hashes every object of the pack."""

    pack: str
    epoch: str
    receipt: ObjectRef
    live_units: int
    total_units: int

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            pack=document["pack"],
            epoch=document["epoch"],
            receipt=ObjectRef.from_json(document["receipt"]),
            live_units=document["live_units"],
            total_units=document["total_units"],
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """A known-missing thing. `subject` names it by kind and id, `reason` keeps Jira's own words."""

    kind: str
    subject: str
    reason: str
    remedy: str
    status: int | None = None
    issue_id: str | None = None
    count: int = 1

    def is_accepted(self, accepted: Collection[str]) -> bool:
        """Tell whether this gap is accepted: by the configuration, or by the catalogue.

        The configuration names a `kind`, or of a kind a status (`kind:404`), a subject (`kind:subject`) or an issue
        (`kind:issue 10001`).

        The catalogue accepts what an ordinary account or plan cannot have (`Kind.optional_statuses`).
        """
        whose = (self.status, self.subject, f"issue {self.issue_id}")
        if self.kind in accepted or any(f"{self.kind}:{which}" in accepted for which in whose):
            return True
        kind = BY_NAME.get(self.kind)
        if kind is None:
            return False
        is_switched_off = kind.may_be_unlisted and self.subject == kind.unlisted
        return is_switched_off or self.status in kind.optional_statuses

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            kind=document["kind"],
            subject=document["subject"],
            reason=document["reason"],
            remedy=document["remedy"],
            status=document.get("status"),
            issue_id=document.get("issue_id"),
            count=document.get("count", 1),
        )


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What `source` said exists of a kind against what is stored; `explained` counts the differences that gaps name."""

    kind: str
    source: str
    expected: int
    stored: int
    explained: int = 0
    is_estimate: bool = False

    @property
    def unexplained(self) -> int:
        """Count what is missing without a reason (an estimate is never proof of a loss, so it never counts)."""
        return 0 if self.is_estimate else max(0, self.expected - self.stored - self.explained)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            kind=document["kind"],
            source=document["source"],
            expected=document["expected"],
            stored=document["stored"],
            explained=document.get("explained", 0),
            is_estimate=document.get("is_estimate", False),
        )


@dataclass(frozen=True, slots=True)
class ProjectIdentity:
    """Who a project is: the numeric id stays, the keys change."""

    id: str
    key: str
    name: str
    former_keys: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            id=document["id"],
            key=document["key"],
            name=document["name"],
            former_keys=tuple(document.get("former_keys", ())),
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The newest snapshot of a scope as the site manifest saw it: what makes a rolled-back scope visible."""

    number: int
    stored_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The commit record of a snapshot.

    `parent_sha256` is the stored digest of the parent's manifest object, so that a scope's snapshots form a chain.
    `watermark_ms` is Jira's clock at the start of the reading, in epoch milliseconds. `counts` are live records by
    table name. `heads` is filled in the site scope only. `unresolved` maps ids of issues that were not seen to the
    ISO moment of the first run that missed them; `disappeared` says of all issues that are listed no more what became
    of them. `property_keys` are the keys of the stored issue properties, None where nobody gathered them. `field_witnesses` are
    ids of issues that together show every field of which `issue_fields` tells the name.
    `worklog_feed` (site scope) is what Jira's feeds said since the site snapshot before.
    """

    repository_id: str
    cloud_id: str
    scope: str
    number: int
    parent: int | None
    parent_sha256: str | None
    run: str
    tool_version: str
    state: SnapshotState
    captured_at: datetime
    committed_at: datetime
    watermark_ms: int
    index: ObjectRef
    packs: tuple[PackRef, ...]
    counts: Mapping[str, int]
    ledger: tuple[LedgerLine, ...] = ()
    gaps: tuple[Gap, ...] = ()
    project: ProjectIdentity | None = None
    site_snapshot: int | None = None
    heads: Mapping[str, Head] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)
    disappeared: Mapping[str, Disappearance] = field(default_factory=dict)
    property_keys: tuple[str, ...] | None = None
    field_witnesses: tuple[str, ...] = ()
    worklog_feed: WorklogFeed | None = None
    notes: tuple[str, ...] = ()
    format: int = MANIFEST_FORMAT

    @property
    def is_restorable_by_default(self) -> bool:
        """Tell whether a restore takes this snapshot without being told its number."""
        return self.state is not SnapshotState.DOUBTFUL

    @property
    def unexplained(self) -> int:
        """Count what the ledger misses without a reason."""
        return sum(line.unexplained for line in self.ledger)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form that `FORMAT.md` documents."""
        document = asdict(self)
        document["state"] = self.state.value
        document["captured_at"] = to_iso(self.captured_at)
        document["committed_at"] = to_iso(self.committed_at)
        document["disappeared"] = to_lines(self.disappeared.values())
        document["worklog_feed"] = self.worklog_feed.to_json() if self.worklog_feed else None
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form.

        Raises:
            UnsupportedFormat: the manifest was written by a newer version.
        """
        found = document.get("format")
        if not isinstance(found, int) or found > MANIFEST_FORMAT:
            message = f"snapshot manifest has format {found}, this version reads up to {MANIFEST_FORMAT}"
            raise UnsupportedFormat(
                message, hint="Upgrade jira_backup_pipeline to the version that wrote the snapshot, or newer."
            )
        return cls(
            repository_id=document["repository_id"],
            cloud_id=document["cloud_id"],
            scope=document["scope"],
            number=document["number"],
            parent=document["parent"],
            parent_sha256=document["parent_sha256"],
            run=document["run"],
            tool_version=document["tool_version"],
            state=SnapshotState(document["state"]),
            captured_at=parse_instant(document["captured_at"]),
            committed_at=parse_instant(document["committed_at"]),
            watermark_ms=document["watermark_ms"],
            index=ObjectRef.from_json(document["index"]),
            packs=tuple(PackRef.from_json(pack) for pack in document["packs"]),
            counts=dict(document["counts"]),
            ledger=tuple(LedgerLine.from_json(line) for line in document.get("ledger", ())),
            gaps=tuple(Gap.from_json(gap) for gap in document.get("gaps", ())),
            project=ProjectIdentity.from_json(document["project"]) if document.get("project") else None,
            site_snapshot=document.get("site_snapshot"),
            heads={scope: Head(**head) for scope, head in document.get("heads", {}).items()},
            unresolved=dict(document.get("unresolved", {})),
            disappeared=from_lines(document.get("disappeared", ())),
            property_keys=_texts(document.get("property_keys")),
            field_witnesses=tuple(document.get("field_witnesses", ())),
            worklog_feed=_feed(document.get("worklog_feed")),
            notes=tuple(document.get("notes", ())),
            format=found,
        )


def _texts(found: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _feed(found: Mapping[str, Any] | None) -> WorklogFeed | None:
    return None if found is None else WorklogFeed.from_json(found)


def state_of(
    gaps: Iterable[Gap], ledger: Iterable[LedgerLine], *, is_doubtful: bool = False
) -> SnapshotState:
    """Decide a snapshot's state: a guard's objection outweighs gaps, and an unexplained difference is a gap too."""
    if is_doubtful:
        return SnapshotState.DOUBTFUL
    if any(True for _ in gaps) or any(line.unexplained for line in ledger):
        return SnapshotState.GAPS
    return SnapshotState.COMPLETE
