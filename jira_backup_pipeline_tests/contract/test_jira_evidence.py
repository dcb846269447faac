"""What the reader finds out beside the issues: permissions, places, what only the single call tells, and the worklog feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from jira_backup_pipeline.domain.readings import Access, Located
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.domain.worklog_feed import WorklogChange, WorklogFeed
from jira_backup_pipeline.engine.backup import find_projects
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, asked, asking
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=2, issues=20, seed=11) as running:
        yield running


@pytest.fixture
def reader(site: RunningSandbox) -> Iterator[CloudReader]:
    config = JiraConfig(site.url, site.email, Secret(site.token))
    with connect(config, timing=PlayedTime().timing()) as client:
        yield CloudReader(client)


def test_an_account_with_all_rights_sees_the_levels_and_is_known_by_its_groups(
    site: RunningSandbox, reader: CloudReader
) -> None:
    first, second = sorted(site.site.projects.values(), key=lambda project: project.key)[:2]

    access, other = (reader.access(str(project.project_id)) for project in (first, second))

    assert access.is_browsable
    assert access.permissions == (
        "BROWSE_PROJECTS",
        "SET_ISSUE_SECURITY",
        "ADMINISTER_PROJECTS",
        "ADMINISTER",
    )
    assert access.security_levels
    assert other.security_levels == ()
    mine = {g.name for g in site.site.groups.values() if site.site.backup_account.account_id in g.members}
    assert mine == set(reader.whoami().groups or ())


def test_without_the_permission_to_set_levels_an_empty_list_says_nothing(
    site: RunningSandbox, reader: CloudReader
) -> None:
    project = min(site.site.projects.values(), key=lambda project: project.key)
    site.edits.deny("SET_ISSUE_SECURITY", project=project.key)
    try:
        access = reader.access(str(project.project_id))
    finally:
        site.edits.allow("SET_ISSUE_SECURITY", project=project.key)

    assert access.is_browsable
    assert access.security_levels is None


def test_a_project_that_was_closed_to_the_account_is_not_browsable(
    site: RunningSandbox, reader: CloudReader
) -> None:
    project = max(site.site.projects.values(), key=lambda project: project.key)
    site.edits.revoke_browse(project.key)
    try:
        access = reader.access(str(project.project_id))
    finally:
        site.edits.grant_browse(project.key)

    assert not access.is_browsable


def test_issues_are_found_one_by_one_and_unknown_ones_left_out(
    site: RunningSandbox, reader: CloudReader
) -> None:
    issue = next(iter(site.site.issues))

    found = reader.locate_singly([str(issue.issue_id), "999999999"])

    assert found == {
        str(issue.issue_id): Located(site.site.key_of(issue), str(issue.project_id)),
    }


def test_an_issue_that_is_refused_exists_and_one_that_is_gone_does_not() -> None:
    played = PlayedJira(issue__1=Reply.json({"errorMessages": ["no"]}, 403), issue__2=Reply.json({}, 410))

    found, _ = asking(played, lambda reader: reader.locate_singly(["1", "2", "3"]))

    assert found == {"1": Located("", "")}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Reply.json({"errorMessages": ["not for you"]}, 404), Access(is_browsable=False)),
        (Reply.json({"errorMessages": ["not for you"]}, 403), Access(is_browsable=True)),
        (Reply.json({"permissions": []}), Access(is_browsable=True)),
        (
            Reply.json({"permissions": {"BROWSE_PROJECTS": {"havePermission": False}}}),
            Access(is_browsable=False, permissions=()),
        ),
        (
            Reply.json({"permissions": {"BROWSE_PROJECTS": {"havePermission": True}}}),
            Access(is_browsable=True, permissions=("BROWSE_PROJECTS",)),
        ),
    ],
)
def test_what_jira_does_not_say_about_permissions_is_not_taken_for_a_no(
    answer: Reply, expected: Access
) -> None:
    listed = Reply.json({"values": [{"id": "10000", "key": "K"}], "isLast": True, "total": 1})

    found, _ = asking(
        PlayedJira(mypermissions=answer, project__search=listed), lambda reader: reader.access("10000")
    )

    assert found == expected


# --- the worklog feed ---------------------------------------------------------------------------------------------------


def test_the_feed_names_changed_worklogs_with_their_issues_and_deleted_ones(
    site: RunningSandbox, reader: CloudReader
) -> None:
    site.edits.set_settings(feed_delay_seconds=0)
    base, login = f"{site.url}/rest/api/3", (site.email, site.token)
    first, second = [str(issue.issue_id) for issue in list(site.site.issues)[:2]]
    before = site.site.now()
    made = [
        requests.post(
            f"{base}/issue/{i}/worklog", json={"timeSpentSeconds": 60}, auth=login, timeout=60
        ).json()["id"]
        for i in (first, second)
    ]
    requests.delete(f"{base}/issue/{second}/worklog/{made[1]}", auth=login, timeout=60).raise_for_status()

    feed = reader.worklog_feed(before)

    assert feed is not None
    assert [(one.worklog_id, one.issue_id) for one in feed.updated] == [(made[0], first)]
    assert before <= feed.updated[0].updated_ms <= site.site.now()
    assert feed.deleted == (made[1],)
    assert reader.issues_of_worklogs(made) == {made[0]: first}


def feed_of(*pages: dict[str, Any]) -> PlayedJira:
    """Answer by `since`, whole lists by id: worklog n hangs on issue 1."""

    def listed(seen: Seen) -> Reply:
        return Reply.json([{"id": str(i), "issueId": "1"} for i in seen.document["ids"] if i != 404])

    def updated(seen: Seen) -> Reply:
        return Reply.json(next(page for page in pages if page["since"] == int(seen.query["since"][0])))

    empty = Reply.json({"values": [], "since": 0, "until": 0, "lastPage": True})
    return PlayedJira(worklog__updated=updated, worklog__deleted=empty, worklog__list=listed)


def test_the_feed_is_read_page_by_page_and_the_latest_moment_counts() -> None:
    first = {"since": 5, "until": 9, "lastPage": False}
    first["values"] = [{"worklogId": 1, "updatedTime": 6}, {"worklogId": 404, "updatedTime": 7}]
    last = {"since": 9, "until": 12, "lastPage": True, "values": [{"worklogId": 1, "updatedTime": 12}, {}, 7]}

    feed, seen = asking(feed_of(first, last), lambda reader: reader.worklog_feed(5))

    assert feed == WorklogFeed(5, (WorklogChange("1", "1", 12),))
    assert asked(seen, "/worklog/list") == 1


def test_a_feed_that_does_not_say_which_page_is_the_last_goes_on_while_it_names_another() -> None:
    first: dict[str, Any] = {"since": 5, "until": 9, "nextPage": "https://x/worklog/updated?since=9"}
    first["values"] = [{"worklogId": 1, "updatedTime": 6}]
    last = {"since": 9, "until": 12, "values": [{"worklogId": 1, "updatedTime": 12}]}

    feed, _ = asking(feed_of(first, last), lambda reader: reader.worklog_feed(5))

    assert feed == WorklogFeed(5, (WorklogChange("1", "1", 12),))


def test_an_empty_feed_costs_two_requests() -> None:
    _, seen = asking(
        feed_of({"since": 5, "until": 5, "lastPage": True, "values": []}), lambda r: r.worklog_feed(5)
    )

    assert len(seen) == 2


def test_a_refused_feed_or_list_is_none() -> None:
    feed, _ = asking(PlayedJira(), lambda reader: reader.worklog_feed(5))
    page = {"since": 5, "until": 9, "lastPage": True, "values": [{"worklogId": "1", "updatedTime": 6}]}
    played = feed_of(page)
    played.answers["worklog/list"] = Reply.json({"errorMessages": ["no"]}, 403)
    unlisted, _ = asking(played, lambda reader: reader.worklog_feed(5))
    owners, _ = asking(played, lambda reader: reader.issues_of_worklogs(["1"]))

    assert feed is unlisted is owners is None


# --- one project by name ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["APP", "app", "10000"])
def test_a_project_is_found_by_present_key_or_id_in_one_request(reader: CloudReader, name: str) -> None:
    [found] = find_projects(reader, [name])

    assert reader.take_request_counts() == {"GET /rest/api/3/project/search": 1}
    assert found == next(one for one in reader.projects() if one.identity.key == "APP")


def test_a_former_key_is_found_in_the_whole_list(reader: CloudReader, site: RunningSandbox) -> None:
    key = max(project.key for project in site.site.projects.values())
    site.edits.rename_project(key, "RENAMED")

    [found] = find_projects(reader, [key.lower()])

    assert found.identity.key == "RENAMED"
    assert found.identity.former_keys == (key,)


@pytest.mark.parametrize("answer", [Reply.json({}, 400), Reply.json({"errorMessages": ["none"]}, 404)])
def test_a_lookup_that_is_refused_finds_nothing(answer: Reply) -> None:
    found, _ = asking(PlayedJira(project__search=answer), lambda reader: reader.project_named("K"))

    assert found is None


def test_a_server_that_ignores_the_name_is_not_believed() -> None:
    others = [{"id": "7", "key": "K2"}, {"id": "10000", "key": "K"}]
    played = PlayedJira(project__search=Reply.json({"values": others, "isLast": True}))

    for name, key in (("k", "K"), ("10000", "K"), ("X", None)):
        found, _ = asking(played, lambda reader, name=name: reader.project_named(name))
        assert (found and found.identity.key) == key
