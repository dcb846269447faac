"""What the people of a site share: filters, dashboards, boards, groups; and the site's own settings.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: accounts and definitions (`site`), schemes (`schemes`).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    ADMIN_ONLY,
    NOT_EVERYWHERE,
    Condition,
    Listing,
    Paging,
    count,
    flag,
    instant,
    kept,
    pages,
    text,
    texts,
)

_AGILE = "/rest/agile/1.0/board"

SHARED_KINDS = (
    kept(
        "site_project",
        "site_projects",
        title="projects as the site lists them",
        listing=pages(
            "/rest/api/3/project/search",
            query=(("expand", "description,lead,url,projectKeys"),),
            page_size=100,
        ),
        columns=(
            text("key"),
            text("name"),
            text("type", "projectTypeKey"),
            text("style"),
            text("category", "projectCategory", "name"),
        ),
        restore_note="each project is restored from its own snapshot",
        optional_statuses=frozenset(),
    ),
    kept(
        "project_property",
        "project_properties",
        title="project properties",
        # Read with the site: a request for each project and each property is too much for every project's night.
        listing=Listing("/rest/api/3/project/{parent_id}/properties", Paging.KEYS),
        columns=(text("key"),),
        parent="site_project",
        id_path=("key",),
    ),
    kept(
        "filter",
        "filters",
        title="filters",
        listing=pages(
            "/rest/api/3/filter/search",
            query=(
                ("expand", "description,owner,jql,sharePermissions,editPermissions,subscriptions"),
                ("overrideSharePermissions", "true"),
            ),
            fallback_without="overrideSharePermissions",
        ),
        columns=(
            text("name"),
            text("description"),
            text("jql"),
            text("owner_id", "owner", "accountId"),
            texts("shared_with", "sharePermissions", "type"),
        ),
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "dashboard",
        "dashboards",
        title="dashboards",
        listing=pages(
            "/rest/api/3/dashboard/search",
            query=(("expand", "description,owner,sharePermissions,editPermissions"),),
        ),
        columns=(
            text("name"),
            text("description"),
            text("owner_id", "owner", "accountId"),
            texts("shared_with", "sharePermissions", "type"),
        ),
        restore_note="those that the backup account may see; not rebuilt on the target",
    ),
    kept(
        "dashboard_gadget",
        "dashboard_gadgets",
        title="gadgets of dashboards",
        listing=Listing("/rest/api/3/dashboard/{parent_id}/gadget", Paging.ARRAY, "gadgets"),
        columns=(
            text("gadget_id", "id"),
            text("title"),
            text("module_key", "moduleKey"),
            text("uri"),
            text("color"),
        ),
        parent="dashboard",
        restore_note="without the gadgets' own settings; not rebuilt on the target",
    ),
    kept(
        "board",
        "boards",
        title="boards",
        listing=pages(_AGILE),
        columns=(
            text("name"),
            text("type"),
            text("project_id", "location", "projectId"),
            text("project_key", "location", "projectKey"),
        ),
    ),
    kept(
        "board_configuration",
        "board_configurations",
        title="columns, filters and estimation of boards",
        listing=Listing(_AGILE + "/{parent_id}/configuration", Paging.SINGLE),
        columns=(
            text("name"),
            text("type"),
            text("filter_id", "filter", "id"),
            texts("columns", "columnConfig", "columns", "name"),
            text("estimation_field_id", "estimation", "field", "fieldId"),
        ),
        parent="board",
        restore_note="no REST call writes columns, swimlanes or card layout",
    ),
    kept(
        "sprint",
        "sprints",
        title="sprints",
        # Kanban boards have none and refuse the question.
        listing=pages(
            _AGILE + "/{parent_id}/sprint", only=Condition(path=("type",), values=("scrum", "simple"))
        ),
        columns=(
            text("sprint_id", "id"),
            text("name"),
            text("state"),
            text("goal"),
            text("origin_board_id", "originBoardId"),
            instant("started", "startDate"),
            instant("ends", "endDate"),
            instant("completed", "completeDate"),
        ),
        parent="board",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "group",
        "groups",
        title="groups",
        listing=pages("/rest/api/3/group/bulk"),
        columns=(text("name"),),
        id_path=("groupId",),
    ),
    kept(
        "group_member",
        "group_members",
        title="members of groups",
        listing=pages(
            "/rest/api/3/group/member", query=(("groupId", "{parent_id}"), ("includeInactiveUsers", "true"))
        ),
        columns=(
            text("account_id", "accountId"),
            text("display_name", "displayName"),
            flag("is_active", "active"),
        ),
        parent="group",
        id_path=("accountId",),
    ),
    kept(
        "application_role",
        "application_roles",
        title="application roles (product access)",
        listing=Listing("/rest/api/3/applicationrole", Paging.ARRAY),
        columns=(
            text("key"),
            text("name"),
            texts("groups", "groupDetails", "groupId"),
            texts("default_groups", "defaultGroupsDetails", "groupId"),
            count("seats", "numberOfSeats"),
        ),
        id_path=("key",),
        restore_note="no REST call writes them",
    ),
    kept(
        "application_property",
        "application_properties",
        title="settings of the site",
        listing=Listing("/rest/api/3/application-properties", Paging.ARRAY),
        columns=(text("key"), text("name"), text("type"), text("value")),
    ),
    kept(
        "site_configuration",
        "site_configurations",
        title="features of the site and time tracking",
        listing=Listing("/rest/api/3/configuration", Paging.SINGLE),
        columns=(
            flag("has_voting", "votingEnabled"),
            flag("has_watching", "watchingEnabled"),
            flag("has_subtasks", "subTasksEnabled"),
            flag("has_attachments", "attachmentsEnabled"),
            flag("has_issue_linking", "issueLinkingEnabled"),
            flag("has_time_tracking", "timeTrackingEnabled"),
        ),
        id_path=(),
    ),
    kept(
        "announcement_banner",
        "announcement_banners",
        title="announcement banner",
        listing=Listing("/rest/api/3/announcementBanner", Paging.SINGLE),
        columns=(text("message"), flag("is_enabled", "isEnabled"), text("visibility")),
        id_path=(),
    ),
)
