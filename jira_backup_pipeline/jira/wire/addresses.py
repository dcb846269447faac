"""Which addresses may be asked, and which redirects may be followed with what.

What belongs here: the rules for base URLs (site or gateway), for redirects of attachment downloads, and the media UUID that
hides in such a redirect.

What stays out: sockets (`client`) and the settings the base URL comes from (`settings`).
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urljoin, urlsplit

from jira_backup_pipeline.domain.errors import ConfigurationError, Refused, UnexpectedAnswer

_GATEWAY_PATH = re.compile(r"/ex/jira/([^/]+)$")
_MEDIA_PATH = re.compile(r"/file/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:/|$)")
_DEFAULT_PORTS = {"https": 443, "http": 80}
# Under this path a site passes on what the gateway serves beside Jira (automation).
_BESIDE_JIRA = "/gateway/api"


def checked_base_url(base_url: str) -> str:
    """Give the base URL in its plain form, without a trailing slash.

    Raises:
        ConfigurationError: it is not an absolute http(s) URL, or holds a user name, query or fragment.
        Refused: it is plain http to another machine.
    """
    parts = _split(base_url.strip())
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ConfigurationError(
            "the Jira base URL is not an absolute https URL",
            hint="Give the site as https://your-site.atlassian.net, or the gateway as https://api.atlassian.com/ex/jira/<cloud id>.",
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            "the Jira base URL holds more than a host and a path",
            hint="Leave user name, token, query and fragment out of the URL; e-mail and token are settings of their own.",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Refused(
            f"plain http to {parts.hostname} would show the token to the network",
            hint="Use https; plain http is accepted for this machine's loopback address only.",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Tell whether a host name means this machine without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cloud_id_in(base_url: str) -> str | None:
    """Give the cloud id that a gateway base URL names, None for a site URL."""
    found = _GATEWAY_PATH.search(urlsplit(base_url).path)
    return found.group(1) if found else None


def address_of(base_url: str, target: str) -> str:
    """Give the address of a target (path and query) on the one host that is configured.

    What is served beside Jira lies below `/gateway/api` of the site, and on the gateway directly below its root.
    """
    if target.startswith(_BESIDE_JIRA + "/") and cloud_id_in(base_url) is not None:
        return _GATEWAY_PATH.sub("", base_url) + target.removeprefix(_BESIDE_JIRA)
    return base_url + target


def same_origin(one: str, other: str) -> bool:
    """Tell whether two URLs lead to the same scheme, host and port."""
    return _origin(urlsplit(one)) == _origin(urlsplit(other))


def redirect_target(asked_url: str, location: str) -> str:
    """Give the absolute address of a download redirect that may be followed.

    Raises:
        UnexpectedAnswer: it leaves https for another machine's plain http, or is no web address.
    """
    try:
        parts = _split(urljoin(asked_url, location))
    except ValueError:
        parts = None
    if parts is not None and parts.hostname:
        if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
            return parts.geturl()
        where = f"{parts.scheme}://{parts.hostname}"
    else:
        where = "an address that cannot be read"
    raise UnexpectedAnswer(
        f"a download was redirected to {where}, which is not followed",
        hint="Check for a proxy or gateway that rewrites redirects; downloads are only followed to https addresses.",
    )


def media_id_in(location: str) -> str | None:
    """Give the media UUID that rich text uses for a file, where a download redirect names it (`/file/<uuid>/binary`)."""
    parts = _split(location)
    found = _MEDIA_PATH.search(parts.path) if parts is not None else None
    return found.group(1).lower() if found else None


def shown(url: str) -> str:
    """Give an address fit for messages: without query (signed URLs carry their token there) and user part."""
    parts = _split(url)
    if parts is None:
        return "an address that cannot be read"
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
