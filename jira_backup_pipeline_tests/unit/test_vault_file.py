"""The vault gives back what was put in, and nothing else: altered, moved, misplaced or exposed, it says so and stays shut."""

from __future__ import annotations

import base64
import json
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    ConfigurationError,
    IntegrityError,
    Refused,
    StoreError,
    UnknownName,
    UnsupportedFormat,
)
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.vault import ENTRIES, Vault
from jira_backup_pipeline.vault_sealing import Derivation, new_key_text

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHEAP = Derivation(iterations=1, lanes=1, memory_kib=8_192)
JIRA = {
    "base_url": Secret("https://site.example.test"),
    "email": Secret("backup@example.test"),
    "api_token": Secret("a-token-of-jira"),
}
AWS = {"access_key_id": Secret("AKIDEXAMPLE"), "secret_access_key": Secret("an-aws-secret")}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault.json", new_key_text(), clock=lambda: AT)


def test_what_was_set_comes_back_and_is_listed_without_values(vault: Vault) -> None:
    vault.set("jira", JIRA)
    vault.set("aws", AWS)

    assert vault.get("jira") == JIRA
    assert [entry.to_json() for entry in vault.list()] == [
        {
            "name": "aws",
            "members": ["access_key_id", "secret_access_key"],
            "set_at": "2026-03-01T12:00:00.000Z",
        },
        {"name": "jira", "members": ["api_token", "base_url", "email"], "set_at": "2026-03-01T12:00:00.000Z"},
    ]


def test_a_vault_that_does_not_exist_yet_is_empty(vault: Vault) -> None:
    assert vault.list() == []
    assert vault.find("jira") is None
    with pytest.raises(UnknownName, match="holds no entry 'jira'"):
        vault.get("jira")
    with pytest.raises(UnknownName, match="holds no entry 'jira'"):
        vault.remove("jira")


def test_removing_one_entry_keeps_the_other(vault: Vault) -> None:
    vault.set("jira", JIRA)
    vault.set("aws", AWS)
    vault.remove("jira")

    assert [entry.name for entry in vault.list()] == ["aws"]


def test_the_file_is_closed_to_others_from_the_first_moment_on(vault: Vault) -> None:
    previous = os.umask(0)
    try:
        vault.set("jira", JIRA)
    finally:
        os.umask(previous)

    assert vault.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_open_to_others_is_refused_with_the_remedy(vault: Vault, mode: int) -> None:
    vault.set("jira", JIRA)
    vault.path.chmod(mode)

    with pytest.raises(Refused, match=f"mode {mode:04o}") as caught:
        vault.get("jira")

    assert "chmod 600" in caught.value.hint


def test_another_key_does_not_open_it(vault: Vault) -> None:
    vault.set("jira", JIRA)

    with pytest.raises(AccessDenied, match="does not open the vault"):
        Vault(vault.path, new_key_text()).get("jira")


def test_entries_that_swapped_their_names_do_not_open(vault: Vault) -> None:
    vault.set("jira", JIRA)
    vault.set("restore_jira", {**JIRA, "api_token": Secret("another-token")})
    document = json.loads(vault.path.read_text())
    entries = document["entries"]
    entries["jira"], entries["restore_jira"] = entries["restore_jira"], entries["jira"]
    vault.path.write_text(json.dumps(document))

    with pytest.raises(IntegrityError, match="'jira' does not open: it was altered, or moved"):
        vault.get("jira")


def test_every_altered_byte_of_an_entry_is_noticed(vault: Vault) -> None:
    vault.set("aws", AWS)
    document = json.loads(vault.path.read_text())
    sealed = base64.b64decode(document["entries"]["aws"])
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        document["entries"]["aws"] = base64.b64encode(bytes(altered)).decode()
        vault.path.write_text(json.dumps(document))
        with pytest.raises(IntegrityError):
            vault.get("aws")


@pytest.mark.parametrize("sealed", [None, 7, "", "***", "AAAA", []])
def test_nonsense_in_place_of_an_entry_is_noticed(vault: Vault, sealed: object) -> None:
    vault.set("jira", JIRA)
    document = json.loads(vault.path.read_text())
    document["entries"]["jira"] = {"at": sealed} if sealed is None else sealed
    vault.path.write_text(json.dumps(document))

    with pytest.raises(IntegrityError):
        vault.list()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "other"}', '{"format": "jira-backup-pipeline vault 1"}']
)
def test_a_file_that_is_no_vault_is_called_so(vault: Vault, text: str) -> None:
    vault.path.write_text(text)
    vault.path.chmod(0o600)

    with pytest.raises(IntegrityError, match="is not a vault that this program wrote"):
        vault.get("jira")


def test_a_newer_format_asks_for_an_upgrade(vault: Vault) -> None:
    vault.set("jira", JIRA)
    vault.path.write_text(vault.path.read_text().replace("vault 1", "vault 2"))

    with pytest.raises(UnsupportedFormat, match="'jira-backup-pipeline vault 2'"):
        vault.get("jira")


def test_a_rotated_vault_opens_with_the_new_key_only(vault: Vault) -> None:
    vault.set("jira", JIRA)
    old, new = Vault(vault.path, vault._key), new_key_text()
    vault.rotate(new)

    assert vault.get("jira") == JIRA
    assert Vault(vault.path, new).get("jira") == JIRA
    with pytest.raises(AccessDenied):
        old.get("jira")


def test_a_rotation_may_change_a_key_to_a_passphrase(vault: Vault) -> None:
    vault = Vault(vault.path, vault._key, derivation=CHEAP)
    vault.set("jira", JIRA)
    vault.rotate(Secret("passphrase:several quiet words"))

    assert Vault(vault.path, Secret("passphrase:several quiet words")).get("jira") == JIRA
    with pytest.raises(AccessDenied, match="does not open"):
        Vault(vault.path, Secret("passphrase:several other words")).get("jira")
    with pytest.raises(AccessDenied, match="made with a passphrase"):
        Vault(vault.path, new_key_text()).get("jira")


def test_a_passphrase_with_default_costs_opens_its_vault(tmp_path: Path) -> None:
    key = Secret("passphrase:correct quiet words")
    Vault(tmp_path / "v.json", key).set("aws", AWS)

    assert Vault(tmp_path / "v.json", key).get("aws") == AWS
    assert json.loads((tmp_path / "v.json").read_text())["kdf"]["memory_kib"] == 65_536


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 2**40},
        {"memory_kib": 8},
        {"iterations": 0},
        {"lanes": "many"},
        {"name": "md5"},
        {"salt": "AAAA"},
        {"salt": None},
    ],
)
def test_altered_derivation_costs_are_refused_before_they_are_spent(
    tmp_path: Path, change: dict[str, object]
) -> None:
    vault = Vault(tmp_path / "v.json", Secret("passphrase:correct quiet words"), derivation=CHEAP)
    vault.set("aws", AWS)
    document = json.loads(vault.path.read_text())
    document["kdf"] |= change
    vault.path.write_text(json.dumps(document))

    with pytest.raises(IntegrityError, match="is not a vault"):
        vault.get("aws")


def test_a_key_file_must_be_closed_to_others_too(tmp_path: Path) -> None:
    key_file = tmp_path / "vault.key"
    key_file.write_text(new_key_text().reveal() + "\n")
    key_file.chmod(0o600)
    vault = Vault(tmp_path / "v.json", Secret(f"file:{key_file}"))
    vault.set("aws", AWS)

    assert vault.get("aws") == AWS
    key_file.chmod(0o644)
    with pytest.raises(Refused, match="vault key file"):
        vault.get("aws")
    key_file.unlink()
    with pytest.raises(ConfigurationError, match="cannot read the vault key file"):
        vault.get("aws")


@pytest.mark.parametrize("text", ["short", "c2hvcnQ=", "passphrase:tooshort", "A" * 43])
def test_a_key_of_no_known_notation_is_explained_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Vault(tmp_path / "v.json", Secret(text)).set("aws", AWS)

    assert text.removeprefix("passphrase:") not in str(caught.value)


def test_members_must_be_the_known_ones(vault: Vault) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown: colour; missing: email") as caught:
        vault.set("jira", {"base_url": Secret("x"), "api_token": Secret("y"), "colour": Secret("z")})
    assert caught.value.hint == "It needs base_url, email, api_token."
    with pytest.raises(ConfigurationError, match="missing: secret_access_key"):
        vault.set("aws", {"access_key_id": Secret("x"), "secret_access_key": Secret("")})
    with pytest.raises(UnknownName, match="no such vault entry: 'gitlab'"):
        vault.set("gitlab", {})

    assert not vault.path.exists()


def test_a_folder_that_is_missing_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write the vault"):
        Vault(tmp_path / "absent" / "v.json", new_key_text()).set("aws", AWS)


def test_a_failed_replacement_keeps_the_old_file_and_leaves_no_litter(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.set("jira", JIRA)
    before = vault.path.read_bytes()

    def disk_full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jira_backup_pipeline.private_files.os.fsync", disk_full)
    with pytest.raises(StoreError, match="No space left on device"):
        vault.set("aws", AWS)

    assert vault.path.read_bytes() == before
    assert sorted(path.name for path in vault.path.parent.iterdir()) == ["vault.json", "vault.json.lock"]


def test_a_link_to_the_vault_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real.json")
    vault = Vault(link, new_key_text())
    vault.set("aws", AWS)
    vault.set("jira", JIRA)

    assert link.is_symlink()
    assert len(vault.list()) == 2


def test_writers_at_the_same_time_lose_nothing(vault: Vault) -> None:
    start = threading.Barrier(len(ENTRIES))
    failures: list[BaseException] = []

    def write(name: str) -> None:
        start.wait(timeout=10)
        try:
            for _ in range(10):
                vault.set(name, AWS if name == "aws" else JIRA)
        except BaseException as error:  # noqa: BLE001 - reported by the test below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ENTRIES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert failures == []
    assert {entry.name for entry in vault.list()} == set(ENTRIES)


@given(st.fixed_dictionaries({name: st.text(min_size=1) for name in ENTRIES["jira"].required}))
def test_any_text_survives_the_vault(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, str]
) -> None:
    vault = Vault(tmp_path_factory.mktemp("vault") / "v.json", new_key_text())
    secrets = {name: Secret(value) for name, value in members.items()}
    vault.set("jira", secrets)

    assert vault.get("jira") == secrets
