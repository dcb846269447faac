"""Nobody gets mail while issues are written, and the project's own notification scheme comes back whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.engine.restore.plan import Selection
from jira_backup_pipeline.engine.restore.quiet import SILENT_SCHEME
from jira_backup_pipeline.engine.restore.verdicts import Rule
from jira_backup_pipeline.sandbox.setup.schemes import follows, notification_schemes
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    Killed,
    Restorable,
    restorable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OWN = "Default Notification Scheme"


@pytest.fixture(scope="module")
def running() -> Iterator[Restorable]:
    with restorable(projects=1, issues=8) as made:
        yield made


@pytest.fixture
def site(running: Restorable) -> Restorable:
    """Give the site without faults and with none of the issues that it was captured with."""
    running.sandbox.faults.clear()
    running.sandbox.site.made.bindings.clear()
    lose_issues(running)
    return running


def scheme_of(site: Restorable, key: str | None = None) -> str:
    """Name the notification scheme that a project follows."""
    project = site.sandbox.site.find_project(key or site.key)
    assert project is not None
    scheme_id = follows(site.sandbox.site, project, "notification_scheme")
    [name] = [
        str(scheme["name"])
        for scheme in notification_schemes(site.sandbox.site)
        if str(scheme["id"]) == scheme_id
    ]
    return name


def lose_issues(site: Restorable) -> None:
    for issue in list(site.sandbox.site.issues.of_project(int(site.manifest.project.id))):
        if site.sandbox.site.find_issue(str(issue.issue_id)) is not None:
            site.sandbox.edits.delete_issue(str(issue.issue_id))
    site.sandbox.site.made.mails.clear()


def test_no_mail_goes_out_and_the_own_scheme_is_back_in_the_end(site: Restorable) -> None:
    plan = site.plan()
    assert any("empty notification scheme" in line for line in plan.prerequisites)

    result = site.restore(plan)

    assert int(result.exit_code) == 0
    assert site.sandbox.site.made.mails == []
    assert scheme_of(site) == OWN
    site.restore(site.plan(target_key="ALSO"))
    assert scheme_of(site, "ALSO") == OWN
    names = [scheme["name"] for scheme in notification_schemes(site.sandbox.site)]
    assert names.count(SILENT_SCHEME) == 1


def test_killed_at_any_write_the_resumed_restore_gives_the_own_scheme_back(site: Restorable) -> None:
    few = Selection(issue_keys=site.plan().creates[:1])
    whole = Fate()
    site.restore(site.plan(selection=few), options=STEADY)
    lose_issues(site)
    site.restore(site.plan(selection=few), writer=site.direct(fate=whole), options=STEADY)

    for last in range(1, len(whole.events) + 1):
        lose_issues(site)
        plan = site.plan(selection=few)
        with pytest.raises(Killed):
            site.restore(plan, writer=site.direct(fate=Fate(last)), options=STEADY)

        site.restore(plan, writer=site.direct(), options=STEADY, resume=True)

        assert scheme_of(site) == OWN, f"killed after write {last}: {whole.events[last - 1]}"
        assert site.sandbox.site.made.mails == []


class Failing(DirectWriter):
    """A writer to whom Jira answers no more: at calls that `fails` picks by their number."""

    fails: Callable[[str, int], bool]
    seen = 0

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        self.seen += method == "PUT" and "/project/" in path
        if self.fails(f"{method} {path}", self.seen):
            raise TransientError("jira does not answer", hint="Try again later.")
        return super().send(method, path, body, query)


def failing(site: Restorable, fails: Callable[[str, int], bool]) -> Failing:
    writer = Failing(site.sandbox)
    writer.fails = fails
    return writer


def test_a_restore_that_fails_gives_the_own_scheme_back_at_once(site: Restorable) -> None:

    plan = site.plan()
    with pytest.raises(TransientError):
        site.restore(plan, writer=failing(site, lambda event, _: event.endswith("/issue/bulk")))

    assert scheme_of(site) == OWN
    assert int(site.restore(plan, resume=True).exit_code) == 0
    assert scheme_of(site) == OWN
    assert site.sandbox.site.made.mails == []


def test_where_jira_is_gone_the_error_says_that_the_project_is_still_silent(site: Restorable) -> None:
    plan = site.plan()
    gone = failing(site, lambda event, changes: event.endswith("/issue/bulk") or changes > 1)

    with pytest.raises(TransientError) as failure:
        site.restore(plan, writer=gone)

    assert SILENT_SCHEME in failure.value.hint
    assert scheme_of(site) == SILENT_SCHEME
    assert int(site.restore(plan, resume=True).exit_code) == 0
    assert scheme_of(site) == OWN


def test_a_scheme_that_cannot_be_given_back_is_reported(site: Restorable) -> None:
    path = f"/project/{site.manifest.project.id}$"
    site.sandbox.faults.add("status", method="PUT", path=path, status=403, after=1, times=None)

    result = site.restore(site.plan())

    [failure] = result.outcome.failures
    assert failure.kind == "notification_scheme"
    assert SILENT_SCHEME in failure.done
    # A project that tells nobody of anything any more must not look like success.
    assert int(result.exit_code) == 3
    assert result.report is not None
    assert [(found.field, found.judgement.rule) for found in result.report.findings] == [
        ("notification scheme", Rule.LEFT_OVER)
    ]


def test_an_account_that_may_not_exchange_schemes_is_told_so(site: Restorable) -> None:
    site.sandbox.faults.add(
        "status", method="PUT", path=f"/project/{site.manifest.project.id}$", status=403, times=None
    )

    result = site.restore(site.plan())

    assert [failure.kind for failure in result.outcome.failures] == ["notification_scheme"]
    assert int(result.exit_code) == 0
    assert site.sandbox.site.made.mails != []


def test_an_account_that_administers_nothing_logs_work_with_mail_rather_than_not_at_all(
    site: Restorable,
) -> None:
    for permission in ("ADMINISTER", "ADMINISTER_PROJECTS"):
        site.sandbox.edits.deny(permission)
    try:
        result = site.restore(site.plan())
    finally:
        for permission in ("ADMINISTER", "ADMINISTER_PROJECTS"):
            site.sandbox.edits.allow(permission)

    assert site.manifest.counts["worklogs"] > 0
    assert result.report is not None
    assert result.report.records["worklog"] == site.manifest.counts["worklogs"]
    assert [found for found in result.report.findings if found.kind == "worklog"] == []
