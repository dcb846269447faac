"""Team-managed projects of the sandbox: opt-in, with things of their own, and refused wherever schemes are assigned."""

from __future__ import annotations

from typing import Any

import pytest

from jira_backup_pipeline.sandbox.core import Sandbox
from jira_backup_pipeline.sandbox.edits import Edits
from jira_backup_pipeline.sandbox.model import Token
from jira_backup_pipeline.sandbox.seed.make import make_site
from jira_backup_pipeline.sandbox.truth import truth_lines
from jira_backup_pipeline_tests.unit.sandbox_calls import SECRET, Calls


@pytest.fixture
def jira() -> Calls:
    site = make_site(projects=1, issues=4, seed=7, team_managed=1)
    site.tokens.append(Token(SECRET, site.backup_account_id))
    core = Sandbox(site)
    return Calls(core, Edits(site))


def test_without_the_switch_a_site_is_what_it_was() -> None:
    plain = make_site(projects=1, issues=12, seed=7)
    with_one = make_site(projects=1, issues=12, seed=7, team_managed=1)
    first = str(next(iter(plain.projects)))

    def issues_of(site: Any) -> set[bytes]:
        return {line for line in truth_lines(site) if f'"project_id":"{first}"'.encode() in line}

    assert not any(project.is_team_managed for project in plain.projects.values())
    assert [key for key, found in with_one.projects.items() if found.is_team_managed] == [int(first) + 1]
    lost = issues_of(plain) - issues_of(with_one)
    assert lost == set()


def test_what_is_its_own_says_so_and_is_nowhere_else(jira: Calls) -> None:
    project = jira.get("/project/TM1")
    scope = {"type": "PROJECT", "project": {"id": project["id"]}}
    assert (project["style"], project["simplified"]) == ("next-gen", True)
    assert all(item["scope"] == scope and item["entityId"] for item in project["issueTypes"])
    statuses = [status for item in jira.get("/project/TM1/statuses") for status in item["statuses"]]
    assert statuses
    assert all(status["scope"] == scope for status in statuses)
    own = [item["id"] for item in jira.get("/field") if item.get("scope") == scope]
    listed = {item["id"] for item in jira.get("/field/search?maxResults=50")["values"]}
    assert own
    assert not listed & set(own)
    assert jira.refused("GET", f"/field/{own[0]}/context")[0] == 404
    shown = {key: set(jira.get(f"/issue/{key}")["fields"]) for key in ("TM1-1", "APP-1")}
    assert set(own) <= shown["TM1-1"]
    assert not set(own) & shown["APP-1"]
    assert jira.refused("PUT", "/issue/APP-1", {"fields": {own[1]: 3}})[0] == 400
    assert set(jira.get("/project/TM1/role")) == {"Administrator", "Member", "Viewer"}
    other = jira.get("/project/APP/role")
    assert set(other) == {"Administrators", "Member", "Viewer"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/issuetypescheme/project", {"issueTypeSchemeId": "10000"}),
        ("PUT", "/issuetypescreenscheme/project", {"issueTypeScreenSchemeId": "1"}),
        ("PUT", "/workflowscheme/project", {"workflowSchemeId": "20001"}),
        ("POST", "/workflowscheme/project/switch", {"targetSchemeId": "20001"}),
        ("PUT", "/issuesecurityschemes/project", {"schemeId": "10000"}),
        ("PUT", "/project/TM1/permissionscheme", {"id": 0}),
        ("PUT", "/project/TM1", {"notificationScheme": 10000}),
    ],
)
def test_schemes_cannot_be_assigned_to_it(jira: Calls, method: str, path: str, body: dict[str, Any]) -> None:
    project = jira.get("/project/TM1")
    answer = jira.send(method, path, {"projectId": project["id"], **body})
    assert answer.status == 400
    assert b"team-managed" in answer.body


def test_no_list_of_schemes_names_it_and_its_own_setup_goes_with_it(jira: Calls) -> None:
    number = jira.get("/project/TM1")["id"]
    for noun in ("issuetypescheme", "workflowscheme", "issuetypescreenscheme"):
        assert jira.get(f"/{noun}/project?projectId={number}")["values"] == []
    assert jira.refused("GET", "/project/TM1/notificationscheme")[0] == 404

    jira.edits.delete_project("TM1", permanent=True)

    for things in (jira.site.fields, jira.site.issue_types, jira.site.statuses, jira.site.roles):
        assert all(item.project_id is None for item in things.values())  # type: ignore[attr-defined]
