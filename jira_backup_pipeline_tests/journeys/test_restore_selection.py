"""Parts of a project come back over HTTP: by a condition, the attachments alone, what surrounds the issues alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import ConfigurationError, RestoreConflict
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.restore.plan import Policy, RestorePlan, make_plan
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.engine.restore.verb import restore
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline_tests.doubles.restorable import SWIFT, Restorable, now, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = Selection(part=Part.ATTACHMENTS)
CONFIGURATION = Selection(part=Part.CONFIGURATION)


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=36) as made:
        yield made


def writes(site: Restorable, mark: int) -> list[str]:
    reading = ("/bulkfetch", "/search/jql", "/comment/list", "/worklog/list")
    return [
        entry.template
        for entry in site.sandbox.log.entries()[mark:]
        if entry.method != "GET" and not entry.path.endswith(reading)
    ]


def mark(site: Restorable) -> int:
    return len(site.sandbox.log.entries())


def wrong(result: Any) -> list[tuple[str, str, str]]:
    return [
        (found.subject, found.field, found.judgement.detail or found.judgement.rule.value)
        for found in result.report.findings
    ]


def test_a_condition_chooses_exactly_the_issues_that_it_says(site: Restorable) -> None:
    condition = "hierarchy_level = 0 AND id IN (SELECT issue_id FROM comments GROUP BY 1 HAVING count(*) > 2)"
    tables = site.repository.tables(site.manifest)
    meant = set(tables.sql(f"SELECT id FROM issues WHERE {condition}")["id"].to_pylist())  # noqa: S608 - as above
    assert 0 < len(meant) < site.manifest.counts["issues"]

    plan = site.plan(target_key="WHERE", selection=Selection(where=condition))
    result = site.restore(plan)

    assert meant == set(plan.creates)
    assert plan == RestorePlan.from_json(plan.to_json())
    assert wrong(result) == []
    assert meant == set(result.outcome.id_map.issues)


def test_a_wrong_condition_is_explained(site: Restorable) -> None:
    with pytest.raises(ConfigurationError, match="no_such_column"):
        site.plan(selection=Selection(where="no_such_column = 1"))


def test_a_sub_task_without_its_parent_is_named_in_the_plan(site: Restorable) -> None:
    plan = site.plan(target_key="SUBS", selection=Selection(where="hierarchy_level < 0"))
    orphans = [found.subject for found in plan.conflicts if "its parent is neither" in found.problem]
    assert len(orphans) == len(plan.creates) > 0


def test_the_plan_names_the_issues_that_were_changed_since_and_what_becomes_of_the_changes(
    site: Restorable,
) -> None:
    issue = list(site.sandbox.site.issues.of_project(int(site.manifest.project.id)))[-1]
    key = site.sandbox.site.key_of(issue)

    def lines(policy: Policy) -> list[str]:
        only = Selection(issue_keys=(key,))
        plan = site.plan(selection=only, policy=policy)
        return [
            f"{found.problem}. {found.remedy}" for found in plan.conflicts if found.subject == "changed since"
        ]

    assert lines(Policy.UPDATE) == []
    site.sandbox.edits.edit_issue(key, {"summary": "changed since"})
    [update], [skip] = lines(Policy.UPDATE), lines(Policy.SKIP)
    assert update.startswith(f"1 issue was changed in Jira since the snapshot ({key})")
    assert "written over" in update
    assert "left as they are" in skip


def test_attachments_alone_come_back_onto_issues_that_are_there(site: Restorable) -> None:
    sandbox = site.sandbox.site
    issue = next(
        found
        for found in sandbox.issues.of_project(int(site.manifest.project.id))
        if sandbox.body(found).attachments
    )
    lost = sandbox.body(issue).attachments[0]
    changes.remove_attachment(sandbox, issue, lost, sandbox.backup_account_id)
    site.sandbox.edits.edit_issue(sandbox.key_of(issue), {"summary": "changed since"})
    plan, since = site.plan(selection=FILES), mark(site)

    result = site.restore(plan, confirm=None)

    assert [step.stage for step in plan.steps] == ["attachments", "proof"]
    # The project is hushed meanwhile; nothing but the one file is written to any issue.
    hushing = {"/rest/api/3/project/{projectIdOrKey}", "/rest/api/3/notificationscheme"}
    written = [found for found in writes(site, since) if found not in hushing]
    assert written == ["/rest/api/3/issue/{issueIdOrKey}/attachments"]
    assert len(plan.updates) == 1
    assert wrong(result) == []
    assert {"attachment"} == set(result.report.records)
    body = sandbox.body(issue)
    assert lost.content.sha256() in {found.content.sha256() for found in body.attachments}
    assert body.values["summary"] == "changed since"

    since = mark(site)
    site.restore(site.plan(selection=FILES))
    assert writes(site, since) == []


def test_attachments_alone_need_a_project_that_is_there(site: Restorable) -> None:
    plan = site.plan(target_key="NOWHERE", selection=FILES)
    with pytest.raises(RestoreConflict, match="attachments alone need issues"):
        site.restore(plan)
    with pytest.raises(ConfigurationError, match="deleted issues were asked for"):
        site.plan(selection=Selection(only_deleted=True, part=Part.ATTACHMENTS))


def test_the_configuration_alone_makes_the_place_without_issues(site: Restorable) -> None:
    result = site.restore(site.plan(target_key="PLACE", selection=CONFIGURATION))

    made = site.sandbox.site.find_project("PLACE")
    assert made is not None
    assert list(site.sandbox.site.issues.of_project(made.project_id)) == []
    kinds = ("components", "versions")
    found = {
        "components": len(site.sandbox.site.components_of(made.project_id)),
        "versions": len(site.sandbox.site.versions_of(made.project_id)),
    }
    assert {kind: site.manifest.counts[kind] for kind in kinds} == found
    assert wrong(result) == []
    assert "issue" not in result.report.records


def test_the_configuration_alone_makes_what_issues_stand_on_where_the_site_has_nothing(
    site: Restorable,
) -> None:
    """Also what only issues name, and in a project that is there already: then the schemes are its own."""
    names = {found.name for found in site.sandbox.site.fields.values() if found.custom}
    used = {
        str(row["name"])
        for row in site.repository.tables(site.repository.load("site", 1))["fields"].to_arrow().to_pylist()
        if row["name"] in names
    }
    with start_sandbox(bare=True, seed=4_711) as bare:
        config = JiraConfig(bare.url, bare.email, Secret(bare.token))
        writer, reader = CloudWriter(connect(config)), CloudReader(connect(config))
        before = {found.name for found in bare.site.fields.values()}
        how = {"selection": CONFIGURATION, "clock": now}
        plan = make_plan(site.repository, site.manifest, writer, **how)
        result = restore(
            site.repository, plan, writer, reader, run="bare", clock=now, options=SWIFT, confirm=site.key
        )

        assert wrong(result) == []
        assert list(bare.site.issues) == []
        made = {found.name for found in bare.site.fields.values()} - before
        assert made
        assert made <= used
        again = make_plan(site.repository, site.manifest, writer, **how)
        kinds = {piece.kind for piece in again.configuration if piece.action.value == "make"}
        # Contexts and boards are looked at once more when it is applied.
        assert kinds <= {"field_context", "board"}


def test_the_configuration_and_single_issues_exclude_each_other(site: Restorable) -> None:
    with pytest.raises(ConfigurationError, match="issues were chosen"):
        site.plan(selection=Selection(where="true", part=Part.CONFIGURATION))


def test_a_damaged_blob_is_never_uploaded_in_part_and_the_rest_goes_on(site: Restorable) -> None:
    """A blob is decrypted and proven to its end before its upload starts: the last byte decides over the first."""
    rows = site.repository.tables(site.manifest)["attachments"].to_arrow(["id", "blob", "blob_size_bytes"])
    rotten = max(rows.to_pylist(), key=lambda row: row["blob_size_bytes"] or 0)
    sharing = [row["id"] for row in rows.to_pylist() if row["blob"] == rotten["blob"]]
    store = site.repository.store
    [key] = [
        found.key for found in store.list(f"blobs/{site.manifest.scope}/") if rotten["blob"] in found.key
    ]
    sound = store.get(key)
    store.delete(key)
    store.put_new(key, sound[:-1] + bytes([sound[-1] ^ 1]))
    since = mark(site)
    try:
        result = site.restore(site.plan(target_key="ROT"))
    finally:
        store.delete(key)
        store.put_new(key, sound)

    uploads = [found for found in writes(site, since) if found.endswith("/attachments")]
    assert site.manifest.counts["attachments"] - len(sharing) == len(uploads) > 0
    assert sorted(sharing) == sorted(found.source_id for found in result.outcome.failures)
    assert all("damaged" in found.reason for found in result.outcome.failures)
    assert int(result.exit_code) == 3
