"""Workflows and the schemes that say which project follows which rules.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: screens and field configurations (`field_setup`).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
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

SCHEME_KINDS = (
    kept(
        "issue_type_scheme",
        "issue_type_schemes",
        title="issue type schemes",
        listing=pages("/rest/api/3/issuetypescheme"),
        columns=(
            text("name"),
            text("description"),
            text("default_issue_type_id", "defaultIssueTypeId"),
            flag("is_default", "isDefault"),
        ),
    ),
    kept(
        "issue_type_scheme_item",
        "issue_type_scheme_items",
        title="issue types of issue type schemes",
        listing=pages("/rest/api/3/issuetypescheme/mapping"),
        columns=(text("scheme_id", "issueTypeSchemeId"), text("issue_type_id", "issueTypeId")),
        id_path=("issueTypeSchemeId",),
        further_ids=(("issueTypeId",),),
    ),
    kept(
        "workflow",
        "workflows",
        title="workflows with their statuses and transitions",
        listing=pages("/rest/api/3/workflows/search", query=(("expand", "values.transitions"),)),
        columns=(
            text("name"),
            text("description"),
            text("project_id", "scope", "project", "id"),
            count("version_number", "version", "versionNumber"),
            texts("status_ids", "statuses", "statusReference"),
            texts("transitions", "transitions", "name"),
            instant("updated"),
        ),
    ),
    kept(
        "workflow_scheme",
        "workflow_schemes",
        title="workflow schemes",
        listing=pages("/rest/api/3/workflowscheme"),
        columns=(text("name"), text("description"), text("default_workflow", "defaultWorkflow")),
    ),
    kept(
        "permission_scheme",
        "permission_schemes",
        title="permission schemes with their grants",
        listing=Listing(
            "/rest/api/3/permissionscheme", Paging.ARRAY, "permissionSchemes", (("expand", "all"),)
        ),
        columns=(
            text("name"),
            text("description"),
            texts("permissions", "permissions", "permission"),
            texts("holder_types", "permissions", "holder", "type"),
        ),
    ),
    kept(
        "notification_scheme",
        "notification_schemes",
        title="notification schemes with their events",
        listing=pages("/rest/api/3/notificationscheme", query=(("expand", "all"),)),
        columns=(
            text("name"),
            text("description"),
            texts("events", "notificationSchemeEvents", "event", "name"),
        ),
    ),
    kept(
        "notification_scheme_project",
        "notification_scheme_projects",
        title="projects of notification schemes",
        listing=pages("/rest/api/3/notificationscheme/project"),
        columns=(text("scheme_id", "notificationSchemeId"), text("project_id", "projectId")),
        id_path=("notificationSchemeId",),
        further_ids=(("projectId",),),
    ),
    kept(
        "security_scheme",
        "security_schemes",
        title="issue security schemes",
        listing=Listing("/rest/api/3/issuesecurityschemes", Paging.ARRAY, "issueSecuritySchemes"),
        columns=(
            text("name"),
            text("description"),
            count("default_level_id", "defaultSecurityLevelId"),
        ),
    ),
    kept(
        "security_level",
        "security_levels",
        title="issue security levels",
        listing=pages("/rest/api/3/issuesecurityschemes/level"),
        columns=(
            text("name"),
            text("description"),
            text("scheme_id", "issueSecuritySchemeId"),
            flag("is_default", "isDefault"),
        ),
    ),
    kept(
        "security_level_member",
        "security_level_members",
        title="members of issue security levels",
        listing=pages("/rest/api/3/issuesecurityschemes/level/member"),
        columns=(
            text("scheme_id", "issueSecuritySchemeId"),
            text("level_id", "issueSecurityLevelId"),
            text("holder_type", "holder", "type"),
            text("holder", "holder", "parameter"),
        ),
    ),
    kept(
        "security_scheme_project",
        "security_scheme_projects",
        title="projects of issue security schemes",
        listing=pages("/rest/api/3/issuesecurityschemes/project"),
        columns=(text("scheme_id", "issueSecuritySchemeId"), text("project_id", "projectId")),
        id_path=("issueSecuritySchemeId",),
        further_ids=(("projectId",),),
    ),
    kept(
        "priority_scheme",
        "priority_schemes",
        title="priority schemes with their priorities and projects",
        listing=pages("/rest/api/3/priorityscheme", query=(("expand", "priorities,projects"),)),
        columns=(
            text("name"),
            text("description"),
            text("default_priority_id", "defaultPriorityId"),
            flag("is_default", "isDefault"),
            texts("priority_ids", "priorities", "values", "id"),
            texts("project_ids", "projects", "values", "id"),
        ),
    ),
)
