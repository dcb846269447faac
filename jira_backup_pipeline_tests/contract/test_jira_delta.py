"""A delta is small enough to be held whole: it asks in full requests, and gives the same as any other reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.jira import issues
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.contract.test_jira_reading import reader_of, units_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=1, issues=160, seed=11) as running:
        yield running


def test_a_delta_asks_for_properties_in_full_requests_and_gives_the_same(
    site: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issues, "WINDOW", 40)
    found = []
    for stored in ({"watcher": {}, "vote": {}}, {}):
        reader = reader_of(site)
        units = units_of(reader, links_of=(), stored_people=stored)
        counts = reader.take_request_counts()
        found.append((units, [counts[f"POST /rest/api/3/{kind}/list"] for kind in ("comment", "worklog")]))
        reader.client.close()

    (delta, few), (first, many) = found
    assert (few, many) == ([1, 1], [4, 4])
    assert list(delta) == list(first)
    for issue_id, unit in delta.items():
        assert [(r.kind, r.id, r.raw, dict(r.extra)) for r in unit.records] == [
            (r.kind, r.id, r.raw, dict(r.extra)) for r in first[issue_id].records
        ]
    assert any(record.extra.get("properties") for unit in delta.values() for record in unit.records)
