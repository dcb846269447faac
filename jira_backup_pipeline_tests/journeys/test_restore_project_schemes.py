"""A project that follows other schemes by now follows its own again under `update`, where nothing is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.configuration.piece import PROJECT_SCHEME, Action
from jira_backup_pipeline.engine.restore.planned import Policy, RestorePlan
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.sandbox.setup import schemes
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

ONLY = Selection(part=Part.CONFIGURATION)


def with_priorities(sandbox: RunningSandbox) -> None:
    """Let the project have its own choice of priorities, in an order of its own."""
    site = sandbox.site
    priorities = list(reversed(site.priorities))
    scheme = {"id": "5000", "name": "Own urgency", "description": "Upside down"}
    site.made.add(
        "priority_scheme", {**scheme, "defaultPriorityId": priorities[1], "priorityIds": priorities}
    )
    site.made.bindings[the_project(site).project_id, "priority_scheme"] = "5000"


@pytest.fixture(scope="module")
def target() -> Iterator[BareTarget]:
    with restorable(projects=1, issues=12, before=with_priorities) as source, bare_target(source) as made:
        assert int(made.restore(made.plan()).exit_code) == 0
        yield made


def the_project(site: Site) -> Project:
    return next(iter(site.projects.values()))


def followed(site: Site) -> dict[str, str | None]:
    nouns = (
        "issue_type_scheme",
        "issue_type_screen_scheme",
        "workflow_scheme",
        "permission_scheme",
        "notification_scheme",
        "security_scheme",
        "priority_scheme",
    )
    return {noun: schemes.follows(site, the_project(site), noun) for noun in nouns}


def told(plan: RestorePlan, action: Action) -> dict[str, str]:
    return {
        piece.source_id: str(piece.changes[0])
        for piece in plan.configuration
        if piece.kind == PROJECT_SCHEME and piece.action is action
    }


def other_scheme(target: BareTarget, noun: str, **members: Any) -> str:
    """Make another scheme of a sort and let the project follow it."""
    site = target.site
    scheme_id = str(site.made.next_id())
    site.made.add(noun, {"id": scheme_id, "name": f"Other {noun}", "description": "", "self": "", **members})
    project = the_project(site)
    site.made.bindings[project.project_id, noun] = scheme_id
    site.reference_changed()
    return scheme_id


def test_a_new_project_follows_its_priority_scheme(target: BareTarget) -> None:
    site = target.site
    [scheme] = site.made.of("priority_scheme")
    source = target.source.sandbox.site
    names = [site.priorities[item].name for item in scheme["priorityIds"]]
    assert names == [item.name for item in reversed(list(source.priorities.values()))]
    assert (scheme["name"], scheme["description"]) == ("Own urgency", "Upside down")
    assert site.priorities[scheme["defaultPriorityId"]].name == names[1]
    assert followed(site)["priority_scheme"] == scheme["id"]


def test_the_project_follows_its_schemes_again(target: BareTarget) -> None:
    site = target.site
    wanted = followed(site)
    others = {
        "permission_scheme": other_scheme(target, "permission_scheme", permissions=[]),
        "notification_scheme": other_scheme(target, "notification_scheme", notificationSchemeEvents=[]),
    }
    types = other_scheme(target, "issue_type_scheme")
    site.made.items["issue_type_scheme", types] = [
        {"issueTypeSchemeId": types, "issueTypeId": type_id} for type_id in site.issue_types
    ]
    screens = other_scheme(target, "issue_type_screen_scheme")
    site.made.items["issue_type_screen_scheme", screens] = [
        {"issueTypeScreenSchemeId": screens, "issueTypeId": "default", "screenSchemeId": "1"}
    ]
    present = schemes.follows(site, the_project(site), "workflow_scheme")
    own = next(item for item in schemes.workflow_schemes(site) if str(item["id"]) == present)
    other_scheme(
        target,
        "workflow_scheme",
        defaultWorkflow=own["defaultWorkflow"],
        issueTypeMappings=own["issueTypeMappings"],
    )
    site.made.bindings[the_project(site).project_id, "priority_scheme"] = "1"
    assert all(followed(site)[noun] == scheme_id for noun, scheme_id in others.items())

    skip = target.plan(selection=ONLY)
    assert told(skip, Action.UPDATE) == {}
    assert set(told(skip, Action.MATCH)) == set(wanted) - {"security_scheme"}
    assert told(skip, Action.MATCH)["permission_scheme"].startswith("followed: Other permission_scheme → ")

    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert set(told(plan, Action.UPDATE)) == set(wanted) - {"security_scheme"}
    result = target.restore(plan)
    assert int(result.exit_code) == 0, list(result.report.findings)
    assert followed(site) == wanted
    assert result.outcome.requests["POST /rest/api/3/workflowscheme/project/switch"] == 1
    again = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert told(again, Action.UPDATE) == told(again, Action.MATCH) == {}


def test_a_workflow_scheme_that_lacks_a_status_of_the_project_is_left_to_a_person(target: BareTarget) -> None:
    site = target.site
    before = followed(site)
    workflow = next(item for item in site.workflows.values() if item.name == "Software workflow")
    extra = next(status_id for status_id in site.statuses if status_id not in workflow.statuses)
    longer = type(workflow)(
        "Longer way", [*workflow.statuses, extra], list(workflow.transitions), entity_id="longer"
    )
    site.workflows[longer.name] = longer
    project = the_project(site)
    other_scheme(target, "workflow_scheme", defaultWorkflow="Longer way", issueTypeMappings={})
    kept, project.workflows = project.workflows, {"default": "Longer way"}
    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    words = told(plan, Action.MATCH)["workflow_scheme"]
    assert site.statuses[extra].name in words
    assert "somebody has to say where such issues go" in words
    target.restore(plan)
    assert followed(site) != before
    site.made.bindings[project.project_id, "workflow_scheme"] = before["workflow_scheme"]
    project.workflows = kept
    del site.workflows[longer.name]
    [made] = [
        item
        for item in site.made.of("workflow_scheme")
        if item["name"] == "Other workflow_scheme" and item["defaultWorkflow"] == "Longer way"
    ]
    del site.made.records["workflow_scheme"][str(made["id"])]


def test_levels_that_a_security_scheme_lacks_keep_the_present_one(target: BareTarget) -> None:
    site = target.site
    before = followed(site)
    secret = other_scheme(target, "security_scheme")
    site.made.add(
        "security_level",
        {
            "id": "77001",
            "name": "Board only",
            "description": "",
            "isDefault": False,
            "issueSecuritySchemeId": secret,
        },
    )
    words = told(target.plan(selection=ONLY, policy=Policy.UPDATE), Action.MATCH)["security_scheme"]
    assert "it lacks the levels Board only: everybody could see issues that have them" in words
    del site.made.records["security_level"]["77001"]
    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert "security_scheme" in told(plan, Action.UPDATE)
    assert int(target.restore(plan).exit_code) == 0
    assert followed(site) == before
