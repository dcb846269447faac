"""Votes and properties in answers that the documents allow and a friendly site seldom gives: read, or a gap that says why."""

from __future__ import annotations

from typing import Any

import pytest

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, asked, issue, kinds, units
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, Seen

# --- votes ------------------------------------------------------------------------------------------------------------


def voted(number: int, count: int) -> dict[str, Any]:
    return issue(number, votes={"votes": count, "hasVoted": False})


def test_voters_are_found_by_search_where_that_costs_less() -> None:
    def search(seen: Seen) -> Reply:
        assert "AND voter = " in seen.document["jql"]
        return Reply.json({"issues": [{"id": "1"}, {"id": "2"}, {"id": "3"}], "isLast": True})

    users = Reply.json({"values": [{"accountId": "p1"}]})
    played = PlayedJira([voted(1, 1), voted(2, 1), voted(3, 1)], search__jql=search, user__bulk=users)
    found, seen = units(played, people=["p1"])

    assert [kinds(unit, "vote") for unit in found] == [["p1"]] * 3
    assert [unit.declared["vote"] for unit in found] == [1, 1, 1]
    assert (asked(seen, "/search/jql"), asked(seen, "/votes")) == (1, 0)


def test_empty_lists_of_voters_in_a_row_are_a_missing_permission_and_one_gap() -> None:
    empty = Reply.json({"votes": 2, "hasVoted": False, "voters": []})
    found, seen = units(PlayedJira([voted(number, 2) for number in range(1, 61)], votes=empty))

    (gap,) = [gap for unit in found for gap in unit.gaps]
    assert (gap.kind, gap.count, gap.status) == ("vote", 120, None)
    assert "permission to view voters" in gap.remedy
    assert 10 <= asked(seen, "/votes") < 60


# --- properties -------------------------------------------------------------------------------------------------------


def test_a_property_keeps_the_very_bytes_of_its_value() -> None:
    text = b'{"id":"1","key":"K-1","properties":{"a.b":{"n" : 1e2},"c":null},"fields":{"project":{"id":"9"}}}'
    found, _ = units(PlayedJira([issue(1)], issue__1=Reply(200, text)), properties_of=None)

    assert [(r.id, r.raw) for r in found[0].records if r.kind == "issue_property"] == [
        ("a.b", b'{"n" : 1e2}'),
        ("c", b"null"),
    ]


def test_properties_that_cannot_be_asked_for_are_a_gap_of_their_issue() -> None:
    refusal = Reply.json({"errorMessages": ["No."]}, 403)
    found, _ = units(PlayedJira([issue(1), issue(2)], issue__1=refusal), properties_of=["1"])

    assert [[(gap.kind, gap.status) for gap in unit.gaps] for unit in found] == [
        [("issue_property", 403)],
        [],
    ]


def test_an_issue_that_is_not_given_again_for_more_keys_is_a_gap() -> None:
    def bulkfetch(seen: Seen) -> Reply:
        again = seen.document["fields"] == ["project"]
        return Reply.json(
            {"issues": [issue(int(i)) for i in seen.document["issueIdsOrKeys"] if not again or i != "2"]}
        )

    found, _ = units(PlayedJira(issue__bulkfetch=bulkfetch), "1", "2", property_keys="abcdef")

    assert [[gap.kind for gap in unit.gaps] for unit in found] == [[], ["issue_property"]]


def test_a_property_key_that_no_table_can_hold_is_a_gap() -> None:
    text = rb'{"id":"1","key":"K-1","properties":{"\ud800":1,"ok":2},"fields":{"project":{"id":"9"}}}'
    (unit,), _ = units(PlayedJira([issue(1)], issue__1=Reply(200, text)), properties_of=None)

    assert kinds(unit, "issue_property") == ["ok"]
    assert [gap.kind for gap in unit.gaps] == ["issue_property"]


def test_comments_that_are_not_given_again_for_their_properties_are_a_gap_with_their_number() -> None:
    comments = {"comments": [{"id": str(number)} for number in range(1, 5)], "total": 4}
    listed = [
        {"id": "1", "properties": [{"key": "k", "value": 1.0}]},
        {"id": "2", "properties": []},
        {"id": "3"},
    ]
    played = PlayedJira([issue(1, comment=comments)], comment__list=Reply.json({"values": listed}))
    (unit,), seen = units(played)

    extras = [dict(record.extra) for record in unit.records if record.kind == "comment"]
    assert extras == [{"properties": '[{"key": "k", "value": 1.0}]'}, {}, {}, {}]
    (gap,) = unit.gaps
    assert (gap.kind, gap.subject, gap.count) == ("comment", "properties of comments", 1)
    (question,) = [one for one in seen if one.path.endswith("/comment/list")]
    assert (question.document, question.query) == ({"ids": [1, 2, 3, 4]}, {"expand": ["properties"]})


def test_a_list_of_comment_properties_that_stumbles_over_one_id_is_read_in_halves() -> None:
    comments = {"comments": [{"id": str(number)} for number in range(1, 101)], "total": 100}

    def listed(seen: Seen) -> Reply:
        if 1 in seen.document["ids"]:
            return Reply.json({"errorMessages": ["Odd."]}, 400)
        values = [{"id": i, "properties": [{"key": "k", "value": i}]} for i in seen.document["ids"]]
        return Reply.json({"values": values})

    (unit,), seen = units(PlayedJira([issue(1, comment=comments)], comment__list=listed))

    assert asked(seen, "/comment/list") == 5
    assert sum(bool(record.extra) for record in unit.records if record.kind == "comment") == 75
    assert [(gap.kind, gap.status, gap.count) for gap in unit.gaps] == [("comment", 400, 25)]


def test_one_issue_whose_properties_jira_fails_on_does_not_stop_the_others() -> None:
    broken, whole = Reply.json({}, 500), Reply.json({**issue(2), "properties": {"k": 1}})
    found, _ = units(PlayedJira([issue(1), issue(2)], issue__1=broken, issue__2=whole), properties_of=None)

    assert [kinds(unit, "issue_property") for unit in found] == [[], ["k"]]
    assert [[gap.kind for gap in unit.gaps] for unit in found] == [["issue_property"], []]


def test_properties_that_never_come_end_the_reading() -> None:
    def fail(_: Seen) -> Reply:
        return Reply.json({}, 500)

    answers = {f"issue__{number}": fail for number in range(1, 5)}
    with pytest.raises(TransientError):
        units(PlayedJira([issue(number) for number in range(1, 5)], **answers), properties_of=None)


@pytest.mark.parametrize(
    ("status", "issues"),
    [(403, {None: 2}), (400, {"1": 1, "2": 1}), (404, {"1": 1, "2": 1})],
)
def test_refused_properties_of_worklogs_are_told_once_for_a_right_and_else_for_each_issue(
    status: int, issues: dict[str | None, int]
) -> None:
    def logged(number: int) -> dict[str, Any]:
        return issue(number, worklog={"worklogs": [{"id": str(number)}], "total": 1})

    refusal = Reply.json({"errorMessages": ["No."]}, status)
    found, _ = units(PlayedJira([logged(1), logged(2)], worklog__list=refusal))

    gaps = [gap for unit in found for gap in unit.gaps]
    assert {(gap.kind, gap.status) for gap in gaps} == {("worklog", status)}
    # An issue that a gap names is read again by the next run: none of those concerned may go without.
    assert {gap.issue_id: gap.count for gap in gaps} == issues
    assert [kinds(unit, "worklog") for unit in found] == [["1"], ["2"]]
