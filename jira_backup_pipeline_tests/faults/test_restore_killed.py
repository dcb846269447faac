"""A restore that dies after any write or any journal document is resumed to the same target, and nothing is there twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import Refused
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.plan import Selection
from jira_backup_pipeline.engine.restore.relations import link_ends
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline_tests.doubles.remembering import RememberingRepository
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    Fate,
    FatedRepository,
    Killed,
    Restorable,
    now,
    restorable,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.plan import RestorePlan

KINDS = ("attachment", "comment", "worklog", "remote_link", "watcher", "issue_property")


@dataclass(slots=True, eq=False)
class Scene:
    """A lost project of 60 issues, and a plan that is carried out under ever new keys."""

    site: Restorable
    repository: RememberingRepository
    plan: RestorePlan
    name: str

    def restore(self, key: str, fate: Fate, *, run: str, resume: bool = False) -> None:
        """Restore into a project of that key, as far as fate allows."""
        # The key is not taken, so the plan for it differs in nothing but the key and the name.
        target = replace(self.plan.target, key=key, name=f"restored as {key}")
        repository: Any = FatedRepository(self.repository, fate)
        writer = self.site.direct(fate=fate)
        apply_plan(
            repository,
            replace(self.plan, target=target),
            writer,
            run=run,
            clock=now,
            resume=resume,
            options=STEADY,
        )

    def shape(self, key: str) -> dict[str, Any]:
        """Say what came of it, and make room for the next."""
        found = shape_of(self.site.sandbox, key)
        self.site.sandbox.edits.delete_project(key, permanent=True)
        return found

    def uninterrupted(self) -> tuple[list[str], dict[str, Any]]:
        """Say what happens when nothing happens, and what comes of it.

        The first restore of a site makes what later ones find (the silent scheme, the board's filter): the second one counts.
        """
        fate = Fate()
        for run in ("prime", "whole"):
            fate = Fate()
            self.restore("KILLED", fate, run=f"{self.name}{run}")
            shape = self.shape("KILLED")
        return fate.events, shape

    def die_and_resume(self, last: int) -> dict[str, Any]:
        """Die after so many events, resume, and say what came of it."""
        with pytest.raises(Killed):
            self.restore("KILLED", Fate(last), run=f"{self.name}first{last:04}")
        self.restore("KILLED", Fate(), run=f"{self.name}second{last:04}", resume=True)
        return self.shape("KILLED")


@pytest.fixture(scope="module")
def lost() -> Iterator[Restorable]:
    """A site that lost its first project of 60 issues with board and sprints."""
    with restorable(projects=2, issues=120, seed=7) as made:
        made.sandbox.edits.delete_project(made.key, permanent=True)
        yield made


@pytest.fixture(scope="module")
def whole(lost: Restorable) -> Scene:
    """All 60 issues."""
    return Scene(
        lost, RememberingRepository(lost.repository), lost.plan(lost.direct(), target_key="KILLED"), "all"
    )


@pytest.fixture(scope="module")
def few(lost: Restorable) -> Scene:
    """The fewest issues that hold every kind: for each the issue with the least on it, and a sub-task."""
    view = SnapshotView(lost.repository, lost.manifest)
    heads = {head.id: head for head in view.heads()}
    hanging = Counter(row.issue_id for kind in KINDS for row in view.rows(kind))
    chosen = {next(head.parent_id for head in heads.values() if head.level < 0)}
    links = [ends[1:] for row in view.rows("issue_link") if (ends := link_ends(row)) is not None]
    own = [pair for pair in links if set(pair) <= set(heads)]
    chosen.update(min(own, key=lambda pair: (hanging[pair[0]] + hanging[pair[1]], pair)))
    for kind in KINDS:
        owners = {row.issue_id for row in view.rows(kind)}
        assert owners, f"the seed has no {kind}"
        chosen.add(min(owners, key=lambda owner: (hanging[owner], str(owner))))
    keys = tuple(sorted(heads[str(owner)].key for owner in chosen))
    plan = lost.plan(lost.direct(), target_key="KILLED", selection=Selection(issue_keys=keys))
    return Scene(lost, RememberingRepository(lost.repository), plan, "few")


def test_killed_at_any_journal_step_a_restore_of_sixty_issues_resumes_to_the_same_target(
    whole: Scene,
) -> None:
    events, expected = whole.uninterrupted()
    steps = [place for place, event in enumerate(events, 1) if event.startswith("journals ")]
    assert len(expected["issues"]) == 60
    for name in ("comments", "worklogs", "files", "links", "remote", "watchers", "properties", "sprints"):
        assert any(issue[name] for issue in expected["issues"].values()), name
    assert len(steps) > 25
    # At each document of the journal on its harder side: after an intent nothing is done yet, before a result all is done
    # and nothing recorded. The other sides are among the events that the smaller restore below dies after.
    moments = sorted({step - events[step - 1].endswith((" result", " end")) for step in steps})

    for last in moments:
        assert expected == whole.die_and_resume(last), f"killed after event {last}: {events[last - 1]}"


def test_killed_after_any_event_the_restore_resumes_to_the_same_target(few: Scene) -> None:
    events, expected = few.uninterrupted()
    assert len(expected["issues"]) > 3
    assert {"journals begin", "journals intent", "journals result", "journals end"} <= set(events)
    kinds = ("/issue/bulk", "/comment", "/worklog", "/attachments", "/issueLink", "/remotelink", "/watchers")
    agile = ("/agile/1.0/sprint", "/issue/rank", "/transitions", "PUT /rest/api/3/issue/")
    assert [part for part in (*kinds, *agile) if not any(part in event for event in events)] == []

    for last in range(1, len(events)):
        assert expected == few.die_and_resume(last), f"killed after event {last}: {events[last - 1]}"


def test_killed_twice_it_still_resumes(few: Scene) -> None:
    uninterrupted = Fate()
    few.restore("ONCE", uninterrupted, run="once")
    middle = len(uninterrupted.events) // 2
    with pytest.raises(Killed):
        few.restore("TWICE", Fate(middle), run="twice-1")
    with pytest.raises(Killed):
        few.restore("TWICE", Fate(5), run="twice-2", resume=True)

    few.restore("TWICE", Fate(), run="twice-3", resume=True)

    assert few.shape("ONCE") == few.shape("TWICE")


def test_an_unfinished_restore_is_not_begun_anew(few: Scene) -> None:
    with pytest.raises(Killed):
        few.restore("HALF", Fate(20), run="half")

    with pytest.raises(Refused, match="did not come to its end") as refusal:
        few.restore("HALF", Fate(), run="anew")

    assert "--resume" in refusal.value.hint
