"""What belongs to one project besides its issues: the part of the catalogue that is captured with the project's settings.

What belongs here: one entry for each kind, in capture and restore order.

What stays out: kinds of the whole site (`site`) or of one issue (`issue`).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    NOT_EVERYWHERE,
    Kind,
    Level,
    Listing,
    Paging,
    Recognition,
    count,
    date,
    flag,
    text,
    texts,
)

PROJECT_KINDS: tuple[Kind, ...] = (
    Kind(
        name="project",
        table="projects",
        title="projects with their settings",
        level=Level.PROJECT,
        listing=Listing(
            "/rest/api/3/project/{project_id}",
            Paging.SINGLE,
            query=(("expand", "description,lead,issueTypes,url,projectKeys,permissions,insight"),),
        ),
        columns=(
            text("key"),
            text("name"),
            text("type", "projectTypeKey"),
            text("style"),
            text("lead_id", "lead", "accountId"),
            flag("is_archived", "archived"),
        ),
        recognition=Recognition.NATURAL_KEY,
        restore_note="as a company-managed project; its id changes",
    ),
    Kind(
        name="component",
        table="components",
        title="components",
        level=Level.PROJECT,
        listing=Listing("/rest/api/3/project/{project_id}/component", Paging.OFFSET, "values", page_size=100),
        columns=(
            text("name"),
            text("description"),
            text("lead_id", "lead", "accountId"),
            text("assignee_type", "assigneeType"),
        ),
        parent="project",
        recognition=Recognition.NATURAL_KEY,
    ),
    Kind(
        name="version",
        table="versions",
        title="versions",
        level=Level.PROJECT,
        listing=Listing(
            "/rest/api/3/project/{project_id}/version",
            Paging.OFFSET,
            "values",
            query=(("orderBy", "sequence"), ("expand", "driver,approvers")),
            page_size=100,
        ),
        columns=(
            text("name"),
            text("description"),
            flag("is_archived", "archived"),
            flag("is_released", "released"),
            date("start_date", "startDate"),
            date("release_date", "releaseDate"),
            text("driver_id", "driver"),
            texts("approver_ids", "approvers", "accountId"),
        ),
        parent="project",
        recognition=Recognition.NATURAL_KEY,
    ),
    Kind(
        name="version_related_work",
        table="version_related_works",
        title="related work of versions",
        level=Level.PROJECT,
        # One list a version, empty for nearly all; the release notes among it have no id, so each list is one record.
        listing=Listing(
            "/rest/api/3/version/{parent_id}/relatedwork", Paging.WHOLE, is_one_right=True, takes_turns=True
        ),
        columns=(
            texts("categories", "category"),
            texts("titles", "title"),
            texts("urls", "url"),
            texts("issue_ids", "issueId"),
        ),
        parent="version",
        id_path=(),
        recognition=Recognition.NEVER,
        is_restorable=False,
        restore_note="kept to look up and to compare; not rebuilt on the target",
        optional_statuses=NOT_EVERYWHERE,
    ),
    Kind(
        name="role_actors",
        table="role_actors",
        title="project roles and their actors",
        level=Level.PROJECT,
        listing=Listing("/rest/api/3/project/{project_id}/role", Paging.LINKS),
        columns=(
            text("name"),
            texts("people", "actors", "actorUser", "accountId"),
            texts("groups", "actors", "actorGroup", "groupId"),
        ),
        parent="project",
        recognition=Recognition.NATURAL_KEY,
        restore_note="actors that exist on the target; app actors come with their app",
    ),
    Kind(
        name="project_status",
        table="project_statuses",
        title="statuses of a project by issue type",
        level=Level.PROJECT,
        listing=Listing("/rest/api/3/project/{project_id}/statuses", Paging.ARRAY),
        columns=(
            text("issue_type", "name"),
            flag("is_subtask", "subtask"),
            texts("status_ids", "statuses", "id"),
            texts("statuses", "statuses", "name"),
        ),
        parent="project",
        recognition=Recognition.NEVER,
        is_restorable=False,
        restore_note="they follow from the project's workflows",
    ),
    Kind(
        name="project_feature",
        table="project_features",
        title="features of a project",
        level=Level.PROJECT,
        listing=Listing("/rest/api/3/project/{project_id}/features", Paging.ARRAY, "features"),
        columns=(
            text("name", "localisedName"),
            text("state"),
            flag("is_locked", "toggleLocked"),
        ),
        parent="project",
        id_path=("feature",),
        recognition=Recognition.NEVER,
        is_restorable=False,
        restore_note="kept to look up and to compare; the plan decides which exist",
        # Jira has features for some types of projects only.
        optional_statuses=NOT_EVERYWHERE,
    ),
    Kind(
        name="issue_field",
        table="issue_fields",
        title="names and types of the fields that a project's issues have",
        level=Level.PROJECT,
        # Field names change and are not unique: each snapshot keeps those of its time, by the field's id.
        listing=Listing(
            "/rest/api/3/search/jql",
            Paging.NAMES,
            query=(
                ("jql", "project = {project_id} ORDER BY id"),
                ("fields", "*all"),
                ("expand", "names,schema"),
                ("maxResults", "1"),
            ),
        ),
        columns=(
            text("type"),
            text("items"),
            text("system"),
            text("custom_type", "custom"),
            count("custom_id", "customId"),
        ),
        parent="project",
        recognition=Recognition.NEVER,
        is_restorable=False,
        restore_note="kept to read the fields of this snapshot's issues by name",
        # No search finds a project in the archive; the site's own list of fields is there for it.
        optional_statuses=frozenset({400}),
    ),
)
