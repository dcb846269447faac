"""Jira refuses one part of issues: every kind that hangs on them becomes a gap with its status and remedy, the rest is read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.kinds import Level, kinds_at
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.sandbox.settings import Settings
from jira_backup_pipeline_tests.contract.test_jira_reading import first_project, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jira_backup_pipeline.domain.readings import IssueUnit

ISSUE = "/rest/api/3/issue/[0-9]+"
# Which kind lies where; links and attachments come with the issue itself.
CASES: dict[str, tuple[str | None, str, str]] = {
    "comments beyond the inline ones": ("GET", f"{ISSUE}/comment$", "comment"),
    "worklogs beyond the inline ones": ("GET", f"{ISSUE}/worklog$", "worklog"),
    "history, in bulk and one by one": (None, "/changelog(/bulkfetch)?$", "changelog"),
    "remote links": ("GET", f"{ISSUE}/remotelink$", "remote_link"),
    "watchers": ("GET", f"{ISSUE}/watchers$", "watcher"),
    "votes": ("GET", f"{ISSUE}/votes$", "vote"),
    "properties of comments": ("POST", "/comment/list$", "comment"),
    "properties of worklogs": ("POST", "/worklog/list$", "worklog"),
    "properties of issues": ("GET", f"{ISSUE}$", "issue_property"),
}
COMES_WITH_THE_ISSUE = {"issue", "issue_link", "attachment"}


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSandbox]:
    settings = Settings(inline_comments=1, inline_worklogs=1)
    with start_sandbox(projects=1, issues=24, seed=11, settings=settings) as running:
        yield running


def units_of(site: RunningSandbox) -> tuple[list[IssueUnit], list[str]]:
    """Read every issue with all that hangs on it, without people to search for watchers by."""
    reader = reader_of(site)
    try:
        ids = list(reader.issue_ids(first_project(reader)))
        return list(reader.issue_units(ids, properties_of=None)), ids
    finally:
        reader.client.close()


def by_kind(units: Sequence[IssueUnit]) -> dict[str, set[tuple[str | None, str]]]:
    found: dict[str, set[tuple[str | None, str]]] = defaultdict(set)
    for unit in units:
        for record in unit.records:
            found[record.kind].add((record.issue_id, record.id))
    return found


@pytest.fixture(scope="module")
def whole(site: RunningSandbox) -> dict[str, set[tuple[str | None, str]]]:
    """Everything that is read when nothing is refused."""
    site.faults.clear()
    units, _ = units_of(site)
    assert [unit.gaps for unit in units if unit.gaps] == []
    return by_kind(units)


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_refused_part_is_told_and_the_rest_is_read(
    site: RunningSandbox,
    whole: dict[str, set[tuple[str | None, str]]],
    case: tuple[str | None, str, str],
    status: int,
) -> None:
    method, path, kind = case
    site.faults.clear()
    fault = site.faults.add("status", status=status, method=method, path=path, times=None)
    units, ids = units_of(site)
    site.faults.clear()

    assert fault.fired
    assert [unit.issue_id for unit in units] == ids
    gaps = [gap for unit in units for gap in unit.gaps]
    assert {(gap.kind, gap.status) for gap in gaps} == {(kind, status)}
    assert all(gap.subject and gap.reason and gap.remedy for gap in gaps)
    # Every gap says which issue it is about, but for a right that is missing for all of them.
    assert status == 403 or all(gap.issue_id for gap in gaps)
    read = by_kind(units)
    assert {name: read[name] for name in whole if name != kind} == {
        name: records for name, records in whole.items() if name != kind
    }
    assert read[kind] <= whole[kind]
    # What is missing is counted, one by one or as a whole; a refusal of properties alone leaves their owners.
    assert sum(gap.count for gap in gaps) >= (1 if read[kind] != whole[kind] else 0)


def test_bytes_that_are_refused_are_a_gap(site: RunningSandbox) -> None:
    site.faults.clear()
    site.faults.add("status", status=403, path="/attachment/content/", times=None)
    reader = reader_of(site)
    answer = reader.open_attachment("10000")
    reader.client.close()
    site.faults.clear()

    assert isinstance(answer, Gap)
    assert (answer.kind, answer.status, bool(answer.remedy)) == ("attachment", 403, True)


def test_every_kind_that_hangs_on_issues_is_in_the_table(
    whole: dict[str, set[tuple[str | None, str]]],
) -> None:
    names = {kind.name for kind in kinds_at(Level.ISSUE)}

    assert {kind for _, _, kind in CASES.values()} | COMES_WITH_THE_ISSUE == names
    assert whole.keys() == names
