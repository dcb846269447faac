"""The only connections to Jira and its media host, and the only place that knows `requests`.

What belongs here: one connection pool for all threads, time-outs per socket operation, proxy and CA by explicit setting (the
environment does not count), no cookies, no redirects followed, and the sorting of transport errors.

What stays out: credentials, waiting and repeating (`client`), and what an answer means (`wire.retries`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests
import requests.adapters
import urllib3.exceptions
from requests.structures import CaseInsensitiveDict

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.jira.exchange import Exchange
from jira_backup_pipeline.jira.wire.messages import Breakage, Broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Addresses of our own are; one that a redirect names may hold anything.
_QUOTED = re.compile(r"[!-~]+")
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


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
            pool_connections=4,
            # Downloads stay open beside the calls that are limited; a pool too small would drop connections.
            pool_maxsize=2 * most_connections,
        )
        self._timeout_seconds = timeout_seconds
        self._verify: bool | str = ca_bundle or True
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._monotonic = monotonic

    def close(self) -> None:
        """Drop every connection."""
        self._adapter.close()

    def open(self, method: str, url: str, headers: Mapping[str, str], body: object) -> Exchange:
        """Send one request and give the open answer; `body` is bytes or a readable stream with a length.

        Raises:
            Broken: no answer came; it tells whether the request can have been sent.
            ConfigurationError: the other side's certificate is not trusted.
        """
        prepared = _prepared(method, url, headers, body)
        asked_at_seconds = self._monotonic()
        try:
            # The adapter alone: a session adds what is not wanted here (cookies, redirects, hooks, the environment), and
            # costs a fifth of a small request's processor time.
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=self._timeout_seconds,
                verify=self._verify,
                proxies=self._proxies,
            )
        except _FAILURES as error:
            raise _broken(error) from None
        found = {name.lower(): value for name, value in response.headers.items()}
        if body is not None and not isinstance(body, bytes):
            # Sending a large file may take long; patience is for the answer.
            asked_at_seconds = self._monotonic()
        return Exchange(
            response.status_code,
            found,
            _Body(response),
            monotonic=self._monotonic,
            asked_at_seconds=asked_at_seconds,
        )


def _prepared(method: str, url: str, headers: Mapping[str, str], body: object) -> requests.PreparedRequest:
    """Put a request together as it goes out: an address that was quoted where it was made is not touched again."""
    prepared = requests.PreparedRequest()
    prepared.method = method
    if _QUOTED.fullmatch(url):
        prepared.url = url
    else:
        prepared.prepare_url(url, None)
    prepared.headers = CaseInsensitiveDict(headers)
    prepared.prepare_body(body, None)
    return prepared


class _Body:
    def __init__(self, response: requests.Response) -> None:
        self._response = response

    def read_piece(self, limit_bytes: int) -> bytes:
        try:
            return bytes(self._response.raw.read1(limit_bytes, decode_content=False) or b"")
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
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", cause)
    never_sent = isinstance(reason, urllib3.exceptions.NewConnectionError) or isinstance(
        error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError
    )
    name = type(reason if isinstance(reason, Exception) else error).__name__
    return Broken(Breakage.NOT_SENT if never_sent else Breakage.NO_ANSWER, name)
