"""Which test proves which fault between a capture and Jira: a table, and the proof that it names tests that exist.

What belongs here: one line for every fault that a capture must survive or name. `reading` tests compare what a reader gives
with what it gives undisturbed; `capture` tests compare the committed snapshot with the site's own truth.
"""

from __future__ import annotations

import ast
from pathlib import Path

from jira_backup_pipeline.sandbox.faults import FaultKind

TESTS = Path(__file__).resolve().parent.parent
_READING = "faults/test_jira_faults.py"
_CAPTURE = "faults/test_capture_faults.py"
_STORM = f"{_CAPTURE}::test_a_storm_of_everything_that_passes_leaves_a_complete_and_true_snapshot"
_PASSES = f"{_READING}::test_what_passes_leaves_no_trace_in_what_is_read"
_DURING = f"{_CAPTURE}::test_a_change_while_the_capture_runs_is_right_after_the_next_one"
_ODD = f"{_CAPTURE}::test_an_odd_value_is_stored_byte_for_byte_and_spoils_no_neighbour"
_TYPED = (
    f"{_CAPTURE}::test_an_odd_value_of_a_field_with_a_column_is_kept_as_it_is_and_leaves_its_column_empty"
)
_ATTACHMENTS = f"{_CAPTURE}::test_bytes_that_are_missing_short_or_away_are_gaps_that_the_next_run_fills"
_GIANT = "faults/test_capture_of_a_giant.py::test_a_giant_comes_whole_and_is_not_read_again"
# A body that was cut is mostly no JSON either: only these notice that its own end is looked for.
_ANNOUNCED = "unit/test_jira_flow.py::test_a_body_that_is_not_what_was_announced_is_broken"
_DOWNLOAD = "contract/test_jira_download.py"
_RESUMED = "faults/test_capture_resumed.py"

TABLE: dict[str, tuple[str, ...]] = {
    "429 with Retry-After": (_STORM, _PASSES),
    "429 without Retry-After": (_STORM, _PASSES),
    "429 jira-burst-based": (
        _STORM,
        _PASSES,
        "unit/test_jira_retries.py::test_who_waits_follows_from_the_reason",
    ),
    "429 jira-quota-global-based": (_STORM, _PASSES, f"{_READING}::test_waits_follow_the_reason"),
    "429 jira-quota-tenant-based": (_STORM, _PASSES),
    "429 jira-per-issue-on-write": (
        _STORM,
        "unit/test_jira_retries.py::test_who_waits_follows_from_the_reason",
    ),
    "429 with an unlisted reason": (_STORM, _PASSES),
    "500, 502, 503 and 504 in bursts": (_STORM, _PASSES),
    "a site that stays down": (f"{_READING}::test_a_site_that_stays_down_is_a_transient_error",),
    "reset in the middle of a body": (_STORM, _PASSES, _ANNOUNCED),
    "an answer that is lost": (_PASSES,),
    "truncated gzip": (_STORM, _PASSES, _ANNOUNCED),
    "JSON that ends early": (_PASSES,),
    "slow drip": (
        f"{_READING}::test_a_slow_drip_is_cut_off_and_asked_again",
        "contract/test_jira_client.py::test_a_slow_drip_ends_at_the_deadline_of_the_answer",
    ),
    "a body that stalls": (f"{_READING}::test_a_stalled_body_is_given_up_after_the_sockets_time_out",),
    "HTML login page with status 200": (
        _STORM,
        f"{_READING}::test_login_pages_that_stay_are_named",
        f"{_CAPTURE}::test_what_stays_wrong_for_all_ends_the_capture_and_leaves_the_snapshot_before",
    ),
    "a page token that loops": (
        f"{_READING}::test_a_token_that_comes_back_is_named_and_not_followed_for_ever",
        f"{_CAPTURE}::test_what_stays_wrong_for_all_ends_the_capture_and_leaves_the_snapshot_before",
        f"{_CAPTURE}::test_a_history_whose_token_leads_nowhere_is_read_in_smaller_parts",
    ),
    "the same issue on two pages": (_STORM, _PASSES),
    "an issue changed while the capture runs": (
        _DURING,
        "unit/test_capture_of_changes.py::test_an_issue_that_changed_while_it_was_read_is_read_again_by_the_next_run_and_only_by_that",
        "journeys/test_capture_model.py::EditsAndCaptures",
    ),
    "an issue created while the capture runs": (_DURING, "journeys/test_capture_model.py::EditsAndCaptures"),
    "an issue deleted while the capture runs": (
        _DURING,
        "unit/test_capture_of_changes.py::test_an_issue_that_goes_while_the_capture_runs_leaves_the_snapshot_with_a_word",
        "journeys/test_capture_model.py::EditsAndCaptures",
    ),
    "an issue moved while the capture runs": (_DURING, "journeys/test_capture_model.py::EditsAndCaptures"),
    "search lags behind bulkfetch by minutes": (
        f"{_CAPTURE}::test_a_search_that_lags_behind_by_minutes_loses_nothing",
        "unit/test_capture_of_changes.py::test_an_issue_that_search_still_shows_where_it_was_moved_from_is_moved_and_not_kept",
    ),
    "401 after n requests": (
        f"{_READING}::test_a_token_that_expires_in_the_middle_ends_the_reading_at_once",
        f"{_CAPTURE}::test_a_token_that_stops_working_costs_nothing_that_was_stored",
        f"{_RESUMED}::test_after_a_revoked_token_the_next_run_asks_only_for_the_rest",
    ),
    "one project 403": (f"{_CAPTURE}::test_one_forbidden_project_is_named_and_does_not_stop_the_others",),
    "a part of the configuration refused": (
        "faults/test_configuration_refused.py::test_every_list_may_be_refused",
    ),
    "attachment 404": (_ATTACHMENTS,),
    "attachment short": (_ATTACHMENTS,),
    "attachment redirected to a foreign host": (
        _ATTACHMENTS,
        f"{_DOWNLOAD}::test_bytes_size_and_media_id_come_from_the_media_host_which_never_sees_the_token",
        f"{_DOWNLOAD}::test_a_redirect_to_plain_http_elsewhere_is_not_followed",
    ),
    "attachment broken off and resumed": (
        _STORM,
        f"{_DOWNLOAD}::test_a_download_over_broken_connections_is_resumed_where_it_broke",
        f"{_DOWNLOAD}::test_a_media_host_that_does_not_know_ranges_is_read_again_from_the_start",
        f"{_DOWNLOAD}::test_a_media_host_that_gives_less_than_the_range_is_asked_for_the_next_one",
    ),
    "attachment replaced between two connections": (
        f"{_DOWNLOAD}::test_a_file_that_was_replaced_between_two_connections_is_not_mixed_of_both",
    ),
    "hostile names of attachments": (
        f"{_CAPTURE}::test_hostile_names_of_files_are_data_and_name_nothing",
        "journeys/test_restore_hostile_names.py::test_files_with_hostile_names_come_back_and_leave_nothing_beside_the_repository",
    ),
    "an attachment larger than memory": (
        "unit/test_capture_attachments.py::test_a_file_larger_than_memory_goes_through_in_pieces",
        "journeys/test_capture_into_parts.py::test_a_large_attachment_is_stored_in_parts_and_create_only",
    ),
    "500-level deep rich text": (_ODD,),
    "a field whose type changed": (_ODD, _TYPED),
    "1e300, 0.1+0.2 and 2^63": (_ODD, _TYPED),
    "lone surrogates": (_ODD, _TYPED),
    "an empty project": (f"{_CAPTURE}::test_an_empty_project_is_a_complete_snapshot_of_nothing",),
    "5,000 comments": (_GIANT,),
    "1,200 worklogs": (_GIANT,),
    "11,000 history entries": (_GIANT,),
    "issueErrors of a bulk answer": (
        "contract/test_jira_odd_answers.py::test_an_issue_in_the_error_list_is_asked_for_alone_and_then_by_itself",
        f"{_READING}::test_issues_that_the_bulk_call_stumbles_over_are_read_one_by_one",
    ),
    "kill -9": (
        f"{_RESUMED}::test_after_kill_9_the_next_run_asks_only_for_the_rest",
        "faults/test_program_killed.py::test_a_program_killed_while_it_backs_up_is_completed_by_the_next",
        "faults/test_capture_killed.py::test_a_first_backup_killed_at_any_store_call_is_completed_by_the_next_run",
    ),
}


def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def test_every_test_that_the_table_names_exists() -> None:
    named = {place.partition("::")[::2] for places in TABLE.values() for place in places}
    missing = {f"{file}::{test}" for file, test in named if test not in names_in(TESTS / file)}

    assert named
    assert missing == set()


def test_every_switch_of_the_sandbox_is_thrown_by_a_test_of_the_product() -> None:
    texts = [(TESTS / file).read_text(encoding="utf-8") for file in (_READING, _CAPTURE)]
    unused = [kind.value for kind in FaultKind if not any(f'"{kind.value}"' in text for text in texts)]

    assert unused == []
