"""Transport errors are sorted by whether the request can have gone out, and tell no address."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3.exceptions
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.jira.sockets import _broken
from jira_backup_pipeline.jira.wire.messages import Breakage

_SIGNED = "https://media.example.net/file/1?token=signed-secret"


_POOL = HTTPConnectionPool("media.example.net")


def given_up(reason: Exception) -> MaxRetryError:
    return MaxRetryError(_POOL, _SIGNED, reason)


@pytest.mark.parametrize(
    ("error", "breakage"),
    [
        (given_up(NewConnectionError(HTTPConnection("media.example.net"), _SIGNED)), Breakage.NOT_SENT),
        (given_up(urllib3.exceptions.ConnectTimeoutError(_SIGNED)), Breakage.NOT_SENT),
        (given_up(urllib3.exceptions.ProxyError(_SIGNED, OSError())), Breakage.NOT_SENT),
        (urllib3.exceptions.ClosedPoolError(_POOL, _SIGNED), Breakage.NOT_SENT),
        (urllib3.exceptions.ReadTimeoutError(_POOL, _SIGNED, _SIGNED), Breakage.NO_ANSWER),
        (ProtocolError(_SIGNED, ConnectionResetError()), Breakage.NO_ANSWER),
        (given_up(urllib3.exceptions.SSLError(f"unexpected end {_SIGNED}")), Breakage.NO_ANSWER),
        (requests.exceptions.InvalidURL(_SIGNED), Breakage.NOT_SENT),
        (OSError(_SIGNED), Breakage.NO_ANSWER),
    ],
    ids=[
        "refused",
        "connect time-out",
        "proxy",
        "closed pool",
        "read time-out",
        "reset",
        "tls cut",
        "address",
        "system",
    ],
)
def test_only_what_cannot_have_left_counts_as_not_sent(error: Exception, breakage: Breakage) -> None:
    broken = _broken(error)

    assert broken.breakage is breakage
    assert "signed-secret" not in str(broken)


def test_an_untrusted_certificate_is_a_matter_of_set_up() -> None:
    reason = ssl.SSLCertVerificationError(f"[SSL: CERTIFICATE_VERIFY_FAILED] {_SIGNED}")
    error = given_up(urllib3.exceptions.SSLError(reason))
    with pytest.raises(ConfigurationError, match="TLS certificate of Jira") as caught:
        _broken(error)
    assert "signed-secret" not in str(caught.value)
