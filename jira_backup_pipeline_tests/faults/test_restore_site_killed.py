"""A restore of several projects dies in the middle of one: resumed, it ends as if nothing had happened, and makes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.restore.several import plan_several, restore_several
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    Killed,
    Restorable,
    now,
    restorable,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.restore.several import SeveralRestores


@pytest.fixture
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=12) as made:
        yield made


def captured(site: Restorable) -> list[Manifest]:
    _, other = site.reader.projects()
    second = capture_project(site.repository, site.reader, other, run="capture-2", clock=now).manifest
    return [site.manifest, second]


def run(site: Restorable, manifests: list[Manifest], writer: Any, *, resume: bool = False) -> SeveralRestores:
    planned = plan_several(site.repository, manifests, writer, clock=now)

    def new_run() -> str:
        site.runs += 1
        return f"several{site.runs:03}"

    return restore_several(
        site.repository,
        planned,
        writer,
        site.reader,
        new_run=new_run,
        clock=now,
        resume=resume,
        options=STEADY,
    )


def lose_everything(site: Restorable, manifests: list[Manifest]) -> list[str]:
    keys = [manifest.project.key for manifest in manifests if manifest.project is not None]
    for key in keys:
        site.sandbox.edits.delete_project(key, permanent=True)
    return keys


def test_killed_in_the_second_project_and_resumed_all_is_there_once(site: Restorable) -> None:
    manifests = captured(site)
    keys = lose_everything(site, manifests)
    whole = DirectWriter(site.sandbox)
    assert int(run(site, manifests, whole).exit_code) == 0
    wanted = [shape_of(site.sandbox, key) for key in keys]
    second = next(
        number for number, event in enumerate(whole.writes) if event == "POST /rest/api/3/project" and number
    )
    lose_everything(site, manifests)
    fate = Fate(last=second + 12)

    with pytest.raises(Killed):
        run(site, manifests, DirectWriter(site.sandbox, fate=fate))
    resumed = run(site, manifests, DirectWriter(site.sandbox), resume=True)

    assert int(resumed.exit_code) == 0
    first, last = resumed.projects
    assert first.result is not None
    assert first.result.plan.creates == ()
    assert last.result is not None
    assert last.result.outcome is not None
    assert last.result.outcome.is_resumed
    assert wanted == [shape_of(site.sandbox, key) for key in keys]


class Revoked(DirectWriter):
    """Its token is revoked once so many things were written."""

    limit = 40

    def send(self, *request: Any) -> object:
        if len(self.writes) >= self.limit:
            raise CredentialsRejected("the token is not accepted", hint="Make a new one.")
        return super().send(*request)


def test_a_revoked_token_ends_the_run_for_all_that_are_left(site: Restorable) -> None:
    """What every project would meet is said once for each, and no more is tried."""
    manifests = captured(site)
    lose_everything(site, manifests)
    writer = Revoked(site.sandbox)

    result = run(site, manifests, writer)

    assert [type(project.error) for project in result.projects] == [CredentialsRejected, CredentialsRejected]
    assert len(writer.writes) == Revoked.limit
    assert int(result.exit_code) == 1
    assert int(run(site, manifests, DirectWriter(site.sandbox), resume=True).exit_code) == 0
