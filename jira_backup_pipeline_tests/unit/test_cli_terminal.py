"""What goes to a terminal is text only; what goes into a pipe is whole; what goes out as JSON is one document."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.terminal import Terminal, in_bytes, rows_of


def test_a_table_in_a_pipe_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "x" * 300
    Terminal(is_json=False).table(
        ("name", "count", "at"), [(wide, 12345, None), ("b", None, True)], title="T"
    )
    shown = capsys.readouterr().out

    assert wide in shown
    assert "12,345" in shown
    assert "yes" in shown


def test_control_characters_of_others_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(is_json=False)
    hostile = "\x1b[2J\x9b31m\u202etxt\rover\x07 [bold]kept[/bold]"
    terminal.line(hostile)
    terminal.note(hostile)
    terminal.table(("a",), [(hostile,)])
    terminal.markdown(hostile)
    shown = capsys.readouterr()

    for text in (shown.out, shown.err):
        assert not {"\x1b", "\x9b", "\u202e", "\r", "\x07"} & set(text)
        assert "[bold]kept[/bold]" in text


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.binary())))
def test_any_document_is_written_as_json(document: dict[str, object]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout.write", written.append)
        Terminal(is_json=True).document(document)

    assert json.loads("".join(written)).keys() == document.keys()
    assert "".join(written).isascii()


def test_times_and_bytes_have_a_notation_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(is_json=True).document(
        [datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), datetime(2026, 1, 2), b"\x00\xff"]  # noqa: DTZ001 - DuckDB knows times without a zone
    )

    assert json.loads(capsys.readouterr().out) == [
        "2026-01-02T00:00:00.000Z",
        "2026-01-02",
        "2026-01-02T00:00:00",
        "AP8=",
    ]


def test_progress_is_silent_under_json_and_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    for is_json in (True, False):
        with Terminal(is_json=is_json).progress() as progress:
            progress.stage("reading", 7)
            progress.advance(3)
            progress.stage("closing")
            progress.note("a note")
    shown = capsys.readouterr()

    assert (shown.out, shown.err) == ("", "reading (7)\nclosing\na note\n")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (12_345_678, "12.3 MB"), (5 * 10**15, "5000.0 TB")],
)
def test_bytes_are_written_for_people(count: int, text: str) -> None:
    assert in_bytes(count) == text


def test_columns_are_taken_in_order() -> None:
    assert rows_of([{"b": 1, "a": 2}, {"a": math.pi}], ("a", "b")) == [[2, 1], [math.pi, None]]


def test_a_person_sees_a_bar_for_every_kind_and_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal(is_json=False)

    with terminal.progress() as progress:
        progress.stage("ALPHA: issues", 4)
        progress.expect({"issues": 4, "issue_links": 6})
        progress.found({"issues": 1, "issue_links": 2, "votes": 9})
        progress.advance(1)
        progress.note("12 requests")

    shown = "".join(char for char in capsys.readouterr().err if char.isprintable() or char == "\n")
    assert "12 requests" in shown
    assert "1/4" in shown
    assert "issue links" in shown
    assert "2/6" in shown
    assert "left" in shown
    assert "votes" not in shown
