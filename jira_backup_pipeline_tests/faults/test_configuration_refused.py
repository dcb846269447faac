"""Jira refuses parts of the configuration: the run goes on, names each part, and keeps what was stored of it before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.domain.kinds import BY_NAME, KINDS, Level, Paging, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, SnapshotState
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.contract.test_jira_reading import reader_of as patient_reader_of
from jira_backup_pipeline_tests.journeys.test_capture_truth import backed_up, now, reader_of
from jira_backup_pipeline_tests.journeys.test_configuration_truth import add_service_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.engine.outcomes import BackupOutcome
    from jira_backup_pipeline.repository.repository import Repository

    Backed = tuple[Any, Repository, BackupOutcome]

SPRINTS = "/rest/agile/1.0/board/{boardId}/sprint"
CASES = {
    "a list that only administrators see": ("/rest/api/3/permissionscheme", 403, "permission_scheme", True),
    "a list that was taken away": ("/rest/api/3/fieldconfiguration", 410, "field_configuration", True),
    "a board without mapped statuses": (SPRINTS, 422, "sprint", True),
    "a field without contexts": ("/rest/api/3/field/{fieldId}/context", 404, "field_context", True),
    "an odd refusal of a whole list": ("/rest/api/3/permissionscheme", 400, "permission_scheme", False),
    "a token without the scope": ("/rest/api/3/screens", 401, "screen", False),
    "statuses that only administrators see": ("/rest/api/3/statuses/search", 403, "status", False),
}
STATUSES = (400, 403, 404, 410, 422)
# What an app alone may list is refused anyway; a list beyond a scheme is asked for only where there is more, what is
# asked in turns is no part of every run (`test_capture_turns`), and avatars are cut out of the list above them.
ALWAYS_REFUSED = "webhook"
# Another's own filter is listed for administrators; its columns are shown to that one only.
PRIVATE = "columns of filters of filter 90000"
SELDOM_ASKED = {"priority_scheme_priority", "priority_scheme_project", "version_related_work", "avatar"}
LISTED = kinds_at(Level.SITE, Level.PROJECT)
ON_THEIR_OWN = [kind for kind in LISTED if not kind.listing.is_per_parent]
BELOW_OTHERS = [kind for kind in LISTED if kind.listing.is_per_parent and kind.name not in SELDOM_ASKED]
NAMED_FIRST = [kind for kind in LISTED if kind.listing.paging in (Paging.KEYS, Paging.LINKS)]


@pytest.fixture(scope="module")
def backed() -> Iterator[Backed]:
    """A site with everything there is, and its backup; every test adds a snapshot."""
    with start_sandbox(projects=1, issues=3, seed=11) as sandbox:
        add_service_project(sandbox)
        repository, outcome = backed_up(sandbox, MemoryStore())
        yield sandbox, repository, outcome


def again(backed: Backed, *paths: str, status: int) -> BackupOutcome:
    """Back up once more while Jira refuses these paths."""
    sandbox, repository, _ = backed
    sandbox.faults.clear()
    faults = [
        sandbox.faults.add("status", status=status, method="GET", path=path, times=None) for path in paths
    ]
    with reader_of(sandbox) as reader:
        outcome = back_up(
            repository, reader, projects=None, with_site=True, clock=now, options=CaptureOptions()
        )
    sandbox.faults.clear()
    assert [fault.path for fault in faults if not fault.fired] == []
    return outcome


def pattern(kind: Kind, below: str = "") -> str:
    """Give a pattern for the addresses of a kind's list, or of the things that the list names."""
    path = kind.listing.path.replace("{project_id}", "[0-9]+").replace(
        "rule/{parent_id}", "rule/[0-9a-f]+-[^/]+"
    )
    return "^" + re.sub(r"\{\w+\}", "[^/]+", path) + below + "$"


def gaps_of(outcome: BackupOutcome) -> dict[str, list[Gap]]:
    found: dict[str, list[Gap]] = {}
    for capture in outcome.captures:
        for gap in capture.manifest.gaps:
            if gap.kind != ALWAYS_REFUSED and (gap.subject, gap.status) != (PRIVATE, 400):
                found.setdefault(gap.kind, []).append(gap)
    return found


def nothing_is_lost(backed: Backed, after: BackupOutcome) -> None:
    """What could not be read is what was stored before, and the ledger knows the reason."""
    assert [c.manifest.counts for c in backed[2].captures] == [c.manifest.counts for c in after.captures]
    assert [c.manifest.unexplained for c in after.captures] == [0] * len(after.captures)
    assert after.captures[0].manifest.state == SnapshotState.GAPS


@pytest.mark.parametrize(("path", "status", "kind", "is_accepted"), CASES.values(), ids=CASES.keys())
def test_a_refused_part_is_a_gap_and_its_stored_copy_stays(
    backed: Backed, path: str, status: int, kind: str, is_accepted: bool
) -> None:
    before, after = backed[2], again(backed, path, status=status)

    site = after.captures[0]
    gaps = gaps_of(after)
    assert site.manifest.state == SnapshotState.GAPS
    assert kind in gaps
    assert {status} == {gap.status for of_kind in gaps.values() for gap in of_kind}
    assert all(gap.subject and gap.reason and gap.remedy for gap in site.manifest.gaps)
    assert is_accepted is site.is_clean
    assert site.manifest.unexplained == 0
    assert before.captures[0].manifest.counts == site.manifest.counts
    assert {capture.manifest.state for capture in after.captures[1:]} == {SnapshotState.COMPLETE}


@pytest.mark.parametrize("status", STATUSES)
def test_every_list_may_be_refused(backed: Backed, status: int) -> None:
    # Discovery reads the lists of projects as well; without them there is no run.
    refused = [kind for kind in ON_THEIR_OWN if "project/search" not in kind.listing.path]

    after = again(backed, *{pattern(kind) for kind in refused}, status=status)

    gaps = gaps_of(after)
    whole = {kind.name: gaps[kind.name] for kind in refused if kind.name != ALWAYS_REFUSED}
    for name, of_kind in whole.items():
        assert {gap.status for gap in of_kind} == {status}
        assert all(BY_NAME[name].title in gap.subject and gap.reason and gap.remedy for gap in of_kind)
        assert all(gap.is_accepted(()) is (status in BY_NAME[name].optional_statuses) for gap in of_kind)
        assert all(gap.is_accepted((name,)) and gap.is_accepted((f"{name}:{status}",)) for gap in of_kind)
    nothing_is_lost(backed, after)


# A right that is missing is told once for all parents; that one of them is not there, for each.
@pytest.mark.parametrize("status", [403, 404])
def test_the_list_of_every_single_parent_may_be_refused(backed: Backed, status: int) -> None:
    # A refused parent hides its children's lists, so each generation is refused in a run of its own.
    parents = {kind.parent for kind in BELOW_OTHERS}
    # By one status Jira may say that there is nothing to list, which is no refusal.
    refusable = [kind for kind in BELOW_OTHERS if kind.listing.none_status != status]
    generations = [
        [kind for kind in refusable if kind.name in parents],
        [kind for kind in refusable if kind.name not in parents],
    ]
    for generation in generations:
        after = again(backed, *{pattern(kind) for kind in generation}, status=status)

        gaps = gaps_of(after)
        assert {kind.name for kind in generation} == gaps.keys()
        for kind in generation:
            subjects = [gap.subject for gap in gaps[kind.name]]
            # Every gap tells what it is about, and no two tell the same.
            assert len(set(subjects)) == len(subjects)
            assert all(subject.startswith(f"{kind.title} of ") for subject in subjects)
            assert {gap.status for gap in gaps[kind.name]} == {status}
            assert all(gap.remedy for gap in gaps[kind.name])
        nothing_is_lost(backed, after)


@pytest.mark.parametrize("status", [403, 404])
def test_every_single_thing_that_a_list_names_may_be_refused(backed: Backed, status: int) -> None:
    after = again(backed, *(pattern(kind, "/[^/]+") for kind in NAMED_FIRST), status=status)

    gaps = gaps_of(after)
    assert {kind.name for kind in NAMED_FIRST} == gaps.keys()
    for name, of_kind in gaps.items():
        assert {gap.status for gap in of_kind} == {status}
        assert all(gap.subject.startswith(f"{name} ") and gap.remedy for gap in of_kind)
    nothing_is_lost(backed, after)


def still(sandbox: Any, path: str, **options: Any) -> Any:
    """Make Jira fail at a path for ever, in another way than by a refusal."""
    return sandbox.faults.add("status", path=path, times=None, **options)


def backed_up_without_waiting(backed: Backed) -> BackupOutcome:
    sandbox, repository, _ = backed
    reader = patient_reader_of(sandbox)
    try:
        return back_up(repository, reader, projects=None, with_site=True, clock=now, options=CaptureOptions())
    finally:
        reader.client.close()
        sandbox.faults.clear()


@pytest.mark.parametrize(
    ("path", "failure", "kind"),
    [
        ("/rest/api/3/screens/tabs$", {"status": 200, "body": '{"something": "else"}'}, "screen_tab"),
        ("/rest/api/3/role$", {"status": 503}, "role"),
        (
            "/rest/api/3/settings/columns$",
            {"status": 200, "body": "<html>Sign in</html>"},
            "navigator_column",
        ),
        ("/rest/api/3/group/member$", {"status": 500}, "group_member"),
    ],
)
def test_a_list_that_jira_fails_on_costs_no_other(
    backed: Backed, path: str, failure: dict[str, Any], kind: str
) -> None:
    fault = still(backed[0], path, **failure)

    after = backed_up_without_waiting(backed)

    assert fault.fired
    (gap,) = gaps_of(after)[kind]
    assert gaps_of(after).keys() == {kind}
    assert (gap.subject, gap.status) == (BY_NAME[kind].title, None)
    assert gap.reason
    assert gap.remedy
    # Nobody accepts beforehand that Jira is broken.
    assert not after.captures[0].is_clean
    nothing_is_lost(backed, after)


def test_the_list_of_one_parent_that_jira_fails_on_costs_no_other(backed: Backed) -> None:
    still(backed[0], "/rest/api/3/field/customfield_10030/context$", status=503)

    after = backed_up_without_waiting(backed)

    (gap,) = gaps_of(after)["field_context"]
    assert gap.subject == "contexts of custom fields of field customfield_10030"
    nothing_is_lost(backed, after)


def test_a_jira_that_fails_on_one_list_after_the_other_is_down(backed: Backed) -> None:
    fault = still(backed[0], "^/rest/api/3/(field|issuetype|status|priority|resolution|role)", status=503)

    after = backed_up_without_waiting(backed)

    # No snapshot of the site is committed, and not every one of a hundred lists is waited for.
    (failure,) = [failure for failure in after.failures if failure.scope == SITE_SCOPE]
    assert isinstance(failure.error, TransientError)
    assert SITE_SCOPE not in {capture.manifest.scope for capture in after.captures}
    assert fault.fired <= 20


def test_the_tables_above_hold_every_kind_that_is_listed() -> None:
    issue_level = {kind.name for kind in kinds_at(Level.ISSUE)}

    held = {kind.name for kind in (*ON_THEIR_OWN, *BELOW_OTHERS)}

    assert {kind.name for kind in KINDS} == held | issue_level | SELDOM_ASKED
