"""The pure decisions of a capture: what to read, what disappeared, and the ledger's arithmetic."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.manifest import Gap, LedgerLine, SnapshotState, state_of
from jira_backup_pipeline.engine.capture.changes import (
    decide_changes,
    is_mass_disappearance,
    numeric_order,
    property_sample,
    reread_turn,
)
from jira_backup_pipeline.engine.capture.ledger import FileBytes, Tally, issue_ledger

IDS = st.sets(st.integers(1, 60).map(str))
MOMENTS = st.dictionaries(st.integers(1, 60).map(str), st.integers(1, 4))


@given(listed=IDS, stored=MOMENTS, fresh=MOMENTS, changed=MOMENTS, is_full=st.booleans())
def test_nothing_listed_is_ever_forgotten(listed, stored, fresh, changed, is_full) -> None:
    changes = decide_changes(listed, stored=stored, fresh=fresh, changed=changed, is_full=is_full)
    known = listed | changed.keys()
    held = {i: {**stored, **fresh}.get(i) for i in known}

    for issue_id in known:
        is_current = held[issue_id] is not None and changed.get(issue_id, held[issue_id]) == held[issue_id]
        assert issue_id in changes.to_read or is_current

    assert {i for i in stored if i not in known} == set(changes.missing)
    assert known >= set(changes.to_read)


@given(listed=IDS, stored=MOMENTS)
def test_a_night_without_changes_reads_only_what_is_new(listed, stored) -> None:
    changes = decide_changes(listed, stored=stored, fresh={}, changed={})

    assert listed - stored.keys() == set(changes.to_read)


@given(listed=IDS, fresh=MOMENTS)
def test_a_full_reading_spares_only_what_a_dead_run_stored(listed, fresh) -> None:
    stored = dict.fromkeys(listed, 1)
    changes = decide_changes(listed, stored=stored, fresh=fresh, changed={}, is_full=True)

    assert listed - fresh.keys() == set(changes.to_read)


def test_ids_are_read_in_numeric_order() -> None:
    changes = decide_changes({"10", "9", "100"}, stored={}, fresh={}, changed={})

    assert changes.to_read == ("9", "10", "100")
    assert sorted(["x", "10", "9"], key=numeric_order) == ["9", "10", "x"]


@given(ids=IDS, days=st.integers(1, 40), start=st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_every_issue_has_exactly_one_turn_in_the_rolling_reread(ids, days, start) -> None:
    turns = [issue_id for day in range(days) for issue_id in reread_turn(ids, start + timedelta(day), days)]

    assert sorted(ids) == sorted(turns)


@given(
    ids=IDS,
    days=st.integers(1, 40),
    start=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    gaps=st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
def test_days_without_a_capture_cost_no_issue_its_turn(ids, days, start, gaps) -> None:
    turns: list[str] = []
    last = start
    for gap in gaps:
        today = last + timedelta(gap)
        turns += reread_turn(ids, today, days, since=last)
        last = today

    if (last - start).days >= days:
        assert set(ids) == set(turns)
    if sum(gaps) <= days:
        assert len(turns) == len(set(turns))


def test_the_rolling_reread_can_be_switched_off() -> None:
    assert reread_turn({"1", "2"}, date(2026, 1, 1), 0) == []


def test_a_mass_disappearance_needs_more_than_a_share_and_more_than_a_handful() -> None:
    assert is_mass_disappearance(51, 1000, 0.05)
    assert not is_mass_disappearance(50, 1000, 0.05)
    assert not is_mass_disappearance(1, 3, 0.05)
    assert is_mass_disappearance(3, 3, 0.05)
    assert not is_mass_disappearance(1, 1, 0.05)
    assert not is_mass_disappearance(0, 0, 0.05)


def test_the_ledger_shows_an_unexplained_loss_and_not_an_explained_one() -> None:
    tally = Tally()
    tally.declared.update(comment=10, worklog=5)
    tally.stored.update(comment=7, worklog=5)
    gap = Gap("comment", "comments of issue 1", "refused", "ask", 403, "1", count=2)

    lines = {
        (line.kind, line.source): line
        for line in issue_ledger(tally, [gap], listed=3, stored_issues=3, approximate=4)
    }

    assert lines["comment", "embedded totals"].unexplained == 1
    assert lines["worklog", "embedded totals"].unexplained == 0
    assert lines["issue", "approximate count"].unexplained == 0
    assert SnapshotState.GAPS is state_of([], lines.values())


def test_a_missing_blob_is_unexplained_until_a_gap_names_it() -> None:
    tally = Tally()
    tally.carry({"issue": 1, "attachment": 3}, missing_blobs=1)
    gap = Gap("attachment", "bytes of attachment 7", "404", "look", 404, "1")

    without = [
        line
        for line in issue_ledger(tally, [], listed=1, stored_issues=1, approximate=None)
        if line.unexplained
    ]
    explained = [
        line
        for line in issue_ledger(tally, [gap], listed=1, stored_issues=1, approximate=None)
        if line.unexplained
    ]

    assert [(line.kind, line.source, line.unexplained) for line in without] == [
        ("attachment", "bytes stored", 1),
    ]
    assert explained == []


def test_missing_bytes_are_explained_exactly_when_every_missing_file_is() -> None:
    tally = Tally()
    tally.stored["attachment"] = tally.declared["attachment"] = 2
    tally.blobs = 1
    tally.file_bytes = FileBytes.of(700, None) + FileBytes.of(None, 20)
    tally.carried_bytes = FileBytes(100, 100)
    gap = Gap("attachment", "bytes of attachment 7", "404", "look", 404, "1")

    without, explained = (
        issue_ledger(tally, gaps, listed=1, stored_issues=1, approximate=None)[-1] for gaps in ([], [gap])
    )

    assert (without.source, without.expected, without.stored) == ("bytes declared", 820, 120)
    assert (without.unexplained, explained.unexplained) == (700, 0)


def test_a_guard_outweighs_everything_else() -> None:
    assert SnapshotState.DOUBTFUL is state_of([], [], is_doubtful=True)
    assert SnapshotState.COMPLETE is state_of([], [LedgerLine("issue", "id walk", 2, 2)])


@given(count=st.integers(0, 12000), is_first=st.booleans(), knows_keys=st.booleans())
def test_a_sample_for_property_keys_is_small_spread_and_has_the_newest(count, is_first, knows_keys) -> None:
    ids = [str(number) for number in range(count)]

    sample = property_sample(ids, is_first=is_first, knows_keys=knows_keys)

    fewest = 10 if knows_keys else 50
    wanted = min(100, max(fewest, -(-count // 20))) if is_first else -(-count // 5000)
    assert len(set(sample)) == len(sample) == min(count, wanted)
    assert sample[:1] == ids[-1:]
    if sample:
        widest = max(
            abs(int(left) - int(right)) for left, right in zip([count, *sample], [*sample, -1], strict=True)
        )
        assert widest <= 2 * count / len(sample) + 1
