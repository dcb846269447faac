"""What the people of a site share: its projects, their categories, filters, groups.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: accounts and definitions (`site`), schemes (`schemes`), boards and dashboards (`boards`), settings
(`settings`).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    ADMIN_ONLY,
    Listing,
    Paging,
    flag,
    kept,
    pages,
    text,
    texts,
)

SHARED_KINDS = (
    kept(
        "project_category",
        "project_categories",
        title="project categories",
        listing=Listing("/rest/api/3/projectCategory", Paging.ARRAY),
        columns=(text("name"), text("description")),
    ),
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
        "filter_column",
        "filter_columns",
        title="columns of filters",
        # Jira says 404 of a filter that is shown with the usual columns.
        listing=Listing("/rest/api/3/filter/{parent_id}/columns", Paging.WHOLE, none_status=404),
        columns=(texts("field_ids", "value"), texts("labels", "label")),
        parent="filter",
        id_path=(),
        # Those that others keep for themselves are listed for administrators, but their columns are not shown.
        optional_statuses=ADMIN_ONLY | {400},
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
            "/rest/api/3/group/member",
            query=(("groupId", "{parent_id}"), ("includeInactiveUsers", "true")),
            is_one_right=True,
        ),
        columns=(
            text("account_id", "accountId"),
            text("display_name", "displayName"),
            flag("is_active", "active"),
        ),
        parent="group",
        id_path=("accountId",),
    ),
)
