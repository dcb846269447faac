"""Whatever goes wrong between a capture and Jira, what is stored is right or a gap says what is missing.

Every fault is a switch of the sandbox and proven to have fired. Which test proves which fault of the list is told in
`test_fault_table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected, ExitCode, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, SnapshotState
from jira_backup_pipeline.orchestration.progress import RunLog
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.sandbox_captures import SandboxCaptures
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, ScriptedHttp
from jira_backup_pipeline_tests.doubles.site_edits import EDITS, HOSTILE_NAMES, attach
from jira_backup_pipeline_tests.doubles.site_truth import keys_in
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.http import Request
    from jira_backup_pipeline.sandbox.model import Issue

_SEARCH = "/rest/api/3/search/jql"
_BULKFETCH = "/rest/api/3/issue/bulkfetch"
_CHANGELOG = "/rest/api/3/changelog/bulkfetch"
_CONTENT = "/rest/api/3/attachment/content/{id}"
_MEDIA = "/file/{uuid}/binary"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=2, issues=30, seed=9) as running:
        yield running


@pytest.fixture
def site(running: RunningSandbox) -> Iterator[SandboxCaptures]:
    """The sandbox with an empty repository; every fault that a test adds must fire."""
    running.faults.clear()
    yield SandboxCaptures(running)
    faults = running.faults.list()
    running.faults.clear()
    silent = [fault.describe() for fault in faults if not fault.fired]
    assert not silent, f"a fault that never fired proves nothing: {silent}"


def issue_of(site: SandboxCaptures, number: int = 0) -> Issue:
    return site.running.site.issues.of_project(int(site.project))[number]


def calls_of(site: SandboxCaptures) -> Calls:
    return Calls(site.running.core, site.running.edits, site.running.token)


def limited(path: str, reason: str | None, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if reason is not None:
        named["RateLimit-Reason"] = reason
    return {"kind": "status", "status": 429, "path": path, "headers": named}


_STORM: tuple[dict[str, Any], ...] = (
    limited(_SEARCH, "jira-burst-based", Retry_After="3"),
    limited(_SEARCH, "jira-quota-tenant-based"),
    limited(_BULKFETCH, "jira-quota-global-based", X_RateLimit_Reset="2026-11-23T12:00Z"),
    limited(_CHANGELOG, "jira-per-issue-on-write", Retry_After="2"),
    limited(_CHANGELOG, "jira-cost-based"),
    limited("/rest/api/3/myself", None),
    limited("/rest/api/3/serverInfo", None, Retry_After="1"),
    {"kind": "status", "status": 500, "path": _BULKFETCH, "times": 2},
    {"kind": "status", "status": 502, "path": _CHANGELOG},
    {"kind": "status", "status": 503, "path": "/remotelink$", "headers": {"Retry-After": "5"}},
    {"kind": "reset", "path": "/watchers$"},
    {"kind": "reset", "path": "/rest/api/3/search/approximate-count"},
    {"kind": "truncated_gzip", "path": "/statuses$"},
    {"kind": "login_page", "path": "/role/"},
    {"kind": "duplicate_issue", "path": _SEARCH, "after": 2},
    {"kind": "duplicate_issue", "path": _BULKFETCH, "after": 3},
    {"kind": "status", "status": 429, "path": _CONTENT, "headers": {"Retry-After": "1"}},
    {"kind": "reset", "path": _MEDIA, "keep_bytes": 7, "times": 3},
    {"kind": "status", "status": 503, "path": _MEDIA, "after": 3},
)


def test_a_storm_of_everything_that_passes_leaves_a_complete_and_true_snapshot(site: SandboxCaptures) -> None:
    for fault in _STORM:
        site.running.faults.add(**fault)

    done = site.capture()

    assert done.manifest.state is SnapshotState.COMPLETE, (done.manifest.gaps, done.manifest.ledger)
    assert done.is_clean
    site.assert_true(done.manifest)
    site.assert_intact()
    assert max(site.time.slept) >= 20 * 60, "a spent quota is waited for"
    assert site.running.media.leaked_credentials == 0


def test_a_spent_quota_is_said_to_whoever_follows_the_capture(site: SandboxCaptures) -> None:
    site.running.faults.add(**limited(_BULKFETCH, "jira-quota-tenant-based", Retry_After="1800"))
    lines: list[str] = []

    site.capture(progress=RunLog(lines.append))

    [said] = [line for line in lines if "quota" in line]
    assert "all calls wait 1,8" in said
    assert max(site.time.slept) >= 30 * 60


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param({"kind": "login_page", "path": _SEARCH, "times": None}, "HTML page", id="login page"),
        pytest.param(
            {"kind": "loop_token", "path": _SEARCH, "times": None}, "token twice", id="search loops"
        ),
    ],
)
def test_what_stays_wrong_for_all_ends_the_capture_and_leaves_the_snapshot_before(
    site: SandboxCaptures, fault: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.running.site.settings, "search_page_ids", 5)
    before = site.capture()
    site.running.faults.add(**fault)

    with pytest.raises(UnexpectedAnswer, match=words):
        site.capture(is_full=True)

    assert site.latest() == before.manifest
    site.assert_true(before.manifest)


def test_a_history_whose_token_leads_nowhere_is_read_in_smaller_parts(site: SandboxCaptures) -> None:
    site.running.faults.add("loop_token", path=_CHANGELOG, times=3)

    done = site.capture()

    assert done.manifest.state is SnapshotState.COMPLETE
    site.assert_true(done.manifest)


def test_a_token_that_stops_working_costs_nothing_that_was_stored(site: SandboxCaptures) -> None:
    before = site.capture()
    EDITS["add_comment"](calls_of(site), issue_of(site), 1)
    site.running.faults.add("status", status=401, after=5, times=None)

    with pytest.raises(CredentialsRejected):
        site.capture()

    assert site.latest() == before.manifest
    site.running.faults.list()[0].times = 0
    site.assert_true(site.capture().manifest)


def test_one_forbidden_project_is_named_and_does_not_stop_the_others(site: SandboxCaptures) -> None:
    first, second = site.running.site.projects.values()
    site.running.faults.add("status", status=403, path=f"/rest/api/3/project/{first.project_id}$", times=None)
    site.running.edits.deny("BROWSE_PROJECTS", project=second.key)
    try:
        outcome = site.back_up()
    finally:
        site.running.edits.allow("BROWSE_PROJECTS", project=second.key)

    by_scope = {capture.manifest.scope: capture.manifest for capture in outcome.captures}
    assert set(by_scope) == {SITE_SCOPE, f"project-{first.project_id}"}
    assert outcome.exit_code is ExitCode.INCOMPLETE
    gaps = {(gap.kind, gap.status) for gap in by_scope[f"project-{first.project_id}"].gaps}
    assert gaps == {("project", 403)}
    assert any(second.key in gap.subject for gap in by_scope[SITE_SCOPE].gaps)
    assert {str(first.project_id)} == {m.project.id for m in by_scope.values() if m.project}
    site.assert_true(by_scope[f"project-{first.project_id}"])


def test_bytes_that_are_missing_short_or_away_are_gaps_that_the_next_run_fills(site: SandboxCaptures) -> None:
    for number in range(3):
        attach(calls_of(site), issue_of(site), number)
    body = site.running.site.body
    files = [
        f for issue in site.running.site.issues.of_project(int(site.project)) for f in body(issue).attachments
    ]
    missing, short, away = [str(item.attachment_id) for item in files if item.content.size > 5][-3:]
    foreign = ScriptedHttp(lambda _: Reply(404, b"nothing here"))
    with foreign:
        location = foreign.url.replace("127.0.0.1", "localhost")
        content = "^/rest/api/3/attachment/content/{}$"
        site.running.faults.add("status", status=404, path=content.format(missing), times=None)
        [uuid] = [item.media_uuid for item in files if str(item.attachment_id) == short]
        site.running.faults.add("short_body", path=f"^/file/{uuid}/", keep_bytes=3, times=None)
        site.running.faults.add("foreign_redirect", path=content.format(away), location=location, times=None)
        done = site.capture()

    gaps = {gap.subject: gap for gap in done.manifest.gaps}
    assert set(gaps) == {f"bytes of attachment {number}" for number in (missing, short, away)}
    assert gaps[f"bytes of attachment {missing}"].status == 404
    assert "and sent 3" in gaps[f"bytes of attachment {short}"].reason
    assert (done.manifest.state, done.is_clean) == (SnapshotState.GAPS, False)
    assert foreign.seen
    assert not any("authorization" in seen.headers for seen in foreign.seen)
    without = frozenset(("attachment", number) for number in (missing, short, away))
    site.assert_true(done.manifest, without=without)
    for fault in site.running.faults.list():
        fault.times = 0

    with site.asked() as asked:
        healed = site.capture()

    assert {f"file {number}" for number in (missing, short, away)} == {
        a for a in asked if a.startswith("file")
    }
    assert healed.manifest.state is SnapshotState.COMPLETE
    site.assert_true(healed.manifest)


_DEEP = (
    '{"type":"doc","version":1,"content":'
    + '[{"type":"blockquote","content":' * 500
    + "[]"
    + "}]" * 500
    + "}"
)
# What Jira Service Management puts into the fields of a request: nothing else is asked for, so nothing of it may be lost.
_SLA = (
    '{"id":"3","name":"Time to resolution","completedCycles":[{"breached":false,"elapsedTime":{"millis":1.0E7}}],'
    '"ongoingCycle":{"breached":true,"goalDuration":{"millis":14400000,"friendly":"4h"}}}'
)
_APPROVALS = (
    '[{"id":"1","name":"Waiting for approval","finalDecision":"approved","approvers":'
    '[{"approver":{"accountId":"5b10"},"approverDecision":"approved"}]}]'
)
_ODD_VALUES = {
    "the SLA of a request": _SLA,
    "the approvals of a request": _APPROVALS,
    "500 levels of rich text": _DEEP,
    "a field whose type changed": '{"was":["a","number"]}',
    "the greatest exponent": "1e300",
    "a sum that no float holds": "0.30000000000000004",
    "2^63": "9223372036854775808",
    "a number of 400 digits": "1" + "0" * 400,
    "a lone surrogate, escaped": r'"\ud800 alone"',
    "a lone surrogate, raw": '"\ud800 raw"',
}


@pytest.mark.parametrize("value", _ODD_VALUES.values(), ids=_ODD_VALUES.keys())
def test_an_odd_value_is_stored_byte_for_byte_and_spoils_no_neighbour(
    site: SandboxCaptures, value: str
) -> None:
    issue = issue_of(site, 3)
    field = next(f for f in site.running.site.fields if f.startswith("customfield_"))
    site.running.edits.set_raw_field(str(issue.issue_id), field, value)
    try:
        done = site.capture()
        tables = site.repository().tables(done.manifest)
        rows = {row["id"]: row for row in tables["issues"].to_arrow().to_pylist()}
        row = rows[str(issue.issue_id)]
        stored = row["raw_binary"] if row["raw"] is None else row["raw"].encode()
    finally:
        del site.running.site.body(issue).raw_fields[field]
        site.running.site.reference_changed()

    assert f'"{field}":'.encode() + value.encode("utf-8", "surrogatepass") in stored
    site.assert_intact()
    assert not done.manifest.gaps
    assert done.manifest.unexplained == 0
    held = {(issue_id, *key) for issue_id, records in site.held().items() for key in records}
    assert held == keys_in(site.repository(), done.manifest)


@pytest.mark.parametrize(
    ("field", "value", "column", "typed"),
    [
        ("summary", r'"\ud800 alone"', "summary", "? alone"),
        ("labels", r'["fine","\udfff"]', "labels", ["fine", "?"]),
        ("timespent", "9223372036854775808", "time_spent_seconds", None),
        ("timespent", "-9223372036854775808", "time_spent_seconds", -(2**63)),
        ("timespent", "1e300", "time_spent_seconds", None),
        ("duedate", "1e300", "due_date", None),
        ("duedate", '"when it is done"', "due_date", None),
        ("assignee", '["was","a person"]', "assignee_id", None),
        ("labels", '{"was":"a list"}', "labels", []),
    ],
)
def test_an_odd_value_of_a_field_with_a_column_is_kept_as_it_is_and_leaves_its_column_empty(
    site: SandboxCaptures, field: str, value: str, column: str, typed: object
) -> None:
    issue = issue_of(site, 2)
    site.running.edits.set_raw_field(str(issue.issue_id), field, value)
    try:
        done = site.capture()
        rows = site.repository().tables(done.manifest)["issues"].to_arrow().to_pylist()
    finally:
        del site.running.site.body(issue).raw_fields[field]
        site.running.site.reference_changed()

    [row] = [row for row in rows if row["id"] == str(issue.issue_id)]
    assert f'"{field}":{value}' in row["raw"]
    assert row[column] == typed
    assert done.manifest.unexplained == 0
    assert not done.manifest.gaps


def test_an_empty_project_is_a_complete_snapshot_of_nothing(site: SandboxCaptures) -> None:
    owner = site.running.site.backup_account_id
    body = {"key": "VOID", "name": "Empty", "leadAccountId": owner, "projectTypeKey": "software"}
    made = calls_of(site).send("POST", "/project", body)
    assert made.status == 201
    project = site.running.site.find_project("VOID")
    assert project is not None
    try:
        done = site.capture("VOID")
        again = site.capture("VOID")
    finally:
        site.running.edits.delete_project("VOID", permanent=True)

    assert done.manifest.state is again.manifest.state is SnapshotState.COMPLETE
    assert site.stored(again.manifest) == {}
    assert done.manifest.counts["projects"] == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("edit_fields", _BULKFETCH),
        ("edit_fields", _CHANGELOG),
        ("add_many_comments", "/watchers"),
        ("set_remote_link", _CHANGELOG),
        ("set_remote_link", "/remotelink"),
        ("attach", _BULKFETCH),
        ("detach", "/attachment/content"),
        ("create", _SEARCH),
        ("create", "/approximate-count"),
        ("delete", _BULKFETCH),
        ("delete", "/remotelink"),
        ("delete", "/attachment/content"),
        ("move", _BULKFETCH),
        ("move", "/watchers"),
    ],
)
def test_a_change_while_the_capture_runs_is_right_after_the_next_one(
    site: SandboxCaptures, change: str, place: str
) -> None:
    # An issue that no other shows, so that no other changes with it.
    EDITS["create"](calls_of(site), issue_of(site), 0)
    fresh = issue_of(site, -1)
    for number in range(3):
        attach(calls_of(site), fresh, number)
    left = [1]

    def change_once(request: Request) -> None:
        if left[0] and place in request.path:
            left[0] = 0
            EDITS[change](calls_of(site), fresh, 4)

    with site.watching(change_once):
        site.capture()
    assert left == [0], "the change never happened"

    done = site.capture()

    assert not done.manifest.gaps
    assert done.manifest.unexplained == 0
    site.assert_true(done.manifest)


def test_a_search_that_lags_behind_by_minutes_loses_nothing(site: SandboxCaptures) -> None:
    edits, clock = site.running.edits, site.running.site.clock
    for _ in range(5):
        # Issues that no other shows, so that no other changes with them.
        EDITS["create"](calls_of(site), issue_of(site), 0)
    fresh = [issue_of(site, -number) for number in range(1, 6)]
    edits.set_index_lag(600)
    try:
        first = site.capture()
        kept = site.stored(first.manifest)
        for number, name in enumerate(("edit_fields", "add_worklog", "create", "move", "delete")):
            clock.advance(1_000)
            EDITS[name](calls_of(site), fresh[number], number)
        clock.advance(60_000)
        blind = site.stored(site.capture().manifest)
        truth = site.held()
        for issue_id, records in blind.items():
            assert records in (truth.get(issue_id), kept.get(issue_id)), "neither old nor new, but a mixture"
        clock.advance(700_000)
        done = site.capture()
    finally:
        edits.set_index_lag(0)
        clock.run()

    site.assert_true(done.manifest)
    assert not done.manifest.gaps


def test_an_issue_that_changes_while_changes_are_searched_does_not_fall_out_of_the_search(
    site: SandboxCaptures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.running.site.settings, "search_page_scalars", 5)
    since_ms, calls = site.running.site.now(), calls_of(site)
    issues = site.running.site.issues.of_project(int(site.project))
    for issue in issues:
        EDITS["edit_fields"](calls, issue, 1)
    pages = [0]

    def touch_the_last(request: Request) -> None:
        pages[0] += request.path == _SEARCH
        if pages[0] == 2:
            pages[0] += 1
            site.running.site.clock.advance(3_600_000)
            EDITS["edit_fields"](calls, issues[-1], 2)

    with site.reader() as reader, site.watching(touch_the_last):
        found = dict(reader.changed_issues(site.project, since_ms))

    assert pages[0] > 2
    assert {str(issue.issue_id) for issue in issues} == set(found)


def test_hostile_names_of_files_are_data_and_name_nothing(site: SandboxCaptures) -> None:
    issue = issue_of(site, 2)
    for number in range(len(HOSTILE_NAMES)):
        attach(calls_of(site), issue, number)

    done = site.capture()

    site.assert_true(done.manifest)
    rows = site.repository().tables(done.manifest)["attachments"].to_arrow().to_pylist()
    assert set(HOSTILE_NAMES) <= {row["filename"] for row in rows if row["issue_id"] == str(issue.issue_id)}
    keys = [entry.key for entry in site.store.list("")]
    assert keys
    for key in keys:
        assert ".." not in key
        assert not any(name and len(name) > 3 and name in key for name in HOSTILE_NAMES)
