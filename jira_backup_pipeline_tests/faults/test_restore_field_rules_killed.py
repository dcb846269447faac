"""Killed after a write of any sort, or with any answer lost, the making of rules about fields goes on and makes nothing twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import AnswerLost
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.calls import template_of
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    Killed,
    Restorable,
    now,
    restorable,
)
from jira_backup_pipeline_tests.doubles.ruled_fields import rules, with_configurations, with_field_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.planned import RestorePlan

ONLY = Selection(part=Part.CONFIGURATION)
ABOUT_RULES = re.compile("/fieldconfiguration|/fieldschemes")


@pytest.fixture(
    scope="module", params=[with_configurations, with_field_scheme], ids=["old model", "new model"]
)
def source(request: pytest.FixtureRequest) -> Iterator[Restorable]:
    with restorable(projects=1, issues=1, before=request.param) as made:
        yield made


def run(target: BareTarget, plan: RestorePlan, writer: Any, name: str, *, resume: bool = False) -> None:
    apply_plan(
        target.source.repository,
        plan,
        writer,
        run=name,
        clock=now,
        resume=resume,
        confirm=plan.target.key,
        options=STEADY,
    )


def test_killed_after_each_sort_of_write_it_goes_on_and_makes_nothing_twice(source: Restorable) -> None:
    whole = Fate()
    with bare_target(source) as target:
        plan = target.plan(selection=ONLY)
        run(target, plan, DirectWriter(target.sandbox, fate=whole), "whole")
        assert rules(target.site) == rules(source.sandbox.site)
    sorts: dict[str, int] = {}
    for number, event in enumerate(whole.events, 1):
        if ABOUT_RULES.search(event):
            sorts.setdefault(template_of(event), number)
    assert len(sorts) == 5
    for last in sorts.values():
        with bare_target(source) as target:
            with pytest.raises(Killed):
                run(target, plan, DirectWriter(target.sandbox, fate=Fate(last)), f"first{last:03}")

            run(target, plan, DirectWriter(target.sandbox), f"second{last:03}", resume=True)

            assert rules(target.site) == rules(source.sandbox.site), whole.events[last - 1]


def test_every_answer_lost_once_leads_to_no_second_copy(source: Restorable) -> None:
    seen: set[str] = set()

    def forgets(event: str, _: int) -> bool:
        is_new = event not in seen and ABOUT_RULES.search(event) is not None
        seen.add(event)
        return is_new

    with bare_target(source) as target:
        plan = target.plan(selection=ONLY)
        for attempt in range(12):
            writer = DirectWriter(target.sandbox, forgets=forgets)
            try:
                run(target, plan, writer, f"lost{attempt:03}", resume=attempt > 0)
            except AnswerLost:
                continue
            break
        assert len([event for event in seen if ABOUT_RULES.search(event)]) == 5
        assert rules(target.site) == rules(source.sandbox.site)
