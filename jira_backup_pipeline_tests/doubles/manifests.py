"""Manifests, heads and registries made by hand, for judging them without a repository or a Jira."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.manifest import (
    Manifest,
    ObjectRef,
    ProjectIdentity,
    SnapshotState,
    project_scope,
)
from jira_backup_pipeline.domain.readings import ListedProject
from jira_backup_pipeline.orchestration.heads import Heads
from jira_backup_pipeline.orchestration.health import judge_projects
from jira_backup_pipeline.orchestration.registry import ProjectRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.orchestration.health import ProjectHealth

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FRESHNESS = timedelta(hours=30)


def manifest_of(
    key: str, project_id: str, *, age: timedelta = timedelta(hours=6), **changes: Any
) -> Manifest:
    """Make a complete manifest of snapshot 3, captured `age` before NOW."""
    values: dict[str, Any] = {
        "repository_id": "r",
        "cloud_id": "c",
        "scope": project_scope(project_id),
        "number": 3,
        "parent": 2,
        "parent_sha256": "00",
        "run": "run",
        "tool_version": "0",
        "state": SnapshotState.COMPLETE,
        "captured_at": NOW - age,
        "committed_at": NOW - age,
        "watermark_ms": 0,
        "index": ObjectRef("indexes/x", 1, "00", "00"),
        "packs": (),
        "counts": {},
        "project": ProjectIdentity(project_id, key, key),
    }
    return Manifest(**(values | changes))


def heads_of(*manifests: Manifest) -> dict[str, Heads]:
    """Take each manifest as the newest of its scope."""
    return {m.scope: Heads(m, m if m.is_restorable_by_default else None) for m in manifests}


def registry_of(*keys: str, seen_at: datetime = NOW - 7 * DAY, **standing: Any) -> ProjectRegistry:
    """Register projects of the ids 1, 2, 3 and so on."""
    projects = [
        ListedProject(ProjectIdentity(str(number), key, key), **standing)
        for number, key in enumerate(keys, start=1)
    ]
    return ProjectRegistry().after_listing(projects, seen_at)


def judge(keys: list[str], registry: ProjectRegistry, heads: Mapping[str, Heads]) -> dict[str, ProjectHealth]:
    """Judge projects at NOW, by key."""
    return {p.key: p for p in judge_projects(keys, registry, heads, now=NOW, freshness=FRESHNESS)}
