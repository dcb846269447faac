"""Whatever is wrong outside: one line that says what, a `HINT:` that says what to do, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.repository.documents import seal_document
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.repository.layout import snapshot_key
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site
from jira_backup_pipeline_tests.doubles.s3_server import running_s3_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    """A sandbox that was backed up once."""
    with (
        backed_site(tmp_path_factory.mktemp("backed") / "site", projects=1, issues=25) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in made.environment.items():
            patch.setenv(name, value)
        assert main(["backup", "--json"]) == 0
        patch.undo()
        yield made


@pytest.fixture
def site(backed: BackedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackedSite]:
    """That sandbox with a copy of the repository for the test alone, and the variables that name everything."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "site"
    shutil.copytree(backed.folder, folder)
    old, new = str(backed.folder), str(folder)
    environment = {name: value.replace(old, new) for name, value in backed.environment.items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield replace(backed, folder=folder, environment=environment)
    backed.sandbox.faults.clear()


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a verb that must fail: gives its error document after looking at what a person sees."""

    def run(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        shown = capsys.readouterr()
        document: dict[str, Any] = json.loads(shown.out)
        assert "Traceback" not in shown.err
        assert "HINT: " in shown.err
        assert document["exit_code"] == code != 0
        assert "\n" not in document["error"]
        return document

    return run


def snapshots(site: BackedSite) -> list[tuple[str, str]]:
    """Give every manifest and its bytes: what a failed run must leave as it was."""
    store = LocalStore(site.folder / "repository")
    return [(entry.key, store.get(entry.key).hex()) for entry in store.list("snapshots/")]


def test_a_wrong_token(site, refused, monkeypatch) -> None:
    before = snapshots(site)
    monkeypatch.setenv("JIRA_API_TOKEN", "wrong")

    assert refused("backup")["exit_code"] == 1
    assert snapshots(site) == before


def test_a_token_that_expires_while_the_backup_runs(site, refused) -> None:
    before = snapshots(site)
    fault = site.sandbox.faults.add("status", path="^/rest/", status=401, after=15, times=None)

    error = refused("backup", "--full", "--project", "APP")

    assert site.sandbox.faults.fired(fault.fault_id)
    assert error["exit_code"] == 1
    assert "401" in error["error"] or "token" in error["error"] + error["hint"]
    assert snapshots(site) == before
    site.sandbox.faults.clear()
    assert main(["backup", "--json"]) == 0


@pytest.mark.usefixtures("site")
def test_an_unknown_project(refused) -> None:
    error = refused("backup", "--project", "NOPE")

    assert error["exit_code"] == 2
    assert "NOPE" in error["error"]
    assert refused("restore", "--project", "NOPE")["exit_code"] == 2
    assert refused("sql", "--project", "NOPE", "SELECT 1")["exit_code"] == 2


def test_a_missing_identity(site, refused, monkeypatch) -> None:
    del site
    monkeypatch.delenv("BACKUP_IDENTITY_FILE")

    error = refused("backup")

    assert error["exit_code"] == 2
    assert "BACKUP_IDENTITY_FILE" in error["error"] + error["hint"]


def test_a_wrong_identity(site, refused, monkeypatch, tmp_path) -> None:
    before = snapshots(site)
    stranger = tmp_path / "stranger.txt"
    stranger.touch(mode=0o600)
    stranger.write_text(new_identity().secret + "\n", encoding="ascii")
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(stranger))

    assert refused("backup")["exit_code"] == 1
    assert snapshots(site) == before


def test_a_bucket_that_is_missing_or_forbidden(site, refused, monkeypatch) -> None:
    del site
    with running_s3_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("BACKUP_URI", "s3://no-such-bucket/jira")
        missing = refused("backup")

        reader_only = server.new_user("s3:GetObject")
        assert reader_only.access_key_id is not None
        assert reader_only.secret_access_key is not None
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", reader_only.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", reader_only.secret_access_key.reveal())
        monkeypatch.setenv("BACKUP_URI", f"s3://{server.bucket}/elsewhere")
        forbidden = refused("init", "--recovery-out", "recovery.txt")

        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        wrong_secret = refused("init", "--recovery-out", "recovery-2.txt")

    assert "no-such-bucket" in missing["error"]
    assert forbidden["exit_code"] == 1
    assert wrong_secret["exit_code"] == 1


def test_a_store_without_space(site, refused, monkeypatch) -> None:
    before = snapshots(site)
    site.sandbox.edits.edit_issue("APP-1", {"summary": "changed"})
    failures = []

    def full(*_: object) -> int:
        failures.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    error = refused("backup")
    monkeypatch.undo()

    assert failures
    assert error["exit_code"] == 1
    assert "space" in error["error"] + error["hint"]
    assert snapshots(site) == before


def test_plain_http_to_another_machine(site, refused, monkeypatch) -> None:
    before = snapshots(site)
    monkeypatch.setenv("JIRA_BASE_URL", "http://jira.example.invalid")

    assert refused("backup")["exit_code"] in {2, 4}
    assert snapshots(site) == before


def test_the_repository_of_another_site(site, refused, monkeypatch, tmp_path) -> None:
    before = snapshots(site)
    with backed_site(tmp_path / "other", projects=1, issues=3, seed=99) as other:
        for name in ("JIRA_BASE_URL", "JIRA_EMAIL", "JIRA_API_TOKEN"):
            monkeypatch.setenv(name, other.environment[name])

        assert refused("backup")["exit_code"] == 4
    assert snapshots(site) == before


def test_an_altered_object_fails_a_restore_and_is_found_by_verify(site, refused, capsys) -> None:
    [table] = (site.folder / "repository").rglob("issue-000.parquet")
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.chmod(0o600)
    table.write_bytes(bytes(data))

    assert refused("restore", "--project", "APP")["exit_code"] == 1
    capsys.readouterr()
    assert main(["verify", "--level", "hash", "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert [finding["object"] for finding in report["findings"]] == [
        str(table.relative_to(site.folder / "repository"))
    ]


def test_a_removed_object_is_named(site, capsys) -> None:
    [receipt] = (site.folder / "repository" / "packs").glob("project-*/*/receipt.age")
    receipt.unlink()

    capsys.readouterr()
    assert main(["verify", "--level", "list", "--json"]) == 3
    assert "receipt.age" in capsys.readouterr().out


def test_a_manifest_of_a_newer_format(site, refused) -> None:
    before = snapshots(site)
    repository = site.repository()
    scope = repository.scopes()[0]
    head = repository.load(scope, repository.snapshot_numbers(scope)[-1])
    number = head.number + 1
    key = snapshot_key(scope, number)
    newer = {**head.to_json(), "format": 99, "number": number, "parent": head.number}
    keys = repository._keyring.for_writing(scope)
    sealed = seal_document(
        key, newer, recipients=[keys.current.blob_recipient], signer=repository._founding.signer
    )
    repository.store.put_new(key, sealed.sealed)

    error = refused("restore", "--project", "APP")

    assert main(["backup", "--project", "APP", "--json"]) == 1
    assert error["exit_code"] == 1
    assert "99" in error["error"]
    assert "Upgrade" in error["hint"]
    assert set(before) < set(snapshots(site))


def test_sql_errors_are_the_users_to_mend(site, refused) -> None:
    del site
    assert refused("sql", "--project", "APP", "SELECT nothing FROM nowhere")["exit_code"] == 2
