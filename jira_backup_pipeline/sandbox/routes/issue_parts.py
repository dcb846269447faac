"""What hangs on an issue: watchers, votes, remote links, properties.

What belongs here: these four under the issue's address, with who may change them for whom.

What stays out: comments, worklogs, files and links between issues (each has its module), and properties
stored on many issues at once (``bulk``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox import rendering
from jira_backup_pipeline.sandbox.changes import begin, history_item, record
from jira_backup_pipeline.sandbox.creation import property_problem
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
from jira_backup_pipeline.sandbox.model import Issue, RemoteLink

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
ISSUE = "/rest/api/3/issue/{issueIdOrKey}"


def _issue(call: Call) -> Issue:
    return call.site.readable_issue(call.caller, call.params["issueIdOrKey"])


@ROUTES.get(f"{ISSUE}/watchers")
def watchers(call: Call) -> Response:
    """Who watches an issue."""
    issue = _issue(call)
    call.site.require(call.caller, "VIEW_VOTERS_AND_WATCHERS", call.site.project_of(issue))
    return json_response(
        {
            "self": f"{rendering.API}/issue/{call.site.key_of(issue)}/watchers",
            "isWatching": call.caller is not None and call.caller.account_id in issue.watchers,
            "watchCount": len(issue.watchers),
            "watchers": [show.user_part(call.site, account_id) for account_id in issue.watchers],
        }
    )


@ROUTES.post(f"{ISSUE}/watchers")
def add_watcher(call: Call) -> Response:
    """Add a watcher: the body is an account id, or nothing for the caller."""
    caller = call.actor()
    issue = _issue(call)
    wanted = call.json() if call.request.body else caller.account_id
    account = call.site.accounts.get(str(wanted))
    if account is None or not account.active:
        raise ApiError(404, f"The user '{wanted}' does not exist or may not watch the issue.")
    if account is not caller:
        call.site.require(caller, "MANAGE_WATCHERS", call.site.project_of(issue))
    if account.account_id not in issue.watchers:
        begin(call.site, issue)
        issue.watchers.append(account.account_id)
        call.site.changed(issue.issue_id)
    return no_content()


@ROUTES.delete(f"{ISSUE}/watchers")
def remove_watcher(call: Call) -> Response:
    """Remove a watcher."""
    caller = call.actor()
    issue = _issue(call)
    wanted = call.request.first("accountId")
    if wanted not in call.site.accounts:
        raise ApiError(400 if not wanted else 404, "The user does not exist.")
    if wanted != caller.account_id:
        call.site.require(caller, "MANAGE_WATCHERS", call.site.project_of(issue))
    if wanted in issue.watchers:
        begin(call.site, issue)
        issue.watchers.remove(wanted)
        call.site.changed(issue.issue_id)
    return no_content()


@ROUTES.get(f"{ISSUE}/votes")
def votes(call: Call) -> Response:
    """Who voted for an issue; without the permission to view voters the list is empty."""
    issue = _issue(call)
    may_see = call.caller is not None and call.site.may(
        call.caller, "VIEW_VOTERS_AND_WATCHERS", call.site.project_of(issue)
    )
    return json_response(
        {
            "self": f"{rendering.API}/issue/{call.site.key_of(issue)}/votes",
            "votes": len(issue.voters),
            "hasVoted": call.caller is not None and call.caller.account_id in issue.voters,
            "voters": [show.user_part(call.site, account_id) for account_id in issue.voters]
            if may_see
            else [],
        }
    )


@ROUTES.post(f"{ISSUE}/votes")
def vote(call: Call) -> Response:
    """The caller's own vote; nobody votes for an issue of their own."""
    caller = call.actor()
    issue = _issue(call)
    if call.site.body(issue).values.get("reporter") == caller.account_id:
        raise ApiError(404, "You cannot vote for an issue you have reported.")
    if caller.account_id not in issue.voters:
        begin(call.site, issue)
        issue.voters.append(caller.account_id)
        call.site.changed(issue.issue_id)
    return no_content()


@ROUTES.delete(f"{ISSUE}/votes")
def unvote(call: Call) -> Response:
    """Take the caller's own vote back."""
    caller = call.actor()
    issue = _issue(call)
    if caller.account_id not in issue.voters:
        raise ApiError(404, "Cannot remove a vote for an issue that the user has not already voted for.")
    begin(call.site, issue)
    issue.voters.remove(caller.account_id)
    call.site.changed(issue.issue_id)
    return no_content()


@ROUTES.get(f"{ISSUE}/remotelink")
def remote_links(call: Call) -> Response:
    """All remote links of an issue, or the one with a global id."""
    if not call.site.settings.issue_linking_enabled:
        raise ApiError(403, "Issue linking is disabled.")
    issue = _issue(call)
    items = call.site.body(issue).remote_links
    wanted = call.request.first("globalId")
    if wanted:
        match = [item for item in items if item.global_id == wanted]
        if not match:
            raise ApiError(404, "No remote link with this global id exists.")
        return json_response(rendering.remote_link(issue.issue_id, match[0]))
    return json_response([rendering.remote_link(issue.issue_id, item) for item in items])


def _read_remote_link(body: JsonObject) -> JsonObject:
    target = body.get("object")
    if not isinstance(target, dict):
        raise ApiError(400, errors={"object": "'object' is required."})
    missing = {name: f"'{name}' is required." for name in ("url", "title") if not target.get(name)}
    if missing:
        raise ApiError(400, errors=missing)
    return {"icon": {}, "status": {"icon": {}}, **target}


@ROUTES.post(f"{ISSUE}/remotelink")
def set_remote_link(call: Call) -> Response:
    """Add a remote link; one with the same global id is replaced (200 instead of 201)."""
    caller = call.actor()
    site = call.site
    issue = _issue(call)
    site.require(caller, "LINK_ISSUES", site.project_of(issue))
    body = call.json_object()
    target = _read_remote_link(body)
    global_id = body.get("globalId") or None
    stored = begin(site, issue)
    existing = next(
        (r for r in stored.remote_links if global_id is not None and r.global_id == global_id), None
    )
    if existing is None and len(stored.remote_links) >= site.settings.remote_links_per_issue:
        raise ApiError(413, "The remote link limit for this issue has been reached.")
    item = existing or RemoteLink(site.next_id("remotelink"), global_id, target)
    item.target = target
    item.application = body.get("application") or {}
    item.relationship = body.get("relationship")
    if existing is None:
        stored.remote_links.append(item)
    _note_remote_link(site, issue, caller.account_id, item, gone=False)
    value = {"id": item.link_id, "self": f"{rendering.API}/issue/{issue.issue_id}/remotelink/{item.link_id}"}
    return json_response(value, 201 if existing is None else 200)


def _note_remote_link(site: Site, issue: Issue, actor: str, item: RemoteLink, *, gone: bool) -> None:
    text = (str(item.link_id), f'This issue links to "{item.target.get("title")}"')
    ends = (text, (None, None)) if gone else ((None, None), text)
    record(site, issue, actor, [history_item("RemoteWorkItemLink", None, *ends)])


@ROUTES.get(f"{ISSUE}/remotelink/{{linkId}}")
def remote_link(call: Call) -> Response:
    """One remote link."""
    issue = _issue(call)
    return json_response(rendering.remote_link(issue.issue_id, _remote_link(call, issue)))


def _remote_link(call: Call, issue: Issue) -> RemoteLink:
    for item in call.site.body(issue).remote_links:
        if str(item.link_id) == call.params["linkId"]:
            return item
    raise ApiError(404, "No remote link with this id exists for the issue.")


@ROUTES.put(f"{ISSUE}/remotelink/{{linkId}}")
def edit_remote_link(call: Call) -> Response:
    """Replace a remote link."""
    caller = call.actor()
    issue = _issue(call)
    _remote_link(call, issue)
    body = call.json_object()
    target = _read_remote_link(body)
    begin(call.site, issue)
    item = _remote_link(call, issue)
    item.target, item.application = target, body.get("application") or {}
    item.global_id = body.get("globalId") or item.global_id
    item.relationship = body.get("relationship")
    _note_remote_link(call.site, issue, caller.account_id, item, gone=False)
    return no_content()


@ROUTES.delete(f"{ISSUE}/remotelink/{{linkId}}")
def delete_remote_link(call: Call) -> Response:
    """Remove a remote link."""
    caller = call.actor()
    issue = _issue(call)
    item = _remote_link(call, issue)
    body = begin(call.site, issue)
    body.remote_links = [entry for entry in body.remote_links if entry.link_id != item.link_id]
    _note_remote_link(call.site, issue, caller.account_id, item, gone=True)
    return no_content()


@ROUTES.get(f"{ISSUE}/properties")
def property_keys(call: Call) -> Response:
    """The keys of an issue's properties."""
    issue = _issue(call)
    base = f"{rendering.API}/issue/{issue.issue_id}/properties"
    keys = [{"self": f"{base}/{key}", "key": key} for key in call.site.body(issue).properties]
    return json_response({"keys": keys})


@ROUTES.get(f"{ISSUE}/properties/{{propertyKey}}")
def read_property(call: Call) -> Response:
    """One property of an issue."""
    stored = call.site.body(_issue(call)).properties
    key = call.params["propertyKey"]
    if key not in stored:
        raise ApiError(404, f"The property {key} does not exist.")
    return json_response({"key": key, "value": stored[key]})


@ROUTES.put(f"{ISSUE}/properties/{{propertyKey}}")
def set_property(call: Call) -> Response:
    """Store a property; neither history nor ``updated`` tells of it."""
    call.actor()
    issue = _issue(call)
    key, value = call.params["propertyKey"], call.json()
    problem = property_problem(key, value)
    if problem:
        raise ApiError(400, problem)
    body = begin(call.site, issue)
    status = 200 if key in body.properties else 201
    body.properties[key] = value
    return json_response({}, status)


@ROUTES.delete(f"{ISSUE}/properties/{{propertyKey}}")
def delete_property(call: Call) -> Response:
    """Remove a property."""
    call.actor()
    issue = _issue(call)
    key = call.params["propertyKey"]
    if key not in call.site.body(issue).properties:
        raise ApiError(404, f"The property {key} does not exist.")
    del begin(call.site, issue).properties[key]
    return no_content()


def properties_of(entry: Json) -> dict[str, Json]:
    """The properties of one issue in a bulk request."""
    found = entry.get("properties") if isinstance(entry, dict) else None
    return found if isinstance(found, dict) else {}
