"""A store in a bucket of S3 or of a server that speaks it: the only module that knows boto3.

What belongs here: calls, paging, create-only writes, and the distinction between a taken key and our own lost answer.

What stays out: what refusals mean (`s3_errors`), resuming of reads (`resuming`), addresses (`opening`), and retention
locks, which a later capability adds to `_write_arguments`, the one place that says how an object is written.

How create-only holds: `If-None-Match: *` on PutObject or CompleteMultipartUpload, so the server decides. A write
whose answer was lost is repeated by boto3 and then meets its own object; each write therefore carries a random id in the
object's metadata, by which it knows its own.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import ipaddress
import logging
import random
import secrets
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    BackupPipelineError,
    ConfigurationError,
    IntegrityError,
    NotFound,
    Refused,
    StoreError,
    TransientError,
)
from jira_backup_pipeline.store.access import S3Options
from jira_backup_pipeline.store.contract import StoredObject, check_key, is_key, occupied, wrong_digest
from jira_backup_pipeline.store.resuming import ResumingReader
from jira_backup_pipeline.store.s3_errors import Answer, explain_answer
from jira_backup_pipeline.store.staging import SpooledStage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from jira_backup_pipeline.domain.secrets import Secret
    from jira_backup_pipeline.store.access import AwsAccess
    from jira_backup_pipeline.store.resuming import Piece

_log = logging.getLogger(__name__)

_WRITE_ID: Final = "write-id"
_CHUNK_BYTES: Final = 1024 * 1024
_MAX_PARTS: Final = 10_000
_CONFLICT_ATTEMPTS: Final = 6
_FIRST_CONFLICT_PAUSE_SECONDS: Final = 0.1
_PRECONDITION_FAILED: Final = 412
_CONNECT_TIMEOUT_SECONDS: Final = 10
_READ_TIMEOUT_SECONDS: Final = 60
_POOL_CONNECTIONS: Final = 32


class _ConflictError(Exception):
    """Two writers met inside the server, which decided for neither: the write is started over."""


def connect(access: AwsAccess, *, max_attempts: int = 6) -> S3Client:
    """Make a boto3 client; `max_attempts` counts the first try. Nothing is contacted yet.

    Raises:
        Refused: the endpoint is plain http and not on this machine.
        ConfigurationError: boto3 cannot make sense of the settings.
    """
    if (access.access_key_id is None) != (access.secret_access_key is None):
        raise ConfigurationError(
            "an AWS access key id and its secret come together, but one is missing",
            hint="Give both, or neither to let boto3 find credentials of its own.",
        )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
        max_pool_connections=_POOL_CONNECTIONS,
        # We send a sha256 with every body and check our own digests on every read; the automatic CRC trailers make
        # other servers than AWS refuse uploads and ranged reads.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        session = boto3.session.Session(
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=_revealed(access.secret_access_key),
            aws_session_token=_revealed(access.session_token),
            region_name=access.region,
        )
        client: S3Client = session.client("s3", endpoint_url=access.endpoint, config=config)
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        _refuse_plain_http(client.meta.endpoint_url, host)
        if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            # Other servers rarely have a DNS name per bucket.
            by_path = config.merge(Config(s3={"addressing_style": "path"}))
            client = session.client("s3", endpoint_url=access.endpoint, config=by_path)
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"no S3 client can be made: {_one_line(error)}",
            hint="Check the AWS variables, the profile and the endpoint, with `jira-backup doctor`.",
        ) from error
    return client


class S3Store:
    """Objects below a prefix of one bucket. Any number of threads may use it at once."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        prefix: str = "",
        *,
        options: S3Options | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Name the place; nothing is contacted. `prefix` has no slash at its ends."""
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._options = options or S3Options()
        self._sleep = sleep
        owner = self._options.expected_bucket_owner
        self._place: dict[str, Any] = {"Bucket": bucket} | ({"ExpectedBucketOwner": owner} if owner else {})
        self._is_bucket_seen = False

    @property
    def uri(self) -> str:
        """Name the store."""
        return f"s3://{self._bucket}/{self._prefix.rstrip('/')}".rstrip("/")

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        """Create an object; see the contract."""
        check_key(key)
        source = io.BytesIO(body) if isinstance(body, bytes) else body
        size_bytes, digest = _measure(source)
        if sha256 is not None and digest != sha256:
            raise wrong_digest(key)
        write_id = secrets.token_hex(16)
        put = self._put_whole if size_bytes <= self._options.single_put_limit_bytes else self._put_parts
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                return put(key, source, size_bytes, digest, write_id)
            except _ConflictError:
                pause_seconds = _FIRST_CONFLICT_PAUSE_SECONDS * 2**attempt
                self._sleep(random.uniform(pause_seconds / 2, pause_seconds))  # noqa: S311 -- spreads writers
        raise TransientError(
            f"s3 did not decide between the writers of {self._bucket}/{self._prefix}{key}",
            hint="Another writer is at work on the same scope; run again when it is done.",
        )

    def stage(self) -> SpooledStage:
        """Begin an object without a name: a bucket takes objects whole, so it waits here until it has one."""
        return SpooledStage(self)

    def settle(self, keys: Iterable[str]) -> None:
        """Nothing to do: what a bucket took is durable."""

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        with self.open(key) as stream:
            return stream.read()

    def open(self, key: str) -> BinaryIO:
        """Open an object as a stream that resumes after broken connections."""
        check_key(key)
        with self._explained(key):
            answer = self._client.get_object(**self._object(key))
        etag, size_bytes = answer["ETag"], answer["ContentLength"]

        def open_at(offset: int) -> Piece:
            with self._explained(key):
                rest = self._client.get_object(**self._object(key), Range=f"bytes={offset}-")
            if rest["ETag"] != etag:
                raise IntegrityError(
                    f"object was replaced while it was read: {key}",
                    hint="Objects are never rewritten: run `jira-backup verify` and look who writes to the bucket.",
                )
            if rest.get("ContentRange") != f"bytes {offset}-{size_bytes - 1}/{size_bytes}":
                raise StoreError(
                    f"the store does not resume reads: no bytes {offset}- of {key}",
                    hint="Use a server that answers ranged reads.",
                )
            return _Piece(self, key, rest["Body"])

        reader = ResumingReader(
            key, size_bytes, open_at=open_at, first=_Piece(self, key, answer["Body"]), sleep=self._sleep
        )
        return cast("BinaryIO", io.BufferedReader(reader, buffer_size=_CHUNK_BYTES))

    def head(self, key: str) -> StoredObject:
        """Describe an object."""
        check_key(key)
        try:
            with self._explained(key):
                answer = self._client.head_object(**self._object(key))
        except NotFound:
            self._require_bucket()  # a HEAD answer has no body to say whether it is the bucket that is missing
            raise
        return StoredObject(key, answer["ContentLength"], answer["LastModified"].astimezone(UTC))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[StoredObject]:
        """List objects in key order, one page in memory at a time."""
        arguments: dict[str, Any] = {**self._place, "Prefix": self._prefix + prefix}
        if start_after:
            arguments["StartAfter"] = self._prefix + start_after
        last_key, seen_tokens = "", set[str]()
        while True:
            with self._explained(""):
                page = self._client.list_objects_v2(**arguments)
            for item in page.get("Contents", ()):
                if item["Key"] <= last_key:
                    raise _broken_listing(self._bucket, "keys are out of order")
                last_key = item["Key"]
                key = item["Key"].removeprefix(self._prefix)
                if is_key(key):  # consoles leave "folder/" markers, which are not ours
                    yield StoredObject(key, item["Size"], item["LastModified"].astimezone(UTC))
            if not page["IsTruncated"]:
                return
            token = page.get("NextContinuationToken", "")
            if not token or token in seen_tokens:
                raise _broken_listing(self._bucket, "a page does not lead to the next")
            seen_tokens.add(token)
            arguments["ContinuationToken"] = token

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.head(key)  # S3 answers the same whether or not there was something to delete
        with self._explained(key):
            self._client.delete_object(**self._object(key))

    def _object(self, key: str) -> dict[str, Any]:
        return {**self._place, "Key": self._prefix + key}

    def _write_arguments(self, key: str, write_id: str) -> dict[str, Any]:
        arguments: dict[str, Any] = {**self._object(key), "Metadata": {_WRITE_ID: write_id}}
        if self._options.server_side_encryption:
            arguments["ServerSideEncryption"] = self._options.server_side_encryption
        if self._options.kms_key_id:
            arguments["SSEKMSKeyId"] = self._options.kms_key_id
        return arguments

    def _put_whole(
        self, key: str, source: BinaryIO, size_bytes: int, digest: bytes, write_id: str
    ) -> StoredObject:
        source.seek(0)
        try:
            answer = self._client.put_object(
                **self._write_arguments(key, write_id),
                Body=source,
                ContentLength=size_bytes,
                ChecksumSHA256=_base64(digest),
                IfNoneMatch="*",
            )
        except (BotoCoreError, ClientError) as error:
            return self._settle(error, key, write_id)
        return self._created(key, size_bytes, answer)

    def _put_parts(
        self, key: str, source: BinaryIO, size_bytes: int, digest: bytes, write_id: str
    ) -> StoredObject:
        with self._explained(key):
            upload_id = self._client.create_multipart_upload(
                **self._write_arguments(key, write_id), ChecksumAlgorithm="SHA256"
            )["UploadId"]
        try:
            parts = self._upload_parts(key, source, size_bytes, digest, upload_id)
            try:
                answer = self._client.complete_multipart_upload(
                    **self._object(key), UploadId=upload_id, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
            except (BotoCoreError, ClientError) as error:
                return self._settle(error, key, write_id)
        except BaseException:
            self._abort(key, upload_id)
            raise
        return self._created(key, size_bytes, answer)

    def _upload_parts(
        self, key: str, source: BinaryIO, size_bytes: int, digest: bytes, upload_id: str
    ) -> Sequence[CompletedPartTypeDef]:
        part_bytes = max(self._options.part_bytes, -(-size_bytes // _MAX_PARTS))
        sent = hashlib.sha256()
        parts: list[CompletedPartTypeDef] = []
        source.seek(0)
        while chunk := source.read(part_bytes):
            sent.update(chunk)
            checksum = _base64(hashlib.sha256(chunk).digest())
            with self._explained(key):
                answer = self._client.upload_part(
                    **self._object(key),
                    UploadId=upload_id,
                    PartNumber=len(parts) + 1,
                    Body=chunk,
                    ChecksumSHA256=checksum,
                )
            parts.append({"PartNumber": len(parts) + 1, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
        if sent.digest() != digest:  # the file changed under us: no server could notice across parts
            raise wrong_digest(key)
        return parts

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self._client.abort_multipart_upload(**self._object(key), UploadId=upload_id)
        except (BotoCoreError, ClientError) as error:
            # The write already failed for a reason of its own, which must not be hidden by this one.
            _log.warning(
                "parts of an unfinished upload of %s stay in bucket %s until a lifecycle rule removes them: %s",
                key,
                self._bucket,
                _one_line(error),
            )

    def _created(self, key: str, size_bytes: int, answer: Mapping[str, Any]) -> StoredObject:
        self._is_bucket_seen = True
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return StoredObject(key, size_bytes, _moment(date)) if date else self.head(key)

    def _settle(self, error: BotoCoreError | ClientError, key: str, write_id: str) -> StoredObject:
        """Find out what became of a write that was answered by an error: it may have taken effect all the same."""
        answer = _answer(error) if isinstance(error, ClientError) else None
        if answer is not None and answer.code == "ConditionalRequestConflict":
            raise _ConflictError from error
        is_taken = answer is not None and answer.status == _PRECONDITION_FAILED
        explained = occupied(key) if is_taken else self._explain(error, key)
        if is_taken or isinstance(explained, TransientError):
            with contextlib.suppress(NotFound, TransientError):  # then the first error is the one to tell
                if (own := self._find_own(key, write_id)) is not None:
                    return own
        raise explained from error

    def _find_own(self, key: str, write_id: str) -> StoredObject | None:
        with self._explained(key):
            answer = self._client.head_object(**self._object(key))
        if answer["Metadata"].get(_WRITE_ID) != write_id:
            return None
        return StoredObject(key, answer["ContentLength"], answer["LastModified"].astimezone(UTC))

    def _require_bucket(self) -> None:
        if not self._is_bucket_seen:
            with self._explained(""):
                self._client.list_objects_v2(**self._place, Prefix=self._prefix, MaxKeys=1)
            self._is_bucket_seen = True

    @contextlib.contextmanager
    def _explained(self, key: str) -> Generator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise self._explain(error, key) from error

    def _explain(self, error: BotoCoreError | ClientError, key: str) -> BackupPipelineError:
        if isinstance(error, ClientError):
            explained = explain_answer(_answer(error), bucket=self._bucket, key=key)
            if self._options.expected_bucket_owner and isinstance(explained, AccessDenied):
                owner = self._options.expected_bucket_owner
                explained.hint += f" The bucket must belong to account {owner}."
            return explained
        return _explain_transport(error, self.uri)


class _Piece:
    """A response body whose breaks are errors of ours."""

    def __init__(self, store: S3Store, key: str, body: Any) -> None:  # noqa: ANN401 -- botocore's untyped body
        self._store = store
        self._key = key
        self._body = body

    def read(self, size: int, /) -> bytes:
        try:
            return cast("bytes", self._body.read(size))
        except BotoCoreError as error:
            raise self._store._explain(error, self._key) from error  # noqa: SLF001 -- one module, one mapping

    def close(self) -> None:
        self._body.close()


def _explain_transport(error: BotoCoreError, uri: str) -> BackupPipelineError:
    """Explain an error that is no answer of the server: settings, credentials or the network."""
    what = f"cannot reach {uri}: {_one_line(error)}"
    if isinstance(error, SSLError):
        return StoreError(what, hint="Give the server's CA in AWS_CA_BUNDLE, or correct the endpoint.")
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return TransientError(
            what, hint="Check the endpoint, the network and proxy variables, then run again."
        )
    if isinstance(error, (HTTPClientError, BotoConnectionError, IncompleteReadError)):
        return TransientError(what, hint="The store was asked several times; run again later.")
    if isinstance(error, NoCredentialsError):
        return AccessDenied(
            f"no AWS credentials for {uri}",
            hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role, or `credentials set aws`.",
        )
    if isinstance(error, ParamValidationError):
        return ConfigurationError(what, hint="Correct the bucket name and the options of the store.")
    return StoreError(what, hint="Check the AWS settings with `jira-backup doctor`.")


def _answer(error: ClientError) -> Answer:
    details = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Answer(error.operation_name, status, str(details.get("Code", "")), str(details.get("Message", "")))


def _measure(source: BinaryIO) -> tuple[int, bytes]:
    digest, size_bytes = hashlib.sha256(), 0
    source.seek(0)
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        size_bytes += len(chunk)
    return size_bytes, digest.digest()


def _refuse_plain_http(endpoint: str, host: str) -> None:
    if urlsplit(endpoint).scheme == "https":
        return
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise Refused(
            f"the S3 endpoint is plain http and not on this machine: {host}",
            hint="Use an https endpoint; only loopback may go without.",
        )


def _broken_listing(bucket: str, reason: str) -> StoreError:
    return StoreError(
        f"the listing of bucket {bucket} cannot be trusted: {reason}",
        hint="Use a bucket of an ordinary type (directory buckets list without order).",
    )


def _moment(http_date: str) -> datetime:
    return parsedate_to_datetime(http_date).astimezone(UTC)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
