"""`init` makes a repository that two identities open; `keys` changes who does; `doctor` says what is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.identity_file import load_identity
from jira_backup_pipeline.repository.identity import new_identity

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKUP_URI", (tmp_path / "store").as_uri())
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(tmp_path / "operator.txt"))
    return tmp_path


def documents(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_init_makes_two_private_identities_that_know_the_repository(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--recovery-out", "recovery.txt", "--json"]) == 0
    document = documents(capsys)
    operator, recovery = load_identity(place / "operator.txt"), load_identity(place / "recovery.txt")

    assert document["is_new_identity"] is True
    assert document["recovery_recipient"] == recovery.recipient
    assert document["cloud_id"] is None
    assert [anchor.repository_id for anchor in operator.anchors] == [document["repository_id"]]
    assert operator.anchors == recovery.anchors
    assert operator.secret not in json.dumps(document)
    assert recovery.secret not in json.dumps(document)
    assert {(place / name).stat().st_mode & 0o777 for name in ("operator.txt", "recovery.txt")} == {0o600}


def test_the_recovery_identity_opens_the_repository_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(place / "recovery.txt"))
    capsys.readouterr()

    assert main(["keys", "list", "--json"]) == 0
    assert [one["name"] for one in documents(capsys)["recipients"]] == ["operator", "recovery"]  # type: ignore[attr-defined]


def test_an_identity_that_is_there_is_kept_with_every_line(place: Path) -> None:
    identity = new_identity()
    kept = f"# made by hand\n{identity.to_text()}# last line\n"
    (place / "operator.txt").write_text(kept)
    (place / "operator.txt").chmod(0o600)

    assert main(["init", "--recovery-out", "recovery.txt"]) == 0
    assert (place / "operator.txt").read_text().startswith(kept.rstrip())
    assert len(load_identity(place / "operator.txt").anchors) == 1


def test_a_second_init_is_refused_and_leaves_no_identity_behind(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    before = (place / "operator.txt").read_text()

    assert main(["init", "--recovery-out", "second.txt"]) == 4
    assert "there is a backup repository" in capsys.readouterr().err
    assert not (place / "second.txt").exists()
    assert (place / "operator.txt").read_text() == before


def test_a_recovery_file_that_exists_is_not_overwritten(place: Path) -> None:
    (place / "recovery.txt").write_text("precious")

    assert main(["init", "--recovery-out", "recovery.txt"]) == 4
    assert (place / "recovery.txt").read_text() == "precious"
    assert not (place / "operator.txt").exists()


def test_without_a_person_watching_the_recovery_identity_needs_a_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 2
    assert "--recovery-out" in capsys.readouterr().err
    assert list(place.iterdir()) == []


def test_a_person_sees_the_recovery_identity_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jira_backup_pipeline.terminal.Terminal.is_watched", True)

    assert main(["init"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line.startswith("AGE-SECRET-KEY-1")]
    assert len(shown) == 1
    assert shown != [load_identity(place / "operator.txt").secret]


def test_an_identity_file_open_to_others_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    (place / "operator.txt").chmod(0o644)

    assert main(["snapshots"]) == 4
    assert f"chmod 600 {place / 'operator.txt'}" in capsys.readouterr().err


def test_a_missing_or_foreign_identity_is_explained(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    (place / "operator.txt").unlink()

    assert main(["snapshots"]) == 2
    assert "does not exist" in capsys.readouterr().err
    (place / "operator.txt").write_text(new_identity().to_text())
    (place / "operator.txt").chmod(0o600)
    assert main(["snapshots"]) == 1
    assert "does not open this repository" in capsys.readouterr().err


def test_keys_are_added_and_removed_but_never_to_fewer_than_two(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    second = new_identity()
    (place / "second.txt").write_text(second.to_text())
    (place / "second.txt").chmod(0o600)

    assert main(["keys", "add", "second", second.recipient]) == 0
    assert main(["keys", "remove", "operator"]) == 0
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(place / "second.txt"))
    assert main(["keys", "remove", "recovery"]) == 2
    capsys.readouterr()
    assert main(["keys", "list", "--json"]) == 0
    assert [one["name"] for one in documents(capsys)["recipients"]] == ["recovery", "second"]  # type: ignore[attr-defined]
    assert main(["keys", "rotate", "--json"]) == 0
    assert documents(capsys) == {"rotated": []}


def test_an_empty_repository_has_no_snapshots(capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    capsys.readouterr()

    assert main(["snapshots", "--json"]) == 0
    assert documents(capsys)["snapshots"] == []
    assert main(["sql", "--project", "K", "SELECT 1"]) == 2
    assert "no snapshot of a project 'K'" in capsys.readouterr().err


def test_doctor_without_settings_fails_and_names_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BACKUP_URI")

    assert main(["doctor", "--json"]) == 1
    findings = {one["check"]: one for one in documents(capsys)["findings"]}  # type: ignore[attr-defined]
    assert findings["settings"]["message"] == "missing: JIRA_BASE_URL, JIRA_EMAIL, JIRA_API_TOKEN, BACKUP_URI"
    assert findings["store"]["health"] == "fail"
    assert findings["jira account"]["health"] == "skip"


def test_doctor_tries_the_store_and_leaves_nothing_in_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    stored = sorted(path for path in (place / "store").rglob("*") if path.is_file())
    capsys.readouterr()
    main(["doctor", "--json"])
    findings = {one["check"]: one["health"] for one in documents(capsys)["findings"]}  # type: ignore[attr-defined]

    assert (findings["store"], findings["repository"], findings["trust"], findings["clocks"]) == ("ok",) * 4
    assert sorted(path for path in (place / "store").rglob("*") if path.is_file()) == stored


def test_doctor_gives_the_line_that_makes_an_identity_trust_the_repository(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--recovery-out", "recovery.txt"])
    identity = load_identity(place / "operator.txt")
    (place / "operator.txt").write_text(f"{identity.secret}\n")
    capsys.readouterr()
    main(["doctor", "--json"])
    trust = next(one for one in documents(capsys)["findings"] if one["check"] == "trust")  # type: ignore[attr-defined]

    assert trust["health"] == "warn"
    assert identity.anchors[0].to_line() in trust["hint"]
