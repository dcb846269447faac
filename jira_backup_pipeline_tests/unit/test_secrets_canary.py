"""A fixed canary secret never appears in a repr, a log line, a traceback with local variables, JSON, or the vault's file."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import pprint
import traceback
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.domain.secrets import MASK, Secret, redacted
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.vault import Vault
from jira_backup_pipeline.vault_sealing import new_key_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Written in two parts: a traceback shows source lines, and these must not contain what is looked for.
CANARY_HEAD, CANARY_TAIL = "canary-7b1e", "-under-no-circumstances"


def canary() -> str:
    return CANARY_HEAD + CANARY_TAIL


def everything_shown(error: BaseException) -> str:
    """Print an error the most talkative ways there are."""
    text = io.StringIO()
    console = Console(file=text, width=500)
    console.print(
        Traceback.from_exception(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=None,
            locals_max_string=None,
            locals_hide_dunder=False,
        )
    )
    plain = traceback.TracebackException.from_exception(error, capture_locals=True)
    return text.getvalue() + "".join(plain.format()) + repr(error) + str(error)


def failing(action: Callable[[], object]) -> str:
    with pytest.raises(BackupPipelineError) as caught:
        action()
    return everything_shown(caught.value)


def test_every_way_of_printing_a_secret_shows_a_mask() -> None:
    secret = Secret(canary())
    holder = {"token": secret, "list": [secret]}
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>30}",
        f"{secret:>30}",
        "%s %r" % (secret, secret),  # noqa: UP031 - the oldest way counts too
        pprint.pformat(holder),
        pretty_repr(holder),
        json.dumps(holder, default=str),
    ]

    assert [text for text in shown if canary() in text] == []
    assert all(MASK in text for text in shown)


def test_a_secret_does_not_travel_in_pickles_and_is_its_own_copy() -> None:
    secret = Secret(canary())
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)

    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) is secret
    assert {secret: 1}[Secret(canary())] == 1
    assert secret != canary()
    assert not Secret("")


def test_known_secrets_are_taken_out_of_text() -> None:
    text = f"GET https://x/?t={canary()} and again {canary()} with abc"

    assert redacted(text, [Secret("abc"), Secret(canary()), Secret(CANARY_HEAD)]) == (
        f"GET https://x/?t={MASK} and again {MASK} with abc"
    )


def test_no_traceback_of_the_settings_shows_a_secret(tmp_path: Path) -> None:
    def environ(**changes: str) -> dict[str, str]:
        return {
            "JIRA_BASE_URL": "https://site.example.test",
            "JIRA_EMAIL": "a@example.test",
            "JIRA_API_TOKEN": canary(),
            "JIRA_PROXY": f"http://u:{canary()}@proxy.example.test",
            "BACKUP_VAULT_KEY": canary(),
        } | changes

    shown = [
        failing(lambda: Settings.from_environment(environ(BACKUP_URI="nowhere"))),
        failing(lambda: Settings.from_environment(environ(BACKUP_LOG="loud"))),
        failing(lambda: Settings.from_environment(environ(JIRA_BASE_URL="http://site.example.test")).jira),
        failing(lambda: Settings.from_environment(environ(JIRA_BASE_URL=f"https://u:{canary()}@site")).jira),
        failing(lambda: Settings.from_environment(environ(JIRA_EMAIL="")).jira),
        failing(lambda: Settings.from_environment(environ(JIRA_EMAIL="", BACKUP_VAULT=str(tmp_path))).jira),
    ]

    assert [text for text in shown if canary() in text] == []


def test_no_traceback_of_the_vault_and_no_byte_of_its_file_shows_a_secret(tmp_path: Path) -> None:
    key = new_key_text()
    vault = Vault(tmp_path / "vault.json", key)
    members = {"base_url": Secret("https://x"), "email": Secret("e"), "api_token": Secret(canary())}
    vault.set("jira", members)
    moved = json.loads(vault.path.read_text())
    moved["entries"]["restore_jira"] = moved["entries"]["jira"]
    stored = vault.path.read_text()

    shown = [
        failing(lambda: Vault(vault.path, Secret(canary())).get("jira")),
        failing(lambda: Vault(vault.path, Secret("passphrase:" + canary())).get("jira")),
        failing(lambda: vault.set("jira", {"api_token": Secret(canary())})),
        failing(lambda: vault.set("aws", members)),
    ]
    vault.path.write_text(json.dumps(moved))
    shown.append(failing(lambda: vault.get("restore_jira")))

    assert [text for text in [*shown, stored] if canary() in text or key.reveal() in text] == []


def test_settings_show_no_secret_when_printed_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.from_environment(
        {
            "JIRA_BASE_URL": "https://x",
            "JIRA_EMAIL": "e",
            "JIRA_API_TOKEN": canary(),
            "BACKUP_VAULT_KEY": canary(),
        }
    )
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("canary").info(
            "settings %s %r %s", settings, settings.jira, list(settings.secrets())
        )

    shown = caplog.text + pretty_repr(settings) + pprint.pformat(settings) + repr(settings._variables)
    assert canary() not in shown
    assert len(list(settings.secrets())) == 2
