"""Projects that are deleted, restored, renamed and archived; issues that move; search that lags; clocks and zones."""

from __future__ import annotations

import pytest

from jira_backup_pipeline.sandbox.clock import iso_text, parse_iso
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls, calls


@pytest.fixture
def site() -> Calls:
    """A fresh site."""
    return calls()


def _create_project(site: Calls, key: str, name: str) -> dict[str, object]:
    return {
        "key": key,
        "name": name,
        "leadAccountId": site.site.backup_account_id,
        "projectTypeKey": "software",
    }


def test_a_trashed_project_is_gone_from_reads_but_keeps_its_key(site: Calls) -> None:
    site.edits.delete_project("APP")
    assert site.refused("GET", "/project/APP")[0] == 404
    assert site.refused("GET", "/issue/APP-1")[0] == 404
    assert site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["APP-1"]})["issues"] == []
    assert [item["key"] for item in site.get("/project/search")["values"]] == ["OPS"]
    assert [item["key"] for item in site.get("/project/search?status=deleted")["values"]] == ["APP"]
    status, body = site.refused("POST", "/project", _create_project(site, "APP", "Again"))
    assert (status, list(body["errors"])) == (400, ["projectKey"])
    assert site.get("/projectvalidate/key?key=APP")["errors"]
    assert site.get("/projectvalidate/validProjectKey?key=APP") == "APP2"


def test_a_project_comes_back_from_the_trash_as_it_was(site: Calls) -> None:
    before = site.get("/issue/APP-5?expand=changelog")
    site.delete("/project/APP")
    site.post("/project/APP/restore")
    assert before == site.get("/issue/APP-5?expand=changelog")


def test_a_project_deleted_for_good_frees_its_key_and_a_new_one_counts_from_one(site: Calls) -> None:
    site.delete("/project/APP?enableUndo=false")
    assert site.get("/project/search?status=deleted")["values"] == []
    made = site.post("/project", _create_project(site, "APP", "Again"))
    assert made["key"] == "APP"
    assert site.create() == "APP-1"
    linked = [
        link
        for key in site.keys("project = OPS")
        for link in site.get(f"/issue/{key}")["fields"]["issuelinks"]
    ]
    assert not [link for link in linked if "APP-" in str(link)]


def test_an_issue_linked_to_a_deleted_project_keeps_everything_but_the_link() -> None:
    site = calls(issues=300)
    linked = [
        link
        for link in site.site.links.values()
        if len({site.site.issues.by_id[end].project_id for end in (link.source_id, link.destination_id)}) > 1
    ]
    assert linked
    ends = {end for link in linked for end in (link.source_id, link.destination_id)}
    survivors = [n for n in ends if site.site.project_of(site.site.issues.by_id[n]).key == "OPS"]
    before = {n: site.get(f"/issue/{n}/comment") | {"history": site.items(str(n))} for n in survivors}
    # The bodies are dropped, so that the deletion has to make them again while the links are going.
    site.site.issues.cached_bodies = 0
    site.site.issues.body(next(iter(site.site.issues)))
    site.edits.delete_project("APP", permanent=True)
    assert before == {n: site.get(f"/issue/{n}/comment") | {"history": site.items(str(n))} for n in survivors}
    assert not [n for n in survivors if "APP-" in str(site.get(f"/issue/{n}")["fields"]["issuelinks"])]


def test_the_worklogs_of_a_deleted_project_are_in_the_feed_of_deletions(site: Calls) -> None:
    site.edits.set_clock("2026-05-01T10:00:00Z")
    project = site.site.find_project("APP")
    assert project is not None
    issues = site.site.issues.of_project(project.project_id)
    wanted = {item.worklog_id for issue in issues for item in site.site.body(issue).worklogs}
    site.edits.delete_project("APP", permanent=True)
    site.edits.advance_clock(120)
    assert wanted == {item["worklogId"] for item in site.get("/worklog/deleted?since=0")["values"]}


def test_a_renamed_project_answers_to_its_old_key(site: Calls) -> None:
    number = site.get("/issue/APP-3")["id"]
    site.put("/project/APP", {"key": "NEWKEY"})
    assert ("NEWKEY-3", number) == (site.get("/issue/APP-3")["key"], site.get("/issue/NEWKEY-3")["id"])
    assert site.get("/project/search?expand=projectKeys&keys=NEWKEY")["values"][0]["projectKeys"] == [
        "NEWKEY",
        "APP",
    ]
    assert site.get("/project/APP")["key"] == "NEWKEY"
    assert len(site.keys("project = APP")) == len(site.keys("project = NEWKEY"))


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key(site: Calls) -> None:
    number = site.get("/issue/APP-3")["id"]
    moved = site.edits.move_issue("APP-3", "OPS")
    found = site.get("/issue/APP-3")
    assert (moved["key"], number) == (found["key"], found["id"])
    assert "APP-3" not in site.keys("project = APP")
    assert moved["key"] in site.keys("project = OPS")
    items = {item["field"]: item for item in site.items("APP-3")}
    assert ("APP-3", moved["key"]) == (items["Key"]["fromString"], items["Key"]["toString"])
    assert [moved["key"]] == [
        i["key"] for i in site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["APP-3"]})["issues"]
    ]


def test_an_archived_project_leaves_search_but_not_the_list_of_the_archived(site: Calls) -> None:
    site.edits.archive_project("APP")
    assert [item["key"] for item in site.get("/project/search")["values"]] == ["OPS"]
    assert [item["key"] for item in site.get("/project/search?status=archived")["values"]] == ["APP"]
    assert site.keys("project = APP") == []


def test_a_deleted_issue_is_gone_with_its_sub_tasks(site: Calls) -> None:
    child = next(i for i in site.site.issues if i.parent_id is not None and i.type_id == "10003")
    parent = site.site.key_of(site.site.issues.by_id[child.parent_id or 0])
    key = site.site.key_of(child)
    site.edits.delete_issue(parent)
    assert [site.refused("GET", f"/issue/{name}")[0] for name in (parent, key)] == [404, 404]


def test_search_lags_while_reads_by_id_do_not(site: Calls) -> None:
    site.edits.set_clock("2026-05-01T10:00:00Z")
    site.edits.set_index_lag(120)
    made = site.create()
    site.edits.delete_issue("APP-2")
    assert site.send("GET", f"/issue/{made}").status == 200
    found = site.keys("project = APP")
    assert made not in found
    assert len(found) == 20
    number = site.get(f"/issue/{made}")["id"]
    body = {"jql": "project = APP", "fields": ["key"], "reconcileIssues": [int(number)]}
    assert made in {item["key"] for item in site.post("/search/jql", body)["issues"]}
    site.edits.advance_clock(121)
    found = site.keys("project = APP")
    assert made in found
    assert "APP-2" not in found


def test_an_edit_shows_in_search_only_after_the_lag(site: Calls) -> None:
    site.edits.set_clock("2026-05-01T10:00:00Z")
    site.edits.set_index_lag(60)
    site.edits.edit_issue("APP-3", {"labels": ["fresh"]})
    assert site.keys("labels = fresh") == []
    site.edits.advance_clock(61)
    assert site.keys("labels = fresh") == ["APP-3"]


@pytest.mark.parametrize(
    ("profile", "text", "moment"),
    [
        ("America/Los_Angeles", "2025-06-01 10:00", "2025-06-01T17:00:00Z"),
        ("Pacific/Auckland", "2025-06-01 10:00", "2025-05-31T22:00:00Z"),
        ("Etc/UTC", "2025/06/01 10:00", "2025-06-01T10:00:00Z"),
        ("Europe/Berlin", "2025-03-30 03:30", "2025-03-30T01:30:00Z"),
        ("Europe/Berlin", "2025-12-01", "2025-11-30T23:00:00Z"),
    ],
)
def test_dates_in_a_query_are_read_in_the_callers_profile_zone(
    site: Calls, profile: str, text: str, moment: str
) -> None:
    at = parse_iso(moment)
    site.edits.set_account_zone(profile)
    site.edits.set_site_zone("Asia/Tokyo")
    site.edits.edit_issue("APP-2", {"labels": ["a"]}, at=at - 60_000)
    site.edits.edit_issue("APP-3", {"labels": ["b"]}, at=at)
    assert site.keys(f'key in (APP-2, APP-3) AND updated >= "{text}"') == ["APP-3"]
    assert site.keys(f"key in (APP-2, APP-3) AND updated >= {at}") == ["APP-3"]
    assert profile == site.get("/myself")["timeZone"]


def test_relative_dates_count_from_the_sites_clock(site: Calls) -> None:
    site.edits.set_clock("2026-05-01T10:00:00Z")
    site.edits.edit_issue("APP-2", {"labels": ["a"]}, at="2026-04-30T09:00:00Z")
    site.edits.edit_issue("APP-3", {"labels": ["b"]}, at="2026-04-30T11:00:00Z")
    assert site.keys("updated >= -1d") == ["APP-3"]
    assert site.keys('updated >= "-26h"') == ["APP-2", "APP-3"]
    assert site.keys("updated >= startOfDay()") == []


def test_answers_carry_the_offset_of_the_site(site: Calls) -> None:
    utc = site.get("/issue/APP-2")["fields"]["created"]
    site.edits.set_site_zone("America/New_York")
    local = site.get("/issue/APP-2")["fields"]["created"]
    assert utc.endswith("+0000")
    assert local[-5:] in {"-0400", "-0500"}
    assert parse_iso(utc) == parse_iso(local)


@pytest.mark.parametrize("zone", ["America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Etc/UTC"])
@pytest.mark.parametrize(
    "at", [0, 1_743_296_399_999, 1_743_296_400_000, 1_761_440_400_000, 1_700_000_000_123]
)
def test_a_date_survives_being_written_and_read(zone: str, at: int) -> None:
    assert at == parse_iso(iso_text(at, zone))


def test_an_edit_by_name_refuses_what_it_does_not_know(site: Calls) -> None:
    for action, options in (
        ("explode", {}),
        ("run", {}),
        ("_project", {}),
        ("delete_project", {"projekt": "APP"}),
    ):
        with pytest.raises(ValueError, match=r"edit"):
            site.edits.run(action, options)
    with pytest.raises(ValueError, match="no project"):
        site.edits.run("delete_project", {"project": "NOPE"})
    with pytest.raises(ValueError, match="unknown setting"):
        site.edits.set_settings(colour=1)
    with pytest.raises(ValueError, match="time zone"):
        site.edits.set_account_zone("Middle/Earth")
