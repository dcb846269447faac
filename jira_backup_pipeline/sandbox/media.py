"""Where the bytes of attachments are: signed addresses on another host, and byte ranges.

What belongs here: signing and checking addresses, ranges, and the media host itself. It takes no Jira
credentials: a request with an Authorization header is refused and counted, so a test can prove that none ever
arrives.

What stays out: metadata, upload and the redirect to here (``routes.attachments``), and the bytes
(``model.FileContent``).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote

from jira_backup_pipeline.sandbox.http import Request, Response, encode

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Attachment
    from jira_backup_pipeline.sandbox.site import Site

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


def signed_url(site: Site, item: Attachment) -> str:
    """A short-lived address on the media host; it carries its own token."""
    expires = site.now() + site.settings.media_url_seconds * 1000
    token = f"{item.attachment_id}.{expires}.{_signature(site, item.media_uuid, item.attachment_id, expires)}"
    name = quote(item.filename.encode("utf-8", "surrogatepass"), safe="")
    return f"{site.media_url}/file/{item.media_uuid}/binary?token={token}&client=sandbox&dl=true&name={name}"


def _signature(site: Site, media_uuid: str, attachment_id: int, expires: int) -> str:
    text = f"{media_uuid}/{attachment_id}/{expires}".encode()
    return hmac.new(site.media_secret.encode(), text, hashlib.sha256).hexdigest()[:40]


def served_bytes(request: Request, data: bytes, mime_type: str, filename: str) -> Response:
    """The bytes or the asked range of them."""
    disposition = f"attachment; filename*=UTF-8''{quote(filename.encode('utf-8', 'surrogatepass'), safe='')}"
    headers = {"Accept-Ranges": "bytes", "Content-Disposition": disposition}
    wanted = request.headers.get("range")
    if wanted is None:
        return Response(200, data, headers, mime_type)
    match = _RANGE.match(wanted)
    if match is None or match[1] == match[2] == "":
        return Response(
            400, encode({"errorMessages": ["The Range header is malformed."], "errors": {}}), headers
        )
    if match[1] == "":
        start, end = max(0, len(data) - int(match[2])), len(data) - 1
    else:
        start, end = int(match[1]), min(int(match[2]) if match[2] else len(data) - 1, len(data) - 1)
    if start >= len(data) or start > end:
        return Response(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"}, mime_type)
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Response(206, data[start : end + 1], headers, mime_type)


@dataclass(slots=True)
class MediaHost:
    """The other host: answers ``/file/<uuid>/binary``."""

    site: Site
    leaked_credentials: int = 0
    _lock: Lock = field(default_factory=Lock)

    def handle(self, request: Request) -> Response:
        """The file of a signed address."""
        if "authorization" in request.headers:
            with self._lock:
                self.leaked_credentials += 1
            return Response(
                400, encode({"error": {"code": "BadRequest", "title": "Authorization header not expected"}})
            )
        parts = request.path.strip("/").split("/")
        if len(parts) != 3 or parts[0] != "file" or parts[2] != "binary":
            return Response(404, encode({"error": {"code": "NotFound"}}))
        with self.site.lock:
            item = self._checked(parts[1], request.first("token"))
            if item is None:
                return Response(403, encode({"error": {"code": "JwtAuthoriser:AuthorisationError"}}))
            content, mime_type, filename = item.content, item.mime_type, item.filename
        return served_bytes(request, content.read(), mime_type, filename)

    def _checked(self, media_uuid: str, token: str) -> Attachment | None:
        match = re.fullmatch(r"(\d+)\.(\d+)\.([0-9a-f]{40})", token)
        if match is None or self.site.now() > int(match[2]):
            return None
        attachment_id, expires = int(match[1]), int(match[2])
        if not hmac.compare_digest(match[3], _signature(self.site, media_uuid, attachment_id, expires)):
            return None
        return self.site.attachment(attachment_id)
