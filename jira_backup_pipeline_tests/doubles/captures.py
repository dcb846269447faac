"""Captures of a `PocketJira` into a repository, and what a snapshot says again when it is read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyrage

from jira_backup_pipeline.domain.manifest import project_scope
from jira_backup_pipeline.engine.backup import find_projects, new_run_id
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository, open_repository

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.outcomes import CaptureOutcome
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.store.contract import Store
    from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

SCOPE = project_scope("10000")
# Drawn once: making keys is not what these tests are about.
OPERATOR = str(pyrage.x25519.Identity.generate())
RECOVERY = str(pyrage.x25519.Identity.generate().to_public())


def new_repository(store: Store, jira: PocketJira) -> Repository:
    """Create a repository in a store."""
    return create_repository(
        store, operator=read_identity(OPERATOR), recovery_recipient=RECOVERY, clock=jira.clock
    )


def reopen(store: Store, jira: PocketJira) -> Repository:
    """Open a repository as a new process would."""
    return open_repository(store, identity_text=OPERATOR, clock=jira.clock)


def capture(
    repository: Repository, jira: PocketJira, *, project: str = "10000", options: CaptureOptions | None = None
) -> CaptureOutcome:
    """Capture one project the way the verb does."""
    [listed] = find_projects(jira, [project])
    jira.read.clear()
    return capture_project(
        repository,
        jira,
        listed,
        run=new_run_id(jira.clock),
        clock=jira.clock,
        options=options or CaptureOptions(reread_days=0),
    )


def content(repository: Repository, manifest: Manifest) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give summary and comments by issue id as a snapshot holds them: comparable with `PocketJira.truth`."""
    tables = repository.tables(manifest)
    comments: dict[str, list[tuple[str, str]]] = {}
    for row in tables["comments"].to_arrow().to_pylist():
        comments.setdefault(row["issue_id"], []).append((row["id"], json.loads(row["raw"])["body"]))
    return {
        row["id"]: (row["summary"], tuple(body for _, body in sorted(comments.get(row["id"], ()))))
        for row in tables["issues"].to_arrow().to_pylist()
    }
