"""Queries and rules of workflows keep their meaning on another site: ids follow, everything else stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.engine.restore.configuration.jql import moved_jql, projects_in
from jira_backup_pipeline.engine.restore.configuration.rules import moved_transition

PROJECTS = {"APP": "NEW", "10000": "20000"}
FIELDS = {"customfield_10035": "customfield_7"}
KEYS = {"APP-1": "NEW-9", "APP-12": "NEW-3"}


def moved(text: str) -> str:
    return moved_jql(text, projects=PROJECTS, fields=FIELDS, keys=KEYS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("project = APP ORDER BY Rank ASC", "project = NEW ORDER BY Rank ASC"),
        ('project = "APP" AND status = Done', 'project = "NEW" AND status = Done'),
        ("PROJECT in (APP, OPS, 10000)", "PROJECT in (NEW, OPS, 20000)"),
        ("project not in ( 'APP' )", "project not in ( 'NEW' )"),
        ("project != APP", "project != NEW"),
        ("cf[10035] > 3 AND cf[10036] < 4", "cf[7] > 3 AND cf[10036] < 4"),
        ("key = APP-1 OR parent in (APP-12, APP-123)", "key = NEW-9 OR parent in (NEW-3, APP-123)"),
        ("summary ~ APP AND labels = APP", "summary ~ APP AND labels = APP"),
        ('"Project Manager" = currentUser()', '"Project Manager" = currentUser()'),
    ],
)
def test_a_query_names_what_the_target_has(before: str, after: str) -> None:
    assert after == moved(before)


@given(st.text(max_size=80))
def test_a_query_without_a_counterpart_stays_as_it_is(text: str) -> None:
    assert text == moved_jql(text, projects={}, fields={}, keys={})


def test_projects_are_found_in_any_notation() -> None:
    assert {"APP", "OPS", "10001"} == projects_in(
        "project=APP and (project in (OPS, 10001)) or summary ~ WEB"
    )


def rule(key: str, **parameters: str) -> dict[str, Any]:
    return {"ruleKey": key, "id": "of the other site", "parameters": parameters}


def look_up(kind: str, source_id: str) -> str | None:
    known = {("status", "3"): "30", ("role", "5"): "50", ("field", "customfield_1"): "customfield_9"}
    return known.get((kind, source_id))


def test_rules_get_the_ids_of_the_target_and_lose_their_own() -> None:
    step = {
        "validators": [
            rule("system:previous-status-validator", previousStatusIds="3", mostRecentStatusOnly="true"),
            rule(
                "system:validate-field-value",
                ruleType="fieldRequired",
                fieldsRequired="customfield_1,assignee",
            ),
        ]
    }

    found, dropped = moved_transition(step, look_up)

    assert dropped == []
    assert found == {
        "validators": [
            {
                "ruleKey": "system:previous-status-validator",
                "parameters": {"previousStatusIds": "30", "mostRecentStatusOnly": "true"},
            },
            {
                "ruleKey": "system:validate-field-value",
                "parameters": {"ruleType": "fieldRequired", "fieldsRequired": "customfield_9,assignee"},
            },
        ]
    }


def test_rules_of_apps_and_of_what_is_not_there_are_dropped_with_the_reason_and_the_rest_stays() -> None:
    step = {
        "actions": [rule("forge:app", id="1"), rule("system:change-assignee", type="to-lead")],
        "conditions": {
            "operation": "ANY",
            "conditions": [rule("system:restrict-issue-transition", roleIds="5,6")],
            "conditionGroups": [
                {
                    "operation": "ALL",
                    "conditions": [rule("system:restrict-issue-transition", roleIds="5")],
                    "conditionGroups": [],
                }
            ],
        },
        "transitionScreen": rule("system:transition-screen", screenId="77"),
    }

    found, dropped = moved_transition(step, look_up)

    assert [key for key, _ in dropped] == [
        "forge:app",
        "system:transition-screen",
        "system:restrict-issue-transition",
    ]
    assert "belongs to an app" in dropped[0][1]
    assert "screen 77" in dropped[1][1]
    assert "role 6" in dropped[2][1]
    assert "transitionScreen" not in found
    assert found["conditions"]["conditions"] == []
    assert found["conditions"]["conditionGroups"][0]["conditions"][0]["parameters"] == {"roleIds": "50"}
    assert [kept["ruleKey"] for kept in found["actions"]] == ["system:change-assignee"]
