"""Links between issues and the kinds of them.

What belongs here: making, reading and deleting a link by request, with a comment on the way, and the link
types.

What stays out: storing a link on both sides (``changes``), links to outside Jira (``issue_parts``), and
parents, which are a field.
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import changes, rendering
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.creation import document_or_problem
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    json_response,
    no_content,
)
from jira_backup_pipeline.sandbox.model import Issue, IssueLink, LinkType
from jira_backup_pipeline.sandbox.routes.comments import new_comment

ROUTES = RouteTable()
API = "/rest/api/3"


def _end(call: Call, body: JsonObject, name: str) -> Issue:
    given = body.get(name)
    wanted = given if isinstance(given, dict) else {}
    return call.site.readable_issue(call.caller, str(wanted.get("id", wanted.get("key", ""))))


def _type(call: Call, given: object) -> LinkType:
    wanted = given if isinstance(given, dict) else {}
    for item in call.site.link_types.values():
        if item.type_id == str(wanted.get("id", "")) or (
            "id" not in wanted and item.name == wanted.get("name")
        ):
            return item
    raise ApiError(404, f"No issue link type with name '{wanted.get('name', wanted.get('id'))}' found.")


@ROUTES.post(f"{API}/issueLink")
def create_link(call: Call) -> Response:
    """Link two issues; making the same link again changes nothing."""
    caller = call.actor()
    body = call.json_object()
    kind = _type(call, body.get("type"))
    source, destination = _end(call, body, "inwardIssue"), _end(call, body, "outwardIssue")
    for end in (source, destination):
        call.site.require(caller, "LINK_ISSUES", call.site.project_of(end))
    if source is destination:
        raise ApiError(400, "You cannot link an issue to itself.")
    changes.add_link(call.site, kind.type_id, source, destination, caller.account_id)
    if isinstance(body.get("comment"), dict) and body["comment"].get("body"):
        text = document_or_problem(call.site, body["comment"]["body"], "comment")
        new_comment(call.site, destination, caller.account_id, text)
    return Response(201)


def _link(call: Call) -> IssueLink:
    text = call.params["linkId"]
    found = call.site.links.get(int(text)) if text.isdigit() else None
    if found is not None:
        ends = [call.site.issues.by_id.get(number) for number in (found.source_id, found.destination_id)]
        if all(end is not None and call.site.can_see(call.caller, end) for end in ends):
            return found
    raise ApiError(404, f"No issue link with id '{text}' exists.")


@ROUTES.get(f"{API}/issueLink/{{linkId}}")
def read_link(call: Call) -> Response:
    """One link with both ends."""
    link = _link(call)
    site = call.site
    return json_response(
        {
            "id": str(link.link_id),
            "self": rendering.issue_link_self(link),
            "type": show.link_type(site.link_types[link.type_id]),
            "inwardIssue": rendering.issue_brief(site, site.issues.by_id[link.source_id]),
            "outwardIssue": rendering.issue_brief(site, site.issues.by_id[link.destination_id]),
        }
    )


@ROUTES.delete(f"{API}/issueLink/{{linkId}}")
def delete_link(call: Call) -> Response:
    """Take a link away."""
    caller = call.actor()
    changes.delete_link(call.site, _link(call), caller.account_id)
    return no_content()


@ROUTES.get(f"{API}/issueLinkType")
def link_types(call: Call) -> Response:
    """All kinds of link."""
    return json_response({"issueLinkTypes": [show.link_type(item) for item in call.site.link_types.values()]})


@ROUTES.get(f"{API}/issueLinkType/{{issueLinkTypeId}}")
def read_link_type(call: Call) -> Response:
    """One kind of link."""
    return json_response(show.link_type(_type(call, {"id": call.params["issueLinkTypeId"]})))


@ROUTES.post(f"{API}/issueLinkType")
def create_link_type(call: Call) -> Response:
    """Define a kind of link; names are unique."""
    call.site.require(call.caller, "ADMINISTER")
    body = call.json_object()
    missing = [name for name in ("name", "inward", "outward") if not body.get(name)]
    if missing:
        raise ApiError(400, errors={name: f"The '{name}' is required." for name in missing})
    if any(item.name == body["name"] for item in call.site.link_types.values()):
        raise ApiError(404, f"The issue link type name '{body['name']}' is already in use.")
    made = LinkType(
        str(call.site.next_id("linktype")), str(body["name"]), str(body["inward"]), str(body["outward"])
    )
    call.site.link_types[made.type_id] = made
    return json_response(show.link_type(made), 201)
