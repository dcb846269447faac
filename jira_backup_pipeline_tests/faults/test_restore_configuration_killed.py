"""Killed after a write of any sort, or with any answer lost, the making of a configuration goes on and makes nothing twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import AnswerLost
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.calls import template_of
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.sandbox.setup.made import Screen, Tab
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

ONLY = Selection(part=Part.CONFIGURATION)


def few_things(sandbox: RunningSandbox) -> None:
    """Give the project screens of its own, and leave few fields on them, so that there is little of each sort."""
    site = sandbox.site
    for group in site.groups.values():
        group.members = group.members[:2]
    made = site.made
    screen = Screen(
        made.next_id(), "Intake", "", [Tab(made.next_id(), "Main", ["summary", "customfield_10032"])]
    )
    made.screens[screen.screen_id] = screen
    scheme = made.add(
        "screen_scheme", {"id": made.next_id(), "name": "Intake", "screens": {"default": screen.screen_id}}
    )
    by_type = made.add("issue_type_screen_scheme", {"id": str(made.next_id()), "name": "Intake by type"})
    made.items["issue_type_screen_scheme", str(by_type["id"])] = [
        {
            "issueTypeScreenSchemeId": str(by_type["id"]),
            "issueTypeId": "default",
            "screenSchemeId": str(scheme["id"]),
        }
    ]
    project = next(iter(site.projects.values()))
    made.bindings[project.project_id, "issue_type_screen_scheme"] = str(by_type["id"])


@pytest.fixture(scope="module")
def source() -> Iterator[Restorable]:
    with restorable(projects=1, issues=1, before=few_things) as made:
        yield made


def shape(site: Site) -> dict[str, Any]:
    """Name everything that was made, with how often it is there."""
    [project] = site.projects.values()
    return {
        "types": Counter(item.name for item in site.issue_types.values()),
        "statuses": Counter(item.name for item in site.statuses.values()),
        "fields": Counter(item.name for item in site.fields.values()),
        "options": Counter(
            (item.field_id, item.parent_id is None, item.value) for item in site.options.values()
        ),
        "groups": {group.name: len(group.members) for group in site.groups.values()},
        "roles": Counter(item.name for item in site.roles.values()),
        "workflows": {name: len(item.transitions) for name, item in site.workflows.items()},
        "records": {
            noun: Counter(str(i["name"]) for i in found.values()) for noun, found in site.made.records.items()
        },
        "screens": [
            (screen.name, [(tab.name, len(tab.field_ids)) for tab in screen.tabs])
            for screen in site.made.screens.values()
        ],
        "boards": Counter(board.name for board in site.boards.values()),
        "project": (project.key, len(project.issue_types), len(project.workflows)),
    }


@pytest.fixture(scope="module")
def plan(source: Restorable) -> RestorePlan:
    """Plan once: every bare site is the same one, begun anew."""
    with bare_target(source) as target:
        return target.plan(selection=ONLY)


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


def first_of_each_sort(events: list[str]) -> list[int]:
    """Give the numbers of the first write of each sort: those that follow are made and recognised by the same lines."""
    seen: dict[str, int] = {}
    for number, event in enumerate(events, 1):
        seen.setdefault(template_of(event), number)
    return list(seen.values())


def test_killed_after_each_sort_of_write_it_goes_on_and_makes_nothing_twice(
    source: Restorable, plan: RestorePlan
) -> None:
    whole = Fate()
    with bare_target(source) as target:
        run(target, plan, DirectWriter(target.sandbox, fate=whole), "whole")
        expected = shape(target.site)
    assert len(whole.events) > 25
    assert {"Story", "Bug"} <= set(expected["types"])
    assert expected["screens"] == [("Intake", [("Main", 2)])]

    sorts = first_of_each_sort(whole.events[:-1])
    assert len(sorts) > 15
    for last in sorts:
        with bare_target(source) as target:
            with pytest.raises(Killed):
                run(target, plan, DirectWriter(target.sandbox, fate=Fate(last)), f"first{last:03}")

            run(target, plan, DirectWriter(target.sandbox), f"second{last:03}", resume=True)

            assert expected == shape(target.site), f"killed after write {last}: {whole.events[last - 1]}"


def test_every_answer_lost_once_leads_to_no_second_copy(source: Restorable, plan: RestorePlan) -> None:
    with bare_target(source) as target:
        run(target, plan, DirectWriter(target.sandbox), "plain")
        expected = shape(target.site)
    seen: set[str] = set()

    def forgets(event: str, _: int) -> bool:
        is_new = event not in seen
        seen.add(event)
        return is_new and "validation" not in event

    with bare_target(source) as target:
        for attempt in range(40):
            try:
                run(
                    target,
                    plan,
                    DirectWriter(target.sandbox, forgets=forgets),
                    f"lost{attempt:03}",
                    resume=attempt > 0,
                )
            except AnswerLost:
                continue
            break
        assert len(seen) > 15
        assert expected == shape(target.site)
