"""What goes into a pack comes out of it byte for byte, whatever Jira sent."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from jira_backup_pipeline.domain.records import Record, unit_digest
from jira_backup_pipeline.domain.units import StoredUnit
from jira_backup_pipeline_tests.doubles.small_repository import SCOPE, SmallRepository, issue_unit, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)
_NUMBERS = st.integers() | st.floats() | st.just(2**63) | st.just(-(10**400))
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)
# Members that have columns, so that typed columns meet values of every wrong type too.
_FIELDS = st.dictionaries(
    st.sampled_from(
        ["summary", "labels", "created", "duedate", "timespent", "status", "components", "parent"]
    ),
    _VALUES,
    max_size=8,
)
_RAWS = st.binary(max_size=200) | _VALUES.map(lambda value: json.dumps(value).encode())


@st.composite
def _issues(draw: st.DrawFn) -> Record:
    value = {"id": "1", "key": draw(_VALUES), "fields": draw(_FIELDS)}
    raw = draw(
        st.just(json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")) | _RAWS
    )
    return Record("issue", "1", raw, value, "1")


@settings(max_examples=30)
@given(issue=_issues(), comments=st.lists(st.tuples(_RAWS, _VALUES), max_size=4))
def test_records_come_back_byte_for_byte(issue: Record, comments: list[tuple[bytes, object]]) -> None:
    records = [issue]
    records += [
        Record("comment", str(number), raw, value, "1") for number, (raw, value) in enumerate(comments)
    ]
    small = SmallRepository()

    manifest = small.snapshot([StoredUnit("issue", "1", 0, b"0" * 16, tuple(records))])

    tables = small.reopened().tables(manifest)
    found = [
        (found.kind, found.id, found.issue_id, found.raw)
        for name in ("issues", "comments")
        for found in tables[name].records()
    ]
    assert [(known.kind, known.id, known.issue_id, known.raw) for known in records] == found
    for table in (tables["issues"].to_arrow(), tables["comments"].to_arrow()):
        for row in table.to_pylist():
            raw = row["raw_binary"] if row["raw"] is None else row["raw"].encode()
            assert hashlib.sha256(raw).digest() == row["raw_sha256"]
            assert (row["raw"] is None) is (row["raw_binary"] is not None)


def _captured(records: Sequence[Record]) -> SmallRepository:
    small = SmallRepository()
    small.snapshot([StoredUnit("issue", "1", 0, unit_digest(records), tuple(records))])
    return small


def test_bytes_that_are_not_utf8_are_kept_in_the_binary_column() -> None:
    raw = b'{"id":"1","text":"\xff\xfe"}'

    small = _captured([Record("issue", "1", raw, {"id": "1"}, "1")])

    row = small.repository.tables(small.repository.load(SCOPE, 1))["issues"].to_arrow().to_pylist()[0]
    assert (None, raw) == (row["raw"], row["raw_binary"])


def test_empty_bytes_are_an_empty_text_and_not_nothing() -> None:
    small = _captured([Record("issue", "1", b"", None, "1")])

    row = small.repository.tables(small.repository.load(SCOPE, 1))["issues"].to_arrow().to_pylist()[0]
    assert (row["raw"], row["raw_binary"]) == ("", None)


def test_a_record_that_cannot_be_decoded_comes_back_without_a_value() -> None:
    small = _captured([Record("issue", "1", b"{not json", None, "1")])

    found = next(small.repository.tables(small.repository.load(SCOPE, 1))["issues"].records())

    assert (found.raw, found.value) == (b"{not json", None)


def test_typed_columns_are_what_the_catalogue_says() -> None:
    small = SmallRepository()
    fields = {
        "labels": ["a", None, "b"],
        "created": "2026-01-02T03:04:05.678+0200",
        "duedate": "2026-02-03",
        "timespent": 3600,
        "status": {"name": "Done", "statusCategory": {"key": "done"}},
    }

    manifest = small.snapshot([issue_unit("1", **fields)])

    row = small.repository.tables(manifest)["issues"].to_arrow().to_pylist()[0]
    assert row["labels"] == ["a", "", "b"]
    assert row["created"].isoformat() == "2026-01-02T01:04:05.678000+00:00"
    assert row["due_date"].isoformat() == "2026-02-03"
    assert (row["time_spent_seconds"], row["status"], row["status_category"]) == (3600, "Done", "done")


def test_a_site_record_is_a_unit_of_its_own() -> None:
    small = SmallRepository()
    person = Record("person", "p1", b'{"accountId":"p1"}', {"accountId": "p1", "active": False}, None)

    manifest = small.snapshot([unit(person)], scope="site")

    assert [
        (row["id"], row["is_active"])
        for row in small.repository.tables(manifest)["people"].to_arrow().to_pylist()
    ] == [("p1", False)]
