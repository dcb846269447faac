"""The agile API: boards, their configuration, sprints and what is in them.

What belongs here: ``/rest/agile/1.0``, but what hangs on a board (``board_parts``), with the rules of a sprint's life (future, active,
closed).

What stays out: sprints as values of a field (``values``), and the platform's own issue and search paths
(``issues``, ``search``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import changes, rendering
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.clock import parse_iso
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
from jira_backup_pipeline.sandbox.model import Board, Issue, ProjectState, Sprint
from jira_backup_pipeline.sandbox.routes.paging import page, window
from jira_backup_pipeline.sandbox.routes.search import issue_json, strings
from jira_backup_pipeline.sandbox.setup import shared

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
AGILE = "/rest/agile/1.0"


def _visible_boards(call: Call) -> list[Board]:
    site = call.site
    return [
        board
        for board in site.boards.values()
        if site.can_browse(call.caller, site.projects[board.project_id])
    ]


@ROUTES.get(f"{AGILE}/board")
def boards(call: Call) -> Response:
    """Boards by page, of one project when asked."""
    items = _visible_boards(call)
    wanted = call.request.first("projectKeyOrId")
    if wanted:
        project = call.site.find_project(wanted)
        if project is None or project.state is not ProjectState.LIVE:
            raise ApiError(400, f"No project could be found with key or id '{wanted}'.")
        items = [board for board in items if board.project_id == project.project_id]
    kinds = set(call.request.every("type"))
    if kinds:
        items = [board for board in items if board.board_type in kinds]
    name = call.request.first("name").lower()
    items = [board for board in items if name in board.name.lower()]
    return page(call, items, lambda board: show.board(call.site, board), links=False)


@ROUTES.post(f"{AGILE}/board")
def create_board(call: Call) -> Response:
    """Make a scrum or kanban board of a filter, in a project."""
    call.actor()
    site, body = call.site, call.json_object()
    name, kind, place = str(body.get("name") or ""), body.get("type"), body.get("location") or {}
    project = site.find_project(str(place.get("projectKeyOrId", "")))
    known = {str(item["id"]) for item in shared.filters(site)}
    if not name or kind not in {"scrum", "kanban"} or project is None or place.get("type") != "project":
        raise ApiError(400, "The name, a type of scrum or kanban, and a project are required.")
    if str(body.get("filterId")) not in known:
        raise ApiError(400, "The filter does not exist.")
    made = Board(site.next_id("board"), name, kind, project.project_id, filter_id=int(body["filterId"]))
    site.boards[made.board_id] = made
    return json_response(show.board(site, made), 201)


def visible_board(call: Call) -> Board:
    """The board of the address, which the caller must be able to see."""
    text = call.params["boardId"]
    found = next((board for board in _visible_boards(call) if str(board.board_id) == text), None)
    if found is None:
        raise ApiError(
            404,
            "The requested board cannot be viewed because it either does not exist or you do not have permission to view it.",
        )
    return found


@ROUTES.get(f"{AGILE}/board/{{boardId}}")
def read_board(call: Call) -> Response:
    """One board."""
    return json_response(show.board(call.site, visible_board(call)))


@ROUTES.get(f"{AGILE}/board/{{boardId}}/configuration")
def board_configuration(call: Call) -> Response:
    """Columns, filter, estimation and rank of a board."""
    return json_response(configuration_of(call.site, visible_board(call)))


def configuration_of(site: Site, board: Board) -> JsonObject:
    """A board's configuration: its columns follow from the project's main workflow."""
    workflow = site.workflow_for(site.projects[board.project_id], "")
    groups: dict[str, list[str]] = {"To Do": [], "In Progress": [], "Done": []}
    names = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
    for status_id in workflow.statuses:
        groups[names.get(site.statuses[status_id].category, "To Do")].append(status_id)
    columns = [
        {"name": name, "statuses": [{"id": i, "self": f"{show.API}/status/{i}"} for i in status_ids]}
        for name, status_ids in groups.items()
    ]
    value: JsonObject = {
        "id": board.board_id,
        "name": board.name,
        "type": board.board_type,
        "self": f"{SELF_BASE}{AGILE}/board/{board.board_id}/configuration",
        "location": {"type": "project", "projectKeyOrId": site.projects[board.project_id].key},
        "filter": {"id": str(board.filter_id), "self": f"{show.API}/filter/{board.filter_id}"},
        "columnConfig": {"columns": columns, "constraintType": "none"},
        "ranking": {"rankCustomFieldId": 10019},
    }
    if board.board_type == "scrum":
        value["estimation"] = {
            "type": "field",
            "field": {"fieldId": "customfield_10016", "displayName": "Story point estimate"},
        }
    return value


@ROUTES.get(f"{AGILE}/board/{{boardId}}/sprint")
def board_sprints(call: Call) -> Response:
    """The sprints of a scrum board."""
    board = visible_board(call)
    if board.board_type == "kanban":
        raise ApiError(400, "The board does not support sprints")
    states = set(call.request.every("state"))
    items = [sprint for sprint in call.site.sprints.values() if sprint.board_id == board.board_id]
    items = [sprint for sprint in items if not states or sprint.state in states]
    return page(call, items, show.sprint, links=False)


@ROUTES.post(f"{AGILE}/sprint")
def create_sprint(call: Call) -> Response:
    """Make a future sprint."""
    call.actor()
    body = call.json_object()
    board = (
        call.site.boards.get(int(body["originBoardId"]))
        if str(body.get("originBoardId", "")).isdigit()
        else None
    )
    if board is None:
        raise ApiError(404, "The board does not exist.")
    name = str(body.get("name") or "")
    if not name or len(name) > 30:
        raise ApiError(400, errors={"name": "The sprint name must be between 1 and 30 characters."})
    made = Sprint(call.site.next_id("sprint"), board.board_id, name, goal=str(body.get("goal") or ""))
    _dates(made, body)
    call.site.sprints[made.sprint_id] = made
    return json_response(show.sprint(made), 201)


def _dates(item: Sprint, body: JsonObject) -> None:
    try:
        if body.get("startDate"):
            item.start_ms = parse_iso(str(body["startDate"]))
        if body.get("endDate"):
            item.end_ms = parse_iso(str(body["endDate"]))
    except ValueError:
        raise ApiError(400, "The date is not valid.") from None


def _sprint(call: Call) -> Sprint:
    text = call.params["sprintId"]
    found = call.site.sprints.get(int(text)) if text.isdigit() else None
    if found is None:
        raise ApiError(404, "The sprint does not exist.")
    return found


@ROUTES.get(f"{AGILE}/sprint/{{sprintId}}")
def read_sprint(call: Call) -> Response:
    """One sprint."""
    return json_response(show.sprint(_sprint(call)))


@ROUTES.post(f"{AGILE}/sprint/{{sprintId}}")
def edit_sprint(call: Call) -> Response:
    """Change a sprint: future to active (with dates), active to closed; never back."""
    call.actor()
    item, body = _sprint(call), call.json_object()
    state = str(body.get("state") or item.state)
    allowed = {("future", "active"), ("active", "closed")}
    if state != item.state and (item.state, state) not in allowed:
        raise ApiError(400, f"The sprint cannot go from '{item.state}' to '{state}'.")
    if item.state == "closed" and (body.get("startDate") or body.get("endDate")):
        raise ApiError(400, "The dates of a closed sprint cannot be changed.")
    _dates(item, body)
    if state == "active" and (item.start_ms is None or item.end_ms is None):
        raise ApiError(400, "A sprint needs a start and an end date to be started.")
    if state == "closed" and item.state == "active":
        item.complete_ms = call.site.now()
    item.state = state
    item.name = str(body.get("name") or item.name)
    item.goal = str(body.get("goal", item.goal))
    item.raw = None
    call.site.reference_changed()
    return json_response(show.sprint(item))


ROUTES.put(f"{AGILE}/sprint/{{sprintId}}")(edit_sprint)


def _sprint_field(site: Site) -> str:
    return next(
        (item.field_id for item in site.fields.values() if item.kind == "sprint"), "customfield_10020"
    )


@ROUTES.get(f"{AGILE}/sprint/{{sprintId}}/issue")
def sprint_issues(call: Call) -> Response:
    """The issues of a sprint."""
    sprint = _sprint(call)
    field_id = _sprint_field(call.site)
    board = call.site.boards[sprint.board_id]
    found = [
        issue
        for issue in call.site.issues.of_project(board.project_id)
        if sprint.sprint_id in (call.site.body(issue).values.get(field_id) or [])
    ]
    return _issue_page(call, found)


@ROUTES.get(f"{AGILE}/board/{{boardId}}/issue")
def board_issues(call: Call) -> Response:
    """The issues of a board."""
    return _issue_page(call, call.site.issues.of_project(visible_board(call).project_id))


def _issue_page(call: Call, issues: list[Issue]) -> Response:
    fields = call.request.every("fields") or ["*all"]
    start, size, shown = window(call, issues, default=50, maximum=100)
    parts = [issue_json(call, issue, fields, set(call.request.every("expand")), []) for issue in shown]
    head = b'{"startAt":%d,"maxResults":%d,"total":%d,"issues":[' % (start, size, len(issues))
    return Response(200, head + b",".join(parts) + b"]}")


@ROUTES.post(f"{AGILE}/sprint/{{sprintId}}/issue")
def move_into_sprint(call: Call) -> Response:
    """Put up to 50 issues into a sprint that is not closed."""
    caller = call.actor()
    sprint = _sprint(call)
    wanted = strings(call.json_object().get("issues"), "issues")
    if not 1 <= len(wanted) <= 50:
        raise ApiError(400, "Between 1 and 50 issues can be moved at once.")
    if sprint.state == "closed":
        raise ApiError(400, "Issues cannot be moved to a closed sprint.")
    site = call.site
    field_id = _sprint_field(site)
    for issue in [site.readable_issue(caller, text) for text in wanted]:
        before = site.body(issue).values.get(field_id) or []
        kept = [
            number for number in before if number in site.sprints and site.sprints[number].state == "closed"
        ]
        changes.set_values(site, issue, {field_id: [*kept, sprint.sprint_id]}, caller.account_id)
    return no_content()


@ROUTES.get(f"{AGILE}/issue/{{issueIdOrKey}}")
def agile_issue(call: Call) -> Response:
    """One issue with its agile fields."""
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    return Response(200, issue_json(call, issue, call.request.every("fields") or ["*all"], set(), []))


def issue_address(issue: Issue) -> str:
    """The address of an issue."""
    return f"{rendering.API}/issue/{issue.issue_id}"
