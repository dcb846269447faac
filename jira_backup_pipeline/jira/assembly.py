"""Makes an issue unit of its parts: every record with its exact bytes and its value, decoded once.

What belongs here: records from slices, the sharing of values that were decoded with the issue, and Jira's own totals for
the ledger.

What stays out: obtaining the parts (`issues` and the modules it asks).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import IssueUnit
from jira_backup_pipeline.jira.listing import made_record, record_of, without_id
from jira_backup_pipeline.jira.wire.slices import read_strictly, read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.jira.bodies import InlineList, SlicedIssue
    from jira_backup_pipeline.jira.overflow import Found
    from jira_backup_pipeline.jira.wire.slices import Slice

# Where a list lies in the decoded issue.
_PLACES: dict[str, tuple[str, ...]] = {
    "comment": ("fields", "comment", "comments"),
    "worklog": ("fields", "worklog", "worklogs"),
    "attachment": ("fields", "attachment"),
    "issue_link": ("fields", "issuelinks"),
}


@dataclass(slots=True)
class UnitParts:
    """What was read of one issue.

    `histories` are the slices of its history, `lists` what was read on its own, `people` user objects by kind, `properties` the
    issue's own by key, `child_properties` those of comments and worklogs by kind and id.
    """

    issue: SlicedIssue
    histories: Sequence[Slice] = ()
    lists: dict[str, Found] = field(default_factory=dict)
    people: dict[str, Sequence[Slice]] = field(default_factory=dict)
    properties: dict[str, Slice] = field(default_factory=dict)
    child_properties: dict[tuple[str, str], Slice] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def items(self, kind: str) -> Sequence[Slice]:
        """Give the comments or worklogs of the issue: the whole list where it was read on its own, else what came inline."""
        if kind in self.lists:
            return self.lists[kind].items
        inline = self.issue.comments if kind == "comment" else self.issue.worklogs
        return inline.items if inline is not None else ()


def assemble(parts: UnitParts) -> IssueUnit:
    """Make the unit of an issue. Of one id sent twice the first counts."""
    issue = parts.issue
    value, is_whole = read_strictly(issue.raw)
    gaps = [*parts.gaps, *(found.gap for found in parts.lists.values() if found.gap is not None)]
    records = [made_record("issue", issue.id, issue.raw, value, issue_id=issue.id)]
    maker = _Maker(issue.id, records, gaps, parts.child_properties)
    for kind, slices in _inline(issue):
        if kind in parts.lists:
            maker.add(kind, ((item, read_value(item)) for item in parts.lists[kind].items))
        else:
            maker.add(kind, _with_values(slices, value if is_whole else None, _PLACES[kind]))
    maker.add("changelog", ((entry, read_value(entry)) for entry in parts.histories))
    if "remote_link" in parts.lists:
        maker.add("remote_link", ((item, read_value(item)) for item in parts.lists["remote_link"].items))
    for kind, people in parts.people.items():
        maker.add(kind, ((item, read_value(item)) for item in people))
    maker.add_properties(parts.properties)
    return IssueUnit(
        issue_id=issue.id,
        key=issue.key,
        updated_ms=issue.updated_ms,
        records=tuple(records),
        gaps=tuple(gaps),
        declared=_declared(parts),
    )


def _inline(issue: SlicedIssue) -> Iterable[tuple[str, Sequence[Slice]]]:
    yield "comment", issue.comments.items if issue.comments else ()
    yield "worklog", issue.worklogs.items if issue.worklogs else ()
    yield "attachment", issue.attachments
    yield "issue_link", issue.links


def _with_values(
    slices: Sequence[Slice], issue: object, place: tuple[str, ...]
) -> Iterable[tuple[Slice, object]]:
    """Pair slices with what was already decoded as part of the issue, where that was decoded whole."""
    values = issue
    for step in place:
        values = values.get(step) if isinstance(values, dict) else None
    if not isinstance(values, list) or len(values) != len(slices):
        return ((item, read_value(item)) for item in slices)
    return zip(slices, values, strict=True)


def _declared(parts: UnitParts) -> dict[str, int]:
    declared = {"attachment": len(parts.issue.attachments), "issue_link": len(parts.issue.links)}
    for kind, inline in (("comment", parts.issue.comments), ("worklog", parts.issue.worklogs)):
        total = _total(inline, parts.lists.get(kind))
        if total is not None:
            declared[kind] = total
    declared.update(parts.issue.interest)
    return declared


def _total(inline: InlineList | None, found: Found | None) -> int | None:
    if found is not None and found.total is not None:
        return found.total
    return inline.total if inline is not None else None


class _Maker:
    def __init__(
        self,
        issue_id: str,
        records: list[Record],
        gaps: list[Gap],
        child_properties: Mapping[tuple[str, str], Slice],
    ) -> None:
        self._issue_id = issue_id
        self._records = records
        self._gaps = gaps
        self._child_properties = child_properties

    def add(self, kind: str, things: Iterable[tuple[Slice, object]]) -> None:
        seen: set[str] = set()
        described = BY_NAME[kind]
        for item, value in things:
            record = record_of(described, item, value, issue_id=self._issue_id)
            if record is None:
                self._gaps.append(without_id(kind, self._issue_id))
            elif record.id not in seen:
                seen.add(record.id)
                self._records.append(self._with_properties(record) if self._child_properties else record)

    def _with_properties(self, record: Record) -> Record:
        found = self._child_properties.get((record.kind, record.id))
        if found is None:
            return record
        try:
            return replace(record, extra={"properties": bytes(found).decode("utf-8")})
        except UnicodeDecodeError:
            self._gaps.append(
                self._unstorable(
                    record.kind, f"properties of {record.kind} {record.id}", "they are not UTF-8"
                )
            )
            return record

    def add_properties(self, properties: Mapping[str, Slice]) -> None:
        """Add the issue's own properties: the key is the id, the value alone is the record."""
        for key, item in properties.items():
            if any("\ud800" <= character <= "\udfff" for character in key):
                subject = f"property {key!r} of an issue"
                self._gaps.append(self._unstorable("issue_property", subject, "its key is not Unicode text"))
                continue
            self._records.append(
                made_record("issue_property", key, item, read_value(item), issue_id=self._issue_id)
            )

    def _unstorable(self, kind: str, subject: str, reason: str) -> Gap:
        return Gap(
            kind=kind,
            subject=subject,
            reason=f"{reason}, so the table cannot hold it",
            remedy="Set the property anew in Jira, with the app that owns it.",
            issue_id=self._issue_id,
        )
