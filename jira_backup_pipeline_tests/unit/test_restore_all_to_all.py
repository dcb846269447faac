"""The temporary workflow leads from every status to every other, and no switch to or from it takes a status away."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.engine.restore.all_to_all import (
    WorkflowStatus,
    payload,
    statuses_by_type,
    transition_name,
    workflows_for,
)
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.engine.restore.status_ways import StatusWay, status_way

STATUSES = [
    WorkflowStatus(str(number), f"Status {number}", category)
    for number, category in enumerate(("TODO", "IN_PROGRESS", "DONE", "DONE", "TODO"), 1)
]
by_type = st.dictionaries(
    st.sampled_from(["10", "11", "12", "13"]),
    st.lists(st.sampled_from(STATUSES), min_size=1, unique=True),
    min_size=1,
)
goals = st.dictionaries(
    st.sampled_from(["10", "11", "12", "13", "99"]),
    st.dictionaries(
        st.tuples(st.sampled_from(["1", "2", "3", "4", "5"]), st.sampled_from([None, "7", "8"])),
        st.integers(1, 9),
    ).map(Counter),
)


@given(by_type, goals)
def test_every_goal_of_every_type_is_one_transition_away_from_everywhere(
    statuses: dict[str, list[WorkflowStatus]], wanted: dict[str, Counter[tuple[str, str | None]]]
) -> None:
    made = workflows_for(statuses, wanted, restore="run1")

    assert Counter(type_id for one in made for type_id in one.type_ids) == Counter(dict.fromkeys(statuses, 1))
    for one in made:
        own = {item["statusReference"] for item in one.body["statuses"]}
        steps: list[dict[str, Any]] = [step for step in one.body["transitions"] if step["type"] == "GLOBAL"]
        named = {step["name"]: step for step in steps}
        assert len(named) == len(steps)
        assert len({step["id"] for step in one.body["transitions"]}) == len(steps) + 1
        for type_id in one.type_ids:
            assert own == {status.id for status in statuses[type_id]}
            for status_id, resolution_id in wanted.get(type_id, Counter()):
                if status_id not in own:
                    continue
                step = named[transition_name(status_id, resolution_id)]
                assert step["toStatusReference"] == status_id
                assert [rule["parameters"]["value"] for rule in step["actions"]] == [
                    *([resolution_id] if resolution_id else [])
                ]
        assert {transition_name(status_id, None) for status_id in own} <= set(named)


def test_issues_are_created_where_most_of_them_stay() -> None:
    wanted = {"10": Counter({("2", None): 3, ("1", None): 2, ("3", "7"): 9})}

    [made] = workflows_for({"10": STATUSES}, wanted, restore="run1")

    assert made.body["transitions"][0]["toStatusReference"] == "2"


def test_every_status_is_declared_once_and_rules_can_be_left_out() -> None:
    made = workflows_for(
        {"10": STATUSES[:3], "11": STATUSES[1:]}, {"10": Counter({("3", "7"): 1})}, restore="run1"
    )

    whole, bare = payload(made), payload(made, with_rules=False)

    assert sorted(item["id"] for item in whole["statuses"]) == ["1", "2", "3", "4", "5"]
    assert "resolution" in str(whole)
    assert "actions" not in str(bare)


def test_the_categories_of_statuses_are_read_from_the_project() -> None:
    answer = [
        {
            "id": "10",
            "statuses": [
                {"id": "1", "name": "New", "statusCategory": {"key": "new"}},
                {"id": "2", "name": "Going", "statusCategory": {"key": "indeterminate"}},
                {"id": "3", "name": "Over", "statusCategory": {"key": "done"}},
            ],
        },
        {"id": "11", "statuses": []},
    ]

    assert {key: [one.category for one in found] for key, found in statuses_by_type(answer).items()} == {
        "10": ["TODO", "IN_PROGRESS", "DONE"]
    }


ALL = frozenset({"ADMINISTER", "BULK_CHANGE"})


@pytest.mark.parametrize(
    ("changed", "way"),
    [
        ({}, StatusWay.TEMPORARY),
        ({"permissions": ALL - {"ADMINISTER"}}, StatusWay.PATHS_IN_BULK),
        ({"permissions": ALL - {"BULK_CHANGE"}}, StatusWay.PATHS_SINGLY),
        ({"creates": 24}, StatusWay.PATHS_IN_BULK),
        ({"updates": 1, "project": SimpleNamespace(is_team_managed=False)}, StatusWay.PATHS_IN_BULK),
        ({"project": SimpleNamespace(is_team_managed=False)}, StatusWay.TEMPORARY),
        ({"project": SimpleNamespace(is_team_managed=True)}, StatusWay.PATHS_IN_BULK),
        ({"project": SimpleNamespace(is_team_managed=False), "last_number": 7}, StatusWay.PATHS_IN_BULK),
        ({"part": Part.CONFIGURATION}, StatusWay.PATHS_IN_BULK),
    ],
)
def test_the_way_follows_from_the_account_and_the_target(changed: dict[str, Any], way: StatusWay) -> None:
    case: dict[str, Any] = {
        "permissions": ALL,
        "project": None,
        "creates": 25,
        "updates": 0,
        "last_number": 0,
        "part": Part.EVERYTHING,
        **changed,
    }

    assert status_way(case.pop("permissions"), case.pop("project"), **case) is way
