"""Writing to the sandbox: what a create or edit must hold, what it leaves in the history, workflows, links, limits."""

from __future__ import annotations

from typing import Any

import pytest

from jira_backup_pipeline.sandbox.http import UploadedFile
from jira_backup_pipeline_tests.unit.sandbox_calls import TEXT, Calls, calls


@pytest.fixture
def site() -> Calls:
    """A fresh site."""
    return calls()


def _fields(**fields: Any) -> dict[str, Any]:
    return {"project": {"key": "APP"}, "issuetype": {"name": "Task"}, "summary": "Made", **fields}


def test_a_created_issue_has_its_values_and_the_next_number(site: Calls) -> None:
    before = site.site.find_project("APP")
    assert before is not None
    expected = f"APP-{before.issue_count + 1}"
    key = site.create(labels=["a", "b"], description=TEXT, priority={"name": "High"})
    fields = site.get(f"/issue/{key}")["fields"]
    assert expected == key
    assert (fields["labels"], fields["description"], fields["priority"]["name"]) == (["a", "b"], TEXT, "High")
    assert site.site.backup_account_id == fields["creator"]["accountId"] == fields["reporter"]["accountId"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": "x" * 256}, "summary"),
        ({"project": {"key": "NOPE"}}, "project"),
        ({"issuetype": {"name": "Wish"}}, "issuetype"),
        ({"description": "plain text"}, "description"),
        ({"description": {"type": "doc", "version": 1, "content": [{"type": "blink"}]}}, "description"),
        ({"duedate": "soon"}, "duedate"),
        ({"labels": ["two words"]}, "labels"),
        ({"customfield_10035": "many"}, "customfield_10035"),
        ({"customfield_10030": {"value": "Unheard of"}}, "customfield_10030"),
        ({"customfield_10033": {"accountId": "nobody"}}, "customfield_10033"),
        ({"components": [{"name": "Unheard of"}]}, "components"),
        ({"fixVersions": [{"id": "1"}]}, "fixVersions"),
        ({"customfield_99999": 1}, "customfield_99999"),
        ({"created": "2020-01-01T00:00:00.000+0000"}, "created"),
        ({"customfield_10049": 3}, "customfield_10049"),
        ({"issuetype": {"name": "Sub-task"}}, "parent"),
        ({"parent": {"key": "OPS-1"}, "issuetype": {"name": "Sub-task"}}, "parent"),
        ({"parent": {"key": "APP-404"}}, "parent"),
    ],
)
def test_a_wrong_create_names_the_field(site: Calls, fields: dict[str, Any], wrong: str) -> None:
    count = len(site.site.issues)
    status, body = site.refused("POST", "/issue", {"fields": _fields(**fields)})
    assert (400, [wrong]) == (status, list(body["errors"]))
    assert count == len(site.site.issues)


def test_a_required_field_without_a_value_is_refused(site: Calls) -> None:
    site.edits.set_screens("APP", required=["customfield_10030"])
    status, body = site.refused("POST", "/issue", {"fields": _fields()})
    assert (status, body["errors"]) == (400, {"customfield_10030": "Severity is required."})
    form = site.get("/issue/createmeta/APP/issuetypes/10002")["fields"]
    assert {"summary", "issuetype", "project", "customfield_10030"} == {
        f["fieldId"] for f in form if f["required"]
    }


def test_a_field_off_the_create_screen_can_be_edited_later(site: Calls) -> None:
    key = site.create()
    site.put(f"/issue/{key}", {"fields": {"customfield_10049": 0.1 + 0.2}})
    assert site.get(f"/issue/{key}")["fields"]["customfield_10049"] == 0.30000000000000004


def test_every_sort_of_value_comes_back_as_it_was_written(site: Calls) -> None:
    source = next(i for i in site.site.issues if site.site.body(i).values.get("customfield_10032"))
    region = site.get(f"/issue/{source.issue_id}")["fields"]["customfield_10032"]
    person = [a for a in site.site.accounts.values() if a.active][2].account_id
    component = site.get("/project/APP/components")[0]
    version = site.get("/project/APP/versions")[3]
    given = {
        "customfield_10030": {"value": "Major"},
        "customfield_10031": [{"value": "Linux"}, {"value": "iOS"}],
        "customfield_10032": region,
        "customfield_10033": {"accountId": person},
        "customfield_10034": [{"accountId": person}],
        "customfield_10035": 1e300,
        "customfield_10036": "https://example.invalid/?a=b",
        "customfield_10037": TEXT,
        "customfield_10039": "2025-03-30T01:30:00.000+0200",
        "customfield_10040": ["x", "y"],
        "customfield_10041": {"id": version["id"]},
        "customfield_10048": {"key": "OPS"},
        "components": [{"id": component["id"]}],
        "fixVersions": [{"name": version["name"]}],
        "duedate": "2025-12-31",
        "timetracking": {"originalEstimate": "1d 2h"},
    }
    fields = site.get(f"/issue/{site.create(**given)}")["fields"]
    assert fields["customfield_10030"]["value"] == "Major"
    assert [o["value"] for o in fields["customfield_10031"]] == ["Linux", "iOS"]
    assert region == fields["customfield_10032"]
    assert person == fields["customfield_10033"]["accountId"] == fields["customfield_10034"][0]["accountId"]
    assert fields["customfield_10035"] == 1e300
    assert fields["customfield_10037"] == TEXT
    assert fields["customfield_10039"] == "2025-03-29T23:30:00.000+0000"
    assert fields["customfield_10040"] == ["x", "y"]
    assert version["id"] == fields["customfield_10041"]["id"] == fields["fixVersions"][0]["id"]
    assert fields["customfield_10048"]["key"] == "OPS"
    assert component["name"] == fields["components"][0]["name"]
    assert (
        fields["timetracking"]["originalEstimateSeconds"],
        fields["timetracking"]["originalEstimate"],
    ) == (36_000, "1d 2h")


def test_a_bulk_create_makes_what_is_right_and_numbers_what_is_wrong(site: Calls) -> None:
    good = {"fields": _fields(), "properties": [{"key": "origin", "value": {"id": 7}}]}
    bad = {"fields": _fields(summary="")}
    answer = site.post("/issue/bulk", {"issueUpdates": [good, bad, good, {}]})
    assert len(answer["issues"]) == 2
    assert [entry["failedElementNumber"] for entry in answer["errors"]] == [1, 3]
    key = answer["issues"][0]["key"]
    assert site.get(f"/issue/{key}/properties/origin")["value"] == {"id": 7}
    assert site.refused("POST", "/issue/bulk", {"issueUpdates": [bad]})[0] == 400
    assert site.refused("POST", "/issue/bulk", {"issueUpdates": [good] * 51})[0] == 400


def test_an_oversized_property_is_refused(site: Calls) -> None:
    huge = {"fields": _fields(), "properties": [{"key": "origin", "value": "x" * 40_000}]}
    assert site.refused("POST", "/issue/bulk", {"issueUpdates": [huge]})[0] == 400
    assert site.refused("PUT", "/issue/APP-1/properties/origin", "x" * 40_000)[0] == 400


def test_levels_are_kept(site: Calls) -> None:
    epic = site.create(kind="Epic")
    story = site.create(kind="Story", parent={"key": epic})
    task = site.create(kind="Sub-task", parent={"key": story})
    assert story == site.get(f"/issue/{task}")["fields"]["parent"]["key"]
    assert [task] == [item["key"] for item in site.get(f"/issue/{story}")["fields"]["subtasks"]]
    assert site.get(f"/issue/{epic}")["fields"]["subtasks"] == []
    for parent, kind in ((epic, "Sub-task"), (story, "Epic"), (task, "Story")):
        body = {"fields": _fields(issuetype={"name": kind}, parent={"key": parent})}
        assert "parent" in site.refused("POST", "/issue", body)[1]["errors"]


def test_an_edit_writes_history_and_moves_updated(site: Calls) -> None:
    site.edits.set_clock("2026-04-01T12:00:00Z")
    key = site.create()
    site.edits.advance_clock(60)
    site.put(f"/issue/{key}", {"fields": {"summary": "Renamed", "labels": ["x"]}})
    items = {item["field"]: item for item in site.items(key)}
    assert (items["summary"]["fromString"], items["summary"]["toString"]) == ("Made", "Renamed")
    assert (items["labels"]["fromString"], items["labels"]["toString"]) == ("", "x")
    assert site.get(f"/issue/{key}")["fields"]["updated"] == "2026-04-01T12:01:00.000+0000"
    site.edits.advance_clock(60)
    site.put(f"/issue/{key}", {"fields": {"summary": "Renamed"}})
    assert len(site.items(key)) == 2


def test_add_and_remove_operations_change_lists(site: Calls) -> None:
    key = site.create(labels=["one"])
    site.put(f"/issue/{key}", {"update": {"labels": [{"add": "two"}, {"remove": "one"}]}})
    assert site.get(f"/issue/{key}")["fields"]["labels"] == ["two"]
    assert site.refused("PUT", f"/issue/{key}", {"update": {"summary": [{"add": "x"}]}})[0] == 400


def test_silence_needs_an_administrator(site: Calls) -> None:
    site.put("/issue/APP-1?notifyUsers=false", {"fields": {"labels": ["quiet"]}})
    site.edits.deny("ADMINISTER")
    site.edits.deny("ADMINISTER_PROJECTS")
    assert site.refused("PUT", "/issue/APP-1?notifyUsers=false", {"fields": {"labels": ["loud"]}})[0] == 400
    assert site.get("/issue/APP-1")["fields"]["labels"] == ["quiet"]


def test_a_workflow_allows_only_its_own_steps(site: Calls) -> None:
    key = site.create()
    steps = {t["name"]: t["id"] for t in site.get(f"/issue/{key}/transitions")["transitions"]}
    assert {"Start progress", "Block"} == set(steps)
    assert site.refused("POST", f"/issue/{key}/transitions", {"transition": {"id": "41"}})[0] == 400
    site.post(f"/issue/{key}/transitions", {"transition": {"id": steps["Start progress"]}})
    site.post(
        f"/issue/{key}/transitions",
        {"transition": {"id": "41"}, "fields": {"resolution": {"name": "Duplicate"}}},
    )
    fields = site.get(f"/issue/{key}")["fields"]
    assert (fields["status"]["name"], fields["resolution"]["name"]) == ("Done", "Duplicate")
    assert fields["resolutiondate"] is not None
    site.post(f"/issue/{key}/transitions", {"transition": {"id": "51"}})
    assert site.get(f"/issue/{key}")["fields"]["resolution"] is None
    assert [i["fromString"] for i in site.items(key) if i["field"] == "status"] == [
        "To Do",
        "In Progress",
        "Done",
    ]


def test_a_bulk_transition_is_a_task_that_takes_its_time(site: Calls) -> None:
    keys = [site.create() for _ in range(3)]
    body = {"bulkTransitionInputs": [{"selectedIssueIdsOrKeys": [*keys, "NOPE-1"], "transitionId": "21"}]}
    task = site.post("/bulk/issues/transition", body)["taskId"]
    assert site.get(f"/bulk/queue/{task}")["status"] == "RUNNING"
    done = site.get(f"/bulk/queue/{task}")
    assert (
        done["status"],
        len(done["processedAccessibleIssues"]),
        done["invalidOrInaccessibleIssueCount"],
    ) == ("COMPLETE", 3, 1)
    assert [site.get(f"/issue/{key}")["fields"]["status"]["name"] for key in keys] == ["In Progress"] * 3
    task = site.post(
        "/bulk/issues/transition",
        body | {"bulkTransitionInputs": [{"selectedIssueIdsOrKeys": keys, "transitionId": "61"}]},
    )["taskId"]
    site.get(f"/bulk/queue/{task}")
    assert site.get(f"/bulk/queue/{task}")["failedAccessibleIssues"] == {}


def test_a_link_is_made_once_and_shown_from_both_sides(site: Calls) -> None:
    first, second = site.create(), site.create()
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
    for _ in range(2):
        assert site.send("POST", "/issueLink", body).status == 201
    one = site.get(f"/issue/{first}")["fields"]["issuelinks"]
    two = site.get(f"/issue/{second}")["fields"]["issuelinks"]
    assert [second] == [link["outwardIssue"]["key"] for link in one]
    assert [first] == [link["inwardIssue"]["key"] for link in two]
    assert f"This issue blocks {second}" in [item["toString"] for item in site.items(first)]
    assert f"This issue is blocked by {first}" in [item["toString"] for item in site.items(second)]
    site.delete(f"/issueLink/{one[0]['id']}")
    assert site.get(f"/issue/{second}")["fields"]["issuelinks"] == []


def test_a_remote_link_with_a_known_global_id_is_replaced(site: Calls) -> None:
    key = site.create()
    for title, status in (("One", 201), ("Two", 200)):
        body = {"globalId": "g", "object": {"url": "https://example.invalid", "title": title}}
        assert status == site.send("POST", f"/issue/{key}/remotelink", body).status
    assert [item["object"]["title"] for item in site.get(f"/issue/{key}/remotelink")] == ["Two"]


def test_comments_and_worklogs_belong_to_the_caller(site: Calls) -> None:
    key = site.create()
    comment = site.post(f"/issue/{key}/comment", {"body": TEXT, "properties": [{"key": "p", "value": 1}]})
    assert site.site.backup_account_id == comment["author"]["accountId"]
    assert site.refused("POST", f"/issue/{key}/comment", {"body": "plain"})[0] == 400
    shown = site.get(f"/issue/{key}/comment?expand=properties")["comments"]
    assert shown[0]["properties"] == [{"key": "p", "value": 1}]
    worklog = site.post(
        f"/issue/{key}/worklog", {"timeSpentSeconds": 5400, "started": "2024-01-02T03:04:05.000+0000"}
    )
    assert (worklog["timeSpent"], worklog["started"]) == ("1h 30m", "2024-01-02T03:04:05.000+0000")
    assert site.get(f"/issue/{key}")["fields"]["timespent"] == 5400
    assert site.refused("POST", f"/issue/{key}/worklog", {"timeSpent": "for ever"})[0] == 400


def test_a_parent_with_sub_tasks_is_deleted_only_together(site: Calls) -> None:
    story = site.create(kind="Story")
    task = site.create(kind="Sub-task", parent={"key": story})
    assert site.refused("DELETE", f"/issue/{story}")[0] == 400
    site.delete(f"/issue/{story}?deleteSubtasks=true")
    assert [site.refused("GET", f"/issue/{key}")[0] for key in (story, task)] == [404, 404]


def test_one_votes_only_for_the_issues_of_others(site: Calls) -> None:
    assert site.refused("POST", f"/issue/{site.create()}/votes")[0] == 404
    site.post("/issue/APP-2/votes")
    assert site.get("/issue/APP-2/votes")["hasVoted"]
    assert site.get("/issue/APP-2")["fields"]["votes"]["hasVoted"]


def test_voters_are_not_named_to_those_who_may_not_view_them(site: Calls) -> None:
    site.post("/issue/APP-2/votes")
    count = site.get("/issue/APP-2/votes")["votes"]
    account = site.site.backup_account_id
    site.site.denied.add((account, "VIEW_VOTERS_AND_WATCHERS", None))

    answer = site.get("/issue/APP-2/votes")

    assert (answer["votes"], answer["voters"]) == (count, [])


def test_watchers_are_added_one_by_one_and_inactive_ones_refused(site: Calls) -> None:
    key = site.create()
    people = [a for a in site.site.accounts.values() if a.account_id != site.site.backup_account_id]
    site.post(f"/issue/{key}/watchers", people[0].account_id)
    inactive = next(a for a in people if not a.active)
    assert site.refused("POST", f"/issue/{key}/watchers", inactive.account_id)[0] == 404
    assert site.get(f"/issue/{key}/watchers")["watchCount"] == 2
    assert site.get(f"/issue/{key}")["fields"]["watches"]["watchCount"] == 2


def test_limits_of_an_issue_answer_413(site: Calls) -> None:
    site.edits.set_settings(comments_per_issue=1, remote_links_per_issue=0, links_per_issue=0)
    key = site.create()
    site.post(f"/issue/{key}/comment", {"body": TEXT})
    assert site.refused("POST", f"/issue/{key}/comment", {"body": TEXT})[0] == 413
    remote = {"object": {"url": "https://example.invalid", "title": "x"}}
    assert site.refused("POST", f"/issue/{key}/remotelink", remote)[0] == 413
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": "APP-1"}}
    assert site.refused("POST", "/issueLink", body)[0] == 413


def test_the_write_limit_of_an_issue_is_counted_on_the_sites_clock(site: Calls) -> None:
    site.edits.set_settings(per_issue_write_limit=True)
    site.edits.set_clock("2026-01-01T00:00:00Z")
    key = site.create()
    answers = [site.send("PUT", f"/issue/{key}/properties/p", number) for number in range(21)]
    assert [answer.status for answer in answers if answer.status >= 400] == [429]
    assert answers[-1].headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert site.send("PUT", "/issue/APP-1/properties/p", 1).status == 201
    site.edits.advance_clock(2.001)
    assert site.send("PUT", f"/issue/{key}/properties/p", 1).status == 200


def test_the_burst_limit_is_counted_for_each_operation(site: Calls) -> None:
    site.edits.set_settings(burst_per_second=3)
    site.edits.set_clock("2026-01-01T00:00:00Z")
    statuses = [site.send("GET", "/myself").status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = site.send("GET", "/myself")
    assert refused.headers["RateLimit-Reason"] == "jira-burst-based"
    assert {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(
        refused.headers
    )
    assert site.send("GET", "/serverInfo").status == 200
    site.edits.advance_clock(1.001)
    assert site.send("GET", "/myself").status == 200


def test_a_picture_that_leaves_a_comment_takes_its_attachment_with_it(site: Calls) -> None:
    key = site.create()
    files = [UploadedFile("file", name, "image/png", b"picture") for name in ("shown.png", "other.png")]
    site.send("POST", f"/issue/{key}/attachments", headers={"x-atlassian-token": "no-check"}, files=files)
    issue = site.site.find_issue(key)
    assert issue is not None
    uuids = {item.filename: item.media_uuid for item in site.site.body(issue).attachments}
    comment = site.post(f"/issue/{key}/comment", {"body": with_picture(uuids["shown.png"])})
    site.put(f"/issue/{key}/comment/{comment['id']}", {"body": with_picture(uuids["shown.png"])})
    assert len(site.get(f"/issue/{key}")["fields"]["attachment"]) == 2
    site.put(f"/issue/{key}/comment/{comment['id']}", {"body": TEXT})
    assert [item["filename"] for item in site.get(f"/issue/{key}")["fields"]["attachment"]] == ["other.png"]


def with_picture(media_uuid: str) -> dict[str, Any]:
    """A document that shows a picture."""
    node = {"type": "media", "attrs": {"type": "file", "id": media_uuid, "collection": ""}}
    single = {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [node]}
    return {"type": "doc", "version": 1, "content": [single]}
