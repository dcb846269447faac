"""Which schemes the site's projects follow, as the lists by project tell it.

What belongs here: records derived from the schemes and the site's projects, with no state of their own.

What stays out: the schemes (``schemes``, ``fields``), and which projects a question names (``routes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.model import ProjectState
from jira_backup_pipeline.sandbox.setup import field_rules, fields, schemes

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site


def live_projects(site: Site) -> list[Project]:
    """The projects that follow schemes: not those in the archive or the trash."""
    return [project for project in site.projects.values() if project.state is ProjectState.LIVE]


# Kind of scheme by what a project follows, the list of such schemes, and what a group calls its scheme.
_FOLLOWED: dict[str, tuple[Callable[[Site], list[JsonObject]], str]] = {
    "issue_type_scheme": (schemes.issue_type_schemes, "issueTypeScheme"),
    "workflow_scheme": (schemes.workflow_schemes, "workflowScheme"),
    "issue_type_screen_scheme": (fields.type_screen_schemes, "issueTypeScreenScheme"),
}


def followed(site: Site, projects: list[Project], noun: str) -> list[JsonObject]:
    """The schemes of a noun that projects follow, each with those projects."""
    listed, member = _FOLLOWED[noun]
    by_scheme: dict[str, list[Json]] = {}
    for project in projects:
        scheme_id = schemes.follows(site, project, noun)
        if scheme_id is not None:
            by_scheme.setdefault(scheme_id, []).append(str(project.project_id))
    return [
        {member: scheme, "projectIds": by_scheme[str(scheme["id"])]}
        for scheme in listed(site)
        if str(scheme["id"]) in by_scheme
    ]


def field_configuration_schemes(site: Site, projects: list[Project]) -> list[JsonObject]:
    """Who follows which field configuration scheme; the default one, which has no record, comes first."""
    by_scheme: dict[str | None, list[Json]] = {None: []}
    for project in (item for item in projects if not item.is_team_managed):
        followed = schemes.follows(site, project, "field_configuration_scheme")
        by_scheme.setdefault(followed, []).append(str(project.project_id))
    found: list[JsonObject] = [{"projectIds": by_scheme[None]}] if by_scheme[None] else []
    return found + [
        {"fieldConfigurationScheme": scheme, "projectIds": by_scheme[str(scheme["id"])]}
        for scheme in field_rules.configuration_schemes(site)
        if str(scheme["id"]) in by_scheme
    ]


def field_schemes(site: Site, projects: list[Project]) -> list[JsonObject]:
    """Which field scheme each project follows."""
    return [
        {
            "schemeId": int(str(schemes.follows(site, project, "field_scheme"))),
            "projectId": project.project_id,
        }
        for project in projects
        if not project.is_team_managed
    ]


def permission_scheme(site: Site, project: Project) -> JsonObject:
    """The permission scheme that a project follows, without its grants; a team-managed one has one of its own."""
    if project.is_team_managed:
        number = 20_000 + project.project_id
        return {
            "id": number,
            "self": f"{show.API}/permissionscheme/{number}",
            "name": f"Permissions of {project.key}",
            **show.scope(project.project_id),
        }
    wanted = schemes.follows(site, project, "permission_scheme")
    found = next(item for item in schemes.permission_schemes(site) if str(item["id"]) == wanted)
    return {name: value for name, value in found.items() if name != "permissions"}


def avatars(site: Site, project: Project) -> JsonObject:
    """The avatars a project can have; the chosen one is among the system's."""
    del site
    chosen = 10_400 + project.project_id % 20
    system: list[Json] = [
        {
            "id": str(number),
            "isSystemAvatar": True,
            "isSelected": number == chosen,
            "isDeletable": False,
            "fileName": f"avatar-{number}.svg",
            "urls": show.avatar_urls(f"projectavatar/{number}"),
        }
        for number in sorted({10_400, 10_401, chosen})
    ]
    own: JsonObject = {
        "id": str(20_000 + project.project_id),
        "owner": str(project.project_id),
        "isSystemAvatar": False,
        "isSelected": False,
        "isDeletable": True,
        "fileName": "team.png",
        "urls": show.avatar_urls(f"projectavatar/{20_000 + project.project_id}"),
    }
    return {"system": system, "custom": [own]}


def picture(site: Site, avatar_id: int) -> tuple[bytes, str] | None:
    """The picture of an avatar with its type: a made image of the project's own, a drawing of the site's; None if unknown."""
    for project in live_projects(site):
        if avatar_id == 20_000 + project.project_id:
            # Begins as a PNG does; nobody here looks further.
            return b"\x89PNG\r\n\x1a\n" + f"team of {project.key}".encode() * 40, "image/png"
    if avatar_id in range(10_400, 10_420):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg"><title>{avatar_id}</title></svg>'.encode(),
            "image/svg+xml",
        )
    return None


def email(project: Project) -> JsonObject:
    """The sender's address of a project's notifications."""
    return {"emailAddress": project.email or "jira@sandbox.invalid", "emailAddressStatus": []}
