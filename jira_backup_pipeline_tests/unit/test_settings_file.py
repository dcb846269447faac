"""`jira-backup.toml` holds non-secret settings only, comes after variables, and is refused as a whole when it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jira_backup_pipeline.domain.errors import ConfigurationError, Refused
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.orchestration.resources import BackupWorkplace
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.workplace import capture_options

CANARY = "canary-3f9d-never-shown"


def write(folder: Path, text: str) -> Path:
    path = folder / "jira-backup.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_in_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        """
        [jira]
        base_url = "https://site.example.test"
        email = "file@example.test"
        request_timeout_seconds = 20
        max_in_flight = 3
        ca_bundle = "ca.pem"
        [backup]
        uri = "file:///backups"
        identity_file = "keys/operator.txt"
        log = "debug"
        accepted_gaps = ["remote_link", "attachment:404", "site_project:project SECRET"]
        overlap_hours = 6
        reread_days = 7
        mass_disappearance_share = 0.2
        freshness_hours = 36
        schedule = "30 2 * * *"
        time_zone = "Europe/Berlin"
        """,
    )
    monkeypatch.chdir(tmp_path)

    settings = Settings.from_environment({"JIRA_API_TOKEN": "t", "JIRA_EMAIL": "env@example.test"})

    assert settings.jira.base_url == "https://site.example.test"
    assert settings.jira.email == "env@example.test"
    assert settings.jira.request_timeout_seconds == 20.0
    assert settings.jira.max_in_flight == 3
    assert settings.jira.ca_bundle == Path("ca.pem")
    assert settings.backup_uri == "file:///backups"
    assert settings.identity_file == Path("keys/operator.txt")
    assert settings.file.accepted_gaps == ("remote_link", "attachment:404", "site_project:project SECRET")
    assert (settings.file.overlap_hours, settings.file.reread_days) == (6.0, 7)
    assert settings.file.mass_disappearance_share == 0.2
    assert (settings.file.freshness_hours, settings.file.schedule) == (36.0, "30 2 * * *")
    assert settings.file.time_zone == "Europe/Berlin"


def test_relative_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[backup]\nidentity_file = "keys/operator.txt"\nvault = "/abs/vault.json"')

    settings = Settings.from_environment({"BACKUP_CONFIG": str(path)})

    assert settings.identity_file == tmp_path / "keys/operator.txt"
    assert settings.vault_file == Path("/abs/vault.json")


def test_a_variable_comes_before_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[backup]\nuri = "file:///from-file"\nlog = "error"')

    settings = Settings.from_environment(
        {"BACKUP_URI": "file:///from-variable", "BACKUP_LOG": "debug"}, config_file=path
    )

    assert (settings.backup_uri, settings.log_level.value) == ("file:///from-variable", "debug")


@pytest.mark.parametrize(
    "text",
    [
        f'[jira]\napi_token = "{CANARY}"',
        f'[backup]\nvault_key = "{CANARY}"',
        f'[aws]\nsecret_access_key = "{CANARY}"',
        f'password = "{CANARY}"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused, match="holds a secret") as caught:
        Settings.from_environment({}, config_file=write(tmp_path, text))

    assert CANARY not in str(caught.value)
    assert "jira-backup credentials set" in caught.value.hint


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        jira = "https://x"
        [backup]
        colour = "red"
        freshness_hours = 0
        schedule = "every night"
        time_zone = "Mars/Olympus"
        accepted_gaps = "all"
        uri = ""
        [storage]
        """,
    )

    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({}, config_file=path)

    for part in (
        "unknown section [storage]",
        "jira is not a section",
        "[backup] colour: unknown; known are uri",
        "[backup] freshness_hours: 0 is not a number from 1 to 744",
        "[backup] schedule: 'every night' is not a cron line",
        "[backup] time_zone: 'Mars/Olympus' is not a time zone",
        "[backup] accepted_gaps: 'all' is not a list",
        "[backup] uri: '' is not a text",
    ):
        assert part in caught.value.message


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('accepted_gaps = ["remote_links"]', "did you mean 'remote_link'"),
        ('accepted_gaps = ["everything:404"]', "'everything:404' does not begin with a kind"),
        ("overlap_hours = -1", "-1 is not a number from 0 to 168"),
        ("reread_days = 0.5", "0.5 is not a whole number from 0 to 366"),
        ("mass_disappearance_share = 5", "5 is not a number from 0 to 1"),
    ],
)
def test_what_no_capture_could_follow_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        Settings.from_environment({}, config_file=write(tmp_path, f"[backup]\n{line}"))


def test_captures_follow_the_file_on_the_command_line_and_in_dagster(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [backup]
        accepted_gaps = ["remote_link"]
        overlap_hours = 6
        reread_days = 0
        mass_disappearance_share = 0.2
        """,
    )
    expected = CaptureOptions(
        is_full=True,
        overlap_hours=6.0,
        reread_days=0,
        mass_disappearance_share=0.2,
        accepted_gaps=("remote_link",),
    )

    assert capture_options(Settings.from_environment({}, config_file=path), is_full=True) == expected
    assert BackupWorkplace(config_file=str(path)).capture_options(is_full=True) == expected
    assert capture_options(Settings.from_environment({}, config_file=write(tmp_path, ""))) == CaptureOptions()


@pytest.mark.parametrize("value", ["true", '"7"', "0", "33", "1.5"])
def test_max_in_flight_is_a_whole_number_within_bounds(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match="not a whole number from 1 to 32"):
        Settings.from_environment({}, config_file=write(tmp_path, f"[jira]\nmax_in_flight = {value}"))


def test_a_file_that_is_named_must_exist_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        Settings.from_environment({"BACKUP_CONFIG": str(tmp_path / "absent.toml")})
    with pytest.raises(ConfigurationError, match="is not TOML"):
        Settings.from_environment({}, config_file=write(tmp_path, "[backup"))
    broken = tmp_path / "binary.toml"
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot read"):
        Settings.from_environment({}, config_file=broken)
