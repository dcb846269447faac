"""The writer writes once: what may have happened is said, what was refused unread is done once all the same."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import AnswerLost, NotFound, TransientError, WriteRefused
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, ScriptedHttp, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = {"body": {"type": "doc", "version": 1, "content": []}}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=1, issues=40, seed=3) as running:
        yield running


@pytest.fixture
def site(running: RunningSandbox) -> Iterator[RunningSandbox]:
    running.faults.clear()
    yield running
    fired = {fault.kind.value: fault.fired for fault in running.faults.list()}
    running.faults.clear()
    assert all(fired.values()), f"a fault that never fired proves nothing: {fired}"


@pytest.fixture
def time() -> PlayedTime:
    return PlayedTime()


@pytest.fixture
def writer(site: RunningSandbox, time: PlayedTime) -> Iterator[CloudWriter]:
    client = connect(JiraConfig(site.url, site.email, Secret(site.token)), timing=time.timing())
    yield CloudWriter(client)
    client.close()


@pytest.fixture
def issue_id(site: RunningSandbox, writer: CloudWriter) -> str:
    made: Any = writer.send(
        "POST",
        "/rest/api/3/issue",
        {
            "fields": {
                "project": {"id": project_id(site)},
                "summary": "For one test",
                "issuetype": {"name": "Task"},
            }
        },
    )
    return str(made["id"])


def project_id(site: RunningSandbox) -> str:
    return str(next(iter(site.site.projects.values())).project_id)


def comments(writer: CloudWriter, issue_id: str) -> int:
    return len(list(writer.get_all(f"/rest/api/3/issue/{issue_id}/comment", "comments", {"maxResults": "2"})))


def test_the_writer_knows_who_it_is(site: RunningSandbox, writer: CloudWriter) -> None:
    assert writer.whoami().account_id == site.site.backup_account_id


def test_what_is_not_there_is_not_found(site: RunningSandbox, writer: CloudWriter) -> None:
    assert site.url
    with pytest.raises(NotFound):
        writer.get("/rest/api/3/issue/999999999")


def test_a_refused_write_keeps_jiras_words_by_field(site: RunningSandbox, writer: CloudWriter) -> None:
    body = {"fields": {"project": {"id": project_id(site)}, "issuetype": {"name": "Task"}}}
    with pytest.raises(WriteRefused) as caught:
        writer.send("POST", "/rest/api/3/issue", body)

    assert caught.value.status == 400
    assert "summary" in caught.value.field_errors


def test_a_write_that_goes_on_as_a_task_names_it(site: RunningSandbox, writer: CloudWriter) -> None:
    project = project_id(site)
    listed: Any = writer.get("/rest/api/3/workflowscheme/project", {"projectId": project})
    own = listed["values"][0]["workflowScheme"]["id"]

    answer: Any = writer.send(
        "POST",
        "/rest/api/3/workflowscheme/project/switch",
        {"projectId": project, "targetSchemeId": str(own)},
    )

    task: Any = writer.get(f"/rest/api/3/task/{answer['id']}")
    assert task["status"] in {"RUNNING", "COMPLETE"}


def test_an_empty_answer_is_none(writer: CloudWriter, issue_id: str) -> None:
    fields = {"fields": {"summary": "Another one"}}

    assert writer.send("PUT", f"/rest/api/3/issue/{issue_id}", fields) is None


def test_lists_are_read_to_their_end_however_they_are_paged(
    site: RunningSandbox, writer: CloudWriter, issue_id: str
) -> None:
    for _ in range(5):
        writer.send("POST", f"/rest/api/3/issue/{issue_id}/comment", _TEXT)
    jql = {"jql": f"project = {project_id(site)}", "fields": "id", "maxResults": "7"}

    assert comments(writer, issue_id) == 5
    assert len(list(writer.get_all("/rest/api/3/search/jql", "issues", jql))) >= 40
    assert len(list(writer.get_all("/rest/api/3/field", ""))) > 10
    users = list(writer.get_all("/rest/api/3/users/search", "", {"startAt": "0", "maxResults": "4"}))
    assert len({str(user["accountId"]) for user in users}) == len(site.site.accounts)


def test_a_lost_answer_is_said_and_the_write_is_not_repeated(
    site: RunningSandbox, writer: CloudWriter, issue_id: str
) -> None:
    site.faults.add("lost_answer", method="POST", path="/comment$")

    with pytest.raises(AnswerLost):
        writer.send("POST", f"/rest/api/3/issue/{issue_id}/comment", _TEXT)
    assert comments(writer, issue_id) == 1


@pytest.mark.parametrize("kind", ["reset", "truncated_gzip", "short_body"])
def test_an_answer_cut_off_is_a_lost_one(
    site: RunningSandbox, writer: CloudWriter, issue_id: str, kind: str
) -> None:
    site.faults.add(kind, method="POST", path="/comment$")

    with pytest.raises(AnswerLost):
        writer.send("POST", f"/rest/api/3/issue/{issue_id}/comment", _TEXT)
    assert comments(writer, issue_id) == 1


def test_a_throttled_write_waits_and_is_done_once(
    site: RunningSandbox, writer: CloudWriter, issue_id: str, time: PlayedTime
) -> None:
    headers = {"RateLimit-Reason": "jira-per-issue-on-write", "Retry-After": "6"}
    site.faults.add("status", status=429, headers=headers, method="POST", path="/comment$", times=2)

    writer.send("POST", f"/rest/api/3/issue/{issue_id}/comment", _TEXT)

    assert comments(writer, issue_id) == 1
    assert len([wait for wait in time.slept if wait >= 6]) == 2


def test_setting_a_property_is_repeated_because_it_does_no_harm(
    site: RunningSandbox, writer: CloudWriter, issue_id: str
) -> None:
    path = f"/rest/api/3/issue/{issue_id}/properties/origin"
    site.faults.add("lost_answer", method="PUT", path="/properties/")

    writer.send("PUT", path, {"from": "1"})

    found: Any = writer.get(path)
    assert found["value"] == {"from": "1"}


@pytest.mark.parametrize("name", ["plain.txt", 'with "quotes".txt', "żółć 漢字.bin", "line\r\nbreak.txt"])
def test_an_upload_comes_back_as_it_was_sent(
    site: RunningSandbox, writer: CloudWriter, issue_id: str, name: str
) -> None:
    content = bytes(range(256)) * 700

    made: Any = writer.upload(issue_id, name, BytesIO(content), len(content))

    assert made["size"] == len(content)
    if name.isprintable() and '"' not in name:
        assert made["filename"] == name
    assert writer.media_id(made["id"]) is not None
    assert site.media.leaked_credentials == 0


def test_a_throttled_upload_is_sent_again_from_its_beginning(
    site: RunningSandbox, writer: CloudWriter, issue_id: str
) -> None:
    site.faults.add("status", status=429, method="POST", path="/attachments$")
    stream = BytesIO(b"skip" + b"content")
    stream.seek(4)

    made: Any = writer.upload(issue_id, "a.bin", stream, 7)

    assert made["size"] == 7


def test_a_throttled_upload_of_a_stream_that_cannot_seek_is_said_to_be_undone() -> None:
    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

    def script(_: Seen) -> Reply:
        return Reply.json({}, 429)

    with ScriptedHttp(script) as server:
        config = JiraConfig(server.url, "backup@example.net", Secret("token"))
        with (
            connect(config, timing=PlayedTime().timing()) as client,
            pytest.raises(TransientError, match="cannot be read a second time"),
        ):
            CloudWriter(client).upload("1", "a.bin", Pipe(b"content"), 7)
    assert len(server.seen) == 1
    assert server.seen[0].headers["x-atlassian-token"] == "no-check"
    assert server.seen[0].headers["content-length"] == str(len(server.seen[0].body))


def test_a_path_that_could_change_the_host_is_refused(writer: CloudWriter) -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        writer.get("@elsewhere.example.net/rest")
