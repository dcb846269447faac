"""Who is calling: Basic authentication with an e-mail address and an API token.

What belongs here: from a request to its account, or to the 401 with Jira's headers; expired and scoped tokens
too.

What stays out: what a caller may do (``site``), and the making and expiring of tokens (``server``,
``edits``).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import Request, Response, encode

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account
    from jira_backup_pipeline.sandbox.site import Site


def refused(*, gateway: bool) -> Response:
    """The 401 of wrong or expired credentials, with the headers Jira adds."""
    if gateway:
        return Response(401, encode({"code": 401, "message": "Unauthorized"}))
    headers = {
        "WWW-Authenticate": 'OAuth realm="sandbox"',
        "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
    }
    body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    return Response(401, encode(body), headers)


def caller_of(site: Site, request: Request, *, gateway: bool) -> Account | Response | None:
    """The calling account, None for a caller without credentials, or the refusal."""
    header = request.headers.get("authorization", "")
    if not header:
        return refused(gateway=True) if gateway else None
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return refused(gateway=gateway)
    try:
        email, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return refused(gateway=gateway)
    for token in site.tokens:
        account = site.accounts.get(token.account_id)
        if account is None or not hmac.compare_digest(token.secret.encode(), secret.encode()):
            continue
        if account.email.lower() != email.lower() or not account.active:
            continue
        if token.expires_at_ms is not None and site.now() >= token.expires_at_ms:
            continue
        if token.scoped and not gateway:
            continue
        return account
    return refused(gateway=gateway)
