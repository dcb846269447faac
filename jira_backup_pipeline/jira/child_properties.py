"""Reads the properties of comments and worklogs, which no answer shows unless it is asked by their ids.

What belongs here: the two lists by id, a thousand ids a request, and what of them is worth keeping: the exact bytes of a
thing's `properties`, nothing where it has none.

What stays out: the comments and worklogs themselves (`bodies`, `overflow`), properties of issues (`issue_properties`).

Nothing tells beforehand which comment has properties, so all of a window are asked for: a request for every thousand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value, split_array, split_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jira_backup_pipeline.jira.assembly import UnitParts
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

_IDS_A_REQUEST = 1_000
# Below this no further halving: what is refused then is a gap.
_FEWEST_IDS = 25
_SPLITTABLE = frozenset({400, 413, 422})
_ABOUT_WHO_ASKS = frozenset({401, 403})
# Where a kind is listed by id, and the member of the answer that is the list.
_LISTS = {"comment": ("/rest/api/3/comment/list", "values"), "worklog": ("/rest/api/3/worklog/list", "")}


@dataclass(frozen=True, slots=True)
class _Batch:
    kind: str
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Answer:
    batch: _Batch
    found: Mapping[str, Slice | None]
    refusal: Refusal | None = None


def add_child_properties(client: JiraClient, parts: Mapping[str, UnitParts]) -> None:
    """Put the properties of a window's comments and worklogs into its parts."""
    owners = {kind: _owners(kind, parts) for kind in _LISTS}
    batches = [
        _Batch(kind, ids[start : start + _IDS_A_REQUEST])
        for kind, of_kind in owners.items()
        for ids in [sorted(of_kind)]
        for start in range(0, len(ids), _IDS_A_REQUEST)
    ]
    for answers in client.map_ordered(partial(_read, client), batches):
        for answer in answers:
            _settle(answer, owners[answer.batch.kind])


def _settle(answer: _Answer, owners: Mapping[int, UnitParts]) -> None:
    kind, ids = answer.batch.kind, answer.batch.ids
    if answer.refusal is not None:
        _tell_refusal(kind, [owners[number] for number in ids], answer.refusal)
        return
    missing: defaultdict[str, list[UnitParts]] = defaultdict(list)
    for number in ids:
        part = owners[number]
        if str(number) not in answer.found:
            missing[part.issue.id].append(part)
        elif (found := answer.found[str(number)]) is not None:
            part.child_properties[kind, str(number)] = found
    for issue_id, (part, *more) in missing.items():
        part.gaps.append(_withheld(kind, issue_id, 1 + len(more)))


def _tell_refusal(kind: str, parts: Sequence[UnitParts], refusal: Refusal) -> None:
    """Tell a missing right once; any other refusal for each issue, because a gap that names one is what has it read again."""
    if refusal.status in _ABOUT_WHO_ASKS:
        parts[0].gaps.append(gap_for(refusal, kind=kind, subject=f"properties of {kind}s", count=len(parts)))
        return
    counts = Counter(part.issue.id for part in parts)
    by_id = {part.issue.id: part for part in parts}
    for issue_id, count in counts.items():
        subject = f"properties of {kind}s"
        by_id[issue_id].gaps.append(
            gap_for(refusal, kind=kind, subject=subject, issue_id=issue_id, count=count)
        )


def _owners(kind: str, parts: Mapping[str, UnitParts]) -> dict[int, UnitParts]:
    """Give the issue of each comment or worklog; an id that is no number cannot be asked for, and Jira has none such."""
    owners: dict[int, UnitParts] = {}
    for part in parts.values():
        for item in part.items(kind):
            number = read_value(split_object(item).get("id", b"null"))
            if isinstance(number, str) and number.isascii() and number.isdigit():
                owners[int(number)] = part
    return owners


def _read(client: JiraClient, batch: _Batch) -> list[_Answer]:
    """Ask for a batch; one that Jira refuses for what is in it, not for who asks, is asked for in halves."""
    path, items = _LISTS[batch.kind]
    request = Request.asking_by_post(path, {"ids": list(batch.ids)}).with_query((("expand", "properties"),))
    page = client.try_ask(request, partial(Page.read, items=items))
    if not isinstance(page, Refusal):
        return [_Answer(batch, dict(_properties_of(item) for item in page.items))]
    middle = len(batch.ids) // 2
    if page.status not in _SPLITTABLE or middle < _FEWEST_IDS:
        return [_Answer(batch, {}, page)]
    halves = (batch.ids[:middle], batch.ids[middle:])
    return [answer for half in halves for answer in _read(client, _Batch(batch.kind, half))]


def _properties_of(item: Slice) -> tuple[str, Slice | None]:
    members = split_object(item)
    found = members.get("properties")
    has_any = found is not None and bytes(memoryview(found)[:1]) == b"[" and len(split_array(found)) > 0
    return str(read_value(members.get("id", b"null"))), found if has_any else None


def _withheld(kind: str, issue_id: str, count: int) -> Gap:
    return Gap(
        kind=kind,
        subject=f"properties of {kind}s",
        reason=f"jira gave the {kind}s and, asked again for their properties, did not",
        remedy="The next run looks again.",
        issue_id=issue_id,
        count=count,
    )
