"""Who a run works as is asked once in a while: often enough for a true watermark, never once for each project."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.domain.times import to_epoch_ms
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.readings import Account

PROJECTS = 4


class Counting(PocketJira):
    """Counts how often it is asked who signs in; our own clock runs apart from Jira's, a step for each project."""

    def __init__(self, step: timedelta) -> None:
        super().__init__()
        self.asked = 0
        self.ours = self.now - timedelta(hours=3)
        self.step = step
        for number in range(PROJECTS):
            project_id = str(20_000 + number)
            self.projects_by_id[project_id] = ProjectIdentity(project_id, f"P{number}", f"Project {number}")
            self.add(project_id=project_id)

    def whoami(self) -> Account:
        self.asked += 1
        return super().whoami()

    def our_clock(self) -> datetime:
        return self.ours

    def issue_count(self, project_id: str) -> int | None:
        # The last question of a capture: what comes later belongs to the next one.
        self.ours += self.step
        self.now += abs(self.step)
        return super().issue_count(project_id)


@pytest.mark.parametrize(
    ("step", "asked"),
    [
        (timedelta(seconds=2), 1),
        (timedelta(minutes=11), 1 + PROJECTS),
        (timedelta(minutes=-1), 1 + PROJECTS),
    ],
    ids=["a short run", "a long one", "our clock is set back"],
)
def test_the_account_is_asked_again_when_time_has_passed_and_the_watermark_is_jiras(
    step: timedelta, asked: int
) -> None:
    jira, store = Counting(step), MemoryStore()
    new_repository(store, jira)
    began = jira.now

    outcome = back_up(reopen(store, jira), jira, projects=None, with_site=True, clock=jira.our_clock)

    projects = [capture.manifest for capture in outcome.captures if capture.manifest.project]
    assert len(projects) == len(jira.projects_by_id) == PROJECTS + 1
    assert jira.asked == asked
    marks = [manifest.watermark_ms for manifest in projects]
    assert marks == [to_epoch_ms(began + number * abs(step)) for number in range(len(projects))]
