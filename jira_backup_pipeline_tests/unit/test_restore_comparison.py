"""The proof's rules: what is exact, what may differ and by which rule, and that nothing else passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.engine.restore.compare import Correspondence
from jira_backup_pipeline.engine.restore.compare_records import Excuses
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.idmap import MEDIA, IdMap, TargetIssue
from jira_backup_pipeline.engine.restore.target import TargetField
from jira_backup_pipeline.engine.restore.texts import TextWriter, head_line, with_head_line, without_head_line
from jira_backup_pipeline.engine.restore.verdicts import Judgement, Rule, Verdict


def correspondence() -> Correspondence:
    id_map = IdMap()
    id_map.put_issue("1", "OLD-1", TargetIssue("101", "NEW-5"))
    id_map.put(MEDIA, "picture-old", "picture-new")
    id_map.put("version", "7", "77")
    texts = TextWriter(
        id_map,
        source_bases=("https://old.example",),
        target_base="https://new.example",
        projects={"OLD": "NEW"},
    )
    return Correspondence(id_map, texts, id_map.issue)


def definition(
    kind: str, *, items: str = "", field_id: str = "customfield_1", custom: str = ""
) -> TargetField:
    return TargetField(field_id, "A field", kind, items, custom)


def text(words: str, **attributes: Any) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": words}]}
    if attributes:
        paragraph["attrs"] = attributes
    return {"type": "doc", "version": 1, "content": [paragraph]}


def picture(media: str) -> dict[str, Any]:
    node = {"type": "media", "attrs": {"type": "file", "id": media, "collection": ""}}
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [node]}],
    }


person = {"accountId": "a", "displayName": "Person 01"}
renamed = {"accountId": "a", "displayName": "Person 01 (new name)"}


@pytest.mark.parametrize(
    ("field", "source", "target", "verdict"),
    [
        (definition("number"), 3, 3.0, Verdict.EXACT),
        (definition("number"), 3, 4, Verdict.WRONG),
        (definition("user"), person, renamed, Verdict.EXACT),
        (definition("user"), person, {"accountId": "b"}, Verdict.WRONG),
        (definition("user"), person, None, Verdict.WRONG),
        (definition("option"), {"id": "1", "value": "x"}, {"id": "1", "value": "x"}, Verdict.EXACT),
        (definition("option"), {"id": "1", "value": "x"}, {"id": "2", "value": "x"}, Verdict.NORMALISED),
        (definition("option"), {"id": "1", "value": "x"}, {"id": "1", "value": "y"}, Verdict.WRONG),
        (
            definition("option-with-child"),
            {"id": "1", "value": "x", "child": {"id": "3", "value": "z"}},
            {"id": "1", "value": "x", "child": {"id": "3", "value": "w"}},
            Verdict.WRONG,
        ),
        (
            definition("option-with-child"),
            {"id": "1", "value": "x", "child": {"id": "3", "value": "z"}},
            {"id": "1", "value": "x"},
            Verdict.WRONG,
        ),
        (definition("version"), {"id": "7", "name": "1.0"}, {"id": "77", "name": "1.0"}, Verdict.CHANGED),
        (definition("version"), {"id": "7", "name": "1.0"}, {"id": "78", "name": "1.1"}, Verdict.WRONG),
        (definition("array", items="string"), ["a", "b"], ["b", "a"], Verdict.EXACT),
        (definition("array", items="string"), ["a", "a"], ["a", "b"], Verdict.WRONG),
        (definition("array", items="string"), ["a"], ["a", "a"], Verdict.WRONG),
        (
            definition("array", items="version"),
            [{"id": "7", "name": "1.0"}],
            [{"id": "77", "name": "1.0"}],
            Verdict.CHANGED,
        ),
        (
            definition("datetime"),
            "2026-01-02T03:04:05.000+0000",
            "2026-01-02T04:04:05.000+0100",
            Verdict.NORMALISED,
        ),
        (
            definition("datetime"),
            "2026-01-02T03:04:05.000+0000",
            "2026-01-02T03:04:06.000+0000",
            Verdict.WRONG,
        ),
        (
            definition("", field_id="parent"),
            {"id": "1", "key": "OLD-1"},
            {"id": "101", "key": "NEW-5"},
            Verdict.CHANGED,
        ),
        (
            definition("", field_id="parent"),
            {"id": "1", "key": "OLD-1"},
            {"id": "102", "key": "NEW-6"},
            Verdict.WRONG,
        ),
        (definition("string"), "about OLD-1", "about NEW-5", Verdict.CHANGED),
        (definition("string"), "about OLD-1", "about NEW-6", Verdict.WRONG),
        (definition("string"), text("same"), text("same", localId="x"), Verdict.NORMALISED),
        (definition("string"), text("see OLD-1"), text("see NEW-5", localId="x"), Verdict.CHANGED),
        (definition("string"), text("one"), text("two"), Verdict.WRONG),
        (definition("string"), picture("picture-old"), picture("picture-new"), Verdict.CHANGED),
        (definition("string"), picture("picture-old"), picture("picture-other"), Verdict.WRONG),
        (definition("any"), {"app": [1]}, {"app": [1]}, Verdict.EXACT),
        (definition("any"), {"app": [1]}, {"app": [2]}, Verdict.WRONG),
        (
            definition("timetracking"),
            {"originalEstimate": "1d", "originalEstimateSeconds": 28800},
            {"originalEstimate": "8h", "originalEstimateSeconds": 28800},
            Verdict.EXACT,
        ),
    ],
)
def test_each_kind_of_value_has_its_rule(
    field: TargetField, source: Any, target: Any, verdict: Verdict
) -> None:
    assert verdict == correspondence().value(field, source, target).verdict


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
kinds = st.sampled_from(["string", "number", "any", "option", "user", "array", "date", "version"])


@given(kinds, values)
def test_an_equal_value_is_never_wrong(kind: str, value: Any) -> None:
    assert Verdict.WRONG is not correspondence().value(definition(kind, items="string"), value, value).verdict


@given(kinds, values, values)
def test_values_that_say_something_else_never_pass_as_exact(kind: str, source: Any, target: Any) -> None:
    judged = correspondence().value(definition(kind, items="any"), source, target)

    if judged.verdict is Verdict.EXACT and not isinstance(source, list | dict) and source not in (None, ""):
        assert source == target


def test_a_lost_file_in_text_is_wrong_though_the_rest_is_there() -> None:
    rules = correspondence()
    source = picture("never-uploaded")

    judged = rules.text(source, rules.texts.final(source))

    assert (judged.verdict, judged.rule) == (Verdict.WRONG, Rule.MISSING)


def test_the_head_line_comes_off_again() -> None:
    body = text("the comment itself")

    restored = with_head_line(body, head_line("Person 01", "2026-01-02T03:04:05.000+0000"))

    assert body == without_head_line(restored)
    assert restored["content"][0]["content"][0]["text"] == "Originally by Person 01 on 2026-01-02 03:04 UTC"


class TestExcuses:
    different = Judgement(Verdict.WRONG, Rule.DIFFERENT)

    def test_a_documented_limit_makes_a_difference_impossible(self) -> None:
        noted = Adjustment("issue", "1", "assignee", "the account is inactive", is_impossible=True)

        judged = Excuses.of((), (noted,)).judge("issue", "1", "assignee", self.different)

        assert Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, "the account is inactive") == judged

    def test_a_refusal_stays_wrong_and_gets_its_reason(self) -> None:
        failed = Failure("comment", "5", "1", "no such group", "left out")

        judged = Excuses.of((failed,), ()).judge("comment", "5", "record", self.different)

        assert (judged.verdict, judged.rule) == (Verdict.WRONG, Rule.REFUSED)
        assert "no such group" in judged.detail

    def test_what_is_right_needs_no_excuse(self) -> None:
        noted = Adjustment("issue", "1", "assignee", "the account is inactive", is_impossible=True)
        right = Judgement(Verdict.EXACT, Rule.EQUAL)

        assert right == Excuses.of((), (noted,)).judge("issue", "1", "assignee", right)
