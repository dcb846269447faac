"""A team-managed project is captured whole, comes back company-managed once it is gone, and is repaired while it is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.journeys.test_capture_truth import (
    backed_up,
    compare_project,
    stored,
    truth_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.server import RunningSandbox

KEY = "TM1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=1, issues=12, seed=5, team_managed=2) as made:
        yield made


def scope_of(sandbox: RunningSandbox, key: str = KEY) -> dict[str, Any]:
    project = sandbox.site.find_project(key)
    assert project is not None
    return {"type": "PROJECT", "project": {"id": str(project.project_id)}}


def test_a_team_managed_project_is_captured_with_all_that_is_its_own(sandbox: RunningSandbox) -> None:
    repository, outcome = backed_up(sandbox, MemoryStore())

    site = outcome.captures[0].manifest
    project = next(
        c.manifest for c in outcome.captures if c.manifest.project and c.manifest.project.key == KEY
    )
    assert project.state is SnapshotState.COMPLETE
    assert [gap for gap in site.gaps if not gap.is_accepted(())] == []
    truth = truth_of(sandbox, project.project.id if project.project else None)
    assert len(truth["issue"]) == project.counts["issues"] == 14
    compare_project(repository, project, truth)
    for table in ("issue_types", "statuses", "fields", "workflows", "roles"):
        rows = [json.loads(row["raw"]) for row in stored(repository, site, table).values()]
        own = {row["name"] for row in rows if row.get("scope") == scope_of(sandbox)}
        assert own, table
        known = truth_of(sandbox, None)[{"statuses": "status"}.get(table, table.removesuffix("s"))]
        assert own == {row["name"] for row in known.values() if row.get("scope") == scope_of(sandbox)}
    ((_, detail),) = truth["project"].items()
    (row,) = stored(repository, project, "projects").values()
    raw = json.loads(row["raw"])
    assert (raw["style"], raw["simplified"], raw["entityId"]) == (
        "next-gen",
        True,
        detail["detail"]["entityId"],
    )
    # No scheme names the project.
    for kind in ("issue_type_scheme", "workflow_scheme", "issue_type_screen_scheme"):
        groups = stored(repository, site, f"{kind}_projects").values()
        assert all(
            project.project and project.project.id not in json.loads(g["raw"])["projectIds"] for g in groups
        )
