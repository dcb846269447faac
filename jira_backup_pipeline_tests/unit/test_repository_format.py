"""FORMAT.md says what the code does: its column table, its object names, its members and its figures."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import jira_backup_pipeline.repository
from jira_backup_pipeline.domain.kinds import BY_NAME, KINDS
from jira_backup_pipeline.domain.manifest import Manifest, ObjectRef, PackRef
from jira_backup_pipeline.repository.documents import ENVELOPE_FORMAT
from jira_backup_pipeline.repository.founding import REPOSITORY_FORMAT
from jira_backup_pipeline.repository.keyring import KEYRING_FORMAT, EpochKeys
from jira_backup_pipeline.repository.layout import DOCUMENT_PREFIXES
from jira_backup_pipeline.repository.packs import RECEIPT_FORMAT, Receipt
from jira_backup_pipeline.repository.tables.schema import EXTRA_COLUMNS, UNITS_SCHEMA, column_types
from jira_backup_pipeline.repository.tables.writing import ROW_GROUP_RAW_BYTES, ROW_GROUP_ROWS
from jira_backup_pipeline_tests.doubles.small_repository import example

_TEXT = (Path(jira_backup_pipeline.repository.__file__).parent / "FORMAT.md").read_text("utf-8")


def _column_row(kind: str) -> str:
    columns = ", ".join(f"`{name}` {column_type.value}" for name, column_type in column_types(kind).items())
    return f"| {BY_NAME[kind].table} | {kind} | {columns} |"


def test_the_column_table_is_the_catalogue() -> None:
    section = _TEXT.partition("<!-- columns -->")[2].partition("<!-- end of columns -->")[0]

    written = [line for line in section.strip().splitlines()[2:] if line]

    assert [_column_row(kind.name) for kind in KINDS] == written


def test_extra_columns_and_catalogue_columns_do_not_meet() -> None:
    for kind, extras in EXTRA_COLUMNS.items():
        own = {column.name for column in BY_NAME[kind].columns}
        assert set() == own & {name for name, _ in extras}


def test_every_member_of_the_documents_is_named() -> None:
    for described in (Manifest, Receipt, PackRef, ObjectRef, EpochKeys):
        for member in fields(described):
            assert f"`{member.name}`" in _TEXT, f"{described.__name__}.{member.name}"
    for name in UNITS_SCHEMA.names:
        assert f"`{name}`" in _TEXT


def test_the_figures_are_those_of_the_code() -> None:
    assert {1} == {ENVELOPE_FORMAT, REPOSITORY_FORMAT, KEYRING_FORMAT}
    assert f"`format` ({RECEIPT_FORMAT};" in _TEXT
    assert (ROW_GROUP_ROWS, ROW_GROUP_RAW_BYTES) == (5_000, 16 * 2**20)
    assert all(f"`{prefix}/`" in _TEXT for prefix in DOCUMENT_PREFIXES)


def test_every_stored_object_has_a_name_of_the_format() -> None:
    small = example()
    names = {
        "repository.json": "repository.json",
        r"keyring/repository/[0-9a-f]{32}\.\d+\.age": "keyring/repository/",
        r"keyring/(site|project-\d+)/\d{4}\.\d+\.age": "keyring/<scope>/",
        r"packs/(site|project-\d+)/\d{8}T\d{6}Z-[0-9a-f]{16}/[a-z_]+-\d{3}\.parquet": "<kind>",
        r"packs/(site|project-\d+)/\d{8}T\d{6}Z-[0-9a-f]{16}/receipt\.age": "receipt.age",
        r"blobs/(site|project-\d+)/[0-9a-f]{2}/[0-9a-f]{64}\.age": "blobs/",
        r"indexes/(site|project-\d+)/\d{4}\.[0-9a-f]{64}\.parquet": "indexes/",
        r"snapshots/(site|project-\d+)/\d{8}\.age": "snapshots/",
        r"(runs|journals|reports)/[a-z0-9-]+\.age": "runs/",
    }
    keys = [stored.key for stored in small.store.list("")]

    matched = {pattern for key in keys for pattern in names if re.fullmatch(pattern, key)}

    assert set(names) == matched
    assert [key for key in keys if not any(re.fullmatch(pattern, key) for pattern in names)] == []
    assert all(word in _TEXT for word in names.values())


def test_the_open_documents_hold_no_secret() -> None:
    small = example()

    document = json.loads(small.store.get("repository.json"))

    assert {
        "cloud_id",
        "created_at",
        "first_keyring_sha256",
        "format",
        "recipients",
        "repository_id",
        "signature",
        "signer",
    } == set(document)
    assert all(f"`{name}`" in _TEXT for name in document)
    assert all(b"AGE-SECRET" not in small.store.get(stored.key) for stored in small.store.list(""))
