"""A large attachment goes into a bucket in parts, create-only, over a broken download and a broken upload, and comes back whole.

The limits are lowered: with AWS's own, the same path is taken by everything over 64 MiB, in parts that grow so that 10,000
of them hold the largest object there is.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import UploadedFile
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.access import S3Options
from jira_backup_pipeline_tests.doubles.s3_proxy import Misbehaviour, PlannedFault, running_s3_proxy
from jira_backup_pipeline_tests.doubles.s3_server import running_s3_server
from jira_backup_pipeline_tests.doubles.sandbox_captures import SandboxCaptures
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.server import RunningSandbox

PARTS = S3Options(single_put_limit_bytes=1_000_000, part_bytes=5 * 1024 * 1024)
LARGE = random.Random(2).randbytes(11_000_000)


def add_large_file(running: RunningSandbox) -> str:
    calls = Calls(running.core, running.edits, running.token)
    [issue, *_] = running.site.issues
    file = UploadedFile("file", "large.bin", "application/octet-stream", LARGE)
    headers = {"x-atlassian-token": "no-check"}
    assert (
        calls.send("POST", f"/issue/{issue.issue_id}/attachments", headers=headers, files=[file]).status
        == 200
    )
    return str(running.site.body(issue).attachments[-1].media_uuid)


def test_a_large_attachment_is_stored_in_parts_and_create_only() -> None:
    with (
        start_sandbox(projects=1, issues=4, seed=3) as running,
        running_s3_server() as server,
        running_s3_proxy(server.endpoint) as proxy,
    ):
        uuid = add_large_file(running)
        site = SandboxCaptures(running, server.store(endpoint=proxy.endpoint, options=PARTS))
        running.faults.add("reset", path=f"^/file/{uuid}/", keep_bytes=4_000_000)
        lost = PlannedFault(Misbehaviour.RESET_BEFORE_COMMIT, "PUT", "partNumber=2")

        with proxy.planned(lost):
            done = site.capture()

        site.assert_true(done.manifest)
        assert not done.manifest.gaps
        assert [fault.fired for fault in running.faults.list()] == [1]
        parts = {r.target for r in proxy.requests if r.method == "PUT" and "partNumber=" in r.target}
        completions = [r for r in proxy.requests if r.method == "POST" and "uploadId=" in r.target]
        assert len(parts) == 3
        assert [r.headers.get("if-none-match") for r in completions] == ["*"]
        with site.asked() as asked:
            site.capture(is_full=True)
        assert not [name for name in asked if name.startswith("file")]
