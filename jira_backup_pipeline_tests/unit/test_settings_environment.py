"""The environment becomes typed settings, and what is wrong or missing is named all at once without showing a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import ConfigurationError, ExitCode, Refused
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.settings import (
    LogLevel,
    Need,
    Settings,
    environment_for_child,
    identity_file_from_environment,
)
from jira_backup_pipeline.vault import Vault
from jira_backup_pipeline.vault_sealing import new_key_text

COMPLETE = {
    "JIRA_BASE_URL": "https://site.example.test/",
    "JIRA_EMAIL": "backup@example.test",
    "JIRA_API_TOKEN": "token-of-the-source",
    "BACKUP_URI": "s3://bucket/prefix",
    "BACKUP_IDENTITY_FILE": "/keys/operator.txt",
}


@pytest.fixture(autouse=True)
def no_file_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_complete_variables_become_plain_values() -> None:
    settings = Settings.from_environment(COMPLETE)

    assert settings.jira.base_url == "https://site.example.test"
    assert settings.jira.email == "backup@example.test"
    assert settings.jira.token == Secret("token-of-the-source")
    assert settings.repository_uri() == "s3://bucket/prefix"
    assert settings.identity_path() == Path("/keys/operator.txt")
    assert settings.log_level is LogLevel.INFO
    assert not settings.log_json


def test_every_missing_variable_is_named_in_one_error() -> None:
    settings = Settings.from_environment({"JIRA_EMAIL": "someone@example.test", "JIRA_API_TOKEN": "  "})

    with pytest.raises(ConfigurationError) as caught:
        settings.require(Need.JIRA, Need.REPOSITORY, Need.IDENTITY, Need.VAULT)

    assert caught.value.message == (
        "missing: JIRA_BASE_URL, JIRA_API_TOKEN, BACKUP_URI, BACKUP_IDENTITY_FILE, BACKUP_VAULT, BACKUP_VAULT_KEY"
    )
    assert "BACKUP_URI is where the repository is" in caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_nothing_needed_is_nothing_missing() -> None:
    Settings.from_environment({}).require()

    assert Settings.from_environment({}).missing(Need.JIRA) == [
        "JIRA_BASE_URL",
        "JIRA_EMAIL",
        "JIRA_API_TOKEN",
    ]
    assert Settings.from_environment(COMPLETE).has_jira


def test_the_restore_target_falls_back_to_the_source_value_by_value() -> None:
    settings = Settings.from_environment(
        {
            **COMPLETE,
            "RESTORE_JIRA_BASE_URL": "https://other.example.test",
            "RESTORE_JIRA_API_TOKEN": "other-token",
        }
    )

    assert settings.restore_jira.base_url == "https://other.example.test"
    assert settings.restore_jira.email == "backup@example.test"
    assert settings.restore_jira.token == Secret("other-token")
    assert Settings.from_environment(COMPLETE).restore_jira == Settings.from_environment(COMPLETE).jira


def test_plain_http_is_refused_except_on_loopback() -> None:
    for address in ("http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9"):
        assert Settings.from_environment({**COMPLETE, "JIRA_BASE_URL": address}).jira.base_url == address
    settings = Settings.from_environment({**COMPLETE, "JIRA_BASE_URL": "http://site.example.test"})

    with pytest.raises(Refused, match="JIRA_BASE_URL is plain http"):
        _ = settings.jira


@pytest.mark.parametrize(
    "address", ["site.example.test", "ftp://x", "https://", "https://[", "https://a/?q=1", "https://a/#f"]
)
def test_an_address_that_is_none_is_named_with_its_variable(address: str) -> None:
    settings = Settings.from_environment({**COMPLETE, "RESTORE_JIRA_BASE_URL": address})

    with pytest.raises(ConfigurationError, match="RESTORE_JIRA_BASE_URL is not the address of a site"):
        _ = settings.restore_jira


def test_a_login_inside_an_address_is_refused_and_not_shown() -> None:
    settings = Settings.from_environment(
        {**COMPLETE, "JIRA_BASE_URL": "https://me:hunter22@site.example.test"}
    )

    with pytest.raises(ConfigurationError) as caught:
        _ = settings.jira

    assert "hunter22" not in str(caught.value)
    assert "holds a login" in caught.value.message


@pytest.mark.parametrize(
    "uri", ["/folder", "file://host/folder", "s3:///x", "s3://b/x?versionId=1", "gs://b"]
)
def test_an_unknown_kind_of_repository_address_lists_the_known_ones(uri: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({"BACKUP_URI": uri})

    assert "file:///folder or s3://bucket/prefix" in caught.value.hint


def test_a_login_inside_a_repository_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="BACKUP_URI holds a login") as caught:
        Settings.from_environment({"BACKUP_URI": "s3://AKID:hunter22@bucket/x"})

    assert "hunter22" not in str(caught.value)
    assert (
        Settings.from_environment({"BACKUP_URI": "file:///data/@nightly"}).repository_uri()
        == "file:///data/@nightly"
    )


@given(st.text())
def test_any_text_as_an_address_is_taken_or_explained(text: str) -> None:
    try:
        settings = Settings.from_environment({**COMPLETE, "JIRA_BASE_URL": text, "BACKUP_URI": text})
        _ = settings.jira
    except (ConfigurationError, Refused) as error:
        assert error.hint.endswith(".")  # noqa: PT017 - raising or not depends on the text


@pytest.mark.parametrize(
    ("text", "level", "is_json"),
    [
        ("debug", LogLevel.DEBUG, False),
        ("json", LogLevel.INFO, True),
        ("WARNING, json", LogLevel.WARNING, True),
        ("json error", LogLevel.ERROR, True),
    ],
)
def test_the_log_variable_takes_a_level_and_json(text: str, level: LogLevel, is_json: bool) -> None:
    settings = Settings.from_environment({"BACKUP_LOG": text})

    assert (level, is_json) == (settings.log_level, settings.log_json)


def test_an_unknown_log_word_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="unknown word: 'loud'") as caught:
        Settings.from_environment({"BACKUP_LOG": "loud"})

    assert caught.value.hint.startswith("It takes debug, info, warning, error, and json")


def test_the_vault_fills_what_the_variables_leave_open(tmp_path: Path) -> None:
    key = new_key_text()
    vault = Vault(tmp_path / "vault.json", key)
    vault.set(
        "jira",
        _members(base_url="https://vault.example.test", email="v@example.test", api_token="from-vault"),
    )
    vault.set(
        "aws", _members(access_key_id="AKIDEXAMPLE", secret_access_key="aws-secret", region="eu-west-1")
    )
    environ = {
        "BACKUP_VAULT": str(vault.path),
        "BACKUP_VAULT_KEY": key.reveal(),
        "JIRA_EMAIL": "env@example.test",
    }

    settings = Settings.from_environment(environ)

    assert settings.jira.token == Secret("from-vault")
    assert settings.jira.email == "env@example.test"
    assert settings.aws is not None
    assert settings.aws.secret_access_key == Secret("aws-secret")
    assert settings.aws.region == "eu-west-1"
    assert Settings.from_environment({**environ, "AWS_ACCESS_KEY_ID": "AKIDOTHER"}).aws is None


def test_a_vault_without_its_key_is_named_as_the_likely_cause(tmp_path: Path) -> None:
    settings = Settings.from_environment({"BACKUP_VAULT": str(tmp_path / "vault.json")})

    with pytest.raises(ConfigurationError, match="JIRA_API_TOKEN, BACKUP_VAULT_KEY"):
        _ = settings.jira


def test_the_identity_file_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="missing: BACKUP_IDENTITY_FILE"):
        identity_file_from_environment()
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", "/keys/operator.txt")

    assert identity_file_from_environment() == Path("/keys/operator.txt")


def test_a_child_gets_this_environment_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_LOG", "debug")
    monkeypatch.setenv("BACKUP_URI", "file:///x")

    child = environment_for_child({"BACKUP_LOG": None, "BACKUP_URI": "file:///y"})

    assert "BACKUP_LOG" not in child
    assert child["BACKUP_URI"] == "file:///y"
    assert "PATH" in child


def _members(**members: str) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in members.items()}
