"""Verdicts on projects: one red project is never hidden by green ones, and retired ones never turn anything red."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.manifest import (
    Gap,
    Head,
    LedgerLine,
    Manifest,
    ProjectIdentity,
    SnapshotState,
)
from jira_backup_pipeline.domain.readings import ListedProject
from jira_backup_pipeline.orchestration.checks import EVERY_FRESH, rolled_up
from jira_backup_pipeline.orchestration.health import has_unrecorded_heads, judge_projects, judge_site
from jira_backup_pipeline.orchestration.registry import ProjectRegistry
from jira_backup_pipeline_tests.doubles.manifests import (
    DAY,
    FRESHNESS,
    NOW,
    heads_of,
    judge,
    manifest_of,
    registry_of,
)

A_GAP = Gap(
    kind="worklog",
    subject="worklogs of an issue",
    reason="No.",
    remedy="Give the permission.",
    status=403,
    issue_id="7",
)


def test_a_recent_complete_snapshot_is_good() -> None:
    health = judge(["AA"], registry_of("AA"), heads_of(manifest_of("AA", "1")))["AA"]

    assert health.complete.is_good
    assert health.fresh.is_good
    assert not health.is_overdue


def test_an_old_snapshot_is_stale_and_overdue() -> None:
    health = judge(["AA"], registry_of("AA"), heads_of(manifest_of("AA", "1", age=2 * DAY)))["AA"]

    assert not health.fresh.is_good
    assert health.is_overdue
    assert "48 hours old" in health.fresh.reason


def test_a_doubtful_snapshot_does_not_count_as_a_fresh_one() -> None:
    doubtful = manifest_of("AA", "1", state=SnapshotState.DOUBTFUL, notes=("a third of the issues is gone",))

    health = judge(["AA"], registry_of("AA"), heads_of(doubtful))["AA"]

    assert not health.fresh.is_good
    assert not health.complete.is_good
    assert "a third of the issues is gone" in health.complete.reason


def test_a_record_missing_without_reason_is_incomplete() -> None:
    short = manifest_of("AA", "1", state=SnapshotState.GAPS, ledger=(LedgerLine("issue", "count", 10, 9),))

    health = judge(["AA"], registry_of("AA"), heads_of(short))["AA"]

    assert health.complete.reason == "1 records are missing without a reason"


def test_a_gap_is_incomplete_until_the_configuration_accepts_it() -> None:
    heads = heads_of(manifest_of("AA", "1", state=SnapshotState.GAPS, gaps=(A_GAP,)))

    def complete(*accepted: str) -> bool:
        [health] = judge_projects(
            ["AA"], registry_of("AA"), heads, now=NOW, freshness=FRESHNESS, accepted_gaps=accepted
        )
        return health.complete.is_good

    assert not complete()
    assert not complete(
        "comment", "worklog:404", "worklog:issue 8", "worklog:another thing", "comment:issue 7"
    )
    for accepted in ("worklog", "worklog:403", "worklog:issue 7", "worklog:worklogs of an issue"):
        assert complete(accepted)


def test_a_new_project_waits_for_the_schedule_before_catch_up_asks_for_it() -> None:
    fresh = judge(["AA"], registry_of("AA", seen_at=NOW - timedelta(hours=1)), {})["AA"]
    old = judge(["AA"], registry_of("AA", seen_at=NOW - 2 * DAY), {})["AA"]

    assert not fresh.is_overdue
    assert old.is_overdue
    assert not fresh.fresh.is_good


def test_a_retired_project_is_shown_and_not_watched() -> None:
    registry = registry_of("AA", is_archived=True)

    health = judge(["AA"], registry, heads_of(manifest_of("AA", "1", age=90 * DAY)))["AA"]

    assert not health.is_watched
    assert not health.is_overdue


def test_an_archived_project_without_any_snapshot_is_still_asked_for() -> None:
    health = judge(["AA"], registry_of("AA", is_archived=True), {})["AA"]

    assert health.is_watched
    assert health.is_overdue


def test_an_unseen_project_is_red_until_somebody_decides() -> None:
    registry = registry_of("AA", "BB").after_listing([ListedProject(ProjectIdentity("2", "BB", "BB"))], NOW)

    health = judge(["AA"], registry, heads_of(manifest_of("AA", "1")))["AA"]

    assert health.is_watched
    assert not health.fresh.is_good
    assert not health.is_overdue
    assert "delete its partition" in health.fresh.remedy


def test_a_partition_added_by_hand_finds_its_snapshot_by_present_or_former_key() -> None:
    renamed = manifest_of("NEW", "1", project=ProjectIdentity("1", "NEW", "x", former_keys=("OLD",)))

    health = judge(["NEW", "OLD"], ProjectRegistry(), heads_of(renamed))

    assert [health["NEW"].snapshot, health["OLD"].snapshot] == [3, 3]


def test_the_site_is_overdue_like_a_project() -> None:
    site = manifest_of("", "1", scope="site", project=None, age=2 * DAY)

    never = judge_site(registry_of("AA"), {}, now=NOW, freshness=FRESHNESS)
    old = judge_site(registry_of("AA"), heads_of(site), now=NOW, freshness=FRESHNESS)
    unknown = judge_site(ProjectRegistry(), {}, now=NOW, freshness=FRESHNESS)

    assert [never.is_overdue, old.is_overdue, unknown.is_overdue] == [True, True, False]


def test_heads_that_the_site_snapshot_does_not_list_are_noticed() -> None:
    project = manifest_of("AA", "1")

    def site(number: int) -> Manifest:
        return manifest_of("", "9", scope="site", project=None, heads={project.scope: Head(number, "00")})

    assert not has_unrecorded_heads(heads_of(project, site(3)))
    assert has_unrecorded_heads(heads_of(project, site(2)))
    assert not has_unrecorded_heads(heads_of(project))


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_the_roll_up_is_green_exactly_when_every_project_is(good: list[bool]) -> None:
    keys = [f"P{number}" for number in range(1, len(good) + 1)]
    manifests = [
        manifest_of(key, str(number), age=timedelta(hours=1) if is_good else 3 * DAY)
        for number, (key, is_good) in enumerate(zip(keys, good, strict=True), start=1)
    ]

    result = rolled_up(
        EVERY_FRESH,
        judge_projects(keys, registry_of(*keys), heads_of(*manifests), now=NOW, freshness=FRESHNESS),
    )

    bad = [key for key, is_good in zip(keys, good, strict=True) if not is_good]
    assert all(good) == result.passed
    assert all(key in str(result.description) for key in bad)
    assert len(bad) == result.metadata["bad"].value


@pytest.mark.parametrize("name", ["every_project_fresh", "every_project_complete"])
def test_no_project_at_all_is_a_warning_and_never_green(name: str) -> None:
    result = rolled_up(name, [])

    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
