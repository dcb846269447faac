"""Arrow schemas of all tables, made from the catalogue; the one place where a column's Arrow type is decided.

What belongs here: the order and types of columns, the columns that no catalogue entry has (`raw` and its kin, an
attachment's blob, the columns of units), and which columns are worth a dictionary.

What stays out: values (`domain.records`), files (`writing`, `files`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa

from jira_backup_pipeline.domain.kinds import BY_NAME, KINDS, ColumnType, Level

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS = "units"
RAW_COLUMNS = ("raw", "raw_binary", "raw_sha256")
DIGEST_BYTES = 16
_ISSUE_LEVEL = frozenset(kind.name for kind in KINDS if kind.level is Level.ISSUE)

ARROW_TYPES: Mapping[ColumnType, pa.DataType] = MappingProxyType(
    {
        ColumnType.STRING: pa.string(),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.NUMBER: pa.float64(),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.INSTANT: pa.timestamp("ms", tz="UTC"),
        ColumnType.DATE: pa.date32(),
        ColumnType.STRINGS: pa.list_(pa.string()),
    }
)

_BLOB = (
    ("blob", ColumnType.STRING),
    ("blob_size_bytes", ColumnType.INTEGER),
    ("blob_sha256", ColumnType.STRING),
    ("media_id", ColumnType.STRING),
)
# Columns of a kind that Jira's JSON does not hold: they come in `Record.extra`.
EXTRA_COLUMNS: Mapping[str, tuple[tuple[str, ColumnType], ...]] = MappingProxyType(
    {
        kind.name: (("parent_id", ColumnType.STRING),)
        for kind in KINDS
        if kind.listing.is_per_parent and not kind.listing.groups_parents
    }
    | {
        "attachment": _BLOB,
        "avatar": (("parent_id", ColumnType.STRING), *_BLOB),
        "issue_field": (("name", ColumnType.STRING),),
        "comment": (("properties", ColumnType.STRING),),
        "worklog": (("properties", ColumnType.STRING),),
    }
)

# Texts that hardly ever repeat: a dictionary would only cost memory, or spill over and be dropped.
_UNREPEATED = frozenset(
    {
        "id",
        "key",
        "summary",
        "description",
        "filename",
        "display_name",
        "email",
        "title",
        "url",
        "global_id",
        "properties",
        "blob",
        "blob_sha256",
        "media_id",
        "inward_issue_id",
        "inward_issue_key",
        "outward_issue_id",
        "outward_issue_key",
        "from_values",
        "to_values",
    }
)

UNITS_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("updated_ms", pa.int64(), nullable=False),
        pa.field("digest", pa.binary(DIGEST_BYTES), nullable=False),
        pa.field("pack", pa.string(), nullable=False),
        pa.field("tally", pa.string(), nullable=False),
    ]
)


def is_issue_level(kind: str) -> bool:
    """Tell whether the rows of a kind hang on an issue."""
    return kind in _ISSUE_LEVEL


def column_types(kind: str) -> dict[str, ColumnType]:
    """Give the columns of a kind's table before `raw`, in order, with their catalogue types."""
    columns = {"id": ColumnType.STRING}
    if is_issue_level(kind):
        columns["issue_id"] = ColumnType.STRING
    columns |= {column.name: column.type for column in BY_NAME[kind].columns}
    columns |= dict(EXTRA_COLUMNS.get(kind, ()))
    return columns


def schema_of(kind: str) -> pa.Schema:
    """Give the Arrow schema of a kind's table."""
    required = {"id", "issue_id"}
    fields = [
        pa.field(name, ARROW_TYPES[column_type], nullable=name not in required)
        for name, column_type in column_types(kind).items()
    ]
    return pa.schema(
        [
            *fields,
            pa.field("raw", pa.string()),
            pa.field("raw_binary", pa.binary()),
            pa.field("raw_sha256", pa.binary(32), nullable=False),
        ]
    )


def dictionary_columns(schema: pa.Schema) -> list[str]:
    """Give the Parquet paths of the columns whose values repeat."""
    paths = []
    for field in schema:
        if field.name in _UNREPEATED or field.name in RAW_COLUMNS:
            continue
        if pa.types.is_string(field.type):
            paths.append(field.name)
        elif pa.types.is_list(field.type):
            paths.append(f"{field.name}.list.element")
    return paths
