"""The project registry keeps every key it has ever seen and never confuses two projects of one key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.domain.readings import ListedProject
from jira_backup_pipeline.orchestration.partitions import is_partition_key
from jira_backup_pipeline.orchestration.registry import ProjectRegistry, Standing

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)


def listed(
    key: str, project_id: str, *, is_archived: bool = False, is_deleted: bool = False
) -> ListedProject:
    return ListedProject(
        ProjectIdentity(project_id, key, f"Project {project_id}"),
        is_archived=is_archived,
        is_deleted=is_deleted,
    )


def test_a_new_project_is_active_and_has_its_numeric_id() -> None:
    registry = ProjectRegistry().after_listing([listed("ABC", "10001")], MONDAY)

    assert registry.project_id_of("ABC") == "10001"
    assert registry.is_active("ABC")
    assert registry.projects["ABC"].first_seen_at == MONDAY


def test_an_unchanged_listing_changes_nothing() -> None:
    first = ProjectRegistry().after_listing([listed("ABC", "10001")], MONDAY)

    assert first == first.after_listing([listed("ABC", "10001")], TUESDAY)


def test_a_renamed_project_keeps_its_old_key_as_retired() -> None:
    first = ProjectRegistry().after_listing([listed("ABC", "10001")], MONDAY)

    registry = first.after_listing([listed("XYZ", "10001")], TUESDAY)

    assert registry.standing_of("ABC") is Standing.RENAMED
    assert registry.projects["ABC"].present_key == "XYZ"
    assert registry.projects["ABC"].since_at == TUESDAY
    assert registry.is_active("XYZ")


def test_archived_and_deleted_projects_are_retired_but_kept() -> None:
    first = ProjectRegistry().after_listing([listed("ABC", "1"), listed("DEF", "2")], MONDAY)

    registry = first.after_listing(
        [listed("ABC", "1", is_archived=True), listed("DEF", "2", is_deleted=True)], TUESDAY
    )

    assert registry.standing_of("ABC") is Standing.ARCHIVED
    assert registry.standing_of("DEF") is Standing.DELETED
    assert not registry.is_active("ABC")
    assert not registry.is_active("DEF")


def test_a_project_that_is_not_listed_any_more_is_unseen_and_not_taken_for_deleted() -> None:
    first = ProjectRegistry().after_listing([listed("ABC", "1"), listed("DEF", "2")], MONDAY)

    registry = first.after_listing([listed("DEF", "2")], TUESDAY)

    assert registry.standing_of("ABC") is Standing.UNSEEN
    assert registry.after_listing([listed("DEF", "2")], WEDNESDAY) == registry


def test_a_deleted_project_that_leaves_the_trash_stays_deleted() -> None:
    registry = ProjectRegistry().after_listing([listed("ABC", "1"), listed("DEF", "2")], MONDAY)
    registry = registry.after_listing([listed("ABC", "1", is_deleted=True), listed("DEF", "2")], TUESDAY)

    registry = registry.after_listing([listed("DEF", "2")], WEDNESDAY)

    assert registry.standing_of("ABC") is Standing.DELETED


def test_a_project_in_the_trash_that_was_never_seen_alive_is_left_out() -> None:
    registry = ProjectRegistry().after_listing([listed("ABC", "1", is_deleted=True)], MONDAY)

    assert dict(registry.projects) == {}


def test_a_key_that_another_project_took_over_starts_anew() -> None:
    first = ProjectRegistry().after_listing([listed("ABC", "1")], MONDAY)

    registry = first.after_listing([listed("ABC", "2")], TUESDAY)

    assert registry.project_id_of("ABC") == "2"
    assert registry.projects["ABC"].first_seen_at == TUESDAY


def test_a_project_that_comes_back_is_active_again() -> None:
    registry = ProjectRegistry().after_listing([listed("ABC", "1"), listed("DEF", "2")], MONDAY)
    registry = registry.after_listing([listed("DEF", "2")], TUESDAY)

    registry = registry.after_listing([listed("ABC", "1"), listed("DEF", "2")], WEDNESDAY)

    assert registry.is_active("ABC")
    assert registry.projects["ABC"].first_seen_at == MONDAY


def test_keys_that_are_not_of_jiras_grammar_never_become_partitions_and_are_named() -> None:
    registry = ProjectRegistry().after_listing([listed("A|B", "1"), listed("OK1", "2")], MONDAY)

    assert list(registry.projects) == ["OK1"]
    assert registry.unusable == ("A|B",)


def test_a_key_added_by_hand_counts_as_active() -> None:
    assert ProjectRegistry().is_active("BYHAND")


def test_partition_keys_have_jiras_grammar() -> None:
    assert is_partition_key("ABC_1")
    for key in ("abc", "A", "A|B", "A,B", "A...B", "[AB]", "1AB", "AB\n", ""):
        assert not is_partition_key(key), key


KEYS = st.sampled_from(["AA", "BB", "CC", "DD"])
IDS = st.sampled_from(["1", "2", "3", "4"])
LISTINGS = st.lists(
    st.lists(st.tuples(KEYS, IDS, st.booleans()), max_size=4, unique_by=(lambda p: p[0], lambda p: p[1])),
    max_size=6,
)


@given(LISTINGS)
def test_whatever_jira_lists_no_key_is_ever_lost_and_the_json_form_is_faithful(
    listings: list[list[tuple[str, str, bool]]],
) -> None:
    registry = ProjectRegistry()
    seen: set[str] = set()
    for day, projects in enumerate(listings):
        registry = registry.after_listing(
            [listed(key, number, is_archived=flag) for key, number, flag in projects],
            MONDAY + timedelta(days=day),
        )
        seen |= {key for key, _, _ in projects}
        active = {key for key in registry.projects if registry.is_active(key)}

        assert seen == set(registry.projects)
        assert {key for key, _, flag in projects if not flag} == active
        assert registry == ProjectRegistry.from_json(registry.to_json())
