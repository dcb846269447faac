"""A restore that dies after any write or any journal document is resumed to the same target, and nothing is there twice."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import Refused
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.plan import Selection
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
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


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=60, seed=7) as made:
        yield made


KINDS = ("attachment", "comment", "worklog", "issue_link", "remote_link", "watcher", "issue_property")


@cache
def few_of_every_kind(site: Restorable) -> tuple[str, ...]:
    """Choose the fewest events that hold every kind: for each kind the issue with the least on it, and a sub-task."""
    view = SnapshotView(site.repository, site.manifest)
    heads = {head.id: head for head in view.heads()}
    hanging = Counter(row.issue_id for kind in KINDS for row in view.rows(kind))
    chosen = {next(head.parent_id for head in heads.values() if head.level < 0)}
    for kind in KINDS:
        owners = {row.issue_id for row in view.rows(kind)}
        assert owners, f"the seed has no {kind}"
        chosen.add(min(owners, key=lambda owner: (hanging[owner], str(owner))))
    return tuple(sorted(heads[str(owner)].key for owner in chosen))


def restore_into(site: Restorable, key: str, fate: Fate, *, run: str, resume: bool = False) -> None:
    writer = site.direct(fate=fate)
    plan = site.plan(writer, target_key=key, selection=Selection(issue_keys=few_of_every_kind(site)))
    repository: Any = FatedRepository(site.repository, fate)
    apply_plan(repository, plan, writer, run=run, clock=now, resume=resume, options=STEADY)


def new_key(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return f"K{letters or 'A'}X"


def test_killed_after_any_event_the_restore_resumes_to_the_same_target(site: Restorable) -> None:
    whole = Fate()
    restore_into(site, "WHOLE", whole, run="whole")
    expected = shape_of(site.sandbox, "WHOLE")
    assert len(expected["issues"]) > 3
    assert {"journals begin", "journals intent", "journals result", "journals end"} <= set(whole.events)

    for last in range(1, len(whole.events)):
        key = new_key(last)
        with pytest.raises(Killed):
            restore_into(site, key, Fate(last), run=f"first{last:03}")

        restore_into(site, key, Fate(), run=f"second{last:03}", resume=True)

        assert expected == shape_of(site.sandbox, key), f"killed after event {last}: {whole.events[last - 1]}"


def test_killed_twice_it_still_resumes(site: Restorable) -> None:
    whole = Fate()
    restore_into(site, "ONCE", whole, run="once")
    middle = len(whole.events) // 2
    with pytest.raises(Killed):
        restore_into(site, "TWICE", Fate(middle), run="twice-1")
    with pytest.raises(Killed):
        restore_into(site, "TWICE", Fate(5), run="twice-2", resume=True)

    restore_into(site, "TWICE", Fate(), run="twice-3", resume=True)

    assert shape_of(site.sandbox, "ONCE") == shape_of(site.sandbox, "TWICE")


def test_an_unfinished_restore_is_not_begun_anew(site: Restorable) -> None:
    with pytest.raises(Killed):
        restore_into(site, "HALF", Fate(20), run="half")

    with pytest.raises(Refused, match="did not come to its end") as refusal:
        restore_into(site, "HALF", Fate(), run="anew")

    assert "--resume" in refusal.value.hint
