"""Names of attachments are data on their way back too: whatever they look like, each file comes back under its own, with its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline_tests.doubles.restorable import restorable
from jira_backup_pipeline_tests.doubles.site_edits import HOSTILE_NAMES, attach
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from jira_backup_pipeline.sandbox.server import RunningSandbox

NAMES = tuple(name for name in HOSTILE_NAMES if name)
# What a form cannot carry in a quoted name travels as browsers write it.
AS_SENT = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "%00"})


def add_hostile_files(sandbox: RunningSandbox) -> None:
    calls = Calls(sandbox.core, sandbox.edits, sandbox.token)
    [issue, *_] = sandbox.site.issues
    for name in NAMES:
        attach(calls, issue, HOSTILE_NAMES.index(name))


def test_files_with_hostile_names_come_back_and_leave_nothing_beside_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with restorable(projects=1, issues=6, before=add_hostile_files) as made:
        [issue, *_] = made.sandbox.site.issues
        before = {
            (a.filename.translate(AS_SENT), a.content.sha256())
            for a in made.sandbox.site.body(issue).attachments
        }
        made.sandbox.edits.delete_project(made.key, permanent=True)

        result = made.restore(made.plan())

        assert result.report is not None
        assert result.report.findings == ()
        restored = result.outcome.id_map.issue(str(issue.issue_id))
        target = made.sandbox.site.issues.by_id[int(restored.id)]
        after = {(a.filename, a.content.sha256()) for a in made.sandbox.site.body(target).attachments}

    assert before == after
    assert {name.translate(AS_SENT) for name in NAMES} <= {name for name, _ in after}
    assert list(tmp_path.iterdir()) == []
