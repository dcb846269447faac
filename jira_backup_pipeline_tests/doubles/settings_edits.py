"""Edits of a sandbox's configuration that a random test chooses from: each takes a project and a number, and changes something.

What belongs here: `SETTINGS_EDITS`, by name: what administrators do to the site and to a project through the API.

What stays out: issues and what hangs on them (`site_edits`), captures, and the laws that must hold (the tests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline_tests.unit.sandbox_calls import Calls


def _name(calls: Calls, noun: str, number: int) -> str:
    """Give a name that nothing has yet: the site's clock moves with every edit."""
    return f"{noun} {number} {calls.site.now()}"


def _pick(items: Any, number: int) -> Any:
    found = list(items)
    return found[number % len(found)] if found else None


def make_filter(calls: Calls, project: Project, number: int) -> None:
    calls.post("/filter", {"name": _name(calls, "filter", number), "jql": f"project = {project.project_id}"})


def rename_filter(calls: Calls, _: Project, number: int) -> None:
    mine = calls.get("/filter/search?maxResults=100")["values"]
    found = _pick(mine, number)
    calls.put(f"/filter/{found['id']}", {"name": _name(calls, "renamed", number)})


def make_dashboard(calls: Calls, _: Project, number: int) -> None:
    body = {"name": _name(calls, "dashboard", number), "sharePermissions": [], "editPermissions": []}
    calls.post("/dashboard", body)


def make_group(calls: Calls, _: Project, number: int) -> None:
    group = calls.post("/group", {"name": _name(calls, "group", number)})
    person = _pick((a.account_id for a in calls.site.accounts.values() if a.active), number)
    calls.post(f"/group/user?groupId={group['groupId']}", {"accountId": person})


def make_resolution(calls: Calls, _: Project, number: int) -> None:
    calls.post("/resolution", {"name": _name(calls, "resolution", number)})


def rename_resolution(calls: Calls, _: Project, number: int) -> None:
    found = _pick(calls.site.resolutions, number)
    calls.put(f"/resolution/{found}", {"name": _name(calls, "renamed", number)})


def rename_link_type(calls: Calls, _: Project, number: int) -> None:
    found = _pick(calls.site.link_types, number)
    calls.put(f"/issueLinkType/{found}", {"name": _name(calls, "renamed", number)})


def make_category(calls: Calls, _: Project, number: int) -> None:
    calls.post("/projectCategory", {"name": _name(calls, "category", number), "description": "made"})


def make_field(calls: Calls, _: Project, number: int) -> None:
    kinds = "com.atlassian.jira.plugin.system.customfieldtypes:"
    body = {
        "name": _name(calls, "field", number),
        "type": f"{kinds}textfield",
        "searcherKey": f"{kinds}textsearcher",
    }
    calls.post("/field", body)


def set_project_property(calls: Calls, project: Project, number: int) -> None:
    calls.put(f"/project/{project.project_id}/properties/app.{number % 3}", {"n": number})


def delete_project_property(calls: Calls, project: Project, number: int) -> None:
    key = _pick(project.properties, number)
    if key is not None:
        calls.delete(f"/project/{project.project_id}/properties/{key}")


def make_version(calls: Calls, project: Project, number: int) -> None:
    body = {"name": _name(calls, "version", number), "projectId": project.project_id}
    calls.post("/version", body)


def edit_version(calls: Calls, project: Project, number: int) -> None:
    found = _pick(calls.site.versions_of(project.project_id), number)
    if found is not None:
        body = {"description": f"described {number}", "released": number % 2 == 0}
        calls.put(f"/version/{found.version_id}", body)


def delete_version(calls: Calls, project: Project, number: int) -> None:
    found = _pick(calls.site.versions_of(project.project_id), number)
    if found is not None:
        calls.delete(f"/version/{found.version_id}")


def make_component(calls: Calls, project: Project, number: int) -> None:
    body = {"name": _name(calls, "component", number), "project": project.key, "description": "made"}
    calls.post("/component", body)


def delete_component(calls: Calls, project: Project, number: int) -> None:
    found = _pick(calls.site.components_of(project.project_id), number)
    if found is not None:
        calls.delete(f"/component/{found.component_id}")


def describe_project(calls: Calls, project: Project, number: int) -> None:
    calls.put(f"/project/{project.project_id}", {"description": f"described {number}"})


def add_role_member(calls: Calls, project: Project, number: int) -> None:
    role = _pick(calls.site.roles, number)
    person = _pick((a.account_id for a in calls.site.accounts.values() if a.active), number)
    path = f"/project/{project.project_id}/role/{role}"
    held = {str((actor.get("actorUser") or {}).get("accountId")) for actor in calls.get(path)["actors"]}
    if person not in held:
        calls.post(path, {"user": [person]})


SETTINGS_EDITS: dict[str, Callable[[Calls, Project, int], None]] = {
    function.__name__: function
    for function in (
        make_filter,
        rename_filter,
        make_dashboard,
        make_group,
        make_resolution,
        rename_resolution,
        rename_link_type,
        make_category,
        make_field,
        set_project_property,
        delete_project_property,
        make_version,
        edit_version,
        delete_version,
        make_component,
        delete_component,
        describe_project,
        add_role_member,
    )
}
