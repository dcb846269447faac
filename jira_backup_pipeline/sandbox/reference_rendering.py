"""People, projects, statuses, versions and the like as Jira's JSON.

What belongs here: every noun that issues refer to, in each of its forms (brief, listed, in detail), and the
ready bytes of those that many issues show.

What stays out: issues and what hangs on them (``rendering``), schemes, screens, filters and other setup
(``setup``), and which of it a caller gets (``routes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jira_backup_pipeline.sandbox.clock import iso_text, utc_text
from jira_backup_pipeline.sandbox.http import SELF_BASE, SITE_BASE, Json, JsonObject, encode
from jira_backup_pipeline.sandbox.model import (
    Account,
    Board,
    Component,
    Field,
    FieldOption,
    IssueType,
    LinkType,
    Named,
    Project,
    ProjectState,
    RoleActor,
    Sprint,
    Status,
    Version,
    Visibility,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.site import Site

API = f"{SELF_BASE}/rest/api/3"
CATEGORIES: dict[str, tuple[int, str, str, str]] = {
    "undefined": (1, "medium-gray", "No Category", "UNDEFINED"),
    "new": (2, "blue-gray", "To Do", "TODO"),
    "indeterminate": (4, "yellow", "In Progress", "IN_PROGRESS"),
    "done": (3, "green", "Done", "DONE"),
}


def fragment(site: Site, kind: str, item_id: object, make: Callable[[], Json]) -> msgspec.Raw:
    """The JSON bytes of a thing that many issues show, kept until reference data changes."""
    key = (kind, item_id)
    found: msgspec.Raw | None = site.answers.entries.get(key)
    if found is None:
        found = msgspec.Raw(encode(make()))
        site.answers.entries[key] = found
    return found


def avatar_urls(address: str) -> JsonObject:
    """The four sizes of an avatar."""
    return {f"{size}x{size}": f"{SITE_BASE}/{address}?s={size}" for size in (48, 24, 16, 32)}


def user(site: Site, account: Account, *, detail: bool = False) -> JsonObject:
    """An account."""
    value: JsonObject = {
        "self": f"{API}/user?accountId={account.account_id}",
        "accountId": account.account_id,
        "emailAddress": account.email,
        "avatarUrls": avatar_urls(f"avatar/{account.account_id[-12:]}"),
        "displayName": account.display_name,
        "active": account.active,
        "accountType": account.account_type,
    }
    if site.settings.tell_time_zone:
        value["timeZone"] = account.time_zone
    if detail:
        groups = [group for group in site.groups.values() if account.account_id in group.members]
        items = [
            {"name": g.name, "groupId": g.group_id, "self": f"{API}/group?groupId={g.group_id}"}
            for g in groups
        ]
        value["locale"] = account.locale
        value["groups"] = {"size": len(items), "items": items}
        value["applicationRoles"] = {"size": 1, "items": []}
        value["expand"] = "groups,applicationRoles"
    return value


def user_part(site: Site, account_id: str | None) -> msgspec.Raw | None:
    """An account by id as a ready part; None for nobody."""
    if account_id is None:
        return None
    account = site.accounts.get(account_id)
    if account is None:
        return fragment(
            site, "user", account_id, lambda: {"accountId": account_id, "displayName": "Former user"}
        )
    if account.raw is not None:
        return msgspec.Raw(account.raw)
    return fragment(site, "user", account_id, lambda: user(site, account))


def user_listed(site: Site, account: Account) -> Json:
    """An account as lists show it: the recorded text, or made."""
    return user_part(site, account.account_id)


def category_part(key: str) -> JsonObject:
    """A status category as an object."""
    number, color, name, _ = CATEGORIES[key]
    return {
        "self": f"{API}/statuscategory/{number}",
        "id": number,
        "key": key,
        "colorName": color,
        "name": name,
    }


def scope(project_id: int | None, *, default: str = "") -> JsonObject:
    """The scope of what may belong to one team-managed project, as a member to add; ``default`` is told of all else."""
    if project_id is not None:
        return {"scope": {"type": "PROJECT", "project": {"id": str(project_id)}}}
    return {"scope": {"type": default}} if default else {}


def status(item: Status) -> Json:
    """A status."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    value: JsonObject = {
        "self": f"{API}/status/{item.status_id}",
        "description": item.description,
        "iconUrl": f"{SITE_BASE}/images/icons/statuses/generic.png",
        "name": item.name,
        "id": item.status_id,
        "statusCategory": category_part(item.category),
    }
    return value | scope(item.project_id)


def issue_type(item: IssueType) -> JsonObject:
    """An issue type."""
    value: JsonObject = {
        "self": f"{API}/issuetype/{item.type_id}",
        "id": item.type_id,
        "description": item.description,
        "iconUrl": f"{SITE_BASE}/typeavatar/{item.avatar_id}?s=medium",
        "name": item.name,
        "subtask": item.level < 0,
        "avatarId": item.avatar_id,
        "hierarchyLevel": item.level,
    }
    if item.entity_id:
        value["entityId"] = item.entity_id
    return value | scope(item.project_id)


def priority(item: Named) -> JsonObject:
    """A priority as issues show it."""
    return {
        "self": f"{API}/priority/{item.item_id}",
        "iconUrl": f"{SITE_BASE}/images/icons/priorities/{item.name.lower()}.svg",
        "name": item.name,
        "id": item.item_id,
    }


def resolution(item: Named) -> JsonObject:
    """A resolution."""
    return {
        "self": f"{API}/resolution/{item.item_id}",
        "id": item.item_id,
        "description": item.description,
        "name": item.name,
    }


def component(site: Site, item: Component, *, detail: bool = False) -> JsonObject:
    """A component; in detail with its lead and assignee rules."""
    value: JsonObject = {
        "self": f"{API}/component/{item.component_id}",
        "id": str(item.component_id),
        "name": item.name,
    }
    if item.description:
        value["description"] = item.description
    if detail:
        project = site.projects[item.project_id]
        if item.lead:
            value["lead"] = user_part(site, item.lead)
        value["assigneeType"] = item.assignee_type
        value["realAssigneeType"] = item.assignee_type
        value["isAssigneeTypeValid"] = True
        value["project"] = project.key
        value["projectId"] = project.project_id
    return value


def version(item: Version, *, detail: bool = False) -> Json:
    """A version; in detail with its project."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    value: JsonObject = {
        "self": f"{API}/version/{item.version_id}",
        "id": str(item.version_id),
        "description": item.description,
        "name": item.name,
        "archived": item.archived,
        "released": item.released,
    }
    if item.start_date and detail:
        value["startDate"] = item.start_date
    if item.release_date:
        value["releaseDate"] = item.release_date
    if detail:
        value["projectId"] = item.project_id
    return value


def option(item: FieldOption) -> JsonObject:
    """A select option as a value."""
    return {
        "self": f"{API}/customFieldOption/{item.option_id}",
        "value": item.value,
        "id": str(item.option_id),
    }


def sprint_value(item: Sprint) -> JsonObject:
    """A sprint as a field value."""
    value: JsonObject = {
        "id": item.sprint_id,
        "name": item.name,
        "state": item.state,
        "boardId": item.board_id,
        "goal": item.goal,
    }
    for name, at in (
        ("startDate", item.start_ms),
        ("endDate", item.end_ms),
        ("completeDate", item.complete_ms),
    ):
        if at is not None:
            value[name] = utc_text(at)
    return value


def sprint(item: Sprint) -> Json:
    """A sprint of the agile API."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    value = sprint_value(item)
    del value["boardId"]
    value["self"] = f"{SELF_BASE}/rest/agile/1.0/sprint/{item.sprint_id}"
    value["originBoardId"] = item.board_id
    return value


def board(site: Site, item: Board) -> Json:
    """A board of the agile API."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    project = site.projects[item.project_id]
    return {
        "id": item.board_id,
        "self": f"{SELF_BASE}/rest/agile/1.0/board/{item.board_id}",
        "name": item.name,
        "type": item.board_type,
        "location": {
            "projectId": project.project_id,
            "displayName": f"{project.name} ({project.key})",
            "projectName": project.name,
            "projectKey": project.key,
            "projectTypeKey": project.type_key,
            "avatarURI": f"/rest/api/2/universal_avatar/view/type/project/avatar/{10400 + project.project_id % 20}",
            "name": f"{project.name} ({project.key})",
        },
        "isPrivate": False,
    }


def link_type(item: LinkType) -> JsonObject:
    """A link type."""
    return {
        "id": item.type_id,
        "name": item.name,
        "inward": item.inward,
        "outward": item.outward,
        "self": f"{API}/issueLinkType/{item.type_id}",
    }


def field_definition(item: Field) -> Json:
    """A field as ``/field`` lists it."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    value: JsonObject = {
        "id": item.field_id,
        "key": item.field_id,
        "name": item.name,
        "custom": item.custom,
        "orderable": item.orderable,
        "navigable": item.navigable,
        "searchable": item.searchable,
        "clauseNames": list(item.clause_names),
    }
    if item.schema:
        value["schema"] = item.schema
    return value | scope(item.project_id)


def visibility(item: Visibility) -> JsonObject:
    """Who may read a comment or worklog."""
    return {"type": item.kind, "value": item.value, "identifier": item.identifier}


def project_brief(site: Site, item: Project) -> JsonObject:
    """A project as issues show it."""
    value: JsonObject = {
        "self": f"{API}/project/{item.project_id}",
        "id": str(item.project_id),
        "key": item.key,
        "name": item.name,
        "projectTypeKey": item.type_key,
        "simplified": item.is_team_managed,
        "avatarUrls": avatar_urls(f"projectavatar/{10400 + item.project_id % 20}"),
    }
    if item.category_id in site.categories:
        value["projectCategory"] = category(site.categories[item.category_id or ""])
    return value


def category(item: Named) -> JsonObject:
    """A project category."""
    return {
        "self": f"{API}/projectCategory/{item.item_id}",
        "id": item.item_id,
        "name": item.name,
        "description": item.description,
    }


def _style(item: Project) -> JsonObject:
    """Who manages a project; what only a team-managed one has comes along."""
    if not item.is_team_managed:
        return {"style": "classic"}
    return {"style": "next-gen", "entityId": item.entity_id, "uuid": item.entity_id}


def project_listed(site: Site, item: Project, expand: set[str]) -> Json:
    """A project as lists show it, with what the caller asked to expand."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    value = project_brief(site, item)
    value = {"expand": "description,lead,issueTypes,url,projectKeys,permissions,insight", **value}
    value |= {**_style(item), "isPrivate": False, "properties": {}}
    if "description" in expand:
        value["description"] = item.description
    if "lead" in expand:
        value["lead"] = user_part(site, item.lead)
    if "issueTypes" in expand:
        value["issueTypes"] = [issue_type(site.issue_types[type_id]) for type_id in item.issue_types]
    if "projectKeys" in expand:
        value["projectKeys"] = [item.key, *item.old_keys]
    if "url" in expand and item.url:
        value["url"] = item.url
    if "insight" in expand:
        value["insight"] = insight(site, item)
    if item.state is ProjectState.ARCHIVED:
        value["archived"] = True
    if item.state is ProjectState.DELETED and item.deleted_at_ms is not None:
        value["deleted"] = True
        value["deletedDate"] = iso_text(item.deleted_at_ms, site.time_zone)
        value["deletedBy"] = user_part(site, item.deleted_by)
        value["retentionTillDate"] = iso_text(item.deleted_at_ms + 60 * 86_400_000, site.time_zone)
    return value


def insight(site: Site, item: Project) -> JsonObject:
    """Issue count and last update of a project."""
    issues = site.issues.of_project(item.project_id)
    value: JsonObject = {"totalIssueCount": len(issues)}
    if issues:
        value["lastIssueUpdateTime"] = iso_text(max(issue.updated_ms for issue in issues), site.time_zone)
    return value


def project_detail(site: Site, item: Project, expand: set[str]) -> Json:
    """A project as its own address shows it."""
    if item.raw is not None:
        return msgspec.Raw(item.raw)
    value: JsonObject = project_listed(site, item, expand | {"description", "lead", "issueTypes"})
    value["assigneeType"] = item.assignee_type
    value["components"] = [component(site, entry) for entry in site.components_of(item.project_id)]
    value["versions"] = [version(entry, detail=True) for entry in site.versions_of(item.project_id)]
    value["roles"] = {
        role.name: f"{API}/project/{item.project_id}/role/{role.item_id}" for role in site.roles_of(item)
    }
    if item.url:
        value["url"] = item.url
    return value


def role_actor(site: Site, actor: RoleActor) -> JsonObject:
    """A member of a role."""
    if actor.group_id is not None:
        group = site.groups[actor.group_id]
        return {
            "id": actor.actor_id,
            "displayName": group.name,
            "type": "atlassian-group-role-actor",
            "name": group.name,
            "actorGroup": {"name": group.name, "displayName": group.name, "groupId": group.group_id},
        }
    account = site.accounts[actor.account_id or ""]
    return {
        "id": actor.actor_id,
        "displayName": account.display_name,
        "type": "atlassian-user-role-actor",
        "actorUser": {"accountId": account.account_id},
    }


def project_role(site: Site, item: Project, role: Named) -> JsonObject:
    """A role of a project with its members."""
    return {
        "self": f"{API}/project/{item.project_id}/role/{role.item_id}",
        "name": role.name,
        "id": int(role.item_id),
        "description": role.description,
        "actors": [role_actor(site, actor) for actor in item.roles.get(role.item_id, [])],
    } | scope(role.project_id)


def role_summary(role: Named) -> JsonObject:
    """A role without members."""
    return {
        "self": f"{API}/role/{role.item_id}",
        "name": role.name,
        "id": int(role.item_id),
        "description": role.description,
    } | scope(role.project_id)
