"""The client on real sockets: what it sends, what it never sends, and what it makes of answers that go wrong."""

from __future__ import annotations

import base64
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import (
    AnswerLost,
    ConfigurationError,
    CredentialsRejected,
    TransientError,
    UnexpectedAnswer,
)
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraClient, JiraConfig, connect
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import read_answer
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, ScriptedHttp, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = "canary-token-5d1f"
_MYSELF = Request.get("/rest/api/3/myself")
_CREATE = Request("POST", "/rest/api/3/issue", "/rest/api/3/issue", body=b"{}", is_repeatable=False)
_OK = Reply.json({"ok": True})


def client_of(url: str, time: PlayedTime | None = None, **settings: float | str) -> JiraClient:
    config = JiraConfig(url, "backup@example.net", Secret(_TOKEN), **settings)  # type: ignore[arg-type]
    return connect(config, timing=(time or PlayedTime()).timing())


def replies(*answers: Reply) -> Callable[[Seen], Reply]:
    """Answer with these in turn; the last one again and again."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_plain_http_goes_through_a_proxy_by_its_whole_address() -> None:
    site = "http://127.0.0.1:9"
    with ScriptedHttp(replies(_OK)) as proxy, client_of(site, proxy=proxy.url) as client:
        assert client.ask(_MYSELF, read_answer) == {"ok": True}
        assert client.ask(_MYSELF, read_answer) == {"ok": True}

    assert [seen.target for seen in proxy.seen] == [site + _MYSELF.path] * 2


def test_https_asks_a_proxy_for_a_tunnel_first_and_shows_it_nothing() -> None:
    with (
        ScriptedHttp(replies(Reply.json({}, 403))) as proxy,
        client_of("https://jira.example.net", proxy=proxy.url) as client,
        pytest.raises(TransientError),
    ):
        client.ask(_MYSELF, read_answer)

    assert {(seen.method, seen.target) for seen in proxy.seen} == {("CONNECT", "jira.example.net:443")}
    assert not any("authorization" in {name.lower() for name in seen.headers} for seen in proxy.seen)


def test_the_account_goes_as_basic_and_the_base_path_is_kept() -> None:
    with ScriptedHttp(replies(_OK)) as server, client_of(server.url + "/ex/jira/cloud-1/") as client:
        assert client.ask(_MYSELF, read_answer) == {"ok": True}

    (seen,) = server.seen
    packed = base64.b64encode(f"backup@example.net:{_TOKEN}".encode()).decode()
    assert seen.headers["authorization"] == f"Basic {packed}"
    assert seen.path == "/ex/jira/cloud-1/rest/api/3/myself"


def test_the_environments_proxies_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ScriptedHttp(replies(_OK)) as server, client_of(server.url) as client:
        assert client.ask(_MYSELF, read_answer) == {"ok": True}


def test_cookies_are_neither_kept_nor_sent() -> None:
    with (
        ScriptedHttp(replies(Reply.json({}, Set_Cookie="a=b; Path=/"))) as server,
        client_of(server.url) as client,
    ):
        client.ask(_MYSELF, read_answer)
        client.ask(_MYSELF, read_answer)

    assert [seen.headers.get("cookie") for seen in server.seen] == [None, None]


def test_one_connection_serves_many_calls() -> None:
    with ScriptedHttp(replies(_OK)) as server, client_of(server.url) as client:
        for _ in range(5):
            client.ask(_MYSELF, read_answer)

    assert len({seen.port for seen in server.seen}) == 1


def test_many_threads_ask_at_once_and_every_request_is_counted() -> None:
    together = threading.Barrier(4)

    def script(_: Seen) -> Reply:
        together.wait(timeout=20)
        return _OK

    with ScriptedHttp(script) as server, client_of(server.url) as client:
        list(client.map_ordered(lambda _: client.ask(_MYSELF, read_answer), range(8)))

        assert client.request_counts() == {"GET /rest/api/3/myself": 8}


def test_a_redirect_is_refused_because_it_is_a_login_page_or_another_site() -> None:
    away = Reply(302, b"", {"Location": "https://id.example.net/login?continue=x"})
    with (
        ScriptedHttp(replies(away)) as server,
        client_of(server.url) as client,
        pytest.raises(
            UnexpectedAnswer, match=r"redirected GET /rest/api/3/myself to https://id\.example\.net/login"
        ),
    ):
        client.ask(_MYSELF, read_answer)
    assert len(server.seen) == 1


def test_a_throttled_read_waits_as_told_and_comes_through() -> None:
    time = PlayedTime()
    with (
        ScriptedHttp(replies(Reply.json({}, 429, Retry_After="9"), _OK)) as server,
        client_of(server.url, time) as client,
    ):
        assert client.ask(_MYSELF, read_answer) == {"ok": True}
    assert sum(time.slept) >= 9


def test_a_read_is_given_up_after_four_attempts() -> None:
    time = PlayedTime()
    with (
        ScriptedHttp(replies(Reply(503))) as server,
        client_of(server.url, time) as client,
        pytest.raises(TransientError, match="after 4 attempts"),
    ):
        client.ask(_MYSELF, read_answer)
    assert len(server.seen) == 4
    assert time.slept == [2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    "broken",
    [Reply(is_silent=True), Reply(200, b'{"ok":true}', cut_after=4), Reply(200, b'{"ok":tr')],
    ids=["no answer", "cut off", "cut but whole by its length"],
)
def test_a_read_that_breaks_is_asked_again(broken: Reply) -> None:
    with ScriptedHttp(replies(broken, _OK)) as server, client_of(server.url) as client:
        assert client.ask(_MYSELF, read_answer) == {"ok": True}
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "broken",
    [
        Reply(is_silent=True),
        Reply(201, b'{"id":"1"}', cut_after=4),
        Reply(201, b'{"id'),
        Reply(503),
        Reply(500),
    ],
    ids=["no answer", "cut off", "cut but whole by its length", "503", "500"],
)
def test_a_write_that_breaks_is_lost_and_sent_only_once(broken: Reply) -> None:
    with (
        ScriptedHttp(replies(broken, _OK)) as server,
        client_of(server.url) as client,
        pytest.raises(AnswerLost, match="it may have been done"),
    ):
        client.ask(_CREATE, read_answer)
    assert len(server.seen) == 1


def test_a_write_that_was_refused_unread_is_sent_again() -> None:
    with (
        ScriptedHttp(replies(Reply.json({}, 429, Retry_After="1"), _OK)) as server,
        client_of(server.url) as client,
    ):
        assert client.ask(_CREATE, read_answer) == {"ok": True}
    assert len(server.seen) == 2


def test_a_write_that_never_left_is_tried_again_and_is_not_called_lost() -> None:
    with ScriptedHttp(replies(_OK)) as server:
        url = server.url
    time = PlayedTime()
    with client_of(url, time) as client, pytest.raises(TransientError) as caught:
        client.ask(_CREATE, read_answer)
    assert not isinstance(caught.value, AnswerLost)
    assert len(time.slept) == 3


def test_a_slow_drip_ends_at_the_deadline_of_the_answer() -> None:
    time = PlayedTime()
    drip = Reply(200, b'{"text":"' + b"." * 500 + b'"}', before_each_byte=lambda: time.advance(1.0))
    with (
        ScriptedHttp(replies(drip, _OK)) as server,
        client_of(server.url, time, answer_deadline_seconds=60.0) as client,
    ):
        assert client.ask(_MYSELF, read_answer) == {"ok": True}
    assert len(server.seen) == 2


def test_a_rejected_token_ends_everything_at_once() -> None:
    with ScriptedHttp(replies(Reply.json({}, 401))) as server, client_of(server.url) as client:
        for _ in range(3):
            with pytest.raises(CredentialsRejected, match="does not accept the account or token"):
                client.ask(Request.get("/rest/api/3/field"), read_answer)
    assert [seen.path for seen in server.seen] == ["/rest/api/3/field", "/rest/api/3/myself"]


def test_an_endpoint_that_says_401_for_a_missing_permission_is_a_refusal_of_its_own() -> None:
    def script(seen: Seen) -> Reply:
        return _OK if seen.path.endswith("/myself") else Reply.json({"errorMessages": ["Not an admin."]}, 401)

    with ScriptedHttp(script) as server, client_of(server.url) as client:
        answer = client.try_ask(Request.get("/rest/api/3/project/{id}/role", {"id": "1"}), read_answer)

    assert isinstance(answer, Refusal)
    assert answer.words == "Not an admin."


def test_an_answer_made_out_to_nobody_rejects_the_credentials() -> None:
    with (
        ScriptedHttp(replies(Reply.json({}, X_AAccountId="anonymous"))) as server,
        client_of(server.url) as client,
    ):
        client.expect_account("1234:abcd")
        with pytest.raises(CredentialsRejected, match="another account, or as nobody"):
            client.ask(_MYSELF, read_answer)
    assert len(server.seen) == 1


def test_an_account_header_in_quoted_form_is_the_same_account() -> None:
    with (
        ScriptedHttp(replies(Reply.json({}, X_AAccountId="1234%3Aabcd"))) as server,
        client_of(server.url) as client,
    ):
        client.expect_account("1234:abcd")
        assert client.ask(_MYSELF, read_answer) == {}


@pytest.mark.parametrize(("email", "token"), [("", "x"), ("a@example.net", "")])
def test_an_empty_account_is_a_usage_error(email: str, token: str) -> None:
    with pytest.raises(ConfigurationError, match="e-mail or API token is empty"):
        connect(JiraConfig("https://site.example.net", email, Secret(token)))


def test_the_token_is_in_no_log_no_error_and_no_printed_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    packed = base64.b64encode(f"backup@example.net:{_TOKEN}".encode()).decode()
    with ScriptedHttp(replies(Reply.json({}, 429, Retry_After="1"), Reply(500))) as server:
        config = JiraConfig(server.url, "backup@example.net", Secret(_TOKEN))
        with connect(config, timing=PlayedTime().timing()) as client, pytest.raises(TransientError) as caught:
            client.ask(_MYSELF, read_answer)
        shown = [
            caplog.text,
            str(caught.value),
            repr(caught.value),
            repr(config),
            repr(client),
            repr(vars(client)),
        ]

    assert "GET /rest/api/3/myself again in" in caplog.text
    for text in shown:
        assert _TOKEN not in text
        assert packed not in text


def test_closing_ends_even_the_longest_wait() -> None:
    asked = threading.Event()

    def script(_: Seen) -> Reply:
        asked.set()
        return Reply.json({}, 429, RateLimit_Reason="jira-quota-global-based", Retry_After="3000")

    with ScriptedHttp(script) as server:
        client = connect(JiraConfig(server.url, "backup@example.net", Secret(_TOKEN)))
        waiting = client.submit(lambda request: client.ask(request, read_answer), _MYSELF)
        assert asked.wait(timeout=20)
        client.close()

    assert isinstance(waiting.exception(timeout=20), TransientError)
