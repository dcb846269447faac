"""A failure is a line and a hint on stderr, a document under `--json`, the right exit code, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from jira_backup_pipeline.cli import main, program
from jira_backup_pipeline.commands.session import json_option
from jira_backup_pipeline.domain.errors import AccessDenied, Refused
from jira_backup_pipeline.domain.secrets import MASK, Secret
from jira_backup_pipeline.logs import masked, start_logging
from jira_backup_pipeline.settings import LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# In two parts, so that the line of source in a traceback does not hold it.
CANARY = "canary-51c0" + "-never-to-be-seen"


@pytest.fixture(autouse=True)
def nothing_is_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """`main` configures logging of the process; later tests get it back as it was."""
    root = logging.getLogger()
    handlers, level, ours = list(root.handlers), root.level, logging.getLogger("jira_backup_pipeline").level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("jira_backup_pipeline").setLevel(ours)


@pytest.fixture
def failing_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Add a verb `fail` that reads the settings and raises what the test hands over."""

    def install(error: BaseException) -> None:
        @click.command("fail")
        @json_option
        @click.pass_obj
        def fail(session: object) -> None:
            _ = session.settings  # type: ignore[attr-defined]
            raise error

        monkeypatch.setitem(program.commands, "fail", fail)

    return install


def test_missing_settings_are_all_named_and_exit_with_usage(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["backup"])
    shown = capsys.readouterr()

    assert code == 2
    assert shown.out == ""
    assert (
        "error: missing: JIRA_BASE_URL, JIRA_EMAIL, JIRA_API_TOKEN, BACKUP_URI, BACKUP_IDENTITY_FILE\n"
        in shown.err
    )
    assert "\nHINT: Set each as a variable: JIRA_BASE_URL is" in shown.err


def test_under_json_an_error_is_one_document_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["snapshots", "--json"])
    shown = capsys.readouterr()
    document = json.loads(shown.out)

    assert (code, document["exit_code"]) == (2, 2)
    assert document["error"] == "missing: BACKUP_URI, BACKUP_IDENTITY_FILE"
    assert document["hint"].endswith(".")
    assert "error: missing: BACKUP_URI" in shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "no such command 'nonsense'"),
        (["verify", "--level", "deep"], "invalid value for '--level'"),
        (["sql", "--project", "K", "--as-of", "yesterday", "SELECT 1"], "'yesterday' is not a time"),
        (["sql", "SELECT 1"], "missing option '--project'"),
        (["credentials", "set", "gitlab"], "'gitlab' is not one of 'jira', 'restore_jira', 'aws'"),
    ],
)
def test_wrong_usage_points_to_the_help(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code = main([*arguments, "--json"])
    document = json.loads(capsys.readouterr().out)

    assert code == 2
    assert message in document["error"]
    assert document["hint"].startswith("See `jira-backup")


@pytest.mark.parametrize(
    ("error", "code"), [(Refused("no", hint="Do not."), 4), (AccessDenied("shut", hint="Open it."), 1)]
)
def test_the_exit_code_follows_from_the_kind_of_failure(
    failing_verb: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    failing_verb(error)

    assert main(["fail"]) == code
    assert "HINT: " in capsys.readouterr().err


def test_a_defect_is_one_line_without_a_traceback(
    failing_verb: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing_verb(ZeroDivisionError("first line\nsecond line"))
    code = main(["fail", "--json"])
    shown = capsys.readouterr()

    assert code == 1
    assert json.loads(shown.out)["error"] == "unexpected ZeroDivisionError: first line"
    assert "BACKUP_LOG=debug" in json.loads(shown.out)["hint"]
    assert "Traceback" not in shown.err


def test_a_traceback_comes_when_it_is_asked_for_and_without_secrets(
    failing_verb: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKUP_LOG", "debug")
    monkeypatch.setenv("JIRA_API_TOKEN", CANARY)
    failing_verb(ValueError(f"the server said: token {CANARY} is wrong"))
    code = main(["fail", "--json"])
    shown = capsys.readouterr()

    assert code == 1
    assert "Traceback (most recent call last)" in shown.err
    assert CANARY not in shown.err + shown.out
    assert MASK in shown.err


def test_a_defect_before_the_settings_are_read_can_be_traced_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `demo`, which needs no settings."""

    @click.command("fail")
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(program.commands, "fail", fail)
    monkeypatch.setenv("BACKUP_LOG", "debug")

    assert main(["fail"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    monkeypatch.setenv("BACKUP_LOG", "nonsense")
    assert main(["fail"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_an_interruption_says_that_nothing_is_lost(
    failing_verb: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing_verb(KeyboardInterrupt())

    assert main(["fail"]) == 1
    assert "error: interrupted\nHINT: Run it again" in capsys.readouterr().err


def test_a_malformed_setting_is_explained_without_the_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_URI", f"s3://user:{CANARY}@bucket")
    code = main(["snapshots", "--json"])
    shown = capsys.readouterr()

    assert code == 2
    assert "BACKUP_URI holds a login" in shown.out
    assert CANARY not in shown.out + shown.err


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """As in `jira-backup --help | head -0`: the pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    finished = subprocess.run(
        [sys.executable, "-m", "jira_backup_pipeline.cli", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writing)

    assert (finished.returncode, finished.stderr) == (1, "")


def test_help_and_version_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "4 refused for" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("jira-backup 0.")


@pytest.mark.parametrize("is_json", [True, False])
def test_log_lines_go_to_stderr_masked(monkeypatch: pytest.MonkeyPatch, is_json: bool) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    start_logging(LogLevel.INFO, is_json=is_json, secrets=[Secret(CANARY)])
    log = logging.getLogger("jira_backup_pipeline.test")
    log.debug("not shown")
    try:
        int(CANARY)
    except ValueError:
        log.exception("trouble with %s", CANARY)
    logging.getLogger("botocore").info("not shown either")
    text = stderr.getvalue()

    assert CANARY not in text
    assert "not shown" not in text
    assert "ValueError" in text
    if is_json:
        line = json.loads(text)
        assert (line["level"], line["logger"]) == ("error", "jira_backup_pipeline.test")
        assert line["message"] == f"trouble with {MASK}"


def test_what_looks_like_a_credential_is_masked_without_being_known() -> None:
    text = "AGE-SECRET-KEY-1QQQQQQQQ and Authorization: Basic dXNlcjpwYXNz and Bearer abcdefghij"

    assert masked(text, []) == f"{MASK} and Authorization: Basic {MASK} and Bearer {MASK}"
