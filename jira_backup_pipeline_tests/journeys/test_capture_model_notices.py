"""The model of random edits is worth its name: a capture with a defect does not get past it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.capture import project
from jira_backup_pipeline.engine.capture.draft import Draft
from jira_backup_pipeline.jira import issues
from jira_backup_pipeline_tests.journeys.test_capture_model import REREAD_DAYS, EditsAndCaptures

if TYPE_CHECKING:
    from collections.abc import Callable


def forgets_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delta that reads new issues only."""
    decide = project.decide_changes
    monkeypatch.setattr(project, "decide_changes", lambda *a, **k: decide(*a, **{**k, "changed": {}}))


def never_rereads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rolling re-read that no issue ever has a turn of."""
    monkeypatch.setattr(project, "reread_turn", lambda *_, **__: [])


def drops_the_newest_history_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading of the history that loses one entry of each issue."""
    fetch = issues.fetch_histories

    def fetch_less(client: Any, ids: Any) -> Any:
        found = fetch(client, ids)
        for entries in found.entries.values():
            entries.pop()
        return found

    monkeypatch.setattr(issues, "fetch_histories", fetch_less)


def keeps_what_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft that removes nothing."""
    live = Draft.live_units

    def all_units(draft: Draft) -> Any:
        draft.removed.clear()
        return live(draft)

    monkeypatch.setattr(Draft, "live_units", all_units)


@pytest.mark.parametrize(
    ("defect", "days", "words"),
    [
        (forgets_changes, 0, "changed and was not read"),
        (never_rereads, REREAD_DAYS, "differs"),
        (drops_the_newest_history_entry, 0, "changelog"),
        (keeps_what_is_gone, 0, "stored although they are not there"),
    ],
)
def test_the_model_notices_a_capture_with_a_defect(
    defect: Callable[[pytest.MonkeyPatch], None], days: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = EditsAndCaptures()
    try:
        machine.quiet_capture(0, is_full=False, pack_units=2000)
        defect(monkeypatch)
        for which, name in enumerate(("edit_fields", "watch_or_not", "move")):
            machine.edit(name, which, 5)
        machine.days_pass(days)
        with pytest.raises(AssertionError, match=words):
            machine.quiet_capture(0, is_full=False, pack_units=2000)
    finally:
        machine.running.stop()
