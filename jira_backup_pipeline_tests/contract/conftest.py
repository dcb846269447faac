"""Fixtures of the contract suites: every implementation of a contract, empty, one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.store.access import S3Options
from jira_backup_pipeline.store.contract import MemoryStore, Store
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.s3_proxy import StrictS3Proxy, running_s3_proxy
from jira_backup_pipeline_tests.doubles.s3_server import S3Server, running_s3_server
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, FaultyStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The smallest part S3 takes, and a limit below it, so that small data takes the way of large data.
SMALL_PARTS = S3Options(single_put_limit_bytes=100_000, part_bytes=5 * 1024 * 1024)

STORES = ("memory", "local", "s3", "s3-strict", "faulty-double", "crashing-double")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with running_s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3_proxy(s3_server: S3Server) -> Iterator[StrictS3Proxy]:
    with running_s3_proxy(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Give an empty store of each kind."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "local":
        return LocalStore(tmp_path / "store")
    if request.param == "faulty-double":
        return FaultyStore(MemoryStore())
    if request.param == "crashing-double":
        return CrashingStore(MemoryStore())
    server: S3Server = request.getfixturevalue("s3_server")
    if request.param == "s3":
        return server.store(options=SMALL_PARTS)
    proxy: StrictS3Proxy = request.getfixturevalue("s3_proxy")
    return server.store(endpoint=proxy.endpoint, options=SMALL_PARTS)
