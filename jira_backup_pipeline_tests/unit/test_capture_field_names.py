"""Every field that a project's issues show is stored with the name of the moment, also where the first issue does not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import capture, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.manifest import Manifest

OF_ALL = {"summary": "Summary", "project": "Project", "updated": "Updated"}


class Site(PocketJira):
    """Four issues, of which the third shows a field of its own, and what was captured of it."""

    def __init__(self, *, shows: Sequence[str] = ("customfield_1",)) -> None:
        super().__init__()
        for _ in range(4):
            self.add()
        self.further_fields["3"] = tuple(shows)
        self.store = MemoryStore()
        new_repository(self.store, self)

    def night(self, **options: bool) -> Manifest:
        self.asked_for_names.clear()
        self.tick(24)
        chosen = CaptureOptions(reread_days=0, **options)
        return capture(reopen(self.store, self), self, options=chosen).manifest

    def names(self, manifest: Manifest) -> dict[str, str]:
        rows = reopen(self.store, self).tables(manifest)["issue_fields"].to_arrow().to_pylist()
        return {row["id"]: row["name"] for row in rows}


def test_where_one_issue_shows_every_field_nobody_else_is_asked() -> None:
    site = Site(shows=())

    manifest = site.night()

    assert site.names(manifest) == OF_ALL
    assert site.asked_for_names == [["1"]]


def test_an_empty_project_and_one_without_witnesses_have_what_the_listing_names() -> None:
    site = Site()
    site.issues.clear()

    assert site.names(site.night()) == {**OF_ALL, "security": "Security"}
    assert site.asked_for_names == []


def test_a_field_that_another_issue_shows_is_named_and_its_witness_asked_every_night() -> None:
    site = Site()

    first = site.night()
    assert site.asked_for_names == [["1", "3"]]
    assert site.names(first) == {**OF_ALL, "customfield_1": "Customfield_1"}
    assert first.field_witnesses == ("1", "3")

    site.titles["customfield_1"] = "Another name"
    quiet = site.night()
    assert site.read == []
    assert site.asked_for_names == [["1", "3"]]
    assert site.names(quiet)["customfield_1"] == "Another name"


def test_one_witness_is_enough_for_each_field() -> None:
    site = Site()
    site.further_fields["2"] = ("customfield_1",)
    site.further_fields["4"] = ("customfield_1", "customfield_2")

    manifest = site.night()

    assert manifest.field_witnesses == ("1", "2", "4")
    assert site.names(manifest).keys() == {*OF_ALL, "customfield_1", "customfield_2"}


def test_a_field_that_no_witness_shows_any_more_leaves() -> None:
    site = Site()
    site.night()
    site.further_fields.clear()
    site.touch("3")

    assert site.names(site.night()) == OF_ALL
    assert site.night(is_full=True).field_witnesses == ("1",)


def test_a_field_whose_witness_went_stays_until_another_issue_speaks_for_it() -> None:
    site = Site()
    site.further_fields["4"] = ("customfield_1",)
    site.night()
    del site.issues["3"]

    without = site.night()
    assert "customfield_1" in site.names(without)

    site.touch("4")
    again = site.night()
    assert "customfield_1" in site.names(again)
    full = site.night(is_full=True)
    assert full.field_witnesses == ("1", "4")


def test_names_that_are_refused_are_a_gap_and_what_was_stored_stays() -> None:
    site = Site()
    site.night()
    refusal = Gap("issue_field", "names and types of the fields of 1 issues", "No.", "Give it.", 403)
    site.answer_to_names = Listed("issue_field", (), (refusal,))

    refused = site.night()
    assert refused.gaps == (refusal,)
    assert "customfield_1" in site.names(refused)
    assert refused.field_witnesses == ("1", "3")

    site.answer_to_names = TransientError("nothing came", hint="Run again.")
    failed = site.night()
    assert [(gap.kind, gap.reason, gap.remedy) for gap in failed.gaps] == [
        ("issue_field", "nothing came", "Run again.")
    ]
    assert "customfield_1" in site.names(failed)

    site.answer_to_names = None
    assert site.night().gaps == ()


def test_a_field_that_jira_names_nowhere_is_told() -> None:
    site = Site()
    site.nameless.add("customfield_1")

    manifest = site.night()

    assert any("names 1 fields of issues nowhere: customfield_1" in note for note in manifest.notes)
    assert manifest.field_witnesses == ("1",)
