"""Nights with an account whose profile is far from UTC and from the site, and across changes of the clock: nothing is missed.

The overlap is switched off, so that a moment read in the wrong zone would lose the change at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from jira_backup_pipeline.diagnosis import Finding, Health, diagnose
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.domain.times import from_epoch_ms, to_epoch_ms
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import OPERATOR, RECOVERY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.outcomes import CaptureOutcome
    from jira_backup_pipeline.repository.repository import Repository

NIGHT = CaptureOptions(overlap_hours=0, reread_days=0)


@dataclass(frozen=True)
class Case:
    """Where the account lives, where the site does, and when the first backup begins."""

    profile: str
    site: str
    begins: datetime
    written: str


CASES = {
    "UTC-8": Case(
        "America/Los_Angeles", "Europe/Berlin", datetime(2027, 1, 15, 20, tzinfo=UTC), "2027/01/15 12:10"
    ),
    "UTC+13": Case(
        "Pacific/Auckland", "America/New_York", datetime(2027, 1, 15, 20, tzinfo=UTC), "2027/01/16 09:10"
    ),
    # At 09:00 UTC the clocks of the profile go from 02:00 back to 01:00: the second edit is "earlier" than the first.
    "an hour twice": Case(
        "America/Los_Angeles", "Europe/London", datetime(2027, 11, 7, 8, 40, tzinfo=UTC), "2027/11/07 01:50"
    ),
    # At 01:00 UTC they go from 02:00 to 03:00: local times between do not exist.
    "an hour never": Case(
        "Europe/Berlin", "America/Los_Angeles", datetime(2027, 3, 28, 0, 50, tzinfo=UTC), "2027/03/28 03:00"
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def sandbox(case: Case) -> Iterator[RunningSandbox]:
    """A site of its own for each test: its clock must never go back."""
    with start_sandbox(projects=1, issues=12, seed=5) as running:
        running.edits.set_account_zone(case.profile)
        running.edits.set_site_zone(case.site)
        running.edits.set_clock(to_epoch_ms(case.begins))
        yield running


def now(sandbox: RunningSandbox) -> datetime:
    return from_epoch_ms(sandbox.site.now())


def captured(sandbox: RunningSandbox, repository: Repository) -> CaptureOutcome:
    with connect(JiraConfig(sandbox.url, sandbox.email, Secret(sandbox.token))) as client:
        outcome = back_up(
            repository,
            CloudReader(client),
            projects=None,
            with_site=False,
            clock=lambda: now(sandbox),
            options=NIGHT,
        )
    [capture] = outcome.captures
    return capture


def stored(repository: Repository, capture: CaptureOutcome) -> dict[str, tuple[str, datetime]]:
    rows = repository.tables(capture.manifest)["issues"].to_arrow(columns=["id", "summary", "updated"])
    return {row["id"]: (row["summary"], row["updated"]) for row in rows.to_pylist()}


def test_every_change_is_in_the_next_night_whatever_the_zones_are(
    sandbox: RunningSandbox, case: Case
) -> None:
    repository = create_repository(
        MemoryStore(),
        operator=read_identity(OPERATOR),
        recovery_recipient=RECOVERY,
        clock=lambda: now(sandbox),
    )
    first = captured(sandbox, repository)
    issues = sorted(str(issue.issue_id) for issue in sandbox.site.issues)[:2]
    for number, issue in enumerate(issues):
        sandbox.edits.advance_clock(600)
        changed_at = now(sandbox)
        sandbox.edits.edit_issue(issue, {"summary": f"{case.profile} {number}"})
        sandbox.edits.advance_clock(600)

        night = captured(sandbox, repository)

        assert night.changed_units == 1
        assert stored(repository, night)[issue] == (f"{case.profile} {number}", changed_at)
    truth = {str(issue.issue_id): from_epoch_ms(issue.updated_ms) for issue in sandbox.site.issues}
    assert truth == {issue_id: updated for issue_id, (_, updated) in stored(repository, night).items()}
    assert night.manifest.watermark_ms - first.manifest.watermark_ms == 40 * 60_000


def test_the_sandbox_reads_written_dates_in_the_zone_of_the_profile(
    sandbox: RunningSandbox, case: Case
) -> None:
    issue = str(next(iter(sandbox.site.issues)).issue_id)
    sandbox.edits.advance_clock(600)
    sandbox.edits.edit_issue(issue, {"summary": "now"})

    def found(written: str) -> int:
        answer = requests.post(
            f"{sandbox.url}/rest/api/3/search/approximate-count",
            json={"jql": f'updated >= "{written}" AND id = {issue}'},
            auth=(sandbox.email, sandbox.token),
            timeout=30,
        )
        return int(answer.json()["count"])

    later = datetime.strptime(case.written, "%Y/%m/%d %H:%M") + timedelta(minutes=1)  # noqa: DTZ007 - a local text
    assert found(case.written) == 1
    assert found(f"{later:%Y/%m/%d %H:%M}") == 0


def time_zone_finding(sandbox: RunningSandbox) -> list[Finding]:
    settings = Settings.from_environment(
        {"JIRA_BASE_URL": str(sandbox.url), "JIRA_EMAIL": str(sandbox.email), "JIRA_API_TOKEN": sandbox.token}
    )
    return [one for one in diagnose(settings, clock=lambda: now(sandbox)) if one.check == "time zone"]


def test_doctor_compares_the_profile_with_utc_and_tries_an_absolute_time(
    sandbox: RunningSandbox, case: Case
) -> None:
    [compared, tried] = time_zone_finding(sandbox)

    assert (compared.health, tried.health) == (Health.OK, Health.OK)
    assert case.profile in compared.message
    assert "UTC" in compared.message
    assert "absolute times" in tried.message


def test_a_profile_that_keeps_its_zone_to_itself_is_nothing_to_warn_of() -> None:
    with start_sandbox(projects=1, issues=2, seed=5) as sandbox:
        sandbox.site.settings.tell_time_zone = False

        [told, tried] = time_zone_finding(sandbox)

    assert (told.health, tried.health) == (Health.OK, Health.OK)
    assert "does not tell" in told.message
