"""The caller waits for the window that was begun first, so nothing of a later one is asked before its last question but bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.jira import issues
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, issue, units
from jira_backup_pipeline_tests.doubles.scripted_http import Reply

if TYPE_CHECKING:
    import pytest


def test_the_links_of_a_window_wait_for_the_people_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issues, "WINDOW", 2)
    watched = [issue(number, watches={"watchCount": 1}) for number in range(1, 7)]
    played = PlayedJira(
        watched, remotelink=Reply.json([]), watchers=Reply.json({"watchers": [{"accountId": "a"}]})
    )

    read, seen = units(played, links_of=None)

    assert len(read) == len(watched)
    asked = [one.path for one in seen if one.path.endswith(("/remotelink", "/watchers"))]
    windows = [{path.split("/")[-2] for path in asked[start : start + 4]} for start in range(0, 12, 4)]
    assert windows == [{"1", "2"}, {"3", "4"}, {"5", "6"}]
