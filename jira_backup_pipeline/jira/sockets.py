"""The only connections to Jira and its media host, and the only place that knows `requests`.

What belongs here: one connection pool for all threads, time-outs per socket operation, proxy and CA by explicit setting (the
environment does not count), no cookies, no redirects followed, and the sorting of transport errors.

What stays out: credentials, waiting and repeating (`client`), and what an answer means (`wire.retries`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import requests
import requests.adapters
import urllib3
import urllib3.exceptions
from requests.utils import super_len

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.jira.exchange import Exchange
from jira_backup_pipeline.jira.wire.messages import Breakage, Broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Addresses of our own look like this; one that a redirect names may hold anything.
_PLAIN = re.compile(r"(https?://[^/?#\s]+)(/[!-\"$-~]*)?")
# Jira and its media hosts are a handful of origins; what a redirect can name is bounded all the same.
_MOST_ORIGINS = 64
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
_NEVER_SENT = (
    # What requests itself refuses is the address, before there is a connection.
    requests.RequestException,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.ClosedPoolError,
)


class Sockets:
    """The connections: one pool for all threads, no cookies, nothing taken from the environment."""

    def __init__(
        self,
        *,
        timeout_seconds: tuple[float, float],
        proxy: str | None,
        ca_bundle: str | None,
        most_connections: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._adapter = requests.adapters.HTTPAdapter(
            pool_connections=_MOST_ORIGINS,
            # Downloads stay open beside the calls that are limited; a pool too small would drop connections.
            pool_maxsize=2 * most_connections,
        )
        connect_seconds, read_seconds = timeout_seconds
        self._timeout = urllib3.Timeout(connect=connect_seconds, read=read_seconds)
        self._verify: bool | str = ca_bundle or True
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._monotonic = monotonic
        self._routes: dict[str, _Route] = {}

    def close(self) -> None:
        """Drop every connection."""
        self._routes.clear()
        self._adapter.close()

    def open(self, method: str, url: str, headers: Mapping[str, str], body: object) -> Exchange:
        """Send one request and give the open answer; `body` is bytes or a readable stream with a length.

        Raises:
            Broken: no answer came; it tells whether the request can have been sent.
            ConfigurationError: the other side's certificate is not trusted.
        """
        asked_at_seconds = self._monotonic()
        origin = ""
        try:
            origin, target = _split(url)
            route = self._routes.get(origin) or self._new_route(origin)
            # Straight to the pool that requests has set up (TLS, proxy, CA): what lies between costs a quarter of a small
            # request's processor time and adds what is not wanted here (cookies, redirects, hooks, the environment).
            response = route.pool.urlopen(
                method,
                origin + target if route.is_forwarded else target,
                body=cast("bytes | BinaryIO | None", body),
                headers=headers if body is None or isinstance(body, bytes) else _with_length(headers, body),
                retries=self._adapter.max_retries,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
        except _FAILURES as error:
            if isinstance(error, urllib3.exceptions.ClosedPoolError):
                self._routes.pop(origin, None)
            raise _broken(error) from None
        found = {name.lower(): value for name, value in response.headers.items()}
        if body is not None and not isinstance(body, bytes):
            # Sending a large file may take long; patience is for the answer.
            asked_at_seconds = self._monotonic()
        return Exchange(
            response.status,
            found,
            _Body(response),
            monotonic=self._monotonic,
            asked_at_seconds=asked_at_seconds,
        )

    def _new_route(self, origin: str) -> _Route:
        prepared = requests.PreparedRequest()
        prepared.prepare_url(origin, None)
        pool = self._adapter.get_connection_with_tls_context(prepared, self._verify, proxies=self._proxies)
        self._adapter.cert_verify(pool, origin, self._verify, None)  # type: ignore[no-untyped-call]
        # Plain http goes through a proxy by its whole address, https through a tunnel.
        is_forwarded = bool(self._proxies) and self._adapter.request_url(prepared, self._proxies) != "/"
        route = self._routes[origin] = _Route(cast("urllib3.HTTPConnectionPool", pool), is_forwarded)
        return route


@dataclass(frozen=True, slots=True)
class _Route:
    """The connections to one origin; `is_forwarded` tells that a proxy is given the whole address."""

    pool: urllib3.HTTPConnectionPool
    is_forwarded: bool


def _split(url: str) -> tuple[str, str]:
    """Cut an address into its origin and what stands in the request line, quoted where it needs to be."""
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        prepared = requests.PreparedRequest()
        prepared.prepare_url(url, None)
        plain = _PLAIN.fullmatch((prepared.url or "").partition("#")[0])
    if plain is None:
        raise requests.exceptions.InvalidURL("an address that cannot be asked")
    target = plain.group(2) or "/"
    # Two slashes would begin another host.
    return plain.group(1), "/" + target.lstrip("/") if target.startswith("//") else target


def _with_length(headers: Mapping[str, str], stream: object) -> dict[str, str]:
    return {**headers, "Content-Length": str(super_len(stream))}  # type: ignore[no-untyped-call]


class _Body:
    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def read_piece(self, limit_bytes: int) -> bytes:
        try:
            return bytes(self._response.read1(limit_bytes, decode_content=False) or b"")
        except _FAILURES as error:
            raise Broken(Breakage.CUT, type(error).__name__) from None

    def close(self) -> None:
        self._response.close()


def _broken(error: Exception) -> Broken:
    """Sort a transport's error by whether the request can have gone out.

    Only names of error classes are kept: their texts hold addresses, and a signed address is a secret.
    """
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise ConfigurationError(
            "the TLS certificate of Jira (or of a proxy before it) is not trusted",
            hint="If a company proxy opens TLS, set its CA certificate as the CA bundle; otherwise do not go on.",
        ) from None
    reason = getattr(error, "reason", None)
    if not isinstance(reason, Exception):
        reason = error
    return Broken(
        Breakage.NOT_SENT if isinstance(reason, _NEVER_SENT) else Breakage.NO_ANSWER, type(reason).__name__
    )
