"""The API of service projects: desks, request types, queues, organizations. Reading only.

What belongs here: everything under ``/rest/servicedeskapi``, with its own page (``start``, ``limit``, ``isLastPage``).

What stays out: the records (``setup.service_desk``), and requests as issues (``issues``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response, RouteTable, json_response
from jira_backup_pipeline.sandbox.setup import service_desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/servicedeskapi"
_LARGEST_PAGE = 50
_BELOW_A_DESK = (
    ("requesttype", service_desk.request_types),
    ("requesttypegroup", service_desk.request_type_groups),
    ("queue", service_desk.queues),
    ("organization", service_desk.organizations_of),
    ("customer", service_desk.customers),
)


def _page(call: Call, items: list[JsonObject]) -> Response:
    start = max(0, call.request.integer("start", 0))
    limit = max(1, min(_LARGEST_PAGE, call.request.integer("limit", _LARGEST_PAGE)))
    shown = items[start : start + limit]
    return json_response(
        {
            "size": len(shown),
            "start": start,
            "limit": limit,
            "isLastPage": start + len(shown) >= len(items),
            "_links": {"self": f"{service_desk.API}{call.request.path.removeprefix(API)}"},
            "values": shown,
        }
    )


@ROUTES.get(f"{API}/servicedesk")
def desks(call: Call) -> Response:
    """The desks by page."""
    call.actor()
    return _page(call, service_desk.desks(call.site))


@ROUTES.get(f"{API}/organization")
def organizations(call: Call) -> Response:
    """The customers' organizations by page."""
    call.actor()
    return _page(call, service_desk.organizations(call.site))


@ROUTES.get(f"{API}/organization/{{organizationId}}/user")
def organization_members(call: Call) -> Response:
    """The customers in an organization by page."""
    call.actor()
    found = service_desk.members_of(call.site, call.params["organizationId"])
    if found is None:
        raise ApiError(404, "The organization was not found.")
    return _page(call, found)


def _of_desk(call: Call, *, listed: Callable[[Site, Project], list[JsonObject]]) -> Response:
    call.actor()
    if listed is service_desk.customers and call.request.headers.get("x-experimentalapi") != "opt-in":
        raise ApiError(412, "This API is experimental: opt in with the header X-ExperimentalApi.")
    for project in service_desk.desk_projects(call.site):
        if service_desk.desk_id(project) == call.params["serviceDeskId"]:
            return _page(call, listed(call.site, project))
    raise ApiError(404, "The service desk was not found.")


@ROUTES.get(f"{API}/servicedesk/{{serviceDeskId}}/requesttype/{{requestTypeId}}/field")
def request_type_fields(call: Call) -> Response:
    """The fields of a request type, all at once."""
    call.actor()
    for project in service_desk.desk_projects(call.site):
        for found in service_desk.request_types(call.site, project):
            if (found["serviceDeskId"], found["id"]) == (
                call.params["serviceDeskId"],
                call.params["requestTypeId"],
            ):
                shown = service_desk.request_type_fields(call.site, found)
                rights = {"canRaiseOnBehalfOf": True, "canAddRequestParticipants": True}
                return json_response({"requestTypeFields": shown, **rights})
    raise ApiError(404, "The request type was not found.")


for _noun, _listed in _BELOW_A_DESK:
    ROUTES.get(f"{API}/servicedesk/{{serviceDeskId}}/{_noun}")(partial(_of_desk, listed=_listed))
