"""How results look in Dagster: tables, counts, digests. Counts, names and hashes only, never issue text.

What belongs here: turning outcomes, manifests and catalogue entries into Dagster metadata.

What stays out: judging results (`health`, `checks`) and computing them (`engine`).

See https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import dagster as dg

from jira_backup_pipeline.domain.kinds import ColumnType, Kind, Level
from jira_backup_pipeline.domain.manifest import Gap, LedgerLine, Manifest
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.outcomes import CaptureOutcome

# Dagster's own type parameter says nothing here: every value is of another kind.
Metadata = dict[str, dg.MetadataValue[Any]]

# A table of a hundred thousand gaps helps nobody and would swell the event log; the manifest holds them all.
_MOST_ROWS = 200
_KEPT_COLUMNS = (
    dg.TableColumn("raw", "string", "The exact JSON that Jira sent, when it is valid UTF-8."),
    dg.TableColumn("raw_binary", "binary", "The exact bytes that Jira sent, when they are not valid UTF-8."),
    dg.TableColumn("raw_sha256", "binary", "SHA-256 of those bytes."),
)
_BLOB_COLUMNS = (
    dg.TableColumn("blob", "string", "Name of the stored bytes in this scope."),
    dg.TableColumn("blob_size_bytes", "bigint", "Size of the stored bytes."),
    dg.TableColumn("blob_sha256", "string", "SHA-256 of the stored bytes."),
    dg.TableColumn("media_id", "string", "The media id that rich text uses for the file."),
)
_PROPERTIES_COLUMN = dg.TableColumn(
    "properties", "string", "The exact JSON of its properties, when it has any."
)
_EXTRA_COLUMNS = MappingProxyType(
    {
        "attachment": _BLOB_COLUMNS,
        "avatar": _BLOB_COLUMNS,
        "comment": (_PROPERTIES_COLUMN,),
        "worklog": (_PROPERTIES_COLUMN,),
    }
)
_TYPE_WORDS = MappingProxyType(
    {
        ColumnType.STRING: "string",
        ColumnType.INTEGER: "bigint",
        ColumnType.NUMBER: "double",
        ColumnType.BOOLEAN: "boolean",
        ColumnType.INSTANT: "timestamp(ms, UTC)",
        ColumnType.DATE: "date",
        ColumnType.STRINGS: "list<string>",
    }
)


def column_schema(kind: Kind) -> dg.TableSchema:
    """Give the columns of a kind's table as the catalogue defines them."""
    columns = [dg.TableColumn("id", "string", "Jira's id of the record.")]
    if kind.level is Level.ISSUE:
        columns.append(dg.TableColumn("issue_id", "string", "Id of the issue that the record hangs on."))
    columns += [
        dg.TableColumn(column.name, _TYPE_WORDS[column.type], f"Jira: {'.'.join(column.path)}")
        for column in kind.columns
    ]
    return dg.TableSchema([*columns, *_EXTRA_COLUMNS.get(kind.name, ()), *_KEPT_COLUMNS])


def table_metadata(outcome: CaptureOutcome, table: str, repository_uri: str) -> Metadata:
    """Describe what one table holds after a capture."""
    manifest = outcome.manifest
    # A count of all partitions would need every manifest; of a partitioned asset only its partition's is known.
    name = "dagster/partition_row_count" if manifest.project else "dagster/row_count"
    return {
        name: dg.MetadataValue.int(manifest.counts.get(table, 0)),
        "dagster/uri": dg.MetadataValue.url(manifest_uri(manifest, repository_uri)),
        "snapshot": dg.MetadataValue.int(manifest.number),
        "captured_at": dg.MetadataValue.text(to_iso(manifest.captured_at)),
    }


def snapshot_metadata(outcome: CaptureOutcome, repository_uri: str) -> Metadata:
    """Describe a committed snapshot: what it holds, what it misses and why, what it cost."""
    manifest = outcome.manifest
    rows = "dagster/partition_row_count" if manifest.project else "dagster/row_count"
    described: Metadata = {
        rows: dg.MetadataValue.int(sum(manifest.counts.values())),
        "dagster/uri": dg.MetadataValue.url(manifest_uri(manifest, repository_uri)),
        "snapshot": dg.MetadataValue.int(manifest.number),
        "state": dg.MetadataValue.text(manifest.state.value),
        "captured_at": dg.MetadataValue.text(to_iso(manifest.captured_at)),
        "ledger": ledger_table(manifest.ledger),
        "gaps": gaps_table(manifest.gaps),
        "disappeared": disappeared_table(manifest),
        "requests": counts_table(outcome.requests, "request", "calls"),
        "requests_total": dg.MetadataValue.int(sum(outcome.requests.values())),
        "written_bytes": dg.MetadataValue.int(outcome.written_bytes),
        "changed_units": dg.MetadataValue.int(outcome.changed_units),
        "reused_units": dg.MetadataValue.int(outcome.reused_units),
        "removed_units": dg.MetadataValue.int(outcome.removed_units),
        "duration_seconds": dg.MetadataValue.float(round(outcome.duration_seconds, 3)),
        "tool_version": dg.MetadataValue.text(manifest.tool_version),
    }
    if manifest.project:
        described["project_id"] = dg.MetadataValue.text(manifest.project.id)
    if manifest.site_snapshot is not None:
        described["site_snapshot"] = dg.MetadataValue.int(manifest.site_snapshot)
    return described


def manifest_uri(manifest: Manifest, repository_uri: str) -> str:
    """Say where a snapshot's manifests lie: the folder of its scope in the repository."""
    return f"{repository_uri.rstrip('/')}/snapshots/{manifest.scope}/"


def content_version(manifest: Manifest) -> dg.DataVersion:
    """Give the version of what the tables hold: the index is named by its content, so no change gives no new one."""
    return dg.DataVersion(manifest.index.plain_sha256[:32])


def manifest_version(manifest: Manifest) -> dg.DataVersion:
    """Give the version of the snapshot itself: the digest of its manifest."""
    text = json.dumps(manifest.to_json(), sort_keys=True, separators=(",", ":"))
    return dg.DataVersion(hashlib.sha256(text.encode()).hexdigest()[:32])


def ledger_table(ledger: Sequence[LedgerLine]) -> dg.TableMetadataValue:
    """Show what Jira said exists beside what is stored."""
    return table(
        ("kind", "source", "expected", "stored", "explained", "unexplained", "is_estimate"),
        [
            (
                line.kind,
                line.source,
                line.expected,
                line.stored,
                line.explained,
                line.unexplained,
                line.is_estimate,
            )
            for line in ledger
        ],
    )


def gaps_table(gaps: Sequence[Gap]) -> dg.TableMetadataValue:
    """Show what is known to be missing, and why."""
    return table(
        ("kind", "subject", "issue_id", "status", "reason", "remedy", "count"),
        [
            (gap.kind, gap.subject, gap.issue_id, gap.status, gap.reason, gap.remedy, gap.count)
            for gap in gaps
        ],
    )


def disappeared_table(manifest: Manifest) -> dg.TableMetadataValue:
    """Show which issues are listed no more, what became of them, and what that rests on; the latest first."""
    latest = sorted(
        manifest.disappeared.values(), key=lambda one: (one.judged_at, one.issue_id), reverse=True
    )
    return table(
        ("issue_id", "key", "fate", "moved_to", "first_missed_at", "judged_at", "evidence"),
        [
            (
                one.issue_id,
                one.key,
                one.fate.value,
                one.moved_to,
                one.first_missed_at,
                one.judged_at,
                "; ".join(one.evidence),
            )
            for one in latest
        ],
    )


def counts_table(counts: Mapping[str, int], name: str, unit: str) -> dg.TableMetadataValue:
    """Show counts by name, the largest first."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return table((name, unit), ordered)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.TableMetadataValue:
    """Make a table; of a very long one the first rows and a line that says how many more there are."""
    rows = list(rows)
    records = [
        dg.TableRecord({name: _cell(cell) for name, cell in zip(columns, row, strict=True)})
        for row in rows[:_MOST_ROWS]
    ]
    if len(rows) > _MOST_ROWS:
        more = f"and {len(rows) - _MOST_ROWS:,} more, see the snapshot"
        records.append(dg.TableRecord({name: more if name == columns[0] else None for name in columns}))
    schema = dg.TableSchema([dg.TableColumn(name, _cell_type(name, rows, columns)) for name in columns])
    return dg.MetadataValue.table(records, schema)


def _cell(value: object) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _cell_type(name: str, rows: Sequence[Sequence[object]], columns: Sequence[str]) -> str:
    position = columns.index(name)
    found = {type(row[position]) for row in rows if row[position] is not None}
    if found == {int}:
        return "int"
    return "bool" if found == {bool} else "string"
