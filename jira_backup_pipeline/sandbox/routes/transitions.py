"""Walking an issue through its workflow.

What belongs here: which steps are open, and taking one with a resolution and a comment on the way.

What stays out: the step itself (``changes.transition``), many issues at once (``bulk``), workflows as
definitions (``configuration``).
"""

from __future__ import annotations

from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline.sandbox.creation import document_or_problem, parse_fields
from jira_backup_pipeline.sandbox.http import ApiError, Call, Response, RouteTable, json_response, no_content
from jira_backup_pipeline.sandbox.issue_metadata import transition_list
from jira_backup_pipeline.sandbox.routes.comments import new_comment

ROUTES = RouteTable()
PATH = "/rest/api/3/issue/{issueIdOrKey}/transitions"


@ROUTES.get(PATH)
def read_transitions(call: Call) -> Response:
    """The transitions open to an issue."""
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    fields = "transitions.fields" in call.request.every("expand")
    found = transition_list(call.site, issue, fields=fields)
    wanted = call.request.first("transitionId")
    if wanted:
        found = [item for item in found if item["id"] == wanted]
    return json_response({"expand": "transitions", "transitions": found})


@ROUTES.post(PATH)
def transition_issue(call: Call) -> Response:
    """Take a transition, setting fields and adding a comment on the way."""
    caller = call.actor()
    site = call.site
    issue = site.readable_issue(caller, call.params["issueIdOrKey"])
    site.require(caller, "TRANSITION_ISSUES", site.project_of(issue))
    body = call.json_object()
    step = body.get("transition")
    if not isinstance(step, dict) or not step.get("id"):
        raise ApiError(400, "Missing 'transition' identifier")
    updates, errors = parse_fields(
        site, site.project_of(issue), body.get("fields") or {}, allowed={"resolution"}
    )
    if errors:
        raise ApiError(400, errors=errors)
    comments = [
        document_or_problem(site, entry["add"].get("body"), "comment")
        for entry in (body.get("update") or {}).get("comment") or []
        if isinstance(entry.get("add"), dict)
    ]
    changes.transition(
        site, issue, str(step["id"]), caller.account_id, updates=updates, metadata=body.get("historyMetadata")
    )
    for text in comments:
        new_comment(site, issue, caller.account_id, text)
    return no_content()
