"""What the target refuses to show or to make is one line each, and the rest of the configuration comes all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline_tests.doubles.bare_target import bare_target
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

ONLY = Selection(part=Part.CONFIGURATION)
REFUSED = "/(workflows/create|group|status(es)?|permissionscheme)$"


@pytest.fixture(scope="module")
def source() -> Iterator[Restorable]:
    with restorable(projects=1, issues=12) as made:
        yield made


def test_a_list_that_is_not_shown_is_said_in_the_plan(source: Restorable) -> None:
    with bare_target(source) as target:
        target.sandbox.faults.add("status", path="/issuesecurityschemes$", status=403, times=None)

        plan = target.plan(selection=ONLY)

    [piece] = [found for found in plan.configuration if found.kind == "security_scheme"]
    assert piece.action is Action.LEAVE
    assert "does not show its issue security schemes" in piece.note
    assert [note for note in plan.notes if "security scheme" in note and "left out" in note]


def test_what_is_refused_is_reported_and_everything_else_is_made(source: Restorable) -> None:
    with bare_target(source) as target:
        plan = target.plan(selection=ONLY)
        target.sandbox.faults.add("status", method="POST", path=REFUSED, status=403, times=None)

        result = target.restore(plan)

        site = target.site
        refused = {failure.kind for failure in result.outcome.failures}
        assert {"workflow", "status"} <= refused
        assert int(result.exit_code) == 3
        wrong = {found.kind for found in result.report.findings}
        assert {"workflow", "status"} <= wrong
        assert "field" not in wrong
        assert {"Severity", "Region"} <= {field.name for field in site.fields.values()}
        assert {"Story", "Bug"} <= {found.name for found in site.issue_types.values()}
        assert site.find_project(source.key) is not None


def test_schemes_that_jira_does_not_take_for_a_project_give_way_to_its_template(source: Restorable) -> None:
    with bare_target(source) as target:
        plan = target.plan(selection=ONLY)
        fault = target.sandbox.faults.add("status", method="POST", path="/project$", status=400, times=1)

        result = target.restore(plan)

        assert target.sandbox.faults.fired(fault.fault_id) == 1
        assert target.site.find_project(source.key) is not None
        [failure] = [found for found in result.outcome.failures if found.kind == "project"]
        assert "template" in failure.done


def test_an_account_that_does_not_administer_jira_makes_no_configuration(source: Restorable) -> None:
    with bare_target(source) as target:
        site = target.site
        target.restore(target.plan(selection=ONLY))
        site.denied.add((site.backup_account_id, "ADMINISTER", None))
        fields = set(site.fields)

        plan = target.plan()

        assert plan.configuration == ()
        assert [line for line in plan.prerequisites if "does not administer Jira" in line]
        result = target.restore(plan)
        assert set(site.fields) == fields
        assert len(result.outcome.id_map.issues) == source.manifest.counts["issues"]
