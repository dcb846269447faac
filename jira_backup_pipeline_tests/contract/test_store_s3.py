"""What only a bucket has: credentials and permissions, pages, parts, prefixes, encryption by the server."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AlreadyExists,
    BackupPipelineError,
    ConfigurationError,
    NotFound,
    Refused,
    StoreError,
)
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.store import s3
from jira_backup_pipeline.store.access import AwsAccess, S3Options
from jira_backup_pipeline.store.opening import open_store
from jira_backup_pipeline.store.probe import probe_create_only
from jira_backup_pipeline.store.s3 import S3Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline_tests.doubles.s3_server import S3Server

LARGE = S3Options(single_put_limit_bytes=10, part_bytes=5 * 1024 * 1024)
# Enough for a backup: neither delete nor overwrite.
WRITER = ("s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:AbortMultipartUpload")

VERBS: dict[str, Callable[[S3Store], Any]] = {
    "put_new": lambda store: store.put_new("k", b"x"),
    "put_new in parts": lambda store: store.put_new("k", bytes(1000)),
    "get": lambda store: store.get("k"),
    "open": lambda store: store.open("k"),
    "head": lambda store: store.head("k"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete("k"),
}


def shown(error: BackupPipelineError) -> str:
    """Check the grammar that every error has, and give its text."""
    text = str(error)
    message, hint = text.split("\n")
    assert not message.endswith(".")
    assert hint.startswith("HINT: ")
    assert hint.endswith(".")
    return text


def test_a_listing_goes_over_many_pages_whatever_their_size(s3_server: S3Server) -> None:
    store = s3_server.store("many-pages")
    keys = [f"blobs/10001/{number:05x}" for number in range(2203)]
    s3_server.fill(f"many-pages/{key}" for key in keys)
    calls = []

    def short_pages(params: dict[str, Any], **_rest: Any) -> None:
        calls.append(params.get("ContinuationToken"))
        params["MaxKeys"] = (895, 7, 308)[len(calls) % 3]

    assert keys == [found.key for found in store.list("")]
    store._client.meta.events.register("before-parameter-build.s3.ListObjectsV2", short_pages)
    try:
        assert keys[900:] == [found.key for found in store.list("blobs/", start_after=keys[899])]
    finally:
        store._client.meta.events.unregister("before-parameter-build.s3.ListObjectsV2", short_pages)
    assert len(calls) > 1


@pytest.mark.parametrize("verb", VERBS)
def test_a_wrong_secret_is_refused_by_every_verb(s3_server: S3Server, verb: str) -> None:
    wrong = replace(s3_server.admin, secret_access_key=Secret("not the secret of this key"))
    store = s3_server.store(access=wrong, options=LARGE)

    with pytest.raises(AccessDenied) as caught:
        VERBS[verb](store)

    assert "not the secret" not in shown(caught.value)
    if verb not in {"head", "delete"}:  # a HEAD answer has no body to say more than 403
        assert "SignatureDoesNotMatch" in caught.value.message
        assert "secret" in caught.value.hint


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_access_key_is_refused_by_every_verb(s3_server: S3Server, verb: str) -> None:
    unknown = replace(s3_server.admin, access_key_id="AKIAUNKNOWNUNKNOWN00")

    with pytest.raises(AccessDenied) as caught:
        VERBS[verb](s3_server.store(access=unknown, options=LARGE))

    assert shown(caught.value)


def test_a_writer_without_delete_backs_up_and_cannot_delete(s3_server: S3Server) -> None:
    store = s3_server.store(access=s3_server.new_user(*WRITER), options=LARGE)
    store.put_new("small", b"x")
    store.put_new("large", bytes(6_000_000))

    with pytest.raises(AccessDenied) as caught:
        store.delete("small")

    assert "DeleteObject" in shown(caught.value)
    assert "Allow s3:DeleteObject" in caught.value.hint
    assert [found.key for found in store.list("")] == ["large", "small"]
    with pytest.raises(AlreadyExists):
        store.put_new("small", b"y")


def test_the_probe_leaves_its_object_where_deleting_is_not_allowed(s3_server: S3Server) -> None:
    store = s3_server.store(access=s3_server.new_user(*WRITER))

    outcome = probe_create_only(store, rounds=1)

    assert outcome.leftover_keys == tuple(found.key for found in store.list("probes/"))
    assert len(outcome.leftover_keys) == 1


@pytest.mark.parametrize(
    ("verb", "permission"),
    [
        ("put_new", "s3:PutObject"),
        ("put_new in parts", "s3:PutObject"),
        ("get", "s3:GetObject"),
        ("head", "s3:GetObject"),
        ("list", "s3:ListBucket"),
    ],
)
def test_a_forbidden_action_is_named_with_the_permission_it_needs(
    s3_server: S3Server, verb: str, permission: str
) -> None:
    prefix = f"forbidden/{secrets.token_hex(6)}"
    if verb in {"get", "head"}:
        s3_server.store(prefix).put_new("k", b"x")
    nobody = s3_server.new_user("s3:GetBucketLocation")

    with pytest.raises(AccessDenied) as caught:
        VERBS[verb](s3_server.store(prefix, access=nobody, options=LARGE))

    assert permission in shown(caught.value)


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_bucket_is_a_wrong_setting_for_every_verb(s3_server: S3Server, verb: str) -> None:
    store = s3_server.store(bucket="bucket-that-nobody-made", options=LARGE)

    with pytest.raises(ConfigurationError) as caught:
        VERBS[verb](store)

    assert not isinstance(caught.value, NotFound)
    assert "bucket-that-nobody-made" in shown(caught.value)
    assert "Create the bucket" in caught.value.hint


def test_a_head_of_an_absent_key_asks_for_the_bucket_just_once(s3_server: S3Server) -> None:
    store = s3_server.store()
    calls = []
    events = store._client.meta.events
    events.register("before-call.s3", lambda model, **_rest: calls.append(model.name), unique_id="count")
    try:
        for _ in range(3):
            with pytest.raises(NotFound):
                store.head("absent")
    finally:
        events.unregister("before-call.s3", unique_id="count")

    assert calls == ["HeadObject", "ListObjectsV2", "HeadObject", "HeadObject"]


def test_a_refused_large_write_leaves_no_parts_behind(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = s3_server.store(bucket=bucket, options=LARGE)
    store.put_new("k", b"first")

    with pytest.raises(AlreadyExists):
        store.put_new("k", bytes(6_000_000))

    assert "Uploads" not in s3_server.client("s3").list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize(("most", "parts"), [(10_000, 5), (3, 3)])
def test_a_large_write_goes_in_parts_and_never_in_more_than_the_server_takes(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, most: int, parts: int
) -> None:
    monkeypatch.setattr(s3, "_MAX_PARTS", most)
    store = s3_server.store(bucket=s3_server.new_bucket(), options=LARGE)
    body = secrets.token_bytes(21 * 1024 * 1024)
    calls = []
    events = store._client.meta.events
    events.register("before-call.s3", lambda model, **_rest: calls.append(model.name), unique_id="count")
    try:
        store.put_new("k", body)
    finally:
        events.unregister("before-call.s3", unique_id="count")

    assert calls == ["CreateMultipartUpload", *["UploadPart"] * parts, "CompleteMultipartUpload"]
    assert store.get("k") == body


def test_what_a_single_write_may_hold_is_far_from_the_five_gigabytes_of_s3() -> None:
    assert S3Options().single_put_limit_bytes < 5 * 1024**3


def test_two_prefixes_of_one_bucket_know_nothing_of_each_other(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    one = s3_server.store("jira/one", bucket=bucket)
    ten = s3_server.store("jira/one0", bucket=bucket)
    one.put_new("k", b"one")
    ten.put_new("k", b"ten")

    assert (one.get("k"), ten.get("k")) == (b"one", b"ten")
    assert [found.key for found in one.list("")] == ["k"]
    assert f"s3://{bucket}/jira/one" == one.uri


def test_what_others_put_into_the_bucket_is_not_listed(s3_server: S3Server) -> None:
    store = s3_server.store("jira")
    store.put_new("a/ours", b"")
    client = s3_server.client("s3")
    for foreign in ("jira/", "jira/a/", "jira/a/not ours", "jira/../x", "jirax"):
        client.put_object(Bucket=s3_server.bucket, Key=foreign, Body=b"")

    assert [found.key for found in store.list("")] == ["a/ours"]


def test_a_bucket_without_prefix_is_a_store_too(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = S3Store(connect(s3_server.admin), bucket)

    store.put_new("repository.json", b"{}")

    assert store.get("repository.json") == b"{}"
    assert [found.key for found in store.list("")] == ["repository.json"]
    assert f"s3://{bucket}" == store.uri


@pytest.mark.parametrize("size_bytes", [5, 500])
def test_server_side_encryption_is_asked_for_every_object(s3_server: S3Server, size_bytes: int) -> None:
    options = replace(LARGE, server_side_encryption="aws:kms", kms_key_id="alias/backups")
    store = s3_server.store("sse", options=options)

    store.put_new(f"k{size_bytes}", bytes(size_bytes))

    described = s3_server.client("s3").head_object(Bucket=s3_server.bucket, Key=f"sse/k{size_bytes}")
    assert described["ServerSideEncryption"] == "aws:kms"


def test_an_address_opens_a_bucket_with_the_given_credentials(s3_server: S3Server) -> None:
    store = open_store(f"s3://{s3_server.bucket}/opened/here/", aws=s3_server.admin)

    store.put_new("k", b"x")

    assert f"s3://{s3_server.bucket}/opened/here" == store.uri
    body = s3_server.client("s3").get_object(Bucket=s3_server.bucket, Key="opened/here/k")["Body"].read()
    assert body == b"x"


def test_values_not_given_come_from_the_variables_of_boto3(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)

    store = open_store(f"s3://{s3_server.bucket}/by-variables")
    store.put_new("k", b"x")

    assert [found.key for found in store.list("")] == ["k"]


def test_no_credentials_at_all_is_said_in_one_line(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    store = open_store("s3://bucket/x", aws=AwsAccess(region="us-east-1", endpoint=s3_server.endpoint))

    with pytest.raises(AccessDenied, match="no AWS credentials") as caught:
        store.get("k")

    assert shown(caught.value)


def test_half_a_credential_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="one is missing"):
        connect(AwsAccess(access_key_id="AKIAHALF", endpoint="http://127.0.0.1:1"))


@pytest.mark.parametrize(
    "endpoint", ["http://10.0.0.8:9000", "http://s3.example.org", "http://127.0.0.1.example.org"]
)
def test_plain_http_beyond_this_machine_is_refused(endpoint: str) -> None:
    with pytest.raises(Refused, match="plain http"):
        connect(AwsAccess("AKIA", Secret("secret"), None, "us-east-1", endpoint))


@pytest.mark.parametrize(
    "endpoint", ["https://s3.example.org", "http://localhost:9", "http://[::1]:9", "http://127.0.0.2:9"]
)
def test_https_and_loopback_are_accepted(endpoint: str) -> None:
    client = connect(AwsAccess("AKIA", Secret("secret"), None, "us-east-1", endpoint))

    assert endpoint == client.meta.endpoint_url
    assert client.meta.config.s3 == {"addressing_style": "path"}  # type: ignore[attr-defined]


def test_plain_http_by_the_variables_of_boto3_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example.org")

    with pytest.raises(Refused, match="not on this machine"):
        open_store("s3://bucket/x", aws=AwsAccess("AKIA", Secret("secret"), None, "us-east-1"))


def test_a_listing_out_of_order_is_not_trusted(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3_server.store()
    for key in ("a", "b"):
        store.put_new(key, b"")
    ask = store._client.list_objects_v2

    def reversed_page(**arguments: Any) -> Any:
        page = ask(**arguments)
        page["Contents"].reverse()
        return page

    with monkeypatch.context() as patch:
        patch.setattr(store._client, "list_objects_v2", reversed_page)
        with pytest.raises(StoreError, match="out of order"):
            list(store.list(""))


def test_a_listing_that_leads_nowhere_ends_in_an_error(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = s3_server.store()
    page = {"IsTruncated": True, "NextContinuationToken": "again", "Contents": []}
    with monkeypatch.context() as patch:
        patch.setattr(store._client, "list_objects_v2", lambda **_arguments: page)
        with pytest.raises(StoreError, match="does not lead to the next"):
            list(store.list(""))
