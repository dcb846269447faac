"""The order of issues: moving some before or after another one.

What belongs here: the rank call of the agile API, and rank texts that lie between two others.

What stays out: boards and sprints (``agile``), and the rank as a value that is shown (``values``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline.sandbox.http import ApiError, Call, JsonObject, Response, RouteTable, no_content
from jira_backup_pipeline.sandbox.routes.search import strings

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.site import Site

ROUTES = RouteTable()
_MOST = 50
# A rank text is "0|", seven digits, a colon and more digits, all to this base.
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_HEAD, _TAIL = 7, 10
_STEP = len(_DIGITS) ** _TAIL


@ROUTES.put("/rest/agile/1.0/issue/rank")
def rank(call: Call) -> Response:
    """Put up to 50 issues, in their order, right before or after another one."""
    caller, site = call.actor(), call.site
    body = call.json_object()
    wanted = strings(body.get("issues"), "issues")
    if not 1 <= len(wanted) <= _MOST:
        raise ApiError(400, "Between 1 and 50 issues can be ranked at once.")
    moved = [site.readable_issue(caller, text) for text in dict.fromkeys(wanted)]
    anchor, is_before = _anchor(call, body)
    if anchor.issue_id in {issue.issue_id for issue in moved}:
        raise ApiError(400, "An issue cannot be ranked against itself.")
    field_id = next((item.field_id for item in site.fields.values() if item.kind == "rank"), "")
    _move(site, field_id, moved, anchor, is_before=is_before, actor=caller.account_id)
    return no_content()


def _anchor(call: Call, body: JsonObject) -> tuple[Issue, bool]:
    before, after = body.get("rankBeforeIssue"), body.get("rankAfterIssue")
    if (before is None) == (after is None):
        raise ApiError(400, "One of rankBeforeIssue and rankAfterIssue is required.")
    text = str(before if before is not None else after)
    return call.site.readable_issue(call.actor(), text), before is not None


def _move(
    site: Site, field_id: str, moved: list[Issue], anchor: Issue, *, is_before: bool, actor: str
) -> None:
    moving = {issue.issue_id for issue in moved}
    order = sorted(
        (_number(site, field_id, issue), issue.issue_id)
        for issue in site.issues
        if issue.issue_id not in moving
    )
    place = next(position for position, found in enumerate(order) if found[1] == anchor.issue_id)
    place += 0 if is_before else 1
    below = order[place - 1][0] if place else 0
    above = order[place][0] if place < len(order) else below + (len(moved) + 1) * _STEP
    step = min((above - below) // (len(moved) + 1), _STEP)
    if step == 0:
        _spread(site, field_id, [issue_id for _, issue_id in order])
        _move(site, field_id, moved, anchor, is_before=is_before, actor=actor)
        return
    for position, issue in enumerate(moved, 1):
        changes.set_values(site, issue, {field_id: _text(below + position * step)}, actor)


def _spread(site: Site, field_id: str, order: list[int]) -> None:
    """Number all anew where no room is left between two; nobody sees that in a history."""
    for position, issue_id in enumerate(order, 1):
        issue = site.issues.by_id[issue_id]
        changes.begin(site, issue).values[field_id] = _text(position * _STEP)
        site.changed(issue_id)


def _number(site: Site, field_id: str, issue: Issue) -> int:
    text = str(site.body(issue).values.get(field_id) or "")
    head, _, tail = text.rpartition("|")[2].partition(":")
    return int((head.rjust(_HEAD, "0") + tail.ljust(_TAIL, "0")) or "0", len(_DIGITS))


def _text(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, len(_DIGITS))
        digits = _DIGITS[rest] + digits
    digits = digits.rjust(_HEAD + _TAIL, "0")
    return f"0|{digits[:_HEAD]}:{digits[_HEAD:].rstrip('0')}"
