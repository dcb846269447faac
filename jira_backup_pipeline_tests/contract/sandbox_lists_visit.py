"""A visit to the sandbox's lists that are only read: what projects follow, boards, gadgets, plans, rules, service desks.

Used by the visit to every route (`sandbox_visit`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

AGILE = "/rest/agile/1.0/board"
DESK = "/rest/servicedeskapi"


def visit_lists(ok: Callable[..., Any], *, cloud_id: str, lead: str) -> None:
    """Every list, with things of which at least one is there."""
    ids = [entry["id"] for entry in ok("GET", "/project/search")["values"]]
    several = "&".join(f"projectId={number}" for number in ids)
    for path in (
        f"/issuetypescheme/project?{several}",
        f"/issuetypescreenscheme/project?{several}",
        f"/fieldconfigurationscheme/project?{several}",
        f"/workflowscheme/project?{several}",
        f"/config/fieldschemes/projects?{several}",
        f"/project/{ids[0]}/permissionscheme",
        f"/project/{ids[0]}/avatars",
        f"/universal_avatar/view/type/project/avatar/{20_000 + int(ids[0])}",
        f"/project/{ids[0]}/email",
        "/priorityscheme/1/priorities",
        "/priorityscheme/1/projects",
        "/settings/columns",
        f"/filter/{ok('GET', '/filter/search')['values'][0]['id']}/columns",
        "/application-properties/advanced-settings",
        "/configuration/timetracking",
        "/configuration/timetracking/list",
        "/configuration/timetracking/options",
    ):
        ok("GET", path)
    _boards_and_gadgets(ok)
    plan = ok("GET", "/plans/plan?maxResults=1&includeArchived=true")
    assert ok("GET", f"/plans/plan?includeArchived=true&cursor={plan['nextPageCursor']}")["values"]
    ok("GET", f"/plans/plan/{plan['values'][0]['id']}")
    ok("GET", f"/plans/plan/{plan['values'][0]['id']}/team")
    rules = f"/gateway/api/automation/public/jira/{cloud_id}/rest/v1/rule"
    (rule,) = ok("GET", f"{rules}/summary?limit=1")["data"]
    ok("GET", f"{rules}/{rule['uuid']}")
    assert ok("GET", "/rest/webhooks/1.0/webhook")
    _service_desk(ok, lead)


def _boards_and_gadgets(ok: Callable[..., Any]) -> None:
    board = ok("GET", AGILE)["values"][0]["id"]
    ok("GET", f"{AGILE}/{board}/quickfilter")
    ok("GET", f"{AGILE}/{board}/features")
    ok("PUT", f"{AGILE}/{board}/properties/mood", {"good": True})
    ok("GET", f"{AGILE}/{board}/properties")
    ok("GET", f"{AGILE}/{board}/properties/mood")
    ok("DELETE", f"{AGILE}/{board}/properties/mood")
    dashboard = ok("GET", "/dashboard/search")["values"][0]["id"]
    gadget = ok("GET", f"/dashboard/{dashboard}/gadget")["gadgets"][0]["id"]
    kept = f"/dashboard/{dashboard}/items/{gadget}/properties"
    ok("GET", f"{kept}/{ok('GET', kept)['keys'][0]['key']}")


def _service_desk(ok: Callable[..., Any], lead: str) -> None:
    project = {"key": "DESK", "name": "A desk", "projectTypeKey": "service_desk", "leadAccountId": lead}
    ok("POST", "/project", project)
    desk = ok("GET", f"{DESK}/servicedesk")["values"][0]["id"]
    for noun in ("requesttype", "requesttypegroup", "queue", "organization"):
        assert ok("GET", f"{DESK}/servicedesk/{desk}/{noun}")["values"]
    (organization,) = ok("GET", f"{DESK}/organization")["values"]
    assert ok("GET", f"{DESK}/organization/{organization['id']}/user")["values"]
    assert ok("GET", f"{DESK}/servicedesk/{desk}/customer", headers={"X-ExperimentalApi": "opt-in"})["values"]
    kind = ok("GET", f"{DESK}/servicedesk/{desk}/requesttype")["values"][0]["id"]
    assert ok("GET", f"{DESK}/servicedesk/{desk}/requesttype/{kind}/field")["requestTypeFields"]
