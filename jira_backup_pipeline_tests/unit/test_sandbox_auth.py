"""Who may call the sandbox: tokens, anonymous callers, the gateway, scoped tokens."""

from __future__ import annotations

import json

import pytest

from jira_backup_pipeline_tests.unit.sandbox_calls import Calls, calls


@pytest.fixture
def site() -> Calls:
    """A fresh site."""
    return calls()


def test_an_answer_names_the_account(site: Calls) -> None:
    answer = site.send("GET", "/myself")
    assert site.site.backup_account_id == answer.headers["X-AAccountId"]
    assert "GMT" in answer.headers["Date"]


@pytest.mark.parametrize("path", ["/myself", "/serverInfo", "/project/search", "/issue/APP-1"])
def test_a_wrong_token_is_refused_everywhere(site: Calls, path: str) -> None:
    site.secret = "wrong"
    answer = site.send("GET", path)
    assert answer.status == 401
    assert "X-AAccountId" not in answer.headers
    assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"


def test_an_expired_token_is_refused_from_its_time_on(site: Calls) -> None:
    site.edits.set_clock("2026-01-01T00:00:00Z")
    site.edits.add_token("short-lived", expires_at="2026-01-01T01:00:00Z")
    site.secret = "short-lived"
    assert site.send("GET", "/myself").status == 200
    site.edits.advance_clock(3600)
    assert site.send("GET", "/myself").status == 401


def test_all_tokens_can_be_expired_and_renewed_at_once(site: Calls) -> None:
    site.edits.expire_token()
    assert site.send("GET", "/myself").status == 401
    site.edits.renew_token()
    assert site.send("GET", "/myself").status == 200


def test_nobody_sees_empty_lists_and_no_account(site: Calls) -> None:
    site.secret = None
    assert site.send("GET", "/myself").status == 401
    assert site.send("GET", "/serverInfo").status == 200
    assert site.get("/project/search")["values"] == []
    assert site.get("/users/search") == []
    assert site.post("/issue/bulkfetch", {"issueIdsOrKeys": ["APP-1"]})["issues"] == []
    assert site.post("/search/jql", {"jql": "updated > 0"})["issues"] == []
    assert site.send("GET", "/issue/APP-1").status == 404


def test_the_gateway_address_serves_the_same_with_its_own_links(site: Calls) -> None:
    base = f"/ex/jira/{site.site.cloud_id}/rest/api/3"
    value = site.get(f"{base}/issue/APP-1")
    assert value["self"].startswith(f"{site.site.gateway_url}/rest/api/3/issue/")
    assert site.get("/issue/APP-1")["self"].startswith(f"{site.site.url}/rest/api/3/issue/")
    assert site.send("GET", "/ex/jira/another-cloud/rest/api/3/myself").status == 404
    site.secret = None
    assert site.send("GET", f"{base}/serverInfo").status == 401


def test_a_scoped_token_works_on_the_gateway_only(site: Calls) -> None:
    site.edits.add_token("scoped-one", scoped=True)
    site.secret = "scoped-one"
    assert site.send("GET", "/myself").status == 401
    assert site.send("GET", f"/ex/jira/{site.site.cloud_id}/rest/api/3/myself").status == 200


def test_the_cloud_id_is_open_to_all(site: Calls) -> None:
    site.secret = None
    assert {"cloudId": site.site.cloud_id} == json.loads(site.send("GET", "/_edge/tenant_info").body)


def test_permissions_are_told_and_enforced(site: Calls) -> None:
    path = "/mypermissions?permissions=ADMINISTER,BROWSE_PROJECTS"
    assert all(entry["havePermission"] for entry in site.get(path)["permissions"].values())
    site.edits.deny("ADMINISTER")
    assert not site.get(path)["permissions"]["ADMINISTER"]["havePermission"]
    assert site.refused("GET", "/issue/limit/report")[0] == 403
    body = {
        "projectPermissions": [
            {"permissions": ["EDIT_ISSUES"], "projects": [10000, 10001], "issues": [10000]}
        ]
    }
    site.edits.deny("EDIT_ISSUES", project="APP")
    grants = site.post("/permissions/check", body)["projectPermissions"]
    assert grants[0]["projects"] == [10001]
    assert site.refused("GET", "/mypermissions")[0] == 400


def test_a_path_that_is_not_there_is_a_404_and_a_wrong_method_a_405(site: Calls) -> None:
    assert site.send("GET", "/nothing/here").status == 404
    assert site.send("DELETE", "/myself").status == 405
