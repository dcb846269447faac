"""A bucket behind a network that refuses, loses answers, breaks off and damages: each fault is proven to have fired."""

from __future__ import annotations

import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AlreadyExists,
    BackupPipelineError,
    ConfigurationError,
    IntegrityError,
    NotFound,
    StoreError,
    TransientError,
)
from jira_backup_pipeline.store.access import S3Options
from jira_backup_pipeline_tests.doubles.s3_proxy import Misbehaviour, PlannedFault, running_s3_proxy
from jira_backup_pipeline_tests.doubles.s3_server import running_s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.store.s3 import S3Store
    from jira_backup_pipeline_tests.doubles.s3_proxy import StrictS3Proxy
    from jira_backup_pipeline_tests.doubles.s3_server import S3Server

PARTS = S3Options(single_put_limit_bytes=1_000_000, part_bytes=5 * 1024 * 1024)
ATTEMPTS = 2  # of boto3 per call, so that a test can outlast them
SMALL = b"a small body"
LARGE = random.Random(1).randbytes(6_000_000)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3_server() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(server: S3Server) -> Iterator[StrictS3Proxy]:
    with running_s3_proxy(server.endpoint) as running:
        yield running


@pytest.fixture
def store(server: S3Server, proxy: StrictS3Proxy) -> S3Store:
    return server.store(endpoint=proxy.endpoint, options=PARTS, max_attempts=ATTEMPTS)


def uploads_of(server: S3Server, store: S3Store) -> list[str]:
    """Name what lies in the bucket as parts of unfinished uploads."""
    answer = server.client("s3").list_multipart_uploads(Bucket=server.bucket)
    return [item["Key"] for item in answer.get("Uploads", ()) if item["Key"].startswith(store._prefix)]


LOST_ANSWERS = [
    pytest.param(PlannedFault(Misbehaviour.REFUSE_AFTER_COMMIT, status=500, code="InternalError"), id="500"),
    pytest.param(PlannedFault(Misbehaviour.REFUSE_AFTER_COMMIT, status=503, code="SlowDown"), id="503"),
    pytest.param(PlannedFault(Misbehaviour.RESET_AFTER_COMMIT), id="reset"),
]


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_a_write_that_took_effect_but_lost_its_answer_is_a_success(
    store: S3Store, proxy: StrictS3Proxy, fault: PlannedFault
) -> None:
    with proxy.planned(fault):
        created = store.put_new("k", SMALL)

    assert len(SMALL) == created.size_bytes
    assert store.get("k") == SMALL
    with pytest.raises(AlreadyExists):
        store.put_new("k", SMALL)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_a_write_whose_every_answer_is_lost_is_still_a_success(
    store: S3Store, proxy: StrictS3Proxy, fault: PlannedFault
) -> None:
    with proxy.planned(*[fault] * ATTEMPTS):
        store.put_new("k", SMALL)

    assert store.get("k") == SMALL


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_the_loser_of_a_race_is_told_even_when_answers_are_lost(
    server: S3Server, store: S3Store, proxy: StrictS3Proxy, fault: PlannedFault
) -> None:
    server.store(store._prefix.rstrip("/")).put_new("k", b"of another writer")

    with proxy.planned(fault), pytest.raises(AlreadyExists):
        store.put_new("k", SMALL)

    assert store.get("k") == b"of another writer"


@pytest.mark.parametrize("kind", [Misbehaviour.REFUSE_AFTER_COMMIT, Misbehaviour.RESET_AFTER_COMMIT])
@pytest.mark.parametrize("times", [1, ATTEMPTS])
def test_a_large_write_whose_completion_lost_its_answer_is_a_success(
    server: S3Server, store: S3Store, proxy: StrictS3Proxy, kind: Misbehaviour, times: int
) -> None:
    lost = PlannedFault(kind, "POST", "uploadId=", status=500, code="InternalError")

    with proxy.planned(*[lost] * times):
        created = store.put_new("k", LARGE)

    assert len(LARGE) == created.size_bytes
    assert store.get("k") == LARGE
    assert uploads_of(server, store) == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(PlannedFault(Misbehaviour.REFUSE, status=503, code="SlowDown"), id="slow down"),
        pytest.param(PlannedFault(Misbehaviour.REFUSE, status=500, code="InternalError"), id="500"),
        pytest.param(PlannedFault(Misbehaviour.REFUSE, status=429, code="TooManyRequests"), id="429"),
        pytest.param(PlannedFault(Misbehaviour.RESET_BEFORE_COMMIT), id="reset"),
    ],
)
class TestAPassingFault:
    def test_is_retried_until_the_write_is_done(
        self, store: S3Store, proxy: StrictS3Proxy, fault: PlannedFault
    ) -> None:
        with proxy.planned(fault):
            store.put_new("k", SMALL)

        assert store.get("k") == SMALL

    def test_that_lasts_is_worth_a_later_try_and_leaves_nothing(
        self, server: S3Server, store: S3Store, proxy: StrictS3Proxy, fault: PlannedFault
    ) -> None:
        with proxy.planned(*[fault] * ATTEMPTS), pytest.raises(TransientError) as caught:
            store.put_new("k", SMALL)

        assert "HINT: " in str(caught.value)
        assert list(store.list("")) == []
        store.put_new("k", SMALL)
        assert store.get("k") == SMALL
        assert uploads_of(server, store) == []


def test_parts_of_a_large_write_that_fails_are_removed(
    server: S3Server, store: S3Store, proxy: StrictS3Proxy
) -> None:
    slow = PlannedFault(Misbehaviour.REFUSE, match="partNumber=2")
    with proxy.planned(*[slow] * ATTEMPTS), pytest.raises(TransientError):
        store.put_new("k", LARGE)

    assert uploads_of(server, store) == []
    assert list(store.list("")) == []


def test_a_cleanup_that_fails_too_hides_nothing_and_is_logged(
    store: S3Store, proxy: StrictS3Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    refused = PlannedFault(Misbehaviour.REFUSE, match="partNumber=1", status=403, code="AccessDenied")
    no_cleanup = PlannedFault(Misbehaviour.REFUSE, "DELETE", status=403, code="AccessDenied")

    with proxy.planned(refused, no_cleanup), pytest.raises(AccessDenied, match="UploadPart"):
        store.put_new("k", LARGE)

    assert "parts of an unfinished upload of k stay" in caplog.text


@pytest.mark.parametrize(("body", "method"), [(SMALL, "PUT"), (LARGE, "POST")])
def test_a_conflict_inside_the_server_is_settled_by_writing_again(
    server: S3Server, store: S3Store, proxy: StrictS3Proxy, body: bytes, method: str
) -> None:
    match = "uploadId=" if method == "POST" else ""
    conflict = PlannedFault(Misbehaviour.REFUSE, method, match, 409, "ConditionalRequestConflict")

    with proxy.planned(conflict, conflict):
        store.put_new("k", body)

    assert store.get("k") == body
    assert uploads_of(server, store) == []


def test_a_conflict_that_lasts_ends_in_an_error(store: S3Store, proxy: StrictS3Proxy) -> None:
    conflict = PlannedFault(Misbehaviour.REFUSE, status=409, code="ConditionalRequestConflict")

    with proxy.planned(*[conflict] * 6), pytest.raises(TransientError, match="did not decide"):
        store.put_new("k", SMALL)

    assert list(store.list("")) == []


@pytest.mark.parametrize("kind", [Misbehaviour.TRUNCATE_BODY, Misbehaviour.RESET_MID_BODY])
def test_a_broken_read_goes_on_where_it_stopped(
    store: S3Store, proxy: StrictS3Proxy, kind: Misbehaviour
) -> None:
    store.put_new("k", LARGE)

    with proxy.planned(*[PlannedFault(kind, "GET")] * 4), store.open("k") as stream:
        assert stream.read() == LARGE

    ranges = [seen.headers["range"] for seen in proxy.requests[-4:]]
    assert len(set(ranges)) == 4
    with proxy.planned(PlannedFault(kind, "GET")):
        assert store.get("k") == LARGE


def test_a_read_that_breaks_without_progress_ends_in_an_error(store: S3Store, proxy: StrictS3Proxy) -> None:
    store.put_new("k", b"xy" * 50)
    broken = PlannedFault(Misbehaviour.RESET_BEFORE_COMMIT, "GET")
    with store.open("k") as stream:
        stream.seek(10)
        with proxy.planned(*[broken] * 5 * ATTEMPTS), pytest.raises(TransientError):
            stream.read()
        assert stream.read(2) == b"xy"


def test_an_object_replaced_while_it_is_read_is_noticed(
    server: S3Server, store: S3Store, proxy: StrictS3Proxy
) -> None:
    store.put_new("k", LARGE)
    with store.open("k") as stream, proxy.planned():
        assert stream.read(10) == LARGE[:10]
        server.client("s3").put_object(Bucket=server.bucket, Key=store._prefix + "k", Body=LARGE[::-1])
        stream.seek(3_000_000)
        with pytest.raises(IntegrityError, match="replaced while it was read"):
            stream.read()


def test_a_read_that_hides_a_changed_byte_is_left_to_the_digests_of_the_manifest(
    store: S3Store, proxy: StrictS3Proxy
) -> None:
    store.put_new("k", SMALL)

    with proxy.planned(PlannedFault(Misbehaviour.FLIP_BYTE, "GET")):
        changed = store.get("k")

    assert changed != SMALL
    assert len(changed) == len(SMALL)


def test_a_listing_survives_a_passing_fault_between_pages(
    store: S3Store, server: S3Server, proxy: StrictS3Proxy
) -> None:
    keys = [f"p/{number:04}" for number in range(1500)]
    server.fill(store._prefix + key for key in keys)
    slow = PlannedFault(Misbehaviour.REFUSE, "GET", "continuation-token=")

    with proxy.planned(slow):
        assert keys == [found.key for found in store.list("p/")]
    with proxy.planned(*[slow] * ATTEMPTS), pytest.raises(TransientError):
        list(store.list("p/"))


@pytest.mark.parametrize(
    ("refusal", "kind", "remedy"),
    [
        ((400, "ExpiredToken"), AccessDenied, "temporary credentials"),
        ((403, "RequestTimeTooSkewed"), AccessDenied, "clock"),
        ((403, "AllAccessDisabled"), AccessDenied, "Allow s3:PutObject"),
        ((400, "EntityTooLarge"), StoreError, "quota"),
        ((403, "QuotaExceeded"), StoreError, "quota"),
        ((507, "XMinioStorageFull"), StoreError, "quota"),
        ((400, "InvalidBucketName"), ConfigurationError, "Create the bucket"),
        ((501, "NotImplemented"), ConfigurationError, "doctor"),
        ((418, "Teapot"), StoreError, "documentation"),
    ],
)
def test_each_refusal_says_what_to_do(
    store: S3Store,
    proxy: StrictS3Proxy,
    refusal: tuple[int, str],
    kind: type[BackupPipelineError],
    remedy: str,
) -> None:
    status, code = refusal
    planned = PlannedFault(Misbehaviour.REFUSE, status=status, code=code)
    with proxy.planned(planned), pytest.raises(BackupPipelineError) as caught:
        store.put_new("k", SMALL)

    assert kind is type(caught.value)
    assert code in caught.value.message
    assert remedy in caught.value.hint
    with pytest.raises(NotFound):
        store.get("k")


def test_a_taken_key_is_not_mistaken_for_our_own_when_we_may_not_look(
    store: S3Store, proxy: StrictS3Proxy
) -> None:
    store.put_new("k", SMALL)
    blind = PlannedFault(Misbehaviour.REFUSE, "HEAD", status=403, code="AccessDenied")

    with proxy.planned(blind), pytest.raises(AccessDenied, match="HeadObject") as caught:
        store.put_new("k", SMALL)

    assert "s3:GetObject" in caught.value.hint


def test_a_server_that_is_not_there_is_said_in_one_line(server: S3Server) -> None:
    with running_s3_proxy(server.endpoint) as gone:
        endpoint = gone.endpoint
    store = server.store(endpoint=endpoint, max_attempts=1)

    with pytest.raises(TransientError, match="cannot reach s3://") as caught:
        store.put_new("k", SMALL)

    assert "endpoint" in caught.value.hint
    assert str(caught.value).count("\n") == 1


def test_racing_writers_have_one_winner_while_answers_are_lost(
    server: S3Server, store: S3Store, proxy: StrictS3Proxy
) -> None:
    rivals = [server.store(store._prefix.rstrip("/"), endpoint=proxy.endpoint) for _ in range(6)]
    bodies = [secrets.token_bytes(100) for _ in rivals]

    def write(number: int) -> int | None:
        try:
            rivals[number].put_new("k", bodies[number])
        except AlreadyExists:
            return None
        return number

    lost = PlannedFault(Misbehaviour.RESET_AFTER_COMMIT)
    with proxy.planned(lost, lost, lost), ThreadPoolExecutor(6) as pool:
        winners = [number for number in pool.map(write, range(6)) if number is not None]

    assert len(winners) == 1
    assert bodies[winners[0]] == store.get("k")
