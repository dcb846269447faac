"""A plan says how often accounts that nobody can write are used, where, and what is done instead."""

from __future__ import annotations

from collections import Counter

from jira_backup_pipeline.engine.restore.limits import impossible_of
from jira_backup_pipeline.engine.restore.people import People
from jira_backup_pipeline.engine.restore.survey import Survey, Use

USES = Counter(
    {
        (Use.FIELD, "here"): 9,
        (Use.FIELD, "left"): 3,
        (Use.FIELD, "also left"): 2,
        (Use.FIELD, "stranger"): 4,
        (Use.WATCHER, "left"): 1,
        (Use.WATCHER, "stranger"): 1,
        (Use.ROLE, "stranger"): 7,
        (Use.LEAD, "left"): 1,
    }
)
ACTIVE = {"here": True, "left": False, "also left": False}


def rows(people: People, *, is_new_project: bool = True) -> dict[str, tuple[int, str]]:
    found = impossible_of(
        Survey(uses=USES), is_new_project=is_new_project, standing_sprints=(), people=people
    )
    return {line.what: (line.count, line.instead) for line in found}


def test_every_place_and_reason_has_its_count() -> None:
    found = rows(People(ACTIVE))

    assert {what: count for what, (count, _) in found.items() if what != "id"} == {
        "people who left, in fields": 5,
        "people whom the target does not know, in fields": 4,
        "watchers who left": 2,
        "members of roles who left": 7,
        "leads who left": 1,
    }
    assert found["people who left, in fields"][1].startswith("left out")


def test_the_fallback_stands_in_where_it_may() -> None:
    found = rows(People(ACTIVE, fallback="me"))

    assert "account me stands in" in found["people who left, in fields"][1]
    assert "account me stands in" in found["leads who left"][1]
    assert found["watchers who left"][1] == "left out"


def test_a_project_that_is_there_keeps_its_roles_and_leads() -> None:
    found = rows(People(ACTIVE), is_new_project=False)

    assert {"members of roles who left", "leads who left"} & found.keys() == set()
