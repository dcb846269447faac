"""Which fields are required, hidden and described how: field configurations with their schemes, and field schemes.

What belongs here: the records that follow from the site together with those that requests have made and changed, and what
they mean for a project: Jira knows two models, the older of two layers and the newer of one.

What stays out: contexts and screens (``fields``), who follows which scheme (``schemes``), and the checks of a request
(``routes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.setup import schemes

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.model import Field, Project
    from jira_backup_pipeline.sandbox.site import Site

CONFIGURATION, CONFIGURATION_SCHEME, SCHEME = (
    "field_configuration",
    "field_configuration_scheme",
    "field_scheme",
)
FIRST_SCHEME = 10_000
_RENDERED = frozenset({"description", "environment"})
_PLAIN_FIELDS = ("summary", "description", "priority", "labels")
# Settings of an issue that no rule about fields reaches.
_NOT_RULED = frozenset({"project", "issuetype", "parent", "comment", "worklog", "issuekey"})


def configurations(site: Site) -> list[JsonObject]:
    """The field configurations."""
    own: list[JsonObject] = [
        {
            "id": FIRST_SCHEME,
            "name": "Default Field Configuration",
            "description": "The default field configuration",
            "isDefault": True,
        },
        {"id": FIRST_SCHEME + 1, "name": "Strict Field Configuration", "description": ""},
    ]
    return [*site.made.overlaid(CONFIGURATION, own), *site.made.of(CONFIGURATION)]


def configuration_items(site: Site, configuration_id: str) -> list[JsonObject]:
    """What a field configuration says of fields: a made one of all of the site's, one of the site of a few."""
    changed = {str(item["id"]): item for item in site.made.items.get((CONFIGURATION, configuration_id), [])}
    is_made = configuration_id in site.made.records.get(CONFIGURATION, {})
    ruled = [i for i, item in site.fields.items() if is_rulable(item)]
    listed = ruled if is_made else list(_PLAIN_FIELDS)
    named = [*listed, *(i for i in changed if i not in listed)]
    return [changed.get(i) or plain_item(i, is_made=is_made) for i in named if i in site.fields]


def plain_item(field_id: str, *, is_made: bool = True) -> JsonObject:
    """What a configuration says of a field of which nobody has said anything."""
    item: JsonObject = {
        "id": field_id,
        "description": "",
        "isHidden": False,
        "isRequired": field_id == "summary",
    }
    if is_made:
        item["renderer"] = "wiki-renderer" if field_id in _RENDERED else "text-renderer"
    return item


def configuration_schemes(site: Site) -> list[JsonObject]:
    """The field configuration schemes; the default one has no record."""
    own: list[JsonObject] = [
        {"id": str(FIRST_SCHEME), "name": "Field Configuration Scheme", "description": "One for all"}
    ]
    return [*site.made.overlaid(CONFIGURATION_SCHEME, own), *site.made.of(CONFIGURATION_SCHEME)]


def configuration_scheme_items(site: Site) -> list[JsonObject]:
    """Which field configuration an issue type has, scheme by scheme."""
    types = ("default", next(iter(site.issue_types)))
    first: list[JsonObject] = [
        {
            "fieldConfigurationSchemeId": str(FIRST_SCHEME),
            "issueTypeId": type_id,
            "fieldConfigurationId": str(FIRST_SCHEME + number),
        }
        for number, type_id in enumerate(types)
    ]
    found = list(site.made.items.get((CONFIGURATION_SCHEME, str(FIRST_SCHEME)), first))
    for scheme in site.made.of(CONFIGURATION_SCHEME):
        found += site.made.items[CONFIGURATION_SCHEME, str(scheme["id"])]
    return found


def field_schemes(site: Site) -> list[JsonObject]:
    """The field schemes."""
    own: list[JsonObject] = [
        {"id": FIRST_SCHEME, "name": "Default Field Scheme", "description": "", "isDefault": True}
    ]
    return [
        {**item, "fieldsCount": len(scheme_items(site, str(item["id"])))}
        for item in [*site.made.overlaid(SCHEME, own), *site.made.of(SCHEME)]
    ]


def scheme_items(site: Site, scheme_id: str) -> list[JsonObject]:
    """The fields of a field scheme."""
    found = site.made.items.get((SCHEME, scheme_id))
    return found if found is not None else [associated(i) for i in _PLAIN_FIELDS if i in site.fields]


def associated(field_id: str) -> JsonObject:
    """A field of a field scheme of which nobody has said anything."""
    return {
        "fieldId": field_id,
        "allowedOperations": [],
        "restrictedToWorkTypes": [],
        "parameters": {"isRequired": field_id == "summary", "description": ""},
    }


def own_items(site: Site, scheme_id: str) -> list[JsonObject]:
    """The fields of a field scheme, kept from now on."""
    return site.made.items.setdefault((SCHEME, scheme_id), scheme_items(site, scheme_id))


def _rules(site: Site, project: Project, type_id: str) -> list[JsonObject]:
    """What the field configuration of a type in a project says."""
    followed = schemes.follows(site, project, CONFIGURATION_SCHEME)
    by_type = {
        str(item["issueTypeId"]): str(item["fieldConfigurationId"])
        for item in configuration_scheme_items(site)
        if item["fieldConfigurationSchemeId"] == followed
    }
    return configuration_items(site, by_type.get(type_id, by_type.get("default", str(FIRST_SCHEME))))


def required_by_rules(site: Site, project: Project, type_id: str) -> set[str]:
    """The fields that must have a value in new issues of a type, by both models."""
    found = {str(item["id"]) for item in _rules(site, project, type_id) if item["isRequired"]}
    for item in scheme_items(site, str(schemes.follows(site, project, SCHEME))):
        parameters = item["parameters"]
        for more in item.get("workTypeParameters") or []:
            if str(more["workTypeId"]) == type_id:
                parameters = {**parameters, **more}
        if parameters.get("isRequired"):
            found.add(str(item["fieldId"]))
    return found


def hidden_by_rules(site: Site, project: Project, type_id: str) -> set[str]:
    """The fields that nobody sees in issues of a type."""
    return {str(item["id"]) for item in _rules(site, project, type_id) if item["isHidden"]}


def is_rulable(item: Field) -> bool:
    """Tell whether rules reach a field: not one of a team-managed project."""
    return item.field_id not in _NOT_RULED and item.project_id is None
