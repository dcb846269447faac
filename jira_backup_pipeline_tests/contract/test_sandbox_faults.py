"""Faults of the sandbox over HTTP: each does what it says to the connection or answer, and is proven to have fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

SEARCH = "/rest/api/3/search/jql"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    """A small site for the whole module."""
    with start_sandbox(projects=1, issues=30, seed=2) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> Iterator[RunningSandbox]:
    """The site without faults and with an empty log."""
    running.faults.clear()
    running.log.reset()
    yield running
    running.faults.clear()


def _get(sandbox: RunningSandbox, path: str, **options: Any) -> requests.Response:
    return requests.get(sandbox.url + path, auth=(sandbox.email, sandbox.token), timeout=10, **options)


def _search(sandbox: RunningSandbox, token: str | None = None) -> requests.Response:
    body = {"jql": "project = APP order by id", "fields": ["key"], "maxResults": 10, "nextPageToken": token}
    return requests.post(sandbox.url + SEARCH, json=body, auth=(sandbox.email, sandbox.token), timeout=10)


def test_a_status_comes_after_some_requests_and_for_some_times(sandbox: RunningSandbox) -> None:
    fault = sandbox.faults.add(
        "status", method="GET", path="/rest/api/3/myself", status=503, after=1, times=2
    )
    statuses = [_get(sandbox, "/rest/api/3/myself").status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    assert (sandbox.faults.fired(fault.fault_id), fault.seen) == (2, 5)
    assert _get(sandbox, "/rest/api/3/serverInfo").status_code == 200


@pytest.mark.parametrize(
    "reason", ["jira-burst-based", "jira-quota-global-based", "jira-quota-tenant-based", None]
)
def test_a_rate_limit_carries_the_headers_it_was_given(sandbox: RunningSandbox, reason: str | None) -> None:
    headers = {"Retry-After": "7", "RateLimit-Reason": reason} if reason else {}
    sandbox.faults.add("status", path="/myself", status=429, headers=headers)
    answer = _get(sandbox, "/rest/api/3/myself")
    assert (429, reason) == (answer.status_code, answer.headers.get("RateLimit-Reason"))
    assert ("7" if reason else None) == answer.headers.get("Retry-After")


def test_a_token_can_stop_working_from_a_request_on(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("status", path="^/rest/", status=401, after=2, times=None)
    assert [_get(sandbox, "/rest/api/3/myself").status_code for _ in range(4)] == [200, 200, 401, 401]


@pytest.mark.parametrize("kind", ["reset", "truncated_gzip", "lost_answer"])
def test_a_cut_connection_is_an_error_for_the_client(sandbox: RunningSandbox, kind: str) -> None:
    fault = sandbox.faults.add(kind, path="/rest/api/3/field")
    errors = (
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
        requests.exceptions.JSONDecodeError,
        UnicodeDecodeError,
    )
    with pytest.raises(errors):
        _get(sandbox, "/rest/api/3/field").json()
    assert fault.fired == 1
    assert _get(sandbox, "/rest/api/3/field").status_code == 200


def test_a_lost_answer_has_taken_effect(sandbox: RunningSandbox) -> None:
    before = len(sandbox.site.issues)
    fault = sandbox.faults.add("lost_answer", method="POST", path="/rest/api/3/issue")
    fields = {"project": {"key": "APP"}, "issuetype": {"name": "Task"}, "summary": "Made but not told"}
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.post(
            f"{sandbox.url}/rest/api/3/issue",
            json={"fields": fields},
            auth=(sandbox.email, sandbox.token),
            timeout=10,
        )
    assert (before + 1, 1) == (len(sandbox.site.issues), fault.fired)


def test_a_login_page_is_html_with_status_200(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("login_page", path="/rest/api/3/myself")
    answer = _get(sandbox, "/rest/api/3/myself")
    assert (answer.status_code, answer.headers["Content-Type"].startswith("text/html")) == (200, True)


def test_a_drip_still_delivers_everything(sandbox: RunningSandbox) -> None:
    whole = _get(sandbox, "/rest/api/3/field").content
    fault = sandbox.faults.add("drip", path="/rest/api/3/field", delay_ms=1, chunk_bytes=500)
    assert (whole, 1) == (_get(sandbox, "/rest/api/3/field").content, fault.fired)


def test_a_stall_runs_into_the_clients_read_timeout(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("stall", path="/rest/api/3/field", delay_ms=1500, keep_bytes=10)
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(f"{sandbox.url}/rest/api/3/field", auth=(sandbox.email, sandbox.token), timeout=0.2)


def test_a_page_token_can_loop(sandbox: RunningSandbox) -> None:
    fault = sandbox.faults.add("loop_token", path=SEARCH, after=1, times=2)
    first = _search(sandbox).json()["nextPageToken"]
    second = _search(sandbox, first).json()
    assert (first, False) == (second["nextPageToken"], second["isLast"])
    assert first == _search(sandbox, first).json()["nextPageToken"]
    assert first != _search(sandbox, first).json()["nextPageToken"]
    assert fault.fired == 2


def test_an_issue_can_come_twice(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("duplicate_issue", path=SEARCH)
    keys = [item["key"] for item in _search(sandbox).json()["issues"]]
    assert (len(keys), len(set(keys))) == (11, 10)


def test_an_attachment_can_be_missing_short_or_sent_elsewhere(sandbox: RunningSandbox) -> None:
    issue = next(i for i in sandbox.site.issues if sandbox.site.body(i).attachments)
    item = next(a for a in sandbox.site.body(issue).attachments if a.content.size > 10)
    path = f"/rest/api/3/attachment/content/{item.attachment_id}"
    template = "/rest/api/3/attachment/content/{id}"
    sandbox.faults.add("status", path=template, status=404)
    assert _get(sandbox, path).status_code == 404
    sandbox.faults.add("short_body", path="/file/{uuid}/binary", keep_bytes=3)
    assert len(_get(sandbox, path).content) == 3
    sandbox.faults.add("foreign_redirect", path=template, location="http://localhost:9/evil")
    assert _get(sandbox, path, allow_redirects=False).headers["Location"] == "http://localhost:9/evil"
    assert item.content.read() == _get(sandbox, path).content
    assert [fault.fired for fault in sandbox.faults.list()] == [1, 1, 1]


def test_faults_are_scripted_and_proven_over_http_too(sandbox: RunningSandbox) -> None:
    control = sandbox.control_url
    script = [
        {"kind": "status", "path": "/myself", "status": 500},
        {"kind": "login_page", "path": "/serverInfo"},
    ]
    assert requests.post(f"{control}/faults", json=script, timeout=10).status_code == 201
    assert _get(sandbox, "/rest/api/3/myself").status_code == 500
    found = requests.get(f"{control}/faults", timeout=10).json()["faults"]
    assert [fault["fired"] for fault in found] == [1, 0]
    requests.delete(f"{control}/faults", timeout=10)
    assert requests.get(f"{control}/faults", timeout=10).json()["faults"] == []
    for wrong in ({"kind": "meteor"}, {"kind": "status", "colour": 1}):
        assert requests.post(f"{control}/faults", json=wrong, timeout=10).status_code == 400


def test_requests_are_logged_with_the_fault_they_met(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("status", path="/rest/api/3/myself", status=502)
    _get(sandbox, "/rest/api/3/myself")
    _get(sandbox, "/rest/api/3/issue/APP-1")
    _get(sandbox, "/rest/api/3/issue/APP-2")
    log = requests.get(f"{sandbox.control_url}/requests", timeout=10).json()
    assert log["counts"] == {"GET /rest/api/3/issue/{issueIdOrKey}": 2, "GET /rest/api/3/myself": 1}
    assert [(r["fault"], r["status"]) for r in log["requests"]] == [("status", 502), (None, 200), (None, 200)]
    requests.delete(f"{sandbox.control_url}/requests", timeout=10)
    assert requests.get(f"{sandbox.control_url}/requests", timeout=10).json()["total"] == 0
