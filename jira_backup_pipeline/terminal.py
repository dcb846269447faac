"""What a person sees: tables, progress and errors; and, under `--json`, exactly one document on stdout.

What belongs here: the only use of rich. Results go to stdout; progress, notes and errors go to stderr.

What stays out: what the results mean (`engine`) and which options there are (`commands`). Texts of others (project names,
server answers) are printed as they are: never as markup, and without control characters that would move the cursor.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import unicodedata
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from jira_backup_pipeline.domain.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.progress import TaskID

    from jira_backup_pipeline.engine.progress import Progress as Listener

# Characters that turn the reading direction: with them a text can look like another one.
_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_NO_WIDTH: Final = 1_000_000


class Terminal:
    """One run's way of talking to its caller. Under `--json` the results for people are left out: stdout is the document's."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json
        self._out = Console(file=sys.stdout, highlight=False, markup=False, quiet=is_json)
        self._err = Console(file=sys.stderr, highlight=False, markup=False)

    @property
    def is_watched(self) -> bool:
        """Tell whether a person reads stdout, as far as can be known."""
        return self._out.is_terminal

    def document(self, document: object) -> None:
        """Print the one JSON document of a `--json` run."""
        # Pure ASCII: whatever the locale is, and whatever stands in a Jira field, it can be written.
        sys.stdout.write(json.dumps(document, indent=1, default=_plain) + "\n")

    def line(self, text: str = "") -> None:
        """Print a line of the result."""
        self._out.print(Text(_visible(text)), soft_wrap=True)

    def markdown(self, text: str) -> None:
        """Print a report that was written as Markdown; a pipe gets it as it was written."""
        if self._out.is_terminal:
            self._out.print(Markdown(_visible(text)))
        else:
            self._out.print(Text(_visible(text)), soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
    ) -> None:
        """Print a table; numbers stand to the right. Piped, it is as wide as its content."""
        rows = [list(row) for row in rows]
        table = Table(title=title, title_justify="left", header_style="bold")
        for position, column in enumerate(columns):
            is_number = bool(rows) and all(isinstance(row[position], int | float | None) for row in rows)
            table.add_column(
                Text(_visible(column)), justify="right" if is_number else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        if self._out.is_terminal:
            self._out.print(table)
        else:
            # Without a person's window there is no width to fit into: cutting and folding would lose data.
            unbounded = Console(
                file=sys.stdout, highlight=False, markup=False, width=_NO_WIDTH, quiet=self.is_json
            )
            unbounded.print(table, width=unbounded.measure(table).maximum)

    def note(self, text: str) -> None:
        """Say something beside the result."""
        self._err.print(Text(_visible(text)), soft_wrap=True)

    def error(self, message: str, hint: str, exit_code: int) -> None:
        """Show a failure to a person, and under `--json` as the document too."""
        if self.is_json:
            self.document({"error": message, "hint": hint, "exit_code": exit_code})
        self.note(f"error: {message}")
        self.note(f"HINT: {hint}")

    @contextmanager
    def progress(self) -> Iterator[Listener]:
        """Show how far a verb is: bars for a person, a line per stage otherwise."""
        if self.is_json or not self._err.is_terminal:
            yield _Stages(self, is_silent=self.is_json)
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._err, transient=True) as bars:
            yield _Bars(bars)


class _Bars:
    """A bar for the present stage and one for every kind of record that it is likely to bring; finished ones disappear."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._kinds: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage."""
        with self._lock:
            for task in [self._task, *self._kinds.values()]:
                if task is not None:
                    self._bars.remove_task(task)
            self._kinds.clear()
            self._task = self._bars.add_task(_visible(name), total=total)

    def advance(self, units: int = 1) -> None:
        """Count finished units."""
        with self._lock:
            if self._task is not None:
                self._bars.advance(self._task, units)

    def expect(self, records: Mapping[str, int]) -> None:
        """Add a bar for every kind; the stage's own units are the issues."""
        with self._lock:
            for kind, likely in records.items():
                if kind not in self._kinds and kind != "issues":
                    self._kinds[kind] = self._bars.add_task(f"  {kind.replace('_', ' ')}", total=likely)

    def found(self, records: Mapping[str, int]) -> None:
        """Count records by kind."""
        with self._lock:
            for kind, count in records.items():
                if kind in self._kinds:
                    self._bars.advance(self._kinds[kind], count)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(Text(_visible(text)), soft_wrap=True)


class _Stages:
    """One line per stage, for logs and pipes; nothing under `--json`."""

    def __init__(self, terminal: Terminal, *, is_silent: bool) -> None:
        self._terminal = terminal
        self._is_silent = is_silent

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage."""
        if not self._is_silent:
            self._terminal.note(name if total is None else f"{name} ({total})")

    def advance(self, units: int = 1) -> None:
        """Ignore: lines that only count would fill a log."""

    def expect(self, records: Mapping[str, int]) -> None:
        """Ignore: the cost was said in a note."""

    def found(self, records: Mapping[str, int]) -> None:
        """Ignore: as `advance`."""

    def note(self, text: str) -> None:
        """Print a line."""
        if not self._is_silent:
            self._terminal.note(text)


def in_bytes(count: int) -> str:
    """Write a number of bytes for people."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - the decimal step that the units name
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def rows_of(documents: Iterable[Mapping[str, object]], columns: Sequence[str]) -> list[list[object]]:
    """Take columns out of JSON documents, for `Terminal.table`."""
    return [[document.get(column) for column in columns] for document in documents]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple | dict):
        return _visible(json.dumps(value, ensure_ascii=False, default=_plain))
    return _visible(str(_plain(value)) if isinstance(value, datetime | bytes) else str(value))


def _plain(value: object) -> object:
    """Write what JSON has no notation for: times as ISO text, bytes as base64, the rest as text."""
    if isinstance(value, datetime):
        return to_iso(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)


def _visible(text: str) -> str:
    """Replace what would move the cursor or turn the reading direction: a summary must not drive the terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(char) else char for char in text)


def _is_control(char: str) -> bool:
    return (unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t") or char in _TURNS
