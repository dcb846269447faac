"""Projects with rules about fields of their own, of either model, and what rules a site has by names.

What belongs here: setting up a source, and describing a site so that it can be held against another one.

What stays out: what a restore should have done, which the tests say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.sandbox.setup import field_rules, schemes

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

# Fields of the made data: some issues have no value in the first two.
REVIEWER, DUE, HIDDEN = "customfield_10033", "duedate", "labels"


def the_project(site: Site) -> Project:
    return next(iter(site.projects.values()))


def with_configurations(sandbox: RunningSandbox) -> None:
    """Let the project have strict rules for one type, and the default ones for the others."""
    site = sandbox.site
    made = site.made
    made.add("field_configuration", {"id": 6000, "name": "Bugs in detail", "description": "For bugs"})
    plain = field_rules.plain_item
    made.items["field_configuration", "6000"] = [
        {**plain(DUE), "isRequired": True, "description": "Promised"},
        {**plain(REVIEWER), "isRequired": True},
        {**plain(HIDDEN), "isHidden": True},
        {**plain("description"), "renderer": "text-renderer"},
    ]
    made.add(
        "field_configuration_scheme", {"id": "6001", "name": "Bugs apart", "description": "One for bugs"}
    )
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
    fields = {name: field_rules.associated(name) for name in ("summary", "description", DUE, REVIEWER)}
    fields[DUE]["parameters"] = {"isRequired": True, "description": "Promised"}
    fields[DUE]["workTypeParameters"] = [{"workTypeId": first, "isRequired": False, "description": ""}]
    fields[REVIEWER]["restrictedToWorkTypes"] = [first, second]
    made.items["field_scheme", "6002"] = list(fields.values())
    made.bindings[the_project(site).project_id, "field_scheme"] = "6002"


def used_types(site: Site) -> list[str]:
    """Give the types of the project that are not sub-tasks."""
    return [type_id for type_id in the_project(site).issue_types if site.issue_types[type_id].level == 0]


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


def rules(site: Site) -> dict[str, Any]:
    """Describe what was made of either model, and what the project follows of it, by names."""
    project = the_project(site)
    made = site.made
    names = {str(item["id"]): str(item["name"]) for noun in made.records for item in made.of(noun)}
    return {
        "configurations": [
            (item["name"], item["description"], items(site, item["id"]))
            for item in made.of("field_configuration")
        ],
        "configuration schemes": [
            (item["name"], item["description"], by_type(site, item["id"]))
            for item in made.of("field_configuration_scheme")
        ],
        "field schemes": [
            (item["name"], item["description"], fields_of(site, item["id"]))
            for item in made.of("field_scheme")
        ],
        "followed": [
            names.get(str(schemes.follows(site, project, noun)))
            for noun in ("field_configuration_scheme", "field_scheme")
        ],
    }
