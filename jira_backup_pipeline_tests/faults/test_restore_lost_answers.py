"""An answer that is lost after the write took effect never leads to a second copy; a missing permission costs time only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import AnswerLost, CredentialsRejected, TransientError
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.report import FidelityReport
from jira_backup_pipeline_tests.doubles.remembering import RememberingRepository
from jira_backup_pipeline_tests.doubles.restorable import STEADY, Restorable, now, restorable, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.server import RunningSandbox

EVERY_WRITE = (
    "/issue/bulk",
    "/comment",
    "/worklog",
    "/attachments",
    "/issueLink",
    "/remotelink",
    "/watchers",
    "/properties/",
    "/transitions",
    "/bulk/issues/transition",
    "/workflows/create",
    "POST /rest/api/3/workflowscheme",
    "/workflowscheme/project/switch",
    "DELETE /rest/api/3/workflowscheme/",
    "DELETE /rest/api/3/workflow/",
    "/bulk/issues/unwatch",
    "/component",
    "/version",
    "/project",
    "POST /rest/agile/1.0/sprint",
    "/sprint/",
    "PUT /rest/agile/1.0/issue/rank",
    "PUT /rest/api/3/issue/",
)
# Statuses go these ways where there is no temporary workflow; there, the second is asked for once only.
ALONG_PATHS = ("/transitions", "/bulk/issues/transition")


def add_a_large_property(sandbox: RunningSandbox) -> None:
    """Give an issue a property that is too large to go along with its creation."""
    [issue, *_] = sandbox.site.issues.of_project(next(iter(sandbox.site.projects)))
    sandbox.site.issues.pin(issue).properties["sandbox.large"] = {"text": "words " * 1000}


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    """A site that lost its first project with its board and sprints."""
    with restorable(projects=2, issues=60, before=add_a_large_property) as made:
        made.sandbox.edits.delete_project(made.key, permanent=True)
        # The snapshot is restored once for every sort of write: what is proven is on the target's side.
        repository: Any = RememberingRepository(made.repository)
        yield replace(made, repository=repository)


@pytest.fixture(scope="module")
def expected(site: Restorable) -> Any:
    site.restore(site.plan(target_key="PLAIN"), writer=site.direct(), options=STEADY)
    return shape_of(site.sandbox, "PLAIN")


@pytest.mark.parametrize(
    ("part", "is_straight"),
    [
        *((part, True) for part in EVERY_WRITE if part != "/transitions"),
        *((part, False) for part in ALONG_PATHS),
    ],
)
def test_a_lost_answer_to_any_write_leads_to_no_second_copy(
    site: Restorable, expected: Any, part: str, is_straight: bool
) -> None:
    key = f"L{EVERY_WRITE.index(part)}{'XP'[not is_straight]}"
    forgotten: list[str] = []

    def forgets(event: str, _: int) -> bool:
        if part in event and len(forgotten) < 2 and (part != "/project" or event.endswith("/project")):
            forgotten.append(event)
            return True
        return False

    plan = replace(site.plan(target_key=key), has_temporary_workflow=is_straight)
    result = site.restore(plan, writer=site.direct(forgets=forgets), options=STEADY)

    assert forgotten
    assert expected == shape_of(site.sandbox, key)
    assert result.report.wrong_total == 0


def test_an_answer_lost_on_the_wire_is_looked_after_over_http(site: Restorable) -> None:
    faults = [
        site.sandbox.faults.add("lost_answer", method="POST", path=path)
        for path in ("/issue/bulk$", "/comment$", "/worklog$", "/attachments$")
    ]

    result = site.restore(site.plan(target_key="WIRE"), options=STEADY)

    assert [fault.fired for fault in faults] == [1, 1, 1, 1]
    assert list(result.report.findings) == []


def test_answers_that_keep_getting_lost_end_the_run_and_a_resume_completes_it(
    site: Restorable, expected: Any
) -> None:
    class Deaf:
        """A writer whose comments never arrive, and never are answered either."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def send(self, method: str, path: str, *rest: Any) -> object:
            if path.endswith("/comment"):
                raise AnswerLost("no answer", hint="Look before trying again.")
            return self._inner.send(method, path, *rest)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    plan = site.plan(target_key="LOSS")
    with pytest.raises(TransientError):
        apply_plan(site.repository, plan, Deaf(site.direct()), run="loss-1", clock=now, options=STEADY)

    apply_plan(site.repository, plan, site.direct(), run="loss-2", clock=now, options=STEADY, resume=True)

    assert expected == shape_of(site.sandbox, "LOSS")


def test_a_token_that_expires_midway_ends_the_run_and_a_resume_completes_it(
    site: Restorable, expected: Any
) -> None:
    class Expiring:
        """A writer whose token is no longer taken after some writes."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def send(self, *request: Any) -> object:
            if len(self._inner.writes) >= 40:
                raise CredentialsRejected("401", hint="Make a new token.")
            return self._inner.send(*request)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    plan = site.plan(target_key="GONE")
    with pytest.raises(CredentialsRejected):
        apply_plan(site.repository, plan, Expiring(site.direct()), run="gone-1", clock=now, options=STEADY)

    apply_plan(site.repository, plan, site.direct(), run="gone-2", clock=now, options=STEADY, resume=True)

    assert expected == shape_of(site.sandbox, "GONE")


def test_without_bulk_permission_statuses_come_back_one_by_one(site: Restorable, expected: Any) -> None:
    site.sandbox.edits.deny("BULK_CHANGE")
    try:
        plan = site.plan(target_key="SINGLE")
        result = site.restore(plan, writer=site.direct(), options=STEADY)
    finally:
        site.sandbox.edits.allow("BULK_CHANGE")

    assert any("in bulk" in text for text in plan.prerequisites)
    assert expected == shape_of(site.sandbox, "SINGLE")
    assert isinstance(result.report, FidelityReport)
    assert result.report.wrong_total == 0
