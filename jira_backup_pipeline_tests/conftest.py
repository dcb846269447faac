"""What every test starts from: an environment without the product's variables, and optional groups that say why they are off.

What belongs here: the fixtures and hooks that concern all tests, and the order in which files are handed to workers. What stays
out: finding programs (`programs`) and doubles (`doubles`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from jira_backup_pipeline_tests.programs import groups, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline_tests.programs import PostgresServer

# The folders whose files take long go first, so that no worker begins one when the others are done.
_LONG_FOLDERS = ("browser", "journeys", "faults", "contract")
_OURS = ("JIRA_", "RESTORE_", "BACKUP_", "AWS_", "DAGSTER_")

# A busy machine is not a slow test; how long a test takes is looked at by people.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the developer's shell or the build machine may have set for this product."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    # boto3 would otherwise ask a network address for credentials when it finds none.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this session's own; mark the test with `postgres`."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The reference material beside the repository; mark the test with `shared`."""
    path = groups()["shared"].path
    if path is None:
        pytest.skip(groups()["shared"].remedy)
    return path


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long folders first where files are shared out among workers; within a folder the order stays the random one."""
    if hasattr(config, "workerinput"):
        items.sort(key=_place_of_folder)


def _place_of_folder(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return _LONG_FOLDERS.index(folder) if folder in _LONG_FOLDERS else len(_LONG_FOLDERS)


def pytest_report_header() -> str:
    """Say at the top of every report which optional groups are on, and why the others are off."""
    return "optional groups: " + "; ".join(group.state for group in groups().values())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose group is off, with the reason."""
    for mark in item.iter_markers():
        group = groups().get(mark.name)
        if group is not None and group.path is None:
            pytest.skip(group.remedy)
