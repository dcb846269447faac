"""A repository lives in a bucket as in a folder, and its writer may neither delete nor overwrite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import jira_backup_pipeline
from jira_backup_pipeline.domain.errors import AccessDenied
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline_tests.doubles.s3_server import S3Server, running_s3_server
from jira_backup_pipeline_tests.doubles.small_repository import SCOPE, example, issue_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3_server() as server:
        yield server


def test_a_writer_that_may_only_put_get_and_list_writes_whole_snapshots(server: S3Server) -> None:
    writer = server.new_user("s3:PutObject", "s3:GetObject", "s3:ListBucket")
    bucket = server.new_bucket()
    store = server.store("prefix", access=writer, bucket=bucket)

    small = example(store)

    # Nothing above needed what this user may not do.
    with pytest.raises(AccessDenied):
        store.delete("repository.json")
    assert small.reopened().tables(small.reopened().load(SCOPE, 2))["issues"].count() == 2
    assert list(small.reopened().chain_findings(SCOPE)) == []


def test_a_reader_needs_no_right_to_write(server: S3Server) -> None:
    bucket = server.new_bucket()
    small = example(server.store("prefix", bucket=bucket))
    reader = server.new_user("s3:GetObject", "s3:ListBucket")

    repository = open_repository(
        server.store("prefix", access=reader, bucket=bucket), identity_text=small.identity_text
    )

    manifest = repository.latest(SCOPE)
    assert manifest is not None
    tables = repository.tables(manifest)
    assert tables.sql("select count(*) n from comments").to_pylist() == [{"n": 5}]
    blobs = tables["attachments"].to_arrow(["blob"])["blob"].to_pylist()
    assert {repository.open_blob(SCOPE, name).read() for name in blobs} == {b"bytes of a picture" * 50, b""}
    small.repository = repository
    with pytest.raises(AccessDenied):
        small.snapshot([issue_unit("9")])


def test_a_snapshot_in_a_bucket_is_opened_by_its_address(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = server.new_bucket()
    small = example(server.store("team/jira", bucket=bucket))
    identity_file = tmp_path / "identity"
    identity_file.touch(0o600)
    identity_file.write_text(small.identity_text)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)

    with jira_backup_pipeline.open_snapshot(
        f"s3://{bucket}/team/jira", "ABC", identity_file=identity_file
    ) as snapshot:
        assert snapshot["issues"].count() == 2
        assert snapshot.open_attachment("501").read() == b"bytes of a picture" * 50
