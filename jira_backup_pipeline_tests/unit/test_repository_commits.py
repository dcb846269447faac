"""A commit is one create-only put: who is first wins, the chain holds, and snapshots are found by name and moment."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import (
    ConcurrentWriter,
    ConfigurationError,
    IntegrityError,
    TransientError,
    UnknownName,
)
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Head, Manifest, SnapshotState
from jira_backup_pipeline.domain.units import UnitRef
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.repository.snapshots import HeadMoved, ManifestDraft
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SCOPE,
    START_AT,
    SmallRepository,
    example,
    issue_unit,
)
from jira_backup_pipeline_tests.doubles.stores import FaultyStore, Moment, PlannedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.store.contract import StoredObject


def _draft(small: SmallRepository, parent: int | None) -> ManifestDraft:
    return ManifestDraft(
        scope=SCOPE,
        run="run",
        state=SnapshotState.COMPLETE,
        captured_at=small.clock(),
        watermark_ms=0,
        expected_parent=parent,
    )


def _packed(repository: Repository, name: str) -> list[UnitRef]:
    pack = repository.start_pack(SCOPE, run="run", watermark_ms=0)
    pack.add(issue_unit(name))
    closed = pack.close()
    assert closed is not None
    return list(closed.units)


def test_the_loser_of_two_writers_gets_the_winners_manifest_and_can_go_on_from_there() -> None:
    small = SmallRepository()
    one, other = small.reopened(), small.reopened()
    ours, theirs = _packed(one, "1"), _packed(other, "2")
    won = one.commit(_draft(small, None), ours)

    with pytest.raises(ConcurrentWriter) as raised:
        other.commit(_draft(small, None), theirs)

    assert isinstance(raised.value, HeadMoved)
    assert won == raised.value.head
    assert won == pickle.loads(pickle.dumps(raised.value)).head  # noqa: S301 - our own bytes
    head = raised.value.head
    assert head is not None
    rebased = other.commit(_draft(small, head.number), [*other.read_index(head), *theirs])
    assert rebased.number == 2
    assert {"1", "2"} == set(other.tables(rebased)["issues"].to_arrow(["id"])["id"].to_pylist())


class _RacingStore(MemoryStore):
    """Lets another writer commit just before our manifest is put."""

    def __init__(self) -> None:
        super().__init__()
        self.before_manifest: Callable[[], object] | None = None

    def put_new(self, key: str, body: object, *, sha256: bytes | None = None) -> StoredObject:
        if key.startswith("snapshots/") and self.before_manifest is not None:
            race, self.before_manifest = self.before_manifest, None
            race()
        return super().put_new(key, body, sha256=sha256)  # type: ignore[arg-type]


def test_a_race_at_the_last_moment_is_decided_by_the_create_only_put() -> None:
    store = _RacingStore()
    small = SmallRepository(store)
    one, other = small.reopened(), small.reopened()
    ours, theirs = _packed(one, "1"), _packed(other, "2")
    store.before_manifest = lambda: other.commit(_draft(small, None), theirs)

    with pytest.raises(HeadMoved) as raised:
        one.commit(_draft(small, None), ours)

    assert raised.value.head is not None
    assert one.read_index(raised.value.head).ids("issue") == ["2"]


class _RepeatingStore(MemoryStore):
    """Loses the answer to every put once and repeats the put, as an HTTP client does."""

    def put_new(self, key: str, body: object, *, sha256: bytes | None = None) -> StoredObject:
        super().put_new(key, body, sha256=sha256)  # type: ignore[arg-type]
        return super().put_new(key, body, sha256=sha256)  # type: ignore[arg-type]


def test_a_put_that_is_repeated_after_a_lost_answer_is_our_own() -> None:
    small = SmallRepository()
    repeating = _RepeatingStore()
    for stored in small.store.list(""):
        MemoryStore.put_new(repeating, stored.key, small.store.get(stored.key))
    small.store = repeating
    small.repository = small.reopened()
    small.repository._keyring.for_writing(SCOPE)

    manifest = small.snapshot([issue_unit("1")])

    assert manifest.number == 1
    assert manifest == small.reopened().latest(SCOPE)


def test_a_commit_whose_answer_is_lost_is_there_all_the_same() -> None:
    store = FaultyStore(MemoryStore())
    small = SmallRepository(store)
    units = _packed(small.repository, "1")
    lost = PlannedError("put_new", TransientError("no answer", hint="Try again."), "snapshots/", Moment.AFTER)
    with store.planned(lost), pytest.raises(TransientError):
        small.repository.commit(_draft(small, None), units)

    assert len(small.reopened().snapshots(SCOPE)) == 1
    with pytest.raises(HeadMoved):
        small.repository.commit(_draft(small, None), units)


def test_units_of_a_pack_without_receipt_are_never_committed() -> None:
    small = SmallRepository()
    _packed(small.repository, "1")
    nowhere = [UnitRef("issue", "9", 0, bytes(16), "20261123T000000Z-0000000000000000", {"issue": 1})]

    with pytest.raises(IntegrityError, match="receipt"):
        small.repository.commit(_draft(small, None), nowhere)
    assert small.repository.snapshots(SCOPE) == []


def test_more_units_than_a_pack_holds_are_never_committed() -> None:
    small = SmallRepository()
    units = _packed(small.repository, "1")

    with pytest.raises(IntegrityError, match="2 of its 1 units"):
        small.repository.commit(_draft(small, None), [*units, replace(units[0], id="2")])


def test_a_commit_needs_a_site() -> None:
    repository = create_repository(
        MemoryStore(), operator=new_identity(), recovery_recipient=new_identity().recipient
    )

    with pytest.raises(ConfigurationError, match="not bound"):
        repository.commit(_draft(SmallRepository(), None), [])


def test_a_manifest_names_its_parent_by_digest_and_counts_what_is_live() -> None:
    small = example()
    repository = small.reopened()

    first, second = repository.load(SCOPE, 1), repository.load(SCOPE, 2)

    assert (first.parent, first.parent_sha256) == (None, None)
    assert second.parent == 1
    assert second.counts == {"issues": 2, "comments": 5, "attachments": 2, "projects": 1}
    assert [(pack.live_units, pack.total_units) for pack in second.packs] == [(2, 4), (1, 1)]
    assert second == repository.latest(SCOPE)
    assert repository.snapshot_numbers(SCOPE) == [1, 2]
    assert second == Manifest.from_json(second.to_json())


def test_the_site_manifest_remembers_the_heads() -> None:
    small = example()

    site = small.repository.load(SITE_SCOPE, 2)

    head = small.repository.head(SCOPE)
    assert isinstance(head, Head)
    assert {SCOPE: head} == site.heads
    assert small.repository.head("project-77") is None


def test_a_site_snapshot_that_a_project_names_and_is_gone_is_a_finding() -> None:
    small = example()
    small.store.delete(f"snapshots/{SITE_SCOPE}/00000001.age")

    problems = [finding.problem for finding in small.reopened().chain_findings(SCOPE)]

    assert len([problem for problem in problems if "names it" in problem]) == 2


def test_a_snapshot_is_chosen_by_moment_and_doubtful_ones_only_when_asked_for() -> None:
    small = SmallRepository()
    first = small.snapshot([issue_unit("1")])
    second = small.snapshot([issue_unit("2")])
    third = small.snapshot(removed=[("issue", "1")], state=SnapshotState.DOUBTFUL)
    repository = small.reopened()

    assert second == repository.latest(SCOPE)
    assert third == repository.latest(SCOPE, include_doubtful=True)
    assert first == repository.latest(SCOPE, second.captured_at - timedelta(milliseconds=1))
    assert second == repository.latest(SCOPE, second.captured_at)
    assert repository.latest(SCOPE, START_AT) is None
    assert repository.latest("project-77") is None


def test_a_scope_is_found_by_id_present_key_and_former_key() -> None:
    small = SmallRepository()
    small.snapshot(key="NEW", former_keys=("OLD", "SAME"))
    small.snapshot(scope="project-2", key="TWO", former_keys=("SAME", "NEW"))
    small.snapshot(scope=SITE_SCOPE)
    repository = small.reopened()

    found = {name: repository.find_scope(name) for name in ("site", "10000", SCOPE, "NEW", "old", "2", "two")}

    assert found == {
        "site": SITE_SCOPE,
        "10000": SCOPE,
        SCOPE: SCOPE,
        "NEW": SCOPE,
        "old": SCOPE,
        "2": "project-2",
        "two": "project-2",
    }
    with pytest.raises(
        UnknownName, match="several projects: project-10000, project-2\nHINT: Give the numeric"
    ):
        repository.find_scope("SAME")
    with pytest.raises(UnknownName, match="NEW, TWO"):
        repository.find_scope("NOPE")
    assert UnknownName.exit_code == 2


def test_an_unknown_snapshot_says_which_there_are() -> None:
    with pytest.raises(UnknownName, match="It has 1 to 2"):
        example().repository.load(SCOPE, 9)
    with pytest.raises(UnknownName, match="none yet"):
        example().repository.load("project-77", 1)


def test_an_index_that_a_dead_run_stored_is_proven_and_used() -> None:
    small = SmallRepository()
    units = _packed(small.repository, "1")
    first = small.repository.commit(_draft(small, None), units)
    small.store.delete(f"snapshots/{SCOPE}/00000001.age")

    again = small.reopened().commit(_draft(small, None), units)

    assert first.index == again.index
    assert len(list(small.store.list("indexes/"))) == 1


def test_queries_that_would_leave_the_snapshot_are_refused() -> None:
    small = example()
    tables = small.repository.tables(small.repository.load(SCOPE, 2))
    key = small.repository._keyring.of(SCOPE).current.table_key.hex()
    for query in (
        "select * from read_text('/etc/hostname')",
        "select * from '/etc/hostname'",
        "select * from read_parquet('https://127.0.0.1:9/x.parquet')",
        "copy issues to 'stolen.csv'",
        "install httpfs",
        "load httpfs",
        "attach 'x.db'",
        "set enable_external_access = true",
        "select 1; select 2",
        "drop view issues",
        "select nonsense from issues",
        "not sql at all",
        "",
    ):
        with pytest.raises(ConfigurationError, match="HINT: ") as raised:
            tables.sql(query)
        assert key not in str(raised.value)


def test_a_table_of_another_scope_is_unknown_here() -> None:
    small = example()
    with pytest.raises(UnknownName, match="table of the site snapshot"):
        small.repository.tables(small.repository.load(SCOPE, 2)).table("people")
    with pytest.raises(UnknownName, match="table of project snapshots"):
        small.repository.tables(small.repository.load(SITE_SCOPE, 1)).table("issues")
    with pytest.raises(UnknownName, match="Its tables are"):
        small.repository.tables(small.repository.load(SITE_SCOPE, 1)).table("nope")
