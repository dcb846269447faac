"""A team-managed project is captured whole, comes back company-managed once it is gone, and is repaired while it is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.engine.restore import status_ways
from jira_backup_pipeline.engine.restore.plan import Policy, Selection
from jira_backup_pipeline.sandbox.model import Named
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.bare_target import bare_target
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable, shape_of
from jira_backup_pipeline_tests.journeys.test_capture_truth import (
    backed_up,
    compare_project,
    stored,
    truth_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

KEY = "TM1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=1, issues=12, seed=5, team_managed=2) as made:
        yield made


def scope_of(sandbox: RunningSandbox, key: str = KEY) -> dict[str, Any]:
    project = sandbox.site.find_project(key)
    assert project is not None
    return {"type": "PROJECT", "project": {"id": str(project.project_id)}}


def test_a_team_managed_project_is_captured_with_all_that_is_its_own(sandbox: RunningSandbox) -> None:
    repository, outcome = backed_up(sandbox, MemoryStore())

    site = outcome.captures[0].manifest
    project = next(
        c.manifest for c in outcome.captures if c.manifest.project and c.manifest.project.key == KEY
    )
    assert project.state is SnapshotState.COMPLETE
    assert [gap for gap in site.gaps if not gap.is_accepted(())] == []
    truth = truth_of(sandbox, project.project.id if project.project else None)
    assert len(truth["issue"]) == project.counts["issues"] == 14
    compare_project(repository, project, truth)
    for table in ("issue_types", "statuses", "fields", "workflows", "roles"):
        rows = [json.loads(row["raw"]) for row in stored(repository, site, table).values()]
        own = {row["name"] for row in rows if row.get("scope") == scope_of(sandbox)}
        assert own, table
        known = truth_of(sandbox, None)[{"statuses": "status"}.get(table, table.removesuffix("s"))]
        assert own == {row["name"] for row in known.values() if row.get("scope") == scope_of(sandbox)}
    ((_, detail),) = truth["project"].items()
    (row,) = stored(repository, project, "projects").values()
    raw = json.loads(row["raw"])
    assert (raw["style"], raw["simplified"], raw["entityId"]) == (
        "next-gen",
        True,
        detail["detail"]["entityId"],
    )
    # No scheme names the project.
    for kind in ("issue_type_scheme", "workflow_scheme", "issue_type_screen_scheme"):
        groups = stored(repository, site, f"{kind}_projects").values()
        assert all(
            project.project and project.project.id not in json.loads(g["raw"])["projectIds"] for g in groups
        )


@pytest.fixture
def site() -> Iterator[Restorable]:
    with restorable(projects=1, issues=12, seed=5, team_managed=2, key=KEY) as made:
        yield made


def vars_of(found: Any) -> tuple[str, str, str, str]:
    return found.subject, found.field, found.judgement.rule.value, found.judgement.detail


def told_of(site: Site, key: str) -> dict[str, dict[str, Any]]:
    """Say of each issue by summary what people see of it: by names, as ids change."""
    project = site.find_project(key)
    assert project is not None
    found = {}
    for issue in site.issues.of_project(project.project_id):
        body = site.body(issue)
        fields = {
            site.fields[name].name: site.options[value].value if isinstance(value, int) else value
            for name, value in body.values.items()
            if name.startswith("customfield_")
            and site.fields[name].kind in {"select", "float", "textfield"}
            and value is not None
        }
        found[body.values["summary"]] = {
            "type": site.issue_types[issue.type_id].name,
            "level": site.issue_types[issue.type_id].level,
            "status": site.statuses[issue.status_id].name,
            "category": site.statuses[issue.status_id].category,
            "parent": site.issues.brief(site.issues.by_id[issue.parent_id])[0] if issue.parent_id else None,
            "resolved": bool(body.values.get("resolution")),
            "labels": issue.labels,
            "comments": len(body.comments),
            "links": len(site.links_of_issue(issue.issue_id)),
            "fields": fields,
        }
    return found


def renamed(told: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Say the same with the name under which the field that has a namesake comes back."""
    names = {"Severity": f"Severity ({KEY})"}
    return {
        summary: {**issue, "fields": {names.get(name, name): v for name, v in issue["fields"].items()}}
        for summary, issue in told.items()
    }


def assert_converted(site: Site, key: str) -> None:
    """Nothing of the project is its own: types, statuses and fields are the site's."""
    project = site.find_project(key)
    assert project is not None
    assert not project.is_team_managed
    issues = site.issues.of_project(project.project_id)
    assert {site.statuses[issue.status_id].project_id for issue in issues} == {None}
    assert {site.issue_types[issue.type_id].project_id for issue in issues} == {None}
    used = {name for issue in issues for name in site.body(issue).values}
    assert {site.fields[name].project_id for name in used if name in site.fields} == {None}


LINE = "the project was team-managed; it comes back company-managed"


def test_a_deleted_project_comes_back_company_managed_with_all_that_people_see(site: Restorable) -> None:
    there = site.sandbox.site
    before = told_of(there, KEY)
    assert len(before) == 14
    severity = {o.value for o in there.options.values() if o.field_id == "customfield_10030"}
    site.sandbox.edits.delete_project(KEY, permanent=True)
    plan = site.plan()
    assert plan.blocking == ()

    result = site.restore(plan)

    assert [vars_of(found) for found in result.report.findings] == []
    assert int(result.exit_code) == 0
    assert told_of(there, KEY) == renamed(before)
    assert_converted(there, KEY)
    for notes in (plan.notes, result.report.notes):
        (line,) = [note for note in notes if note.startswith(LINE)]
        assert "its own 4 issue types, 4 statuses, 3 fields, 3 roles are matched" in line
        assert line.endswith("; Severity comes back as Severity (TM1)")
    # What has a namesake of the whole site is that one; the namesake of the field keeps what it was.
    assert {o.value for o in there.options.values() if o.field_id == "customfield_10030"} == severity
    assert [
        item.name for item in there.issue_types.values() if item.name == "Task" and item.project_id is None
    ] == ["Task"]

    shape = shape_of(site.sandbox, KEY)
    since = len(site.sandbox.log.entries())
    again = site.restore(site.plan())

    assert shape_of(site.sandbox, KEY) == shape
    assert [vars_of(found) for found in again.report.findings] == []
    made = [e.path for e in site.sandbox.log.entries()[since:] if e.method == "POST" and e.status == 201]
    assert made == []

    # Of the project as it is now a single issue comes back as well: its fields are known by the names that they have now.
    lost = next(
        issue
        for issue in again.outcome.id_map.issues.values()
        if not there.issues.children.get(int(issue.id))
    )
    site.sandbox.edits.delete_issue(lost.id)
    fields = set(there.fields)
    alone = site.restore(site.plan(selection=Selection(only_deleted=True)))
    assert [vars_of(found) for found in alone.report.findings] == []
    assert set(there.fields) == fields
    assert told_of(there, KEY) == renamed(before)


def test_a_copy_beside_the_project_takes_nothing_that_is_the_projects_own(site: Restorable) -> None:
    before = told_of(site.sandbox.site, KEY)

    result = site.restore(site.plan(target_key="COPY"))

    assert [vars_of(found) for found in result.report.findings] == []
    assert_converted(site.sandbox.site, "COPY")
    assert told_of(site.sandbox.site, KEY) == before


def test_deleted_issues_come_back_into_the_project_with_its_own_fields_and_statuses(site: Restorable) -> None:
    there = site.sandbox.site
    project = there.find_project(KEY)
    assert project is not None
    before = told_of(there, KEY)
    childless = [
        i for i in there.issues.of_project(project.project_id) if not there.issues.children.get(i.issue_id)
    ]
    gone = [issue for issue in childless if there.statuses[issue.status_id].name in {"Waiting", "Done"}][:3]
    assert len(gone) == 3
    for issue in gone:
        site.sandbox.edits.delete_issue(str(issue.issue_id))
    setup = {name: set(getattr(there, name)) for name in ("fields", "issue_types", "statuses", "workflows")}
    plan = site.plan(selection=Selection(only_deleted=True))
    assert not plan.has_temporary_workflow
    assert not any(note.startswith(LINE) for note in plan.notes)

    result = site.restore(plan)

    assert [vars_of(found) for found in result.report.findings] == []
    assert project.is_team_managed
    assert {name: set(getattr(there, name)) for name in setup} == setup
    assert len(result.outcome.id_map.issues) == len(gone)
    assert told_of(there, KEY) == before


def test_an_update_of_the_project_that_is_there_makes_no_configuration(site: Restorable) -> None:
    there = site.sandbox.site
    before = told_of(there, KEY)
    site.sandbox.edits.edit_issue(f"{KEY}-2", {"summary": "scribbled over"})
    # Something that the whole site has is to be made, so that configuration is written at all.
    (lowest,) = [name for name, found in there.priorities.items() if found.name == "Lowest"]
    for issue in there.issues:
        if there.body(issue).values.get("priority") == lowest:
            there.issues.pin(issue).values["priority"] = "3"
    del there.priorities[lowest]
    there.reference_changed()
    setup = {
        name: set(getattr(there, name))
        for name in ("fields", "issue_types", "statuses", "workflows", "roles")
    }

    result = site.restore(site.plan(policy=Policy.UPDATE))

    assert [vars_of(found) for found in result.report.findings] == []
    assert told_of(there, KEY) == before
    assert "Lowest" in {found.name for found in there.priorities.values()}
    assert {name: set(getattr(there, name)) for name in setup} == setup


def test_on_a_new_site_types_statuses_and_fields_are_made(site: Restorable) -> None:
    before = told_of(site.sandbox.site, KEY)
    with bare_target(site) as target:
        result = target.restore(target.plan())

        assert result.report is not None
        assert [vars_of(found) for found in result.report.findings] == []
        assert told_of(target.site, KEY) == renamed(before)
        assert_converted(target.site, KEY)


def test_a_second_project_finds_what_the_first_one_made_since_the_plan(site: Restorable) -> None:
    """A restore of several projects plans them all first: what the first makes was to be made for the second too."""
    there = site.sandbox.site
    project = there.find_project(KEY)
    assert project is not None
    before = told_of(there, KEY)
    site.sandbox.edits.delete_project(KEY, permanent=True)
    plan = site.plan()
    with there.lock:
        item = Named(str(there.next_id("role")), "Administrator", "Made for another project meanwhile")
        there.roles[item.item_id] = item

    result = site.restore(plan)

    assert [vars_of(found) for found in result.report.findings] == []
    assert told_of(there, KEY) == renamed(before)


def test_an_emptied_project_is_filled_again_by_its_own_transitions(
    site: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty company-managed project a temporary workflow would be followed; here no scheme can be given."""
    there = site.sandbox.site
    project = there.find_project(KEY)
    assert project is not None
    before = told_of(there, KEY)
    for issue in there.issues.of_project(project.project_id):
        # Sub-tasks go with their parents.
        if there.find_issue(str(issue.issue_id)) is not None:
            site.sandbox.edits.delete_issue(str(issue.issue_id))
    assert told_of(there, KEY) == {}
    monkeypatch.setattr(status_ways, "TEMPORARY_FROM_ISSUES", 1)
    since = len(site.sandbox.log.entries())
    plan = site.plan()
    assert not plan.has_temporary_workflow

    result = site.restore(plan)

    assert [vars_of(found) for found in result.report.findings] == []
    assert told_of(there, KEY) == before
    assert project.is_team_managed
    asked = {entry.path for entry in site.sandbox.log.entries()[since:] if entry.method in {"POST", "PUT"}}
    assert not [path for path in asked if "scheme" in path or path.endswith("/workflows/create")]
