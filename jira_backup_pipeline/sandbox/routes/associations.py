"""Which field schemes projects follow, asked by the projects' ids; members of priority schemes; avatars. Reading only.

What belongs here: one table from path to list, the check of the ids that a question names, and the lists of one scheme.

What stays out: the records (``setup.associations``), schemes that can be given to projects (``schemes``, ``screens``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response, RouteTable, json_response
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.setup import associations, schemes

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"

# Path, list, and the largest page.
_PAGES = (
    ("/fieldconfigurationscheme/project", associations.field_configuration_schemes, 50),
    ("/config/fieldschemes/projects", associations.field_schemes, 100),
)


def _named(call: Call) -> list[Project]:
    """The live projects that the question names; naming none, or something that is no id, is a 400."""
    call.site.require(call.caller, "ADMINISTER")
    ids = call.request.every("projectId")
    if not ids or not all(text.isdigit() for text in ids):
        raise ApiError(400, "The project ids are required.")
    live = {p.project_id: p for p in associations.live_projects(call.site)}
    return [live[int(text)] for text in ids if int(text) in live]


def _paged(
    call: Call, *, listed: Callable[[Site, list[Project]], list[JsonObject]], maximum: int
) -> Response:
    found = listed(call.site, _named(call))
    return page(call, found, lambda item: item, default=50, maximum=maximum)


for _path, _listed, _maximum in _PAGES:
    ROUTES.get(f"{API}{_path}")(partial(_paged, listed=_listed, maximum=_maximum))


@ROUTES.get(f"{API}/project/{{projectIdOrKey}}/avatars")
def avatars(call: Call) -> Response:
    """The avatars that a project can have."""
    project = call.site.readable_project(call.caller, call.params["projectIdOrKey"])
    return json_response(associations.avatars(call.site, project))


@ROUTES.get(f"{API}/universal_avatar/view/type/{{type}}/avatar/{{id}}")
def avatar_picture(call: Call) -> Response:
    """The picture of a project's avatar; made images come in one size only."""
    found = associations.picture(call.site, int(call.params["id"])) if call.params["id"].isdigit() else None
    if call.params["type"] != "project" or found is None:
        raise ApiError(404, "The avatar was not found.")
    if found[1] == "image/png" and call.request.first("size", "medium") not in {"medium", "large", "xlarge"}:
        raise ApiError(404, "The avatar is not there in this size.")
    return Response(200, found[0], content_type=found[1])


def _priority_scheme(call: Call) -> JsonObject:
    call.site.require(call.caller, "ADMINISTER")
    for scheme in schemes.priority_schemes(call.site, inline=None):
        if scheme["id"] == call.params["schemeId"]:
            return scheme
    raise ApiError(400, "The priority scheme does not exist.")


@ROUTES.get(f"{API}/priorityscheme/{{schemeId}}/priorities")
def priorities_of_scheme(call: Call) -> Response:
    """The priorities of a scheme."""
    return page(call, _priority_scheme(call)["priorities"]["values"], lambda item: item)


@ROUTES.get(f"{API}/priorityscheme/{{schemeId}}/projects")
def projects_of_scheme(call: Call) -> Response:
    """The projects of a priority scheme."""
    ids = {entry["id"] for entry in _priority_scheme(call)["projects"]["values"]}
    found = [p for p in associations.live_projects(call.site) if str(p.project_id) in ids]
    return page(call, found, lambda item: show.project_brief(call.site, item))
