"""Projects: lists, one, create, change, archive, trash, restore, delete, and the checks of keys and names.

What belongs here: a project's own record and its life. A former key keeps leading to it, and one in the trash
stays taken.

What stays out: what lies below a project (``project_parts``, ``versions``), and the end of its issues
(``changes``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import (
    SELF_BASE,
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.model import Board, Project, ProjectState
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.routes.scheme_projects import WITHOUT_TEMPLATE, follow, given_schemes

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
OFF_SCREEN = ("resolution",)
_NO_CATEGORY = "-1"
_EDITABLE_SCHEMES = ("permissionScheme", "notificationScheme", "issueSecurityScheme")


def visible_projects(call: Call, action: str = "view") -> list[Project]:
    """Live projects by key: those an administrator may view, or those whose issues the caller may read."""
    site = call.site
    found: list[Project] = []
    for item in site.projects.values():
        if item.state is ProjectState.DELETED:
            continue
        if site.can_browse(call.caller, item) or (action != "browse" and site.may(call.caller, "ADMINISTER")):
            found.append(item)
    return sorted(found, key=lambda item: item.key)


@ROUTES.get(f"{API}/project")
def all_projects(call: Call) -> Response:
    """All projects as a plain list."""
    items = [item for item in visible_projects(call) if item.state is ProjectState.LIVE]
    expand = set(call.request.every("expand"))
    return json_response([show.project_listed(call.site, item, expand) for item in items])


@ROUTES.get(f"{API}/project/search")
def search_projects(call: Call) -> Response:
    """Projects by page: by state, id, key, text and what the caller may do in them."""
    request = call.request
    site = call.site
    states = set(request.every("status")) or {"live"}
    unknown = states - {state.value for state in ProjectState}
    if unknown:
        raise ApiError(400, f"The status '{', '.join(sorted(unknown))}' is not supported.")
    items = [
        item for item in visible_projects(call, request.first("action", "view")) if item.state.value in states
    ]
    if "deleted" in states and site.may(call.caller, "ADMINISTER"):
        items += [item for item in site.projects.values() if item.state is ProjectState.DELETED]
    if request.first("action") == "create":
        items = [item for item in items if site.may(call.caller, "CREATE_ISSUES", item)]
    if request.first("action") == "edit":
        items = [item for item in items if site.may(call.caller, "ADMINISTER_PROJECTS", item)]
    ids, keys = set(request.every("id")), {key.upper() for key in request.every("keys")}
    if ids:
        items = [item for item in items if str(item.project_id) in ids]
    if keys:
        items = [item for item in items if item.key in keys]
    text = request.first("query").lower()
    if text:
        items = [item for item in items if text in item.key.lower() or text in item.name.lower()]
    kinds = set(request.every("typeKey"))
    if kinds:
        items = [item for item in items if item.type_key in kinds]
    if request.first("categoryId"):
        items = [item for item in items if item.category_id == request.first("categoryId")]
    _order(site, items, request.first("orderBy", "key"))
    expand = set(request.every("expand"))
    return page(call, items, lambda item: show.project_listed(site, item, expand), maximum=100)


def _order(site: Site, items: list[Project], order: str) -> None:
    name, descending = order.lstrip("+-"), order.startswith("-")
    match name:
        case "key":
            items.sort(key=lambda item: item.key, reverse=descending)
        case "name":
            items.sort(key=lambda item: item.name, reverse=descending)
        case "issueCount":
            items.sort(key=lambda item: len(site.issues.of_project(item.project_id)), reverse=descending)
        case _:
            if name not in {"category", "owner", "lastIssueUpdatedTime", "archivedDate", "deletedDate"}:
                raise ApiError(400, f"The orderBy value '{order}' is not supported.")


@ROUTES.post(f"{API}/project")
def create_project(call: Call) -> Response:
    """Make a project of a known type; its key must be free, also in the trash."""
    caller = call.actor()
    site = call.site
    site.require(caller, "ADMINISTER")
    body = call.json_object()
    key, name = str(body.get("key") or ""), str(body.get("name") or "")
    errors: dict[str, str] = {}
    problem = key_problem(site, key)
    if problem:
        errors["projectKey"] = problem
    problem = name_problem(site, name)
    if problem:
        errors["projectName"] = problem
    lead = site.accounts.get(str(body.get("leadAccountId") or ""))
    if lead is None or not lead.active:
        errors["leadAccountId"] = "You must specify a valid project lead."
    type_key = body.get("projectTypeKey") or "software"
    if type_key not in {"software", "business", "service_desk"}:
        errors["projectTypeKey"] = f"The project type '{type_key}' cannot be created."
    followed = given_schemes(site, body, errors)
    if body.get("projectTemplateKey") and any(body.get(name) is not None for name in WITHOUT_TEMPLATE):
        errors["projectTemplateKey"] = "A template cannot be given together with schemes."
    if errors or lead is None:
        raise ApiError(400, errors=errors)
    project = Project(site.next_id("project"), key, name, lead.account_id, type_key=str(type_key))
    project.description = str(body.get("description") or "")
    project.assignee_type = str(body.get("assigneeType") or "UNASSIGNED")
    project.url = str(body.get("url") or "")
    project.category_id = str(body["categoryId"]) if body.get("categoryId") else None
    project.issue_types = site.shared_types()
    project.workflows = default_workflows(site)
    project.off_create_screen = set(OFF_SCREEN)
    roles = [role.item_id for role in site.roles_of(None)]
    if roles:
        site.add_role_actors(project, roles[0], {caller.account_id, lead.account_id}, [])
        for role_id in roles[1:]:
            site.add_role_actors(project, role_id, [caller.account_id], [])
    site.projects[project.project_id] = project
    site.made.bindings[project.project_id, "field_configuration_scheme"] = None
    for noun, scheme_id in followed.items():
        follow(site, project, noun, scheme_id)
    _bring_board(site, project, str(body.get("projectTemplateKey") or ""))
    site.reference_changed()
    return json_response(
        {"self": f"{show.API}/project/{project.project_id}", "id": project.project_id, "key": project.key},
        201,
    )


def _bring_board(site: Site, project: Project, template: str) -> None:
    """Scrum templates bring a board along."""
    if "scrum" in template:
        board = Board(site.next_id("board"), f"{project.key} board", "scrum", project.project_id)
        board.filter_id = site.next_id("filter")
        site.boards[board.board_id] = board


def default_workflows(site: Site) -> dict[str, str]:
    """The workflow scheme of a new project: that of the oldest project, else the first workflow."""
    oldest = next((item for item in site.projects.values() if not item.is_team_managed), None)
    if oldest is not None:
        return dict(oldest.workflows)
    names = [name for name, item in site.workflows.items() if item.project_id is None]
    return {"default": names[0]} if names else {}


def key_problem(site: Site, key: str) -> str | None:
    """Why a key cannot be given to a new project, or None."""
    if not key:
        return "You must specify a unique project key, at least 2 characters long, containing only uppercase letters."
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,9}", key):
        return "Project keys must start with an uppercase letter, followed by one or more uppercase alphanumeric characters."
    taken = site.find_project(key, any_state=True)
    if taken is not None:
        return f"Project '{taken.name}' uses this project key."
    return None


def name_problem(site: Site, name: str) -> str | None:
    """Why a name cannot be given to a new project, or None."""
    if not name:
        return "You must specify a valid project name."
    if len(name) > 80:
        return "The project name must not exceed 80 characters in length."
    if any(item.name.lower() == name.lower() for item in site.projects.values()):
        return "A project with that name already exists."
    return None


@ROUTES.get(f"{API}/project/{{projectIdOrKey}}")
def read_project(call: Call) -> Response:
    """One project."""
    project = call.site.readable_project(call.caller, call.params["projectIdOrKey"])
    return json_response(show.project_detail(call.site, project, set(call.request.every("expand"))))


@ROUTES.put(f"{API}/project/{{projectIdOrKey}}")
def edit_project(call: Call) -> Response:
    """Change a project; a new key keeps the old one leading to it."""
    caller = call.actor()
    site = call.site
    project = site.readable_project(caller, call.params["projectIdOrKey"])
    site.require(caller, "ADMINISTER_PROJECTS", project)
    body = call.json_object()
    if body.get("key") and body["key"] != project.key:
        site.require(caller, "ADMINISTER")
        problem = key_problem(site, str(body["key"]))
        if problem:
            raise ApiError(400, errors={"projectKey": problem})
        rename_key(site, project, str(body["key"]))
    if body.get("name") and body["name"] != project.name:
        problem = name_problem(site, str(body["name"]))
        if problem:
            raise ApiError(400, errors={"projectName": problem})
        project.name = str(body["name"])
    if body.get("leadAccountId"):
        if body["leadAccountId"] not in site.accounts:
            raise ApiError(400, errors={"leadAccountId": "You must specify a valid project lead."})
        project.lead = str(body["leadAccountId"])
    project.description = str(body.get("description", project.description))
    project.url = str(body.get("url", project.url))
    project.assignee_type = str(body.get("assigneeType", project.assignee_type))
    errors: dict[str, str] = {}
    _set_category(site, project, body, errors)
    followed = given_schemes(site, {name: body.get(name) for name in _EDITABLE_SCHEMES}, errors)
    if errors:
        raise ApiError(400, errors=errors)
    if followed and project.is_team_managed:
        raise ApiError(400, "A team-managed project follows no schemes.")
    for noun, scheme_id in followed.items():
        site.require(caller, "ADMINISTER")
        follow(site, project, noun, scheme_id)
    site.reference_changed()
    return json_response(show.project_detail(site, project, set(call.request.every("expand"))))


def _set_category(site: Site, project: Project, body: JsonObject, errors: dict[str, str]) -> None:
    """Give a project another category, or none."""
    if body.get("categoryId") is None:
        return
    wanted = str(body["categoryId"])
    if wanted not in {_NO_CATEGORY, *site.categories}:
        errors["categoryId"] = "The project category does not exist."
    else:
        project.category_id = wanted if wanted != _NO_CATEGORY else None


def rename_key(site: Site, project: Project, key: str) -> None:
    """Give a project a new key; issues keep their ids and numbers."""
    project.old_keys.append(project.key)
    project.key = key
    site.reference_changed()


@ROUTES.delete(f"{API}/project/{{projectIdOrKey}}")
def delete_project(call: Call) -> Response:
    """To the trash, or away for good with ``enableUndo=false``."""
    caller = call.actor()
    site = call.site
    project = site.readable_project(caller, call.params["projectIdOrKey"])
    site.require(caller, "ADMINISTER")
    if call.request.flag("enableUndo", default=True):
        trash(site, project, caller.account_id)
    else:
        changes.delete_project(site, project)
    return no_content()


def trash(site: Site, project: Project, actor: str) -> None:
    """Put a project into the trash: its key stays taken, its issues are gone from every read."""
    project.state = ProjectState.DELETED
    project.deleted_at_ms, project.deleted_by = site.now(), actor
    site.reference_changed()


@ROUTES.post(f"{API}/project/{{projectIdOrKey}}/delete")
def delete_project_later(call: Call) -> Response:
    """The asynchronous delete, for good; answers with where the task is."""
    caller = call.actor()
    site = call.site
    project = site.readable_project(caller, call.params["projectIdOrKey"])
    site.require(caller, "ADMINISTER")
    changes.delete_project(site, project)
    task_id = str(site.next_id("task"))
    return Response(303, b"", {"Location": f"{SELF_BASE}{API}/task/{task_id}"})


@ROUTES.post(f"{API}/project/{{projectIdOrKey}}/archive")
def archive_project(call: Call) -> Response:
    """Archive a project: its issues leave searches."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    project = site.readable_project(call.caller, call.params["projectIdOrKey"])
    project.state = ProjectState.ARCHIVED
    site.reference_changed()
    return no_content()


@ROUTES.post(f"{API}/project/{{projectIdOrKey}}/restore")
def restore_project(call: Call) -> Response:
    """Bring a project back from the trash or the archive."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    project = site.find_project(call.params["projectIdOrKey"], any_state=True)
    if project is None:
        raise ApiError(404, f"No project could be found with key '{call.params['projectIdOrKey']}'.")
    project.state, project.deleted_at_ms, project.deleted_by = ProjectState.LIVE, None, None
    site.reference_changed()
    return json_response(show.project_detail(site, project, set()))


@ROUTES.get(f"{API}/projectvalidate/key")
def validate_key(call: Call) -> Response:
    """What is wrong with a key, as an error collection that is empty when it is free."""
    problem = key_problem(call.site, call.request.first("key"))
    value: JsonObject = {"errorMessages": [], "errors": {"projectKey": problem} if problem else {}}
    return json_response(value)


@ROUTES.get(f"{API}/projectvalidate/validProjectKey")
def valid_key(call: Call) -> Response:
    """The key itself when it is free, else one made from it."""
    base = re.sub(r"[^A-Z0-9_]", "", call.request.first("key").upper()) or "PROJ"
    candidate, number = base[:10], 1
    while key_problem(call.site, candidate) and number < 1000:
        number += 1
        candidate = f"{base[:6]}{number}"
    return json_response(candidate)


@ROUTES.get(f"{API}/projectvalidate/validProjectName")
def valid_name(call: Call) -> Response:
    """The name itself when it is free, else one made from it."""
    base = call.request.first("name")
    if not base:
        raise ApiError(404, "The name is required.")
    candidate, number = base, 1
    while name_problem(call.site, candidate) and number < 1000:
        number += 1
        candidate = f"{base[:70]} {number}"
    return json_response(candidate)
