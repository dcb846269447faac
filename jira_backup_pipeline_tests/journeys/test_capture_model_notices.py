"""The model of random edits is worth its name: a capture with a defect does not get past it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.capture import listing, project
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


def keeps_settings_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing whose known things never change."""
    store = listing._store

    def store_new(draft: Any, packing: Any, listed: Any, *rest: Any) -> None:
        known = draft.previous.ids(listed.kind)
        new = tuple(record for record in listed.records if record.id not in known)
        kept = [record.id for record in listed.records if record.id in known]
        store(draft, packing, replace(listed, records=new, declared=len(new)), *rest)
        draft.removed.difference_update((listed.kind, record_id) for record_id in kept)

    monkeypatch.setattr(listing, "_store", store_new)


def loses_the_end_of_every_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that stores one thing less than Jira gives."""
    store = listing._store

    def store_less(draft: Any, packing: Any, listed: Any, *rest: Any) -> None:
        store(draft, packing, replace(listed, records=listed.records[:-1], declared=None), *rest)

    monkeypatch.setattr(listing, "_store", store_less)


def keeps_settings_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that removes nothing."""
    monkeypatch.setattr(listing, "_lies_below", lambda *_: True)
    store = listing._store

    def store_all(draft: Any, packing: Any, listed: Any, unread: Any, *rest: Any) -> None:
        store(draft, packing, listed, (*unread, ""), *rest)

    monkeypatch.setattr(listing, "_store", store_all)


@pytest.mark.parametrize("scope", ["site", "project"])
@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (keeps_settings_as_they_were, "differs"),
        (loses_the_end_of_every_list, "missing"),
        (keeps_settings_that_are_gone, "too much"),
    ],
)
def test_the_model_notices_a_capture_with_a_defect_in_the_configuration(
    defect: Callable[[pytest.MonkeyPatch], None], words: str, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = EditsAndCaptures()

    def captured() -> None:
        if scope == "site":
            machine.capture_of_the_site()
        else:
            machine.quiet_capture(0, is_full=False, pack_units=2000)

    try:
        machine.edit_settings("set_project_property", 0, 1)
        captured()
        defect(monkeypatch)
        for name in ("rename_resolution", "delete_project_property", "edit_version", "delete_component"):
            machine.edit_settings(name, 0, 0)
        with pytest.raises(AssertionError, match=words):
            captured()
    finally:
        machine.running.stop()
