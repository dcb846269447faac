"""Lists that Jira gives for many parents in one answer: which scheme each project follows, what each context is for.

What belongs here: putting parents together into questions, halving a question that Jira refuses for what is in it, and
giving what came back to the parents that it names.

What stays out: how one list is read (`list_pages`) and what records become of it (`listing`).
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.list_pages import Reading, read_list
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal
from jira_backup_pipeline.jira.wire.slices import read_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.jira.client import JiraClient

    Owned = tuple[Record | None, Reading]

# One bad parent spoils an answer for all; these statuses are about what was asked, the others about who asks.
_SPLITTABLE = frozenset({400, 404, 413, 414, 422})


def read_batches(
    client: JiraClient, kind: Kind, values: Mapping[str, str], parents: Sequence[Record]
) -> list[Owned]:
    """Read the lists of many parents, as many in one question as the catalogue says; parents of one thing go together."""
    families: defaultdict[str, list[Record]] = defaultdict(list)
    for parent in parents:
        families[parent.id.rpartition("/")[0]].append(parent)
    size = kind.listing.batch
    questions = [
        family[start : start + size] for family in families.values() for start in range(0, len(family), size)
    ]
    ask = partial(_read_batch, client, kind, values)
    return [owned for answers in client.map_ordered(ask, questions) for owned in answers]


def _read_batch(
    client: JiraClient, kind: Kind, values: Mapping[str, str], parents: Sequence[Record]
) -> list[Owned]:
    """Read one batch; where Jira refuses it, find out whether a parent in it is to blame or the question itself."""
    answer = _ask(client, kind, values, parents)
    if not isinstance(answer, Refusal):
        return list(_given_out(kind, parents, answer))
    if len(parents) == 1 or answer.status not in _SPLITTABLE:
        return [_refused(kind, parents, answer)]
    if all(isinstance(_ask(client, kind, values, [one]), Refusal) for one in (parents[0], parents[-1])):
        # The list is switched off on this site, or not for this account: asking each parent would change nothing.
        return [_refused(kind, parents, answer)]
    return _in_halves(client, kind, values, parents)


def _in_halves(
    client: JiraClient, kind: Kind, values: Mapping[str, str], parents: Sequence[Record]
) -> list[Owned]:
    middle = len(parents) // 2
    found: list[Owned] = []
    for half in (parents[:middle], parents[middle:]):
        answer = _ask(client, kind, values, half)
        if not isinstance(answer, Refusal):
            found.extend(_given_out(kind, half, answer))
        elif len(half) == 1 or answer.status not in _SPLITTABLE:
            found.append(_refused(kind, half, answer))
        else:
            found.extend(_in_halves(client, kind, values, half))
    return found


def _ask(
    client: JiraClient, kind: Kind, values: Mapping[str, str], parents: Sequence[Record]
) -> Reading | Refusal:
    above = parents[0].id.rpartition("/")[0].rpartition("/")[2]
    return read_list(client, kind, {**values, "grandparent_id": above}, many=[own_id(p) for p in parents])


def own_id(parent: Record) -> str:
    """Give the parent's own id, without those above it."""
    return parent.id.rpartition("/")[2]


def _refused(kind: Kind, parents: Sequence[Record], refusal: Refusal) -> Owned:
    first = parents[0]
    whose = f"{first.kind} {first.id}" if len(parents) == 1 else f"{len(parents)} of {first.kind}"
    gap = gap_for(refusal, kind=kind.name, subject=f"{kind.title} of {whose}", count=len(parents))
    # A group of parents has no id by which what was stored of one of them could be told apart.
    unread = [""] if kind.listing.groups_parents else [parent.id for parent in parents]
    return None, Reading(total=len(parents), gaps=[gap], unread=unread)


def _given_out(kind: Kind, parents: Sequence[Record], answer: Reading) -> Iterator[Owned]:
    """Give what came to the parents that it names; a group that names none says nothing."""
    listing, by_id = kind.listing, {own_id(parent): parent for parent in parents}
    came, of_parents, nameless = len(answer.found), defaultdict[str, Reading](Reading), 0
    rest = Reading(gaps=answer.gaps, unread=answer.unread)
    for found in answer.found:
        value = read_value(found.item)
        named = value.get(listing.names_parents) if isinstance(value, dict) else None
        if listing.groups_parents:
            if named:
                rest.found.append(found)
        elif str(named) in by_id:
            of_parents[str(named)].found.append(found)
        else:
            nameless += 1
    if nameless:
        rest.gaps.append(_not_asked_for(kind, nameless))
    missing = max(0, (answer.total or 0) - came)
    rest.total = len(rest.found) + nameless + missing
    yield None, rest
    for name, reading in of_parents.items():
        yield by_id[name], reading


def _not_asked_for(kind: Kind, count: int) -> Gap:
    return Gap(
        kind=kind.name,
        subject=f"{kind.title} of something that was not asked for",
        reason="jira names a parent that was not in the question, or none",
        remedy="Report the answer; things are stored under the parent that they name.",
        count=count,
    )
