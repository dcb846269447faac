"""Storing whole listings: what was refused is kept from before, what is listed no more leaves the snapshot."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import BY_NAME, KINDS
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Gap, SnapshotState
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.capture.site import capture_site
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import new_repository
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.engine.outcomes import CaptureOutcome
    from jira_backup_pipeline.repository.repository import Repository

FAMILY = ("field", "field_context", "field_option")


class Configured(PocketJira):
    """A site whose fields, contexts and options are played by id."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[str, list[str]] = {name: [] for name in FAMILY}
        self.unread: dict[str, tuple[str, ...]] = {}
        self.status = 403
        self.known: dict[str, Any] = {}

    def list_kind(self, kind: Kind, *, project_id: str | None = None, **more: Any) -> Listed:
        if kind.name not in self.ids:
            return super().list_kind(kind, project_id=project_id)
        self.known[kind.name] = {name: len(found) for name, found in more["known"].items()}
        value = {"id": "x"}
        records = [Record(kind.name, i, json.dumps(value).encode(), value) for i in self.ids[kind.name]]
        unread = self.unread.get(kind.name, ())
        gaps = tuple(Gap(kind.name, f"of {place}", "no", "ask", self.status) for place in unread)
        return Listed(kind.name, tuple(records), gaps, len(records) + len(gaps), unread)


def captured(repository: Repository, jira: Configured) -> CaptureOutcome:
    jira.tick()
    return capture_site(repository, jira, run="run", clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))


def stored(repository: Repository, kind: str) -> set[str]:
    manifest = repository.latest(SITE_SCOPE)
    assert manifest is not None
    return set(repository.read_index(manifest).ids(kind))


def full() -> Configured:
    jira = Configured()
    jira.ids = {
        "field": ["a", "b"],
        "field_context": ["a/1", "b/2"],
        "field_option": ["a/1/x", "b/2/y"],
    }
    return jira


def test_children_are_asked_with_the_records_of_their_ancestors() -> None:
    jira = full()

    captured(new_repository(MemoryStore(), PocketJira()), jira)

    assert jira.known["field"] == {"field_detail": 0}
    assert jira.known["field_option"] == {"field_detail": 0, "field": 2, "field_context": 2}


def test_what_hangs_on_a_refused_parent_stays_and_the_rest_goes() -> None:
    repository, jira = new_repository(MemoryStore(), PocketJira()), full()
    captured(repository, jira)
    jira.ids = {"field": ["a", "b"], "field_context": [], "field_option": []}
    jira.unread = {"field_context": ("a",)}

    outcome = captured(repository, jira)

    assert {"a/1"} == stored(repository, "field_context")
    assert {"a/1/x"} == stored(repository, "field_option")
    assert [(gap.kind, gap.status) for gap in outcome.manifest.gaps] == [("field_context", 403)]
    assert outcome.manifest.unexplained == 0


def test_a_refused_list_keeps_everything_below_it() -> None:
    repository, jira = new_repository(MemoryStore(), PocketJira()), full()
    captured(repository, jira)
    jira.ids = {name: [] for name in FAMILY}
    jira.unread = {"field": ("",)}

    captured(repository, jira)

    assert [{"a", "b"}, {"a/1", "b/2"}, {"a/1/x", "b/2/y"}] == [stored(repository, name) for name in FAMILY]


def test_a_parent_that_is_gone_takes_its_children_along() -> None:
    repository, jira = new_repository(MemoryStore(), PocketJira()), full()
    captured(repository, jira)
    jira.ids = {"field": ["b"], "field_context": ["b/2"], "field_option": ["b/2/y"]}

    captured(repository, jira)

    assert [{"b"}, {"b/2"}, {"b/2/y"}] == [stored(repository, name) for name in FAMILY]


def test_a_gap_that_an_ordinary_account_has_is_shown_but_not_incomplete() -> None:
    repository, jira = new_repository(MemoryStore(), PocketJira()), full()
    jira.unread = {"field_context": ("a",)}

    outcome = captured(repository, jira)

    assert outcome.manifest.state == SnapshotState.GAPS
    assert len(outcome.manifest.gaps) == 1
    assert outcome.is_clean


def test_any_other_gap_is_incomplete() -> None:
    for name, status in (("field_context", 500), ("field", 403)):
        repository, jira = new_repository(MemoryStore(), PocketJira()), full()
        jira.unread, jira.status = {name: ("a",)}, status

        assert not captured(repository, jira).is_clean


def test_what_issues_refer_to_is_never_accepted_as_missing() -> None:
    needed = {"field", "issue_type", "status", "priority", "resolution", "link_type", "role", "person"}
    needed |= {"project", "component", "version", "role_actors", "issue", "comment", "attachment"}

    assert set() == {kind.name for kind in KINDS if kind.is_optional} & needed
    assert BY_NAME["sprint"].is_optional


def test_parents_come_before_what_is_listed_for_them() -> None:
    place = {kind.name: number for number, kind in enumerate(KINDS)}

    for kind in KINDS:
        if kind.listing.is_per_parent:
            assert kind.parent is not None
            assert place[kind.parent] < place[kind.name]
            assert BY_NAME[kind.parent].level is kind.level
