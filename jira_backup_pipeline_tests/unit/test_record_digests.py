"""What counts as a change of a record, and what Jira shows differently from call to call without one."""

from __future__ import annotations

import json

from jira_backup_pipeline.domain.records import Record, canonical_digest


def record(kind: str, value: object, **extra: object) -> Record:
    return Record(kind, "1", json.dumps(value).encode(), value, "1", extra)


def test_the_properties_that_an_issue_happens_to_show_are_no_change_of_it() -> None:
    bare = {"id": "1", "fields": {"summary": "s"}}
    shown = {**bare, "properties": {"a": 1}}

    assert canonical_digest(record("issue", bare)) == canonical_digest(record("issue", shown))


def test_a_property_counts_whole_whatever_its_members_are_called() -> None:
    before, after = {"expand": 1, "properties": 1}, {"expand": 2, "properties": 1}

    assert canonical_digest(record("issue_property", before)) != canonical_digest(
        record("issue_property", after)
    )


def test_a_comment_whose_properties_change_has_changed() -> None:
    value = {"id": "1", "body": "b"}
    digests = {
        canonical_digest(record("comment", value)),
        canonical_digest(record("comment", value, properties='[{"key":"k","value":1}]')),
        canonical_digest(record("comment", value, properties='[{"key":"k","value":2}]')),
    }

    assert len(digests) == 3
