"""From the command line: a site is backed up into a folder or a bucket, looked into, changed, backed up again and verified."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import requests

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.reading import open_snapshot
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.settings import settings_from_process
from jira_backup_pipeline_tests.doubles.s3_server import running_s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=2, issues=40, seed=11) as running:
        yield running


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> Iterator[Path]:
    """Configure the program by variables alone, as a person would."""
    monkeypatch.chdir(tmp_path)
    variables = {
        "JIRA_BASE_URL": sandbox.url,
        "JIRA_EMAIL": sandbox.email,
        "JIRA_API_TOKEN": sandbox.token,
        "BACKUP_IDENTITY_FILE": str(tmp_path / "operator.txt"),
        "BACKUP_LOG": "debug",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if request.param == "folder":
        monkeypatch.setenv("BACKUP_URI", (tmp_path / "store").as_uri())
        yield tmp_path
        return
    with running_s3_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("BACKUP_URI", f"s3://{server.new_bucket()}/jira")
        yield tmp_path


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("jira_backup_pipeline")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


class Program:
    """Runs verbs under `--json`, keeps everything that was shown, and gives exit code and document."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.shown = ""

    def __call__(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code = main([*arguments, "--json"])
        captured = self._capsys.readouterr()
        self.shown += captured.out + captured.err
        document: dict[str, Any] = json.loads(captured.out)
        return code, document


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


def delete_issue(sandbox: RunningSandbox, key: str) -> None:
    answer = requests.delete(
        f"{sandbox.url}/rest/api/3/issue/{key}",
        params={"deleteSubtasks": "true"},
        auth=(sandbox.email, sandbox.token),
        timeout=10,
    )
    assert answer.status_code == 204, answer.text


@pytest.mark.usefixtures("place")
def test_a_site_is_backed_up_looked_into_and_verified(sandbox: RunningSandbox, run: Program) -> None:
    code, founded = run("init", "--recovery-out", "recovery.txt")
    assert (code, founded["cloud_id"]) == (0, sandbox.cloud_id)
    code, diagnosis = run("doctor")
    assert (code, {one["health"] for one in diagnosis["findings"]} - {"ok", "skip"}) == (0, set())
    _, cost = run("backup", "--estimate")

    code, first = run("backup")
    assert code == 0
    assert [one["project"] for one in first["snapshots"]] == [None, *(one["key"] for one in cost["projects"])]
    # Webhooks are shown to apps only, which is told and accepted.
    assert [one["state"] for one in first["snapshots"]] == ["gaps", *["complete"] * len(cost["projects"])]
    key = cost["projects"][0]["key"]
    [[gone]] = run("sql", "--project", key, "SELECT min(key) FROM issues WHERE hierarchy_level = 0")[1][
        "rows"
    ]

    delete_issue(sandbox, gone)
    code, second = run("backup", "--project", key)
    assert (code, [one["snapshot"] for one in second["snapshots"]]) == (0, [2])
    assert second["snapshots"][0]["requests_total"] < first["snapshots"][1]["requests_total"]

    _, listed = run("snapshots", "--project", key)
    assert [one["snapshot"] for one in listed["snapshots"]] == [1, 2]
    assert listed["snapshots"][1]["issues"] < listed["snapshots"][0]["issues"]
    question = f"SELECT key, count(*) OVER () AS n FROM issues WHERE key = '{gone}'"  # noqa: S608 - our own key
    assert run("sql", "--project", key, question)[1]["rows"] == []
    assert run("sql", "--project", key, "--snapshot", "1", question)[1]["rows"] == [[gone, 1]]
    assert run("sql", "--project", key, "--as-of", listed["snapshots"][0]["captured_at"], question)[1][
        "rows"
    ] == [[gone, 1]]

    code, report = run("verify", "--level", "decrypt")
    assert (code, report["is_intact"], report["findings"]) == (0, True, [])
    assert sandbox.token not in run.shown
    assert "AGE-SECRET-KEY" not in run.shown.upper()


def test_python_reads_what_the_command_line_backed_up(place: Path, run: Program) -> None:
    run("init", "--recovery-out", "recovery.txt")
    _, outcome = run("backup")
    uri = settings_from_process().repository_uri()
    for one in outcome["snapshots"][1:]:
        with open_snapshot(uri, one["project"]) as snapshot:
            assert {name: snapshot[name].count() for name in one["counts"]} == one["counts"]
    with open_snapshot(uri, "site", identity_file=place / "recovery.txt") as site:
        assert site.manifest.cloud_id


@pytest.mark.usefixtures("place")
def test_a_wrong_token_is_a_clear_failure_and_changes_nothing(
    run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "--recovery-out", "recovery.txt")
    run("backup", "--site")
    before = run("snapshots")[1]
    monkeypatch.setenv("JIRA_API_TOKEN", "a-token-that-was-revoked")
    code, document = run("backup")

    assert code == 1
    assert "does not accept the account or token" in document["error"]
    assert "API token" in document["hint"]
    assert run("snapshots")[1] == before
    assert "a-token-that-was-revoked" not in run.shown


@pytest.mark.usefixtures("place")
def test_an_unknown_project_is_named_with_those_that_are_known(run: Program) -> None:
    run("init", "--recovery-out", "recovery.txt")
    code, document = run("backup", "--project", "NOPE")

    assert code == 2
    assert "no project 'NOPE'" in document["error"]
    assert run("snapshots")[1]["snapshots"] == []


@pytest.mark.usefixtures("place")
def test_the_repository_of_another_site_is_refused(
    run: Program, monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> None:
    run("init", "--recovery-out", "recovery.txt")
    with start_sandbox(projects=1, issues=3, seed=12) as other:
        assert other.cloud_id != sandbox.cloud_id
        for name, value in (("BASE_URL", other.url), ("EMAIL", other.email), ("API_TOKEN", other.token)):
            monkeypatch.setenv(f"JIRA_{name}", value)
        code, document = run("backup")
        doctor_code, diagnosis = run("doctor")

    assert code == 4
    assert f"belongs to the Jira site {sandbox.cloud_id}" in document["error"]
    assert doctor_code == 1
    assert [one["check"] for one in diagnosis["findings"] if one["health"] == "fail"] == ["jira site"]


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_an_altered_or_removed_object_is_found_and_the_exit_code_says_so(place: Path, run: Program) -> None:
    run("init", "--recovery-out", "recovery.txt")
    run("backup", "--site")
    table = next(iter(sorted((place / "store").rglob("*.parquet"))))
    damaged = bytearray(table.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    table.chmod(0o600)
    table.write_bytes(bytes(damaged))

    assert run("verify", "--level", "list")[0] == 0
    code, report = run("verify", "--level", "hash")
    assert (code, len(report["findings"])) == (3, 1)
    assert report["findings"][0]["object"].endswith(table.name)
    table.unlink()
    assert run("verify", "--level", "list")[0] == 3


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_gaps_that_are_not_accepted_make_the_run_incomplete(
    place: Path, run: Program, sandbox: RunningSandbox
) -> None:
    run("init", "--recovery-out", "recovery.txt")
    sandbox.faults.add("status", path="/rest/api/3/resolution/search", status=403, times=4)
    try:
        code, outcome = run("backup", "--site")
        gaps = outcome["snapshots"][0]["gaps"]
        assert (code, outcome["snapshots"][0]["state"]) == (3, "gaps")
        assert [(gap["kind"], gap["status"]) for gap in gaps] == [
            ("resolution", 403),
            ("filter_column", 400),
            ("webhook", 403),
        ]
        (place / "jira-backup.toml").write_text('[backup]\naccepted_gaps = ["resolution:403"]\n')
        assert run("backup", "--site")[0] == 0
        # By its words one gap is accepted and no other of its kind.
        (place / "jira-backup.toml").write_text('[backup]\naccepted_gaps = ["resolution:resolutions"]\n')
        assert run("backup", "--site")[0] == 0
        (place / "jira-backup.toml").write_text('[backup]\naccepted_gaps = ["resolution:another thing"]\n')
        assert run("backup", "--site")[0] == 3
    finally:
        sandbox.faults.clear()


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.usefixtures("place")
def test_doctor_names_what_the_account_may_not_do(run: Program) -> None:
    run("init", "--recovery-out", "recovery.txt")
    with start_sandbox(projects=1, issues=3, seed=13) as other, pytest.MonkeyPatch.context() as patch:
        for name, value in (("BASE_URL", other.url), ("EMAIL", other.email), ("API_TOKEN", other.token)):
            patch.setenv(f"JIRA_{name}", value)
        other.edits.deny("ADMINISTER")
        other.edits.deny("BROWSE_PROJECTS")
        _, diagnosis = run("doctor")
    permissions = {
        one["message"].split(":")[0]: one["health"]
        for one in diagnosis["findings"]
        if one["check"] == "jira permissions"
    }

    assert permissions["the account lacks BROWSE_PROJECTS"] == "fail"
    assert permissions["the account lacks ADMINISTER"] == "warn"
