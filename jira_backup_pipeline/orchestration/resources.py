"""The one resource of the pipeline: a workplace that is opened when a run, a check or a sensor needs it.

What belongs here: carriers of names. Their fields show in the UI and in every stored run configuration, so they hold
where settings are found, never what they say; secrets stay in variables of the process or in the vault.

What stays out: reading settings (`settings`), building store, repository and clients (`workplace`), and any access at
import: `dagster definitions validate` passes where nothing is configured.

See https://docs.dagster.io/guides/build/external-resources
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.ports import JiraReader, JiraWriter
from jira_backup_pipeline.repository.repository import Repository
from jira_backup_pipeline.settings import Need, Settings, settings_from_process
from jira_backup_pipeline.workplace import (
    capture_options,
    open_jira_reader,
    open_jira_writer,
    open_repository,
)


class BackupWorkplace(dg.ConfigurableResource):  # type: ignore[type-arg]  # its parameter is for IO managers only
    """Opens the repository and Jira from the settings of the process that runs."""

    config_file: str = Field(
        default="",
        description="Path of jira-backup.toml. Empty: the file that BACKUP_CONFIG names, else ./jira-backup.toml.",
    )

    def settings(self) -> Settings:
        """Read the settings; nothing is opened."""
        return settings_from_process(config_file=Path(self.config_file) if self.config_file else None)

    def settings_for(self, *needs: Need) -> Settings:
        """Read the settings, or name everything that is missing for these needs in one error."""
        settings = self.settings()
        settings.require(*needs)
        return settings

    def repository(self) -> Repository:
        """Open the repository."""
        return open_repository(self.settings_for(Need.REPOSITORY, Need.IDENTITY))

    @contextmanager
    def reader(self, *, share_of: int = 1) -> Iterator[JiraReader]:
        """Connect to the source site; `share_of` runs at once divide the number of calls in flight among them."""
        settings = self.settings_for(Need.JIRA)
        in_flight = max(1, settings.file.max_in_flight // max(1, share_of))
        shared = replace(settings, file=replace(settings.file, max_in_flight=in_flight))
        with closing(open_jira_reader(shared)) as reader:
            yield reader

    @contextmanager
    def target(self) -> Iterator[JiraWriter]:
        """Connect to the site that a restore writes to."""
        with closing(open_jira_writer(self.settings_for(Need.RESTORE_JIRA))) as writer:
            yield writer

    @contextmanager
    def target_reader(self) -> Iterator[JiraReader]:
        """Connect to the site that a restore wrote to, to read it back."""
        settings = self.settings_for(Need.RESTORE_JIRA)
        with closing(open_jira_reader(settings, target=True)) as reader:
            yield reader

    def backup_email(self) -> str:
        """Give the e-mail address of the account that backs up; empty where none is configured."""
        settings = self.settings()
        return settings.jira.email if settings.has_jira else ""

    def preflight(self, *needs: Need) -> None:
        """Raise one ConfigurationError that names every missing setting before anything is begun."""
        self.settings_for(*needs)

    def capture_options(self, *, is_full: bool, accepts_disappearance: bool = False) -> CaptureOptions:
        """Give the options of a capture as configured."""
        return capture_options(self.settings(), is_full=is_full, accepts_disappearance=accepts_disappearance)


def now() -> datetime:
    """Give the present moment, aware; the clock that verbs are handed."""
    return datetime.now(UTC)


def runs_at_once(instance: dg.DagsterInstance, pool: str) -> int:
    """Tell how many runs may hold a pool together; 1 where the pool has no limit set."""
    limits = {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}
    default = instance.get_concurrency_config().pool_config.default_pool_limit
    return max(1, limits.get(pool) or default or 1)
