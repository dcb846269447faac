"""A project comes back on another site: other accounts, other ids of custom fields and options, other names, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import RestoreConflict
from jira_backup_pipeline.domain.references import ReferenceKind, references
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.plan import RestorePlan, RestoreTarget, make_plan
from jira_backup_pipeline.engine.restore.selection import Selection
from jira_backup_pipeline.engine.restore.verb import restore
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.mapping_file import read_mapping
from jira_backup_pipeline_tests.doubles.other_site import other_site, rename
from jira_backup_pipeline_tests.doubles.restorable import SWIFT, Restorable, now, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

MAPPING = """
fallback_person = "person02@example.invalid"

[people]
"person03@example.invalid" = "person04@example.invalid"

[fields]
"Severity" = "Gravity"

[priorities]
Highest = "Urgent"
High = "Urgent"

[link_types]
Relates = "Touches"

[statuses]
Triage = "To Do"
Confirmed = "To Do"
"In Review" = "In Progress"
Blocked = "In Progress"
Rejected = "Done"

[roles]
Member = "Worker"
"""


RENAMED = (
    ("fields", "Severity", "Gravity"),
    ("priorities", "Highest", "Urgent"),
    ("link_types", "Relates", "Touches"),
    ("roles", "Member", "Worker"),
)


@pytest.fixture(scope="module")
def source() -> Iterator[Restorable]:
    with restorable(projects=2, issues=72, before=assign) as made:
        yield made


@pytest.fixture(scope="module")
def target() -> Iterator[RunningSandbox]:
    with other_site() as made:
        for noun, old, new in RENAMED:
            rename(made.site, noun, old, new)
        yield made


def assign(sandbox: RunningSandbox) -> None:
    """Give some issues to somebody whom the mapping names, and some to somebody who left."""
    by_email = {account.email: account for account in sandbox.site.accounts.values()}
    project = next(iter(sandbox.site.projects.values()))
    for number, issue in enumerate(sandbox.site.issues.of_project(project.project_id)):
        if number < 6:
            account = by_email[f"person{3 if number % 2 else 25:02d}@example.invalid"]
            sandbox.site.body(issue).values["assignee"] = account.account_id


def connected(target: RunningSandbox) -> tuple[CloudWriter, CloudReader]:
    config = JiraConfig(target.url, target.email, Secret(target.token))
    return CloudWriter(connect(config)), CloudReader(connect(config))


def email_of(site: Site, account: Any) -> str | None:
    return site.accounts[account].email if account in site.accounts else None


def field_of(site: Site, issue: Issue, name: str) -> Any:
    [field] = [found for found in site.fields.values() if found.name == name]
    return site.body(issue).values.get(field.field_id)


def pairs(source: Site, target: Site, key: str) -> Iterator[tuple[Issue, Issue]]:
    project = target.find_project(key)
    assert project is not None
    for issue in target.issues.of_project(project.project_id):
        origin = target.body(issue).properties["jira-backup.origin"]
        assert isinstance(origin, dict)
        yield source.issues.by_id[int(str(origin["issue_id"]))], issue


def test_a_mapping_brings_everything_to_where_it_says(
    source: Restorable, target: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    writer, reader = connected(target)
    stand_ins = read_mapping(tmp_path / "mapping.toml")
    plan = make_plan(source.repository, source.manifest, writer, stand_ins=stand_ins)
    assert plan.blocking == ()
    assert plan == RestorePlan.from_json(plan.to_json())
    assert any("1 by the mapping" in note for note in plan.notes)

    result = restore(
        source.repository, plan, writer, reader, run="other", clock=now, options=SWIFT, confirm=source.key
    )

    assert result.report is not None
    assert [vars_of(found) for found in result.report.findings] == []
    assert int(result.exit_code) == 0
    left, right = source.sandbox.site, target.site
    found = list(pairs(left, right, source.key))
    assert len(found) == source.manifest.counts["issues"]
    seen = {"assignee": 0, "moved": 0, "fallback": 0, "severity": 0, "urgent": 0}
    for old, new in found:
        wanted = email_of(left, left.body(old).values.get("assignee"))
        present = email_of(right, right.body(new).values.get("assignee"))
        # Person 25 left the company: nobody but the fallback can stand in.
        expected = {
            "person03@example.invalid": "person04@example.invalid",
            "person25@example.invalid": "person02@example.invalid",
        }
        assert present == expected.get(str(wanted), wanted)
        seen["assignee"] += wanted is not None
        seen["moved"] += wanted == "person03@example.invalid"
        seen["fallback"] += wanted == "person25@example.invalid"
        severity = field_of(left, old, "Severity")
        if severity is not None:
            option = left.options[int(str(severity))]
            assert right.options[int(str(field_of(right, new, "Gravity")))].value == option.value
            seen["severity"] += 1
        priority = left.priorities[str(left.body(old).values["priority"])].name
        there = right.priorities[str(right.body(new).values["priority"])].name
        assert there == {"Highest": "Urgent", "High": "Urgent"}.get(priority, priority)
        seen["urgent"] += there == "Urgent"
    assert all(seen[name] for name in ("assignee", "moved", "fallback", "severity", "urgent")), seen
    touching = [link for link in right.links.values() if right.link_types[link.type_id].name == "Touches"]
    assert touching
    assert_mentions_follow(left, right, found)

    again = make_plan(source.repository, source.manifest, writer, stand_ins=stand_ins)
    assert (again.creates, len(again.skips)) == ((), len(found))


def assert_mentions_follow(left: Site, right: Site, found: list[tuple[Issue, Issue]]) -> None:
    """People whom text mentions are those of the target, never ids that mean nothing there."""
    mentions = 0
    for old, new in found:
        texts = [(left.body(old).values.get("description"), right.body(new).values.get("description"))]
        texts += [
            (one.body, two.body)
            for one, two in zip(left.body(old).comments, right.body(new).comments, strict=True)
        ]
        for before, after in texts:
            wanted = [
                reference.value for reference in references(before) if reference.kind is ReferenceKind.PERSON
            ]
            present = [
                reference.value for reference in references(after) if reference.kind is ReferenceKind.PERSON
            ]
            moved = {"person03@example.invalid": "person04@example.invalid"}
            known = [
                (moved.get(email, email), email_of(right, account))
                for one, account in zip(wanted, present, strict=True)
                if (email := email_of(left, one)) is not None and left.accounts[one].active
            ]
            assert all(one == other for one, other in known), known
            mentions += len(known)
    assert mentions


def vars_of(found: Any) -> tuple[str, str, str, str]:
    return found.subject, found.field, found.judgement.rule.value, found.judgement.detail


@pytest.fixture
def lone_target() -> Iterator[RunningSandbox]:
    """Start a site of its own for a test that leaves workflows behind, which later projects would follow."""
    with other_site() as made:
        for noun, old, new in RENAMED:
            rename(made.site, noun, old, new)
        yield made


def test_what_has_no_counterpart_and_cannot_be_made_is_counted_as_missing(
    source: Restorable, lone_target: RunningSandbox
) -> None:
    target = lone_target
    writer, reader = connected(target)
    few = Selection(
        where="hierarchy_level >= 0 AND (priority = 'Highest' OR id IN (SELECT issue_id FROM issue_links))"
    )
    bare = RestoreTarget("BARE")
    plan = make_plan(source.repository, source.manifest, writer, target=bare, selection=few)
    missing = {("field", "Severity"), ("priority", "Highest"), ("link_type", "Relates")}
    assert missing <= {
        (piece.kind, piece.name) for piece in plan.configuration if piece.action is Action.MAKE
    }
    target.faults.add(
        "status", method="POST", path="/(field|priority|issueLinkType)$", status=403, times=None
    )
    try:
        result = restore(source.repository, plan, writer, reader, run="bare", clock=now, options=SWIFT)
    finally:
        target.faults.clear()
    assert {kind for kind, _ in missing} <= {failure.kind for failure in result.outcome.failures}

    assert result.report is not None
    assert int(result.exit_code) == 3
    severity = [found for found in result.report.findings if found.field == "customfield_10030"]
    [refusal] = {found.judgement.detail for found in severity}
    assert refusal.endswith("left out; the rest went on")
    refused = {"field", "field_context", "priority", "link_type"}
    wrong = {
        (found.kind, found.field)
        for found in result.report.findings
        if found.kind not in {"role_actors", *refused}
    }
    assert wrong <= {
        ("issue", "customfield_10030"),
        ("issue", "priority"),
        ("issue", "status"),
        ("issue_link", "link"),
    }


def test_a_mapping_to_what_is_not_there_blocks_before_anything_is_written(
    source: Restorable, target: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(
        'fallback_person = "nobody@example.invalid"\n[people]\n"person01@example.invalid" = "no-such-account"\n'
        '[fields]\nSeverity = "No such field"\n[priorities]\nHigh = "No such priority"\n'
        '[issue_types]\n"Never used here" = "Nowhere"\n'
    )
    writer, reader = connected(target)
    mark = len(target.log.entries())

    plan = make_plan(source.repository, source.manifest, writer, stand_ins=read_mapping(tmp_path / "m.toml"))

    assert {found.subject for found in plan.blocking} == {
        "fallback_person",
        "[people] person01@example.invalid",
        "[fields] Severity",
        "[priorities] High",
    }
    with pytest.raises(RestoreConflict, match="mapping"):
        restore(source.repository, plan, writer, reader, run="no", clock=now, options=SWIFT)
    assert {entry.method for entry in target.log.entries()[mark:]} <= {"GET", "POST"}
    assert not [
        entry.path
        for entry in target.log.entries()[mark:]
        if entry.method == "POST" and not entry.path.endswith(("/bulkfetch", "/search/jql"))
    ]
