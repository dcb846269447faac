"""A run that dies loses at most one pack: the next asks only for what no closed pack holds, counted request by request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected
from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.doubles.sandbox_captures import SandboxCaptures
from jira_backup_pipeline_tests.doubles.site_edits import attach
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, Moment, ProcessKilled
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

ISSUES, PACK = 40, 10


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    """Every issue has a file of its own, so that downloads show what is asked for twice."""
    with start_sandbox(projects=1, issues=ISSUES, seed=5) as running:
        calls = Calls(running.core, running.edits, running.token)
        for number, issue in enumerate(list(running.site.issues)):
            attach(calls, issue, number)
        yield running


def issues_in(asked: Counter[str]) -> int:
    return sum(number for name, number in asked.items() if not name.startswith("file"))


def files_in(asked: Counter[str]) -> int:
    return sum(number for name, number in asked.items() if name.startswith("file"))


def receipts_of(site: SandboxCaptures) -> int:
    return sum(entry.key.endswith("receipt.age") for entry in site.store.list("packs/"))


def files_of(running: RunningSandbox) -> int:
    return sum(len(running.site.body(issue).attachments) for issue in running.site.issues)


def finish(site: SandboxCaptures, before: Counter[str], *, closed_before: int) -> None:
    """Let the next run complete what a dead one began, and count what it asks for."""
    closed = receipts_of(site) - closed_before
    assert 0 < closed < ISSUES // PACK, "it died too early or too late to prove anything"
    with site.asked() as after:
        done = site.capture(pack_units=PACK)

    assert issues_in(after) == ISSUES - PACK * closed
    assert done.reused_units == PACK * closed
    downloads_of_one_pack = max(
        sum(
            len(site.running.site.body(issue).attachments)
            for issue in list(site.running.site.issues)[i : i + PACK]
        )
        for i in range(0, ISSUES, PACK)
    )
    assert files_in(before) + files_in(after) <= files_of(site.running) + downloads_of_one_pack
    assert all(number == 1 for number in after.values())
    assert done.manifest.state is SnapshotState.COMPLETE
    site.assert_true(done.manifest)
    site.assert_intact()


@pytest.mark.parametrize("moment", list(Moment))
def test_after_kill_9_the_next_run_asks_only_for_the_rest(running: RunningSandbox, moment: Moment) -> None:
    counted = SandboxCaptures(running)
    counting = CrashingStore(counted.store)
    counted.capture(store=counting, pack_units=PACK)
    receipts = [
        n for n, (verb, key) in enumerate(counting.calls, 1) if verb == "put_new" and "receipt" in key
    ]
    site = SandboxCaptures(running)
    packs_of_settings = receipts_of(site)

    def die() -> None:
        site.capture(store=CrashingStore(site.store, receipts[2], moment=moment), pack_units=PACK)

    with site.asked() as before, pytest.raises(ProcessKilled):
        die()

    finish(site, before, closed_before=packs_of_settings)


def test_after_a_revoked_token_the_next_run_asks_only_for_the_rest(running: RunningSandbox) -> None:
    site = SandboxCaptures(running)
    fault = running.faults.add(
        "status",
        path="/rest/api/3/attachment/content/{id}",
        status=401,
        after=files_of(running) * 2 // 3,
        times=None,
    )
    running.faults.add("status", path="/rest/api/3/myself", status=401, after=1, times=None)

    try:
        with site.asked() as before, pytest.raises(CredentialsRejected):
            site.capture(pack_units=PACK)
        assert fault.fired
    finally:
        running.faults.clear()

    finish(site, before, closed_before=0)
