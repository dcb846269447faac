"""Components and versions of projects.

What belongs here: both nouns, read and written: unique names, order, counts of issues, and what issues lose
when one is deleted.

What stays out: their JSON (``reference_rendering``), and their ids as values of fields (``values``).
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import TYPE_CHECKING

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
from jira_backup_pipeline.sandbox.model import Component, Project, Version
from jira_backup_pipeline.sandbox.routes.paging import page

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"


def _project(call: Call) -> Project:
    return call.site.readable_project(call.caller, call.params["projectIdOrKey"])


def _component_page_item(site: Site, item: Component) -> JsonObject:
    value = show.component(site, item, detail=True)
    issues = site.issues.of_project(item.project_id)
    users = sum(1 for issue in issues if item.component_id in site.issues.component_ids(issue))
    return value | {"issueCount": users}


@ROUTES.get(f"{API}/project/{{projectIdOrKey}}/component")
def component_page(call: Call) -> Response:
    """The components of a project by page."""
    site = call.site
    items = site.components_of(_project(call).project_id)
    text = call.request.first("query").lower()
    items = [item for item in items if text in item.name.lower() or text in item.description.lower()]
    return page(call, items, lambda item: _component_page_item(site, item), maximum=1000)


@ROUTES.get(f"{API}/project/{{projectIdOrKey}}/components")
def component_list(call: Call) -> Response:
    """The components of a project as a plain list."""
    items = call.site.components_of(_project(call).project_id)
    return json_response([show.component(call.site, item, detail=True) for item in items])


@ROUTES.get(f"{API}/project/{{projectIdOrKey}}/version")
def version_page(call: Call) -> Response:
    """The versions of a project by page."""
    items = call.site.versions_of(_project(call).project_id)
    states = set(call.request.every("status"))
    if states:
        items = [item for item in items if _state(item) in states]
    text = call.request.first("query").lower()
    items = [item for item in items if text in item.name.lower()]
    return page(call, items, lambda item: show.version(item, detail=True), maximum=1000)


def _state(item: Version) -> str:
    return "archived" if item.archived else "released" if item.released else "unreleased"


@ROUTES.get(f"{API}/project/{{projectIdOrKey}}/versions")
def version_list(call: Call) -> Response:
    """The versions of a project as a plain list."""
    return json_response(
        [show.version(item, detail=True) for item in call.site.versions_of(_project(call).project_id)]
    )


def _body_project(call: Call, body: JsonObject) -> Project:
    wanted = body.get("projectId") or body.get("project")
    if not wanted:
        raise ApiError(400, errors={"projectId": "The project is required."})
    project = call.site.readable_project(call.caller, str(wanted))
    call.site.require(call.caller, "ADMINISTER_PROJECTS", project)
    return project


@ROUTES.post(f"{API}/component")
def create_component(call: Call) -> Response:
    """Make a component; names are unique within a project."""
    call.actor()
    site, body = call.site, call.json_object()
    project = _body_project(call, body)
    name = str(body.get("name") or "")
    if not name or len(name) > 255:
        raise ApiError(400, errors={"name": "The component name specified is invalid."})
    if any(item.name == name for item in site.components_of(project.project_id)):
        raise ApiError(
            400, errors={"name": "A component with the name " + name + " already exists in this project."}
        )
    made = Component(site.next_id("component"), project.project_id, name)
    _fill_component(site, made, body)
    site.components[made.component_id] = made
    return json_response(show.component(site, made, detail=True), 201)


def _fill_component(site: Site, item: Component, body: JsonObject) -> None:
    lead = body.get("leadAccountId", item.lead)
    if lead and lead not in site.accounts:
        raise ApiError(404, f"The user '{lead}' does not exist.")
    item.lead = str(lead) if lead else None
    item.description = str(body.get("description", item.description) or "")
    item.assignee_type = str(body.get("assigneeType", item.assignee_type))


def _component(call: Call) -> Component:
    text = call.params["id"]
    found = call.site.components.get(int(text)) if text.isdigit() else None
    if found is None or not call.site.can_browse(call.caller, call.site.projects[found.project_id]):
        raise ApiError(404, f"The component with id {text} does not exist.")
    return found


@ROUTES.get(f"{API}/component/{{id}}")
def read_component(call: Call) -> Response:
    """One component."""
    return json_response(show.component(call.site, _component(call), detail=True))


@ROUTES.put(f"{API}/component/{{id}}")
def edit_component(call: Call) -> Response:
    """Change a component."""
    item, body = _component(call), call.json_object()
    call.site.require(call.caller, "ADMINISTER_PROJECTS", call.site.projects[item.project_id])
    item.name = str(body.get("name", item.name))
    _fill_component(call.site, item, body)
    call.site.reference_changed()
    return json_response(show.component(call.site, item, detail=True))


@ROUTES.delete(f"{API}/component/{{id}}")
def delete_component(call: Call) -> Response:
    """Delete a component; issues lose it."""
    item = _component(call)
    call.site.require(call.caller, "ADMINISTER_PROJECTS", call.site.projects[item.project_id])
    forget(call.site, item.project_id, item.component_id, ("components",))
    del call.site.components[item.component_id]
    return no_content()


def forget(site: Site, project_id: int, gone: int, field_ids: tuple[str, ...]) -> None:
    """Take an id out of the list fields of a project's issues."""
    for issue in site.issues.of_project(project_id):
        values = site.body(issue).values
        if any(
            gone in (values.get(field_id) or [])
            for field_id in field_ids
            if isinstance(values.get(field_id), list)
        ):
            values = site.issues.pin(issue).values
            for field_id in field_ids:
                values[field_id] = [item for item in values.get(field_id) or [] if item != gone]
    site.reference_changed()


@ROUTES.post(f"{API}/version")
def create_version(call: Call) -> Response:
    """Make a version; names are unique within a project."""
    call.actor()
    site, body = call.site, call.json_object()
    project = _body_project(call, body)
    name = str(body.get("name") or "")
    if not name or len(name) > 255:
        raise ApiError(400, errors={"name": "You must specify a valid version name"})
    if any(item.name == name for item in site.versions_of(project.project_id)):
        raise ApiError(400, errors={"name": "A version with this name already exists in this project."})
    made = Version(site.next_id("version"), project.project_id, name)
    _fill_version(made, body)
    site.versions[made.version_id] = made
    return json_response(show.version(made, detail=True), 201)


def _fill_version(item: Version, body: JsonObject) -> None:
    for name in ("startDate", "releaseDate"):
        if body.get(name):
            try:
                date.fromisoformat(str(body[name]))
            except ValueError:
                raise ApiError(400, errors={name: "The date is not valid."}) from None
    item.description = str(body.get("description", item.description) or "")
    item.archived = bool(body.get("archived", item.archived))
    item.released = bool(body.get("released", item.released))
    item.start_date = body.get("startDate", item.start_date)
    item.release_date = body.get("releaseDate", item.release_date)
    item.raw = None


def _version(call: Call) -> Version:
    text = call.params["id"]
    found = call.site.versions.get(int(text)) if text.isdigit() else None
    if found is None or not call.site.can_browse(call.caller, call.site.projects[found.project_id]):
        raise ApiError(404, f"Could not find version for id '{text}'")
    return found


@ROUTES.get(f"{API}/version/{{id}}")
def read_version(call: Call) -> Response:
    """One version."""
    return json_response(show.version(_version(call), detail=True))


@ROUTES.put(f"{API}/version/{{id}}")
def edit_version(call: Call) -> Response:
    """Change a version."""
    item, body = _version(call), call.json_object()
    call.site.require(call.caller, "ADMINISTER_PROJECTS", call.site.projects[item.project_id])
    item.name = str(body.get("name", item.name))
    _fill_version(item, body)
    call.site.reference_changed()
    return json_response(show.version(item, detail=True))


@ROUTES.delete(f"{API}/version/{{id}}")
def delete_version(call: Call) -> Response:
    """Delete a version; issues lose it."""
    item = _version(call)
    call.site.require(call.caller, "ADMINISTER_PROJECTS", call.site.projects[item.project_id])
    forget(call.site, item.project_id, item.version_id, ("fixVersions", "versions"))
    del call.site.versions[item.version_id]
    return no_content()


@ROUTES.post(f"{API}/version/{{id}}/move")
def move_version(call: Call) -> Response:
    """Put a version first, last, earlier, later or behind another one."""
    site, item, body = call.site, _version(call), call.json_object()
    site.require(call.caller, "ADMINISTER_PROJECTS", site.projects[item.project_id])
    order = [entry for entry in site.versions_of(item.project_id) if entry is not item]
    at = [entry.version_id for entry in site.versions_of(item.project_id)].index(item.version_id)
    after = str(body.get("after") or "").rpartition("/")[2]
    places = {"First": 0, "Last": len(order), "Earlier": max(0, at - 1), "Later": at + 1}
    if after:
        names = [str(entry.version_id) for entry in order]
        if after not in names:
            raise ApiError(400, f"The version '{after}' is not in the project.")
        place = names.index(after) + 1
    elif body.get("position") in places:
        place = places[str(body["position"])]
    else:
        raise ApiError(400, "Either 'after' or 'position' is required.")
    order.insert(place, item)
    others = [entry for entry in site.versions.values() if entry.project_id != item.project_id]
    site.versions = {entry.version_id: entry for entry in [*others, *order]}
    return json_response(show.version(item, detail=True))


@ROUTES.get(f"{API}/version/{{id}}/relatedwork")
def related_work(call: Call) -> Response:
    """What people put beside a version; the release notes among it have neither id nor address."""
    return json_response(_version(call).related_work)


@ROUTES.post(f"{API}/version/{{id}}/relatedwork")
def add_related_work(call: Call) -> Response:
    """Put something beside a version."""
    item, body = _version(call), call.json_object()
    call.site.require(call.caller, "ADMINISTER_PROJECTS", call.site.projects[item.project_id])
    if not body.get("category") or not body.get("url"):
        raise ApiError(400, "Related work needs a category and a URL.")
    made = {name: str(body[name]) for name in ("category", "title", "url") if body.get(name)}
    made["relatedWorkId"] = str(uuid.uuid4())
    item.related_work.append(made)
    return json_response(made, 201)


@ROUTES.get(f"{API}/version/{{id}}/relatedIssueCounts")
def related_counts(call: Call) -> Response:
    """How many issues name a version."""
    site, item = call.site, _version(call)
    counts = {"fixVersions": 0, "versions": 0}
    for issue in site.issues.of_project(item.project_id):
        values = site.body(issue).values
        for name in counts:
            counts[name] += item.version_id in (values.get(name) or [])
    return json_response(
        {
            "self": f"{SELF_BASE}{API}/version/{item.version_id}",
            "issuesFixedCount": counts["fixVersions"],
            "issuesAffectedCount": counts["versions"],
            "issueCountWithCustomFieldsShowingVersion": 0,
            "customFieldUsage": [],
        }
    )
