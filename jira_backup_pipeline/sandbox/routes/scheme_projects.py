"""Which schemes projects follow: the question and the answer that several areas share.

What belongs here: the page of schemes with their projects, the project that a request names, and letting a project
follow schemes that are given with it.

What stays out: making schemes (``screens``, ``schemes``), and what a project has besides (``projects``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.setup import field_rules, fields, schemes

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site

# The member of a project request, the noun, and the list that must have it.
_GIVEN: tuple[tuple[str, str, Callable[[Site], list[JsonObject]]], ...] = (
    ("issueTypeScheme", "issue_type_scheme", schemes.issue_type_schemes),
    ("issueTypeScreenScheme", "issue_type_screen_scheme", fields.type_screen_schemes),
    ("workflowScheme", "workflow_scheme", schemes.workflow_schemes),
    ("permissionScheme", "permission_scheme", schemes.permission_schemes),
    ("notificationScheme", "notification_scheme", schemes.notification_schemes),
    ("issueSecurityScheme", "security_scheme", schemes.security_schemes),
    ("fieldConfigurationScheme", "field_configuration_scheme", field_rules.configuration_schemes),
    ("fieldScheme", "field_scheme", field_rules.field_schemes),
)
# Together with a template these cannot be given.
WITHOUT_TEMPLATE = (
    "issueTypeScheme",
    "issueTypeScreenScheme",
    "workflowScheme",
    "fieldConfigurationScheme",
    "fieldScheme",
)


def associations(call: Call, listed: list[JsonObject], noun: str, member: str) -> list[JsonObject]:
    """Each scheme that asked projects follow, with those projects."""
    call.site.require(call.caller, "ADMINISTER")
    wanted = call.request.every("projectId")
    if not wanted:
        raise ApiError(400, "The projectId is required.")
    by_scheme: dict[str, list[str]] = {}
    for text in wanted:
        project = call.site.find_project(text)
        scheme_id = schemes.follows(call.site, project, noun) if project is not None else None
        if project is not None and scheme_id is not None:
            by_scheme.setdefault(scheme_id, []).append(str(project.project_id))
    return [
        {member: item, "projectIds": by_scheme[str(item["id"])]}
        for item in listed
        if str(item["id"]) in by_scheme
    ]


def projects_of(call: Call, listed: list[JsonObject], noun: str, member: str) -> Response:
    """The page of associations."""
    return page(call, associations(call, listed, noun, member), lambda item: item)


def wanted_project(call: Call) -> Project:
    """The project that a request names by id."""
    call.site.require(call.caller, "ADMINISTER")
    project = call.site.find_project(str(call.json_object().get("projectId", "")))
    if project is None:
        raise ApiError(404, "The project was not found.")
    refuse_team_managed(project)
    return project


def refuse_team_managed(project: Project) -> None:
    """Schemes can be assigned to company-managed projects only."""
    if project.is_team_managed:
        raise ApiError(400, f"The project {project.key} is team-managed: schemes cannot be assigned to it.")


def given_schemes(site: Site, body: JsonObject, errors: dict[str, str]) -> dict[str, str]:
    """The schemes that a project request names, by noun."""
    found: dict[str, str] = {}
    for member, noun, listed in _GIVEN:
        if body.get(member) is None:
            continue
        wanted = str(body[member])
        if all(str(item["id"]) != wanted for item in listed(site)):
            errors[member] = f"The {member} with id {wanted} does not exist."
        found[noun] = wanted
    return found


def followers(site: Site, noun: str, scheme_id: str) -> list[Project]:
    """The projects that follow a scheme."""
    return [item for item in site.projects.values() if schemes.follows(site, item, noun) == scheme_id]


def refresh(site: Site, noun: str, scheme_id: str) -> None:
    """Let everybody who follows a scheme have what it says now."""
    for project in followers(site, noun, scheme_id):
        follow(site, project, noun, scheme_id)


def follow(site: Site, project: Project, noun: str, scheme_id: str) -> None:
    """Let a project follow a scheme, with what that means for its types and workflows."""
    if noun == "issue_type_scheme":
        items = schemes.issue_type_items(site)
        project.issue_types = [
            str(item["issueTypeId"]) for item in items if item["issueTypeSchemeId"] == scheme_id
        ]
    elif noun == "workflow_scheme":
        scheme = next(item for item in schemes.workflow_schemes(site) if str(item["id"]) == scheme_id)
        project.workflows = {"default": scheme["defaultWorkflow"], **scheme.get("issueTypeMappings", {})}
    elif noun == "issue_type_screen_scheme" and scheme_id in site.made.records.get(noun, {}):
        project.off_create_screen = set()
    site.made.bindings[project.project_id, noun] = scheme_id
    site.reference_changed()
