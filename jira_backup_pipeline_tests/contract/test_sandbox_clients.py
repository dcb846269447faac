"""Two public Jira clients that nobody here wrote can work with the sandbox: read, write, attach, link, transition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from atlassian import Jira
from jira import JIRA

from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT: dict[str, Any] = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Written by a client"}]}],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A small site."""
    with start_sandbox(projects=2, issues=60, seed=3) as running:
        yield running


@pytest.fixture(scope="module")
def pycontribs(sandbox: RunningSandbox) -> JIRA:
    """The client ``jira``."""
    options: dict[str, Any] = {"rest_api_version": "3"}
    return JIRA(sandbox.url, basic_auth=(sandbox.email, sandbox.token), options=options, max_retries=0)


@pytest.fixture(scope="module")
def atlassian(sandbox: RunningSandbox) -> Any:
    """The client ``atlassian-python-api``."""
    return Jira(url=sandbox.url, username=sandbox.email, password=sandbox.token, cloud=True, api_version="3")


def test_the_jira_client_reads_projects_and_searches(pycontribs: JIRA, sandbox: RunningSandbox) -> None:
    assert sorted(project.key for project in pycontribs.projects()) == ["APP", "OPS"]
    found = pycontribs.search_issues("project = APP ORDER BY id", maxResults=0, fields="summary")
    project = sandbox.site.find_project("APP")
    assert project is not None
    # Other tests of this module add issues.
    assert len(sandbox.site.issues.of_project(project.project_id)) == len(found) >= 30
    assert sandbox.site.backup_account_id == pycontribs.myself()["accountId"]
    assert pycontribs.server_info()["deploymentType"] == "Cloud"
    assert "Sprint" in {field["name"] for field in pycontribs.fields()}


def test_the_jira_client_creates_comments_attaches_and_transitions(pycontribs: JIRA, tmp_path: Path) -> None:
    issue = pycontribs.create_issue(
        fields={
            "project": {"key": "APP"},
            "issuetype": {"name": "Task"},
            "summary": "Made by a client",
            "description": TEXT,
            "labels": ["client"],
        }
    )
    comment = pycontribs.add_comment(issue.key, TEXT)
    assert comment.id in {item.id for item in pycontribs.comments(issue.key)}
    path = tmp_path / "notes \u2013 ü.txt"
    path.write_bytes(b"the bytes of a file")
    with path.open("rb") as stream:
        attached = pycontribs.add_attachment(issue.key, stream, filename="notes \u2013 ü.txt")
    file = pycontribs.attachment(attached.id)
    content = file.get()  # type: ignore[no-untyped-call]
    assert content == b"the bytes of a file"
    assert pycontribs.attachment(attached.id).filename == "notes \u2013 ü.txt"
    step = next(t["id"] for t in pycontribs.transitions(issue.key) if t["name"] == "Start progress")
    pycontribs.transition_issue(issue.key, step)
    assert pycontribs.issue(issue.key).fields.status.name == "In Progress"
    pycontribs.add_worklog(issue.key, timeSpent="2h", adjustEstimate="leave")
    assert [item.timeSpentSeconds for item in pycontribs.worklogs(issue.key)] == [7200]
    issue.update(fields={"summary": "Renamed by a client"})
    assert pycontribs.issue(issue.key).fields.summary == "Renamed by a client"


def test_the_jira_client_links_watches_and_deletes(pycontribs: JIRA) -> None:
    made = pycontribs.create_issues(
        [
            {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": f"Number {number}"}
            for number in range(2)
        ]
    )
    first, second = (entry["issue"].key for entry in made)
    pycontribs.create_issue_link("Blocks", first, second)
    links = pycontribs.issue(first).fields.issuelinks
    assert [second] == [link.outwardIssue.key for link in links]
    assert pycontribs.watchers(first).watchCount == 1
    link = pycontribs.add_simple_link(first, {"url": "https://example.invalid", "title": "Elsewhere"})
    assert link.id in {item.id for item in pycontribs.remote_links(first)}
    pycontribs.issue(second).delete()  # type: ignore[no-untyped-call]
    assert pycontribs.issue(first).fields.issuelinks == []


def test_the_jira_client_reads_boards_and_sprints(pycontribs: JIRA) -> None:
    board = pycontribs.boards(projectKeyOrID="APP")[0]
    names = [sprint.name for sprint in pycontribs.sprints(board.id)]
    assert "APP Sprint 1" in names
    made = pycontribs.create_sprint("Client sprint", board.id)
    assert pycontribs.sprint(made.id).state == "future"


def test_the_atlassian_client_reads(atlassian: Any) -> None:
    assert {"APP", "OPS"} == {project["key"] for project in atlassian.projects()}
    found = atlassian.enhanced_jql("project = OPS ORDER BY id", fields="summary", limit=10)
    assert len(found["issues"]) == 10
    assert "nextPageToken" in found
    assert atlassian.issue("APP-1")["key"] == "APP-1"
    assert "values" in atlassian.get_issue_changelog("APP-13")


def test_the_atlassian_client_writes(atlassian: Any, tmp_path: Path) -> None:
    fields = {"project": {"key": "APP"}, "issuetype": {"name": "Story"}, "summary": "From the other client"}
    key = atlassian.issue_create(fields=fields)["key"]
    atlassian.issue_add_comment(key, TEXT)
    assert atlassian.issue_get_comments(key)["total"] == 1
    path = tmp_path / "data.bin"
    path.write_bytes(bytes(range(256)))
    atlassian.add_attachment(key, str(path))
    assert [item["filename"] for item in atlassian.issue(key)["fields"]["attachment"]] == ["data.bin"]
    atlassian.set_issue_status(key, "In Progress")
    assert atlassian.get_issue_status(key) == "In Progress"
    atlassian.create_issue_link(
        {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": "APP-1"}}
    )
    assert len(atlassian.issue(key)["fields"]["issuelinks"]) == 1
    atlassian.delete_issue(key)
    assert atlassian.request(path=f"rest/api/3/issue/{key}", advanced_mode=True).status_code == 404
