"""Lists that are asked of parents in turns: who is asked, what is kept of the others, and that nothing is silent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.turns import requests_expected
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import capture, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Manifest

WORK = "version_related_work"


class Releasing(PocketJira):
    """A project with versions, some of which have something beside them; `asked` are the versions asked for it."""

    def __init__(self, versions: int) -> None:
        super().__init__()
        self.names = {str(number): f"{number}.0" for number in range(1, versions + 1)}
        self.beside: dict[str, list[dict[str, str]]] = {}
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.store = MemoryStore()
        new_repository(self.store, self)

    def list_kind(self, kind: Kind, *, project_id: str | None = None, **more: Any) -> Listed:
        if kind.name == "version":
            return _listed("version", {i: {"id": i, "name": name} for i, name in self.names.items()})
        if kind.name == WORK:
            asked = [parent.id for parent in more["known"]["version"]]
            self.asked += asked
            found = _listed(WORK, {i: self.beside.get(i, []) for i in asked if i not in self.refused})
            unread = [i for i in asked if i in self.refused]
            gaps = tuple(Gap(WORK, kind.of_parent("version", i), "no", "look", 404) for i in unread)
            return replace(found, gaps=gaps, declared=len(asked), unread=tuple(unread))
        return super().list_kind(kind, project_id=project_id)

    def night(self, **options: Any) -> tuple[list[str], Manifest]:
        """Capture a day later; give who was asked."""
        self.now += timedelta(days=1)
        self.asked.clear()
        chosen = CaptureOptions(**{"reread_days": 0, **options})
        outcome = capture(reopen(self.store, self), self, options=chosen)
        return sorted(self.asked, key=int), outcome.manifest

    def stored(self, manifest: Manifest) -> dict[str, Any]:
        rows = reopen(self.store, self).tables(manifest)["version_related_works"].to_arrow().to_pylist()
        return {row["id"]: json.loads(row["raw"]) for row in rows}


def _listed(kind: str, values: dict[str, Any]) -> Listed:
    records = [Record(kind, i, json.dumps(value).encode(), value) for i, value in values.items()]
    return Listed(kind, tuple(records), (), len(records))


def test_a_first_reading_asks_the_newest_and_says_that_it_asked_no_other() -> None:
    jira = Releasing(9)

    asked, manifest = jira.night()

    assert asked == ["8", "9"]
    assert jira.stored(manifest) == {}
    assert [note for note in manifest.notes if "2 of 9 were asked" in note]


def test_where_one_of_the_newest_has_something_every_version_is_asked() -> None:
    jira = Releasing(9)
    jira.beside = {"9": [{"category": "Design"}], "2": [{"category": "Talk"}]}

    asked, manifest = jira.night()

    assert asked == [str(number) for number in range(1, 10)]
    assert jira.stored(manifest) == jira.beside
    assert manifest.notes == ()


def test_a_quiet_night_asks_nobody_and_keeps_what_is_stored() -> None:
    jira = Releasing(3)
    jira.beside = {"3": [{"category": "Design"}]}
    before = jira.stored(jira.night()[1])

    asked, manifest = jira.night()

    assert asked == []
    assert jira.stored(manifest) == before == {"3": [{"category": "Design"}]}
    assert manifest.unexplained == 0


def test_new_and_changed_versions_are_asked_and_those_that_are_gone_leave() -> None:
    jira = Releasing(4)
    jira.beside = {"4": [{"category": "Design"}]}
    jira.night()
    del jira.names["1"]
    jira.names |= {"2": "renamed", "5": "5.0"}
    jira.beside |= {"2": [{"category": "Talk"}]}

    asked, manifest = jira.night()

    assert asked == ["2", "5"]
    assert jira.stored(manifest) == jira.beside
    jira.names["2"] = "named again"
    del jira.beside["2"], jira.names["4"]
    assert jira.stored(jira.night()[1]) == {}


def test_within_a_month_every_version_has_its_turn_and_a_find_asks_the_rest() -> None:
    jira = Releasing(40)
    jira.night(reread_days=10)
    seen: list[str] = []
    for _ in range(10):
        asked, manifest = jira.night(reread_days=10)
        seen += asked
    assert sorted(seen, key=int) == sorted(jira.names, key=int)
    assert jira.stored(manifest) == {}

    late = Releasing(40)
    late.night(reread_days=10)
    late.beside = {name: [{"category": f"Design of {name}"}] for name in late.names}
    asked, manifest = late.night(reread_days=10)
    assert asked == list(late.names)
    assert late.stored(manifest) == late.beside
    assert len(late.night(reread_days=10)[0]) < 10


def test_what_was_refused_is_asked_again_and_its_stored_copy_stays() -> None:
    jira = Releasing(5)
    jira.beside = {"1": [{"category": "Talk"}], "5": [{"category": "Design"}]}
    jira.night()
    jira.names["1"], jira.refused = "renamed", {"1"}

    first, manifest = jira.night()
    assert first == ["1"]
    assert [(gap.kind, gap.status) for gap in manifest.gaps] == [(WORK, 404)]
    assert jira.stored(manifest)["1"] == [{"category": "Talk"}]

    jira.refused, jira.beside["1"] = set(), [{"category": "Cake"}]
    again, manifest = jira.night()
    assert "1" in again
    assert (jira.stored(manifest)["1"], manifest.gaps) == ([{"category": "Cake"}], ())


def test_a_site_that_knows_no_such_lists_costs_two_requests_a_night() -> None:
    jira = Releasing(50)
    jira.refused = set(jira.names)

    assert [len(jira.night()[0]) for _ in range(3)] == [2, 2, 2]


def test_a_full_reading_asks_every_version() -> None:
    jira = Releasing(7)
    jira.night()

    asked, _ = jira.night(is_full=True)

    assert asked == list(jira.names)


@pytest.mark.parametrize(
    ("versions", "options", "requests"),
    [
        (60, {"is_first": True, "is_full": False, "reread_days": 30}, 2),
        (60, {"is_first": False, "is_full": True, "reread_days": 30}, 60),
        (61, {"is_first": False, "is_full": False, "reread_days": 30}, 3),
        (60, {"is_first": False, "is_full": False, "reread_days": 0}, 0),
    ],
)
def test_the_estimate_knows_the_rule(versions: int, options: dict[str, Any], requests: int) -> None:
    assert requests_expected(versions, **options) == requests
