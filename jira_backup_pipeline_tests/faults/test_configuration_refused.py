"""Jira refuses parts of the configuration: the run goes on, names each part, and keeps what was stored of it before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.journeys.test_capture_truth import backed_up, now, reader_of

if TYPE_CHECKING:
    from pathlib import Path

SPRINTS = "/rest/agile/1.0/board/{boardId}/sprint"
CASES = {
    "a list that only administrators see": ("/rest/api/3/permissionscheme", 403, "permission_scheme", True),
    "a list that was taken away": ("/rest/api/3/fieldconfiguration", 410, "field_configuration", True),
    "a board without mapped statuses": (SPRINTS, 422, "sprint", True),
    "a field without contexts": ("/rest/api/3/field/{fieldId}/context", 404, "field_context", True),
    "an odd refusal of a whole list": ("/rest/api/3/permissionscheme", 400, "permission_scheme", False),
    "a token without the scope": ("/rest/api/3/screens", 401, "screen", False),
    "statuses that only administrators see": ("/rest/api/3/statuses/search", 403, "status", False),
}


@pytest.mark.parametrize(("path", "status", "kind", "is_accepted"), CASES.values(), ids=CASES.keys())
def test_a_refused_part_is_a_gap_and_its_stored_copy_stays(
    tmp_path: Path, path: str, status: int, kind: str, is_accepted: bool
) -> None:
    with start_sandbox(projects=1, issues=3, seed=11) as sandbox:
        repository, before = backed_up(sandbox, LocalStore(tmp_path / "repository"))
        fault = sandbox.faults.add("status", status=status, path=path, times=None)
        with reader_of(sandbox) as reader:
            after = back_up(
                repository, reader, projects=None, with_site=True, clock=now, options=CaptureOptions()
            )

    assert fault.fired
    site = after.captures[0]
    assert site.manifest.state == SnapshotState.GAPS
    assert kind in {gap.kind for gap in site.manifest.gaps}
    assert {status} == {gap.status for gap in site.manifest.gaps}
    assert all(gap.subject and gap.reason and gap.remedy for gap in site.manifest.gaps)
    assert is_accepted is site.is_clean
    assert site.manifest.unexplained == 0
    assert before.captures[0].manifest.counts == site.manifest.counts
    assert after.captures[1].manifest.state == SnapshotState.COMPLETE
