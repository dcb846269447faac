"""An S3 server in this process, with authentication switched on, for any test that needs a bucket.

Use `running_s3_server()` as a context manager or behind a fixture; nested uses in one process share one server (its state is
global to the process). Wrong secrets and actions that a user's policy does not allow are refused as by AWS.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import secrets
import threading
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.store.access import AwsAccess, S3Options
from jira_backup_pipeline.store.s3 import S3Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_s3.client import S3Client

REGION = "us-east-1"
ADMIN_POLICY = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


@dataclass
class S3Server:
    """A running server: where it is, who may do everything, and a bucket to begin with."""

    endpoint: str
    admin: AwsAccess
    bucket: str = "jira-backups"

    def client(self, service: Any) -> Any:
        """Make a client of the administrator, for set-up and for looking behind the store's back."""
        assert self.admin.secret_access_key is not None
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.admin.access_key_id,
            aws_secret_access_key=self.admin.secret_access_key.reveal(),
        )

    def new_bucket(self) -> str:
        """Create an empty bucket and give its name."""
        name = f"bucket-{secrets.token_hex(6)}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    def fill(self, keys: Iterable[str]) -> None:
        """Put empty objects into the first bucket past the network, for tests that need very many."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for key in keys:
            backend.put_object(self.bucket, key, b"")

    def new_user(self, *allowed_actions: str) -> AwsAccess:
        """Create a user who may do just these actions on everything, such as `s3:PutObject`."""
        statements = [{"Effect": "Allow", "Action": list(allowed_actions), "Resource": "*"}]
        return _new_user(self.client("iam"), self.endpoint, statements)

    def store(
        self,
        prefix: str = "",
        *,
        access: AwsAccess | None = None,
        bucket: str | None = None,
        endpoint: str | None = None,
        options: S3Options | None = None,
        max_attempts: int = 3,
    ) -> S3Store:
        """Open a store in a bucket, by default as administrator below a prefix that nobody else uses."""
        reach = replace(access or self.admin, endpoint=endpoint or self.endpoint)
        return S3Store(
            _connected(reach, max_attempts),
            bucket or self.bucket,
            prefix or f"test/{secrets.token_hex(8)}",
            options=options,
            sleep=lambda _seconds: None,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Give boto3's own variables for the administrator, for programs that are configured from outside."""
        assert self.admin.access_key_id is not None
        assert self.admin.secret_access_key is not None
        return {
            "AWS_ACCESS_KEY_ID": self.admin.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.admin.secret_access_key.reveal(),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
        }


@functools.cache
def _connected(access: AwsAccess, max_attempts: int) -> S3Client:
    """Share clients between tests: making one takes longer than most tests."""
    return connect(access, max_attempts=max_attempts)


_LOCK = threading.Lock()
_SHARED: list[tuple[S3Server, ThreadedMotoServer]] = []
_USERS = [0]


@contextlib.contextmanager
def running_s3_server() -> Iterator[S3Server]:
    """Run the server of this process, starting it for the first user and stopping it after the last."""
    with _LOCK:
        if not _SHARED:
            _SHARED.append(_start())
        _USERS[0] += 1
        server = _SHARED[0][0]
    try:
        yield server
    finally:
        with _LOCK:
            _USERS[0] -= 1
            if not _USERS[0]:
                _stop(*_SHARED.pop())


def _start() -> tuple[S3Server, ThreadedMotoServer]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    threaded = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    threaded.start()
    assert threaded._server is not None
    threaded._server.app = _one_write_at_a_time(threaded._server.app)
    host, port = threaded.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    nobody = AwsAccess("set-up", Secret("set-up"), None, REGION, endpoint)
    set_up = S3Server(endpoint, nobody)
    server = S3Server(endpoint, _new_user(set_up.client("iam"), endpoint, ADMIN_POLICY))
    _post(endpoint, "/moto-api/reset-auth", b"0")  # from here on every call is checked
    server.client("s3").create_bucket(Bucket=server.bucket)
    return server, threaded


def _stop(server: S3Server, threaded: ThreadedMotoServer) -> None:
    _post(server.endpoint, "/moto-api/reset-auth", b"inf")
    _post(server.endpoint, "/moto-api/reset", b"")
    threaded.stop()


def _new_user(iam: Any, endpoint: str, statements: list[dict[str, Any]]) -> AwsAccess:
    name = f"user-{secrets.token_hex(6)}"
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return AwsAccess(key["AccessKeyId"], Secret(key["SecretAccessKey"]), None, REGION, endpoint)


def _one_write_at_a_time(app: Callable[..., Any]) -> Callable[..., Any]:
    """Make create-only writes atomic, as AWS does: moto looks and then writes, with a gap between."""
    lock = threading.Lock()

    def serialized(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["REQUEST_METHOD"] in {"PUT", "POST"}:
            with lock:
                return app(environ, start_response)
        return app(environ, start_response)

    return serialized


def _post(endpoint: str, path: str, body: bytes) -> None:
    connection = HTTPConnection(endpoint.removeprefix("http://"), timeout=30)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, f"{path} answered {answer.status}"
    finally:
        connection.close()
