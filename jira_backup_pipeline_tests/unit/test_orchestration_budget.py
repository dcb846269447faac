"""The budget of calls to Jira is one for all runs that may hold the pool together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.orchestration.assets import project, site
from jira_backup_pipeline.orchestration.assets.specs import JIRA_POOL
from jira_backup_pipeline.orchestration.resources import BackupWorkplace, runs_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def test_without_a_limit_a_run_counts_as_alone(instance: dg.DagsterInstance) -> None:
    assert runs_at_once(instance, JIRA_POOL) == 1


def test_the_limit_of_the_pool_is_how_many_runs_share_the_budget(instance: dg.DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots(JIRA_POOL, 4)
    instance.event_log_storage.set_concurrency_slots("another", 9)

    assert runs_at_once(instance, JIRA_POOL) == 4


@pytest.mark.parametrize(("share_of", "calls"), [(1, 8), (3, 2), (100, 1)])
def test_each_run_gets_its_share_and_never_less_than_one_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, share_of: int, calls: int
) -> None:
    file = tmp_path / "jira-backup.toml"
    file.write_text("[jira]\nmax_in_flight = 8\n")
    monkeypatch.setenv("JIRA_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("JIRA_EMAIL", "backup@example.net")
    monkeypatch.setenv("JIRA_API_TOKEN", "token")

    with BackupWorkplace(config_file=str(file)).reader(share_of=share_of) as reader:
        assert isinstance(reader, CloudReader)
        assert reader.client.max_in_flight == calls
        assert reader.pace().at_once == calls


@pytest.mark.parametrize(
    ("capture", "config"),
    [(project._capture, [project.BackupConfig()]), (site._capture, [])],
    ids=["a project", "the site"],
)
def test_every_run_that_reads_jira_takes_no_more_than_its_share(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capture: Callable[..., object],
    config: list[object],
) -> None:
    instance.event_log_storage.set_concurrency_slots(JIRA_POOL, 3)
    taken: list[int] = []

    class EnoughSeenError(Exception):
        """The run asked for its reader; what it would read is of no interest here."""

    def reader(_: BackupWorkplace, *, share_of: int = 1) -> None:
        taken.append(share_of)
        raise EnoughSeenError

    monkeypatch.setattr(BackupWorkplace, "preflight", lambda *_: None)
    monkeypatch.setattr(BackupWorkplace, "repository", lambda _: None)
    monkeypatch.setattr(BackupWorkplace, "reader", reader)
    context = dg.build_asset_context(partition_key="ALPHA", instance=instance)

    with pytest.raises(EnoughSeenError):
        capture(context, BackupWorkplace(), *config)

    assert taken == [3]
