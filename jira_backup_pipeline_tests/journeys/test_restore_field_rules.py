"""Field configurations and field schemes come back, after the issues, which their rules would refuse otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.configuration.piece import PROJECT_SCHEME, Action
from jira_backup_pipeline.engine.restore.planned import Policy, RestorePlan
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.engine.restore.verdicts import Rule, Verdict
from jira_backup_pipeline.sandbox.setup import field_rules, schemes
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    FatedRepository,
    Killed,
    restorable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

ONLY = Selection(part=Part.CONFIGURATION)
# A field of the made data with a value in some issues only, one with a value in hardly any, and one that nobody made.
REVIEWER, NEVER, HIDDEN = "customfield_10033", "duedate", "labels"
KINDS = ("field_configuration", "field_configuration_scheme", "field_scheme")


def the_project(site: Site) -> Project:
    return next(iter(site.projects.values()))


def with_configurations(sandbox: RunningSandbox) -> None:
    """Let the project have strict rules for one type, and the default ones for the others."""
    site = sandbox.site
    made = site.made
    made.add("field_configuration", {"id": 6000, "name": "Bugs in detail", "description": "For bugs"})
    plain = field_rules.plain_item
    made.items["field_configuration", "6000"] = [
        {**plain(NEVER), "isRequired": True, "description": "Promised"},
        {**plain(REVIEWER), "isRequired": True},
        {**plain(HIDDEN), "isHidden": True},
        {**plain("description"), "renderer": "text-renderer"},
    ]
    made.add("field_configuration_scheme", {"id": "6001", "name": "Bugs apart", "description": "One for bugs"})
    made.items["field_configuration_scheme", "6001"] = [
        {"fieldConfigurationSchemeId": "6001", "issueTypeId": type_id, "fieldConfigurationId": found}
        for type_id, found in (("default", "10000"), *((type_id, "6000") for type_id in used_types(site)))
    ]
    made.bindings[the_project(site).project_id, "field_configuration_scheme"] = "6001"


def with_field_scheme(sandbox: RunningSandbox) -> None:
    """Let the project follow a field scheme of the new model."""
    site = sandbox.site
    made = site.made
    made.add("field_scheme", {"id": 6002, "name": "Fewer fields", "description": "Of our own"})
    first, second, *_ = used_types(site)
    fields = {name: field_rules.associated(name) for name in ("summary", "description", NEVER, REVIEWER)}
    fields[NEVER]["parameters"] = {"isRequired": True, "description": "Promised"}
    fields[NEVER]["workTypeParameters"] = [{"workTypeId": first, "isRequired": False, "description": ""}]
    fields[REVIEWER]["restrictedToWorkTypes"] = [first, second]
    made.items["field_scheme", "6002"] = list(fields.values())
    made.bindings[the_project(site).project_id, "field_scheme"] = "6002"


def used_types(site: Site) -> list[str]:
    """Give the types of the project that are not sub-tasks."""
    return [type_id for type_id in the_project(site).issue_types if site.issue_types[type_id].level == 0]


@pytest.fixture(scope="module")
def old() -> Iterator[BareTarget]:
    with (
        restorable(projects=1, issues=12, before=with_configurations) as source,
        bare_target(source) as target,
    ):
        yield target


@pytest.fixture(scope="module")
def new() -> Iterator[BareTarget]:
    with restorable(projects=1, issues=12, before=with_field_scheme) as source, bare_target(source) as target:
        yield target


def items(site: Site, configuration_id: object) -> dict[str, JsonObject]:
    """Give what is not plain of a configuration, by names of fields."""
    listed = field_rules.configuration_items(site, str(configuration_id))
    return {
        site.fields[str(item["id"])].name: {name: value for name, value in item.items() if name != "id"}
        for item in listed
        if item != field_rules.plain_item(str(item["id"]))
    }


def by_type(site: Site, scheme_id: object) -> dict[str, str]:
    names = {str(item["id"]): str(item["name"]) for item in field_rules.configurations(site)}
    types = {type_id: found.name for type_id, found in site.issue_types.items()}
    return {
        types.get(str(item["issueTypeId"]), "default"): names[str(item["fieldConfigurationId"])]
        for item in field_rules.configuration_scheme_items(site)
        if item["fieldConfigurationSchemeId"] == scheme_id
    }


def fields_of(site: Site, scheme_id: object) -> dict[str, Any]:
    types = {type_id: found.name for type_id, found in site.issue_types.items()}
    return {
        site.fields[str(item["fieldId"])].name: (
            item["parameters"],
            sorted(types[str(one)] for one in item["restrictedToWorkTypes"]),
            {
                types[str(one["workTypeId"])]: (one["isRequired"], one["description"])
                for one in item.get("workTypeParameters", [])
            },
        )
        for item in field_rules.scheme_items(site, str(scheme_id))
    }


def pieces(plan: RestorePlan, *kinds: str) -> dict[str, Action]:
    return {piece.name: piece.action for piece in plan.configuration if piece.kind in (kinds or KINDS)}


def made_one(site: Site, noun: str) -> JsonObject:
    [found] = site.made.of(noun)
    return found


def test_configurations_come_back_without_standing_in_the_way_of_issues(old: BareTarget) -> None:
    if not old.site.projects:
        plan = old.plan()
        assert pieces(plan) == {
            "Default Field Configuration": Action.MATCH,
            "Bugs in detail": Action.MAKE,
            "Bugs apart": Action.MAKE,
        }
        [note] = {piece.note for piece in plan.configuration if piece.name == "Bugs apart"}
        assert note == "after the issues, which so need no values in fields that it requires"
        result = old.restore(plan)
        assert [found for found in result.outcome.failures] == []
        assert list(result.report.findings) == []
        assert not [found for found in result.outcome.adjustments if "required on the target" in found.reason]
        assert len(result.outcome.id_map.issues) == old.source.manifest.counts["issues"]
        assert {"field_configuration", "field_configuration_scheme"} <= set(result.report.records)
    site, source = old.site, old.source.sandbox.site
    configuration, scheme = made_one(site, "field_configuration"), made_one(site, "field_configuration_scheme")
    assert (configuration["name"], configuration["description"]) == ("Bugs in detail", "For bugs")
    assert items(site, configuration["id"]) == items(source, 6000)
    assert by_type(site, scheme["id"]) == by_type(source, "6001")
    assert schemes.follows(site, the_project(site), "field_configuration_scheme") == scheme["id"]
