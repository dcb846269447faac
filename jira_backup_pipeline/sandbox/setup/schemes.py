"""Which rules a project follows: schemes of types, workflows, permissions, notifications, security and priorities.

What belongs here: records that follow from the site's projects, roles, groups and types, together with those that
requests have made, and which of them a project follows.

What stays out: enforcing them (``site`` decides who may do what), and schemes of screens and fields
(``fields``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.model import ProjectState

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.model import Account, Issue, Project
    from jira_backup_pipeline.sandbox.site import Site

_EVENTS = ((1, "Issue Created"), (2, "Issue Updated"), (3, "Issue Assigned"), (6, "Issue Commented"))
LEVELS = (("10021", "Reporter only"), ("10022", "Developers"))
_FIRST_SCHEME = 10_000


def _live(site: Site) -> list[Project]:
    """The projects that follow schemes: not those in the archive or the trash, nor team-managed ones."""
    return [p for p in site.projects.values() if p.state is ProjectState.LIVE and not p.is_team_managed]


def follows(site: Site, project: Project, noun: str) -> str | None:
    """The id of the scheme that a project follows, or None where it follows none, as every team-managed one."""
    if project.is_team_managed:
        return None
    given = site.made.bindings.get((project.project_id, noun), "")
    if given != "":
        return given
    own = str(_FIRST_SCHEME + 1 + project.project_id)
    first = str(next(iter(site.projects))) if site.projects else ""
    return {
        "issue_type_scheme": own,
        "workflow_scheme": own,
        "issue_type_screen_scheme": "1",
        "permission_scheme": "0",
        "notification_scheme": str(_FIRST_SCHEME),
        "security_scheme": str(_FIRST_SCHEME) if str(project.project_id) == first else None,
        "priority_scheme": "1",
        "field_configuration_scheme": str(_FIRST_SCHEME) if str(project.project_id) == first else None,
        "field_scheme": str(_FIRST_SCHEME),
    }[noun]


def keep_schemes(site: Site, project: Project, *nouns: str) -> None:
    """Keep what a project follows, of all sorts or of some: in Jira schemes outlive their projects and other choices."""
    for noun, listed in (("issue_type_scheme", issue_type_schemes), ("workflow_scheme", workflow_schemes)):
        if nouns and noun not in nouns:
            continue
        scheme_id = follows(site, project, noun)
        found = next((item for item in listed(site) if str(item["id"]) == scheme_id), None)
        if found is None or scheme_id is None or scheme_id in site.made.records.get(noun, {}):
            continue
        site.made.items[noun, scheme_id] = [
            item for item in issue_type_items(site) if item["issueTypeSchemeId"] == scheme_id
        ]
        site.made.add(noun, found)


def _of_its_own(site: Site, noun: str) -> list[Project]:
    """The projects that no request has given a scheme of the noun."""
    return [project for project in _live(site) if (project.project_id, noun) not in site.made.bindings]


def issue_type_schemes(site: Site) -> list[JsonObject]:
    """The default issue type scheme, one for each project, and those that were made."""
    found: list[JsonObject] = [
        {
            "id": str(_FIRST_SCHEME),
            "name": "Default Issue Type Scheme",
            "description": "All types of the site",
            "isDefault": True,
        }
    ]
    if str(_FIRST_SCHEME) in site.made.records.get("issue_type_scheme", {}):
        found.clear()
    for project in _of_its_own(site, "issue_type_scheme"):
        entry: JsonObject = {
            "id": str(follows(site, project, "issue_type_scheme")),
            "name": f"{project.key}: Issue Type Scheme",
            "description": "",
        }
        if project.issue_types:
            entry["defaultIssueTypeId"] = project.issue_types[0]
        found.append(entry)
    return found + site.made.of("issue_type_scheme")


def issue_type_items(site: Site) -> list[JsonObject]:
    """Which issue types a scheme has."""
    found: list[JsonObject] = [
        {"issueTypeSchemeId": str(_FIRST_SCHEME), "issueTypeId": type_id} for type_id in site.shared_types()
    ]
    if str(_FIRST_SCHEME) in site.made.records.get("issue_type_scheme", {}):
        found.clear()
    for project in _of_its_own(site, "issue_type_scheme"):
        scheme_id = follows(site, project, "issue_type_scheme")
        found += [{"issueTypeSchemeId": scheme_id, "issueTypeId": type_id} for type_id in project.issue_types]
    for scheme in site.made.of("issue_type_scheme"):
        found += site.made.items["issue_type_scheme", str(scheme["id"])]
    return found


def workflow_schemes(site: Site) -> list[JsonObject]:
    """One workflow scheme for each project, and those that were made."""
    found: list[JsonObject] = []
    for project in _of_its_own(site, "workflow_scheme"):
        scheme_id = str(follows(site, project, "workflow_scheme"))
        mappings: dict[str, Json] = {
            type_id: name for type_id, name in project.workflows.items() if type_id != "default"
        }
        found.append(
            {
                "id": int(scheme_id),
                "name": f"{project.key}: Workflow Scheme",
                "description": "",
                "defaultWorkflow": site.workflow_for(project, "").name,
                "issueTypeMappings": mappings,
                "draft": False,
                "self": f"{show.API}/workflowscheme/{scheme_id}",
            }
        )
    return found + site.made.of("workflow_scheme")


def permission_schemes(site: Site) -> list[JsonObject]:
    """The permission scheme of all projects: each role may do what its place in the list allows."""
    roles = site.roles_of(None)
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
    found: list[JsonObject] = [
        {
            "id": 0,
            "self": address,
            "name": "Default Permission Scheme",
            "description": "The permission scheme of every project.",
            "permissions": grants,
        }
    ]
    return site.made.overlaid("permission_scheme", found) + site.made.of("permission_scheme")


def notification_schemes(site: Site) -> list[JsonObject]:
    """The notification scheme of all projects."""
    found: list[JsonObject] = [
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
    return site.made.overlaid("notification_scheme", found) + site.made.of("notification_scheme")


def notification_projects(site: Site) -> list[JsonObject]:
    """Which notification scheme a project has."""
    return [
        {"notificationSchemeId": scheme_id, "projectId": str(project.project_id)}
        for project in _live(site)
        if (scheme_id := follows(site, project, "notification_scheme")) is not None
    ]


def security_schemes(site: Site) -> list[JsonObject]:
    """The issue security schemes."""
    found: list[JsonObject] = [
        {
            "id": _FIRST_SCHEME,
            "self": f"{show.API}/issuesecurityschemes/{_FIRST_SCHEME}",
            "name": "Confidential work",
            "description": "Levels that hide issues",
            "defaultSecurityLevelId": int(LEVELS[0][0]),
        }
    ]
    return site.made.overlaid("security_scheme", found) + site.made.of("security_scheme")


def security_levels(site: Site) -> list[JsonObject]:
    """The levels of the security schemes."""
    found: list[JsonObject] = [
        {
            "id": level_id,
            "self": f"{show.API}/issuesecurityschemes/level?id={level_id}",
            "name": name,
            "description": "",
            "isDefault": level_id == LEVELS[0][0],
            "issueSecuritySchemeId": str(_FIRST_SCHEME),
        }
        for level_id, name in LEVELS
    ]
    return found + site.made.of("security_level")


def security_members(site: Site) -> list[JsonObject]:
    """Who is in a security level."""
    group = next(iter(site.groups.values()), None)
    holders: list[Json] = [{"type": "reporter"}]
    if group is not None:
        holders.append({"type": "group", "parameter": group.name, "value": group.group_id})
    found: list[JsonObject] = [
        {
            "id": str(_FIRST_SCHEME + number),
            "issueSecurityLevelId": level_id,
            "issueSecuritySchemeId": str(_FIRST_SCHEME),
            "holder": holder,
        }
        for number, ((level_id, _), holder) in enumerate(zip(LEVELS, holders, strict=False))
    ]
    return found + site.made.of("security_level_member")


def is_cleared(site: Site, account: Account, issue: Issue) -> bool:
    """Whether an account is in the security level of an issue, if it has one: by group, or as its reporter."""
    values = site.body(issue).values
    level = values.get("security")
    return level is None or any(
        _is_holder(site, account, member["holder"], values.get("reporter"))
        for member in security_members(site)
        if str(member["issueSecurityLevelId"]) == str(level)
    )


def _is_holder(site: Site, account: Account, holder: JsonObject, reporter: Json) -> bool:
    if holder["type"] == "group":
        group = site.groups.get(str(holder["value"]))
        return group is not None and account.account_id in group.members
    return bool(holder["type"] == "reporter" and account.account_id == reporter)


def security_projects(site: Site) -> list[JsonObject]:
    """Which projects follow which security scheme: the first one alone, unless a request gave it to others."""
    return [
        {"issueSecuritySchemeId": scheme_id, "projectId": str(project.project_id)}
        for project in _live(site)
        if (scheme_id := follows(site, project, "security_scheme")) is not None
    ]


def priority_schemes(site: Site, *, inline: int | None = 50) -> list[JsonObject]:
    """The priority scheme of all projects, with the first of its priorities and projects (all without ``inline``)."""
    priorities: list[Json] = [
        show.priority(item) | {"sequence": str(number)}
        for number, item in enumerate(site.priorities.values())
    ]
    projects = _priority_projects(site, "1")
    default: list[JsonObject] = [
        {
            "id": "1",
            "self": f"{show.API}/priorityscheme/1",
            "name": "Default Priority Scheme",
            "description": "",
            "isDefault": True,
            "defaultPriorityId": list(site.priorities)[len(site.priorities) // 2],
            "priorities": _first(priorities, inline),
            "projects": _first(projects, inline),
        }
    ]
    return default + [
        _made_priority_scheme(site, record, inline) for record in site.made.of("priority_scheme")
    ]


def _priority_projects(site: Site, scheme_id: str) -> list[Json]:
    return [
        {"id": str(project.project_id), "key": project.key, "name": project.name}
        for project in _live(site)
        if follows(site, project, "priority_scheme") == scheme_id
    ]


def _made_priority_scheme(site: Site, record: JsonObject, inline: int | None) -> JsonObject:
    priorities: list[Json] = [
        show.priority(site.priorities[item]) | {"sequence": str(number)}
        for number, item in enumerate(record["priorityIds"])
    ]
    return {
        **{name: value for name, value in record.items() if name != "priorityIds"},
        "self": f"{show.API}/priorityscheme/{record['id']}",
        "isDefault": False,
        "priorities": _first(priorities, inline),
        "projects": _first(_priority_projects(site, str(record["id"])), inline),
    }


def _first(values: list[Json], inline: int | None) -> JsonObject:
    return {
        "startAt": 0,
        "maxResults": 50,
        "total": len(values),
        "isLast": inline is None or len(values) <= inline,
        "values": values[:inline],
    }
