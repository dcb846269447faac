"""A workflow is learned step by step and issues take the shortest known path."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.engine.restore.workflow_paths import Workflow

graphs = st.dictionaries(
    st.sampled_from("abcdef"),
    st.lists(st.tuples(st.sampled_from(["t1", "t2", "t3"]), st.sampled_from("abcdef")), max_size=3),
)


def test_the_shortest_path_is_taken() -> None:
    workflow = Workflow(
        {"a": [("1", "b"), ("2", "c")], "b": [("3", "d")], "c": [("4", "e")], "e": [("5", "d")]}
    )

    assert workflow.step_towards("a", "d") == ("1", "b")
    assert workflow.step_towards("a", "e") == ("2", "c")


def test_what_is_unknown_is_explored_at_its_nearest() -> None:
    workflow = Workflow({"a": [("1", "b")], "b": [("2", "c")]})

    assert workflow.step_towards("a", "z") is None
    assert workflow.step_to_explore("a") == ("1", "b")


def test_a_workflow_that_is_known_throughout_has_nothing_to_explore() -> None:
    assert Workflow({"a": [("1", "b")], "b": []}).step_to_explore("a") is None


@given(graphs, st.sampled_from("abcdef"), st.sampled_from("abcdef"))
def test_following_the_steps_leads_to_the_goal_without_a_circle(
    steps: dict[str, list[tuple[str, str]]], start: str, goal: str
) -> None:
    workflow = Workflow(steps)
    at, taken = start, 0
    while at != goal and (step := workflow.step_towards(at, goal)) is not None:
        assert step in steps[at]
        at, taken = step[1], taken + 1
        assert taken <= 6

    reachable = {start}
    for _ in range(6):
        reachable |= {target for status in reachable for _, target in steps.get(status, [])}
    assert (goal in reachable) == (at == goal)
