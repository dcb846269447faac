"""Workflow schemes: making and removing them, and which project follows which.

What belongs here: the writes, the migration of issues to the statuses of another scheme, and removing workflows that no
scheme names.

What stays out: lists (``site_setup``), making workflows (``workflows``), and schemes of other sorts (``schemes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.changes import begin
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    Json,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.routes.scheme_projects import (
    associations,
    follow,
    refuse_team_managed,
    wanted_project,
)
from jira_backup_pipeline.sandbox.routes.screens import free_name
from jira_backup_pipeline.sandbox.routes.tasks import new_task, see_task
from jira_backup_pipeline.sandbox.setup import schemes

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
# The greatest number of projects in a question about workflow schemes, as documented.
_MOST_PROJECTS = 100


@ROUTES.post(f"{API}/workflowscheme")
def create_workflow_scheme(call: Call) -> Response:
    """Make a workflow scheme of workflows that exist."""
    name = free_name(call, schemes.workflow_schemes(call.site))
    site, body = call.site, call.json_object()
    default = str(body.get("defaultWorkflow") or next(iter(site.workflows), ""))
    mappings = body.get("issueTypeMappings") or {}
    if any(workflow not in site.workflows for workflow in (default, *mappings.values())):
        raise ApiError(400, "A workflow was not found.")
    if any(type_id not in site.issue_types for type_id in mappings):
        raise ApiError(400, "An issue type was not found.")
    scheme_id = site.made.next_id()
    record: JsonObject = {
        "id": scheme_id,
        "name": name,
        "description": str(body.get("description") or ""),
        "defaultWorkflow": default,
        "issueTypeMappings": dict(mappings),
        "draft": False,
        "self": f"{show.API}/workflowscheme/{scheme_id}",
    }
    return json_response(site.made.add("workflow_scheme", record), 201)


@ROUTES.delete(f"{API}/workflowscheme/{{id}}")
def delete_workflow_scheme(call: Call) -> Response:
    """Remove a workflow scheme that was made; no project may follow it."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    wanted = call.params["id"]
    if wanted not in site.made.records.get("workflow_scheme", {}):
        raise ApiError(404, "The workflow scheme was not found.")
    if any(schemes.follows(site, project, "workflow_scheme") == wanted for project in site.projects.values()):
        raise ApiError(400, "The workflow scheme is active.")
    del site.made.records["workflow_scheme"][wanted]
    return no_content()


@ROUTES.delete(f"{API}/workflow/{{entityId}}")
def delete_workflow(call: Call) -> Response:
    """Remove a workflow that no scheme names."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    found = next(
        (item for item in site.workflows.values() if item.entity_id == call.params["entityId"]), None
    )
    if found is None:
        raise ApiError(404, "The workflow was not found.")
    named: set[Json] = set()
    for scheme in schemes.workflow_schemes(site):
        named |= {scheme["defaultWorkflow"], *scheme["issueTypeMappings"].values()}
    if found.name in named:
        raise ApiError(400, "The workflow is associated with a workflow scheme.")
    del site.workflows[found.name]
    site.reference_changed()
    return no_content()


@ROUTES.get(f"{API}/workflowscheme/project")
def workflow_scheme_projects(call: Call) -> Response:
    """Which workflow scheme the asked projects follow."""
    if len(call.request.every("projectId")) > _MOST_PROJECTS:
        raise ApiError(400, f"At most {_MOST_PROJECTS} projects can be named.")
    listed = schemes.workflow_schemes(call.site)
    return json_response({"values": associations(call, listed, "workflow_scheme", "workflowScheme")})


@ROUTES.put(f"{API}/workflowscheme/project")
def follow_workflow_scheme(call: Call) -> Response:
    """Let a project without issues follow a workflow scheme."""
    project = wanted_project(call)
    wanted = str(call.json_object().get("workflowSchemeId"))
    if all(str(item["id"]) != wanted for item in schemes.workflow_schemes(call.site)):
        raise ApiError(404, "The workflow scheme was not found.")
    if any(True for _ in call.site.issues.of_project(project.project_id)):
        raise ApiError(400, "A workflow scheme can be assigned to projects without issues only.")
    schemes.keep_schemes(call.site, project, "workflow_scheme")
    follow(call.site, project, "workflow_scheme", wanted)
    return no_content()


@ROUTES.post(f"{API}/workflowscheme/project/switch")
def switch_workflow_scheme(call: Call) -> Response:
    """Let a project follow another workflow scheme, its issues in statuses of that one; leads to a task."""
    caller = call.actor()
    site, body = call.site, call.json_object()
    site.require(caller, "ADMINISTER")
    project = site.find_project(str(body.get("projectId", "")))
    wanted = str(body.get("targetSchemeId"))
    scheme = next((item for item in schemes.workflow_schemes(site) if str(item["id"]) == wanted), None)
    if project is None or scheme is None:
        raise ApiError(400, "The project or the workflow scheme was not found.")
    refuse_team_managed(project)
    mapped = _mapped(body.get("mappingsByIssueTypeOverride") or [])
    _check_mappings(site, project, scheme, mapped)
    issues = list(site.issues.of_project(project.project_id))
    task = new_task(site, caller, len(issues), subject=f"workflow scheme of {project.project_id}")
    for issue in issues:
        # What a made issue was so far follows from its workflow: it is written down before that changes.
        begin(site, issue)
    schemes.keep_schemes(site, project, "workflow_scheme")
    follow(site, project, "workflow_scheme", wanted)
    for issue in issues:
        new_status = mapped.get((issue.type_id, issue.status_id))
        if new_status is not None and new_status != issue.status_id:
            issue.status_id = new_status
            site.changed(issue.issue_id)
    return see_task(task)


def _mapped(given: list[Json]) -> dict[tuple[str, str], str]:
    return {
        (str(item["issueTypeId"]), str(pair["oldStatusId"])): str(pair["newStatusId"])
        for item in given
        for pair in item.get("statusMappings") or []
    }


def _check_mappings(
    site: Site, project: Project, scheme: JsonObject, mapped: dict[tuple[str, str], str]
) -> None:
    """Refuse when a status of the present workflows is lost and no mapping says what becomes of it."""
    mappings = scheme["issueTypeMappings"]
    for type_id in project.issue_types:
        target = site.workflows[str(mappings.get(type_id) or scheme["defaultWorkflow"])]
        for status_id in site.workflow_for(project, type_id).statuses:
            new_status = mapped.get((type_id, status_id), status_id)
            if new_status not in target.statuses:
                raise ApiError(400, f"A mapping is required for status {status_id} of issue type {type_id}.")
