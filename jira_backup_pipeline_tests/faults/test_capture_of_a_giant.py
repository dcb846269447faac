"""An issue at Jira's own limits comes whole: 5,000 comments, 1,200 worklogs, 11,000 history entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.sandbox_captures import SandboxCaptures
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMENTS, WORKLOGS, HISTORIES = 5_000, 1_200, 11_000


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=1, issues=3, seed=9) as running:
        [giant, *_] = [str(issue.issue_id) for issue in running.site.issues]
        calls = Calls(running.core, running.edits, running.token)
        body = running.site.body(running.site.issues.by_id[int(giant)])
        running.edits.add_comment(giant, "one of thousands", count=COMMENTS - len(body.comments))
        for number in range(WORKLOGS):
            made = calls.send("POST", f"/issue/{giant}/worklog", {"timeSpentSeconds": 60 + number})
            assert made.status == 201
        body = running.site.body(running.site.issues.by_id[int(giant)])
        running.edits.add_histories(giant, HISTORIES - len(body.histories))
        yield running


def test_a_giant_comes_whole_and_is_not_read_again(running: RunningSandbox) -> None:
    site = SandboxCaptures(running)

    done = site.capture()

    counts = done.manifest.counts
    assert counts["comments"] >= COMMENTS
    assert counts["worklogs"] >= WORKLOGS
    assert counts["changelog"] >= HISTORIES
    assert done.manifest.state is SnapshotState.COMPLETE
    site.assert_true(done.manifest)
    site.assert_intact()
    with site.asked() as asked:
        site.capture()
    assert not asked
