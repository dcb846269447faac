"""The sandbox's query language: what it finds, what it refuses, how it orders and pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.sandbox.http import ApiError
from jira_backup_pipeline.sandbox.jql.parser import Both, Clause, Either, Negated, OrderTerm, parse
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls, calls


@pytest.fixture(scope="module")
def site() -> Calls:
    """A site that no test here changes."""
    return calls(projects=2, issues=60)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    where = parse("a = 1 or not b = 2 and c in (3, '4')").where
    assert where == Either(
        (Clause("a", "=", ("1",)), Both((Negated(Clause("b", "=", ("2",))), Clause("c", "in", ("3", "4")))))
    )


def test_parentheses_and_order_are_read() -> None:
    query = parse('(a = "x y" AND b != z) ORDER BY updated DESC, key')
    assert query.order == (OrderTerm("updated", descending=True), OrderTerm("key", descending=False))
    assert query.where == Both((Clause("a", "=", ("x y",)), Clause("b", "!=", ("z",))))


@pytest.mark.parametrize(
    "text",
    [
        "project =",
        "project",
        "= APP",
        "project = APP AND",
        "(project = APP",
        "a = 1 b = 2",
        "a is full",
        'a = "x',
    ],
)
def test_a_syntax_error_is_a_400_with_a_message(site: Calls, text: str) -> None:
    status, body = site.refused("POST", "/search/jql", {"jql": text})
    assert status == 400
    assert body["errorMessages"]


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse(text)
        status = 200
    except ApiError as error:
        status = error.status
    assert status in {200, 400}


@pytest.mark.parametrize("text", ["", "order by id", "ORDER BY updated DESC"])
def test_an_unbounded_query_is_refused(site: Calls, text: str) -> None:
    status, body = site.refused("POST", "/search/jql", {"jql": text})
    assert (status, "Unbounded" in body["errorMessages"][0]) == (400, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("colour = red", "Field 'colour' does not exist or you do not have permission to view it."),
        ("status = Sleeping", "The value 'Sleeping' does not exist for the field 'status'."),
        ("key = APP-9999", "An issue with key 'APP-9999' does not exist for field 'key'."),
    ],
)
def test_unknown_things_are_named(site: Calls, text: str, message: str) -> None:
    status, body = site.refused("POST", "/search/jql", {"jql": text})
    assert (400, [message]) == (status, body["errorMessages"])


def test_projects_are_found_by_key_id_and_name(site: Calls) -> None:
    project = site.site.find_project("APP")
    assert project is not None
    wanted = site.keys("project = APP")
    assert len(wanted) == 30
    assert wanted == site.keys(f"project = {project.project_id}") == site.keys(f'project = "{project.name}"')
    assert site.keys("project in (APP, OPS)") == site.keys("project = OPS OR project = APP")


def test_a_condition_and_its_opposite_share_the_issues_that_have_a_value(site: Calls) -> None:
    everything = set(site.keys("project = APP"))
    done = set(site.keys("project = APP AND statusCategory = Done"))
    rest = set(site.keys("project = APP AND statusCategory != Done"))
    assert done
    assert rest
    assert (everything, set()) == (done | rest, done & rest)
    assert rest == set(site.keys("project = APP AND NOT statusCategory = Done"))


def test_empty_fields_match_neither_a_value_nor_its_opposite(site: Calls) -> None:
    label = next(label for issue in site.site.issues for label in issue.labels)
    without = set(site.keys("project in (APP, OPS) AND labels is EMPTY"))
    others = set(site.keys(f"project in (APP, OPS) AND labels != {label}"))
    assert without
    assert not without & others


def test_people_parents_and_types_are_found(site: Calls) -> None:
    watched = next(issue for issue in site.site.issues if issue.watchers)
    assert site.site.key_of(watched) in site.keys(f'watcher = "{watched.watchers[0]}"')
    voted = next(issue for issue in site.site.issues if issue.voters)
    assert site.site.key_of(voted) in site.keys(f'voter = "{voted.voters[0]}"')
    child = next(issue for issue in site.site.issues if issue.parent_id is not None)
    parent = site.site.issues.by_id[child.parent_id or 0]
    assert site.site.key_of(child) in site.keys(f"parent = {site.site.key_of(parent)}")
    epics = site.keys("issuetype = Epic")
    assert {"Epic"} == {
        site.get(f"/issue/{key}?fields=issuetype")["fields"]["issuetype"]["name"] for key in epics
    }


def test_ids_and_keys_can_be_listed_and_compared(site: Calls) -> None:
    assert site.keys("key in (APP-2, app-3)") == ["APP-2", "APP-3"]
    assert site.keys("key <= APP-2 AND project = APP") == ["APP-1", "APP-2"]
    number = site.site.find_issue("APP-4")
    assert number is not None
    assert site.keys(f"id = {number.issue_id}") == ["APP-4"]


def test_text_is_found_in_summaries(site: Calls) -> None:
    summary = site.get("/issue/APP-3?fields=summary")["fields"]["summary"]
    word = max(summary.split(), key=len)
    assert "APP-3" in site.keys(f'text ~ "{word}" AND project = APP')
    assert "APP-3" in site.keys(f'summary ~ "{word}" AND project = APP')


@pytest.mark.parametrize(
    "order", ["", "ORDER BY id", "ORDER BY updated DESC, key ASC", "ORDER BY status, summary"]
)
def test_pages_hold_every_issue_once(site: Calls, order: str) -> None:
    seen: list[str] = []
    tokens: list[str] = []
    token = None
    while True:
        body = {"jql": f"project = APP {order}", "fields": ["key"], "maxResults": 7, "nextPageToken": token}
        page = site.post("/search/jql", body)
        seen += [item["key"] for item in page["issues"]]
        token = page.get("nextPageToken")
        assert page["isLast"] is (token is None)
        if token is None:
            break
        tokens.append(token)
    assert 30 == len(seen) == len(set(seen))
    assert len(tokens) == len(set(tokens))


def test_a_token_belongs_to_its_query(site: Calls) -> None:
    page = site.post("/search/jql", {"jql": "project = APP", "maxResults": 3})
    body = {"jql": "project = OPS", "maxResults": 3, "nextPageToken": page["nextPageToken"]}
    assert site.refused("POST", "/search/jql", body)[0] == 400
    assert site.refused("POST", "/search/jql", {"jql": "project = APP", "nextPageToken": "rubbish"})[0] == 400


def test_the_order_is_kept(site: Calls) -> None:
    page = site.post("/search/jql", {"jql": "project = APP ORDER BY created DESC", "fields": ["created"]})
    dates = [item["fields"]["created"] for item in page["issues"]]
    assert dates == sorted(dates, reverse=True)
