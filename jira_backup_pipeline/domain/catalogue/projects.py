"""What belongs to projects but is read with the site: those that are not live, addresses, avatars, schemes that they follow.

What belongs here: one entry for each kind. Most schemes are asked for a hundred projects at a time, which is why they are
read with the site and not with each project.

What stays out: the schemes themselves (`schemes`, `field_setup`), and what is read in a project's own capture (`project`).
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
    of_projects,
    pages,
    text,
    texts,
)

_PROJECT = "/rest/api/3/project/{parent_id}"
# A project that follows the default scheme may be in a group without a scheme: the projects name the group.
_FIRST_PROJECT = ("projectIds", "0")
_AFTER = "a restored project follows the schemes that it is made with"

_LISTED = ("expand", "description,lead,url,projectKeys")


def _in_state(state: str) -> Listing:
    """Describe the projects in one state; where there is none Jira answers 404."""
    return Listing(
        "/rest/api/3/project/search",
        Paging.OFFSET,
        "values",
        (("status", state), _LISTED),
        100,
        none_status=404,
    )


PLACE_OF_PROJECTS_KINDS = (
    kept(
        "archived_project",
        "archived_projects",
        title="projects in the archive",
        listing=_in_state("archived"),
        columns=(
            text("key"),
            text("name"),
            text("type", "projectTypeKey"),
            instant("archived", "archivedDate"),
            text("archived_by", "archivedBy", "accountId"),
        ),
        restore_note="each is restored from its own snapshot, as a live project",
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "trashed_project",
        "trashed_projects",
        title="projects in the trash",
        listing=_in_state("deleted"),
        columns=(
            text("key"),
            text("name"),
            text("type", "projectTypeKey"),
            instant("deleted", "deletedDate"),
            text("deleted_by", "deletedBy", "accountId"),
            instant("kept_until", "retentionTillDate"),
        ),
        restore_note="their issues cannot be read any more; an earlier snapshot may have them",
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "project_email",
        "project_emails",
        title="sender addresses of projects",
        listing=Listing(_PROJECT + "/email", Paging.SINGLE),
        columns=(text("email", "emailAddress"), texts("states", "emailAddressStatus")),
        parent="site_project",
        id_path=(),
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "project_avatar",
        "project_avatars",
        title="avatars of projects",
        listing=Listing(_PROJECT + "/avatars", Paging.SINGLE),
        columns=(texts("custom_ids", "custom", "id"), texts("system_ids", "system", "id")),
        parent="site_project",
        id_path=(),
        restore_note="which avatars there are and which is chosen; not rebuilt on the target",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "avatar",
        "avatars",
        title="projects' own avatars with their pictures",
        # Cut out of the list above; a picture costs one request, once for each avatar.
        listing=Listing(_PROJECT + "/avatars", Paging.INLINE, "custom"),
        columns=(
            text("avatar_id", "id"),
            text("file_name", "fileName"),
            text("owner_id", "owner"),
            flag("is_selected", "isSelected"),
        ),
        parent="project_avatar",
        restore_note="the pictures are kept as blobs; not rebuilt on the target",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "project_permission_scheme",
        "project_permission_schemes",
        title="permission schemes of projects",
        # Jira has no list of them for many projects.
        listing=Listing(_PROJECT + "/permissionscheme", Paging.SINGLE),
        columns=(count("scheme_id", "id"), text("name")),
        parent="site_project",
        id_path=(),
        restore_note=_AFTER,
    ),
    kept(
        "issue_type_scheme_project",
        "issue_type_scheme_projects",
        title="projects of issue type schemes",
        listing=of_projects("/rest/api/3/issuetypescheme/project"),
        columns=(
            text("scheme_id", "issueTypeScheme", "id"),
            text("scheme", "issueTypeScheme", "name"),
            texts("project_ids", "projectIds"),
        ),
        parent="site_project",
        id_path=_FIRST_PROJECT,
        restore_note=_AFTER,
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "workflow_scheme_project",
        "workflow_scheme_projects",
        title="projects of workflow schemes",
        listing=of_projects("/rest/api/3/workflowscheme/project", paging=Paging.ARRAY),
        columns=(
            count("scheme_id", "workflowScheme", "id"),
            text("scheme", "workflowScheme", "name"),
            texts("project_ids", "projectIds"),
        ),
        parent="site_project",
        id_path=_FIRST_PROJECT,
        restore_note=_AFTER,
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "issue_type_screen_scheme_project",
        "issue_type_screen_scheme_projects",
        title="projects of issue type screen schemes",
        listing=of_projects("/rest/api/3/issuetypescreenscheme/project"),
        columns=(
            text("scheme_id", "issueTypeScreenScheme", "id"),
            text("scheme", "issueTypeScreenScheme", "name"),
            texts("project_ids", "projectIds"),
        ),
        parent="site_project",
        id_path=_FIRST_PROJECT,
        restore_note=_AFTER,
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "field_configuration_scheme_project",
        "field_configuration_scheme_projects",
        title="projects of field configuration schemes (old)",
        listing=of_projects("/rest/api/3/fieldconfigurationscheme/project"),
        columns=(
            text("scheme_id", "fieldConfigurationScheme", "id"),
            text("scheme", "fieldConfigurationScheme", "name"),
            texts("project_ids", "projectIds"),
        ),
        parent="site_project",
        id_path=_FIRST_PROJECT,
        restore_note=_AFTER,
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "field_scheme_project",
        "field_scheme_projects",
        title="projects of field schemes (new)",
        listing=of_projects("/rest/api/3/config/fieldschemes/projects", grouped=False),
        columns=(count("project_id", "projectId"), count("scheme_id", "schemeId")),
        parent="site_project",
        id_path=(),
        restore_note=_AFTER,
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "priority_scheme_priority",
        "priority_scheme_priorities",
        title="priorities of priority schemes with more than a scheme shows",
        listing=pages(
            "/rest/api/3/priorityscheme/{parent_id}/priorities",
            only=Condition(path=("priorities",), is_cut=True),
        ),
        columns=(text("priority_id", "id"), text("name"), flag("is_default", "isDefault"), text("sequence")),
        parent="priority_scheme",
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "priority_scheme_project",
        "priority_scheme_projects",
        title="projects of priority schemes with more than a scheme shows",
        listing=pages(
            "/rest/api/3/priorityscheme/{parent_id}/projects",
            only=Condition(path=("projects",), is_cut=True),
        ),
        columns=(text("project_id", "id"), text("key"), text("name")),
        parent="priority_scheme",
        restore_note=_AFTER,
        optional_statuses=ADMIN_ONLY | {400},
    ),
)
