"""What may be said with `--where`: conditions on a snapshot's tables, and never anything that is more than a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline_tests.doubles.small_repository import SmallRepository, issue_unit

if TYPE_CHECKING:
    from jira_backup_pipeline.repository.table_set import TableSet


@pytest.fixture(scope="module")
def tables() -> TableSet:
    small = SmallRepository()
    small.snapshot([issue_unit("1", comments=0), issue_unit("2", comments=2), issue_unit("9")])
    manifest = small.snapshot([issue_unit("3", summary="it's (done)")], removed=[("issue", "9")])
    return small.repository.tables(manifest)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("true", {"1", "2", "3"}),
        ("key = 'ABC-2'", {"2"}),
        ("summary LIKE '%(done)' -- those with a bracket: )", {"3"}),
        ("id IN (SELECT issue_id FROM comments GROUP BY 1 HAVING count(*) > 1)", {"2"}),
        ("NOT EXISTS (SELECT 1 FROM comments c WHERE c.issue_id = issues.id)", {"1"}),
        ("id = '9'", set()),
        ("summary = 'ä)' OR id = '1'", {"1"}),
    ],
)
def test_a_condition_selects_live_issues(tables: TableSet, condition: str, ids: set[str]) -> None:
    assert ids == set(tables.matching_issues(condition))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("  ", "the condition is empty"),
        ("SELECT id FROM issues", "not a statement"),
        ("(SELECT true)", "not a statement"),
        ("FROM issues", "not a statement"),
        ("DELETE FROM issues", "not a statement"),
        ("COPY issues TO 'stolen.csv'", "not a statement"),
        ("true; DROP VIEW issues", "more than one expression"),
        ("true) UNION SELECT id FROM comments WHERE (true", "more than one expression"),
        ("true\n) OR (true", "more than one expression"),
        ("key = 'ABC-2", "the query failed"),
        ("(key = 'ABC-2'", "the query failed"),
        ("/* no end", "the query failed"),
        ("nothing = 1", "nothing"),
        ("summary", "the query failed"),
        ("id IN (SELECT content FROM read_text('/etc/hostname'))", "the query failed"),
    ],
)
def test_anything_else_is_refused_with_a_hint(tables: TableSet, condition: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        tables.matching_issues(condition)
    assert refused.value.hint


@settings(max_examples=30)
@given(st.text(alphabet="()'\"-/*; \nx1=|$E\\", max_size=14))
def test_no_text_breaks_out_of_the_condition(tables: TableSet, text: str) -> None:
    """Whatever is accepted is a restriction: with `AND false` around it nothing is selected."""
    try:
        tables.matching_issues(text)
    except ConfigurationError:
        return
    assert tables.matching_issues(f"(\n{text}\n) AND false") == []
