"""Transport errors are sorted by whether the request can have gone out, and tell no address."""

from __future__ import annotations

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.jira.sockets import _broken
from jira_backup_pipeline.jira.wire.messages import Breakage

_SIGNED = "https://media.example.net/file/1?token=signed-secret"


def refused() -> requests.ConnectionError:
    reason = NewConnectionError(HTTPConnection("media.example.net"), _SIGNED)
    return requests.ConnectionError(MaxRetryError(HTTPConnectionPool("media.example.net"), _SIGNED, reason))


@pytest.mark.parametrize(
    ("error", "breakage"),
    [
        (refused(), Breakage.NOT_SENT),
        (requests.ConnectTimeout(_SIGNED), Breakage.NOT_SENT),
        (requests.exceptions.ProxyError(_SIGNED), Breakage.NOT_SENT),
        (requests.ReadTimeout(_SIGNED), Breakage.NO_ANSWER),
        (requests.ConnectionError(ProtocolError(_SIGNED, ConnectionResetError())), Breakage.NO_ANSWER),
        (requests.exceptions.SSLError(f"unexpected end {_SIGNED}"), Breakage.NO_ANSWER),
        (OSError(_SIGNED), Breakage.NO_ANSWER),
    ],
    ids=["refused", "connect time-out", "proxy", "read time-out", "reset", "tls cut", "system"],
)
def test_only_what_cannot_have_left_counts_as_not_sent(error: Exception, breakage: Breakage) -> None:
    broken = _broken(error)

    assert broken.breakage is breakage
    assert "signed-secret" not in str(broken)


def test_an_untrusted_certificate_is_a_matter_of_set_up() -> None:
    error = requests.exceptions.SSLError(f"[SSL: CERTIFICATE_VERIFY_FAILED] {_SIGNED}")
    with pytest.raises(ConfigurationError, match="TLS certificate of Jira") as caught:
        _broken(error)
    assert "signed-secret" not in str(caught.value)
