"""The sandbox as a server: its command line, the second host for files, compression, control API, recorded data."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests

from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A small site."""
    with start_sandbox(projects=2, issues=60, seed=7) as running:
        yield running


def _get(sandbox: RunningSandbox, path: str, **options: Any) -> requests.Response:
    return requests.get(sandbox.url + path, auth=(sandbox.email, sandbox.token), timeout=10, **options)


def _attachment(sandbox: RunningSandbox) -> Any:
    fields = _get(sandbox, "/rest/api/3/issue/APP-5?fields=attachment").json()["fields"]
    return max(fields["attachment"], key=lambda item: item["size"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_one_line_serves_and_ends_cleanly(number: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "jira_backup_pipeline.sandbox",
        "--port",
        "0",
        "--issues",
        "20",
        "--token",
        "t0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line = json.loads(program.stdout.readline())
        try:
            assert {
                "url", "email", "token", "cloud_id", "gateway_url", "media_url", "control_url", "pid",
            } == set(line)  # fmt: skip
            assert (program.pid, "t0") == (line["pid"], line["token"])
            answer = requests.get(
                f"{line['gateway_url']}/rest/api/3/myself", auth=(line["email"], "t0"), timeout=10
            )
            assert line["email"] == answer.json()["emailAddress"]
        finally:
            program.send_signal(number)
        assert (program.wait(20), program.stdout.read()) == (0, "")


def test_a_missing_recording_is_a_one_line_error_with_a_hint(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jira_backup_pipeline.sandbox", "--load", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "HINT:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_redirect_leads_to_another_host_that_wants_no_credentials(sandbox: RunningSandbox) -> None:
    item = _attachment(sandbox)
    redirect = _get(sandbox, f"/rest/api/3/attachment/content/{item['id']}", allow_redirects=False)
    location = redirect.headers["Location"]
    assert redirect.status_code == 303
    assert location.startswith(f"{sandbox.media_url}/file/")
    assert sandbox.media_url.split(":")[1] != sandbox.url.split(":")[1]
    assert item["size"] == len(requests.get(location, timeout=10).content)
    before = sandbox.media.leaked_credentials
    refused = requests.get(location, headers={"Authorization": "Basic x"}, timeout=10)
    assert (400, before + 1) == (refused.status_code, sandbox.media.leaked_credentials)
    assert requests.get(location.replace("token=", "token=9"), timeout=10).status_code == 403


def test_a_media_address_expires_on_the_sites_clock(sandbox: RunningSandbox) -> None:
    item = _attachment(sandbox)
    path = f"/rest/api/3/attachment/content/{item['id']}"
    location = _get(sandbox, path, allow_redirects=False).headers["Location"]
    sandbox.edits.advance_clock(sandbox.site.settings.media_url_seconds + 1)
    assert requests.get(location, timeout=10).status_code == 403
    sandbox.edits.run_clock()


def test_ranges_of_a_file_are_served_by_both_ways(sandbox: RunningSandbox) -> None:
    item = _attachment(sandbox)
    path = f"/rest/api/3/attachment/content/{item['id']}"
    whole = _get(sandbox, f"{path}?redirect=false")
    assert (200, item["size"]) == (whole.status_code, len(whole.content))
    for address in (path, f"{path}?redirect=false"):
        part = _get(sandbox, address, headers={"Range": "bytes=10-19"})
        assert (206, whole.content[10:20]) == (part.status_code, part.content)
        assert f"bytes 10-19/{item['size']}" == part.headers["Content-Range"]
        rest = _get(sandbox, address, headers={"Range": f"bytes={item['size'] - 5}-"})
        assert whole.content[-5:] == rest.content
        assert _get(sandbox, address, headers={"Range": "bytes=99999999-"}).status_code == 416
        assert _get(sandbox, address, headers={"Range": "bytes=x"}).status_code == 400


def test_an_upload_keeps_bytes_and_names_and_needs_its_header(sandbox: RunningSandbox) -> None:
    address = f"{sandbox.url}/rest/api/3/issue/APP-2/attachments"
    auth = (sandbox.email, sandbox.token)
    names = ["plain.txt", "日本語 \u2013 ü.bin", "x" * 200 + ".dat"]
    content = bytes(range(256)) * 5000
    files = [("file", (name, content, "application/octet-stream")) for name in names]
    assert requests.post(address, files=files, auth=auth, timeout=20).status_code == 403
    made = requests.post(
        address, files=files, auth=auth, headers={"X-Atlassian-Token": "no-check"}, timeout=20
    ).json()
    assert names == [item["filename"] for item in made]
    for item in made:
        got = _get(sandbox, f"/rest/api/3/attachment/content/{item['id']}").content
        assert hashlib.sha256(content).digest() == hashlib.sha256(got).digest()
    sandbox.edits.set_settings(upload_limit_bytes=10)
    too_large = requests.post(
        address, files=files[:1], auth=auth, headers={"X-Atlassian-Token": "no-check"}, timeout=20
    )
    sandbox.edits.set_settings(upload_limit_bytes=1_000_000_000)
    assert too_large.status_code == 413


def test_answers_are_compressed_only_when_asked(sandbox: RunningSandbox) -> None:
    plain = _get(sandbox, "/rest/api/3/field", headers={"Accept-Encoding": "identity"})
    packed = _get(sandbox, "/rest/api/3/field", headers={"Accept-Encoding": "gzip"})
    assert (plain.headers.get("Content-Encoding"), packed.headers.get("Content-Encoding")) == (None, "gzip")
    assert plain.content == packed.content
    assert int(packed.headers["Content-Length"]) < len(packed.content) / 2


def test_the_truth_is_streamed_as_lines(sandbox: RunningSandbox) -> None:
    answer = requests.get(f"{sandbox.control_url}/truth", timeout=30)
    records = [json.loads(line) for line in answer.text.splitlines()]
    issues = [record for record in records if record["kind"] == "issue"]
    assert len(sandbox.site.issues) == len(issues)
    some = issues[3]
    shown = _get(sandbox, f"/rest/api/3/issue/{some['id']}").json()["fields"]
    assert some["record"]["fields"] == {k: v for k, v in shown.items() if k not in {"comment", "worklog"}}


def test_edits_and_settings_are_made_over_http(sandbox: RunningSandbox) -> None:
    def edit(**options: Any) -> requests.Response:
        return requests.post(f"{sandbox.control_url}/edit", json=options, timeout=10)

    assert edit(action="add_comment", issue="OPS-2", text="From outside").status_code == 200
    assert "From outside" in _get(sandbox, "/rest/api/3/issue/OPS-2/comment").text
    assert edit(action="explode").status_code == 400
    assert edit(action="delete_issue", issue="OPS-9999").status_code == 400
    assert edit(action="edit_issue", issue="OPS-2", fields={"summary": ""}).status_code == 400
    assert requests.post(f"{sandbox.control_url}/edit", data=b"no json", timeout=10).status_code == 400
    changed = requests.post(f"{sandbox.control_url}/settings", json={"inline_comments": 2}, timeout=10).json()
    assert changed["inline_comments"] == 2
    assert requests.post(f"{sandbox.control_url}/settings", json={"colour": 2}, timeout=10).status_code == 400
    state = requests.get(f"{sandbox.control_url}/site", timeout=10).json()
    assert state["projects"] == {"APP": "live", "OPS": "live"}
    assert requests.get(f"{sandbox.control_url}/nothing", timeout=10).status_code == 404


def test_a_raw_field_is_served_as_it_is(sandbox: RunningSandbox) -> None:
    sandbox.edits.set_raw_field("OPS-3", "description", r'"\ud800 alone"')
    text = _get(sandbox, "/rest/api/3/issue/OPS-3?fields=description").text
    assert r'"description":"\ud800 alone"' in text


@pytest.mark.shared
def test_recorded_answers_are_served_in_their_very_bytes(shared_folder: Path) -> None:
    lines = (shared_folder / "recorded" / "all_streams.jsonl").read_bytes().splitlines()
    streams: dict[str, list[bytes]] = {}
    for line in lines:
        stream = json.loads(line)["stream"]
        data = line.split(b'"data": ', 1)[1].rsplit(b', "emitted_at"', 1)[0]
        streams.setdefault(stream, []).append(data)
    with start_sandbox(load=shared_folder / "recorded") as sandbox:
        body = {"jql": "project = PLAYG ORDER BY id", "fields": ["id"]}
        auth = (sandbox.email, sandbox.token)
        found = requests.post(f"{sandbox.url}/rest/api/3/search/jql", json=body, auth=auth, timeout=10).json()
        ids = [item["id"] for item in found["issues"]]
        assert len(ids) == 6
        bulk = requests.post(
            f"{sandbox.url}/rest/api/3/issue/bulkfetch",
            json={"issueIdsOrKeys": ids, "fields": ["*all"], "expand": ["changelog"]},
            auth=auth,
            timeout=10,
        )
        assert all(text in bulk.content for text in streams["issues"])
        assert len(streams["issues"]) == 5
        fields = _get(sandbox, "/rest/api/3/field").content
        assert all(text in fields for text in streams["issue_fields"])
        people = _get(sandbox, "/rest/api/3/users/search?maxResults=1000").content
        assert all(text in people for text in streams["users"])
        histories = requests.post(
            f"{sandbox.url}/rest/api/3/changelog/bulkfetch",
            json={"issueIdsOrKeys": ids},
            auth=auth,
            timeout=10,
        ).json()
        recorded = {
            entry["id"]: entry["items"]
            for text in streams["issues"]
            for entry in json.loads(text)["changelog"]["histories"]
        }
        served = {e["id"]: e["items"] for log in histories["issueChangeLogs"] for e in log["changeHistories"]}
        assert recorded == served
        sprints = _get(sandbox, "/rest/agile/1.0/board/21/sprint").content
        assert sum(text in sprints for text in streams["sprints"]) == len(streams["sprints"])
        sandbox.edits.edit_issue("PLAYG-7", {"summary": "Changed since"})
        changed = _get(sandbox, "/rest/api/3/issue/PLAYG-7").json()
        assert changed["fields"]["summary"] == "Changed since"
        assert json.loads(streams["issues"][0])["fields"]["creator"] == changed["fields"]["creator"]
