"""While issues are read the interpreter looks for cycles less often, and afterwards as before."""

from __future__ import annotations

import gc

import pytest

from jira_backup_pipeline.repository.memory import cycles_searched_rarely


def test_the_search_for_cycles_is_as_before_when_the_last_reading_ends() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    with cycles_searched_rarely():
        with cycles_searched_rarely():
            inner = gc.get_threshold()
        assert gc.get_threshold() == inner
        assert inner[0] > before[0]
        assert gc.get_freeze_count() > frozen

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_a_failure_inside_changes_nothing_of_that() -> None:
    before = gc.get_threshold()

    with pytest.raises(ValueError, match="inside"), cycles_searched_rarely():
        raise ValueError("inside")

    assert gc.get_threshold() == before
