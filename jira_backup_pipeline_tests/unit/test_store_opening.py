"""An address of a store is understood or refused with the way out; it never shows what was typed into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import ConfigurationError, ExitCode
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.store.access import AwsAccess
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline.store.opening import open_store
from jira_backup_pipeline.store.s3 import S3Store

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = AwsAccess("AKIAEXAMPLE", Secret("a secret"), None, "eu-central-1")


def test_a_file_address_opens_a_folder_without_making_it(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/not/yet")

    assert isinstance(store, LocalStore)
    assert store.uri == f"file://{tmp_path}/not/yet"
    assert list(store.list("")) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_address_may_name_the_local_host_and_quote_characters(tmp_path: Path) -> None:
    store = open_store(f"file://localhost{tmp_path}/a%20folder%23/")
    store.put_new("k", b"x")

    assert (tmp_path / "a folder#" / "k").read_bytes() == b"x"
    assert open_store(store.uri).get("k") == b"x"


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ConfigurationError, match="not a folder"):
        open_store(f"file://{tmp_path}/file")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://my.bucket_1/jira/production", "s3://my.bucket_1/jira/production"),
        ("s3://bucket/jira/", "s3://bucket/jira"),
    ],
)
def test_a_bucket_address_opens_a_bucket_without_contacting_it(uri: str, shown: str) -> None:
    store = open_store(uri, aws=ACCESS)

    assert isinstance(store, S3Store)
    assert shown == store.uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/srv/backup",
        "backup",
        "file:",
        "file://",
        "file:///",
        "file:relative/path",
        "file://server/share",
        "file:///srv/a%00b",
        "file:///srv/what?",
        "file:///srv/backup#1",
        "s3:",
        "s3://",
        "s3:///prefix",
        "s3://b",
        "s3://bucket/a//b",
        "s3://bucket/../other",
        "s3://bucket/with space",
        "s3://bucket/.hidden",
        "s3://bucket?versionId=1",
        "S4://bucket",
        "https://bucket.s3.example.org/prefix",
        "ftp://host/path",
        "s3://[bucket",
    ],
)
def test_any_other_address_is_a_usage_error_with_a_way_out(uri: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_store(uri, aws=ACCESS)

    message, hint = str(caught.value).split("\n")
    assert message.startswith("the address of the store ")
    assert hint.startswith("HINT: ")
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("uri", ["s3://AKIA:hunter2@bucket/x", "file://user:hunter2@localhost/x"])
def test_credentials_in_an_address_are_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="user name or password") as caught:
        open_store(uri)

    assert "hunter2" not in str(caught.value)


def test_access_to_a_bucket_shows_no_secret() -> None:
    assert "a secret" not in repr(ACCESS)
