"""What administrators set for the whole site: columns, time tracking, plans, webhooks, automation rules. Reading only.

What belongs here: these lists, each paged in its own way (plans and rules by cursor).

What stays out: the records (``setup.administration``), settings that everybody reads (``server_info``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.setup import administration

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUTES = RouteTable()
API = "/rest/api/3"
ADMIN_WEBHOOKS = "/rest/webhooks/1.0/webhook"
RULES = "/gateway/api/automation/public/jira/{cloudid}/rest/v1/rule"


@ROUTES.get(f"{API}/settings/columns")
def navigator_columns(call: Call) -> Response:
    """The columns of the issue navigator."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response(administration.navigator_columns(call.site))


@ROUTES.get(f"{API}/application-properties/advanced-settings")
def advanced_settings(call: Call) -> Response:
    """The settings of the page for experts."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response(administration.advanced_settings(call.site))


@ROUTES.get(f"{API}/configuration/timetracking")
def time_tracking(call: Call) -> Response:
    """The chosen time tracking; an empty answer where it is off."""
    call.site.require(call.caller, "ADMINISTER")
    found = administration.time_tracking(call.site)
    return no_content() if found is None else json_response(found)


@ROUTES.get(f"{API}/configuration/timetracking/list")
def time_tracking_providers(call: Call) -> Response:
    """The kinds of time tracking there are."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response(administration.time_tracking_providers(call.site))


@ROUTES.get(f"{API}/configuration/timetracking/options")
def time_tracking_options(call: Call) -> Response:
    """How time is shown."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response(administration.time_tracking_options(call.site))


@ROUTES.get(f"{API}/webhook")
def webhooks(call: Call) -> Response:
    """Nobody who calls with an API token is an app."""
    del call
    raise ApiError(403, "Only Connect and OAuth 2.0 apps can use this operation.")


@ROUTES.get(ADMIN_WEBHOOKS)
def admin_webhooks(call: Call) -> Response:
    """The webhooks that administrators made, all at once."""
    call.site.require(call.caller, "ADMINISTER")
    return json_response(administration.admin_webhooks(call.site))


def _window(call: Call, items: Sequence[JsonObject], size: int) -> tuple[list[JsonObject], str | None]:
    """The items after the cursor, and the cursor of those after them."""
    cursor = call.request.first("cursor")
    if cursor and not cursor.removeprefix("after-").isdigit():
        raise ApiError(400, "The cursor is not valid.")
    start = int(cursor.removeprefix("after-")) if cursor else 0
    end = start + size
    return list(items[start:end]), f"after-{end}" if end < len(items) else None


def _by_cursor(call: Call, items: list[JsonObject]) -> Response:
    shown, following = _window(call, items, max(1, min(50, call.request.integer("maxResults", 50))))
    value: JsonObject = {"values": shown, "size": len(shown), "total": len(items), "last": following is None}
    value["cursor"] = call.request.first("cursor")
    if following is not None:
        value["nextPageCursor"] = following
    return json_response(value)


@ROUTES.get(f"{API}/plans/plan")
def plans(call: Call) -> Response:
    """Plans by cursor; archived ones only when asked for."""
    call.site.require(call.caller, "ADMINISTER")
    shown = {"Active"}
    shown |= {"Archived"} if call.request.flag("includeArchived", default=False) else set()
    shown |= {"Trashed"} if call.request.flag("includeTrashed", default=False) else set()
    return _by_cursor(call, [plan for plan in administration.plans(call.site) if plan["status"] in shown])


def _plan(call: Call) -> JsonObject:
    call.site.require(call.caller, "ADMINISTER")
    for plan in administration.plans(call.site):
        if plan["id"] == call.params["planId"]:
            return plan
    raise ApiError(404, "The plan was not found.")


@ROUTES.get(f"{API}/plans/plan/{{planId}}")
def plan_detail(call: Call) -> Response:
    """One plan with its rules and permissions."""
    return json_response(administration.plan_detail(call.site, _plan(call)))


@ROUTES.get(f"{API}/plans/plan/{{planId}}/team")
def plan_teams(call: Call) -> Response:
    """The teams of a plan by cursor."""
    return _by_cursor(call, administration.plan_teams(call.site, _plan(call)))


def _rules(call: Call) -> list[JsonObject]:
    call.site.require(call.caller, "ADMINISTER")
    if call.params["cloudid"] != call.site.cloud_id:
        raise ApiError(404, "The site was not found.")
    return administration.rules(call.site)


@ROUTES.get(f"{RULES}/summary")
def rule_summaries(call: Call) -> Response:
    """Automation rules by cursor; the next page is told as a query."""
    size = max(1, min(100, call.request.integer("limit", 50)))
    shown, following = _window(call, _rules(call), size)
    links: JsonObject = {"self": f"?cursor={call.request.first('cursor')}&limit={size}"}
    if following is not None:
        links["next"] = f"?cursor={following}&limit={size}"
    return json_response({"links": links, "data": [administration.rule_summary(rule) for rule in shown]})


@ROUTES.get(f"{RULES}/{{ruleUuid}}")
def read_rule(call: Call) -> Response:
    """One automation rule in full."""
    for rule in _rules(call):
        if rule["uuid"] == call.params["ruleUuid"]:
            return json_response({"rule": rule, "connections": []})
    raise ApiError(404, "The rule was not found.")
