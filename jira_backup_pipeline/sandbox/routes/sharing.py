"""Making what people share: filters, dashboards with gadgets, groups with members.

What belongs here: the writes, and single filters.

What stays out: their lists (``site_setup``, ``people``), boards (``agile``), and running a filter's query.
"""

from __future__ import annotations

import uuid

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import (
    SITE_BASE,
    ApiError,
    Call,
    Json,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.jql.matching import Asker, compile_node
from jira_backup_pipeline.sandbox.jql.parser import parse
from jira_backup_pipeline.sandbox.model import Group
from jira_backup_pipeline.sandbox.setup import shared

ROUTES = RouteTable()
API = "/rest/api/3"


def _shares(call: Call, given: Json) -> list[Json]:
    """Share permissions of a request, each with an id; who is named must exist."""
    site = call.site
    found: list[Json] = []
    for item in given if isinstance(given, list) else []:
        kind, record = str(item.get("type")), {**item, "id": site.made.next_id()}
        if kind == "group":
            wanted = item.get("group") or {}
            group = site.groups.get(str(wanted.get("groupId"))) or site.group_by_name(str(wanted.get("name")))
            if group is None:
                raise ApiError(400, "The group of a share permission does not exist.")
            record["group"] = {"name": group.name, "groupId": group.group_id}
        elif kind == "project":
            project = site.find_project(str((item.get("project") or {}).get("id")))
            if project is None:
                raise ApiError(400, "The project of a share permission does not exist.")
            record["project"] = show.project_brief(site, project)
        elif kind == "user":
            account = site.accounts.get(str((item.get("user") or {}).get("accountId")))
            if account is None:
                raise ApiError(400, "The user of a share permission does not exist.")
            record["user"] = show.user_listed(site, account)
        elif kind not in {"global", "loggedin", "authenticated", "projectRole"}:
            raise ApiError(400, f"The share permission type '{kind}' is not supported.")
        found.append(record)
    return found


@ROUTES.post(f"{API}/filter")
def create_filter(call: Call) -> Response:
    """Keep a search that can be run; a person has a name once."""
    caller, body = call.actor(), call.json_object()
    name, jql = str(body.get("name") or ""), str(body.get("jql") or "")
    if not name:
        raise ApiError(400, errors={"filterName": "The filter must have a name."})
    made = call.site.made.of("filter")
    if any((item["name"], item["owner"]["accountId"]) == (name, caller.account_id) for item in made):
        raise ApiError(400, errors={"filterName": "Filter with same name already exists."})
    query = parse(jql)
    if query.where is not None:
        compile_node(query.where, Asker(call.site, caller))
    filter_id = call.site.made.next_id()
    record: JsonObject = {
        "id": str(filter_id),
        "self": f"{show.API}/filter/{filter_id}",
        "name": name,
        "description": str(body.get("description") or ""),
        "jql": jql,
        "owner": {"accountId": caller.account_id},
        "sharePermissions": _shares(call, body.get("sharePermissions")),
        "editPermissions": _shares(call, body.get("editPermissions")),
        "subscriptions": [],
    }
    call.site.made.add("filter", record)
    return json_response(_filter_answer(call, record))


def _filter_answer(call: Call, record: JsonObject) -> JsonObject:
    owner = call.site.accounts[str(record["owner"]["accountId"])]
    none = {"size": 0, "items": [], "max-results": 1000, "start-index": 0, "end-index": 0}
    return {
        **record,
        "owner": show.user_listed(call.site, owner),
        "viewUrl": f"{SITE_BASE}/issues/?filter={record['id']}",
        "subscriptions": none,
    }


def _made_filter(call: Call) -> JsonObject:
    call.actor()
    found = call.site.made.records.get("filter", {}).get(call.params["id"])
    if found is None:
        raise ApiError(400, "The filter does not exist, or cannot be changed here.")
    return found


@ROUTES.put(f"{API}/filter/{{id}}")
def edit_filter(call: Call) -> Response:
    """Change a filter that was made."""
    found, body = _made_filter(call), call.json_object()
    for name in ("name", "description", "jql"):
        if name in body:
            found[name] = str(body[name])
    return json_response(_filter_answer(call, found))


@ROUTES.get(f"{API}/filter/{{id}}/columns")
def read_columns(call: Call) -> Response:
    """The columns of a filter; 404 where nobody chose any, 400 where another keeps the filter for themselves."""
    caller, wanted = call.actor(), call.params["id"]
    seen = [found["id"] for found in shared.filters(call.site, all_of_them=False)]
    mine = [i["id"] for i in call.site.made.of("filter") if i["owner"]["accountId"] == caller.account_id]
    if wanted not in (*seen, *mine):
        raise ApiError(400, "The selected filter is not available to you, perhaps it has been deleted.")
    chosen = shared.filter_columns(call.site, wanted)
    if not chosen:
        raise ApiError(404, "No column configuration is set for the filter.")
    return json_response(chosen)


@ROUTES.put(f"{API}/filter/{{id}}/owner")
def give_filter(call: Call) -> Response:
    """Give a filter to somebody who has none of its name."""
    found = _made_filter(call)
    account = call.site.accounts.get(str(call.json_object().get("accountId")))
    if account is None or not account.active:
        raise ApiError(400, "The user is not found, or inactive.")
    others = [item for item in call.site.made.of("filter") if item["id"] != found["id"]]
    if any((i["name"], i["owner"]["accountId"]) == (found["name"], account.account_id) for i in others):
        raise ApiError(400, "The new owner has a filter of this name.")
    found["owner"] = {"accountId": account.account_id}
    return no_content()


@ROUTES.post(f"{API}/dashboard")
def create_dashboard(call: Call) -> Response:
    """Make an empty dashboard."""
    caller, body = call.actor(), call.json_object()
    name = str(body.get("name") or "")
    if not name or not isinstance(body.get("sharePermissions"), list):
        raise ApiError(400, "The name and the share permissions of a dashboard are required.")
    dashboard_id = call.site.made.next_id()
    record: JsonObject = {
        "id": str(dashboard_id),
        "self": f"{show.API}/dashboard/{dashboard_id}",
        "view": f"{SITE_BASE}/secure/Dashboard.jspa?selectPageId={dashboard_id}",
        "name": name,
        "description": str(body.get("description") or ""),
        "isFavourite": False,
        "popularity": 0,
        "owner": {
            "accountId": caller.account_id,
            "displayName": caller.display_name,
            "active": caller.active,
        },
        "sharePermissions": _shares(call, body.get("sharePermissions")),
        "editPermissions": _shares(call, body.get("editPermissions")),
    }
    return json_response(call.site.made.add("dashboard", record))


@ROUTES.put(f"{API}/dashboard/{{id}}")
def edit_dashboard(call: Call) -> Response:
    """Replace the details of a dashboard; its owner may, and who administers Jira and says so."""
    caller, body, made = call.actor(), call.json_object(), call.site.made
    listed = shared.dashboards(call.site)
    record = next((item for item in listed if str(item["id"]) == call.params["id"]), None)
    is_admin = call.request.flag("extendAdminPermissions", default=False)
    is_allowed = is_admin and call.site.may(caller, "ADMINISTER")
    if record is None or not (is_allowed or record.get("owner", {}).get("accountId") == caller.account_id):
        raise ApiError(404, "The dashboard was not found, or belongs to somebody else.")
    if not body.get("name") or any(
        not isinstance(body.get(name), list) for name in ("sharePermissions", "editPermissions")
    ):
        raise ApiError(400, "The name and the permissions of a dashboard are required.")
    changed: JsonObject = {
        **record,
        "name": str(body["name"]),
        "description": str(body.get("description") or ""),
        "sharePermissions": _shares(call, body["sharePermissions"]),
        "editPermissions": _shares(call, body["editPermissions"]),
    }
    # One that follows from the site lives on as a made one, which takes gadgets.
    made.add("dashboard", changed)
    return json_response(changed)


@ROUTES.post(f"{API}/dashboard/{{dashboardId}}/gadget")
def add_gadget(call: Call) -> Response:
    """Put a gadget onto a dashboard: named by its module or its address, never by both."""
    call.actor()
    wanted, body = call.params["dashboardId"], call.json_object()
    if wanted not in call.site.made.records.get("dashboard", {}):
        raise ApiError(404, "The dashboard was not found, or cannot be changed here.")
    if bool(body.get("moduleKey")) == bool(body.get("uri")):
        raise ApiError(400, "Either the module key or the URI of the gadget is required.")
    record: JsonObject = {"id": call.site.made.next_id()}
    record |= {name: body[name] for name in ("moduleKey", "uri", "color", "title") if body.get(name)}
    place = body.get("position") or {}
    row, column = place.get("row", 0), place.get("column", 0)
    record["position"] = {
        "The row position of the gadget.": row,
        "The column position of the gadget.": column,
    }
    record.setdefault("color", "blue")
    record.setdefault("title", "Gadget")
    call.site.made.items.setdefault(("gadget", wanted), []).append(record)
    return json_response(record)


@ROUTES.post(f"{API}/group")
def create_group(call: Call) -> Response:
    """Make an empty group."""
    call.site.require(call.caller, "ADMINISTER")
    name = str(call.json_object().get("name") or "")
    if not name or call.site.group_by_name(name) is not None:
        raise ApiError(400, "The group name is empty or in use.")
    made = Group(str(uuid.uuid4()), name)
    call.site.groups[made.group_id] = made
    return json_response(_group(made), 201)


def _group(item: Group) -> JsonObject:
    return {
        "name": item.name,
        "groupId": item.group_id,
        "self": f"{show.API}/group?groupId={item.group_id}",
        "users": {
            "size": len(item.members),
            "items": [],
            "max-results": 50,
            "start-index": 0,
            "end-index": 0,
        },
        "expand": "users",
    }


@ROUTES.post(f"{API}/group/user")
def add_member(call: Call) -> Response:
    """Put an account into a group."""
    site = call.site
    site.require(call.caller, "ADMINISTER")
    group = site.groups.get(call.request.first("groupId")) or site.group_by_name(
        call.request.first("groupname")
    )
    account = site.accounts.get(str(call.json_object().get("accountId")))
    if group is None or account is None:
        raise ApiError(404, "The group or the user does not exist.")
    if account.account_id in group.members:
        raise ApiError(400, "Cannot add user, user is already a member of the group.")
    group.members.append(account.account_id)
    return json_response(_group(group), 201)
