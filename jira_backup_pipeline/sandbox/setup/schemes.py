"""Which rules a project follows: schemes of types, workflows, permissions, notifications, security and priorities.

What belongs here: records derived from the site's projects, roles, groups and types, with no state of their
own.

What stays out: enforcing them (``site`` decides who may do what), and schemes of screens and fields
(``fields``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.model import ProjectState

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site

_EVENTS = ((1, "Issue Created"), (2, "Issue Updated"), (3, "Issue Assigned"))
_LEVELS = (("10021", "Reporter only"), ("10022", "Developers"))
_FIRST_SCHEME = 10_000


def _live(site: Site) -> list[Project]:
    return [project for project in site.projects.values() if project.state is ProjectState.LIVE]


def issue_type_schemes(site: Site) -> list[JsonObject]:
    """The default issue type scheme and one for each project."""
    found: list[JsonObject] = [
        {
            "id": str(_FIRST_SCHEME),
            "name": "Default Issue Type Scheme",
            "description": "All types of the site",
            "isDefault": True,
        }
    ]
    for number, project in enumerate(_live(site), 1):
        entry: JsonObject = {
            "id": str(_FIRST_SCHEME + number),
            "name": f"{project.key}: Issue Type Scheme",
            "description": "",
        }
        if project.issue_types:
            entry["defaultIssueTypeId"] = project.issue_types[0]
        found.append(entry)
    return found


def issue_type_items(site: Site) -> list[JsonObject]:
    """Which issue types a scheme has."""
    scopes = [list(site.issue_types), *(project.issue_types for project in _live(site))]
    return [
        {"issueTypeSchemeId": scheme["id"], "issueTypeId": type_id}
        for scheme, types in zip(issue_type_schemes(site), scopes, strict=True)
        for type_id in types
    ]


def workflow_schemes(site: Site) -> list[JsonObject]:
    """One workflow scheme for each project."""
    found: list[JsonObject] = []
    for number, project in enumerate(_live(site)):
        scheme_id = _FIRST_SCHEME + number
        mappings: dict[str, Json] = {
            type_id: name for type_id, name in project.workflows.items() if type_id != "default"
        }
        found.append(
            {
                "id": scheme_id,
                "name": f"{project.key}: Workflow Scheme",
                "description": "",
                "defaultWorkflow": site.workflow_for(project, "").name,
                "issueTypeMappings": mappings,
                "draft": False,
                "self": f"{show.API}/workflowscheme/{scheme_id}",
            }
        )
    return found


def permission_schemes(site: Site) -> list[JsonObject]:
    """The permission scheme of all projects: each role may do what its place in the list allows."""
    roles = list(site.roles.values())
    address = f"{show.API}/permissionscheme/0"
    grants: list[Json] = [
        {
            "id": _FIRST_SCHEME + number,
            "self": f"{address}/permission/{_FIRST_SCHEME + number}",
            "holder": {"type": "projectRole", "parameter": role.item_id, "value": role.item_id},
            "permission": permission,
        }
        for number, (role, permission) in enumerate(
            zip(roles, ("ADMINISTER_PROJECTS", "CREATE_ISSUES", "BROWSE_PROJECTS"), strict=False)
        )
    ]
    return [
        {
            "id": 0,
            "self": address,
            "name": "Default Permission Scheme",
            "description": "The permission scheme of every project.",
            "permissions": grants,
        }
    ]


def notification_schemes(site: Site) -> list[JsonObject]:
    """The notification scheme of all projects."""
    del site
    return [
        {
            "id": _FIRST_SCHEME,
            "self": f"{show.API}/notificationscheme/{_FIRST_SCHEME}",
            "name": "Default Notification Scheme",
            "description": "",
            "notificationSchemeEvents": [
                {
                    "event": {"id": number, "name": name, "description": ""},
                    "notifications": [{"id": number, "notificationType": "CurrentAssignee"}],
                }
                for number, name in _EVENTS
            ],
        }
    ]


def notification_projects(site: Site) -> list[JsonObject]:
    """Which notification scheme a project has."""
    return [
        {"notificationSchemeId": str(_FIRST_SCHEME), "projectId": str(project.project_id)}
        for project in _live(site)
    ]


def security_schemes(site: Site) -> list[JsonObject]:
    """The issue security scheme."""
    del site
    return [
        {
            "id": _FIRST_SCHEME,
            "self": f"{show.API}/issuesecurityschemes/{_FIRST_SCHEME}",
            "name": "Confidential work",
            "description": "Levels that hide issues",
            "defaultSecurityLevelId": int(_LEVELS[0][0]),
        }
    ]


def security_levels(site: Site) -> list[JsonObject]:
    """The levels of the security scheme."""
    del site
    return [
        {
            "id": level_id,
            "self": f"{show.API}/issuesecurityschemes/level?id={level_id}",
            "name": name,
            "description": "",
            "isDefault": level_id == _LEVELS[0][0],
            "issueSecuritySchemeId": str(_FIRST_SCHEME),
        }
        for level_id, name in _LEVELS
    ]


def security_members(site: Site) -> list[JsonObject]:
    """Who is in a security level."""
    group = next(iter(site.groups.values()), None)
    holders: list[Json] = [{"type": "reporter"}]
    if group is not None:
        holders.append({"type": "group", "parameter": group.name, "value": group.group_id})
    return [
        {
            "id": str(_FIRST_SCHEME + number),
            "issueSecurityLevelId": level_id,
            "issueSecuritySchemeId": str(_FIRST_SCHEME),
            "holder": holder,
        }
        for number, ((level_id, _), holder) in enumerate(zip(_LEVELS, holders, strict=False))
    ]


def security_projects(site: Site) -> list[JsonObject]:
    """Which projects follow the security scheme: the first alone."""
    return [
        {"issueSecuritySchemeId": str(_FIRST_SCHEME), "projectId": str(project.project_id)}
        for project in _live(site)[:1]
    ]


def priority_schemes(site: Site) -> list[JsonObject]:
    """The priority scheme of all projects."""
    priorities: list[Json] = [
        show.priority(item) | {"sequence": str(number)}
        for number, item in enumerate(site.priorities.values())
    ]
    projects: list[Json] = [
        {"id": str(project.project_id), "key": project.key, "name": project.name} for project in _live(site)
    ]
    return [
        {
            "id": "1",
            "self": f"{show.API}/priorityscheme/1",
            "name": "Default Priority Scheme",
            "description": "",
            "isDefault": True,
            "defaultPriorityId": list(site.priorities)[len(site.priorities) // 2],
            "priorities": _whole(priorities),
            "projects": _whole(projects),
        }
    ]


def _whole(values: list[Json]) -> JsonObject:
    return {
        "startAt": 0,
        "maxResults": 50,
        "total": len(values),
        "isLast": True,
        "values": values,
    }
