"""Columns of texts give the same by the short way and by the long one, for whatever Jira may send."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.columns import texts_extractor
from jira_backup_pipeline.domain.kinds import Column, ColumnType

_LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.just("\ud800")
_JSON = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["items", "field"]), inner),
    max_leaves=8,
)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return "" if value is None or isinstance(value, bool) or not isinstance(value, int) else str(value)


@given(value=_JSON)
def test_texts_of_a_list_are_those_of_its_objects_a_null_leaf_included(value: Any) -> None:
    members = value.get("items") if isinstance(value, dict) else value
    expected: list[str] = []
    if isinstance(value, dict) and isinstance(members, list):
        expected = [_text(member.get("field")) for member in members if isinstance(member, dict)]
    elif isinstance(value, dict) and isinstance(members, dict) and isinstance(members.get("field"), list):
        expected = [_text(member) for member in members["field"]]
    elif isinstance(value, list):
        branches = [member.get("items") for member in value if isinstance(member, dict)]
        branches = [branch for branch in branches if isinstance(branch, dict)]
        expected = [_text(branch.get("field")) for branch in branches]

    found = texts_extractor(Column("fields", ColumnType.STRINGS, ("items", "field")))(value)

    assert found == expected
