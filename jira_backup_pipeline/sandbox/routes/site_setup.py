"""The site's setup by page or as a whole: screens, schemes, filters, dashboards, settings. Reading only.

What belongs here: one table from path to list and page size, and the lists that need a parent or hide
something.

What stays out: the records (``setup``), contexts and options of a field (``fields``), rules about
fields (``field_rules``), and what issues name by id (``configuration``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response, RouteTable, json_response
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.setup import fields, schemes, shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"

# Path, list, and the largest page.
_PAGES = (
    ("/screens", fields.screens, 100),
    ("/screens/tabs", fields.screen_tabs, 100),
    ("/screenscheme", fields.screen_schemes, 25),
    ("/issuetypescreenscheme", fields.type_screen_schemes, 50),
    ("/issuetypescreenscheme/mapping", fields.type_screen_items, 50),
    ("/issuetypescheme", schemes.issue_type_schemes, 50),
    ("/issuetypescheme/mapping", schemes.issue_type_items, 50),
    ("/workflowscheme", schemes.workflow_schemes, 50),
    ("/notificationscheme", schemes.notification_schemes, 50),
    ("/notificationscheme/project", schemes.notification_projects, 50),
    ("/issuesecurityschemes/level", schemes.security_levels, 50),
    ("/issuesecurityschemes/level/member", schemes.security_members, 50),
    ("/issuesecurityschemes/project", schemes.security_projects, 50),
    ("/priorityscheme", schemes.priority_schemes, 50),
)
# Path, list, and the member that holds it ("" where the answer is the list).
_WHOLE = (
    ("/permissionscheme", schemes.permission_schemes, "permissionSchemes"),
    ("/issuesecurityschemes", schemes.security_schemes, "issueSecuritySchemes"),
    ("/applicationrole", shared.application_roles, ""),
    ("/application-properties", shared.application_properties, ""),
)


def _paged(call: Call, *, listed: Callable[[Site], list[JsonObject]], maximum: int) -> Response:
    call.site.require(call.caller, "ADMINISTER")
    return page(call, listed(call.site), lambda item: item, default=min(50, maximum), maximum=maximum)


def _whole(call: Call, *, listed: Callable[[Site], list[JsonObject]], member: str) -> Response:
    call.site.require(call.caller, "ADMINISTER")
    items = listed(call.site)
    return json_response({member: items} if member else items)


for _path, _listed, _maximum in _PAGES:
    ROUTES.get(f"{API}{_path}")(partial(_paged, listed=_listed, maximum=_maximum))
for _path, _listed, _member in _WHOLE:
    ROUTES.get(f"{API}{_path}")(partial(_whole, listed=_listed, member=_member))


@ROUTES.get(f"{API}/screens/{{screenId}}/tabs/{{tabId}}/fields")
def tab_fields(call: Call) -> Response:
    """The fields of a tab."""
    call.site.require(call.caller, "ADMINISTER")
    found = fields.tab_fields(call.site, call.params["screenId"], call.params["tabId"])
    if found is None:
        raise ApiError(404, "The screen or the tab was not found.")
    return json_response(found)


@ROUTES.get(f"{API}/filter/search")
def filters(call: Call) -> Response:
    """Filters by page; those that others keep for themselves only when an administrator asks for them."""
    call.actor()
    everything = call.request.flag("overrideSharePermissions", default=False)
    if everything and not call.site.may(call.caller, "ADMINISTER"):
        raise ApiError(400, "Only administrators may override share permissions.")
    return page(call, shared.filters(call.site, all_of_them=everything), lambda item: item)


@ROUTES.get(f"{API}/dashboard/search")
def dashboards(call: Call) -> Response:
    """Dashboards by page."""
    call.actor()
    return page(call, shared.dashboards(call.site), lambda item: item)


@ROUTES.get(f"{API}/dashboard/{{dashboardId}}/gadget")
def gadgets(call: Call) -> Response:
    """The gadgets of a dashboard."""
    call.actor()
    found = shared.gadgets(call.site, call.params["dashboardId"])
    if found is None:
        raise ApiError(404, "The dashboard was not found.")
    return json_response({"gadgets": found})


@ROUTES.get(f"{API}/announcementBanner")
def banner(call: Call) -> Response:
    """The announcement banner."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response(shared.banner(call.site))
