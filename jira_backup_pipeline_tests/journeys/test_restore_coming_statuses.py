"""A plan for a project that is still to be made says which statuses its workflows will lack, and checks a mapping of statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.engine.restore.stand_ins import StandIns
from jira_backup_pipeline.sandbox.model import Status
from jira_backup_pipeline_tests.doubles.bare_target import bare_target
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.sandbox.server import RunningSandbox


def leave_one_behind(sandbox: RunningSandbox) -> None:
    """Put an issue into a status that its workflow has no more."""
    site = sandbox.site
    site.statuses["19999"] = Status("19999", "Legacy", "indeterminate", "")
    issue = next(iter(site.issues.of_project(next(iter(site.projects)))))
    site.issues.pin(issue)
    issue.status_id = "19999"


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=60, before=leave_one_behind) as made:
        made.sandbox.edits.delete_project(made.key, permanent=True)
        yield made


def lacking(plan: RestorePlan) -> list[tuple[str, str]]:
    return [(found.subject, found.problem) for found in plan.conflicts if found.kind == "status"]


NOWHERE = [("Legacy", "no workflow of the project that is made has it")]


def test_workflows_that_will_be_made_are_looked_at(site: Restorable) -> None:
    with bare_target(site) as target:
        plan = target.plan()

    assert {piece.kind for piece in plan.configuration if piece.action == "make"} >= {"workflow"}
    assert lacking(plan) == NOWHERE


def test_workflows_that_are_there_are_looked_at_as_they_are_now(site: Restorable) -> None:
    assert lacking(site.plan(target_key="NEW")) == NOWHERE
    flow = site.sandbox.site.workflows["Software workflow"]
    gone = site.sandbox.site.statuses["10106"].name
    flow.statuses.remove("10106")
    try:
        assert (gone, NOWHERE[0][1]) in lacking(site.plan(target_key="NEW"))
    finally:
        flow.statuses.append("10106")


def test_a_mapping_to_a_status_that_nobody_has_blocks(site: Restorable) -> None:
    plan = site.plan(target_key="NEW", stand_ins=StandIns({"statuses": {"In Review": "Nowhere"}}))

    assert [(found.subject, found.problem) for found in plan.blocking] == [
        ("[statuses] In Review", "the target has no 'Nowhere'")
    ]


def test_a_mapping_to_a_status_of_the_target_says_that_the_template_decides(site: Restorable) -> None:
    stand_ins = StandIns({"statuses": {"In Review": "In Progress", "Never used": "Nowhere"}})
    plan = site.plan(target_key="NEW", stand_ins=stand_ins)

    assert plan.blocking == ()
    [note] = [text for text in plan.notes if "mapping leads to the statuses" in text]
    assert "In Progress" in note
    assert "template" in note
    plain = site.plan(target_key="NEW")
    assert not any("mapping" in text for text in plain.notes)


def test_where_the_target_does_not_show_its_statuses_the_plan_says_so(site: Restorable) -> None:
    site.sandbox.faults.add("status", method="GET", path="/api/3/status$", status=403, times=1)

    plan = site.plan(target_key="NEW", stand_ins=StandIns({"statuses": {"In Review": "Nowhere"}}))

    assert any("mapping of statuses could not be checked" in text for text in plan.notes)
