"""Reads the site-level and project-level kinds by what the catalogue says of their listing.

What belongs here: which lists are asked for, the making of records from what they give, and gaps for what is refused.

What stays out: how one list is read to its end (`list_pages`), lists for many parents at once (`batches`), issues and what
hangs on them (`issues`), and the catalogue (`domain.kinds`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import ITSELF, LAST_PART, Paging
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.domain.records import NO_EXTRA, Record, settled
from jira_backup_pipeline.jira.batches import own_id, read_batches
from jira_backup_pipeline.jira.list_pages import Reading, members_of, read_list
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.site import cloud_id_of
from jira_backup_pipeline.jira.wire.messages import Refusal
from jira_backup_pipeline.jira.wire.slices import canonical_bytes, read_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Condition, Kind
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.list_pages import Found
    from jira_backup_pipeline.jira.wire.slices import Slice

_NEEDS_CLOUD_ID = "{cloud_id}"
_ENOUGH_FAILURES = 3
_ABOUT_WHO_ASKS = frozenset({401, 403})
_GONE = frozenset({404, 410})
_NOT_OFFERED = (
    "Jira has no such list here (a product or a plan that is not there, an address that is gone), or hides it from the "
    "backup account; the next run looks again."
)


def list_kind(
    client: JiraClient,
    kind: Kind,
    *,
    project_id: str | None = None,
    known: Mapping[str, Sequence[Record]] | None = None,
) -> Listed:
    """Read one kind of site or project level completely; what is refused is a gap.

    `known` are records by kind that were read before; a list for each parent is asked for those of the parent kind.
    """
    values = {"project_id": project_id} if project_id is not None else {}
    if _NEEDS_CLOUD_ID in kind.listing.path:
        cloud_id = cloud_id_of(client)
        if cloud_id is None:
            return Listed(kind.name, (), (_without_cloud_id(kind),), unread=("",))
        values["cloud_id"] = cloud_id
    if not kind.listing.is_per_parent:
        reading = read_list(client, kind, values)
        if isinstance(reading, Refusal):
            gap = _gap_of_all(kind, reading)
            listed = Listed(kind.name, (), (gap,), unread=("",))
        else:
            listed = _listed(kind, [(None, reading)])
        return _completed(kind, listed, known or {})
    parents = _parents(kind, known or {})
    if kind.listing.paging is Paging.INLINE:
        return _listed(kind, [(parent, members_of(parent, kind.listing.items)) for parent in parents])
    if kind.listing.batch:
        return _listed(kind, read_batches(client, kind, values, parents))

    return _listed(kind, list(_each(client, kind, values, parents)))


def _each(
    client: JiraClient, kind: Kind, values: Mapping[str, str], parents: Sequence[Record]
) -> Iterator[tuple[Record | None, Reading]]:
    """Read the list of each parent; one that Jira fails on is a gap, unless it fails on one after the other."""

    def read_of(parent: Record) -> Reading | Refusal | TransientError | UnexpectedAnswer:
        try:
            return read_list(client, kind, {**values, **_places(parent)})
        except (TransientError, UnexpectedAnswer) as error:
            return error

    failed, rest = 0, list(parents)
    answers: Iterator[Reading | Refusal | TransientError | UnexpectedAnswer] = iter(())
    if kind.listing.is_one_right and len(parents) > 1:
        first = read_of(parents[0])
        if isinstance(first, Refusal) and first.status in _ABOUT_WHO_ASKS:
            yield None, _refused_for_all(kind, parents, first)
            return
        answers, rest = iter([first]), rest[1:]
    for parent, answer in zip(parents, chain(answers, client.map_ordered(read_of, rest)), strict=True):
        if isinstance(answer, Reading):
            failed = 0
            yield parent, answer
            continue
        subject = kind.of_parent(parent.kind, parent.id)
        if isinstance(answer, Refusal):
            failed, gap = 0, _gap(kind, answer, subject)
        else:
            failed += 1
            if failed >= min(_ENOUGH_FAILURES, len(parents)):
                raise answer
            gap = Gap(kind=kind.name, subject=subject, reason=answer.message, remedy=answer.hint)
        yield parent, Reading(total=1, gaps=[gap], unread=[""])


def _refused_for_all(kind: Kind, parents: Sequence[Record], refusal: Refusal) -> Reading:
    gap = _gap(kind, refusal, f"{kind.title} of {len(parents)} of {kind.parent}")
    return Reading(
        total=len(parents),
        gaps=[replace(gap, count=len(parents))],
        unread=[parent.id for parent in parents],
    )


def _gap(kind: Kind, refusal: Refusal, subject: str) -> Gap:
    gap = gap_for(refusal, kind=kind.name, subject=subject)
    return replace(gap, remedy=kind.remedy) if kind.remedy else gap


def _gap_of_all(kind: Kind, refusal: Refusal) -> Gap:
    """Give the gap of a whole list: nothing was deleted where the list itself is not there."""
    gap = _gap(kind, refusal, kind.title)
    return replace(gap, remedy=_NOT_OFFERED) if refusal.status in _GONE and not kind.remedy else gap


def _completed(kind: Kind, listed: Listed, known: Mapping[str, Sequence[Record]]) -> Listed:
    """Add what only another list of the same things shows; each thing once, in the form of its own list where it is there."""
    others = known.get(kind.completed_by or "", ())
    seen = {record.id for record in listed.records}
    more = tuple(replace(other, kind=kind.name) for other in others if other.id not in seen)
    declared = None if listed.declared is None else listed.declared + len(more)
    return replace(listed, records=(*listed.records, *more), declared=declared)


def _parents(kind: Kind, known: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Choose the parents that can have such a list."""
    parents = known.get(kind.parent or "", ())
    condition = kind.listing.only
    if condition is None:
        return list(parents)
    looked_at = known.get(condition.of or kind.parent or "", ())
    fitting = {record.id for record in looked_at if _fits(record.value, condition)}
    return [parent for parent in parents if any(above in fitting for above in _and_above(parent.id))]


def _fits(value: object, condition: Condition) -> bool:
    found = member_at(value, condition.path)
    if condition.is_cut:
        total, shown = member_at(found, ("total",)), member_at(found, ("values",))
        return isinstance(total, int) and isinstance(shown, list) and total > len(shown)
    return found in condition.values or (isinstance(found, str) and found.startswith(condition.starts))


def _and_above(record_id: str) -> Iterator[str]:
    """Give an id and those of its ancestors."""
    parts = record_id.split("/")
    return ("/".join(parts[:length]) for length in range(len(parts), 0, -1))


def _places(parent: Record) -> dict[str, str]:
    """Give what a path can say of a parent: its id, its parent's id, and its own plain members."""
    members = parent.value if isinstance(parent.value, dict) else {}
    *_, above, own = ["", *parent.id.split("/")]
    plain = {
        name: str(value)
        for name, value in members.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return {**plain, "parent_id": own, "grandparent_id": above}


def _listed(kind: Kind, readings: Sequence[tuple[Record | None, Reading]]) -> Listed:
    """Put lists together, each id once: a list that shifts while it is paged shows some things twice."""
    records: dict[str, Record] = {}
    gaps: list[Gap] = []
    unread: list[str] = []
    declared = 0
    for parent, reading in readings:
        start = "" if parent is None else parent.id
        unread.extend("/".join(part for part in (start, below) if part) for below in reading.unread)
        gaps.extend(reading.gaps)
        before, nameless = len(records), 0
        for found in reading.found:
            record = _record_of(kind, found, parent)
            if record is None:
                gaps.append(without_id(kind.name))
                unread.append(start)
                nameless += 1
            else:
                records.setdefault(record.id, record)
        declared += len(records) - before + nameless if reading.total is None else reading.total
    return Listed(kind.name, tuple(records.values()), tuple(gaps), declared, tuple(unread))


def _record_of(kind: Kind, found: Found, parent: Record | None) -> Record | None:
    value = read_value(found.item)
    if found.own_id is None:
        return record_of(kind, found.item, value, parent=parent)
    return made_record(kind.name, found.own_id, found.item, value, issue_id=None, extra=found.extra)


def record_of(
    kind: Kind, item: Slice, value: object, *, issue_id: str | None = None, parent: Record | None = None
) -> Record | None:
    """Make the record of a slice, or None where it has no id."""
    if parent is None and len(kind.id_path) == 1 and not kind.further_ids and type(value) is dict:
        # Nearly every record: one member is its id.
        record_id = _id_part(value.get(kind.id_path[0]))
        return made_record(kind.name, record_id, item, value, issue_id=issue_id) if record_id else None
    paths = [path for path in (kind.id_path, *kind.further_ids) if path]
    parts = [_id_part(value if path == ITSELF else member_at(value, path)) for path in paths]
    if not paths and parent is None:
        parts = [kind.name]
    if parts and not parts[0]:
        return None
    extra: dict[str, object] | None = None
    if parent is not None:
        extra = {"parent_id": own_id(parent)}
        parts.insert(0, parent.id)
    return made_record(kind.name, "/".join(parts), item, value, issue_id=issue_id, extra=extra)


def made_record(
    kind: str,
    record_id: str,
    item: Slice,
    value: object,
    *,
    issue_id: str | None,
    extra: Mapping[str, object] | None = None,
) -> Record:
    """Make a record with its canonical digest, for which the decoder's own encoder is by far the fastest."""
    encoded = canonical_bytes(settled(kind, value))
    canonical = None if encoded is None else hashlib.blake2b(encoded, digest_size=16).digest()
    return Record(kind, record_id, bytes(item), value, issue_id, extra or NO_EXTRA, canonical)


def _id_part(found: object) -> str:
    if type(found) is str:
        return found
    return "" if isinstance(found, bool) or not isinstance(found, str | int) else str(found)


def member_at(value: object, path: Sequence[str]) -> object:
    """Walk a path of member names (and of places in lists, and of addresses to their last part); None where it ends early."""
    for step in path:
        if step == LAST_PART:
            value = value.rstrip("/").rpartition("/")[2] if isinstance(value, str) else None
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def without_id(kind: str, issue_id: str | None = None) -> Gap:
    """Give the gap of a thing that Jira sent without an id."""
    return Gap(
        kind=kind,
        subject=f"{kind} without an id",
        reason="jira sent it without an id",
        remedy="Report the answer; things are stored under their id.",
        issue_id=issue_id,
    )


def _without_cloud_id(kind: Kind) -> Gap:
    return Gap(
        kind=kind.name,
        subject=kind.title,
        reason="they are asked for by the site's cloud id, which the site did not tell",
        remedy="Use the gateway's address, which holds the cloud id: https://api.atlassian.com/ex/jira/<cloud id>.",
    )
