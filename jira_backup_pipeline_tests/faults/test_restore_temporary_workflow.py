"""Issues go straight into their statuses through a temporary workflow; whatever goes wrong, it goes away again or is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.engine.restore.all_to_all import NAME_PREFIX
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.plan import Selection
from jira_backup_pipeline.sandbox.setup.schemes import follows
from jira_backup_pipeline_tests.doubles.remembering import RememberingRepository
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    FatedRepository,
    Killed,
    Restorable,
    left_over,
    now,
    restorable,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.engine.restore.plan import RestorePlan

KEY = "AGAIN"
SWITCH = "/workflowscheme/project/switch$"


@pytest.fixture(scope="module")
def running() -> Iterator[Restorable]:
    with restorable(projects=2, issues=60) as made:
        made.sandbox.edits.delete_project(made.key, permanent=True)
        yield made


@pytest.fixture
def site(running: Restorable) -> Iterator[Restorable]:
    """Give the site without the project that the test before restored."""
    running.sandbox.faults.clear()
    yield running
    running.sandbox.faults.clear()
    running.sandbox.site.refused_in_bulk.clear()
    if running.sandbox.site.find_project(KEY) is not None:
        running.sandbox.edits.delete_project(KEY, permanent=True)
    for noun in [name for name in left_over(running.sandbox) if name in running.sandbox.site.workflows]:
        del running.sandbox.site.workflows[noun]
    schemes = running.sandbox.site.made.records.get("workflow_scheme", {})
    for scheme_id in [key for key, found in schemes.items() if str(found["name"]).startswith(NAME_PREFIX)]:
        del schemes[scheme_id]


@pytest.fixture(scope="module")
def expected(running: Restorable) -> Any:
    """Say what a restore by the paths of the project's own workflows brings, without any temporary one."""
    plan = replace(running.plan(target_key="PATHS"), has_temporary_workflow=False)
    running.restore(plan, writer=running.direct(), options=STEADY)
    found = shape_of(running.sandbox, "PATHS")
    running.sandbox.edits.delete_project("PATHS", permanent=True)
    return found


def straight(site: Restorable, **how: Any) -> RestorePlan:
    plan = site.plan(target_key=KEY, **how)
    return replace(plan, has_temporary_workflow=True)


def statuses_of(shape: dict[str, Any]) -> dict[str, Any]:
    """Say what a temporary workflow touches; over HTTP some file names change, which is another matter."""
    issues = {name: (found["status"], found["resolution"]) for name, found in shape["issues"].items()}
    return {"issues": issues, "workflows": shape["workflows"], "left over": shape["left over"]}


def scheme_of(site: Restorable) -> str:
    project = site.sandbox.site.find_project(KEY)
    assert project is not None
    scheme_id = str(follows(site.sandbox.site, project, "workflow_scheme"))
    return str(site.sandbox.site.made.records["workflow_scheme"][scheme_id]["name"])


def test_one_bulk_operation_brings_all_statuses_and_nothing_is_left_over(
    site: Restorable, expected: Any
) -> None:
    plan = site.plan(target_key=KEY)
    assert plan.has_temporary_workflow
    [step] = [found for found in plan.steps if found.stage == "statuses"]
    assert "1 transition batch through a temporary workflow" in step.note

    result = site.restore(plan, writer=site.direct(), options=STEADY)

    requests = result.outcome.requests
    assert requests["POST /rest/api/3/bulk/issues/transition"] == 1
    assert "POST /rest/api/3/issue/{id}/transitions" not in requests
    about_it = ("/workflow", "/bulk/issues/transition")
    writes = sum(
        count
        for name, count in requests.items()
        if not name.startswith("GET ") and any(part in name for part in about_it)
    )
    assert writes <= step.writes
    assert expected == shape_of(site.sandbox, KEY)
    assert expected["left over"] == []
    assert scheme_of(site) == "APP: Workflow Scheme"
    assert int(result.exit_code) == 0


def test_resolutions_come_with_the_transition_and_not_by_edits(site: Restorable, expected: Any) -> None:
    by_paths = replace(site.plan(target_key=KEY), has_temporary_workflow=False)
    edits = "PUT /rest/api/3/issue/{id}"
    before = site.restore(by_paths, writer=site.direct(), options=STEADY).outcome.requests[edits]
    site.sandbox.edits.delete_project(KEY, permanent=True)

    result = site.restore(straight(site), writer=site.direct(), options=STEADY)

    assert result.outcome.requests[edits] < before
    resolved = {found["resolution"] for found in expected["issues"].values()}
    assert len(resolved) > 2
    assert expected == shape_of(site.sandbox, KEY)


def test_where_the_rule_for_resolutions_is_refused_they_are_edited(site: Restorable, expected: Any) -> None:
    refused = site.sandbox.faults.add("status", method="POST", path="/workflows/create$", status=400, times=1)

    result = site.restore(straight(site), options=STEADY)

    assert refused.fired == 1
    assert result.outcome.requests["POST /rest/api/3/bulk/issues/transition"] == 1
    assert statuses_of(expected) == statuses_of(shape_of(site.sandbox, KEY))


def test_killed_around_any_of_its_writes_it_goes_away_with_the_resumption(site: Restorable) -> None:
    few = Selection(issue_keys=site.plan(target_key=KEY).creates[:6])
    plan = straight(site, selection=few)
    kept = RememberingRepository(site.repository)

    def run(name: str, fate: Fate, *, resume: bool = False) -> None:
        repository: Any = FatedRepository(kept, fate)
        writer = site.direct(fate=fate)
        apply_plan(repository, plan, writer, run=name, clock=now, resume=resume, options=STEADY)

    def shape() -> dict[str, Any]:
        found = shape_of(site.sandbox, KEY)
        site.sandbox.edits.delete_project(KEY, permanent=True)
        return found

    run("prime", Fate())
    shape()
    whole = Fate()
    run("whole", whole)
    wanted = shape()
    assert len({issue["status"] for issue in wanted["issues"].values()}) > 2
    about_it = [
        number
        for number, event in enumerate(whole.events, 1)
        if "/workflow" in event or "transition" in event
    ]
    assert len(about_it) >= 7
    moments = sorted({near for number in about_it for near in (number - 1, number)})
    for last in moments:
        with pytest.raises(Killed):
            run(f"first{last:03}", Fate(last))

        run(f"second{last:03}", Fate(), resume=True)

        assert wanted == shape(), f"killed after event {last}: {whole.events[last - 1]}"


def test_an_account_that_may_not_switch_schemes_goes_by_paths(site: Restorable, expected: Any) -> None:
    site.sandbox.faults.add("status", method="POST", path=SWITCH, status=403, times=None)

    result = site.restore(straight(site), options=STEADY)

    assert result.outcome.failures == ()
    [told] = [found for found in result.outcome.adjustments if found.field == "temporary workflow"]
    assert "by the paths of the project's own workflows" in told.reason
    assert statuses_of(expected) == statuses_of(shape_of(site.sandbox, KEY))


def test_an_account_that_may_not_make_workflows_goes_by_paths(site: Restorable, expected: Any) -> None:
    site.sandbox.faults.add("status", method="POST", path="/workflows/create$", status=403, times=None)

    result = site.restore(straight(site), options=STEADY)

    assert result.outcome.failures == ()
    assert statuses_of(expected) == statuses_of(shape_of(site.sandbox, KEY))


def test_while_another_task_runs_the_switch_waits(site: Restorable, expected: Any) -> None:
    busy = site.sandbox.faults.add("status", method="POST", path=SWITCH, status=409, times=3)

    site.restore(straight(site), options=STEADY)

    assert busy.fired == 3
    assert statuses_of(expected) == statuses_of(shape_of(site.sandbox, KEY))


def test_a_switch_that_breaks_off_is_told_and_the_restore_goes_by_paths(
    site: Restorable, expected: Any
) -> None:
    class BreakingOff(DirectWriter):
        seen = 0

        def get(self, path: str, query: Mapping[str, str] | None = None) -> object:
            answer = super().get(path, query)
            if "/task/" not in path or not isinstance(answer, dict) or answer["status"] != "COMPLETE":
                return answer
            self.seen += 1
            return {**answer, "status": "FAILED", "message": "out of luck"} if self.seen == 1 else answer

    result = site.restore(straight(site), writer=BreakingOff(site.sandbox), options=STEADY)

    [told] = [found for found in result.outcome.adjustments if found.field == "temporary workflow"]
    assert "ended as FAILED: out of luck" in told.reason
    assert result.outcome.failures == ()
    assert expected == shape_of(site.sandbox, KEY)


def test_tasks_that_run_for_a_while_are_waited_for(site: Restorable, expected: Any) -> None:
    site.sandbox.edits.set_settings(task_polls=4)
    try:
        result = site.restore(straight(site), writer=site.direct(), options=STEADY)
    finally:
        site.sandbox.edits.set_settings(task_polls=1)

    assert result.outcome.requests["GET /rest/api/3/task/{id}"] == 2 * 5
    assert expected == shape_of(site.sandbox, KEY)


class Meddling(DirectWriter):
    """A writer that has the sandbox fail bulk transitions on the issues it makes first."""

    number_refused = 2
    is_refused_alone = False

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        if path.endswith("/bulk/issues/transition") and isinstance(body, dict):
            named = [
                name for group in body["bulkTransitionInputs"] for name in group["selectedIssueIdsOrKeys"]
            ]
            for issue_id in named[: self.number_refused]:
                self._sandbox.edits.refuse_in_bulk(issue_id, "locked by a report")
        elif path.endswith("/transitions") and self.is_refused_alone:
            body = {"transition": {"id": "999999"}}
        return super().send(method, path, body, query)


def test_issues_on_which_the_bulk_operation_fails_are_moved_alone(site: Restorable, expected: Any) -> None:
    result = site.restore(straight(site), writer=Meddling(site.sandbox), options=STEADY)

    assert result.outcome.requests["POST /rest/api/3/issue/{id}/transitions"] == Meddling.number_refused
    assert [found for found in result.outcome.adjustments if found.field == "status"] == []
    assert expected == shape_of(site.sandbox, KEY)


def test_an_issue_that_cannot_be_moved_at_all_is_reported_with_jiras_words(site: Restorable) -> None:
    writer = Meddling(site.sandbox)
    writer.is_refused_alone = True

    result = site.restore(straight(site), writer=writer, options=STEADY)

    told = [found.reason for found in result.outcome.adjustments if found.field == "status"]
    assert len(told) == Meddling.number_refused
    assert all("illegal workflow operation" in reason for reason in told)
    assert shape_of(site.sandbox, KEY)["left over"] == []
    assert int(result.exit_code) == 3


def test_a_scheme_that_cannot_be_given_back_is_told_with_what_to_do(site: Restorable) -> None:
    site.sandbox.faults.add("status", method="POST", path=SWITCH, status=400, after=1, times=None)

    result = site.restore(straight(site), options=STEADY)

    [failure] = result.outcome.failures
    assert failure.kind == "workflow_scheme"
    assert scheme_of(site) in failure.done
    assert failure.done in result.report.to_markdown()
    assert scheme_of(site).startswith(NAME_PREFIX)
    assert int(result.exit_code) == 3


@pytest.mark.parametrize("path", ["/workflowscheme/[0-9]+$", "/workflow/[0-9a-f-]+$"])
def test_what_cannot_be_removed_is_told_with_its_name(site: Restorable, path: str) -> None:
    site.sandbox.faults.add("status", method="DELETE", path=path, status=403, times=None)

    result = site.restore(straight(site), options=STEADY)

    [failure] = result.outcome.failures
    assert NAME_PREFIX in failure.done
    assert "delete the workflow scheme" in failure.done
    assert failure.done in result.report.to_markdown()
    assert int(result.exit_code) == 3
    assert scheme_of(site) == "APP: Workflow Scheme"
    assert left_over(site.sandbox) != []


def test_a_restore_that_fails_says_what_the_project_follows_until_it_is_resumed(
    site: Restorable, expected: Any
) -> None:
    class Failing(DirectWriter):
        def send(self, method: str, path: str, *rest: Any) -> object:
            if path.endswith("/comment"):
                raise TransientError("jira does not answer", hint="Try again later.")
            return super().send(method, path, *rest)

    plan = straight(site)
    with pytest.raises(TransientError) as failure:
        site.restore(plan, writer=Failing(site.sandbox), options=STEADY)
    assert scheme_of(site) in failure.value.hint
    assert scheme_of(site).startswith(NAME_PREFIX)

    site.restore(plan, writer=site.direct(), options=STEADY, resume=True)

    assert expected == shape_of(site.sandbox, KEY)


def test_a_project_that_was_emptied_gets_its_own_scheme_back(site: Restorable) -> None:
    site.restore(site.plan(target_key=KEY), writer=site.direct(), options=STEADY)
    before = shape_of(site.sandbox, KEY)
    project = site.sandbox.site.find_project(KEY)
    assert project is not None
    for issue in list(site.sandbox.site.issues.of_project(project.project_id)):
        if site.sandbox.site.find_issue(str(issue.issue_id)) is not None:
            site.sandbox.edits.delete_issue(str(issue.issue_id))

    plan = site.plan(target_key=KEY)
    assert plan.target.project_id is not None
    assert plan.has_temporary_workflow
    result = site.restore(plan, writer=site.direct(), options=STEADY)

    assert result.outcome.requests["POST /rest/api/3/bulk/issues/transition"] == 1
    after = shape_of(site.sandbox, KEY)
    assert [issue["status"] for issue in before["issues"].values()] == [
        issue["status"] for issue in after["issues"].values()
    ]
    assert (before["workflows"], before["left over"]) == (after["workflows"], after["left over"])


def test_a_project_with_issues_is_left_its_own_workflow(site: Restorable) -> None:
    few = Selection(issue_keys=site.plan(target_key=KEY).creates[:1])
    site.restore(site.plan(target_key=KEY, selection=few), writer=site.direct(), options=STEADY)

    plan = site.plan(target_key=KEY)

    assert len(plan.creates) >= 25
    assert not plan.has_temporary_workflow
