"""The site itself: tenant, server information, the caller, permissions, labels, limits.

What belongs here: what a client asks before it begins: where it is, who it is, what it may do and how much
fits.

What stays out: the rules behind the permissions (``site``), other accounts (``people``), and settings that an
administrator makes (``site_setup``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.clock import iso_text
from jira_backup_pipeline.sandbox.http import (
    SITE_BASE,
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
)
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.setup.administration import time_tracking_options

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
GLOBAL_PERMISSIONS = (
    "ADMINISTER",
    "BULK_CHANGE",
    "CREATE_SHARED_OBJECTS",
    "MANAGE_GROUP_FILTER_SUBSCRIPTIONS",
    "USER_PICKER",
)
PROJECT_PERMISSIONS = (
    "ADMINISTER_PROJECTS",
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "DELETE_ISSUES",
    "TRANSITION_ISSUES",
    "LINK_ISSUES",
    "MOVE_ISSUES",
    "ADD_COMMENTS",
    "EDIT_ALL_COMMENTS",
    "DELETE_ALL_COMMENTS",
    "CREATE_ATTACHMENTS",
    "DELETE_ALL_ATTACHMENTS",
    "WORK_ON_ISSUES",
    "EDIT_ALL_WORKLOGS",
    "DELETE_ALL_WORKLOGS",
    "MANAGE_WATCHERS",
    "VIEW_VOTERS_AND_WATCHERS",
    "MODIFY_REPORTER",
    "ASSIGN_ISSUES",
    "SCHEDULE_ISSUES",
    "RESOLVE_ISSUES",
    "CLOSE_ISSUES",
    "SET_ISSUE_SECURITY",
    "MANAGE_SPRINTS_PERMISSION",
)


@ROUTES.get("/_edge/tenant_info")
def tenant_info(call: Call) -> Response:
    """The cloud id, for anybody."""
    return json_response({"cloudId": call.site.cloud_id})


@ROUTES.get(f"{API}/serverInfo")
def server_info(call: Call) -> Response:
    """Version and time, for anybody."""
    site = call.site
    return json_response(
        {
            "baseUrl": SITE_BASE,
            "displayUrl": SITE_BASE,
            "displayUrlServicedeskHelpCenter": SITE_BASE,
            "displayUrlConfluence": SITE_BASE,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_287,
            "buildDate": iso_text(1_767_225_600_000, site.time_zone),
            "serverTime": iso_text(site.now(), site.time_zone),
            "scmInfo": "sandbox",
            "serverTitle": site.title,
            "serverTimeZone": site.time_zone,
        }
    )


@ROUTES.get(f"{API}/myself")
def myself(call: Call) -> Response:
    """Who is calling."""
    return json_response(show.user(call.site, call.actor(), detail=True))


@ROUTES.get(f"{API}/permissions")
def all_permissions(call: Call) -> Response:
    """Every permission there is."""
    call.actor()
    return json_response({"permissions": permission_records()})


def permission_records() -> dict[str, JsonObject]:
    """Every permission by its key."""
    entries = [(key, "GLOBAL") for key in GLOBAL_PERMISSIONS] + [
        (key, "PROJECT") for key in PROJECT_PERMISSIONS
    ]
    return {key: _permission(key, kind) for key, kind in entries}


def _permission(key: str, kind: str) -> JsonObject:
    name = key.replace("_", " ").capitalize()
    return {"key": key, "name": name, "type": kind, "description": f"{name}."}


@ROUTES.get(f"{API}/mypermissions")
def my_permissions(call: Call) -> Response:
    """Which of the asked permissions the caller has."""
    asked = call.request.every("permissions")
    if not asked:
        raise ApiError(400, "The 'permissions' query parameter is required.")
    unknown = [key for key in asked if key not in GLOBAL_PERMISSIONS + PROJECT_PERMISSIONS]
    if unknown:
        raise ApiError(400, f"Unrecognized permission: {', '.join(unknown)}")
    site = call.site
    wanted = call.request.first("projectKey") or call.request.first("projectId")
    issue = call.request.first("issueKey") or call.request.first("issueId")
    project = site.readable_project(call.caller, wanted) if wanted else None
    if issue:
        project = site.project_of(site.readable_issue(call.caller, issue))
    found: JsonObject = {}
    for number, key in enumerate(asked):
        kind = "GLOBAL" if key in GLOBAL_PERMISSIONS else "PROJECT"
        held = site.may(call.caller, key, project if kind == "PROJECT" else None)
        if kind == "PROJECT" and project is None:
            held = any(site.may(call.caller, key, item) for item in site.projects.values())
        found[key] = {"id": str(number), **_permission(key, kind), "havePermission": held}
    return json_response({"permissions": found})


@ROUTES.post(f"{API}/permissions/check")
def check_permissions(call: Call) -> Response:
    """Which of the named permissions an account has, on which projects and issues."""
    body = call.json_object()
    site = call.site
    account = site.accounts.get(str(body["accountId"])) if body.get("accountId") else call.caller
    if body.get("accountId") and account is not call.caller:
        site.require(call.caller, "ADMINISTER")
    held = [key for key in body.get("globalPermissions") or [] if site.may(account, key)]
    grants: list[JsonObject] = []
    for asked in body.get("projectPermissions") or []:
        for key in asked.get("permissions") or []:
            projects = [
                number
                for number in asked.get("projects") or []
                if (found := site.find_project(str(number))) is not None and site.may(account, key, found)
            ]
            issues = [
                number
                for number in asked.get("issues") or []
                if (issue := site.find_issue(str(number))) is not None
                and site.may(account, key, site.project_of(issue))
            ]
            grants.append({"permission": key, "projects": projects, "issues": issues})
    return json_response({"globalPermissions": held, "projectPermissions": grants})


@ROUTES.get(f"{API}/label")
def labels(call: Call) -> Response:
    """Every label in use on issues the caller sees."""
    found = labels_of(call.site, call.caller)
    return page(call, found, lambda label: label, default=1000, maximum=1000, links=False)


def labels_of(site: Site, account: Account | None) -> list[str]:
    """The labels on the issues that an account sees."""
    found: set[str] = set()
    for project in site.projects.values():
        if site.can_browse(account, project):
            for issue in site.issues.of_project(project.project_id):
                found.update(issue.labels)
    return sorted(found)


@ROUTES.get(f"{API}/issue/limit/report")
def limit_report(call: Call) -> Response:
    """The per-issue limits and the issues near or beyond them."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    settings = site.settings
    limits = {
        "comment": settings.comments_per_issue,
        "worklog": settings.worklogs_per_issue,
        "attachment": settings.attachments_per_issue,
        "issuelinks": settings.links_per_issue,
        "remoteIssueLinks": settings.remote_links_per_issue,
    }
    near: dict[str, dict[str, int]] = {name: {} for name in limits}
    beyond: dict[str, dict[str, int]] = {name: {} for name in limits}
    for issue in site.issues:
        if issue.body is None:
            continue
        counts = {
            "comment": len(issue.body.comments),
            "worklog": len(issue.body.worklogs),
            "attachment": len(issue.body.attachments),
            "issuelinks": len(site.links_of.get(issue.issue_id, ())),
            "remoteIssueLinks": len(issue.body.remote_links),
        }
        name = (
            site.key_of(issue) if call.request.flag("isReturningKeys", default=False) else str(issue.issue_id)
        )
        for field, count in counts.items():
            if count >= limits[field]:
                beyond[field][name] = count
            elif count >= limits[field] * 0.9:
                near[field][name] = count
    return json_response({"limits": limits, "issuesApproachingLimit": near, "issuesBreachingLimit": beyond})


@ROUTES.get(f"{API}/configuration")
def site_configuration(call: Call) -> Response:
    """The site's switches."""
    call.actor()
    return json_response(configuration_record(call.site))


def configuration_record(site: Site) -> JsonObject:
    """The site's switches and how it shows time."""
    return {
        "votingEnabled": True,
        "watchingEnabled": True,
        "unassignedIssuesAllowed": True,
        "subTasksEnabled": True,
        "issueLinkingEnabled": site.settings.issue_linking_enabled,
        "timeTrackingEnabled": site.settings.time_tracking_enabled,
        "attachmentsEnabled": site.settings.attachments_enabled,
        "timeTrackingConfiguration": time_tracking_options(site),
    }
