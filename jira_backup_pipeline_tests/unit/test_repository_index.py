"""The index says which unit lives in which pack, and only rows that it declares live are ever seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.domain.units import UnitRef
from jira_backup_pipeline.repository.index import Index, read_units, store_units
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SCOPE,
    SmallRepository,
    issue_unit,
    record,
    unit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = bytes(range(32))
_IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
_UNITS = st.builds(
    UnitRef,
    kind=st.sampled_from(["issue", "project", "person"]),
    id=_IDS,
    updated_ms=st.integers(-(2**63), 2**63 - 1),
    digest=st.binary(min_size=16, max_size=16),
    pack=st.sampled_from(["pack-a", "pack-b"]),
    counts=st.dictionaries(st.sampled_from(["issue", "comment", "worklog"]), st.integers(1, 10**6)),
)
_UNIT_LISTS = st.lists(_UNITS, max_size=20, unique_by=lambda ref: (ref.kind, ref.id))


@settings(max_examples=25)
@given(units=_UNIT_LISTS)
def test_an_index_comes_back_as_it_was_stored(units: list[UnitRef]) -> None:
    store = MemoryStore()
    index = Index.of(units)

    ref = store_units(store, index, "indexes/site/0001.x.parquet", _KEY, digest=index.digest())
    found = read_units(store, ref, _KEY)

    assert sorted(units, key=lambda known: (known.kind, known.id)) == list(found)
    assert len(units) == len(found)
    for known in units:
        assert known == found.get(known.kind, known.id)
    assert found.get("issue", "no such id \0") is None
    assert {known.id: known.updated_ms for known in units if known.kind == "issue"} == found.updated_ms(
        "issue"
    )


@given(units=_UNIT_LISTS, seed=st.randoms())
def test_equal_content_has_the_same_digest_in_any_order_and_other_content_another(
    units: list[UnitRef], seed: object
) -> None:
    shuffled = sorted(units, key=lambda _: seed.random())  # type: ignore[attr-defined]

    assert Index.of(units).digest() == Index.of(shuffled).digest()
    assert Index.of(units).digest() != Index.of([*units, UnitRef("sprint", "x", 0, bytes(16), "p")]).digest()


def test_a_unit_may_not_occur_twice() -> None:
    twice = [UnitRef("issue", "1", number, bytes(16), "p") for number in (1, 2)]

    with pytest.raises(ConfigurationError, match="issue 1 twice"):
        Index.of(twice)


# One step of a history: which issues (with how many comments) and which components are stored anew, and what is removed.
_STEPS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("123456"), st.integers(0, 3), max_size=4),
        st.sets(st.sampled_from("78"), max_size=2),
        st.sets(st.sampled_from("12345678"), max_size=3),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12)
@given(steps=_STEPS)
def test_exactly_the_live_rows_are_seen_in_every_snapshot(
    steps: list[tuple[Mapping[str, int], set[str], set[str]]],
) -> None:
    small = SmallRepository()
    model: dict[str, list[str]] = {}
    expected = []
    for number, (issues, components, removals) in enumerate(steps):
        units = [issue_unit(name, comments=count, summary=f"step {number}") for name, count in issues.items()]
        units += [unit(record("component", name, {"name": f"step {number}"})) for name in components]
        model |= {name: [f"step {number}"] * (1 + count) for name, count in issues.items()}
        model |= {name: [f"step {number}"] for name in components}
        removed = [("issue" if name in "123456" else "component", name) for name in removals if name in model]
        small.snapshot(units, removed=removed)
        for _, name in removed:
            del model[name]
        expected.append(dict(model))
    repository = small.reopened()
    for number, state in enumerate(expected, start=1):
        manifest = repository.load(SCOPE, number)
        tables = repository.tables(manifest)
        issues_alive = {name: texts[0] for name, texts in state.items() if name in "123456"}
        comments_alive = {
            name: len(texts) - 1 for name, texts in state.items() if name in "123456" and len(texts) > 1
        }
        assert issues_alive == dict(_pairs(tables["issues"].to_arrow(["id", "summary"]).to_pylist()))
        found: dict[str, int] = {}
        for row in tables["comments"].to_arrow(["issue_id"]).to_pylist():
            found[row["issue_id"]] = found.get(row["issue_id"], 0) + 1
        assert comments_alive == found
        assert {name: texts[0] for name, texts in state.items() if name in "78"} == dict(
            _pairs(tables["components"].to_arrow(["id", "name"]).to_pylist())
        )
        for table in tables.names:
            assert manifest.counts.get(table, 0) == tables[table].count()


def _pairs(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(first, second) for first, second in (row.values() for row in rows)]


def test_sql_sees_the_live_rows_only() -> None:
    small = SmallRepository()
    small.snapshot([issue_unit(str(number), comments=2) for number in range(5)])
    manifest = small.snapshot([issue_unit("1", comments=1, summary="new")], removed=[("issue", "2")])

    tables = small.repository.tables(manifest)
    found = tables.sql(
        "select count(*) issues, (select count(*) from comments) comments, max(summary) newest from issues"
    )

    assert found.to_pylist() == [{"issues": 4, "comments": 7, "newest": "new"}]


def test_an_unchanged_snapshot_points_to_its_parents_index_and_stores_one_small_object() -> None:
    small = SmallRepository()
    first = small.snapshot([issue_unit(str(number)) for number in range(300)])
    before = {stored.key for stored in small.store.list("")}

    second = small.snapshot()

    new = [stored for stored in small.store.list("") if stored.key not in before]
    assert first.index == second.index
    assert [f"snapshots/{SCOPE}/00000002.age"] == [stored.key for stored in new]
    assert sum(stored.size_bytes for stored in new) < 4_000


def test_a_snapshot_may_be_empty() -> None:
    small = SmallRepository()

    manifest = small.snapshot(scope=SITE_SCOPE)

    tables = small.reopened().tables(manifest)
    assert tables["people"].count() == 0
    assert tables.sql("select count(*) n from people").to_pylist() == [{"n": 0}]
