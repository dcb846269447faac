"""Every record of the site's setup by kind and id, as the site's truth tells it.

What belongs here: the table of kinds, each with its list and the members of its id. The id of what is listed
for a parent begins with the parent's id.

What stays out: the records (the other modules of this folder), and truth beyond the setup (``truth``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import Json, JsonObject
from jira_backup_pipeline.sandbox.setup import (
    administration,
    associations,
    boards,
    field_rules,
    fields,
    schemes,
    service_desk,
    shared,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.sandbox.model import Field
    from jira_backup_pipeline.sandbox.site import Site

Found = tuple[str, str, Json]

# Kind, how its list is made, and the members that make up an id.
LISTS: tuple[tuple[str, Callable[[Site], list[JsonObject]], tuple[str, ...]], ...] = (
    ("screen", fields.screens, ("id",)),
    ("screen_tab", fields.screen_tabs, ("tabId",)),
    ("screen_scheme", fields.screen_schemes, ("id",)),
    ("issue_type_screen_scheme", fields.type_screen_schemes, ("id",)),
    ("issue_type_screen_scheme_item", fields.type_screen_items, ("issueTypeScreenSchemeId", "issueTypeId")),
    ("field_configuration", field_rules.configurations, ("id",)),
    ("field_configuration_scheme", field_rules.configuration_schemes, ("id",)),
    (
        "field_configuration_scheme_item",
        field_rules.configuration_scheme_items,
        ("fieldConfigurationSchemeId", "issueTypeId"),
    ),
    ("field_scheme", field_rules.field_schemes, ("id",)),
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
    ("advanced_setting", administration.advanced_settings, ("id",)),
    ("navigator_column", administration.navigator_columns, ("value",)),
    ("time_tracking_provider", administration.time_tracking_providers, ("key",)),
    ("plan", administration.plans, ("id",)),
    ("service_desk", service_desk.desks, ("id",)),
    ("organization", service_desk.organizations, ("id",)),
)
OF_DESKS = (
    ("request_type", service_desk.request_types),
    ("request_type_group", service_desk.request_type_groups),
    ("queue", service_desk.queues),
    ("service_desk_organization", service_desk.organizations_of),
    ("customer", service_desk.customers),
)


def setup_records(site: Site) -> Iterator[Found]:
    """Kind, id and record of everything in the setup."""
    for kind, listed, members in LISTS:
        for record in listed(site):
            yield kind, "/".join(str(record[member]) for member in members), record
    yield from _of_fields(site)
    for tab in fields.screen_tabs(site):
        for item in fields.tab_fields(site, str(tab["screenId"]), str(tab["tabId"])) or ():
            yield "screen_field", f"{tab['tabId']}/{item['id']}", item
    yield from _of_configurations(site)
    for shown in shared.filters(site):
        columns = shared.filter_columns(site, str(shown["id"]))
        if columns:
            yield "filter_column", str(shown["id"]), columns
    yield from _of_dashboards(site)
    yield from _of_projects(site)
    yield from _of_boards(site)
    yield from _of_administration(site)


def _of_dashboards(site: Site) -> Iterator[Found]:
    for dashboard in shared.dashboards(site):
        for gadget in shared.gadgets(site, str(dashboard["id"])) or ():
            place = f"{dashboard['id']}/{gadget['id']}"
            yield "dashboard_gadget", place, gadget
            kept = boards.gadget_properties(site, str(dashboard["id"]), str(gadget["id"])) or {}
            for key, value in kept.items():
                yield "dashboard_gadget_property", f"{place}/{key}", {"key": key, "value": value}


def _of_projects(site: Site) -> Iterator[Found]:
    # In the order of the projects' own list; the first project of a group names it.
    live = sorted(associations.live_projects(site), key=lambda project: project.key)
    for noun in ("issue_type_scheme", "workflow_scheme", "issue_type_screen_scheme"):
        for group in associations.followed(site, live, noun):
            yield f"{noun}_project", str(group["projectIds"][0]), group
    for group in associations.field_configuration_schemes(site, live):
        yield "field_configuration_scheme_project", str(group["projectIds"][0]), group
    for record in associations.field_schemes(site, live):
        yield "field_scheme_project", str(record["projectId"]), record
    for project in live:
        home = str(project.project_id)
        yield "project_email", home, associations.email(project)
        shown = associations.avatars(site, project)
        yield "project_avatar", home, shown
        for own in shown["custom"]:
            yield "avatar", f"{home}/{own['id']}", own
        yield "project_permission_scheme", home, associations.permission_scheme(site, project)
    yield from _of_desks(site)


def _of_desks(site: Site) -> Iterator[Found]:
    for project in service_desk.desk_projects(site):
        for kind, of_desk in OF_DESKS:
            for record in of_desk(site, project):
                own = record["accountId"] if kind == "customer" else record["id"]
                yield kind, f"{service_desk.desk_id(project)}/{own}", record
        for record in service_desk.members_of(site, service_desk.desk_id(project)) or ():
            yield "organization_member", f"{service_desk.desk_id(project)}/{record['accountId']}", record
        for asked in service_desk.request_types(site, project):
            place = f"{service_desk.desk_id(project)}/{asked['id']}"
            for record in service_desk.request_type_fields(site, asked):
                yield "request_type_field", f"{place}/{record['fieldId']}", record


def _of_boards(site: Site) -> Iterator[Found]:
    for board in site.boards.values():
        for record in boards.quick_filters(board):
            yield "board_quick_filter", f"{board.board_id}/{record['id']}", record
        for record in boards.features(board):
            yield "board_feature", f"{board.board_id}/{record['boardFeature']}", record
        for key, value in board.properties.items():
            yield "board_property", f"{board.board_id}/{key}", {"key": key, "value": value}


def _of_administration(site: Site) -> Iterator[Found]:
    tracking = administration.time_tracking(site)
    if tracking is not None:
        yield "time_tracking", str(tracking["key"]), tracking
    yield "time_tracking_option", "time_tracking_option", administration.time_tracking_options(site)
    yield "announcement_banner", "announcement_banner", shared.banner(site)
    for plan in administration.plans(site):
        yield "plan_detail", str(plan["id"]), administration.plan_detail(site, plan)
        for team in administration.plan_teams(site, plan):
            yield "plan_team", f"{plan['id']}/{team['id']}", team
    for webhook in administration.admin_webhooks(site):
        yield "admin_webhook", str(webhook["self"]).rpartition("/")[2], webhook
    for rule in administration.rules(site):
        yield "automation_rule_summary", str(rule["uuid"]), administration.rule_summary(rule)
        yield "automation_rule", str(rule["uuid"]), {"rule": rule, "connections": []}


def _of_fields(site: Site) -> Iterator[Found]:
    for field in (*site.fields.values(), *fields.dormant(site)):
        # The contexts of fields of team-managed projects are shown to nobody.
        if field.custom and field.project_id is None:
            yield from _of_field(site, field)
    for field in fields.searched_fields(site):
        yield "field_detail", field.field_id, fields.field_detail(field)


def _of_field(site: Site, field: Field) -> Iterator[Found]:
    for context in fields.contexts(site, field):
        place = f"{field.field_id}/{context['id']}"
        yield "field_context", place, context
        for option in fields.options(site, field, str(context["id"])):
            yield "field_option", f"{place}/{option['id']}", option
    for kind, pairs, member in (
        ("field_context_project", fields.context_projects(site, field), "projectId"),
        ("field_context_issue_type", fields.context_issue_types(site, field), "issueTypeId"),
    ):
        for pair in pairs:
            if member in pair:
                yield kind, f"{field.field_id}/{pair['contextId']}/{pair[member]}", pair
    for default in fields.defaults(site, field):
        yield "field_default", f"{field.field_id}/{default['contextId']}", default


def _of_configurations(site: Site) -> Iterator[Found]:
    for parent in field_rules.configurations(site):
        for item in field_rules.configuration_items(site, str(parent["id"])):
            yield "field_configuration_item", f"{parent['id']}/{item['id']}", item
    for parent in field_rules.field_schemes(site):
        for item in field_rules.scheme_items(site, str(parent["id"])):
            yield "field_scheme_item", f"{parent['id']}/{item['fieldId']}", item
