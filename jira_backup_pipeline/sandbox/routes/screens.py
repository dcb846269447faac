"""Making and changing screens, their tabs and what is on them.

What belongs here: the writes below ``/screens``.

What stays out: their lists (``site_setup``), schemes of screens (``screen_schemes``), and the fields themselves
(``fields``).
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.setup import fields
from jira_backup_pipeline.sandbox.setup.amended import own_screen
from jira_backup_pipeline.sandbox.setup.made import Screen, Tab

ROUTES = RouteTable()
API = "/rest/api/3"
_LONGEST_NAME = 255


def free_name(call: Call, taken: list[JsonObject]) -> str:
    """The name in a request, which nothing else of the sort may have."""
    call.site.require(call.caller, "ADMINISTER")
    name = str(call.json_object().get("name") or "").strip()
    if not name or len(name) > _LONGEST_NAME:
        raise ApiError(400, errors={"name": "The name is required and must not exceed 255 characters."})
    if any(str(item.get("name", "")).lower() == name.lower() for item in taken):
        raise ApiError(400, errors={"name": "The name is already in use."})
    return name


@ROUTES.post(f"{API}/screens")
def create_screen(call: Call) -> Response:
    """Make a screen with its first tab."""
    name = free_name(call, fields.screens(call.site))
    made = call.site.made
    description = str(call.json_object().get("description") or "")
    screen = Screen(made.next_id(), name, description, [Tab(made.next_id(), "Field Tab")])
    made.screens[screen.screen_id] = screen
    return json_response({"id": screen.screen_id, "name": name, "description": description}, 201)


def _tabs(call: Call) -> list[JsonObject]:
    call.site.require(call.caller, "ADMINISTER")
    wanted = call.params["screenId"]
    if all(str(item["id"]) != wanted for item in fields.screens(call.site)):
        raise ApiError(404, "The screen was not found.")
    return [item for item in fields.screen_tabs(call.site) if str(item["screenId"]) == wanted]


@ROUTES.get(f"{API}/screens/{{screenId}}/tabs")
def tabs(call: Call) -> Response:
    """The tabs of a screen."""
    return json_response([{"id": item["tabId"], "name": item["tabName"]} for item in _tabs(call)])


def _made_screen(call: Call) -> Screen:
    """The screen of the address, with a life of its own from now on where it followed from the site."""
    call.site.require(call.caller, "ADMINISTER")
    screen_id = call.params["screenId"]
    found = own_screen(call.site, screen_id) if screen_id.isdigit() else None
    if found is None:
        raise ApiError(404, "The screen was not found.")
    return found


@ROUTES.put(f"{API}/screens/{{screenId}}")
def edit_screen(call: Call) -> Response:
    """Rename or describe a screen."""
    screen, body = _made_screen(call), call.json_object()
    others = [item for item in fields.screens(call.site) if item["id"] != screen.screen_id]
    screen.name = free_name(call, others) if body.get("name") else screen.name
    screen.description = str(body.get("description", screen.description))
    return json_response({"id": screen.screen_id, "name": screen.name, "description": screen.description})


@ROUTES.post(f"{API}/screens/{{screenId}}/tabs")
def create_tab(call: Call) -> Response:
    """Add a tab to a screen."""
    name = free_name(call, [{"name": item["tabName"]} for item in _tabs(call)])
    tab = Tab(call.site.made.next_id(), name)
    _made_screen(call).tabs.append(tab)
    return json_response({"id": tab.tab_id, "name": tab.name})


def _made_tab(call: Call) -> Tab:
    if all(str(item["tabId"]) != call.params["tabId"] for item in _tabs(call)):
        raise ApiError(404, "The tab was not found.")
    return next(item for item in _made_screen(call).tabs if str(item.tab_id) == call.params["tabId"])


@ROUTES.put(f"{API}/screens/{{screenId}}/tabs/{{tabId}}")
def rename_tab(call: Call) -> Response:
    """Give a tab another name."""
    tab = _made_tab(call)
    others = [item for item in _tabs(call) if str(item["tabId"]) != str(tab.tab_id)]
    tab.name = free_name(call, [{"name": item["tabName"]} for item in others])
    return json_response({"id": tab.tab_id, "name": tab.name})


@ROUTES.post(f"{API}/screens/{{screenId}}/tabs/{{tabId}}/fields")
def add_field(call: Call) -> Response:
    """Put a field onto a tab; a screen has a field once."""
    tab = _made_tab(call)
    field_id = str(call.json_object().get("fieldId") or "")
    if field_id not in call.site.fields:
        raise ApiError(404, f"The field '{field_id}' was not found.")
    if any(field_id in item.field_ids for item in _made_screen(call).tabs):
        raise ApiError(400, f"The field with id {field_id} already exists on the screen.")
    if field_id not in fields.screenable(call.site):
        raise ApiError(400, f"The field with id {field_id} cannot be put on a screen.")
    tab.field_ids.append(field_id)
    return json_response({"id": field_id, "name": call.site.fields[field_id].name})


@ROUTES.delete(f"{API}/screens/{{screenId}}/tabs/{{tabId}}/fields/{{id}}")
def take_field(call: Call) -> Response:
    """Take a field off a tab."""
    tab = _made_tab(call)
    if call.params["id"] not in tab.field_ids:
        raise ApiError(404, "The field is not on the tab.")
    tab.field_ids.remove(call.params["id"])
    return no_content()


@ROUTES.post(f"{API}/screens/{{screenId}}/tabs/{{tabId}}/fields/{{id}}/move")
def move_field(call: Call) -> Response:
    """Move a field on its tab: behind another one, or to either end."""
    tab, field_id, body = _made_tab(call), call.params["id"], call.json_object()
    rest = [item for item in tab.field_ids if item != field_id]
    after = body.get("after")
    if len(rest) == len(tab.field_ids) or (after is not None and after not in rest):
        raise ApiError(404, "The field is not on the tab.")
    if after is None and body.get("position") not in {"First", "Last"}:
        raise ApiError(400, "A field to follow or a position is required.")
    place = rest.index(str(after)) + 1 if after is not None else 0
    if after is None and body["position"] == "Last":
        place = len(rest)
    tab.field_ids[:] = [*rest[:place], field_id, *rest[place:]]
    return no_content()


@ROUTES.post(f"{API}/screens/{{screenId}}/tabs/{{tabId}}/move/{{pos}}")
def move_tab(call: Call) -> Response:
    """Move a tab to a place."""
    screen, tab, place = _made_screen(call), _made_tab(call), call.params["pos"]
    if not place.isdigit() or int(place) >= len(screen.tabs):
        raise ApiError(400, "There is no such place.")
    screen.tabs.remove(tab)
    screen.tabs.insert(int(place), tab)
    return no_content()
