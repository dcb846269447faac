"""Field configurations and field schemes come back, after the issues, which their rules would refuse otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.configuration.piece import PROJECT_SCHEME, Action
from jira_backup_pipeline.engine.restore.planned import Policy
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.sandbox.setup import field_rules, schemes
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import DirectWriter, restorable
from jira_backup_pipeline_tests.doubles.ruled_fields import (
    DUE,
    HIDDEN,
    rules,
    the_project,
    used_types,
    with_configurations,
    with_field_scheme,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.engine.restore.planned import RestorePlan
    from jira_backup_pipeline.sandbox.server import RunningSandbox

ONLY = Selection(part=Part.CONFIGURATION)
KINDS = ("field_configuration", "field_configuration_scheme", "field_scheme")
ABOUT_RULES = re.compile("fieldconfiguration|fieldschemes")
NOTE = "after the issues, which so need no values in fields that it requires"


def without_rules(sandbox: RunningSandbox) -> None:
    """Let the project follow the default rules."""
    site = sandbox.site
    site.made.bindings[the_project(site).project_id, "field_configuration_scheme"] = None


class Restored:
    """A bare site into which a project with rules about fields came."""

    def __init__(self, target: BareTarget) -> None:
        self.target = target
        self.plan = target.plan()
        self.result = target.restore(self.plan)


class Picky(DirectWriter):
    """A Jira that does not let one field be hidden, and refuses everything that is said together with it."""

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        items = body.get("fieldConfigurationItems", []) if isinstance(body, dict) else []
        if any(item["id"] == HIDDEN for item in items):
            answer = {"errorMessages": ["Labels cannot be hidden."]}
            raise WriteRefused("refused", hint="It says why.", status=400, answer=answer)
        return super().send(method, path, body, query)


@pytest.fixture(scope="module")
def old() -> Iterator[Restored]:
    with (
        restorable(projects=1, issues=12, before=with_configurations) as source,
        bare_target(source) as target,
    ):
        yield Restored(target)


@pytest.fixture(scope="module")
def new() -> Iterator[Restored]:
    with restorable(projects=1, issues=12, before=with_field_scheme) as source, bare_target(source) as target:
        yield Restored(target)


def actions(plan: RestorePlan) -> dict[str, Action]:
    return {piece.name: piece.action for piece in plan.configuration if piece.kind in KINDS}


def changes(plan: RestorePlan, action: Action) -> list[str]:
    return [
        str(change)
        for piece in plan.configuration
        if piece.action is action and (piece.kind in KINDS or piece.source_id in KINDS)
        for change in piece.changes
    ]


def everything_came(restored: Restored) -> None:
    """Say that no issue was refused or filled for the sake of a rule, and that the rules are those of the source."""
    result = restored.result
    assert result.outcome.failures == ()
    assert list(result.report.findings) == []
    assert not [found for found in result.outcome.adjustments if "required on the target" in found.reason]
    assert len(result.outcome.id_map.issues) == restored.target.source.manifest.counts["issues"]
    there, wanted = rules(restored.target.site), rules(restored.target.source.sandbox.site)
    assert there == wanted


def test_configurations_come_back_without_standing_in_the_way_of_issues(old: Restored) -> None:
    assert actions(old.plan) == {
        "Default Field Configuration": Action.MATCH,
        "Bugs in detail": Action.MAKE,
        "Bugs apart": Action.MAKE,
    }
    assert {piece.note for piece in old.plan.configuration if piece.name == "Bugs apart"} == {NOTE}
    everything_came(old)
    assert {"field_configuration", "field_configuration_scheme"} <= set(old.result.report.records)
    site = old.target.site
    project, type_id = the_project(site), used_types(site)[0]
    assert DUE in field_rules.required_by_rules(site, project, type_id)
    assert HIDDEN in field_rules.hidden_by_rules(site, project, type_id)


def test_field_schemes_come_back_without_standing_in_the_way_of_issues(new: Restored) -> None:
    assert actions(new.plan) == {"Fewer fields": Action.MAKE}
    everything_came(new)
    assert "field_scheme" in new.result.report.records


def test_what_is_there_is_brought_to_the_snapshots_state_under_update_alone(old: Restored) -> None:
    target = old.target
    made, wanted = target.site.made, rules(target.site)
    [configuration], [scheme] = made.of("field_configuration"), made.of("field_configuration_scheme")
    place = ("field_configuration", str(configuration["id"]))
    reviewer = next(item["id"] for item in made.items[place] if str(item["id"]).startswith("customfield_"))
    plain = field_rules.plain_item
    made.items[place] = [{**plain(DUE), "isHidden": True}, {**plain("priority"), "isRequired": True}]
    configuration["description"] = "Somebody else's"
    for item in made.items["field_configuration_scheme", str(scheme["id"])]:
        item["fieldConfigurationId"] = "10000"
    made.bindings[the_project(target.site).project_id, "field_configuration_scheme"] = None
    spoiled = rules(target.site)
    assert spoiled != wanted

    skip = target.plan(selection=ONLY)
    told = changes(skip, Action.MATCH)
    for words in (
        "description: Somebody else's → For bugs",
        "field duedate: hidden → required, described as Promised",
        "field labels: optional → hidden",
        f"field {target.site.fields[str(reviewer)].name}: optional → required",
        "field priority: required → optional",
        "renderer of description: wiki-renderer → text-renderer",
        "type Story: the default one → Bugs in detail",
        "followed: nothing → Bugs apart",
    ):
        assert words in told
    assert changes(skip, Action.UPDATE) == []
    target.restore(skip)
    assert rules(target.site) == spoiled

    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert set(changes(plan, Action.UPDATE)) == set(told)
    result = target.restore(plan)
    assert int(result.exit_code) == 0, list(result.report.findings)
    assert rules(target.site) == wanted
    again = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert changes(again, Action.UPDATE) == changes(again, Action.MATCH) == []


def test_a_field_scheme_is_brought_to_the_snapshots_state_and_keeps_what_it_has_besides(
    new: Restored,
) -> None:
    target = new.target
    made, wanted = target.site.made, rules(target.site)
    [scheme] = made.of("field_scheme")
    place = ("field_scheme", str(scheme["id"]))
    kept = {str(item["fieldId"]): item for item in made.items[place]}
    kept.pop("description")
    kept[DUE] = {
        **kept[DUE],
        "parameters": {"isRequired": False, "description": ""},
        "workTypeParameters": [],
    }
    made.items[place] = [*kept.values(), field_rules.associated("priority")]
    made.bindings[the_project(target.site).project_id, "field_scheme"] = "10000"

    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    told = changes(plan, Action.UPDATE)
    assert "field description: nothing → optional" in told
    assert any(
        words.startswith("field duedate: optional → required, described as Promised; ") for words in told
    )
    assert "followed: Default Field Scheme → Fewer fields" in told
    result = target.restore(plan)

    assert int(result.exit_code) == 0, list(result.report.findings)
    [(_, _, fields)] = rules(target.site)["field schemes"]
    assert fields.pop(target.site.fields["priority"].name) == (
        {"isRequired": False, "description": ""},
        [],
        {},
    )
    [(_, _, expected)] = wanted["field schemes"]
    assert fields == expected
    assert rules(target.site)["followed"] == wanted["followed"]
    made.items[place] = [item for item in made.items[place] if item["fieldId"] != "priority"]


def test_a_project_that_followed_the_default_rules_needs_no_write_and_gets_them_again() -> None:
    with restorable(projects=1, issues=6, before=without_rules) as source:
        site = source.sandbox.site
        source.sandbox.edits.delete_project(source.key, permanent=True)
        plan = source.plan()
        result = source.restore(plan)
        assert actions(plan) == {}
        assert not [name for name in result.outcome.requests if ABOUT_RULES.search(name)]

        project_id = the_project(site).project_id
        for noun in ("field_configuration_scheme", "field_scheme"):
            site.made.add(noun, {"id": "7000", "name": f"Other {noun}", "description": ""})
            site.made.items[noun, "7000"] = []
            site.made.bindings[project_id, noun] = "7000"
        site.made.records["field_scheme"]["7000"]["id"] = 7000
        assert changes(source.plan(selection=ONLY), Action.MATCH) == [
            "followed: Other field_configuration_scheme → the default one",
            "followed: Other field_scheme → the default one",
        ]
        update = source.restore(source.plan(selection=ONLY, policy=Policy.UPDATE))
        assert int(update.exit_code) == 0, list(update.report.findings)
        assert schemes.follows(site, the_project(site), "field_configuration_scheme") is None
        assert schemes.follows(site, the_project(site), "field_scheme") == "10000"


def test_the_proof_names_a_rule_that_is_not_as_it_was(old: Restored) -> None:
    target = old.target
    with bare_target(target.source) as other:
        plan = other.plan(selection=ONLY)
        # What Jira takes without doing it.
        path = "/fieldconfiguration/[0-9]+/fields$"
        other.sandbox.faults.add("status", method="PUT", path=path, status=204, times=None)
        result = other.restore(plan)
    wrong = {found.field for found in result.report.findings if found.kind == "field_configuration"}
    assert {"field duedate", "field labels", "renderer of description"} <= wrong
    assert int(result.exit_code) != 0


def test_what_is_refused_for_one_field_is_said_and_the_others_are_set(old: Restored) -> None:
    with bare_target(old.target.source) as other:
        plan = other.plan(selection=ONLY)
        writer = Picky(other.sandbox)
        result = other.restore(plan, writer=writer)
        [(_, _, said)] = rules(other.site)["configurations"]
    [(_, _, wanted)] = rules(old.target.source.sandbox.site)["configurations"]
    assert said == {name: item for name, item in wanted.items() if name != "Labels"}
    [noted] = [found for found in result.outcome.adjustments if found.kind == "field_configuration"]
    assert (noted.field, noted.is_impossible) == ("field labels", True)
    assert result.report.impossible["field_configuration"] == 1
    assert list(result.report.findings) == []


def test_a_new_scheme_that_has_no_types_yet_is_filled(old: Restored) -> None:
    with bare_target(old.target.source) as other:
        plan = other.plan(selection=ONLY)
        path = "/fieldconfigurationscheme/mapping$"
        other.sandbox.faults.add("status", method="GET", path=path, status=404, times=1)
        result = other.restore(plan)
        there = rules(other.site)
    assert result.outcome.failures == ()
    assert there == rules(old.target.source.sandbox.site)


def test_a_scheme_that_jira_does_not_give_to_the_new_project_is_said(old: Restored) -> None:
    with bare_target(old.target.source) as other:
        path = "/fieldconfigurationscheme/project$"
        other.sandbox.faults.add("status", method="PUT", path=path, status=400, times=None)
        result = other.restore(other.plan(selection=ONLY))
        assert rules(other.site)["followed"] == [None, None]
    assert {failure.kind for failure in result.outcome.failures} == {"field_configuration_scheme"}
    assert {(found.kind, found.source_id) for found in result.report.findings} == {
        (PROJECT_SCHEME, "field_configuration_scheme")
    }
    assert int(result.exit_code) == 3


def test_what_rules_of_the_target_require_is_said_and_filled(old: Restored) -> None:
    target = old.target
    site = target.site
    lost = next(
        issue
        for issue in site.issues.of_project(the_project(site).project_id)
        if site.issue_types[issue.type_id].level == 0 and not site.body(issue).values.get(DUE)
    )
    name = site.issue_types[lost.type_id].name
    configuration = ("field_configuration", str(site.made.of("field_configuration")[0]["id"]))
    kept = site.made.items[configuration]
    site.made.items[configuration] = [item for item in kept if item["id"] == DUE]
    target.sandbox.edits.delete_issue(site.key_of(lost))
    try:
        plan = target.plan()
        result = target.restore(plan)
    finally:
        site.made.items[configuration] = kept

    assert [note for note in plan.notes if note.startswith(f"Due date is required for {name}")]
    [filled] = [found for found in result.outcome.adjustments if "required on the target" in found.reason]
    assert (filled.field, filled.is_impossible) == (DUE, True)
    assert result.outcome.failures == ()


def test_a_site_that_shows_one_model_no_more_is_told_in_the_plan(old: Restored) -> None:
    with bare_target(old.target.source) as other:
        other.sandbox.faults.add("status", path="/fieldconfiguration(scheme)?$", status=410, times=None)
        plan = other.plan(selection=ONLY)
        result = other.restore(plan)
    assert set(actions(plan).values()) == {Action.LEAVE}
    assert all(
        "does not show its field configuration" in piece.note
        for piece in plan.configuration
        if piece.kind in KINDS
    )
    failed = {failure.kind for failure in result.outcome.failures}
    assert failed == {"field_configuration", "field_configuration_scheme"}
