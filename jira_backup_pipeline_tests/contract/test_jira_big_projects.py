"""A big project is walked in several parts at a time: complete, each issue once, whatever is created meanwhile."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import NotFound, UnexpectedAnswer
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira import walk
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.walk import ranges_of_creation
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, asking
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.jira.client import JiraClient

_SEARCH = "POST /rest/api/3/search/jql"


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=2, issues=200, seed=11) as running:
        yield running


@pytest.fixture
def reader(site: RunningSandbox) -> Iterator[CloudReader]:
    config = JiraConfig(site.url, site.email, Secret(site.token))
    with connect(config, timing=PlayedTime().timing()) as client:
        yield CloudReader(client)


@pytest.fixture
def small_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut from 50 issues on, into ranges of about 20."""
    monkeypatch.setattr(walk, "_BIG", 50)
    monkeypatch.setattr(walk, "_ISSUES_A_RANGE", 20)


def project_of(site: RunningSandbox) -> tuple[str, set[str]]:
    project = min(site.site.projects.values(), key=lambda project: project.key)
    return str(project.project_id), {str(i.issue_id) for i in site.site.issues.of_project(project.project_id)}


def test_a_project_that_is_not_big_is_one_walk_in_order(site: RunningSandbox, reader: CloudReader) -> None:
    project_id, issues = project_of(site)

    found = list(reader.issue_ids(project_id, len(issues)))

    assert found == sorted(issues, key=int)
    assert reader.take_request_counts() == {_SEARCH: 1}


@pytest.mark.usefixtures("small_is_big")
def test_the_parts_of_a_big_project_hold_every_issue_exactly_once(
    site: RunningSandbox, reader: CloudReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id, issues = project_of(site)
    parts: list[list[str]] = []
    real = walk._walk_range

    def remembered(client: JiraClient, project: str, condition: str) -> list[str]:
        parts.append(real(client, project, condition))
        return parts[-1]

    monkeypatch.setattr(walk, "_walk_range", remembered)

    found = list(reader.issue_ids(project_id, len(issues)))

    assert sorted(found) == sorted(issues)
    assert len(parts) == -(-len(issues) // 20)
    assert sum(1 for part in parts if part) > 1
    assert set(Counter(i for part in parts for i in part).values()) == {1}
    assert reader.take_request_counts() == {_SEARCH: 2 + len(parts)}


@pytest.mark.usefixtures("small_is_big")
def test_issues_that_are_created_while_the_parts_are_walked_are_not_missed(
    site: RunningSandbox, reader: CloudReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id, issues = project_of(site)
    made: list[str] = []
    real = walk.ranges_of_creation

    def meanwhile(first_ms: int, last_ms: int, count: int) -> list[str]:
        for at_ms in (first_ms - 86_400_000, (first_ms + last_ms) // 2, last_ms + 86_400_000):
            edit = site.edits.create_issue(project_id, "made meanwhile", at=at_ms)
            made.append(edit["issue_id"])
        return real(first_ms, last_ms, count)

    monkeypatch.setattr(walk, "ranges_of_creation", meanwhile)

    found = set(reader.issue_ids(project_id, len(issues)))

    assert found == issues | {str(issue_id) for issue_id in made}


@given(
    first=st.integers(0, 2**41),
    span=st.integers(0, 10**11),
    count=st.integers(1, 24),
    moments=st.lists(st.integers(-(10**9), 2**41 + 2 * 10**11), max_size=20),
)
def test_every_moment_is_in_exactly_one_range(first: int, span: int, count: int, moments: list[int]) -> None:
    ranges = ranges_of_creation(first, first + span, count)

    if not ranges:
        assert count == 1 or span < 86_400_000 * 60
        return
    assert len(ranges) <= count
    bounds = [int(bound) for bound in re.findall(r"created < (\d+)", " ".join(ranges))]
    assert all(bound % 60_000 == 0 for bound in bounds)
    for moment in [*moments, first, first + span, *bounds, *(bound - 1 for bound in bounds)]:
        assert sum(holds(condition, moment) for condition in ranges) == 1


def holds(condition: str, moment: int) -> bool:
    parts = re.findall(r"created (>=|<) (-?\d+)", condition)
    return all(moment >= int(bound) if sign == ">=" else moment < int(bound) for sign, bound in parts)


def big(answer: Any) -> PlayedJira:
    """Issues 1 and 2, created a year apart; `answer` is what a search of a range gets."""

    def search(seen: Seen) -> Reply:
        jql = seen.document["jql"]
        if "ORDER BY created" in jql:
            number, year = (1, 2020) if jql.endswith("ASC") else (2, 2021)
            fields = {"created": f"{year}-01-02T03:04:05.006+0000"}
            return Reply.json({"issues": [{"id": str(number), "fields": fields}], "nextPageToken": "more"})
        if "created" in jql:
            return answer if isinstance(answer, Reply) else answer(seen)
        return Reply.json({"issues": [{"id": "1"}, {"id": "2"}], "isLast": True})

    return PlayedJira(search__jql=search)


def walked(played: PlayedJira) -> list[str]:
    found, _ = asking(played, lambda reader: list(reader.issue_ids("10000", 500_000)))
    return list(found)


def test_where_ranges_are_refused_one_walk_has_to_do() -> None:
    assert walked(big(Reply.json({"errorMessages": ["no"]}, 400))) == ["1", "2"]


def test_ranges_that_overlap_on_the_server_give_each_issue_once() -> None:
    assert walked(big(Reply.json({"issues": [{"id": "2"}, {"id": "1"}], "isLast": True}))) == ["2", "1"]


def test_a_token_that_comes_back_in_one_part_ends_the_walk_with_an_error() -> None:
    again = Reply.json({"issues": [{"id": "1"}], "nextPageToken": "again"})

    with pytest.raises(UnexpectedAnswer, match="same page token twice"):
        walked(big(again))


def test_a_project_that_is_not_shown_is_not_found_however_big_it_was() -> None:
    refused = Reply.json({"errorMessages": ["does not exist"]}, 400)

    with pytest.raises(NotFound):
        walked(PlayedJira(search__jql=refused))
