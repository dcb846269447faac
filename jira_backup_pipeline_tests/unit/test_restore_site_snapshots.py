"""Which snapshots a site means: of every project that it had then, none that a guard objected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import UnknownName
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, SnapshotState
from jira_backup_pipeline.engine.restore.site_snapshots import site_snapshots
from jira_backup_pipeline_tests.doubles.small_repository import SmallRepository, issue_unit, record, unit

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.units import StoredUnit
    from jira_backup_pipeline.engine.restore.site_snapshots import SiteSnapshots


def listed(*ids: str) -> list[StoredUnit]:
    return [unit(record("site_project", project_id, {"key": f"P{project_id}"})) for project_id in ids]


@pytest.fixture
def small() -> SmallRepository:
    made = SmallRepository()
    made.snapshot([issue_unit("1")], scope="project-1", key="P1")
    made.snapshot([issue_unit("2")], scope="project-2", key="P2")
    made.snapshot(listed("1", "2", "7"), scope=SITE_SCOPE)
    return made


def numbers(found: SiteSnapshots) -> dict[str, int]:
    return {manifest.scope: manifest.number for manifest in found.projects}


def test_every_listed_project_is_found_and_one_without_a_snapshot_is_named(small: SmallRepository) -> None:
    found = site_snapshots(small.repository)
    assert numbers(found) == {"project-1": 1, "project-2": 1}
    assert list(found.errors) == ["P7"]


def test_a_doubtful_snapshot_is_passed_over(small: SmallRepository) -> None:
    small.snapshot([issue_unit("3")], scope="project-1", state=SnapshotState.DOUBTFUL, key="P1")
    assert numbers(site_snapshots(small.repository))["project-1"] == 1


def test_a_number_of_the_site_means_the_heads_that_it_lists(small: SmallRepository) -> None:
    small.snapshot([issue_unit("3")], scope="project-1", key="P1")
    assert numbers(site_snapshots(small.repository))["project-1"] == 2
    assert numbers(site_snapshots(small.repository, number=1))["project-1"] == 1


def test_a_moment_means_the_newest_of_each_not_later(small: SmallRepository) -> None:
    moment = small.clock()
    small.snapshot([issue_unit("3")], scope="project-2", key="P2")
    assert numbers(site_snapshots(small.repository, as_of=moment)) == {"project-1": 1, "project-2": 1}


def test_a_project_that_the_site_had_no_more_is_left_out_with_a_word(small: SmallRepository) -> None:
    small.snapshot(scope=SITE_SCOPE, removed=[("site_project", "2")])
    found = site_snapshots(small.repository)
    assert numbers(found) == {"project-1": 1}
    assert ["project-2" in note and "--project 2" in note for note in found.notes] == [True]
    assert numbers(site_snapshots(small.repository, number=1)) == {"project-1": 1, "project-2": 1}


def test_a_site_without_a_snapshot_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match="the site has no snapshot"):
        site_snapshots(SmallRepository().repository)
