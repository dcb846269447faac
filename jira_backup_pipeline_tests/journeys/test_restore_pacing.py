"""No issue is written to more often than Jira allows, also where one thing takes several writes; time is the sandbox's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.pacing import ISSUE_WRITE_LIMITS, PaceTime
from jira_backup_pipeline.engine.restore.plan import Selection
from jira_backup_pipeline_tests.doubles.restorable import DirectWriter, Restorable, restorable

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.server import RunningSandbox

COMMENTS = 30
TOO_MANY = 429


def talk(sandbox: RunningSandbox) -> None:
    """Give an issue many comments, each with a node of its own that no target knows: a refused write, then others."""
    site = sandbox.site
    issue = next(iter(site.issues.of_project(next(iter(site.projects)))))
    sandbox.edits.add_comment(site.key_of(issue), "said", count=COMMENTS)
    for number, comment in enumerate(site.body(issue).comments[-COMMENTS:]):
        said = {"type": "paragraph", "content": [{"type": "text", "text": f"number {number}"}]}
        odd = {"type": f"unheardOf{number}", "attrs": {"text": "strange"}}
        comment.body = {"type": "doc", "version": 1, "content": [said, odd]}


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=1, issues=6, before=talk) as made:
        made.sandbox.edits.set_settings(per_issue_write_limit=True)
        made.sandbox.edits.set_clock(made.sandbox.site.now())
        yield made


class Counting(DirectWriter):
    """A writer that counts how often the sandbox's limit of writes to an issue refuses a call."""

    refused = 0

    def _call(self, method: str, path: str, **how: Any) -> tuple[int, Any]:
        status, answer = super()._call(method, path, **how)
        self.refused += status == TOO_MANY
        return status, answer


def restored(
    site: Restorable, key: str, limits: tuple[tuple[int, float], ...]
) -> tuple[Counting, RestoreResult, float]:
    """Restore the issue in played time; gives the writer, the result, and the seconds that it took."""
    sandbox = site.sandbox

    def sleep(seconds: float) -> None:
        # The sandbox counts whole milliseconds.
        sandbox.edits.advance_clock(seconds + 0.001)

    def wait(_: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None, "the only worker waits for nobody"
        sleep(seconds)

    played = PaceTime(lambda: sandbox.site.now() / 1000, sleep, wait)
    options = ApplyOptions(workers=1, issue_write_limits=limits, pause=sleep, pace_time=played)
    begun_at = played.now()
    writer = Counting(sandbox)
    first = Selection(issue_keys=site.plan(target_key=key).creates[:1])
    result = site.restore(site.plan(target_key=key, selection=first), writer=writer, options=options)
    return writer, result, played.now() - begun_at


def test_single_writes_keep_the_limits_of_an_issue(site: Restorable) -> None:
    writer, result, seconds = restored(site, "PACED", ISSUE_WRITE_LIMITS)

    [target] = result.outcome.id_map.issues.values()
    own = [event for event in writer.writes if f"/issue/{target.id}" in event]
    assert len(own) > 2 * COMMENTS
    assert writer.refused == 0
    assert result.outcome.failures == ()
    # Twenty writes in two seconds, a hundred in thirty: no slower than that either.
    assert 2.0 * ((len(own) - 1) // 20) <= seconds < 30.0 * (len(own) // 100 + 1)


def test_without_the_pace_the_sandbox_refuses(site: Restorable) -> None:
    writer, result, _ = restored(site, "HURRIED", ())

    assert writer.refused > 0
    assert result.outcome.failures != ()
