"""Nights after the first backup, over HTTP: what is asked of Jira again, and what is taken over from the night before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from jira_backup_pipeline.domain.manifest import SITE_SCOPE, project_scope
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.previous import keys_of_siblings
from jira_backup_pipeline.engine.outcomes import BackupOutcome
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import OPERATOR, RECOVERY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.outcomes import CaptureOutcome
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.sandbox.model import Issue

_WATCHERS = "GET /rest/api/3/issue/{issue_id}/watchers"
_REMOTE_LINKS = "GET /rest/api/3/issue/{issue_id}/remotelink"
_SEARCH = "POST /rest/api/3/search/jql"


@dataclass
class Nights:
    """A site with its repository, backed up once before the first test."""

    sandbox: RunningSandbox
    repository: Repository
    first: BackupOutcome

    def back_up(self, *, with_site: bool = False, **options: bool) -> BackupOutcome:
        config = JiraConfig(self.sandbox.url, self.sandbox.email, Secret(self.sandbox.token))
        with connect(config) as client:
            return back_up(
                self.repository,
                CloudReader(client),
                projects=None,
                with_site=with_site,
                clock=lambda: datetime.now(UTC),
                options=CaptureOptions(**options),
            )

    def night(self, **options: bool) -> CaptureOutcome:
        """Back the only project up."""
        [capture] = self.back_up(**options).captures
        return capture

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        """Do something in Jira as a person would."""
        login = (self.sandbox.email, self.sandbox.token)
        url = f"{self.sandbox.url}/rest/api/3{path}"
        answer = requests.request(method, url, json=body, auth=login, timeout=60)
        assert answer.ok, answer.text
        return answer

    def watchers(self, manifest: Manifest, issue: Issue) -> set[str]:
        """Give who is stored as watching an issue."""
        rows = self.repository.tables(manifest)["watchers"].to_arrow().to_pylist()
        return {row["account_id"] for row in rows if row["issue_id"] == str(issue.issue_id)}

    def remote_links(self, manifest: Manifest, issue: Issue) -> set[str]:
        """Give the titles of the remote links that are stored of an issue."""
        rows = self.repository.tables(manifest)["remote_links"].to_arrow().to_pylist()
        return {row["title"] for row in rows if row["issue_id"] == str(issue.issue_id)}

    def true_links(self, issue: Issue) -> set[str]:
        """Give the titles of the remote links that Jira has of an issue."""
        return {
            link["object"]["title"] for link in self.call("GET", f"/issue/{issue.issue_id}/remotelink").json()
        }

    def issues(self) -> list[Issue]:
        return list(self.sandbox.site.issues)


@pytest.fixture(scope="module")
def nights() -> Iterator[Nights]:
    def clock() -> datetime:
        return datetime.now(UTC)

    with start_sandbox(projects=1, issues=60, seed=5) as sandbox:
        repository = create_repository(
            MemoryStore(), operator=read_identity(OPERATOR), recovery_recipient=RECOVERY, clock=clock
        )
        made = Nights(sandbox, repository, BackupOutcome("", ()))
        made.first = made.back_up(with_site=True)
        yield made


def edited(nights: Nights, issue: Issue) -> None:
    """Touch an issue so that the next night reads it."""
    nights.sandbox.edits.edit_issue(str(issue.issue_id), {"summary": f"edited {datetime.now(UTC)}"})


def test_a_night_asks_for_watchers_only_where_their_number_changed(nights: Nights) -> None:
    watched = [issue for issue in nights.issues() if issue.watchers][:6]
    stranger = next(
        account.account_id
        for account in nights.sandbox.site.accounts.values()
        if account.active and all(account.account_id not in issue.watchers for issue in watched)
    )
    for issue in watched:
        edited(nights, issue)
    nights.call("POST", f"/issue/{watched[0].issue_id}/watchers", stranger)

    done = nights.night()

    assert done.changed_units == len(watched)
    assert done.requests.get(_WATCHERS, 0) == 1
    for issue in watched:
        assert set(issue.watchers) == nights.watchers(done.manifest, issue)
    assert done.manifest.unexplained == 0


def test_a_swap_of_watchers_is_found_by_a_full_reading(nights: Nights) -> None:
    issue = next(issue for issue in nights.issues() if issue.watchers)
    nights.night()
    gone = issue.watchers[0]
    stranger = next(
        account.account_id
        for account in nights.sandbox.site.accounts.values()
        if account.active and account.account_id not in issue.watchers
    )
    nights.call("POST", f"/issue/{issue.issue_id}/watchers", stranger)
    nights.call("DELETE", f"/issue/{issue.issue_id}/watchers?accountId={gone}")
    edited(nights, issue)

    found = [nights.watchers(nights.night(is_full=full).manifest, issue) for full in (False, True)]

    assert found == [set(issue.watchers) - {stranger} | {gone}, set(issue.watchers)]


def test_the_keys_of_properties_are_remembered_and_serve_other_projects(nights: Nights) -> None:
    [manifest] = [c.manifest for c in nights.first.captures if c.manifest.scope != SITE_SCOPE]
    rows = nights.repository.tables(manifest)["issue_properties"].to_arrow().to_pylist()

    assert manifest.property_keys == tuple(sorted({row["id"] for row in rows}))
    assert keys_of_siblings(nights.repository, project_scope("1")) == list(manifest.property_keys)
    assert nights.night().manifest.property_keys == manifest.property_keys


def linked(nights: Nights) -> list[Issue]:
    """Give issues with remote links, as the night before has them."""
    manifest = nights.night().manifest
    found = [issue for issue in nights.issues() if nights.remote_links(manifest, issue)]
    assert found
    return found


def test_a_night_asks_for_remote_links_only_where_the_history_names_a_new_one(nights: Nights) -> None:
    kept, added_to, emptied, *_ = linked(nights)
    target = {"globalId": "system=1&id=7", "object": {"url": "https://docs.example.test/7", "title": "seven"}}
    nights.call("POST", f"/issue/{added_to.issue_id}/remotelink", target)
    for link in nights.call("GET", f"/issue/{emptied.issue_id}/remotelink").json():
        nights.call("DELETE", f"/issue/{emptied.issue_id}/remotelink/{link['id']}")
    edited(nights, kept)

    done = nights.night()

    assert done.requests.get(_REMOTE_LINKS, 0) == 2
    assert "seven" in nights.remote_links(done.manifest, added_to)
    for issue in (kept, added_to, emptied):
        assert nights.remote_links(done.manifest, issue) == nights.true_links(issue)
    assert done.manifest.unexplained == 0


def test_a_remote_link_that_changed_without_a_word_is_found_by_a_full_reading(nights: Nights) -> None:
    issue = linked(nights)[0]
    link = nights.sandbox.site.body(issue).remote_links[0]
    link.target["title"] = "changed by an app"
    edited(nights, issue)

    found = [nights.remote_links(nights.night(is_full=full).manifest, issue) for full in (False, True)]

    assert ["changed by an app" in titles for titles in found] == [False, True]


def test_a_worklog_that_a_lagging_search_does_not_show_comes_by_the_feed(nights: Nights) -> None:
    edits = nights.sandbox.edits
    nights.back_up(with_site=True)
    issue = str(nights.issues()[3].issue_id)
    edits.set_settings(feed_delay_seconds=0)
    edits.set_index_lag(900)
    try:
        made = nights.call("POST", f"/issue/{issue}/worklog", {"timeSpentSeconds": 60}).json()["id"]
        site, project = nights.back_up(with_site=True).captures
    finally:
        edits.set_index_lag(0)

    rows = nights.repository.tables(project.manifest)["worklogs"].to_arrow().to_pylist()
    assert (issue, made) in {(row["issue_id"], row["id"]) for row in rows}
    assert [
        (line.expected, line.stored) for line in project.manifest.ledger if line.source == "worklog feed"
    ] == [(1, 1)]
    assert {"GET /rest/api/3/worklog/updated", "GET /rest/api/3/worklog/deleted"} <= site.requests.keys()
    assert not any(
        "/worklog/" in name and "{" not in name and "list" not in name for name in project.requests
    )


def test_a_project_that_is_closed_to_the_account_is_a_gap_of_the_site(nights: Nights) -> None:
    nights.sandbox.edits.revoke_browse("APP")
    try:
        [site] = nights.back_up(with_site=True).captures
    finally:
        nights.sandbox.edits.grant_browse("APP")

    assert [gap.subject for gap in site.manifest.gaps if gap.kind == "site_project"] == ["project APP"]
    assert not site.is_clean


def test_a_night_without_changes_asks_for_no_issue_and_writes_no_pack(nights: Nights) -> None:
    nights.night()

    quiet = nights.night()

    asked = {name for name in quiet.requests if "/issue" in name or "/changelog" in name or "list" in name}
    # The one question is for the names of fields.
    assert asked == {"POST /rest/api/3/issue/bulkfetch"}
    assert quiet.requests["POST /rest/api/3/issue/bulkfetch"] == 1
    assert sum(quiet.requests.values()) <= 18
    assert quiet.changed_units == 0
    assert quiet.written_bytes == quiet.manifest.index.size_bytes


def test_a_night_costs_what_changed_and_not_a_request_an_issue(nights: Nights) -> None:
    nights.night()
    quiet = sum(nights.night().requests.values())
    for issue in nights.issues()[:20]:
        edited(nights, issue)

    night = nights.night()

    # One bulk fetch and one history for all, one sampled issue, one list each for properties of comments and worklogs;
    # long issues have more comments and worklogs than come with them.
    long_lists = ("GET /rest/api/3/issue/{issue_id}/comment", "GET /rest/api/3/issue/{issue_id}/worklog")
    assert night.changed_units == 20
    assert sum(count for name, count in night.requests.items() if name not in long_lists) <= quiet + 5
