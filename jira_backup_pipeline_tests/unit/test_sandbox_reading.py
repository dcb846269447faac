"""Reading from the sandbox: page sizes, inline caps, bulk reads, feeds, field choice, permissions."""

from __future__ import annotations

import pytest

from jira_backup_pipeline.sandbox.truth import truth_records
from jira_backup_pipeline_tests.unit.sandbox_calls import TEXT, Calls, calls


@pytest.fixture
def site() -> Calls:
    """A fresh site."""
    return calls(projects=2, issues=60)


def test_only_the_id_comes_without_a_choice_of_fields(site: Calls) -> None:
    page = site.post("/search/jql", {"jql": "project = APP"})
    assert all("fields" not in item for item in page["issues"])
    assert "total" not in page


def test_pages_shrink_as_fields_grow(site: Calls) -> None:
    site.site.settings.search_page_full = 5
    site.site.settings.search_page_scalars = 9
    site.site.settings.search_page_ids = 20
    sizes = [
        len(
            site.post("/search/jql", {"jql": "project = APP", "fields": fields, "maxResults": 5000})["issues"]
        )
        for fields in (["*all"], ["summary", "updated"], ["id"], ["comment"])
    ]
    assert sizes == [5, 9, 20, 5]


def test_the_old_search_is_gone(site: Calls) -> None:
    assert site.refused("GET", "/search?jql=project=APP")[0] == 410
    assert site.refused("POST", "/search", {"jql": "project = APP"})[0] == 410


def test_bulk_fetch_drops_what_it_cannot_show_and_orders_by_id(site: Calls) -> None:
    wanted = ["APP-9", "999999", "app-2", "NOPE-1", "APP-2"]
    found = site.post("/issue/bulkfetch", {"issueIdsOrKeys": wanted, "fields": ["summary"]})
    assert [item["key"] for item in found["issues"]] == ["APP-2", "APP-9"]
    assert found["issueErrors"] == []


def test_bulk_fetch_takes_a_hundred_or_a_thousand(site: Calls) -> None:
    many = [str(number) for number in range(1, 1001)]
    assert site.refused("POST", "/issue/bulkfetch", {"issueIdsOrKeys": many, "fields": ["*all"]})[0] == 400
    assert site.refused("POST", "/issue/bulkfetch", {"issueIdsOrKeys": [], "fields": ["summary"]})[0] == 400
    assert site.refused("POST", "/issue/bulkfetch", {"issueIdsOrKeys": many, "fields": ["comment"]})[0] == 400
    site.post("/issue/bulkfetch", {"issueIdsOrKeys": many, "fields": ["summary", "status", "updated"]})


def test_an_issue_too_large_for_a_bulk_answer_is_an_error_entry(site: Calls) -> None:
    site.site.settings.oversized_issue_bytes = 100
    found = site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["APP-1", "APP-2"], "fields": ["*all"]})
    assert (found["issues"], len(found["issueErrors"])) == ([], 2)
    single = site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["APP-1"], "fields": ["*all"]})
    assert len(single["issues"]) == 1


@pytest.mark.parametrize(("part", "cap"), [("comment", "inline_comments"), ("worklog", "inline_worklogs")])
def test_inline_lists_are_cut_with_a_true_total(site: Calls, part: str, cap: str) -> None:
    site.edits.set_settings(**{cap: 3})
    key = "APP-7" if part == "comment" else "APP-11"
    page = site.get(f"/issue/{key}?fields={part}")["fields"][part]
    assert len(page[f"{part}s"]) == 3
    assert page["total"] > 20
    whole = site.get(f"/issue/{key}/{part}")
    assert page["total"] == whole["total"] == len(whole[f"{part}s"])


def test_the_oldest_comments_are_the_ones_missing(site: Calls) -> None:
    inline = site.get("/issue/APP-7?fields=comment")["fields"]["comment"]["comments"]
    whole = site.get("/issue/APP-7/comment?maxResults=5000")["comments"]
    assert whole[-20:] == inline


def test_the_inline_history_is_the_newest_forty(site: Calls) -> None:
    inline = site.get("/issue/APP-13?expand=changelog&fields=id")["changelog"]
    assert len(inline["histories"]) == 40
    whole: list[dict[str, object]] = []
    while not whole or len(whole) < inline["total"]:
        whole += site.get(f"/issue/APP-13/changelog?startAt={len(whole)}")["values"]
    assert inline["total"] == len(whole) > 40
    assert [entry["id"] for entry in reversed(whole)][:40] == [entry["id"] for entry in inline["histories"]]


def test_bulk_changelogs_are_complete_over_pages_and_dated_in_milliseconds(site: Calls) -> None:
    keys = site.keys("project = APP")
    found: dict[str, list[dict[str, object]]] = {}
    dates: list[int] = []
    token = None
    pages = 0
    while True:
        body = {"issueIdsOrKeys": [*keys, "NOPE-1"], "maxResults": 20, "nextPageToken": token}
        page = site.post("/changelog/bulkfetch", body)
        pages += 1
        for entry in page["issueChangeLogs"]:
            found.setdefault(entry["issueId"], []).extend(entry["changeHistories"])
        dates.append(max(h["created"] for e in page["issueChangeLogs"] for h in e["changeHistories"]))
        token = page.get("nextPageToken")
        if token is None:
            break
    assert pages > 3
    assert dates == sorted(dates)
    assert all(date > 10**11 for date in dates)
    for key in keys:
        issue = site.site.find_issue(key)
        assert issue is not None
        stored = {str(item.history_id) for item in site.site.body(issue).histories}
        assert stored == {str(item["id"]) for item in found.get(str(issue.issue_id), [])}


@pytest.mark.parametrize(
    "body",
    [
        {"issueIdsOrKeys": []},
        {"issueIdsOrKeys": ["1"] * 1001},
        {"issueIdsOrKeys": ["1"], "maxResults": 10_001},
    ],
)
def test_bulk_changelogs_refuse_what_is_out_of_bounds(site: Calls, body: dict[str, object]) -> None:
    assert site.refused("POST", "/changelog/bulkfetch", body)[0] == 400


def test_fields_are_chosen_by_name_wildcard_and_exclusion(site: Calls) -> None:
    everything = site.get("/issue/APP-3")["fields"]
    assert set(everything) - {"summary"} == set(site.get("/issue/APP-3?fields=*all,-summary")["fields"])
    assert {"summary", "status"} == set(site.get("/issue/APP-3?fields=summary,status,unknown")["fields"])
    navigable = set(site.get("/issue/APP-3?fields=*navigable")["fields"])
    assert "timetracking" in set(everything) - navigable


def test_named_properties_come_with_bulk_reads(site: Calls) -> None:
    site.put("/issue/APP-3/properties/mark", {"deep": [1, None]})
    body = {"issueIdsOrKeys": ["APP-3"], "fields": ["summary"], "properties": ["mark", "absent"]}
    assert site.post("/issue/bulkfetch", body)["issues"][0]["properties"] == {"mark": {"deep": [1, None]}}
    assert site.get("/issue/APP-3?properties=*all")["properties"]["mark"] == {"deep": [1, None]}


def test_the_worklog_feeds_hold_every_worklog_and_deletion_but_not_the_last_minute(site: Calls) -> None:
    site.edits.set_clock("2026-05-01T10:00:00Z")
    everything = {str(w.worklog_id) for issue in site.site.issues for w in site.site.body(issue).worklogs}
    feed = site.get("/worklog/updated?since=0")
    assert everything == {str(item["worklogId"]) for item in feed["values"]}
    made = site.post("/issue/APP-2/worklog", {"timeSpent": "1h", "comment": TEXT})["id"]
    until = feed["until"]
    assert made not in {str(i["worklogId"]) for i in site.get(f"/worklog/updated?since={until}")["values"]}
    site.edits.advance_clock(61)
    assert made in {str(i["worklogId"]) for i in site.get(f"/worklog/updated?since={until}")["values"]}
    site.delete(f"/issue/APP-2/worklog/{made}")
    site.edits.advance_clock(61)
    assert [int(made)] == [item["worklogId"] for item in site.get("/worklog/deleted?since=0")["values"]]


def test_comments_by_id_leave_out_the_unknown(site: Calls) -> None:
    comments = site.get("/issue/APP-7/comment")["comments"]
    ids = [int(item["id"]) for item in comments[:3]]
    found = site.post("/comment/list", {"ids": [*ids, 99_999_999]})
    assert [str(number) for number in ids] == [item["id"] for item in found["values"]]
    assert str(found["values"][0]["self"]).endswith(f"/comment/{ids[0]}")


def test_a_restricted_comment_is_hidden_and_not_counted(site: Calls) -> None:
    body = {"body": TEXT, "visibility": {"type": "group", "value": "developers"}}
    made = site.post("/issue/APP-2/comment", body)
    before = site.get("/issue/APP-2?fields=comment")["fields"]["comment"]["total"]
    site.edits.leave_group("developers")
    after = site.get("/issue/APP-2?fields=comment")["fields"]["comment"]
    assert before > after["total"]
    assert made["id"] not in {item["id"] for item in after["comments"]}
    assert site.refused("GET", f"/issue/APP-2/comment/{made['id']}")[0] == 404


def test_a_project_without_browse_permission_is_hidden_everywhere(site: Calls) -> None:
    site.edits.revoke_browse("OPS")
    assert site.refused("GET", "/issue/OPS-1")[0] == 404
    assert site.refused("POST", "/search/jql", {"jql": "project = OPS"})[0] == 400
    assert site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["OPS-1"]})["issues"] == []
    assert [item["key"] for item in site.get("/project/search?action=browse")["values"]] == ["APP"]
    assert [item["key"] for item in site.get("/project/search?action=view")["values"]] == ["APP", "OPS"]
    links = [
        link
        for key in site.keys("project = APP")
        for link in site.get(f"/issue/{key}")["fields"]["issuelinks"]
    ]
    assert not [link for link in links if "OPS-" in str(link)]


def test_a_list_of_projects_is_paged_at_a_hundred() -> None:
    site = calls(projects=103, issues=0)
    first = site.get("/project/search?maxResults=500")
    assert (len(first["values"]), first["total"], first["isLast"]) == (100, 103, False)
    second = site.get("/project/search?startAt=100")
    assert (len(second["values"]), second["isLast"]) == (3, True)


def test_a_project_says_how_many_issues_it_has(site: Calls) -> None:
    found = site.get("/project/search?expand=insight,projectKeys&keys=APP")["values"][0]
    assert found["insight"]["totalIssueCount"] == 30
    assert site.post("/search/approximate-count", {"jql": "project = APP"})["count"] == 30


def test_an_issue_hidden_from_the_account_is_nowhere_and_shows_again_as_it_was(site: Calls) -> None:
    before = site.get("/issue/APP-1?properties=*all")
    other = site.create()
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": "APP-1"}, "outwardIssue": {"key": other}}
    assert site.send("POST", "/issueLink", body).status == 201
    site.edits.hide_issue("APP-1")

    assert site.refused("GET", "/issue/APP-1")[0] == 404
    assert "APP-1" not in site.keys("project = APP")
    assert site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["APP-1"]})["issues"] == []
    assert site.post("/changelog/bulkfetch", {"issueIdsOrKeys": ["APP-1"]})["issueChangeLogs"] == []
    assert site.get(f"/issue/{other}")["fields"]["issuelinks"] == []
    shown = {line["issue_id"] for line in truth_records(site.site) if line["visible"]}
    assert before["id"] not in shown

    site.edits.show_issue("APP-1")
    assert before["fields"]["summary"] == site.get("/issue/APP-1")["fields"]["summary"]
    assert len(site.get(f"/issue/{other}")["fields"]["issuelinks"]) == 1
