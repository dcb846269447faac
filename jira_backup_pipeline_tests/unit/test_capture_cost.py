"""What a capture costs is said before it begins: the arithmetic, and what the figures rest on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.readings import Pace
from jira_backup_pipeline.engine.backup import estimate, find_projects
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.previous import keys_of_siblings
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.cost import (
    ASSUMED,
    Averages,
    Cost,
    Workload,
    averages_of,
    cost_of,
    in_time,
    total,
)
from jira_backup_pipeline.engine.estimate import announce
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import capture, new_repository, reopen
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

PACE = Pace(0.1, 10)
AVERAGES = Averages(
    {"comment": 2.0, "attachment": 0.5, "watcher": 3.0, "remote_link": 0.1}, 1_000, 50_000, "a test"
)


def test_a_first_reading_pays_one_request_an_issue_for_remote_links() -> None:
    cost = cost_of(Workload(1000, 1000, 1000, is_first=True, people=40, sample=50), AVERAGES)

    assert cost.requests == {
        "settings": 13,
        "finding issues": 1,
        "issues": 10,
        "history": 1,
        "properties of comments and worklogs": 2,
        "remote links": 1000,
        "watchers and voters": 41,
        "issue properties": 50,
        "attachments": 500,
    }
    assert cost.records == {
        "issues": 1000,
        "comments": 2000,
        "attachments": 500,
        "watchers": 3000,
        "remote_links": 100,
    }
    assert cost.bytes == 1000 * 1_000 + 500 * 50_000


def test_a_night_pays_for_what_changed() -> None:
    cost = cost_of(Workload(100_000, 4_333, 10, people=40, sample=5, changed=1_500), AVERAGES)

    assert cost.requests["finding issues"] == 20 + 2
    assert cost.requests["issues"] == 44
    assert cost.requests["remote links"] == 10 + 22
    assert cost.requests["properties of comments and worklogs"] == 9
    assert cost.requests["attachments"] == 5


def test_a_full_reading_asks_every_issue_for_its_properties_and_loads_only_new_files() -> None:
    cost = cost_of(Workload(200, 200, 20, is_full=True, property_keys=11), AVERAGES)

    assert cost.requests["issue properties"] == 200
    assert cost.requests["issues"] == 2 * 3
    assert cost.requests["attachments"] == 10


@given(st.lists(st.builds(Workload, *[st.integers(0, 10**6)] * 3, people=st.integers(0, 999))))
def test_costs_add_up(works: list[Workload]) -> None:
    costs = [cost_of(work, ASSUMED) for work in works]
    whole = total(costs)

    assert whole.requests_total == sum(cost.requests_total for cost in costs)
    assert whole.bytes == sum(cost.bytes for cost in costs)
    assert whole.basis == (frozenset({ASSUMED.basis}) if works else frozenset())


def test_time_follows_the_pace_and_is_not_invented() -> None:
    cost = Cost({"issues": 100})

    assert cost.seconds(PACE) == pytest.approx(1.0)
    assert cost.seconds(Pace(None, 10)) is None
    assert "no answer timed yet" in cost.in_words(Pace(None, 10))
    assert "100 ms a request, 10 at once" in cost.in_words(PACE)


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (120, "2 min"), (9000, "2.5 h")])
def test_spans_of_time_are_written_for_people(seconds: float, words: str) -> None:
    assert in_time(seconds) == words


class Heard:
    """A listener that remembers what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def stage(self, name: str, total: int | None = None) -> None:
        self.told.append(("stage", (name, total)))

    def advance(self, units: int = 1) -> None:
        self.told.append(("advance", units))

    def expect(self, records: dict[str, int]) -> None:
        self.told.append(("expect", records))

    def found(self, records: dict[str, int]) -> None:
        self.told.append(("found", dict(records)))

    def note(self, text: str) -> None:
        self.told.append(("note", text))

    def of(self, what: str) -> list[object]:
        return [told for name, told in self.told if name == what]


def site() -> tuple[PocketJira, MemoryStore]:
    jira = PocketJira()
    for _ in range(40):
        jira.add(comments=2, files=[b"x" * 1000])
    store = MemoryStore()
    new_repository(store, jira)
    return jira, store


def heard(jira: PocketJira, store: MemoryStore) -> Heard:
    listener = Heard()
    [project] = find_projects(jira, ["10000"])
    options = CaptureOptions(reread_days=0)
    capture_project(
        reopen(store, jira), jira, project, run="r", clock=jira.clock, options=options, progress=listener
    )
    return listener


def test_a_capture_says_its_cost_before_it_reads_an_issue() -> None:
    jira, store = site()
    first = heard(jira, store)
    jira.edit("3", "edited")
    second = heard(jira, store)

    for listener, words in ((first, "40 of 40 issues"), (second, "1 of 40 issues")):
        [note] = listener.of("note")
        assert str(note).startswith(f"ALPHA: {words} to read; about ")
        names = [name for name, _ in listener.told]
        assert names.index("note") < names.index("found")
    assert "assumed averages" in str(first.of("note"))
    assert "averages of snapshot 1 of ALPHA" in str(second.of("note"))
    assert second.of("expect") == [{"issues": 1, "comments": 2, "attachments": 1}]
    assert second.of("found") == [{"issues": 1, "comments": 2, "attachments": 1}]


def test_the_averages_of_a_snapshot_are_those_of_what_it_stores() -> None:
    jira, store = site()
    manifest = capture(reopen(store, jira), jira).manifest

    found = averages_of(reopen(store, jira), manifest, "ALPHA")

    assert found.records == {"comment": 2.0, "attachment": 1.0}
    assert 1000 < found.bytes_a_file < 1500
    stored = [entry.size_bytes for entry in store.list("packs/") if not entry.key.endswith("receipt.age")]
    # Beside the 40 issues there are the project and its three fields.
    assert found.bytes_an_issue == pytest.approx(sum(stored) / 44)


def test_an_estimate_counts_changes_and_reads_no_issue() -> None:
    jira, store = site()
    first = estimate(reopen(store, jira), jira, projects=None, with_site=True, now=jira.now)
    capture(reopen(store, jira), jira)
    jira.edit("3", "edited")
    jira.add()
    jira.read.clear()

    second = estimate(reopen(store, jira), jira, projects=None, with_site=False, now=jira.now)

    assert jira.read == []
    assert [(p.key, p.issues, p.changed) for p in (*first.projects, *second.projects)] == [
        ("ALPHA", 40, 40),
        ("ALPHA", 41, 2),
    ]
    document = second.to_json()
    assert document["seconds"] == pytest.approx(document["requests"] * 0.05 / 10)
    assert document["basis"] == ["averages of snapshot 1 of ALPHA"]
    assert document["projects"][0]["requests_by_purpose"]["remote links"] == 1
    assert first.to_json()["site_requests"] > 0
    assert first.to_json()["bytes"] > 0


def test_a_run_begins_with_what_it_will_cost_and_asks_jira_nothing_for_it() -> None:
    jira, store = site()
    listener = Heard()
    asked: list[str] = []
    jira.issue_count = asked.append  # type: ignore[method-assign, assignment]
    projects = list(jira.projects())
    capture(reopen(store, jira), jira)
    jira.tick(24)
    asked.clear()

    likely = announce(
        listener,
        reopen(store, jira),
        jira,
        projects,
        with_site=True,
        options=CaptureOptions(),
        now=jira.now,
    )

    assert asked == []
    [line] = listener.of("note")
    assert str(line).startswith("backing up the site, ALPHA: about ")
    [project] = likely.projects
    # A day at one of a hundred, and one of thirty for the rolling re-read.
    assert (project.issues, project.changed) == (40, 2)
    assert likely.cost.requests["site"] > 0


def damaged(store: MemoryStore, key: str) -> None:
    store.delete(key)
    store.put_new(key, b"damaged")


def test_damage_changes_an_estimate_and_stops_neither_it_nor_other_projects() -> None:
    jira, store = site()
    manifest = capture(reopen(store, jira), jira).manifest
    damaged(store, manifest.packs[0].receipt.key)

    found = averages_of(reopen(store, jira), manifest, "ALPHA")

    assert found.records == {"comment": 2.0, "attachment": 1.0}
    assert found.bytes_an_issue == ASSUMED.bytes_an_issue
    assert "damaged" in found.basis

    damaged(store, f"snapshots/{manifest.scope}/00000001.age")
    options = CaptureOptions()
    likely = announce(
        Heard(),
        reopen(store, jira),
        jira,
        list(jira.projects()),
        with_site=True,
        options=options,
        now=jira.now,
    )
    assert [project.changed for project in likely.projects] == [0]
    assert keys_of_siblings(reopen(store, jira), "project-99") == []
