"""pyarrow and Polars open every encrypted table as it lies in the store, and DuckDB works over Arrow."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.domain.kinds import KINDS, ColumnType, Level
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.repository.layout import parse_index, parse_table
from jira_backup_pipeline_tests.doubles.small_repository import SCOPE, SmallRepository, record, unit

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.kinds import Kind

_SAMPLES = {
    ColumnType.STRING: lambda row: f"text {row}",
    ColumnType.INTEGER: lambda row: row,
    ColumnType.NUMBER: lambda row: row / 2,
    ColumnType.BOOLEAN: lambda row: row % 2 == 0,
    ColumnType.INSTANT: lambda row: f"2026-01-01T00:00:{row % 60:02}.000+0000",
    ColumnType.DATE: lambda row: f"2026-01-{row % 28 + 1:02}",
}
# More rows than one data page of a long column takes, and more than one row group for the children.
_ISSUES = 2_600
_CHILDREN_OF_KIND = 2
# Members that hold an object; any other first step of a longer path leads to a list.
_OBJECTS = ("fields", "rule")
_TABLES = [kind.table for kind in KINDS]


def _value(kind: Kind, row: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for column in kind.columns:
        if column.path == ("id",):
            # The record's own id, which `record` puts there.
            continue
        if column.type is ColumnType.STRINGS:
            _put_list(value, column.path, row)
        else:
            _put(value, column.path, _SAMPLES[column.type](row))
    return value


def _record(kind: Kind, row: int) -> Record:
    """Make a record of its own; of a kind whose record is no object, as a label, the plain text."""
    if all(column.path for column in kind.columns):
        return record(kind.name, str(row), _value(kind, row))
    text = str(_SAMPLES[ColumnType.STRING](row))
    return Record(kind.name, str(row), json.dumps(text).encode(), text)


def _put(value: dict[str, object], path: tuple[str, ...], leaf: object) -> None:
    for step in path[:-1]:
        value = value.setdefault(step, {})  # type: ignore[assignment]
    value[path[-1]] = leaf


def _put_list(value: dict[str, object], path: tuple[str, ...], row: int) -> None:
    texts = [f"item {row % 7}", f"item {row % 3}"]
    if path[0] in _OBJECTS or len(path) == 1:
        members: list[object] = list(texts)
        if len(path) > 2:
            members = [{path[-1]: text} for text in texts]
        _put(value, path[:2] if path[0] in _OBJECTS else path, members)
        return
    members = value.setdefault(path[0], [{} for _ in texts])  # type: ignore[assignment]
    for member, text in zip(members, texts, strict=True):
        _put(member, path[1:], text)  # type: ignore[arg-type]


def _issue_records(kinds: list[Kind], row: int) -> list[Record]:
    records = []
    for kind in kinds:
        for child in range(1 if kind.name == "issue" else _CHILDREN_OF_KIND):
            name = str(row) if kind.name == "issue" else f"{row}-{child}"
            records.append(record(kind.name, name, _value(kind, row), issue_id=str(row)))
    return records


@pytest.fixture(scope="module")
def small() -> SmallRepository:
    small = SmallRepository()
    for scope, level in ((SITE_SCOPE, Level.SITE), (SCOPE, Level.PROJECT)):
        units = [unit(_record(kind, row)) for kind in KINDS if kind.level is level for row in range(40)]
        if level is Level.PROJECT:
            kinds = [kind for kind in KINDS if kind.level is Level.ISSUE]
            units += [unit(*_issue_records(kinds, row), updated_ms=row) for row in range(_ISSUES)]
        small.snapshot(units, scope=scope)
    changed = _issue_records([kind for kind in KINDS if kind.level is Level.ISSUE], 5)
    small.snapshot([unit(*changed)], removed=[("issue", "7")])
    return small


class Files:
    """The raw files of one table in the store, with the key that a reader takes from the keyring."""

    def __init__(self, small: SmallRepository, table: str) -> None:
        self.kind = next(kind for kind in KINDS if kind.table == table)
        self.scope = SITE_SCOPE if self.kind.level is Level.SITE else SCOPE
        self.store = small.store
        self.manifest = small.repository.load(self.scope, 1 if self.scope == SITE_SCOPE else 2)
        self.key = small.repository._keyring.of(self.scope).current.table_key
        names = [(parse_table(stored.key), stored.key) for stored in self.store.list(f"packs/{self.scope}/")]
        self.files = [
            (name.pack, key) for name, key in names if name is not None and name.kind == self.kind.name
        ]

    @property
    def live_column(self) -> str:
        return "issue_id" if self.kind.level is Level.ISSUE else "id"

    @property
    def beginning(self) -> str:
        """Give what the raw bytes of some records hold, and not of all."""
        return '"id": "4' if all(column.path for column in self.kind.columns) else '"text 4'

    @property
    def unit_kind(self) -> str:
        return "issue" if self.kind.level is Level.ISSUE else self.kind.name

    def arrow(self, key: str) -> pa.Table:
        properties = pe.create_decryption_properties(self.key)
        return pq.read_table(pa.BufferReader(self.store.get(key)), decryption_properties=properties)

    def polars(self, key: str) -> pl.DataFrame:
        properties = pl.ParquetDecryptionProperties(footer_key=self.key)
        return pl.read_parquet(io.BytesIO(self.store.get(key)), decryption=properties)


@pytest.mark.parametrize("table", _TABLES)
def test_pyarrow_counts_filters_joins_and_sorts(small: SmallRepository, table: str) -> None:
    files = Files(small, table)
    index = files.arrow(files.manifest.index.key)
    live = 0
    for pack, key in files.files:
        rows = files.arrow(key)
        mine = index.filter((pc.field("pack") == pack) & (pc.field("kind") == files.unit_kind))
        joined = rows.select(["id", files.live_column] if files.live_column != "id" else ["id"]).join(
            mine.select(["id"]), keys=files.live_column, right_keys="id", join_type="left semi"
        )
        live += joined.num_rows
        assert (
            rows.filter(pc.match_like(pc.field("raw"), f"%{files.beginning}%")).num_rows > 0
            or pack != files.files[0][0]
        )
        assert rows.num_rows == rows.filter(pc.is_valid(pc.field("raw_sha256"))).num_rows
        assert rows.sort_by("id").slice(0, 3)["id"].to_pylist() == sorted(rows["id"].to_pylist())[:3]
    assert files.manifest.counts[table] == live == small.repository.tables(files.manifest)[table].count()


@pytest.mark.parametrize("table", _TABLES)
def test_polars_counts_filters_joins_and_sorts(small: SmallRepository, table: str) -> None:
    files = Files(small, table)
    index = files.polars(files.manifest.index.key)
    live = 0
    for pack, key in files.files:
        rows = files.polars(key)
        mine = index.filter((pl.col("pack") == pack) & (pl.col("kind") == files.unit_kind)).select("id")
        live += rows.join(mine, left_on=files.live_column, right_on="id", how="semi").height
        assert (
            rows.filter(pl.col("raw").str.contains(files.beginning, literal=True)).height > 0
            or pack != files.files[0][0]
        )
        assert rows.sort("id").head(3)["id"].to_list() == sorted(rows["id"].to_list())[:3]
        for column in files.kind.columns:
            if column.type is ColumnType.STRINGS:
                assert {2} == set(rows[column.name].list.len().to_list())
                assert rows[column.name].explode().str.starts_with("item").all()
    assert files.manifest.counts[table] == live


@pytest.mark.parametrize("table", _TABLES)
def test_duckdb_counts_filters_and_sorts_over_arrow(small: SmallRepository, table: str) -> None:
    files = Files(small, table)
    tables = small.repository.tables(files.manifest)

    assert [{"n": files.manifest.counts[table]}] == tables.sql(f"select count(*) n from {table}").to_pylist()  # noqa: S608 - names of the catalogue
    like = tables.sql(f"select count(*) n from {table} where raw like '%{files.beginning}%'").to_pylist()  # noqa: S608 - names of the catalogue
    assert like[0]["n"] > 0
    top = tables.sql(f"select * from {table} order by id desc limit 3")  # noqa: S608 - names of the catalogue
    assert sorted(tables[table].to_arrow(["id"])["id"].to_pylist())[-3:] == top["id"].to_pylist()[::-1]
    assert small.repository.tables(files.manifest)[table].schema.names == top.schema.names
    for column in files.kind.columns:
        if column.type is ColumnType.STRINGS:
            found = tables.sql(f"select count(*) n from {table} where list_contains({column.name}, 'item 1')")  # noqa: S608 - names of the catalogue
            assert 0 < found.to_pylist()[0]["n"] < files.manifest.counts[table]


def test_duckdb_joins_tables_and_reads_json(small: SmallRepository) -> None:
    tables = small.repository.tables(small.repository.load(SCOPE, 2))

    found = tables.sql(
        "select i.id, count(*) comments, max(i.raw->>'$.key') as named, max(i.created) created "
        "from issues i join comments c on c.issue_id = i.id where i.key like 'text 1%' group by all order by 1 limit 2"
    ).to_pylist()

    assert [(row["id"], row["comments"], row["named"]) for row in found] == [
        ("1", 2, "text 1"),
        ("10", 2, "text 10"),
    ]
    assert found[0]["created"].isoformat() == "2026-01-01T00:00:01+00:00"


def test_filters_and_columns_are_pushed_into_the_files(small: SmallRepository) -> None:
    issues = small.repository.tables(small.repository.load(SCOPE, 2))["issues"]

    found = issues.to_arrow(["labels", "key"], pc.field("id") == "12")

    assert found.to_pylist() == [{"labels": ["item 5", "item 0"], "key": "text 12"}]
    assert issues.count(pc.field("id") == "12") == 1
    assert issues.count(pc.field("id") == "7") == 0
    assert [row.id for row in issues.records(pc.field("id") == "12")] == ["12"]
    assert issues.to_polars(["id"]).height == _ISSUES - 1
    with pytest.raises(ConfigurationError, match="no column nope"):
        issues.to_arrow(["nope"])


def test_a_row_group_is_bounded(small: SmallRepository) -> None:
    files = Files(small, "comments")
    properties = pe.create_decryption_properties(files.key)
    found = pq.ParquetFile(
        pa.BufferReader(small.store.get(files.files[0][1])), decryption_properties=properties
    )

    groups = [found.metadata.row_group(number).num_rows for number in range(found.metadata.num_row_groups)]

    assert groups == [5_000, 200]


def test_without_polars_the_reader_says_what_to_install(
    small: SmallRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)

    with pytest.raises(ConfigurationError, match="pip install"):
        small.repository.tables(small.repository.load(SCOPE, 2))["issues"].to_polars()


def test_the_index_is_named_by_its_epoch_and_content(small: SmallRepository) -> None:
    manifest = small.repository.load(SCOPE, 2)

    assert (SCOPE, "0001", manifest.index.plain_sha256) == parse_index(manifest.index.key)
