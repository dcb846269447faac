"""Comments: pages, single ones, by id list, and their properties.

What belongs here: reading and writing comments with their visibility, and reading a visibility or properties
from a body, which worklogs share.

What stays out: the comments inside an issue (``rendering``), and what a valid document is (``adf``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import adf, rendering
from jira_backup_pipeline.sandbox.changes import begin, record, remove_attachment
from jira_backup_pipeline.sandbox.creation import document_or_problem, property_problem
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    Json,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.model import Comment, Issue, Visibility
from jira_backup_pipeline.sandbox.routes.paging import window

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site
from jira_backup_pipeline.sandbox.setup.mails import COMMENTED, announce

ROUTES = RouteTable()
API = "/rest/api/3"
ONE = f"{API}/issue/{{issueIdOrKey}}/comment/{{id}}"


def _visible(call: Call, issue: Issue) -> list[Comment]:
    project = call.site.project_of(issue)
    return [
        item
        for item in call.site.body(issue).comments
        if call.site.sees(call.caller, project, item.visibility)
    ]


def _one(call: Call, issue: Issue, comment_id: str) -> Comment:
    found = next((item for item in _visible(call, issue) if str(item.comment_id) == comment_id), None)
    if found is None:
        raise ApiError(404, f"Can not find a comment for the id: {comment_id}.")
    return found


def read_visibility(site: Site, given: Json) -> Visibility | None:
    """The visibility of a request; a role or group that does not exist is a 400."""
    if not isinstance(given, dict) or not given.get("type"):
        return None
    kind = str(given["type"])
    wanted = {str(given[key]) for key in ("identifier", "value") if given.get(key)}
    if kind == "role":
        pairs = [(role.name, role.item_id) for role in site.roles.values()]
    elif kind == "group":
        pairs = [(group.name, group.group_id) for group in site.groups.values()]
    else:
        raise ApiError(400, errors={"visibility": "The visibility type must be 'role' or 'group'."})
    by_id = given.get("identifier")
    for name, identifier in pairs:
        if identifier == by_id or (not by_id and name in wanted) or name in wanted - {by_id}:
            return Visibility(kind, name, identifier)
    raise ApiError(400, errors={"commentLevel": f"The {kind} '{', '.join(sorted(wanted))}' does not exist."})


def read_properties(given: Json) -> dict[str, Json]:
    """The properties of a request body."""
    found: dict[str, Json] = {}
    for entry in given or []:
        problem = property_problem(str(entry.get("key", "")), entry.get("value"))
        if problem:
            raise ApiError(400, errors={"properties": problem})
        found[str(entry["key"])] = entry["value"]
    return found


@ROUTES.get(f"{API}/issue/{{issueIdOrKey}}/comment")
def read_comments(call: Call) -> Response:
    """A page of comments, oldest first unless asked otherwise."""
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    items = sorted(_visible(call, issue), key=lambda item: (item.created_ms, item.comment_id))
    order = call.request.first("orderBy", "created")
    if order not in {"created", "+created", "-created"}:
        raise ApiError(400, f"The orderBy value '{order}' is not supported.")
    if order == "-created":
        items.reverse()
    start, size, shown = window(call, items, default=100, maximum=5000)
    properties = "properties" in call.request.every("expand")
    value: JsonObject = {"startAt": start, "maxResults": size, "total": len(items)}
    value["comments"] = [
        rendering.comment(call.site, issue.issue_id, item, properties=properties) for item in shown
    ]
    return json_response(value)


@ROUTES.post(f"{API}/issue/{{issueIdOrKey}}/comment")
def add_comment(call: Call) -> Response:
    """Write a comment as the caller."""
    caller = call.actor()
    site = call.site
    issue = site.readable_issue(caller, call.params["issueIdOrKey"])
    site.require(caller, "ADD_COMMENTS", site.project_of(issue))
    body = call.json_object()
    text = document_or_problem(site, body.get("body"), "comment")
    visibility = read_visibility(site, body.get("visibility"))
    properties = read_properties(body.get("properties"))
    if len(site.body(issue).comments) >= site.settings.comments_per_issue:
        raise ApiError(413, "The comment limit for this issue has been reached.")
    made = new_comment(site, issue, caller.account_id, text, visibility=visibility, properties=properties)
    announce(site, issue, COMMENTED)
    return json_response(rendering.comment(site, issue.issue_id, made), 201)


def new_comment(
    site: Site,
    issue: Issue,
    author: str,
    text: JsonObject,
    *,
    at_ms: int | None = None,
    visibility: Visibility | None = None,
    properties: dict[str, Json] | None = None,
) -> Comment:
    """Store a comment and move the issue's ``updated``."""
    now = site.now() if at_ms is None else at_ms
    body = begin(site, issue)
    made = Comment(
        site.next_id("comment"), author, text, now, now, author, visibility, dict(properties or {})
    )
    body.comments.append(made)
    site.issues.comments.later[made.comment_id] = issue.issue_id
    record(site, issue, author, [], at_ms=now)
    return made


@ROUTES.get(ONE)
def read_comment(call: Call) -> Response:
    """One comment."""
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    item = _one(call, issue, call.params["id"])
    properties = "properties" in call.request.every("expand")
    return json_response(rendering.comment(call.site, issue.issue_id, item, properties=properties))


@ROUTES.put(ONE)
def edit_comment(call: Call) -> Response:
    """Change a comment's text, visibility or properties; a picture that leaves the text is deleted."""
    caller = call.actor()
    site = call.site
    issue = site.readable_issue(caller, call.params["issueIdOrKey"])
    item = _one(call, issue, call.params["id"])
    given = call.json_object()
    text = document_or_problem(site, given.get("body"), "comment")
    visibility = read_visibility(site, given.get("visibility"))
    begin(site, issue)
    item = _one(call, issue, call.params["id"])
    gone = set(adf.media_ids(item.body)) - set(adf.media_ids(text))
    item.body = text
    item.updated_ms, item.update_author = site.now(), caller.account_id
    if "visibility" in given:
        item.visibility = visibility
    item.properties.update(read_properties(given.get("properties")))
    record(site, issue, caller.account_id, [])
    for attached in [entry for entry in site.body(issue).attachments if entry.media_uuid in gone]:
        remove_attachment(site, issue, attached, caller.account_id)
    return json_response(rendering.comment(site, issue.issue_id, item))


@ROUTES.delete(ONE)
def delete_comment(call: Call) -> Response:
    """Delete a comment."""
    caller = call.actor()
    issue = call.site.readable_issue(caller, call.params["issueIdOrKey"])
    item = _one(call, issue, call.params["id"])
    body = begin(call.site, issue)
    body.comments = [entry for entry in body.comments if entry.comment_id != item.comment_id]
    record(call.site, issue, caller.account_id, [])
    return no_content()


@ROUTES.post(f"{API}/comment/list")
def comments_by_id(call: Call) -> Response:
    """Comments by id; unknown and hidden ones are left out."""
    ids = call.json_object().get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 1000:
        raise ApiError(400, "The number of comment ids must be between 1 and 1000.")
    site = call.site
    properties = "properties" in call.request.every("expand")
    shown: list[JsonObject] = []
    looked: dict[int, dict[int, Comment]] = {}
    for number in dict.fromkeys(ids):
        located = locate(call, number, looked)
        if located is not None:
            shown.append(rendering.comment(site, located[0].issue_id, located[1], properties=properties))
    value: JsonObject = {
        "startAt": 0,
        "maxResults": 1000,
        "total": len(shown),
        "isLast": True,
        "values": shown,
    }
    return json_response(value)


def locate(
    call: Call, number: Json, looked: dict[int, dict[int, Comment]] | None = None
) -> tuple[Issue, Comment] | None:
    """A comment by id with its issue, if the caller may see it.

    ``looked`` keeps what the caller sees of an issue: who asks for thousands of one issue goes through them once.
    """
    site = call.site
    owner = site.issues.comments.owner(int(number)) if str(number).isdigit() else None
    issue = site.issues.by_id.get(owner) if owner is not None else None
    if issue is None or not site.can_see(call.caller, issue):
        return None
    looked = {} if looked is None else looked
    if issue.issue_id not in looked:
        looked[issue.issue_id] = {entry.comment_id: entry for entry in _visible(call, issue)}
    item = looked[issue.issue_id].get(int(number))
    return None if item is None else (issue, item)


def _located(call: Call) -> tuple[Issue, Comment]:
    found = locate(call, call.params["commentId"])
    if found is None:
        raise ApiError(404, f"Can not find a comment for the id: {call.params['commentId']}.")
    return found


@ROUTES.get(f"{API}/comment/{{commentId}}/properties")
def comment_property_keys(call: Call) -> Response:
    """The keys of a comment's properties."""
    _, item = _located(call)
    base = f"{rendering.API}/comment/{item.comment_id}/properties"
    return json_response({"keys": [{"key": key, "self": f"{base}/{key}"} for key in item.properties]})


@ROUTES.get(f"{API}/comment/{{commentId}}/properties/{{propertyKey}}")
def comment_property(call: Call) -> Response:
    """One property of a comment."""
    _, item = _located(call)
    key = call.params["propertyKey"]
    if key not in item.properties:
        raise ApiError(404, f"The property {key} does not exist.")
    return json_response({"key": key, "value": item.properties[key]})


@ROUTES.put(f"{API}/comment/{{commentId}}/properties/{{propertyKey}}")
def set_comment_property(call: Call) -> Response:
    """Store a property of a comment; does not move the issue's ``updated``."""
    call.actor()
    issue, item = _located(call)
    key, value = call.params["propertyKey"], call.json()
    problem = property_problem(key, value)
    if problem:
        raise ApiError(400, problem)
    begin(call.site, issue)
    _, item = _located(call)
    status = 200 if key in item.properties else 201
    item.properties[key] = value
    return json_response({}, status)


@ROUTES.delete(f"{API}/comment/{{commentId}}/properties/{{propertyKey}}")
def delete_comment_property(call: Call) -> Response:
    """Remove a property of a comment."""
    call.actor()
    issue, item = _located(call)
    if call.params["propertyKey"] not in item.properties:
        raise ApiError(404, f"The property {call.params['propertyKey']} does not exist.")
    begin(call.site, issue)
    _, item = _located(call)
    del item.properties[call.params["propertyKey"]]
    return no_content()
