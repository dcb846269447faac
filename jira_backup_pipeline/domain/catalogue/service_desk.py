"""Service projects as their own API shows them: desks, request types with their fields, queues, organizations.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: requests, which are issues and are captured as such. Their SLAs, approvals, participants and organizations are
fields of the issue, which holds them in full; the service desk's own list of each would cost a request an issue and say the same.
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    DESK_WORDS,
    NOT_EVERYWHERE,
    Listing,
    Paging,
    flag,
    kept,
    pages,
    text,
    texts,
)

_DESKS = "/rest/servicedeskapi/servicedesk"
_NOT_CREATABLE = "no REST call makes them"
_PERSON = (
    text("account_id", "accountId"),
    text("display_name", "displayName"),
    text("email", "emailAddress"),
    flag("is_active", "active"),
)

SERVICE_DESK_KINDS = (
    kept(
        "service_desk",
        "service_desks",
        title="service desks",
        listing=pages(_DESKS, words=DESK_WORDS),
        columns=(
            text("project_id", "projectId"),
            text("project_key", "projectKey"),
            text("name", "projectName"),
        ),
        restore_note="a service project brings its desk along",
        # A site without service projects may not have this API.
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "request_type",
        "request_types",
        title="request types of service desks",
        listing=pages(_DESKS + "/{parent_id}/requesttype", words=DESK_WORDS),
        columns=(
            text("request_type_id", "id"),
            text("name"),
            text("description"),
            text("issue_type_id", "issueTypeId"),
            texts("group_ids", "groupIds"),
        ),
        parent="service_desk",
        restore_note=_NOT_CREATABLE,
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "request_type_field",
        "request_type_fields",
        title="fields of request types",
        listing=Listing(
            _DESKS + "/{grandparent_id}/requesttype/{parent_id}/field", Paging.ARRAY, "requestTypeFields"
        ),
        columns=(
            text("field_id", "fieldId"),
            text("name"),
            text("description"),
            flag("is_required", "required"),
            flag("is_visible", "visible"),
            text("type", "jiraSchema", "type"),
        ),
        parent="request_type",
        id_path=("fieldId",),
        restore_note=_NOT_CREATABLE,
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "request_type_group",
        "request_type_groups",
        title="groups of request types",
        listing=pages(_DESKS + "/{parent_id}/requesttypegroup", words=DESK_WORDS),
        columns=(text("group_id", "id"), text("name")),
        parent="service_desk",
        restore_note=_NOT_CREATABLE,
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "queue",
        "queues",
        title="queues of service desks",
        listing=pages(_DESKS + "/{parent_id}/queue", words=DESK_WORDS),
        columns=(text("queue_id", "id"), text("name"), text("jql"), texts("fields")),
        parent="service_desk",
        restore_note=_NOT_CREATABLE,
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "organization",
        "organizations",
        title="organizations of customers",
        listing=pages("/rest/servicedeskapi/organization", words=DESK_WORDS),
        columns=(text("name"), text("organization_uuid", "uuid")),
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "service_desk_organization",
        "service_desk_organizations",
        title="organizations of service desks",
        listing=pages(_DESKS + "/{parent_id}/organization", words=DESK_WORDS),
        columns=(text("organization_id", "id"), text("name")),
        parent="service_desk",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "organization_member",
        "organization_members",
        title="customers in organizations",
        listing=pages("/rest/servicedeskapi/organization/{parent_id}/user", words=DESK_WORDS),
        columns=_PERSON,
        parent="organization",
        id_path=("accountId",),
        restore_note="accounts belong to Atlassian; who was in which organization is kept to look up",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "customer",
        "customers",
        title="customers of service desks",
        listing=pages(_DESKS + "/{parent_id}/customer", words=DESK_WORDS),
        columns=_PERSON,
        parent="service_desk",
        id_path=("accountId",),
        restore_note="accounts belong to Atlassian; whose customers they were is kept to look up",
        optional_statuses=NOT_EVERYWHERE,
    ),
)
