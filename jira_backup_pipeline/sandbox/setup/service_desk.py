"""Service desks of the site's service projects: request types, their groups, queues, organizations.

What belongs here: records derived from the service projects, with no state of their own.

What stays out: requests, which are issues, and pages (``routes.service_desk``).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import SELF_BASE, JsonObject, decode, encode
from jira_backup_pipeline.sandbox.setup.associations import live_projects

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account, Project
    from jira_backup_pipeline.sandbox.site import Site

API = f"{SELF_BASE}/rest/servicedeskapi"
_TYPES = ("Get help", "Report a problem", "Ask for access")


def desk_projects(site: Site) -> list[Project]:
    """The projects that have a desk."""
    return [project for project in live_projects(site) if project.type_key == "service_desk"]


def desk_id(project: Project) -> str:
    """The id of a project's desk."""
    return str(project.project_id - 9_900)


def desks(site: Site) -> list[JsonObject]:
    """The desks."""
    return [
        {
            "id": desk_id(project),
            "projectId": str(project.project_id),
            "projectName": project.name,
            "projectKey": project.key,
            "_links": {"self": f"{API}/servicedesk/{desk_id(project)}"},
        }
        for project in desk_projects(site)
    ]


def request_types(site: Site, project: Project) -> list[JsonObject]:
    """The request types of a desk."""
    del site
    desk = desk_id(project)
    return [
        {
            "id": f"{desk}{number}",
            "name": name,
            "description": "",
            "helpText": "",
            "issueTypeId": project.issue_types[0],
            "serviceDeskId": desk,
            "portalId": desk,
            "groupIds": [f"{desk}1"],
            "icon": {"id": "10490", "_links": {"iconUrls": {}}},
            "_links": {"self": f"{API}/servicedesk/{desk}/requesttype/{desk}{number}"},
        }
        for number, name in enumerate(_TYPES)
    ]


def request_type_fields(site: Site, request_type: JsonObject) -> list[JsonObject]:
    """The fields that a customer fills in for a request type."""
    del request_type
    return [
        {
            "fieldId": field_id,
            "name": site.fields[field_id].name,
            "description": "",
            "required": field_id == "summary",
            "visible": True,
            "defaultValues": [],
            "validValues": [],
            "presetValues": [],
            "jiraSchema": site.fields[field_id].schema,
        }
        for field_id in ("summary", "description")
        if field_id in site.fields
    ]


def request_type_groups(site: Site, project: Project) -> list[JsonObject]:
    """The groups of request types of a desk."""
    del site
    return [{"id": f"{desk_id(project)}1", "name": "General"}]


def queues(site: Site, project: Project) -> list[JsonObject]:
    """The queues of a desk."""
    del site
    desk = desk_id(project)
    return [
        {
            "id": f"{desk}{number}",
            "name": name,
            "jql": f"project = {project.key} AND {jql}",
            "fields": ["issuekey", "summary", "status"],
            "_links": {"self": f"{API}/servicedesk/{desk}/queue/{desk}{number}"},
        }
        for number, (name, jql) in enumerate(
            (("All open", "resolution = Unresolved"), ("Unassigned", "assignee is EMPTY"))
        )
    ]


def organizations(site: Site) -> list[JsonObject]:
    """The customers' organizations; a site without a desk has none."""
    return [
        {
            "id": desk_id(project),
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{site.cloud_id}/organization/{desk_id(project)}")),
            "name": f"Customers of {project.name}",
            "_links": {"self": f"{API}/organization/{desk_id(project)}"},
        }
        for project in desk_projects(site)
    ]


def customers(site: Site, project: Project) -> list[JsonObject]:
    """The customers of a desk: a few of the site's people, none of them twice."""
    people = [account for account in site.accounts.values() if account.active]
    shift = project.project_id % 3
    return [_customer(site, account) for account in people[shift : shift + 3]]


def members_of(site: Site, organization_id: str) -> list[JsonObject] | None:
    """The customers in an organization; None where there is no such organization."""
    for project in desk_projects(site):
        if desk_id(project) == organization_id:
            return customers(site, project)[:2]
    return None


def _customer(site: Site, account: Account) -> JsonObject:
    shown = decode(encode(show.user_listed(site, account)))
    names = ("accountId", "emailAddress", "displayName", "active", "timeZone")
    return {
        **{name: shown[name] for name in names if name in shown},
        "_links": {
            "self": f"{show.API}/user?accountId={account.account_id}",
            "jiraRest": f"{show.API}/user?accountId={account.account_id}",
            "avatarUrls": {},
        },
    }


def organizations_of(site: Site, project: Project) -> list[JsonObject]:
    """The organizations of one desk."""
    return [found for found in organizations(site) if found["id"] == desk_id(project)]
