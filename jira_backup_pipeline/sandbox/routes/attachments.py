"""Attachments: upload, metadata, the redirect to the bytes, deletion.

What belongs here: Jira's side of a file: the limits of an upload, the header that Jira wants on it, and the
permissions.

What stays out: the host that holds the bytes (``media``), and putting a file on an issue or off it
(``changes``).
"""

from __future__ import annotations

import mimetypes
import uuid

from jira_backup_pipeline.sandbox import changes, media, rendering
from jira_backup_pipeline.sandbox.http import ApiError, Call, Response, RouteTable, json_response, no_content
from jira_backup_pipeline.sandbox.model import Attachment

ROUTES = RouteTable()
API = "/rest/api/3"


def _attachment(call: Call) -> Attachment:
    site = call.site
    text = call.params["id"]
    item = site.attachment(int(text)) if text.isdigit() and site.settings.attachments_enabled else None
    if item is None or not site.can_see(call.caller, site.issues.by_id[item.issue_id]):
        raise ApiError(404, f"The attachment with id '{text}' does not exist")
    return item


@ROUTES.get(f"{API}/attachment/meta")
def settings(call: Call) -> Response:
    """Whether attachments are on, and the largest size."""
    call.actor()
    values = call.site.settings
    return json_response({"enabled": values.attachments_enabled, "uploadLimit": values.upload_limit_bytes})


@ROUTES.get(f"{API}/attachment/{{id}}")
def metadata(call: Call) -> Response:
    """Metadata of one attachment."""
    return json_response(rendering.attachment(call.site, _attachment(call), number_id=True))


@ROUTES.delete(f"{API}/attachment/{{id}}")
def delete(call: Call) -> Response:
    """Delete an attachment."""
    caller = call.actor()
    item = _attachment(call)
    issue = call.site.issues.by_id[item.issue_id]
    call.site.require(caller, "DELETE_ALL_ATTACHMENTS", call.site.project_of(issue))
    changes.remove_attachment(call.site, issue, item, caller.account_id)
    return no_content()


@ROUTES.get(f"{API}/attachment/content/{{id}}")
def content(call: Call) -> Response:
    """The bytes: a redirect to the media host, or the bytes themselves with ``redirect=false``."""
    item = _attachment(call)
    if call.request.flag("redirect", default=True):
        return Response(303, b"", {"Location": media.signed_url(call.site, item)}, "text/html;charset=UTF-8")
    return media.served_bytes(call.request, item.content.read(), item.mime_type, item.filename)


@ROUTES.post(f"{API}/issue/{{issueIdOrKey}}/attachments")
def upload(call: Call) -> Response:
    """Put files on an issue; the parts are all named ``file``."""
    caller = call.actor()
    site = call.site
    issue = site.readable_issue(caller, call.params["issueIdOrKey"])
    site.require(caller, "CREATE_ATTACHMENTS", site.project_of(issue))
    if not site.settings.attachments_enabled:
        raise ApiError(404, "Attachments are disabled.")
    if call.request.headers.get("x-atlassian-token", "").lower() not in {"no-check", "nocheck"}:
        return Response(403, b"XSRF check failed", content_type="text/plain;charset=UTF-8")
    files = [part for part in call.request.files if part.name == "file"]
    if not files:
        raise ApiError(400, "The request holds no part named 'file'.")
    if len(files) > 60:
        raise ApiError(413, "At most 60 files can be uploaded at once.")
    if any(len(part.content) > site.settings.upload_limit_bytes for part in files):
        raise ApiError(413, "The file exceeds the maximum attachment size.")
    if len(site.body(issue).attachments) + len(files) > site.settings.attachments_per_issue:
        raise ApiError(413, "The attachment limit for this issue has been reached.")
    made: list[Attachment] = []
    for part in files:
        guessed = mimetypes.guess_type(part.filename)[0] or "application/octet-stream"
        mime_type = part.content_type or guessed
        item = Attachment(
            site.next_id("attachment"),
            issue.issue_id,
            part.filename,
            caller.account_id,
            site.now(),
            guessed if mime_type == "application/octet-stream" else mime_type,
            str(uuid.uuid4()),
            site.uploads.keep(part.content),
        )
        changes.add_attachment(site, issue, item, caller.account_id)
        made.append(item)
    return json_response([rendering.attachment(site, item) for item in made])
