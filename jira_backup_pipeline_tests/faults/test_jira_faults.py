"""What goes wrong between us and Jira is survived or named: every fault is proven to have fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import (
    CredentialsRejected,
    TransientError,
    UnexpectedAnswer,
)
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.readings import IssueUnit

_BULKFETCH = "/rest/api/3/issue/bulkfetch"
_CHANGELOG = "/rest/api/3/changelog/bulkfetch"
_SEARCH = "/rest/api/3/search/jql"
_CONTENT = "/rest/api/3/attachment/content/"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=1, issues=130, seed=5) as running:
        yield running


@pytest.fixture
def site(running: RunningSandbox) -> Iterator[RunningSandbox]:
    running.faults.clear()
    yield running
    fired = {fault.kind.value: fault.fired for fault in running.faults.list()}
    running.faults.clear()
    assert all(fired.values()), f"a fault that never fired proves nothing: {fired}"


@pytest.fixture
def time() -> PlayedTime:
    return PlayedTime()


@pytest.fixture
def reader(site: RunningSandbox, time: PlayedTime) -> Iterator[CloudReader]:
    client = connect(JiraConfig(site.url, site.email, Secret(site.token)), timing=time.timing())
    yield CloudReader(client)
    client.close()


@pytest.fixture(scope="module")
def undisturbed(running: RunningSandbox) -> dict[str, IssueUnit]:
    running.faults.clear()
    with connect(JiraConfig(running.url, running.email, Secret(running.token))) as client:
        return read_all(CloudReader(client))


def read_all(reader: CloudReader) -> dict[str, IssueUnit]:
    project = next(reader.projects())
    ids = list(reader.issue_ids(project.identity.id))
    assert len(ids) == len(set(ids)), "an issue was walked twice"
    people = [person.id for person in reader.list_kind(BY_NAME["person"]).records]
    return {unit.issue_id: unit for unit in reader.issue_units(ids, people=people, links_of=())}


def ids_of(reader: CloudReader) -> list[str]:
    return list(reader.issue_ids(next(reader.projects()).identity.id))


_PASSING: dict[str, dict[str, Any]] = {
    "a burst with a wait": {
        "kind": "status",
        "status": 429,
        "headers": {"RateLimit-Reason": "jira-burst-based", "Retry-After": "4"},
        "path": _BULKFETCH,
        "times": 2,
    },
    "a spent quota": {
        "kind": "status",
        "status": 429,
        "headers": {"RateLimit-Reason": "jira-quota-global-based", "X-RateLimit-Reset": "2026-11-23T11:00Z"},
        "path": _BULKFETCH,
    },
    "a tenant's spent quota": {
        "kind": "status",
        "status": 429,
        "headers": {"RateLimit-Reason": "jira-quota-tenant-based", "Retry-After": "90"},
        "path": _SEARCH,
    },
    "an unlisted reason": {
        "kind": "status",
        "status": 429,
        "headers": {"RateLimit-Reason": "jira-cost-based"},
        "path": _CHANGELOG,
    },
    "a 429 without a word": {"kind": "status", "status": 429, "path": _SEARCH, "times": 3},
    "a burst of 500": {"kind": "status", "status": 500, "path": _BULKFETCH, "times": 3},
    "502": {"kind": "status", "status": 502, "path": _CHANGELOG},
    "503 with a wait": {"kind": "status", "status": 503, "headers": {"Retry-After": "5"}, "path": _BULKFETCH},
    "504": {"kind": "status", "status": 504, "path": "/rest/api/3/users/search"},
    "a reset in the middle of a body": {"kind": "reset", "path": _BULKFETCH, "times": 2},
    "a reset before an answer": {"kind": "lost_answer", "path": _CHANGELOG},
    "gzip that ends early": {"kind": "truncated_gzip", "path": _BULKFETCH},
    "JSON that ends early": {"kind": "short_body", "path": _CHANGELOG},
    "a login page once": {"kind": "login_page", "path": _BULKFETCH},
    "an issue given twice": {"kind": "duplicate_issue", "path": _BULKFETCH},
    "an id given twice": {"kind": "duplicate_issue", "path": _SEARCH},
}


@pytest.mark.parametrize("fault", _PASSING.values(), ids=_PASSING.keys())
def test_what_passes_leaves_no_trace_in_what_is_read(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit], fault: dict[str, Any]
) -> None:
    site.faults.add(**fault)

    assert read_all(reader) == undisturbed


def test_waits_follow_the_reason(site: RunningSandbox, reader: CloudReader, time: PlayedTime) -> None:
    site.faults.add(**_PASSING["a spent quota"])

    read_all(reader)

    assert max(time.slept) >= 20 * 60


def test_a_slow_drip_is_cut_off_and_asked_again(site: RunningSandbox) -> None:
    site.faults.add("drip", path=_BULKFETCH, chunk_bytes=100, delay_ms=25.0)
    config = JiraConfig(site.url, site.email, Secret(site.token), answer_deadline_seconds=1.5)
    with connect(config) as client:
        reader = CloudReader(client)
        ids = ids_of(reader)[:100]
        reader.take_request_counts()

        assert len(list(reader.issue_units(ids, links_of=(), people=()))) == 100
        assert reader.take_request_counts()[f"POST {_BULKFETCH}"] >= 2


def test_a_stalled_body_is_given_up_after_the_sockets_time_out(
    site: RunningSandbox, time: PlayedTime
) -> None:
    site.faults.add("stall", path=_SEARCH, delay_ms=6_000.0, keep_bytes=10)
    config = JiraConfig(site.url, site.email, Secret(site.token), request_timeout_seconds=1.0)
    with connect(config, timing=time.timing()) as client:
        assert len(ids_of(CloudReader(client))) == 130


def test_login_pages_that_stay_are_named(site: RunningSandbox, reader: CloudReader) -> None:
    site.faults.add("login_page", path=_SEARCH, times=None)

    with pytest.raises(UnexpectedAnswer, match="HTML page instead of JSON"):
        ids_of(reader)


def test_a_token_that_comes_back_is_named_and_not_followed_for_ever(
    site: RunningSandbox, reader: CloudReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults.add("loop_token", path=_SEARCH, times=None)
    monkeypatch.setattr(site.site.settings, "search_page_ids", 50)

    with pytest.raises(UnexpectedAnswer, match="same page token twice"):
        ids_of(reader)


def test_a_token_that_is_not_accepted_any_more_is_not_mistaken_for_a_missing_project(
    site: RunningSandbox, reader: CloudReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults.add("status", status=400, path=_SEARCH, after=1, times=None)
    monkeypatch.setattr(site.site.settings, "search_page_ids", 50)

    with pytest.raises(UnexpectedAnswer, match="refused POST /rest/api/3/search/jql with 400"):
        ids_of(reader)


def test_a_token_that_expires_in_the_middle_ends_the_reading_at_once(
    site: RunningSandbox, reader: CloudReader
) -> None:
    ids = ids_of(reader)
    site.faults.add("status", status=401, after=4, times=None)
    reader.take_request_counts()

    with pytest.raises(CredentialsRejected):
        list(reader.issue_units(ids))
    assert sum(reader.take_request_counts().values()) < 30


def test_a_site_that_stays_down_is_a_transient_error(site: RunningSandbox, reader: CloudReader) -> None:
    ids = ids_of(reader)
    site.faults.add("status", status=503, path=_BULKFETCH, times=None)

    with pytest.raises(TransientError, match="after 4 attempts"):
        list(reader.issue_units(ids))


def test_a_batch_that_is_too_large_is_read_in_smaller_ones(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit]
) -> None:
    site.faults.add("status", status=413, path=_BULKFETCH, times=2)

    assert read_all(reader) == undisturbed


def test_issues_that_the_bulk_call_stumbles_over_are_read_one_by_one(
    site: RunningSandbox,
    reader: CloudReader,
    undisturbed: dict[str, IssueUnit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = sorted(len(unit.records[0].raw) for unit in undisturbed.values())
    monkeypatch.setattr(site.site.settings, "oversized_issue_bytes", sizes[-5])

    found = read_all(reader)

    assert set(undisturbed) == set(found)
    assert reader.client.request_counts()[f"POST {_BULKFETCH}"] >= 2 + 4
    for issue_id, unit in found.items():
        assert unit.gaps == ()
        assert {(r.kind, r.id) for r in unit.records} == {
            (r.kind, r.id) for r in undisturbed[issue_id].records
        }


def test_a_project_whose_history_stumbles_is_read_in_halves(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit]
) -> None:
    site.faults.add("status", status=400, path=_CHANGELOG, times=4)

    assert read_all(reader) == undisturbed


def test_denied_watchers_are_one_gap_with_their_number(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit]
) -> None:
    site.faults.add("status", status=403, path="/watchers$", times=None)
    ids = ids_of(reader)

    units = list(reader.issue_units(ids, links_of=()))

    (gap,) = [gap for unit in units for gap in unit.gaps]
    missing = sum(unit.declared["watcher"] for unit in undisturbed.values())
    stored = sum(record.kind == "watcher" for unit in units for record in unit.records)
    assert (gap.kind, gap.status) == ("watcher", 403)
    assert gap.count + stored == missing
    assert reader.client.request_counts()["GET /rest/api/3/issue/{issue_id}/watchers"] < 60


def test_issue_linking_that_is_switched_off_is_one_gap_and_few_questions(
    site: RunningSandbox, reader: CloudReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.site.settings, "issue_linking_enabled", False)
    ids = ids_of(reader)

    units = list(reader.issue_units(ids))

    (gap,) = [gap for unit in units for gap in unit.gaps]
    assert (gap.kind, gap.status, gap.issue_id) == ("remote_link", 403, None)
    assert "switched off" in gap.remedy
    assert {unit.issue_id for unit in units} == set(ids)
    assert reader.client.request_counts()["GET /rest/api/3/issue/{issue_id}/remotelink"] < 20


def test_remote_links_that_are_refused_while_linking_is_on_are_gaps_of_their_issues(
    site: RunningSandbox, reader: CloudReader
) -> None:
    ids = ids_of(reader)
    site.faults.add("status", status=403, path=f"/{ids[0]}/remotelink$", times=None)

    units = list(reader.issue_units(ids))

    assert [(gap.kind, gap.issue_id) for unit in units for gap in unit.gaps] == [("remote_link", ids[0])]


def test_an_account_that_may_not_view_voters_gets_one_gap_for_each_kind_and_no_endless_asking(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit]
) -> None:
    ids = ids_of(reader)
    site.edits.deny("VIEW_VOTERS_AND_WATCHERS")
    try:
        units = list(reader.issue_units(ids, links_of=()))
    finally:
        site.edits.allow("VIEW_VOTERS_AND_WATCHERS")

    gaps = {gap.kind: gap.count for unit in units for gap in unit.gaps}
    missing = {
        kind: sum(unit.declared[kind] for unit in undisturbed.values()) for kind in ("watcher", "vote")
    }
    assert missing["vote"] > 0
    assert missing == gaps
    assert not any(record.kind in missing for unit in units for record in unit.records)


def test_a_search_for_watchers_that_is_refused_falls_back_to_asking_each_issue(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit]
) -> None:
    ids = ids_of(reader)
    people = [person.id for person in reader.list_kind(BY_NAME["person"]).records]
    site.faults.add("status", status=400, path=_SEARCH, times=None)

    units = {unit.issue_id: unit for unit in reader.issue_units(ids, people=people, links_of=())}

    for issue_id, unit in units.items():
        assert {(r.kind, r.id) for r in unit.records} == {
            (r.kind, r.id) for r in undisturbed[issue_id].records
        }


def attachment_in(undisturbed: dict[str, IssueUnit]) -> tuple[str, int]:
    record: Any = next(
        record for unit in undisturbed.values() for record in unit.records if record.kind == "attachment"
    )
    return record.id, record.value["size"]


@pytest.mark.parametrize("path", [_CONTENT, "^/file/"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_download_comes_through(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit], path: str, status: int
) -> None:
    attachment_id, size = attachment_in(undisturbed)
    site.faults.add("status", status=status, path=path, times=2)

    found = reader.open_attachment(attachment_id)

    assert len(found.stream.read()) == size  # type: ignore[union-attr]


def test_a_download_that_breaks_is_resumed_and_the_media_host_never_sees_the_token(
    site: RunningSandbox, reader: CloudReader, undisturbed: dict[str, IssueUnit]
) -> None:
    attachment_id, size = attachment_in(undisturbed)
    site.faults.add("reset", path="^/file/", times=2, keep_bytes=100)

    found = reader.open_attachment(attachment_id)

    assert len(found.stream.read()) == size  # type: ignore[union-attr]
    assert site.media.leaked_credentials == 0
    assert not any(entry.authorized for entry in site.log.entries() if entry.path.startswith("/file/"))
