"""The mapping file: both notations say the same, and whatever is wrong is said with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.engine.restore.stand_ins import SECTIONS, StandIns
from jira_backup_pipeline.mapping_file import read_mapping

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
# fields first: [people] comes later
fallback_person = "ann@new.example"

[fields]
"Story Points" = "Story point estimate"
customfield_10001 = 'customfield_20001'

[people]
"bob@old.example" = "robert@new.example"
"""


def test_both_notations_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(TOML)
    found = read_mapping(tmp_path / "m.toml")
    (tmp_path / "m.json").write_text(json.dumps(found.to_json()))

    assert read_mapping(tmp_path / "m.json") == found == StandIns.from_json(found.to_json())
    assert found.fallback_person == "ann@new.example"
    assert found.of("fields", "customfield_9", " story points ") == "Story point estimate"
    assert found.of("people", "id-of-bob", "Bob@old.example") == "robert@new.example"
    assert found.of("people", "id-of-bob", None) is None
    assert found.name("statuses", "Done") == "Done"


def test_a_file_may_be_empty_and_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"\xef\xbb\xbf[statuses]\n")
    assert read_mapping(tmp_path / "m.toml") == StandIns()


@pytest.mark.parametrize(
    ("ending", "text", "words"),
    [
        ("toml", "[fields]\na = \n", "line 2"),
        ("toml", '[fields]\na = "x"\na = "y"\n', "line 3"),
        ("toml", '# status\n[status]\na = "x"\n', "line 2: unknown section status"),
        ("toml", '[fields]\na = "x"\n\n[statuses]\n"To Do" = 3\n', r"line 5: \[statuses\] To Do: both sides"),
        ("toml", '[fields]\n"a" = ""\n', r"line 2: \[fields\] a: both sides must be ids or names of fields"),
        ("toml", '[statuses]\nDone = "x"\ndone = "y"\n', "line 3: .* done is said twice, as Done before"),
        ("toml", 'statuses = "x"\n', "line 1: statuses is not a section"),
        ("toml", "\nfallback_person = 7\n", "line 2: fallback_person is not"),
        ("json", '{\n "fields": {"a": "x",}\n}', "line 2, column"),
        ("json", "[]", "line 1: it holds no sections"),
        ("json", '{\n"roles": {\n "a": "x",\n "a": "y"}}', r"line 4: \[roles\] a is said twice"),
        ("json", '{"roles": {},\n"roles": {}}', "line 2: roles is said twice"),
        ("json", '{\n"priorities": {\n "H\\u00f6chste": 1}}', "line 3: .*Höchste: both sides"),
        ("json", "[" * 100_000, "nested too deeply|line 1"),
        ("yaml", "a: b", "neither a .toml nor a .json"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, ending: str, text: str, words: str) -> None:
    path = tmp_path / f"m.{ending}"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as refused:
        read_mapping(path)
    assert str(path) in refused.value.message
    assert refused.value.hint


def test_an_absent_or_unreadable_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name in ("absent.toml", "bytes.toml"):
        with pytest.raises(ConfigurationError, match="cannot read"):
            read_mapping(tmp_path / name)


def test_every_section_is_documented_in_the_hint(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("x = 1")
    with pytest.raises(ConfigurationError) as refused:
        read_mapping(tmp_path / "m.toml")
    assert all(section in refused.value.hint for section in SECTIONS)
