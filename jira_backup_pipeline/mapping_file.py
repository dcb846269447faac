"""The mapping file of a restore: TOML or JSON that says what stands in on the target for what the snapshot names.

What belongs here: reading the file, and errors that name its line. An example, which README explains:

    fallback_person = "ann@new.example"      # for people whom the target does not know

    [people]                                 # account id or e-mail address = account id or e-mail address
    "bob@old.example" = "robert@new.example"

    [fields]                                 # id or name = id or name
    "Story Points" = "Story point estimate"

    [issue_types]                            # and statuses, priorities, resolutions, link_types, roles: name = name
    Bug = "Defect"

What stays out: what a mapping does (`engine.restore.stand_ins`), and whether the target has what it names (the plan says so).
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.engine.restore.stand_ins import SECTIONS, StandIns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FALLBACK = "fallback_person"
_HINT = f"Its sections are {', '.join(SECTIONS)}, each with entries `old = new`, and {_FALLBACK} before them."


def read_mapping(path: Path) -> StandIns:
    """Read a mapping file; its ending says the notation, `.toml` or `.json`.

    Raises:
        ConfigurationError: it cannot be read, is not in its notation, or says something that is no mapping; with the line.
    """
    if path.suffix.lower() not in {".toml", ".json"}:
        message = f"{path} is neither a .toml nor a .json file"
        raise ConfigurationError(message, hint="Give the mapping file the ending of its notation.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path}: {error}"
        raise ConfigurationError(message, hint="Check --mapping; the file is UTF-8 text.") from error
    document = _decoded(path, text)
    problems = list(_problems(document, text))
    if problems:
        message = f"{path} is not right: {'; '.join(problems)}"
        raise ConfigurationError(message, hint=_HINT)
    return StandIns.from_json(document)


def _decoded(path: Path, text: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(text) if path.suffix.lower() == ".toml" else _json(text)
    except tomllib.TOMLDecodeError as error:
        # The parser's own words name line and column.
        message = f"{path} is not TOML: {error}"
        raise ConfigurationError(message, hint="See https://toml.io for the notation.") from None
    except json.JSONDecodeError as error:
        message = f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise ConfigurationError(message, hint=_HINT) from None
    except RecursionError:
        message = f"{path} is nested too deeply to be a mapping"
        raise ConfigurationError(message, hint=_HINT) from None
    if not isinstance(found, dict):
        message = f"{path} is not right: line 1: it holds no sections"
        raise ConfigurationError(message, hint=_HINT)
    return found


class _Twice(str):
    """A value whose key occurred before in the same JSON object: JSON allows it, a mapping does not."""

    __slots__ = ()


def _json(text: str) -> Any:  # noqa: ANN401 - decoded JSON
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            found[name] = _Twice(name) if name in found else value
        return found

    return json.loads(text, object_pairs_hook=members)


def _problems(document: dict[str, Any], text: str) -> Iterator[str]:
    lines = text.splitlines()
    for name, value in document.items():
        at = _line_of(lines, name)
        if isinstance(value, _Twice):
            yield f"line {_line_of(lines, name, after=at)}: {name} is said twice"
        elif name == _FALLBACK:
            if not isinstance(value, str) or not value.strip():
                yield f"line {at}: {name} is not an account id or e-mail address"
        elif name not in SECTIONS:
            yield f"line {at}: unknown section {name}"
        elif not isinstance(value, dict):
            yield f"line {at}: {name} is not a section"
        else:
            yield from _entry_problems(name, value, lines, at)


def _entry_problems(section: str, entries: dict[str, Any], lines: list[str], start: int) -> Iterator[str]:
    known: dict[str, str] = {}
    for source, target in entries.items():
        at = _line_of(lines, source, after=start)
        same = known.setdefault(source.strip().casefold(), source)
        if isinstance(target, _Twice):
            yield f"line {_line_of(lines, source, after=at)}: [{section}] {source} is said twice"
        elif same != source:
            yield f"line {at}: [{section}] {source} is said twice, as {same} before"
        elif not source.strip() or not isinstance(target, str) or not target.strip():
            yield f"line {at}: [{section}] {source}: both sides must be {SECTIONS[section]}"


def _line_of(lines: list[str], name: str, *, after: int = 0) -> int:
    """Give the number of the first line after another one where a name is a key or a section, quoted or bare."""
    quoted = (json.dumps(name), json.dumps(name, ensure_ascii=False), f"'{name}'", name)
    written = re.compile(rf"(?:^|[\s{{,\[])(?:{'|'.join(re.escape(form) for form in quoted)})\s*[=:\]]")
    for number, line in enumerate(lines[after:], start=after + 1):
        if written.search(line) and not line.lstrip().startswith("#"):
            return number
    return max(1, after)
