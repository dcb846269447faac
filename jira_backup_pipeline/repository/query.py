"""SQL over the live rows of a snapshot: DuckDB on Arrow datasets, shut off from files, network and extensions.

What belongs here: the one connection to DuckDB, its locks, the views in which only live rows appear, and what a condition
is as opposed to a statement.

What stays out: opening of encrypted files, which Arrow does (`tables`): DuckDB never sees a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from jira_backup_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from jira_backup_pipeline.repository.tables.reading import TableReader

_PACK = "_pack"
_UNITS = "_live_units"
_SETTINGS: Mapping[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "python_enable_replacements": False,
}
_READ_ONLY = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})


def run_query(query: str, readers: Mapping[str, TableReader], units: pa.Table) -> pa.Table:
    """Answer one SELECT over the named tables; only rows that the units declare live are seen.

    Times are in UTC.

    Raises:
        ConfigurationError: the query is wrong, is not a single SELECT, or asks for something outside the snapshot;
            DuckDB's own words are kept.
        IntegrityError: a file that the query needs is not what was stored.
    """
    with duckdb.connect(":memory:", config=dict(_SETTINGS)) as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            _check_read_only(connection, query)
            for name in _mentioned(query, readers):
                _offer(connection, name, readers[name], units)
            connection.execute("SET lock_configuration = true")
            return connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            first, _, rest = str(error).strip().partition("\n")
            raise ConfigurationError(
                f"the query failed: {first}",
                hint=f"Tables here: {', '.join(readers)}.{_second_line(rest)}",
            ) from error


def matching_ids(condition: str, readers: Mapping[str, TableReader], units: pa.Table) -> list[str]:
    """Give the ids of the issues for which a condition holds: what may stand after WHERE, sub-queries on all tables included.

    Raises:
        ConfigurationError: it is no condition, or DuckDB does not accept it.
        IntegrityError: a file that the condition needs is not what was stored.
    """
    _check_condition(condition)
    # Within its own pair of brackets, which the check proves it cannot close, the text is one expression and nothing else.
    query = f"SELECT id FROM issues WHERE (\n{condition}\n)"  # noqa: S608
    return [str(found) for found in run_query(query, readers, units)["id"].to_pylist()]


def _check_condition(condition: str) -> None:
    hint = (
        "Write what may stand after WHERE in a query on the table issues, such as "
        "\"status = 'Done' AND updated < '2026-01-31'\"."
    )
    if not condition.strip():
        message = "the condition is empty"
        raise ConfigurationError(message, hint=hint)
    if _is_statement(condition):
        message = "a condition is wanted, not a statement"
        raise ConfigurationError(message, hint=hint)
    text, depth = condition.encode(), 0
    for offset, kind in duckdb.tokenize(condition):
        if kind != duckdb.token_type.operator:
            continue
        depth += {b"(": 1, b")": -1}.get(text[offset : offset + 1], 0)
        if depth < 0 or text[offset : offset + 1] == b";":
            message = "the condition holds more than one expression"
            raise ConfigurationError(message, hint=hint)


def _is_statement(text: str) -> bool:
    try:
        return bool(duckdb.extract_statements(text))
    except duckdb.Error:
        return False


def _second_line(rest: str) -> str:
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    return f" DuckDB adds: {lines[0]}" if lines else ""


def _check_read_only(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type not in _READ_ONLY:
        message = "only one SELECT statement can be run on a snapshot"
        raise ConfigurationError(
            message, hint="Snapshots are read-only; start the query with SELECT or WITH."
        )


def _mentioned(query: str, readers: Mapping[str, TableReader]) -> list[str]:
    # A name that only looks mentioned costs one download; a needed one is never missed.
    lowered = query.lower()
    return [name for name in readers if name in lowered]


def _offer(connection: duckdb.DuckDBPyConnection, name: str, reader: TableReader, units: pa.Table) -> None:
    unit_kind = "issue" if reader.live_column == "issue_id" else reader.kind
    connection.register(f"_all_{name}", reader.dataset(_PACK))
    connection.register(_UNITS, units)
    # The names come from the catalogue, never from the query.
    connection.execute(
        f"CREATE VIEW {name} AS SELECT a.* EXCLUDE ({_PACK}) FROM _all_{name} a SEMI JOIN {_UNITS} u "  # noqa: S608
        f"ON u.kind = '{unit_kind}' AND u.id = a.{reader.live_column} AND u.pack = a.{_PACK}"
    )
