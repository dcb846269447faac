"""Change histories: of one issue, of some entries, of many issues.

What belongs here: the three addresses that give histories on their own, with their own pages and order.

What stays out: the history inside an issue (``rendering``), and the writing of entries (``changes.record``).
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeAlias

from jira_backup_pipeline.sandbox import rendering
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    JsonObject,
    Response,
    RouteTable,
    encode,
    json_response,
)
from jira_backup_pipeline.sandbox.model import History
from jira_backup_pipeline.sandbox.routes.paging import page
from jira_backup_pipeline.sandbox.routes.search import strings

ROUTES = RouteTable()
API = "/rest/api/3"


@ROUTES.get(f"{API}/issue/{{issueIdOrKey}}/changelog")
def issue_changelog(call: Call) -> Response:
    """All entries of an issue, oldest first, 100 a page."""
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    entries = sorted(call.site.body(issue).histories, key=lambda item: (item.created_ms, item.history_id))
    return page(call, entries, lambda item: rendering.history(call.site, item), default=100, maximum=100)


@ROUTES.post(f"{API}/issue/{{issueIdOrKey}}/changelog/list")
def entries_by_id(call: Call) -> Response:
    """Some entries of an issue by id."""
    issue = call.site.readable_issue(call.caller, call.params["issueIdOrKey"])
    wanted = set(strings(call.json_object().get("changelogIds"), "changelogIds"))
    found = [item for item in call.site.body(issue).histories if str(item.history_id) in wanted]
    value = {"startAt": 0, "maxResults": len(wanted), "total": len(found)}
    return json_response(value | {"histories": [rendering.history(call.site, item) for item in found]})


@ROUTES.post(f"{API}/changelog/bulkfetch")
def bulk_changelogs(call: Call) -> Response:
    """Entries of many issues by date, then issue: one issue's entries may lie on several pages."""
    body = call.json_object()
    wanted = strings(body.get("issueIdsOrKeys"), "issueIdsOrKeys")
    field_ids = set(strings(body.get("fieldIds"), "fieldIds"))
    size = body.get("maxResults", 1000)
    if not 1 <= len(wanted) <= 1000:
        raise ApiError(400, "The number of issue IDs or keys must be between 1 and 1000.")
    if len(field_ids) > 10:
        raise ApiError(400, "At most 10 field ids can be given.")
    if not isinstance(size, int) or not 1 <= size <= call.site.settings.changelog_page_limit:
        raise ApiError(400, f"maxResults must be between 1 and {call.site.settings.changelog_page_limit}.")
    after = _position(body.get("nextPageToken"))
    rows = _rows(call, wanted, field_ids, after)
    rows.sort(key=lambda row: row[:3])
    shown = rows[:size]
    grouped: dict[int, list[object]] = {}
    for _, issue_id, _, entry in shown:
        grouped.setdefault(issue_id, []).append(rendering.history(call.site, entry, epoch=True))
    value: JsonObject = {
        "issueChangeLogs": [
            {"issueId": str(issue_id), "changeHistories": entries} for issue_id, entries in grouped.items()
        ]
    }
    if len(rows) > size:
        value["nextPageToken"] = base64.urlsafe_b64encode(encode(shown[-1][:3])).decode()
    return json_response(value)


_Row: TypeAlias = tuple[int, int, int, History]


def _rows(
    call: Call, wanted: list[str], field_ids: set[str], after: tuple[int, int, int] | None
) -> list[_Row]:
    issues = {}
    for text in wanted:
        issue = call.site.find_issue(text)
        if issue is not None and call.site.can_see(call.caller, issue):
            issues[issue.issue_id] = issue
    rows: list[_Row] = []
    for issue_id, issue in issues.items():
        for entry in call.site.body(issue).histories:
            row = (entry.created_ms, issue_id, entry.history_id, entry)
            if (after is None or row[:3] > after) and _touches(entry, field_ids):
                rows.append(row)
    return rows


def _touches(entry: History, field_ids: set[str]) -> bool:
    return not field_ids or any(item.get("fieldId") in field_ids for item in entry.items)


def _position(token: object) -> tuple[int, int, int] | None:
    if not token:
        return None
    try:
        text = base64.urlsafe_b64decode(str(token)).decode()
        first, second, third = (int(part) for part in text.strip("[]").split(","))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ApiError(400, "The provided nextPageToken is invalid.") from None
    return first, second, third
