"""When a restore asks for the key typed out: above 1,000 issues, and when it writes over what people work on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jira_backup_pipeline.domain.errors import Refused, RestoreConflict
from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.engine.restore.idmap import TargetIssue
from jira_backup_pipeline.engine.restore.planned import PlannedTarget, Policy, RestorePlan
from jira_backup_pipeline.engine.restore.planned_lines import Conflict
from jira_backup_pipeline.engine.restore.safety import check_safety, unconfirmed_reason
from jira_backup_pipeline.engine.restore.selection import Selection


def plan(
    *, creates: int = 0, updates: int = 0, policy: Policy = Policy.SKIP, key: str = "NEW", **target: bool
) -> RestorePlan:
    here = {"is_same_site": True, "is_source_project": False, **target}
    return RestorePlan(
        repository_id="r",
        scope="project-1",
        snapshot=1,
        source=ProjectIdentity("1", "OLD", "Old"),
        target=PlannedTarget("https://site.example", "cloud", key, "New", None, **here),
        selection=Selection(),
        policy=policy,
        creates=tuple(str(number) for number in range(creates)),
        updates={str(number): TargetIssue("1", "OLD-1") for number in range(updates)},
        skips={},
        standing={},
        needed=None,
        counts={},
        steps=(),
    )


@pytest.mark.parametrize(
    ("found", "asks"),
    [
        (plan(creates=1000), False),
        (plan(creates=1001), True),
        (plan(creates=600, updates=401), True),
        (plan(updates=1, policy=Policy.UPDATE, is_source_project=True), True),
        (plan(updates=1, policy=Policy.UPDATE, key="OLD"), True),
        (plan(updates=1, policy=Policy.UPDATE), False),
        (plan(updates=1, policy=Policy.UPDATE, key="OLD", is_same_site=False), False),
        (plan(creates=1, is_source_project=True, key="OLD"), False),
    ],
)
def test_large_restores_and_updates_of_the_source_ask(found: RestorePlan, asks: bool) -> None:
    assert (unconfirmed_reason(found) is not None) is asks
    if asks:
        with pytest.raises(Refused, match="was not confirmed") as refused:
            check_safety(found, None)
        assert f"--confirm {found.target.key}" in refused.value.hint
    else:
        check_safety(found, None)
    check_safety(found, found.target.key)
    with pytest.raises(Refused, match="but the target is"):
        check_safety(found, "OTHER")


def test_nothing_confirms_away_what_is_in_the_way() -> None:
    conflict = Conflict("project", "NEW", "it is archived", "Unarchive it.", is_blocking=True)
    blocked = replace(plan(creates=1), conflicts=(conflict,))
    with pytest.raises(RestoreConflict, match="it is archived"):
        check_safety(blocked, "NEW")


def test_issues_of_one_run_count_together() -> None:
    assert unconfirmed_reason(plan(creates=10), together=1001) == "writes 1,001 issues"
    assert unconfirmed_reason(plan(), together=1001) is None
