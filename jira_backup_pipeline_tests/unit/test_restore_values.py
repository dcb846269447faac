"""Values on their way to the target: converted by type, left out with a reason, made plainer step by step when refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.calls import template_of
from jira_backup_pipeline.engine.restore.canonical import is_settled, plain_form
from jira_backup_pipeline.engine.restore.fields import Values, ValueWriter
from jira_backup_pipeline.engine.restore.idmap import IdMap, TargetIssue
from jira_backup_pipeline.engine.restore.matching import SPRINT_FIELD, Matches, match_named
from jira_backup_pipeline.engine.restore.people import People
from jira_backup_pipeline.engine.restore.target import Named, SiteState, TargetField, TargetType
from jira_backup_pipeline.engine.restore.texts import TextWriter

FIELDS = (
    TargetField("summary", "Summary", "string", "", ""),
    TargetField("assignee", "Assignee", "user", "", ""),
    TargetField("priority", "Priority", "priority", "", ""),
    TargetField("fixVersions", "Fix versions", "array", "version", ""),
    TargetField("labels", "Labels", "array", "string", ""),
    TargetField("parent", "Parent", "", "", ""),
    TargetField("status", "Status", "status", "", ""),
    TargetField("timetracking", "Time tracking", "timetracking", "", ""),
    TargetField("customfield_1", "Colour", "option", "", "select"),
    TargetField("customfield_2", "Place", "option-with-child", "", "cascadingselect"),
    TargetField("customfield_3", "Sprint", "array", "json", SPRINT_FIELD),
    TargetField("customfield_4", "Reviewers", "array", "user", "people"),
)
SITE = SiteState(
    base_url="https://new.example",
    cloud_id="cloud",
    account_id="me",
    fields={found.id: found for found in FIELDS},
    types=(TargetType("10", "Task", 0), TargetType("11", "Sub-task", -1), TargetType("12", "Epic", 1)),
    priorities=(Named("1", "High"), Named("2", "Low")),
    resolutions=(),
    link_types=(),
    roles=(),
    uploads_enabled=True,
    upload_limit_bytes=10,
)


def writer(*, is_same_site: bool = True) -> ValueWriter:
    id_map = IdMap()
    id_map.put_issue("1", "OLD-1", TargetIssue("101", "NEW-5"))
    id_map.put("version", "7", "77")
    matches = Matches(
        is_same_site=is_same_site,
        site=SITE,
        project=None,
        source_fields=SITE.fields,
        people=People({"active": True, "left": False}),
        sprints={"5": "active", "6": "closed"},
    )
    texts = TextWriter(
        id_map, source_bases=("https://old.example",), target_base="https://new.example", projects={}
    )
    return ValueWriter(matches, id_map, texts, find_issue=id_map.issue)


def converted(**fields: Any) -> Values:
    record = Record("issue", "9", b"{}", {"fields": fields}, "9")
    return writer().final(record)


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("summary", "after OLD-1", "after NEW-5"),
        ("assignee", {"accountId": "active", "displayName": "Person 01"}, {"accountId": "active"}),
        ("priority", {"id": "1", "name": "High"}, {"id": "1"}),
        ("priority", {"id": "99", "name": "low"}, {"id": "2"}),
        ("fixVersions", [{"id": "7", "name": "1.0"}], [{"id": "77"}]),
        ("labels", ["a"], ["a"]),
        ("parent", {"id": "1", "key": "OLD-1"}, {"id": "101"}),
        (
            "timetracking",
            {"originalEstimateSeconds": 5400, "timeSpentSeconds": 60},
            {"originalEstimate": "90m"},
        ),
        ("customfield_1", {"id": "3", "value": "red"}, {"value": "red"}),
        (
            "customfield_2",
            {"id": "3", "value": "North", "child": {"id": "4", "value": "Harbour"}},
            {"value": "North", "child": {"value": "Harbour"}},
        ),
        ("customfield_3", [{"id": 6, "state": "closed"}, {"id": 5, "state": "active"}], 5),
        ("customfield_4", [{"accountId": "active"}, {"accountId": "left"}], [{"accountId": "active"}]),
    ],
)
def test_each_type_is_sent_in_the_form_that_jira_takes(name: str, source: Any, expected: Any) -> None:
    assert expected == converted(**{name: source}).values[name]


def test_a_sprint_that_the_target_lacks_is_left_to_the_stage_that_makes_sprints() -> None:
    result = converted(customfield_3=[{"id": 8, "state": "active"}])

    assert result.values == {}
    assert result.adjustments == []


@pytest.mark.parametrize(
    ("name", "source", "reason", "is_impossible"),
    [
        ("assignee", {"accountId": "left"}, "inactive", True),
        ("assignee", {"accountId": "nobody"}, "does not know", True),
        ("parent", {"id": "2", "key": "OLD-2"}, "OLD-2 is not on the target", True),
        ("priority", {"id": "9", "name": "Urgent"}, "no priority named Urgent", False),
        ("customfield_3", [{"id": 6, "state": "closed"}], "closed sprint", True),
        ("customfield_4", [{"accountId": "left"}], "inactive", True),
    ],
)
def test_what_cannot_be_set_is_left_out_with_its_reason(
    name: str, source: Any, reason: str, is_impossible: bool
) -> None:
    result = converted(**{name: source})

    assert name not in result.values
    [adjustment] = result.adjustments
    assert reason in adjustment.reason
    assert is_impossible is adjustment.is_impossible


def test_what_another_step_brings_back_is_not_a_field_value() -> None:
    assert converted(status={"id": "1", "name": "Done"}, created="2026-01-01T00:00:00.000+0000").values == {}


def test_text_is_the_same_at_every_attempt_to_create() -> None:
    media = {"type": "media", "attrs": {"type": "file", "id": "m", "collection": "", "alt": "a.png"}}
    document = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "mediaSingle", "attrs": {}, "content": [media]}],
    }
    record = Record("issue", "9", b"{}", {"fields": {"summary": "see OLD-1", "description": document}}, "9")

    first = writer().first(record).values

    assert first["summary"] == "see OLD-1"
    assert first == writer().first(record).values


@given(st.sampled_from(["summary", "labels", "priority", "customfield_1", "timetracking"]), st.integers(1, 3))
def test_what_was_sent_counts_as_settled_when_it_is_read_back(name: str, number: int) -> None:
    read = {
        "summary": f"words {number}",
        "labels": [f"l{index}" for index in range(number)],
        "priority": {"id": "1", "name": "High", "self": "https://new.example/1"},
        "customfield_1": {"id": str(number), "value": f"v{number}", "self": "x"},
        "timetracking": {"originalEstimateSeconds": 60 * number, "originalEstimate": f"{number}m"},
    }[name]
    sent = converted(**{name: read}).values.get(name)

    assert is_settled(SITE.fields[name], sent, read)
    assert not is_settled(SITE.fields[name], sent, None)


class TestMatching:
    def test_the_same_site_matches_by_id_even_after_a_renaming(self) -> None:
        targets = (Named("1", "New name"), Named("2", "Other"))

        assert match_named({"id": "1", "name": "Old name"}, targets, is_same_site=True) == "1"

    def test_another_site_matches_by_name_only(self) -> None:
        targets = (Named("1", "Low"), Named("2", "High"))

        assert match_named({"id": "1", "name": "high"}, targets, is_same_site=False) == "2"
        assert match_named({"id": "1", "name": "Urgent"}, targets, is_same_site=False) is None

    def test_a_type_that_is_missing_becomes_one_of_its_level(self) -> None:
        matches = Matches(is_same_site=True, site=SITE, project=None, source_fields={})

        found = [
            matches.issue_type("Bug", 0),
            matches.issue_type("sub-TASK", -1),
            matches.issue_type("Saga", 2),
        ]

        assert [None if item is None else item.name for item in found] == ["Task", "Sub-task", None]


class TestPlainForm:
    def test_what_an_editor_splits_is_one_text(self) -> None:
        split = {
            "type": "paragraph",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        }
        joined = {"type": "paragraph", "attrs": {"localId": "x"}, "content": [{"type": "text", "text": "ab"}]}

        assert plain_form(joined) == plain_form(split)


def test_requests_are_counted_by_template() -> None:
    assert template_of("/rest/api/3/issue/10001/comment") == "/rest/api/3/issue/{id}/comment"
    assert template_of("/rest/api/3/project/ABC") == "/rest/api/3/project/{key}"
    assert template_of("/rest/api/3/user/bulk?accountId=a") == "/rest/api/3/user/bulk"
