"""What `diff` says of two snapshots, and what it reads to say it."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Gap
from jira_backup_pipeline.engine.diff.differences import unit_differences
from jira_backup_pipeline.engine.diff.values import is_same, reduced, words
from jira_backup_pipeline.engine.diff.verb import diff_snapshots
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SmallRepository,
    blob_columns,
    issue_unit,
    record,
    unit,
)

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.units import StoredUnit
    from jira_backup_pipeline.engine.diff.verb import DiffResult


class WatchedStore(MemoryStore):
    """Remembers which objects were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def open(self, key: str) -> BinaryIO:
        self.opened.append(key)
        return super().open(key)


def told(result: DiffResult) -> list[tuple[Any, ...]]:
    return [
        (found.change.value, found.issue, found.kind, found.id, found.field, found.before, found.after)
        for found in result.differences
    ]


def test_differences_are_told_issue_by_issue_and_field_by_field() -> None:
    small = SmallRepository()
    site = small.snapshot(
        [unit(record("field", "customfield_1", {"name": "Story Points"}))], scope=SITE_SCOPE
    )
    component = unit(record("component", "5", {"name": "Core", "description": "old"}))
    first = small.snapshot(
        [
            issue_unit("1", summary="old", customfield_1=3.0, labels=["a"]),
            issue_unit("2"),
            issue_unit("3", comments=2),
            issue_unit("10"),
            component,
        ],
        site_snapshot=site.number,
    )
    second = small.snapshot(
        [
            issue_unit("1", summary="new", customfield_1=5.0, labels=["a"], duedate="2026-01-31"),
            issue_unit("3", comments=3),
            issue_unit("11"),
            unit(record("component", "5", {"name": "Core", "description": "new"})),
        ],
        removed=[("issue", "10")],
        site_snapshot=site.number,
    )

    result = diff_snapshots(small.repository, first, second)

    assert told(result) == [
        ("changed", "", "component", "5", "description", "old", "new"),
        ("changed", "ABC-1", "issue", "1", "Story Points", 3.0, 5.0),
        ("added", "ABC-1", "issue", "1", "duedate", None, "2026-01-31"),
        ("changed", "ABC-1", "issue", "1", "summary", "old", "new"),
        ("added", "ABC-3", "comment", "3-2", "", None, {"id": "3-2", "body": "comment 2"}),
        ("removed", "ABC-10", "issue", "10", "", {"key": "ABC-10", "summary": "issue 10"}, None),
        ("removed", "ABC-10", "comment", "10-0", "", {"id": "10-0", "body": "comment 0"}, None),
        ("added", "ABC-11", "issue", "11", "", None, {"key": "ABC-11", "summary": "issue 11"}),
        ("added", "ABC-11", "comment", "11-0", "", None, {"id": "11-0", "body": "comment 0"}),
    ]
    assert (result.compared, result.unchanged) == (5, 1)
    assert result.counts["issue"] == {"added": 1, "removed": 1, "changed": 1}
    assert json.loads(json.dumps(result.to_json()))["is_equal"] is False
    backwards = diff_snapshots(small.repository, second, first)
    assert backwards.counts["issue"] == {"added": 1, "removed": 1, "changed": 1}
    assert len(backwards.differences) == len(result.differences)


def test_history_is_told_entry_by_entry_where_both_sides_have_the_issue() -> None:
    small = SmallRepository()

    def issue(number: str, *entries: str) -> StoredUnit:
        history = [
            record("changelog", entry, {"items": [{"field": "status", "toString": entry}]}, issue_id=number)
            for entry in entries
        ]
        return unit(*issue_unit(number, comments=0).records, *history)

    first = small.snapshot([issue("1", "11", "12"), issue("2", "21")])
    second = small.snapshot([issue("1", "11", "13"), issue("3", "31")], removed=[("issue", "2")])

    result = diff_snapshots(small.repository, first, second)

    assert [found[:5] for found in told(result)] == [
        ("removed", "ABC-1", "changelog", "12", ""),
        ("added", "ABC-1", "changelog", "13", ""),
        ("removed", "ABC-2", "issue", "2", ""),
        ("added", "ABC-3", "issue", "3", ""),
    ]
    assert result.differences[1].after["items"] == [{"field": "status", "toString": "13"}]
    assert result.counts["changelog"] == {"added": 1, "removed": 1, "changed": 0}


def test_attachments_are_compared_by_their_digests() -> None:
    small = SmallRepository()

    def issue(content: bytes) -> StoredUnit:
        extra = blob_columns(small.put_blob(content))
        file = record("attachment", "5", {"filename": "a.txt", "size": 3}, issue_id="1", extra=extra)
        return unit(*issue_unit("1").records, file)

    first, second = small.snapshot([issue(b"one")]), small.snapshot([issue(b"two")])

    [found] = diff_snapshots(small.repository, first, second).differences

    assert (found.kind, found.id, found.field) == ("attachment", "5", "content")
    assert (found.before, found.after) == tuple(sha256(content).hexdigest() for content in (b"one", b"two"))


def test_equal_snapshots_have_no_difference_and_nothing_of_them_is_read() -> None:
    store = WatchedStore()
    small = SmallRepository(store)
    first = small.snapshot([issue_unit(str(number)) for number in range(1, 6)])
    second = small.snapshot()
    store.opened.clear()

    result = diff_snapshots(small.repository, first, second)

    assert (told(result), result.unchanged, result.to_json()["is_equal"]) == ([], 5, True)
    assert [key for key in store.opened if key.endswith(".parquet") and key.startswith("packs/")] == []


def test_packs_without_a_changed_unit_are_not_read() -> None:
    store = WatchedStore()
    small = SmallRepository(store)
    first = small.snapshot([issue_unit("1"), issue_unit("2")])
    middle = small.snapshot([issue_unit("3")])
    last = small.snapshot([issue_unit("2", summary="changed")])
    [untouched] = {pack.pack for pack in middle.packs} - {pack.pack for pack in first.packs}
    store.opened.clear()

    result = diff_snapshots(small.repository, middle, last)

    assert [found[2:5] for found in told(result)] == [("issue", "2", "summary")]
    tables = [key for key in store.opened if key.endswith(".parquet") and key.startswith("packs/")]
    assert tables
    assert not [key for key in tables if untouched in key]


def test_what_a_snapshot_is_known_to_lack_is_not_told_as_removed() -> None:
    small = SmallRepository()
    first = small.snapshot([issue_unit("1", comments=2), issue_unit("2", comments=2)])
    gap = Gap("comment", "comments of ABC-1", "refused", "Ask for the permission.", 403, "1")
    second = small.snapshot(
        [issue_unit("1", comments=0, summary="changed"), issue_unit("2", comments=1)], gaps=(gap,)
    )

    result = diff_snapshots(small.repository, first, second)

    assert [found[1:5] for found in told(result)] == [
        ("ABC-1", "issue", "1", "summary"),
        ("ABC-2", "comment", "2-1", ""),
    ]
    assert any(note.startswith("comment could not be read on one side") for note in result.notes)


def test_sites_and_different_projects_are_not_compared() -> None:
    small = SmallRepository()
    site = small.snapshot(scope=SITE_SCOPE)
    one, other = small.snapshot([issue_unit("1")]), small.snapshot([issue_unit("1")], scope="project-2")
    with pytest.raises(ConfigurationError, match="different projects"):
        diff_snapshots(small.repository, one, other)
    with pytest.raises(ConfigurationError, match="the site's snapshots"):
        diff_snapshots(small.repository, site, site)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"accountId": "a", "displayName": "Ann"}, {"accountId": "a", "displayName": "Ann Lee"}, True),
        ({"accountId": "a"}, {"accountId": "b"}, False),
        (
            {"self": "https://one", "id": "3", "name": "Done"},
            {"id": "3", "name": "Done", "iconUrl": "x"},
            True,
        ),
        ({"id": "3", "name": "Done"}, {"id": "3", "name": "Closed"}, False),
        (
            {"id": "9", "key": "A-9", "fields": {"summary": "old"}},
            {"id": "9", "key": "A-9", "fields": {"summary": "new"}},
            True,
        ),
        (None, [], True),
        (None, 0, False),
        (False, 0, False),
        (1, 1.0, True),
        (["a", "b"], ["b", "a"], False),
    ],
)
def test_values_are_the_same_when_they_say_the_same(left: Any, right: Any, same: bool) -> None:
    assert is_same(reduced(left), reduced(right)) is same


def test_values_are_said_in_a_few_words() -> None:
    assert words({"id": "3", "name": "Done"}) == "Done"
    assert words([{"value": "red"}, {"value": "blue"}]) == "red, blue"
    document = {
        "type": "doc",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hi"}]}],
    }
    assert words(document) == "hi"
    assert len(words("x" * 500)) == 60


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x", "y", "name"]), inner, max_size=2)
    ),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.sampled_from(["summary", "labels", "customfield_1"]), JSON, max_size=3)


@given(FIELDS, FIELDS)
def test_a_difference_is_told_from_both_sides(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Whatever is told one way is told the other way round; a unit never differs from itself."""
    one = [record("issue", "1", {"key": "A-1", "fields": left})]
    other = [record("issue", "1", {"key": "A-1", "fields": right})]
    there = [(found.field, found.before, found.after) for found in unit_differences(one, other, names={})]
    back = [(found.field, found.after, found.before) for found in unit_differences(other, one, names={})]
    assert there == back
    assert list(unit_differences(one, one, names={})) == []
    assert all(not is_same(before, after) for _, before, after in there)
