"""Which addresses are asked and which redirects are followed: never plain http to another machine, never a leaked token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import ConfigurationError, Refused, UnexpectedAnswer
from jira_backup_pipeline.jira.wire.addresses import (
    checked_base_url,
    cloud_id_in,
    is_loopback,
    media_id_in,
    redirect_target,
    same_origin,
    shown,
)
from jira_backup_pipeline.jira.wire.messages import Request, fill
from jira_backup_pipeline.jira.writer import template_of

_CLOUD = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("given_url", "plain"),
    [
        ("https://site.atlassian.net", "https://site.atlassian.net"),
        (" https://site.atlassian.net/ ", "https://site.atlassian.net"),
        (f"https://api.atlassian.com/ex/jira/{_CLOUD}/", f"https://api.atlassian.com/ex/jira/{_CLOUD}"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/jira", "http://localhost:8080/jira"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_base_url_is_accepted_in_its_plain_form(given_url: str, plain: str) -> None:
    assert plain == checked_base_url(given_url)


@pytest.mark.parametrize(
    "url", ["http://site.atlassian.net", "http://10.0.0.5", "http://localhost.example.net"]
)
def test_plain_http_to_another_machine_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="plain http"):
        checked_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "site.atlassian.net",
        "ftp://site.atlassian.net",
        "https://",
        "https://person:hunter2@site.atlassian.net",
        "https://site.atlassian.net?x=1",
        "https://site.atlassian.net#top",
        "https://site.atlassian.net:port",
        "https://[::1",
    ],
)
def test_what_is_no_base_url_is_a_usage_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_base_url(url)
    assert "hunter2" not in str(caught.value)
    assert "HINT:" in str(caught.value)


def test_the_gateway_names_its_cloud_and_a_site_does_not() -> None:
    assert cloud_id_in(f"https://api.atlassian.com/ex/jira/{_CLOUD}") == _CLOUD
    assert cloud_id_in("https://site.atlassian.net") is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("127.0.0.1.example.net", False),
        ("0.0.0.0", False),  # noqa: S104 - it is told apart
    ],
)
def test_loopback_is_known_without_a_resolver(host: str, *, expected: bool) -> None:
    assert expected is is_loopback(host)


def test_origins_are_compared_with_their_default_ports() -> None:
    assert same_origin("https://a.example.net/x", "https://a.example.net:443/y")
    assert not same_origin("https://a.example.net", "https://a.example.net:8443")
    assert not same_origin("https://a.example.net", "http://a.example.net")
    assert not same_origin("https://a.example.net@b.example.net", "https://a.example.net")


@pytest.mark.parametrize(
    "location", ["http://media.example.net/file/1", "ftp://media.example.net/x", "https://["]
)
def test_a_download_is_not_followed_to_an_unsafe_address(location: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="not followed"):
        redirect_target("https://site.atlassian.net/rest/api/3/attachment/content/1", location)


def test_a_relative_redirect_stays_on_its_host() -> None:
    target = redirect_target("http://127.0.0.1:8080/rest/x", "/media/file/1")

    assert target == "http://127.0.0.1:8080/media/file/1"


def test_the_media_id_is_read_from_the_redirects_path() -> None:
    uuid = "8c9a2f4e-0b1d-4c6a-9d3e-5f7a1b2c3d4e"

    assert media_id_in(f"https://api.media.example.net/file/{uuid}/binary?token=x") == uuid
    assert media_id_in(f"https://api.media.example.net/file/{uuid.upper()}/binary") == uuid
    assert media_id_in("https://api.media.example.net/file/12345/binary") is None
    assert media_id_in("") is None
    assert media_id_in("https://[") is None


def test_a_shown_address_has_no_query_and_no_user() -> None:
    assert shown("https://u:p@host.example.net/path?token=secret#x") == "https://host.example.net/path"


@given(st.text(min_size=1))
def test_no_value_can_leave_its_path_segment(value: str) -> None:
    path = fill(
        "/rest/api/3/issue/{issue_id}/comment", {"issue_id": value.encode("utf-8", "replace").decode()}
    )

    assert path.count("/") == 6
    assert "?" not in path
    assert "#" not in path


def test_a_request_is_counted_by_its_template_and_sent_to_its_path() -> None:
    request = Request.get("/rest/api/3/issue/{issue_id}/comment", {"issue_id": "10001"}, startAt=0)

    assert request.endpoint == "GET /rest/api/3/issue/{issue_id}/comment"
    assert request.target == "/rest/api/3/issue/10001/comment?startAt=0"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/rest/api/3/issue/10001/comment", "/rest/api/3/issue/{id}/comment"),
        ("/rest/api/3/issue/ABC-12", "/rest/api/3/issue/{id}"),
        ("/rest/api/3/project/10000/role/10002", "/rest/api/3/project/{id}/role/{id}"),
        ("/rest/agile/1.0/board/5/sprint", "/rest/agile/1.0/board/{id}/sprint"),
        ("/rest/api/3/issue/bulk", "/rest/api/3/issue/bulk"),
        ("/_edge/tenant_info", "/_edge/tenant_info"),
    ],
)
def test_written_paths_are_counted_with_their_ids_left_open(path: str, template: str) -> None:
    assert template == template_of(path)
