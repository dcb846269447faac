"""A law of lists for many parents: whatever parents spoil a question, every parent is told once or counted in a gap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.jira.listing import list_kind
from jira_backup_pipeline.jira.wire.messages import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jira_backup_pipeline.jira.wire.messages import Request

KIND = BY_NAME["issue_type_scheme_project"]


class Spoilt:
    """Answers by scheme, at most two to a page; a question that names a bad project is refused as a whole."""

    def __init__(self, bad: set[str], schemes: int) -> None:
        self.bad, self.schemes, self.most = bad, schemes, 0

    def try_ask(self, request: Request, read: Callable[[bytes], Any]) -> Any:
        ids = [value for name, value in request.query if name == "projectId"]
        self.most = max(self.most, len(ids))
        if self.bad.intersection(ids):
            return Refusal(400, "one of them is not there")
        groups: dict[str, list[str]] = {}
        for project in ids:
            groups.setdefault(str(int(project) % self.schemes), []).append(project)
        start = int(dict(request.query)["startAt"])
        values = [{"issueTypeScheme": {"id": i, "name": i}, "projectIds": ps} for i, ps in groups.items()]
        return read(json.dumps({"values": values[start : start + 2], "total": len(values)}).encode())

    def map_ordered(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return map(work, items)


@given(
    count=st.integers(0, 230),
    bad=st.sets(st.integers(0, 229), max_size=9),
    schemes=st.integers(1, 7),
)
def test_every_project_is_told_once_or_is_a_gap_of_its_own(count: int, bad: set[int], schemes: int) -> None:
    parents = [Record("site_project", str(n), b"{}", {"id": str(n)}) for n in range(10_000, 10_000 + count)]
    spoilt = {str(10_000 + n) for n in bad if n < count}
    client: Any = Spoilt(spoilt, schemes)

    listed = list_kind(client, KIND, known={"site_project": parents})

    told = [project for record in listed.records for project in record.value["projectIds"]]  # type: ignore[index,call-overload]
    assert len(told) == len(set(told))
    assert client.most <= 100
    assert len(told) + sum(gap.count for gap in listed.gaps) == count
    # Where both ends of a question are bad it counts as refused for all: only then is more missing than is bad.
    questions = [parents[start : start + 100] for start in range(0, count, 100)]
    if any(len(ids) > 1 and {ids[0].id, ids[-1].id} <= spoilt for ids in questions):
        assert set(told) <= {parent.id for parent in parents} - spoilt
        return
    assert set(told) == {parent.id for parent in parents} - spoilt
    assert sorted(gap.subject.rpartition(" ")[2] for gap in listed.gaps) == sorted(spoilt)
    assert listed.declared == len(listed.records) + len(spoilt)
