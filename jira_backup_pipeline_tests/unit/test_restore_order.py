"""Any row of issues comes into the snapshot's order, with few calls, and nobody moves who must not."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.engine.restore.order import in_order
from jira_backup_pipeline.engine.restore.ranks import ISSUES_PER_CALL, moves_for


def carried_out(row: list[str], ranks: dict[str, str], movable: set[str]) -> tuple[list[str], int]:
    """Give the order on the target after the moves, and how many there were."""
    present = {name: (f"t{name}", ranks[name]) for name in row}
    order = [f"t{name}" for name in sorted(row, key=ranks.__getitem__)]
    calls = 0
    for move in moves_for(row, present, movable):
        calls += 1
        ids = [target for _, target in move.issues]
        assert 1 <= len(ids) <= ISSUES_PER_CALL
        assert {source for source, _ in move.issues} <= movable
        order = [found for found in order if found not in ids]
        place = order.index(move.anchor) + (0 if move.is_before else 1)
        order[place:place] = ids
    return order, calls


@given(st.permutations([f"{number:03}" for number in range(130)]))
def test_all_movable_issues_come_into_order_with_fifty_in_a_call(ranks: list[str]) -> None:
    row = [str(number) for number in range(130)]

    order, calls = carried_out(row, dict(zip(row, ranks, strict=True)), set(row))

    assert order == [f"t{name}" for name in row]
    assert calls <= ceil(130 / ISSUES_PER_CALL)


@given(st.permutations([f"{number:02}" for number in range(20)]), st.sets(st.integers(0, 19)))
def test_issues_that_stand_in_order_stay_and_the_written_ones_come_between_them(
    ranks: list[str], written: set[int]
) -> None:
    row = [str(number) for number in range(20)]
    standing = [name for name in row if int(name) not in written]
    kept = sorted(ranks[int(name)] for name in standing)
    given_ranks = {name: ranks[int(name)] for name in row} | dict(zip(standing, kept, strict=True))

    order, _ = carried_out(row, given_ranks, {str(number) for number in written})

    assert [name for name in order if int(name[1:]) not in written] == [f"t{name}" for name in standing]
    if len(written) == 1:
        assert order == [f"t{name}" for name in row]


@given(st.lists(st.sampled_from("abcdef"), max_size=40))
def test_a_part_in_order_is_in_order_and_none_is_longer(values: list[str]) -> None:
    kept = [values[position] for position in sorted(in_order(values))]
    longest = [0] * len(values)
    for position, value in enumerate(values):
        longest[position] = 1 + max(
            (longest[before] for before in range(position) if values[before] <= value), default=0
        )

    assert sorted(kept) == kept
    assert len(kept) == max(longest, default=0)
