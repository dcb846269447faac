"""Issues come back into their sprints, closed ones included, and into their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.plan import Selection
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

SPRINT, RANK = "customfield_10020", "customfield_10019"


@pytest.fixture
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=100) as made:
        yield made


def issues_of(site: Restorable, key: str) -> list[Any]:
    project = site.sandbox.site.find_project(key)
    assert project is not None
    return list(site.sandbox.site.issues.of_project(project.project_id))


def sprints_by_issue(site: Restorable) -> dict[str, list[tuple[str, str]]]:
    """Give name and state of the sprints of every issue, by its id in the snapshot."""
    sandbox = site.sandbox.site
    found = {}
    for issue in issues_of(site, site.key):
        body = sandbox.body(issue)
        source_id = body.properties.get("jira-backup.origin", {}).get("issue_id", str(issue.issue_id))
        sprints = [sandbox.sprints[number] for number in body.values.get(SPRINT) or []]
        found[source_id] = [(sprint.name, sprint.state) for sprint in sprints]
    return found


def order_of(site: Restorable, key: str) -> list[str]:
    """Give the ids in the snapshot of a project's issues, in the order of their ranks."""
    ranked = []
    for issue in issues_of(site, key):
        body = site.sandbox.site.body(issue)
        origin = body.properties.get("jira-backup.origin", {})
        ranked.append((body.values[RANK], origin.get("issue_id", str(issue.issue_id))))
    return [source_id for _, source_id in sorted(ranked)]


def test_a_lost_project_comes_back_with_its_sprints_and_its_order(site: Restorable) -> None:
    sprints, order = sprints_by_issue(site), order_of(site, site.key)
    assert {state for found in sprints.values() for _, state in found} == {"closed", "active", "future"}
    assert order != sorted(order, key=int)
    site.sandbox.edits.delete_project(site.key, permanent=True)
    plan = site.plan()

    result = site.restore(plan)

    assert sprints == sprints_by_issue(site)
    assert order == order_of(site, site.key)
    assert list(result.report.findings) == []
    steps = {step.stage: step for step in plan.steps}
    assert len({name for found in sprints.values() for name, _ in found}) == steps["sprints"].count
    assert result.outcome.requests["PUT /rest/agile/1.0/issue/rank"] <= steps["ranks"].writes == 1
    assert not [found for found in plan.impossible if "sprint" in found.what]


def test_one_issue_comes_back_to_its_place_between_those_that_stayed(site: Restorable) -> None:
    order = order_of(site, site.key)
    lost = next(
        issue
        for issue in issues_of(site, site.key)
        if not site.sandbox.site.issues.children.get(issue.issue_id) and order.index(str(issue.issue_id)) > 20
    )
    key = site.sandbox.site.key_of(lost)
    site.sandbox.edits.delete_issue(key)

    result = site.restore(site.plan(selection=Selection(issue_keys=(key,))))

    assert order == order_of(site, site.key)
    assert result.outcome.requests["PUT /rest/agile/1.0/issue/rank"] == 1


def test_without_a_scrum_board_issues_come_back_without_sprints_and_the_report_says_so(
    site: Restorable,
) -> None:
    with_sprint = sum(bool(found) for found in sprints_by_issue(site).values())
    site.sandbox.edits.delete_project(site.key, permanent=True)
    fault = site.sandbox.faults.add(
        "status", method="GET", path="^/rest/agile/1.0/board$", status=403, times=None
    )

    result = site.restore(site.plan())

    assert site.sandbox.faults.fired(fault.fault_id)
    assert [(found.kind, found.field) for found in result.report.findings] == [("board", "record")]
    left_out = [found for found in result.outcome.adjustments if "no scrum board" in found.reason]
    assert with_sprint == len(left_out) > 0


def test_ranks_that_the_target_refuses_are_reported_and_the_rest_comes_back(site: Restorable) -> None:
    fault = site.sandbox.faults.add("status", method="PUT", path="/issue/rank$", status=403, times=None)

    result = site.restore(site.plan(target_key="FLAT"))

    assert site.sandbox.faults.fired(fault.fault_id)
    assert {found.field for found in result.report.findings} == {RANK}
    assert {found.judgement.rule.value for found in result.report.findings} == {"refused by the target"}
    assert int(result.exit_code) == 3
