"""What every verb is handed: the way to talk, and the settings, read when first asked for.

What belongs here: the session and the options that all verbs share.

What stays out: the verbs (their modules) and the handling of their failures (`cli`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.logs import start_logging
from jira_backup_pipeline.settings import LogLevel, secrets_of_process, settings_from_process

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.secrets import Secret
    from jira_backup_pipeline.settings import Settings
    from jira_backup_pipeline.terminal import Terminal

json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    help="Print one JSON document on stdout; logs and progress go to stderr.",
)


class Session:
    """One run of the program."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """Read the settings, and start the log as they say."""
        if self._settings is None:
            self._settings = settings_from_process()
            start_logging(
                self._settings.log_level, is_json=self._settings.log_json, secrets=self._settings.secrets()
            )
        return self._settings

    def secrets(self) -> list[Secret]:
        """Give what must not be shown, as far as it is known."""
        return self._settings.secrets() if self._settings is not None else secrets_of_process()

    @property
    def is_debugging(self) -> bool:
        """Tell whether the person asked for more than one line about a defect."""
        try:
            return self.settings.log_level is LogLevel.DEBUG
        except BackupPipelineError:
            return False
