"""Searches and bulk reads of issues.

What belongs here: the answers of JQL search, count and bulk fetch: how large a page may be for what is asked
of each issue, reconciled issues, and one issue's JSON with its expansions, which single reads share.

What stays out: the meaning, order and tokens of a query (``jql``), an issue's fields (``rendering``), and the
delay of the index (``search_index``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import rendering
from jira_backup_pipeline.sandbox.http import (
    ApiError,
    Call,
    Json,
    Response,
    RouteTable,
    encode,
    json_response,
)
from jira_backup_pipeline.sandbox.issue_metadata import edit_metadata, operations, transition_list
from jira_backup_pipeline.sandbox.jql.matching import Asker
from jira_backup_pipeline.sandbox.jql.search import bounded_query, matching_issues, search_page

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Issue

ROUTES = RouteTable()
API = "/rest/api/3"


def strings(value: Json, name: str) -> list[str]:
    """A list of strings from a body; anything else is a 400."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
        raise ApiError(400, f"Invalid request payload: '{name}' must be a list of strings.")
    return [str(item) for item in value]


@ROUTES.get(f"{API}/search/jql")
def search_by_address(call: Call) -> Response:
    """GET search/jql."""
    request = call.request
    return _search(
        call,
        jql=request.first("jql"),
        fields=request.every("fields"),
        expand=set(request.every("expand")),
        properties=request.every("properties"),
        size=request.integer("maxResults", 50),
        token=request.first("nextPageToken") or None,
        reconcile=request.every("reconcileIssues"),
    )


@ROUTES.post(f"{API}/search/jql")
def search_by_body(call: Call) -> Response:
    """POST search/jql."""
    body = call.json_object()
    if not isinstance(body.get("expand", ""), str | None):
        raise ApiError(400, "Invalid request payload: 'expand' must be a string.")
    size = body.get("maxResults", 50)
    if not isinstance(size, int):
        raise ApiError(400, "Invalid request payload: 'maxResults' must be a number.")
    return _search(
        call,
        jql=str(body.get("jql") or ""),
        fields=strings(body.get("fields"), "fields"),
        expand={part.strip() for part in (body.get("expand") or "").split(",") if part.strip()},
        properties=strings(body.get("properties"), "properties"),
        size=size,
        token=body.get("nextPageToken") or None,
        reconcile=strings(body.get("reconcileIssues"), "reconcileIssues"),
    )


def _search(
    call: Call,
    *,
    jql: str,
    fields: list[str],
    expand: set[str],
    properties: list[str],
    size: int,
    token: str | None,
    reconcile: list[str],
) -> Response:
    if len(properties) > 5:
        raise ApiError(400, "The number of properties must not exceed 5.")
    if len(reconcile) > 50 or any(not item.isdigit() for item in reconcile):
        raise ApiError(400, "At most 50 issue ids can be reconciled.")
    if size <= 0:
        raise ApiError(400, "The maxResults parameter must be a positive number.")
    wanted = fields or ["id"]
    capped = min(size, page_limit(call, wanted, expand, properties))
    salt = "\0".join((*sorted(expand), *reconcile))
    page = search_page(jql, Asker(call.site, call.caller), size=capped, token=token, salt=salt)
    issues = page.issues
    if reconcile and token is None:
        issues = _reconciled(call, jql, issues, reconcile)
    parts = _found_parts(call, issues, wanted, expand - {"names", "schema"}, properties)
    value: list[bytes] = [b'"issues":[', b",".join(parts), b"]"]
    if page.next_token is not None:
        value += [b',"nextPageToken":', encode(page.next_token)]
    value += [b',"isLast":', b"true" if page.next_token is None else b"false"]
    names = _shown_fields(call, issues, wanted) if expand & {"names", "schema"} else []
    if "names" in expand:
        value += [b',"names":', encode({name: call.site.fields[name].name for name in names})]
    if "schema" in expand:
        value += [b',"schema":', encode({name: rendering.field_schema(call.site, name) for name in names})]
    return Response(200, b"{" + b"".join(value) + b"}")


def _shown_fields(call: Call, issues: list[Issue], wanted: list[str]) -> list[str]:
    """The fields that the found issues show: no others are named."""
    live = [
        call.site.issues.by_id[found.issue_id] for found in issues if found.issue_id in call.site.issues.by_id
    ]
    shown = {name for issue in live for name in rendering.rendered(call.site, issue, call.caller).parts}
    return [
        name for name in rendering.chosen_fields(call.site, wanted, list(call.site.fields)) if name in shown
    ]


def _found_parts(
    call: Call, issues: list[Issue], wanted: list[str], expand: set[str], properties: list[str]
) -> list[bytes]:
    """The found issues; one that only a lagging index still knows has nothing but its id to show."""
    parts: list[bytes] = []
    for found in issues:
        live = call.site.issues.by_id.get(found.issue_id)
        if live is not None or rendering.only_ids(wanted):
            parts.append(issue_json(call, live or found, wanted, expand, properties))
    return parts


def _reconciled(call: Call, jql: str, issues: list[Issue], reconcile: list[str]) -> list[Issue]:
    """The page with the named issues as they are now instead of as the index has them."""
    site = call.site
    wanted = {int(item) for item in reconcile}
    index, site.index = site.index, None
    try:
        fresh = matching_issues(bounded_query(jql), Asker(site, call.caller))
    finally:
        site.index = index
    known = {issue.issue_id for issue in issues}
    live = {issue.issue_id for issue in fresh}
    kept = [issue for issue in issues if issue.issue_id not in wanted or issue.issue_id in live]
    return kept + [issue for issue in fresh if issue.issue_id in wanted - known]


def page_limit(call: Call, wanted: list[str], expand: set[str], properties: list[str]) -> int:
    """How many issues a page holds at most: the more is asked of each, the fewer."""
    settings = call.site.settings
    if rendering.only_ids(wanted) and not expand - {"names", "schema"} and not properties:
        return settings.search_page_ids
    if all_scalar(call, wanted) and not expand - {"names", "schema"} and len(wanted) <= 10:
        return settings.search_page_scalars
    return settings.search_page_full


def all_scalar(call: Call, wanted: list[str]) -> bool:
    """Whether a choice of fields names single-value fields only."""
    for name in wanted:
        if name.lower() in {"id", "key", "issuekey"}:
            continue
        item = call.site.fields.get(name)
        if item is None or item.kind not in rendering.SCALAR_KINDS or name in rendering.HEAVY_FIELDS:
            return False
    return bool(wanted)


def issue_json(
    call: Call, issue: Issue, fields: list[str] | None, expand: set[str], properties: list[str]
) -> bytes:
    """One issue of an answer."""
    if rendering.only_ids(fields) and not expand and not properties:
        return b'{"id":"%d","key":"%s","self":"%s/issue/%d"}' % (
            issue.issue_id,
            call.site.key_of(issue).encode(),
            rendering.API.encode(),
            issue.issue_id,
        )
    made = rendering.issue_bytes(
        call.site, issue, call.caller, fields=fields, expand=expand, properties=properties
    )
    extras: dict[str, Json] = {}
    if "transitions" in expand:
        extras["transitions"] = transition_list(call.site, issue)
    if "editmeta" in expand:
        extras["editmeta"] = edit_metadata(call.site, issue)
    if "operations" in expand:
        extras["operations"] = operations()
    return made if not extras else made[:-1] + b"," + encode(extras)[1:-1] + b"}"


@ROUTES.post(f"{API}/search/approximate-count")
def approximate_count(call: Call) -> Response:
    """How many issues a query finds, as the index has it."""
    query = bounded_query(str(call.json_object().get("jql") or ""))
    return json_response({"count": len(matching_issues(query, Asker(call.site, call.caller)))})


def _gone(call: Call) -> Response:
    del call
    text = (
        "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
        "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
    )
    return ApiError(410, text).response()


ROUTES.get(f"{API}/search")(_gone)
ROUTES.post(f"{API}/search")(_gone)


@ROUTES.post(f"{API}/issue/bulkfetch")
def bulk_fetch(call: Call) -> Response:
    """Issues by id or key: unknown and hidden ones are left out without a word."""
    body = call.json_object()
    wanted = strings(body.get("issueIdsOrKeys"), "issueIdsOrKeys")
    fields = strings(body.get("fields"), "fields") or ["*navigable"]
    expand = set(strings(body.get("expand"), "expand"))
    properties = strings(body.get("properties"), "properties")
    if len(properties) > 5:
        raise ApiError(400, "The number of properties must not exceed 5.")
    settings = call.site.settings
    scalar = all_scalar(call, fields) and len(fields) <= 100 and not expand
    limit = settings.bulkfetch_scalar_limit if scalar else settings.bulkfetch_limit
    if not wanted or len(wanted) > limit:
        raise ApiError(400, f"The number of issue IDs or keys must be between 1 and {limit}.")
    found: dict[int, Issue] = {}
    for text in wanted:
        issue = call.site.find_issue(text)
        if issue is not None and call.site.can_see(call.caller, issue):
            found[issue.issue_id] = issue
    parts: list[bytes] = []
    errors: list[dict[str, str]] = []
    for issue_id in sorted(found):
        made = issue_json(call, found[issue_id], fields, expand, properties)
        if settings.oversized_issue_bytes and len(made) > settings.oversized_issue_bytes and len(found) > 1:
            errors.append({"id": str(issue_id), "errorMessage": "The issue is too large for a bulk answer."})
        else:
            parts.append(made)
    text_parts = (b'{"issueErrors":', encode(errors), b',"issues":[', b",".join(parts), b"]}")
    return Response(200, b"".join(text_parts))
