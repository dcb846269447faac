"""Worklogs: pages, single ones, by id list, the site-wide feeds of changes and deletions.

What belongs here: logging time with all that it moves (time spent, remaining estimate, history), and the
feeds, which never show the last minute.

What stays out: the worklogs inside an issue (``rendering``), and reading durations (``creation``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import rendering
from jira_backup_pipeline.sandbox.changes import begin, history_item, record
from jira_backup_pipeline.sandbox.clock import parse_iso
from jira_backup_pipeline.sandbox.creation import document_or_problem, duration_seconds, property_problem
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
from jira_backup_pipeline.sandbox.model import Issue, IssueBody, Worklog
from jira_backup_pipeline.sandbox.routes.comments import read_properties, read_visibility
from jira_backup_pipeline.sandbox.routes.issues import refuse_silence_without_right
from jira_backup_pipeline.sandbox.routes.paging import window

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.issue_table import WorklogStamp
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
API = "/rest/api/3"
ONE = f"{API}/issue/{{issueIdOrKey}}/worklog/{{id}}"
FEED_PAGE = 1000


def _visible(call: Call, issue: Issue) -> list[Worklog]:
    project = call.site.project_of(issue)
    return [
        w for w in call.site.issues.worklogs_of(issue) if call.site.sees(call.caller, project, w.visibility)
    ]


def _one(call: Call, issue: Issue, worklog_id: str) -> Worklog:
    found = next((item for item in _visible(call, issue) if str(item.worklog_id) == worklog_id), None)
    if found is None:
        raise ApiError(404, f"Cannot find worklog with id: '{worklog_id}'.")
    return found


def _issue(call: Call) -> Issue:
    if not call.site.settings.time_tracking_enabled:
        raise ApiError(404, "Time Tracking is disabled.")
    return call.site.readable_issue(call.caller, call.params["issueIdOrKey"])


@ROUTES.get(f"{API}/issue/{{issueIdOrKey}}/worklog")
def read_worklogs(call: Call) -> Response:
    """A page of worklogs by start time, narrowed by when they started."""
    issue = _issue(call)
    after = call.request.integer("startedAfter", -(2**62))
    before = call.request.integer("startedBefore", 2**62)
    items = [item for item in _visible(call, issue) if after <= item.started_ms < before]
    items.sort(key=lambda item: (item.started_ms, item.worklog_id))
    start, size, shown = window(call, items, default=5000, maximum=5000)
    properties = "properties" in call.request.every("expand")
    value: JsonObject = {"startAt": start, "maxResults": size, "total": len(items)}
    value["worklogs"] = [
        rendering.worklog(call.site, issue.issue_id, w, properties=properties) for w in shown
    ]
    return json_response(value)


@ROUTES.post(f"{API}/issue/{{issueIdOrKey}}/worklog")
def add_worklog(call: Call) -> Response:
    """Log time as the caller."""
    caller = call.actor()
    site = call.site
    issue = _issue(call)
    site.require(caller, "WORK_ON_ISSUES", site.project_of(issue))
    refuse_silence_without_right(call, issue)
    given = call.json_object()
    if len(site.issues.worklogs_of(issue)) >= site.settings.worklogs_per_issue:
        raise ApiError(413, "The worklog limit for this issue has been reached.")
    now = site.now()
    seconds, started = _times(given, now)
    made = Worklog(
        site.next_id("worklog"),
        caller.account_id,
        document_or_problem(site, given["comment"], "comment") if given.get("comment") is not None else None,
        started,
        now,
        now,
        seconds,
        caller.account_id,
        read_visibility(site, given.get("visibility")),
        read_properties(given.get("properties")),
    )
    body = begin(site, issue)
    spent = sum(item.seconds for item in body.worklogs)
    body.worklogs.append(made)
    site.issues.worklogs.later[made.worklog_id] = issue.issue_id
    items = [_spent_item(spent, spent + seconds), _id_item(made)]
    _adjust(call, body, seconds)
    record(site, issue, caller.account_id, items)
    return json_response(rendering.worklog(site, issue.issue_id, made), 201)


def _times(given: JsonObject, now: int) -> tuple[int, int]:
    try:
        seconds = int(given.get("timeSpentSeconds") or 0) or duration_seconds(
            str(given.get("timeSpent") or "")
        )
    except ValueError:
        raise ApiError(400, errors={"timeLogged": "Invalid time duration entered."}) from None
    if seconds <= 0:
        raise ApiError(400, errors={"timeLogged": "You must indicate the time spent working."})
    try:
        started = parse_iso(str(given["started"])) if given.get("started") else now
    except ValueError:
        raise ApiError(400, errors={"started": "Cannot parse the start date."}) from None
    return seconds, started


def _spent_item(before: int, after: int) -> JsonObject:
    texts = [str(value) if value else None for value in (before, after)]
    return history_item("timespent", "timespent", (texts[0], texts[0]), (texts[1], texts[1]))


def _id_item(item: Worklog) -> JsonObject:
    return history_item("WorklogId", None, (None, None), (str(item.worklog_id), str(item.worklog_id)))


def _adjust(call: Call, body: IssueBody, seconds: int) -> None:
    how = call.request.first("adjustEstimate", "auto")
    if how not in {"auto", "leave", "new", "manual"}:
        raise ApiError(400, f"The adjustEstimate value '{how}' is not supported.")
    remaining = body.values.get("timeestimate")
    if how == "auto" and remaining is not None:
        body.values["timeestimate"] = max(0, remaining - seconds)
    elif how in {"new", "manual"}:
        name = "newEstimate" if how == "new" else "reduceBy"
        try:
            amount = duration_seconds(call.request.first(name))
        except ValueError:
            raise ApiError(400, errors={name: "Invalid time duration entered."}) from None
        body.values["timeestimate"] = amount if how == "new" else max(0, (remaining or 0) - amount)


@ROUTES.get(ONE)
def read_worklog(call: Call) -> Response:
    """One worklog."""
    issue = _issue(call)
    return json_response(rendering.worklog(call.site, issue.issue_id, _one(call, issue, call.params["id"])))


@ROUTES.put(ONE)
def edit_worklog(call: Call) -> Response:
    """Change a worklog."""
    caller = call.actor()
    site = call.site
    issue = _issue(call)
    _one(call, issue, call.params["id"])
    given = call.json_object()
    text = (
        document_or_problem(site, given["comment"], "comment") if given.get("comment") is not None else None
    )
    body = begin(site, issue)
    item = _one(call, issue, call.params["id"])
    before = sum(entry.seconds for entry in body.worklogs)
    if given.get("timeSpentSeconds") or given.get("timeSpent") or given.get("started"):
        merged = {"timeSpentSeconds": item.seconds, **given}
        if given.get("timeSpent"):
            merged.pop("timeSpentSeconds")
        item.seconds, started = _times(merged, item.started_ms)
        item.started_ms = started
    if text is not None:
        item.comment = text
    if "visibility" in given:
        item.visibility = read_visibility(site, given["visibility"])
    item.updated_ms, item.update_author = site.now(), caller.account_id
    after = sum(entry.seconds for entry in body.worklogs)
    items = [_spent_item(before, after)] if before != after else []
    record(site, issue, caller.account_id, items)
    return json_response(rendering.worklog(site, issue.issue_id, item))


@ROUTES.delete(ONE)
def delete_worklog(call: Call) -> Response:
    """Delete a worklog; the feed of deletions tells of it."""
    caller = call.actor()
    site = call.site
    issue = _issue(call)
    item = _one(call, issue, call.params["id"])
    body = begin(site, issue)
    before = sum(entry.seconds for entry in body.worklogs)
    body.worklogs = [entry for entry in body.worklogs if entry.worklog_id != item.worklog_id]
    site.deleted_worklogs.append((site.now(), item.worklog_id))
    record(site, issue, caller.account_id, [_spent_item(before, before - item.seconds)])
    return no_content()


@ROUTES.post(f"{API}/worklog/list")
def worklogs_by_id(call: Call) -> Response:
    """Worklogs by id; unknown and hidden ones are left out."""
    call.actor()
    ids = call.json_object().get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 1000:
        raise ApiError(400, "The number of worklog ids must be between 1 and 1000.")
    properties = "properties" in call.request.every("expand")
    shown: list[JsonObject] = []
    looked: dict[int, dict[int, Worklog]] = {}
    for number in dict.fromkeys(ids):
        located = _located(call, number, looked)
        if located is not None:
            shown.append(rendering.worklog(call.site, located[0].issue_id, located[1], properties=properties))
    return json_response(shown)


def _located(
    call: Call, number: object, looked: dict[int, dict[int, Worklog]] | None = None
) -> tuple[Issue, Worklog] | None:
    """A worklog by id with its issue, if the caller may see it; ``looked`` is as in ``comments.locate``."""
    site = call.site
    owner = site.issues.worklogs.owner(int(str(number))) if str(number).isdigit() else None
    issue = site.issues.by_id.get(owner) if owner is not None else None
    if issue is None or not site.can_see(call.caller, issue):
        return None
    looked = {} if looked is None else looked
    if issue.issue_id not in looked:
        looked[issue.issue_id] = {entry.worklog_id: entry for entry in _visible(call, issue)}
    item = looked[issue.issue_id].get(int(str(number)))
    return None if item is None else (issue, item)


def _feed(call: Call, rows: list[tuple[int, int]], address: str, show: dict[int, WorklogStamp]) -> Response:
    site = call.site
    since = call.request.integer("since", 0)
    horizon = site.now() - round(site.settings.feed_delay_seconds * 1000)
    rows = sorted(row for row in rows if since <= row[0] <= horizon)
    shown = rows[:FEED_PAGE]
    # Entries of one millisecond are never cut apart: a page ends where the time changes.
    while len(shown) < len(rows) and rows[len(shown)][0] == shown[-1][0]:
        shown.append(rows[len(shown)])
    last = len(shown) == len(rows)
    until = shown[-1][0] if shown else since
    expand = "properties" in call.request.every("expand")
    values: list[JsonObject] = []
    for at, worklog_id in shown:
        value: JsonObject = {"worklogId": worklog_id, "updatedTime": at, "properties": []}
        if expand and worklog_id in show:
            value["properties"] = [{"key": k, "value": v} for k, v in show[worklog_id].properties.items()]
        values.append(value)
    base = f"{SELF_BASE}{API}/worklog/{address}"
    page: JsonObject = {
        "values": values,
        "since": since,
        "until": until,
        "self": f"{base}?since={since}",
        "lastPage": last,
    }
    if not last:
        page["nextPage"] = f"{base}?since={until + 1}"
    return json_response(page)


def _all_worklogs(site: Site, call: Call) -> dict[int, WorklogStamp]:
    found: dict[int, WorklogStamp] = {}
    for project in site.projects.values():
        if site.can_browse(call.caller, project):
            for issue in site.issues.of_project(project.project_id):
                if not site.can_see(call.caller, issue):
                    continue
                for item in site.issues.worklog_stamps(issue):
                    if site.sees(call.caller, project, item.visibility):
                        found[item.worklog_id] = item
    return found


@ROUTES.get(f"{API}/worklog/updated")
def updated_worklogs(call: Call) -> Response:
    """Ids of worklogs changed since a time, oldest first; the last minute is never shown."""
    call.actor()
    items = _all_worklogs(call.site, call)
    return _feed(call, [(item.updated_ms, number) for number, item in items.items()], "updated", items)


@ROUTES.get(f"{API}/worklog/deleted")
def deleted_worklogs(call: Call) -> Response:
    """Ids of worklogs deleted since a time, oldest first."""
    call.actor()
    return _feed(call, list(call.site.deleted_worklogs), "deleted", {})


PROPERTIES = f"{API}/issue/{{issueIdOrKey}}/worklog/{{worklogId}}/properties"


@ROUTES.get(PROPERTIES)
def worklog_property_keys(call: Call) -> Response:
    """The keys of a worklog's properties."""
    issue = _issue(call)
    item = _one(call, issue, call.params["worklogId"])
    base = f"{rendering.API}/issue/{issue.issue_id}/worklog/{item.worklog_id}/properties"
    return json_response({"keys": [{"key": key, "self": f"{base}/{key}"} for key in item.properties]})


@ROUTES.get(f"{PROPERTIES}/{{propertyKey}}")
def worklog_property(call: Call) -> Response:
    """One property of a worklog."""
    item = _one(call, _issue(call), call.params["worklogId"])
    key = call.params["propertyKey"]
    if key not in item.properties:
        raise ApiError(404, f"The property {key} does not exist.")
    return json_response({"key": key, "value": item.properties[key]})


@ROUTES.put(f"{PROPERTIES}/{{propertyKey}}")
def set_worklog_property(call: Call) -> Response:
    """Store a property of a worklog."""
    call.actor()
    issue = _issue(call)
    _one(call, issue, call.params["worklogId"])
    key, value = call.params["propertyKey"], call.json()
    problem = property_problem(key, value)
    if problem:
        raise ApiError(400, problem)
    begin(call.site, issue)
    item = _one(call, issue, call.params["worklogId"])
    status = 200 if key in item.properties else 201
    item.properties[key] = value
    return json_response({}, status)
