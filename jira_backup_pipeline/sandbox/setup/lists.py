"""Every record of the site's setup by kind and id, as the site's truth tells it.

What belongs here: the table of kinds, each with its list and the members of its id. The id of what is listed
for a parent begins with the parent's id.

What stays out: the records (the other modules of this folder), and truth beyond the setup (``truth``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import JsonObject
from jira_backup_pipeline.sandbox.setup import fields, schemes, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.sandbox.model import Field
    from jira_backup_pipeline.sandbox.site import Site

Found = tuple[str, str, JsonObject]

# Kind, how its list is made, and the members that make up an id.
LISTS: tuple[tuple[str, Callable[[Site], list[JsonObject]], tuple[str, ...]], ...] = (
    ("screen", fields.screens, ("id",)),
    ("screen_tab", fields.screen_tabs, ("tabId",)),
    ("screen_scheme", fields.screen_schemes, ("id",)),
    ("issue_type_screen_scheme", fields.type_screen_schemes, ("id",)),
    ("issue_type_screen_scheme_item", fields.type_screen_items, ("issueTypeScreenSchemeId", "issueTypeId")),
    ("field_configuration", fields.field_configurations, ("id",)),
    ("field_configuration_scheme", fields.field_configuration_schemes, ("id",)),
    (
        "field_configuration_scheme_item",
        fields.field_configuration_scheme_items,
        ("fieldConfigurationSchemeId", "issueTypeId"),
    ),
    ("field_scheme", fields.field_schemes, ("id",)),
    ("issue_type_scheme", schemes.issue_type_schemes, ("id",)),
    ("issue_type_scheme_item", schemes.issue_type_items, ("issueTypeSchemeId", "issueTypeId")),
    ("workflow_scheme", schemes.workflow_schemes, ("id",)),
    ("permission_scheme", schemes.permission_schemes, ("id",)),
    ("notification_scheme", schemes.notification_schemes, ("id",)),
    ("notification_scheme_project", schemes.notification_projects, ("notificationSchemeId", "projectId")),
    ("security_scheme", schemes.security_schemes, ("id",)),
    ("security_level", schemes.security_levels, ("id",)),
    ("security_level_member", schemes.security_members, ("id",)),
    ("security_scheme_project", schemes.security_projects, ("issueSecuritySchemeId", "projectId")),
    ("priority_scheme", schemes.priority_schemes, ("id",)),
    ("filter", shared.filters, ("id",)),
    ("dashboard", shared.dashboards, ("id",)),
    ("application_role", shared.application_roles, ("key",)),
    ("application_property", shared.application_properties, ("id",)),
)


def setup_records(site: Site) -> Iterator[Found]:
    """Kind, id and record of everything in the setup."""
    for kind, listed, members in LISTS:
        for record in listed(site):
            yield kind, "/".join(str(record[member]) for member in members), record
    for field in site.fields.values():
        if field.custom:
            yield from _of_field(site, field)
    for tab in fields.screen_tabs(site):
        for item in fields.tab_fields(site, str(tab["screenId"]), str(tab["tabId"])) or ():
            yield "screen_field", f"{tab['tabId']}/{item['id']}", item
    yield from _of_configurations(site)
    for dashboard in shared.dashboards(site):
        for gadget in shared.gadgets(site, str(dashboard["id"])) or ():
            yield "dashboard_gadget", f"{dashboard['id']}/{gadget['id']}", gadget


def _of_field(site: Site, field: Field) -> Iterator[Found]:
    for context in fields.contexts(site, field):
        place = f"{field.field_id}/{context['id']}"
        yield "field_context", place, context
        for option in fields.options(site, field, str(context["id"])):
            yield "field_option", f"{place}/{option['id']}", option
    for default in fields.defaults(site, field):
        yield "field_default", f"{field.field_id}/{default['contextId']}", default


def _of_configurations(site: Site) -> Iterator[Found]:
    for parent in fields.field_configurations(site):
        for item in fields.field_configuration_items(site):
            yield "field_configuration_item", f"{parent['id']}/{item['id']}", item
    for parent in fields.field_schemes(site):
        for item in fields.field_scheme_items(site):
            yield "field_scheme_item", f"{parent['id']}/{item['fieldId']}", item
