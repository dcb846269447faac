"""Attachment bytes come whole over redirects and broken connections, and the token stays with Jira."""

from __future__ import annotations

import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected, TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import AttachmentBytes
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraClient, JiraConfig, connect
from jira_backup_pipeline.jira.download import media_id_of, open_attachment
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, ScriptedHttp, Seen

_UUID = "8c9a2f4e-0b1d-4c6a-9d3e-5f7a1b2c3d4e"
_CONTENT = bytes(range(256)) * 400


class Jira:
    """Redirects to the media host under another host name, as Jira does."""

    def __init__(self, body: bytes = b"") -> None:
        self.media_url = ""
        self.body = body

    def __call__(self, _: Seen) -> Reply:
        where = f"{self.media_url}/file/{_UUID}/binary?token=signed&client=c"
        return Reply(303, self.body, {"Location": where})


class Media:
    """Gives ranges unless told otherwise; breaks where `cuts` says, counted from the start of each answer."""

    def __init__(self, *cuts: int, knows_ranges: bool = True) -> None:
        self.cuts = list(cuts)
        self.knows_ranges = knows_ranges

    def __call__(self, seen: Seen) -> Reply:
        start = 0
        headers = {"Content-Type": "application/octet-stream"}
        asked = seen.headers.get("range")
        if asked and self.knows_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(_CONTENT) - 1}/{len(_CONTENT)}"
        cut = self.cuts.pop(0) if self.cuts else None
        return Reply(206 if start else 200, _CONTENT[start:], headers, cut_after=cut)


def client_of(url: str) -> JiraClient:
    return connect(JiraConfig(url, "backup@example.net", Secret("token")), timing=PlayedTime().timing())


class Site:
    """Jira and its media host together."""

    def __init__(self, media: object, redirect_body: bytes = b"") -> None:
        self.jira_script = Jira(redirect_body)
        self.jira = ScriptedHttp(self.jira_script)
        self.media = ScriptedHttp(media)  # type: ignore[arg-type]
        self.jira_script.media_url = self.media.url.replace("127.0.0.1", "localhost")

    def __enter__(self) -> JiraClient:
        self.jira.__enter__()
        self.media.__enter__()
        self.client = client_of(self.jira.url)
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.media.__exit__()
        self.jira.__exit__()


def opened(found: AttachmentBytes | Gap) -> AttachmentBytes:
    assert isinstance(found, AttachmentBytes)
    return found


def test_bytes_size_and_media_id_come_from_the_media_host_which_never_sees_the_token() -> None:
    with (site := Site(Media())) as client:
        found = opened(open_attachment(client, "10001"))
        with found.stream:
            assert found.stream.read() == _CONTENT

    assert found.size_bytes == len(_CONTENT)
    assert found.media_id == _UUID
    assert "authorization" in site.jira.seen[0].headers
    assert site.jira.seen[0].path == "/rest/api/3/attachment/content/10001"
    (seen,) = site.media.seen
    assert "authorization" not in seen.headers
    assert "cookie" not in seen.headers


def test_a_download_over_broken_connections_is_resumed_where_it_broke() -> None:
    with (site := Site(Media(1_000, 70_000, 0))) as client:
        assert opened(open_attachment(client, "10001")).stream.read() == _CONTENT

    assert [seen.headers.get("range") for seen in site.media.seen] == [
        None,
        "bytes=1000-",
        "bytes=71000-",
        "bytes=71000-",
    ]
    assert all("authorization" not in seen.headers for seen in site.media.seen)
    assert len(site.jira.seen) == 4


def test_a_media_host_that_does_not_know_ranges_is_read_again_from_the_start() -> None:
    with Site(Media(1_000, 500, 70_000, knows_ranges=False)) as client:
        assert opened(open_attachment(client, "10001")).stream.read() == _CONTENT


def test_a_download_that_makes_no_headway_is_given_up() -> None:
    with Site(Media(1_000, *[0] * 20)) as client:
        stream = opened(open_attachment(client, "10001")).stream
        with pytest.raises(TransientError, match="after 4 attempts"):
            stream.read()


def test_a_media_host_that_resumes_elsewhere_is_not_believed() -> None:
    first = Media(1_000)

    def media(seen: Seen) -> Reply:
        if "range" not in seen.headers:
            return first(seen)
        return Reply(
            206, _CONTENT[2_000:], {"Content-Range": f"bytes 2000-{len(_CONTENT) - 1}/{len(_CONTENT)}"}
        )

    with Site(media) as client:
        stream = opened(open_attachment(client, "10001")).stream
        with pytest.raises(TransientError, match="resumed at another place"):
            stream.read()


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(
            Reply(
                206,
                _CONTENT[1_000:-1],
                {"Content-Range": f"bytes 1000-{len(_CONTENT) - 2}/{len(_CONTENT) - 1}"},
            ),
            id="another size in the range",
        ),
        pytest.param(Reply(200, _CONTENT + b"more"), id="another size from the start"),
        pytest.param(
            Reply(
                206,
                _CONTENT[1_000:],
                {"Content-Range": f"bytes 1000-{len(_CONTENT) - 1}/{len(_CONTENT)}", "ETag": '"two"'},
            ),
            id="another tag",
        ),
    ],
)
def test_a_file_that_was_replaced_between_two_connections_is_not_mixed_of_both(later: Reply) -> None:
    first = Reply(200, _CONTENT, {"ETag": '"one"'}, cut_after=1_000)

    with Site(lambda seen: later if "range" in seen.headers else first) as client:
        stream = opened(open_attachment(client, "10001")).stream
        with pytest.raises(TransientError, match="replaced by another while it was read"):
            stream.read()


def test_a_range_of_unknown_total_and_the_same_tag_go_on() -> None:
    def media(seen: Seen) -> Reply:
        if "range" not in seen.headers:
            return Reply(200, _CONTENT, {"ETag": '"one"'}, cut_after=1_000)
        return Reply(
            206, _CONTENT[1_000:], {"Content-Range": f"bytes 1000-{len(_CONTENT) - 1}/*", "ETag": '"one"'}
        )

    with Site(media) as client:
        assert opened(open_attachment(client, "10001")).stream.read() == _CONTENT


def test_a_media_host_that_gives_less_than_the_range_is_asked_for_the_next_one() -> None:
    asked: list[int] = []

    def media(seen: Seen) -> Reply:
        if "range" not in seen.headers:
            return Reply(200, _CONTENT, cut_after=400)
        start = int(seen.headers["range"].removeprefix("bytes=").removesuffix("-"))
        asked.append(start)
        piece = _CONTENT[start : start + 30_000]
        return Reply(206, piece, {"Content-Range": f"bytes {start}-{start + len(piece) - 1}/{len(_CONTENT)}"})

    with Site(media) as client:
        assert opened(open_attachment(client, "10001")).stream.read() == _CONTENT
    assert asked == [400, 30_400, 60_400, 90_400]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_the_media_host_refuses_is_a_gap(status: int) -> None:
    with Site(lambda _: Reply(status)) as client:
        found = open_attachment(client, "10001")

    assert isinstance(found, Gap)
    assert (found.kind, found.subject, found.status) == ("attachment", "attachment 10001", status)


def test_a_busy_media_host_is_asked_again() -> None:
    answers = [Reply(503), Reply(429, b"", {"Retry-After": "1"}), Reply(200, b"bytes")]
    with Site(lambda _: answers.pop(0)) as client:
        assert opened(open_attachment(client, "10001")).stream.read() == b"bytes"


def test_bytes_that_jira_hands_out_itself_come_without_a_media_id() -> None:
    with ScriptedHttp(lambda _: Reply(200, b"bytes")) as server, client_of(server.url) as client:
        found = opened(open_attachment(client, "10001"))
        assert found.stream.read() == b"bytes"
        assert found.media_id is None


def test_an_attachment_that_jira_refuses_is_a_gap_with_its_words() -> None:
    refusal = Reply.json({"errorMessages": ["The attachment is gone."]}, 404)
    with ScriptedHttp(lambda _: refusal) as server, client_of(server.url) as client:
        found = open_attachment(client, "10001")

    assert isinstance(found, Gap)
    assert found.reason == "The attachment is gone."


def test_a_rejected_token_is_no_gap() -> None:
    with (
        ScriptedHttp(lambda _: Reply.json({}, 401)) as server,
        client_of(server.url) as client,
        pytest.raises(CredentialsRejected),
    ):
        open_attachment(client, "10001")


def test_a_redirect_to_plain_http_elsewhere_is_not_followed() -> None:
    away = Reply(303, b"", {"Location": "http://media.example.net/file/1"})
    with (
        ScriptedHttp(lambda _: away) as server,
        client_of(server.url) as client,
        pytest.raises(UnexpectedAnswer, match="which is not followed"),
    ):
        open_attachment(client, "10001")


@pytest.mark.parametrize("body", [b"", b"<html>See other</html>"])
def test_a_redirect_keeps_its_connection_for_the_next_request(body: bytes) -> None:
    site = Site(Media(), body)
    with site as client:
        for number in range(3):
            with opened(open_attachment(client, str(number))).stream as stream:
                assert stream.read() == _CONTENT

    assert len({seen.port for seen in site.jira.seen}) == 1


def test_a_redirect_with_a_long_body_is_not_read_to_its_end() -> None:
    site = Site(Media(), b"x" * 1_000_000)
    with site as client:
        for number in range(2):
            with opened(open_attachment(client, str(number))).stream as stream:
                assert stream.read() == _CONTENT

    assert len({seen.port for seen in site.jira.seen}) == 2


def test_redirects_in_a_circle_end() -> None:
    circle = Reply(303, b"", {"Location": "/again"})
    with (
        ScriptedHttp(lambda _: circle) as server,
        client_of(server.url) as client,
        pytest.raises(UnexpectedAnswer, match="redirected more than 5 times"),
    ):
        open_attachment(client, "10001")
    assert len(server.seen) == 6


def test_the_media_id_is_learnt_without_reading_the_bytes() -> None:
    with Site(Media()) as client:
        assert media_id_of(client, "10001") == _UUID
