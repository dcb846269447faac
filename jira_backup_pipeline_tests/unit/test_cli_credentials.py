"""`credentials` takes values from a pipe or a keyboard, never from arguments, and never shows one again."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.vault_sealing import new_key_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANARY = "canary-a8d2-never-shown"
ENTRY = {"base_url": "https://site.example.test", "email": "backup@example.test", "api_token": CANARY}


@pytest.fixture(autouse=True)
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "vault.key"
    key.write_text(new_key_text().reveal())
    key.chmod(0o600)
    monkeypatch.setenv("BACKUP_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("BACKUP_VAULT_KEY", f"file:{key}")
    return tmp_path / "vault.json"


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_an_entry_goes_in_and_shows_its_members_only(
    vault: Path, piped: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    piped(json.dumps(ENTRY))
    assert main(["credentials", "set", "jira", "--json"]) == 0
    assert main(["credentials", "list"]) == 0
    assert main(["credentials", "list", "--json"]) == 0
    shown = capsys.readouterr()

    assert CANARY not in shown.out + shown.err + vault.read_text()
    last = json.loads(shown.out[shown.out.rindex('{\n "vault"') :])
    assert [(entry["name"], entry["members"]) for entry in last["entries"]] == [
        ("jira", ["api_token", "base_url", "email"])
    ]


def test_what_was_stored_configures_jira(vault: Path, piped: Callable[[str], None], tmp_path: Path) -> None:
    piped(json.dumps(ENTRY))
    main(["credentials", "set", "jira"])
    settings = Settings.from_environment(
        {"BACKUP_VAULT": str(vault), "BACKUP_VAULT_KEY": f"file:{tmp_path / 'vault.key'}"}
    )

    assert settings.jira.token == Secret(CANARY)
    assert Secret(CANARY) in settings.secrets()


@pytest.mark.parametrize("text", ["", "[]", '"x"', "{", json.dumps({**ENTRY, "email": 7})])
def test_a_pipe_that_holds_no_object_of_texts_is_refused_without_showing_it(
    piped: Callable[[str], None], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    piped(text)

    assert main(["credentials", "set", "jira"]) == 2
    shown = capsys.readouterr()
    assert "stdin does not hold one JSON object of texts" in shown.err
    assert CANARY not in shown.err


def test_an_address_that_is_plain_http_is_refused_before_it_is_stored(
    vault: Path, piped: Callable[[str], None]
) -> None:
    piped(json.dumps({**ENTRY, "base_url": "http://site.example.test"}))

    assert main(["credentials", "set", "jira"]) == 4
    assert not vault.exists()


def test_a_missing_member_is_named(piped: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    piped(json.dumps({"base_url": "https://site.example.test", "colour": "red"}))

    assert main(["credentials", "set", "jira"]) == 2
    assert "unknown: colour; missing: email, api_token" in capsys.readouterr().err


def test_removing_and_rotating(
    piped: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(json.dumps(ENTRY))
    main(["credentials", "set", "jira"])
    new_key = tmp_path / "new.key"

    assert main(["credentials", "rotate", "--new-key-file", str(new_key)]) == 0
    assert new_key.stat().st_mode & 0o777 == 0o600
    assert main(["credentials", "list"]) == 1
    assert "does not open the vault" in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKUP_VAULT_KEY", f"file:{new_key}")
        assert main(["credentials", "remove", "jira"]) == 0
        assert main(["credentials", "remove", "jira"]) == 2
    assert "holds no entry 'jira'" in capsys.readouterr().err


def test_a_keyboard_is_asked_without_echo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

    def prompt(text: str, *, hide_input: bool, **_: object) -> str:
        asked.append((text, hide_input))
        return "" if "may stay empty" in text else "value-" + text

    monkeypatch.setattr("jira_backup_pipeline.commands.credentials.click.prompt", prompt)

    assert main(["credentials", "set", "aws", "--json"]) == 0
    assert asked == [
        ("access_key_id", False),
        ("secret_access_key", True),
        ("session_token (may stay empty)", True),
        ("region (may stay empty)", False),
        ("endpoint_url (may stay empty)", False),
    ]
    assert "value-secret_access_key" not in capsys.readouterr().out


def test_without_a_vault_both_variables_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BACKUP_VAULT")
    monkeypatch.delenv("BACKUP_VAULT_KEY")

    assert main(["credentials", "list"]) == 2
    assert "missing: BACKUP_VAULT, BACKUP_VAULT_KEY" in capsys.readouterr().err
