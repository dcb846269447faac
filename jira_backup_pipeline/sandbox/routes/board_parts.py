"""What hangs on boards and on gadgets: quick filters, features, properties.

What belongs here: the addresses below one board and one gadget, except configuration, sprints and issues.

What stays out: boards themselves (``agile``), dashboards (``site_setup``), and the records (``setup.boards``).
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.creation import property_problem
from jira_backup_pipeline.sandbox.http import (
    SELF_BASE,
    ApiError,
    Call,
    Json,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.routes.agile import AGILE, visible_board
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.setup import boards

ROUTES = RouteTable()
BOARD = f"{AGILE}/board/{{boardId}}"
GADGET = "/rest/api/3/dashboard/{dashboardId}/items/{itemId}/properties"


@ROUTES.get(f"{BOARD}/quickfilter")
def quick_filters(call: Call) -> Response:
    """The quick filters of a board by page."""
    return page(call, boards.quick_filters(visible_board(call)), lambda item: item, links=False)


@ROUTES.get(f"{BOARD}/features")
def features(call: Call) -> Response:
    """The features of a board."""
    return json_response({"features": boards.features(visible_board(call))})


def _keys(base: str, properties: dict[str, Json]) -> Response:
    return json_response({"keys": [{"self": f"{base}/{key}", "key": key} for key in properties]})


def _value(call: Call, properties: dict[str, Json]) -> Response:
    key = call.params["propertyKey"]
    if key not in properties:
        raise ApiError(404, f"The property {key} does not exist.")
    return json_response({"key": key, "value": properties[key]})


@ROUTES.get(f"{BOARD}/properties")
def property_keys(call: Call) -> Response:
    """The keys of a board's properties."""
    board = visible_board(call)
    return _keys(f"{SELF_BASE}{AGILE}/board/{board.board_id}/properties", board.properties)


@ROUTES.get(f"{BOARD}/properties/{{propertyKey}}")
def read_property(call: Call) -> Response:
    """One property of a board."""
    return _value(call, visible_board(call).properties)


@ROUTES.put(f"{BOARD}/properties/{{propertyKey}}")
def set_property(call: Call) -> Response:
    """Store a property of a board."""
    call.actor()
    board, key, value = visible_board(call), call.params["propertyKey"], call.json()
    problem = property_problem(key, value)
    if problem:
        raise ApiError(400, problem)
    status = 200 if key in board.properties else 201
    board.properties[key] = value
    return json_response({}, status)


@ROUTES.delete(f"{BOARD}/properties/{{propertyKey}}")
def delete_property(call: Call) -> Response:
    """Remove a property of a board."""
    call.actor()
    board, key = visible_board(call), call.params["propertyKey"]
    if board.properties.pop(key, None) is None:
        raise ApiError(404, f"The property {key} does not exist.")
    return no_content()


def _gadget_properties(call: Call) -> dict[str, Json]:
    call.actor()
    found = boards.gadget_properties(call.site, call.params["dashboardId"], call.params["itemId"])
    if found is None:
        raise ApiError(404, "The dashboard or the dashboard item was not found.")
    return found


@ROUTES.get(GADGET)
def gadget_property_keys(call: Call) -> Response:
    """The keys of a gadget's settings."""
    dashboard, item = call.params["dashboardId"], call.params["itemId"]
    return _keys(f"{show.API}/dashboard/{dashboard}/items/{item}/properties", _gadget_properties(call))


@ROUTES.get(f"{GADGET}/{{propertyKey}}")
def read_gadget_property(call: Call) -> Response:
    """One setting of a gadget."""
    return _value(call, _gadget_properties(call))


@ROUTES.put(f"{GADGET}/{{propertyKey}}")
def set_gadget_property(call: Call) -> Response:
    """Set one setting of a gadget on a dashboard that was made."""
    known, key = _gadget_properties(call), call.params["propertyKey"]
    if call.params["dashboardId"] not in call.site.made.records.get("dashboard", {}):
        raise ApiError(403, "The dashboard cannot be changed here.")
    value = call.json()
    call.site.made.settings.setdefault(call.params["itemId"], {})[key] = value
    return json_response({}, 200 if key in known else 201)
