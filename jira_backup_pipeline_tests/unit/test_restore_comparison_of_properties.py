"""The proof's rules for properties: all there with their values, nothing more on what the restore made itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.compare import Correspondence
from jira_backup_pipeline.engine.restore.compare_records import Excuses, UnitComparison
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.idmap import IdMap
from jira_backup_pipeline.engine.restore.texts import TextWriter

MARK = "jira-backup.origin"


def comparison(*, is_new: bool = True, adjustments: tuple[Adjustment, ...] = ()) -> UnitComparison:
    id_map = IdMap()
    id_map.put("comment", "1", "2")
    texts = TextWriter(id_map, source_bases=(), target_base="https://new.example", projects={})
    return UnitComparison(
        rules=Correspondence(id_map, texts, id_map.issue),
        excuses=Excuses.of((), adjustments),
        fields={},
        repository_id="r",
        is_new=is_new,
        head_key="K-1",
    )


def records(properties: dict[str, Any]) -> list[Record]:
    return [
        Record("issue_property", key, json.dumps(value).encode(), value, "9")
        for key, value in properties.items()
    ]


@pytest.mark.parametrize(
    ("source", "target", "is_new", "expected"),
    [
        ({"a": 1}, {"a": 1}, True, ["equal"]),
        ({"a": 1}, {"a": 2}, True, ["differs without an explanation"]),
        ({"a": 1}, {}, True, ["missing on the target"]),
        ({}, {"a": 1}, True, ["on the target but not in the snapshot"]),
        ({}, {"a": 1}, False, ["came after the snapshot and is left alone"]),
        ({}, {MARK: {}}, True, []),
        ({MARK: {}}, {MARK: {"new": 1}}, True, ["the mark of an earlier restore gives way to this one's"]),
    ],
)
def test_issue_properties_are_judged_by_key_and_value(
    source: dict[str, Any], target: dict[str, Any], is_new: bool, expected: list[str]
) -> None:
    findings = comparison(is_new=is_new).properties(records(source), records(target))

    assert [found.judgement.rule.value for found in findings] == expected


def test_an_empty_property_that_jira_refuses_is_impossible_and_not_wrong() -> None:
    noted = Adjustment("issue_property", "9/a", "value", "no empty value", is_impossible=True)

    (found,) = comparison(adjustments=(noted,)).properties(records({"a": None}), [])

    assert found.judgement.verdict == "impossible"


def comment(record_id: str, properties: dict[str, Any]) -> Record:
    value = {"id": record_id, "body": "b"}
    listed = json.dumps([{"key": key, "value": member} for key, member in properties.items()])
    return Record("comment", record_id, b"{}", value, "9", {"properties": listed})


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1, MARK: {}}, ["equal"]),
        ({MARK: {}}, {MARK: {"new": 1}}, []),
        ({"sd.public.comment": {"internal": True}}, {}, []),
        ({"a": 1}, {}, ["missing on the target"]),
        ({"a": 1}, {"a": 2}, ["differs without an explanation"]),
        ({}, {"b": 1}, ["on the target but not in the snapshot"]),
        ({"a": 1, "b": ""}, {"a": 1}, ["REST cannot set it"]),
    ],
)
def test_properties_of_a_comment_are_judged_together(
    source: dict[str, Any], target: dict[str, Any], expected: list[str]
) -> None:
    findings = comparison().children("comment", [comment("1", source)], [comment("2", target)])

    assert [found.judgement.rule.value for found in findings if found.field == "properties"] == expected


def test_votes_are_impossible() -> None:
    (found,) = comparison().votes([Record("vote", "p1", b"{}", {"accountId": "p1"}, "9")])

    assert (found.judgement.verdict, found.judgement.rule.value) == (
        "impossible",
        "an account votes for itself only",
    )
