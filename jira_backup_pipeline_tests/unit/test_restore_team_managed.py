"""What a team-managed project becomes in the words of company-managed ones, whatever Jira shows of its own setup."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.matching import Matches
from jira_backup_pipeline.engine.restore.target import TargetField

SELECT = "com.atlassian.jira.plugin.system.customfieldtypes:select"
SCOPE = {"type": "PROJECT", "project": {"id": "7"}}
OTHER = {"type": "PROJECT", "project": {"id": "8"}}


def field(field_id: str, name: str, scope: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"id": field_id, "name": name, "orderable": True, "schema": {"type": "option", "custom": SELECT}}
    return {**found, **({"scope": scope} if scope else {})}


class View:
    """A snapshot of one project in memory: records by kind, of the project and of its site."""

    def __init__(self, project: dict[str, Any], own: dict[str, Any], site: dict[str, Any]) -> None:
        self._own = {"project": {"7": project}, **own}
        self._site = site

    def rows(self, kind: str) -> Any:
        return (Record(kind, found_id, b"", value) for found_id, value in self._own.get(kind, {}).items())

    def site_rows(self, kind: str) -> Any:
        return (Record(kind, found_id, b"", value) for found_id, value in self._site.get(kind, {}).items())


PROJECT = {
    "id": "7",
    "key": "TM",
    "issueTypes": [
        {"id": "71", "name": "Epic", "hierarchyLevel": 1},
        {"id": "72", "name": "Task", "hierarchyLevel": 0},
    ],
}
OWN: dict[str, Any] = {
    "project_status": {
        "71": {"id": "71", "statuses": [{"id": "1", "name": "To Do"}, {"id": "2", "name": "Done"}]},
        "72": {"id": "72", "statuses": [{"id": "1", "name": "To Do"}, {"id": "3", "name": "Waiting"}]},
    },
    "issue": {
        "100": {"fields": {"customfield_1": {"id": "12", "value": "Low"}, "labels": ["a"], "duedate": None}},
        "101": {
            "fields": {"customfield_1": {"id": "9", "value": "High", "child": {"id": "30", "value": "Very"}}}
        },
    },
}
SITE: dict[str, Any] = {
    "field": {
        "labels": {"id": "labels", "name": "Labels", "orderable": True},
        "customfield_1": field("customfield_1", "Level", SCOPE),
        "customfield_2": field("customfield_2", "level"),
        "customfield_3": field("customfield_3", "Level", OTHER),
    },
    "status": {
        "1": {"id": "1", "scope": SCOPE},
        "8": {"id": "8", "scope": OTHER},
        "9": {"id": "9", "scope": {"type": "GLOBAL"}},
    },
}


def source_of(project: dict[str, Any], site: dict[str, Any] = SITE) -> ConfigurationSource:
    view: Any = View(project, OWN, site)
    return ConfigurationSource(view)


def values(source: ConfigurationSource, kind: str) -> list[Any]:
    return [row.value for row in source.rows(kind)]


@pytest.mark.parametrize("told", [{"style": "next-gen"}, {"simplified": True}])
def test_either_word_for_it_makes_a_project_one_that_is_converted(told: dict[str, Any]) -> None:
    source = source_of({**PROJECT, **told})

    assert set(source.schemes_of("7")) == {"issue_type_scheme", "workflow_scheme", "issue_type_screen_scheme"}
    assert source.conversion_line() is not None


def test_a_company_managed_project_is_left_as_it_is_and_sees_nothing_of_others() -> None:
    source = source_of({**PROJECT, "style": "classic", "simplified": False})

    assert source.conversion_line() is None
    assert source.rows("issue_type_scheme") == ()
    assert [row.id for row in source.rows("field")] == ["labels", "customfield_2"]
    assert [row.id for row in source.rows("status")] == ["9"]


def test_a_field_with_a_namesake_of_the_site_gets_a_name_of_its_own() -> None:
    source = source_of({**PROJECT, "style": "next-gen"})

    names = {row.id: row.value["name"] for row in source.rows("field") if isinstance(row.value, dict)}

    assert names == {"labels": "Labels", "customfield_1": "Level (TM)", "customfield_2": "level"}


def test_options_are_those_that_issues_use_where_no_context_is_shown() -> None:
    source = source_of({**PROJECT, "style": "next-gen"})

    assert [(v["id"], v["value"], v.get("optionId")) for v in values(source, "field_option")] == [
        ("9", "High", None),
        ("12", "Low", None),
        ("30", "Very", "9"),
    ]
    (context,) = values(source, "field_context")
    assert (context["isGlobalContext"], context["isAnyIssueType"]) == (False, True)
    assert [v["projectId"] for v in values(source, "field_context_project")] == ["7"]


def test_a_context_that_is_shown_is_taken_with_its_options_and_holds_for_the_project_alone() -> None:
    context = {"id": "500", "name": "Default", "isGlobalContext": True, "isAnyIssueType": True}
    site = {**SITE, "field_context": {"customfield_1/500": context}}
    source = source_of({**PROJECT, "style": "next-gen"}, site)

    assert [v["isGlobalContext"] for v in values(source, "field_context")] == [False]
    assert [row.id for row in source.rows("field_context_project")] == ["customfield_1/500/7"]
    assert values(source, "field_option") == []


def test_workflows_that_were_not_shown_are_made_of_the_statuses_of_each_type() -> None:
    source = source_of({**PROJECT, "style": "next-gen"})

    (scheme,) = values(source, "workflow_scheme")
    workflows = {v["name"]: v for v in values(source, "workflow")}
    reached = {
        type_id: [
            step["toStatusReference"] for step in workflows[name]["transitions"] if step["type"] == "GLOBAL"
        ]
        for type_id, name in scheme["issueTypeMappings"].items()
    }
    assert reached == {"71": ["1", "2"], "72": ["1", "3"]}
    assert scheme["defaultWorkflow"] in workflows


def test_a_workflow_that_was_shown_is_followed_by_the_types_with_its_statuses() -> None:
    shown = {
        "id": "w",
        "name": "Flow",
        "scope": SCOPE,
        "statuses": [{"statusReference": "3"}, {"statusReference": "1"}],
    }
    source = source_of({**PROJECT, "style": "next-gen"}, {**SITE, "workflow": {"w": shown}})

    (scheme,) = values(source, "workflow_scheme")

    assert scheme["issueTypeMappings"]["72"] == "Flow (company-managed)"
    assert scheme["issueTypeMappings"]["71"] != "Flow (company-managed)"


def test_the_screen_has_what_issues_use_and_what_is_the_projects_own() -> None:
    source = source_of({**PROJECT, "style": "next-gen"})

    assert [v["id"] for v in values(source, "screen_field")] == ["labels", "customfield_1"]


def test_fields_of_other_team_managed_projects_are_never_written() -> None:
    fields = {
        "customfield_1": TargetField("customfield_1", "Level", "option", "", SELECT, "7"),
        "customfield_4": TargetField("customfield_4", "Level", "option", "", SELECT),
    }

    def matched(home: str) -> str | None:
        site: Any = SimpleNamespace(fields=fields)
        project: Any = SimpleNamespace(id=home)
        known = TargetField("customfield_1", "Level", "option", "", SELECT, "7")
        matches = Matches(
            is_same_site=True, site=site, project=project, source_fields={"customfield_1": known}
        )
        found = matches.target_field("customfield_1")
        return found.id if found is not None else None

    assert matched("7") == "customfield_1"
    assert matched("9") == "customfield_4"
