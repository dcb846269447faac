"""Whatever is wrong with snapshot or target is one line in the plan or the report, with what was done; the rest comes back.

Every test restores the same small snapshot into a project of its own on the same sandbox, which it leaves as it was.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import RestoreConflict
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline_tests.doubles.restorable import STEADY, Restorable, now, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.server import RunningSandbox

RELATED_PROJECT = "customfield_10048"
UNHEARD = {"type": "doc", "version": 1, "content": []}


def spoil(sandbox: RunningSandbox) -> None:
    """Give one issue text with a node that no editor knows: it is stored, but a target refuses it."""
    words = {"type": "paragraph", "content": [{"type": "text", "text": "these words stay"}]}
    panel = {"type": "panel", "attrs": {"panelType": "info"}, "content": [words]}
    document = {**UNHEARD, "content": [{"type": "unheardOf", "attrs": {"text": "strange"}}, panel]}
    own, other = list(sandbox.site.projects)
    [issue, second, *_] = sandbox.site.issues.of_project(own)
    sandbox.site.issues.pin(second).values[RELATED_PROJECT] = other
    sandbox.edits.set_raw_field(sandbox.site.key_of(issue), "description", json.dumps(document))


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=60, before=spoil) as made:
        yield made


@pytest.fixture
def new_key(request: pytest.FixtureRequest) -> str:
    """A project key for each test."""
    return "B" + "".join(letter for letter in request.node.name.upper() if letter.isalpha())[-8:]


def into_empty_project(
    site: Restorable, key: str, *, security_scheme: int | None = 10_000, **screens: Any
) -> None:
    """Make a project beforehand, with screens that ask for what the snapshot may not have."""
    account = site.sandbox.site.backup_account_id
    body: dict[str, Any] = {"key": key, "name": key, "leadAccountId": account, "projectTypeKey": "software"}
    body |= {"issueSecurityScheme": security_scheme} if security_scheme is not None else {}
    site.writer.send("POST", "/rest/api/3/project", body)
    if screens:
        site.sandbox.edits.set_screens(key, **screens)


def restored(site: Restorable, key: str) -> RestoreResult:
    """Restore, and make sure that everything that is not complained about came back."""
    result = site.restore(site.plan(target_key=key), writer=site.direct(), options=STEADY)
    assert result.report.exact["comment"] > 0
    return result


def only_wrong(result: RestoreResult) -> set[tuple[str, str]]:
    """Give kind and field of all that is wrong apart from the text that the site's spoiled issue has."""
    return {
        (found.kind, found.field)
        for found in result.report.findings
        if not (found.field == "description" and "unheardOf" in found.judgement.detail)
    }


@contextmanager
def a_snapshot_of_its_own(site: Restorable) -> Iterator[None]:
    """Let a test capture the project again, and give the others theirs back."""
    before = site.manifest
    try:
        yield
    finally:
        site.manifest = before


def capture_again(site: Restorable, run: str) -> None:
    project = next(iter(site.reader.projects()))
    captured = capture_project(site.repository, site.reader, project, run=run, clock=now)
    site.manifest = captured.manifest


def test_a_snapshot_with_gaps_and_missing_bytes(site: Restorable, new_key: str) -> None:
    [issue, *_] = site.sandbox.site.issues.of_project(int(site.manifest.project.id))
    made = site.writer.upload(str(issue.issue_id), "late.bin", BytesIO(b"unreadable"), 10)
    fault = site.sandbox.faults.add(
        "status", method="GET", path=f"/attachment/content/{made['id']}$", status=404, times=None
    )
    with a_snapshot_of_its_own(site):
        capture_again(site, "with-gaps")
        site.sandbox.faults.clear()
        count = len(site.manifest.gaps)

        plan = site.plan(target_key=new_key)
        result = restored(site, new_key)

    assert fault.fired
    gaps = [note for note in plan.notes if note.startswith("gap in the snapshot, cannot come back")]
    assert len(gaps) == count > 0
    [missing] = [note for note in plan.notes if note.startswith("no bytes in the snapshot for")]
    assert "late.bin" in missing
    assert "left out" in missing
    [failure] = [found for found in result.outcome.failures if found.kind == "attachment"]
    assert failure.reason.startswith("the snapshot holds no bytes of it")
    assert only_wrong(result) == {("attachment", "record")}
    assert int(result.exit_code) == 3


def test_people_whom_the_target_does_not_know(site: Restorable, new_key: str) -> None:
    accounts = site.sandbox.site.accounts
    gone = next(
        body.values["assignee"]
        for issue in site.sandbox.site.issues.of_project(int(site.manifest.project.id))
        if (body := site.sandbox.site.body(issue)).values.get("assignee")
        not in {None, site.sandbox.site.backup_account_id}
    )
    for issue in site.sandbox.site.issues:
        # An issue that is made later would look for the account in its made history.
        site.sandbox.site.issues.pin(issue)
    account = accounts.pop(gone)
    try:
        plan = site.plan(target_key=new_key)
        result = restored(site, new_key)
    finally:
        accounts[gone] = account

    assert any("not known on the target" in note for note in plan.notes)
    left_out = {found.reason for found in result.outcome.adjustments if found.field == "assignee"}
    assert "the target does not know the account" in left_out
    assert only_wrong(result) == set()


def test_a_required_field_without_a_value(site: Restorable, new_key: str) -> None:
    into_empty_project(site, new_key, required=["duedate", "customfield_10038"])

    plan = site.plan(target_key=new_key)
    result = restored(site, new_key)

    told = [note for note in plan.notes if "Due date is required for Story" in note]
    assert [note.rpartition(": ")[2] for note in told] == ["they get a filling"]
    filled = [found for found in result.outcome.adjustments if "required on the target" in found.reason]
    assert {found.field for found in filled} == {"duedate", "customfield_10038"}
    assert site.manifest.counts["issues"] == len(result.outcome.id_map.issues)
    assert only_wrong(result) == set()


def test_a_required_field_that_only_a_person_can_fill(site: Restorable, new_key: str) -> None:
    into_empty_project(site, new_key, required=["customfield_10033"])

    plan = site.plan(target_key=new_key)
    result = restored(site, new_key)

    [told] = [note for note in plan.notes if "Reviewer is required for Story" in note]
    assert told.endswith("those of this type are refused and left out")
    failed = [found for found in result.outcome.failures if found.kind == "issue"]
    assert failed
    assert all("Reviewer is required" in found.reason for found in failed)
    assert all("the rest went on" in found.done for found in failed)
    assert len(result.outcome.id_map.issues) + len(failed) == site.manifest.counts["issues"]
    assert int(result.exit_code) == 3


def test_fields_that_are_missing_on_the_create_screen(site: Restorable, new_key: str) -> None:
    into_empty_project(site, new_key, off_create_screen=["priority", "labels", "reporter"])

    plan = site.plan(target_key=new_key)
    result = restored(site, new_key)

    [line] = {note.partition(":")[2] for note in plan.notes if "not on the create screen of Story" in note}
    assert "Priority" in line
    assert only_wrong(result) == set()


def test_issues_that_few_may_read_into_a_project_without_security_levels(
    site: Restorable, new_key: str
) -> None:
    into_empty_project(site, new_key, security_scheme=None)

    plan = site.plan(target_key=new_key)
    result = restored(site, new_key)

    [conflict] = [found for found in plan.conflicts if found.kind == "security level"]
    assert "whoever may browse the project sees them" in conflict.remedy
    assert only_wrong(result) == {("issue", "security")}
    assert int(result.exit_code) == 3


def test_an_issue_type_that_the_target_lacks(site: Restorable, new_key: str) -> None:
    into_empty_project(site, new_key)
    sandbox = site.sandbox.site
    bug = next(item.type_id for item in sandbox.issue_types.values() if item.name == "Bug")
    target = sandbox.find_project(new_key)
    assert target is not None
    target.issue_types.remove(bug)
    sandbox.reference_changed()

    plan = site.plan(target_key=new_key)
    result = restored(site, new_key)

    [conflict] = [found for found in plan.conflicts if found.kind == "issue type"]
    assert (conflict.subject, conflict.problem) == ("Bug", "the target lacks it")
    assert "Such issues become" in conflict.remedy
    assert site.manifest.counts["issues"] == len(result.outcome.id_map.issues)
    changed = [row for row in result.report.rules if row[2].startswith("the target lacks the type")]
    assert changed


@pytest.mark.parametrize("is_straight", [True, False])
def test_a_workflow_without_a_path(site: Restorable, new_key: str, is_straight: bool) -> None:
    """It leaves issues where they can get to, unless they may go straight through a temporary one."""
    into_empty_project(site, new_key)
    flow = site.sandbox.site.workflows["Software workflow"]
    closed = {transition.transition_id: transition.sources for transition in flow.transitions}
    done = {status for status in flow.statuses if site.sandbox.site.statuses[status].category == "done"}
    for transition in flow.transitions:
        if transition.target in done:
            transition.sources = []
    plan = site.plan(target_key=new_key)
    assert plan.has_temporary_workflow
    plan = replace(plan, has_temporary_workflow=is_straight)
    try:
        result = site.restore(plan, writer=site.direct(), options=STEADY)
    finally:
        for transition in flow.transitions:
            transition.sources = closed[transition.transition_id]

    stuck = [found for found in result.outcome.adjustments if found.field == "status"]
    if is_straight:
        assert stuck == []
        assert "issue" not in {kind for kind, _ in only_wrong(result)}
        return
    assert stuck
    assert all("has no path to" in found.reason for found in stuck)
    assert all("left in the status it reached" in found.reason for found in stuck)
    wrong = {pair for pair in only_wrong(result) if pair[0] == "issue"}
    assert wrong == {("issue", "status")}


def test_attachments_over_the_targets_limit(site: Restorable, new_key: str) -> None:
    site.sandbox.edits.set_settings(upload_limit_bytes=3000)
    try:
        plan = site.plan(target_key=new_key)
        result = restored(site, new_key)
    finally:
        site.sandbox.edits.set_settings(upload_limit_bytes=1_073_741_824)

    named = [note for note in plan.notes if "the target takes 3,000" in note]
    failed = [found for found in result.outcome.failures if found.kind == "attachment"]
    assert len(named) == len(failed) > 0
    assert int(result.exit_code) == 3


def test_partial_errors_in_a_bulk_create(site: Restorable, new_key: str) -> None:
    """Options that were disabled since are refused for some issues of a batch; the others are made by the same call."""
    option = next(
        item for item in site.sandbox.site.options.values() if item.value == "Major" and not item.disabled
    )
    option.disabled = True
    try:
        result = restored(site, new_key)
    finally:
        option.disabled = False

    noted = [found for found in result.outcome.adjustments if found.kind == "create"]
    refused = [found for found in noted if found.field != "description"]
    assert refused
    assert all("Option 'Major' is disabled" in found.reason for found in refused)
    assert site.manifest.counts["issues"] == len(result.outcome.id_map.issues)
    assert only_wrong(result) == {("issue", "customfield_10030")}
    assert len(result.report.findings) == 1 + len(refused)


def test_rich_text_that_the_target_rejects(site: Restorable, new_key: str) -> None:
    result = restored(site, new_key)

    [finding] = result.report.findings
    assert (finding.field, finding.judgement.rule.value) == ("description", "refused by the target")
    assert finding.judgement.detail.endswith("unheardOf became text")
    target = result.outcome.id_map.issue(finding.source_id)
    assert target is not None
    body = site.sandbox.site.body(site.sandbox.site.find_issue(target.id))
    kinds = [node["type"] for node in body.values["description"]["content"]]
    assert kinds == ["paragraph", "panel"]
    assert "these words stay" in json.dumps(body.values["description"])


def test_a_field_that_names_a_project_which_was_lost_and_restored_since(
    site: Restorable, new_key: str
) -> None:
    other = list(site.sandbox.site.projects.values())[1]
    site.sandbox.edits.delete_project(other.key, permanent=True)
    into_empty_project(site, other.key)

    result = restored(site, new_key)

    assert only_wrong(result) == set()
    named = [
        body.values[RELATED_PROJECT]
        for target in result.outcome.id_map.issues.values()
        if (body := site.sandbox.site.body(site.sandbox.site.find_issue(target.id))).values.get(
            RELATED_PROJECT
        )
    ]
    found = site.sandbox.site.find_project(other.key)
    assert found is not None
    assert found.project_id in named


def test_a_key_in_the_trash(site: Restorable, new_key: str) -> None:
    into_empty_project(site, new_key)
    site.sandbox.edits.delete_project(new_key)

    plan = site.plan(target_key=new_key)

    [conflict] = plan.blocking
    assert "in the trash holds the key" in conflict.problem
    assert "--target-project" in conflict.remedy
    with pytest.raises(RestoreConflict, match="in the trash"):
        site.restore(plan)
