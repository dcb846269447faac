"""Answers that the documents allow and a friendly site seldom gives: each is read, or becomes a gap that says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected, TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, asked, asking, issue, kinds, units
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[[Seen], Reply] | Reply

# --- bodies -----------------------------------------------------------------------------------------------------------


def test_an_issue_in_the_error_list_is_asked_for_alone_and_then_by_itself() -> None:
    def bulkfetch(seen: Seen) -> Reply:
        ids = seen.document["issueIdsOrKeys"]
        errors = [{"id": "2", "errorMessage": "payload too large"}] if "2" in ids else []
        return Reply.json({"issues": [issue(int(i)) for i in ids if i != "2"], "issueErrors": errors})

    played = PlayedJira(issue__bulkfetch=bulkfetch, issue__2=Reply.json(issue(2)))
    found, seen = units(played, "1", "2", "3")

    assert [unit.issue_id for unit in found] == ["1", "2", "3"]
    assert asked(seen, "/issue/bulkfetch") == 3
    assert asked(seen, "/issue/2") == 1


@pytest.mark.parametrize("status", [400, 413])
def test_an_issue_that_nothing_brings_is_a_unit_without_records_and_with_a_gap(status: int) -> None:
    def bulkfetch(seen: Seen) -> Reply:
        ids = seen.document["issueIdsOrKeys"]
        return Reply.json({}, status) if "2" in ids else Reply.json({"issues": [issue(int(i)) for i in ids]})

    refusal = Reply.json({"errorMessages": ["It is too large."]}, 413)
    found, _ = units(PlayedJira(issue__bulkfetch=bulkfetch, issue__2=refusal), "1", "2", "3")

    assert [unit.issue_id for unit in found] == ["1", "2", "3"]
    (gap,) = found[1].gaps
    assert found[1].records == ()
    assert (gap.kind, gap.subject, gap.status, gap.reason) == ("issue", "issue 2", 413, "It is too large.")


def test_an_issue_that_is_gone_when_asked_for_alone_is_left_out() -> None:
    def bulkfetch(_: Seen) -> Reply:
        return Reply.json({"issues": [issue(1)], "issueErrors": [{"id": "2", "errorMessage": "not now"}]})

    found, _ = units(PlayedJira(issue__bulkfetch=bulkfetch), "1", "2")

    assert [unit.issue_id for unit in found] == ["1"]


def test_one_poisonous_issue_does_not_stop_the_others() -> None:
    def bulkfetch(seen: Seen) -> Reply:
        ids = seen.document["issueIdsOrKeys"]
        return Reply(500) if "2" in ids else Reply.json({"issues": [issue(int(i)) for i in ids]})

    found, _ = units(PlayedJira(issue__bulkfetch=bulkfetch), *[str(number) for number in range(1, 31)])

    assert len(found) == 30
    assert [unit.issue_id for unit in found if unit.gaps] == ["2"]


def test_a_site_that_answers_no_batch_is_down_and_not_a_list_of_gaps() -> None:
    with pytest.raises(TransientError, match="after 4 attempts"):
        units(PlayedJira(issue__bulkfetch=Reply(500)), *[str(number) for number in range(1, 101)])


def test_an_odd_issue_keeps_its_bytes_and_its_neighbours() -> None:
    deep = (
        b'{"id":"2","key":"K-2","fields":{"updated":"2026-01-02T03:04:05.006+0000","x":'
        + b"[" * 900
        + b"]" * 900
    )
    deep += rb',"comment":{"comments":[{"id":"21","body":"\ud800"}],"total":1},"worklog":{"worklogs":[],"total":0}}}'
    body = b'{"issues":[' + json.dumps(issue(1)).encode() + b"," + deep + b"]}"
    found, _ = units(PlayedJira(issue__bulkfetch=Reply(200, body)), "1", "2")

    odd = found[1]
    assert odd.records[0].raw == deep
    assert odd.updated_ms == found[0].updated_ms
    (comment,) = [record for record in odd.records if record.kind == "comment"]
    assert comment.raw == rb'{"id":"21","body":"\ud800"}'
    assert odd.gaps == ()


# --- lists of one issue -----------------------------------------------------------------------------------------------


def test_a_list_is_read_on_its_own_only_where_its_total_promises_more() -> None:
    comments = [{"id": str(number)} for number in range(5)]
    cut = issue(
        1, comment={"comments": comments[:2], "total": 5}, worklog={"worklogs": [{"id": "9"}], "total": 1}
    )

    def pages(seen: Seen) -> Reply:
        start = int(seen.query["startAt"][0])
        return Reply.json(
            {"comments": comments[start : start + 2], "total": 5, "startAt": start, "maxResults": 2}
        )

    (unit,), seen = units(PlayedJira([cut], comment=pages))

    assert kinds(unit, "comment") == ["0", "1", "2", "3", "4"]
    assert kinds(unit, "worklog") == ["9"]
    assert unit.declared["comment"] == 5
    assert asked(seen, "/comment") == 3
    assert asked(seen, "/worklog") == 0


def test_a_list_that_gives_less_than_it_announces_is_a_gap_with_the_number() -> None:
    cut = issue(1, comment={"comments": [], "total": 5})
    answer = Reply.json({"comments": [{"id": "1"}], "total": 4, "startAt": 0, "maxResults": 50})
    later = Reply.json({"comments": [], "total": 4, "startAt": 1, "maxResults": 50})
    (unit,), _ = units(
        PlayedJira([cut], comment=lambda seen: later if seen.query["startAt"] == ["1"] else answer)
    )

    (gap,) = unit.gaps
    assert (gap.kind, gap.count, gap.reason) == ("comment", 3, "jira announces 4 and gives 1")
    assert kinds(unit, "comment") == ["1"]


def test_a_refused_list_keeps_what_came_inside_the_issue() -> None:
    cut = issue(1, comment={"comments": [{"id": "1"}], "total": 3})
    (unit,), _ = units(PlayedJira([cut], comment=Reply.json({"errorMessages": ["No."]}, 403)))

    (gap,) = unit.gaps
    assert (gap.kind, gap.count, gap.status) == ("comment", 2, 403)
    assert kinds(unit, "comment") == ["1"]


def test_where_time_tracking_is_off_a_few_questions_settle_it() -> None:
    issues = [issue(number) for number in range(1, 1201)]
    for item in issues:
        del item["fields"]["worklog"]
    found, seen = units(PlayedJira(issues))

    assert len(found) == 1200
    assert 3 <= asked(seen, "/worklog") <= 30
    assert all("worklog" not in unit.declared for unit in found)
    # Once, and accepted beforehand: nobody can read what a site has switched off, but nobody is left to believe that it is there.
    [gap] = {gap for unit in found for gap in unit.gaps}
    assert (gap.kind, gap.status, gap.issue_id) == ("worklog", 404, None)
    assert gap.subject == "worklogs that Jira lists for no issue"
    assert "backup --full" in gap.remedy
    assert gap.is_accepted(())


def test_a_list_that_is_not_there_for_one_issue_alone_is_a_gap_of_that_issue() -> None:
    issues = [issue(number) for number in (1, 2)]
    for item in issues:
        del item["fields"]["worklog"]
    empty = Reply.json({"worklogs": [], "total": 0, "maxResults": 20, "startAt": 0})

    found, _ = units(PlayedJira(issues, issue__1__worklog=empty))

    [gap] = [gap for unit in found for gap in unit.gaps]
    assert (gap.kind, gap.status, gap.issue_id) == ("worklog", 404, "2")
    assert gap.subject == "worklogs of an issue"
    assert not gap.is_accepted(())


def test_comments_that_jira_lists_for_no_issue_are_never_accepted_beforehand() -> None:
    item = issue(1)
    del item["fields"]["comment"]

    (unit,), _ = units(PlayedJira([item]))

    [gap] = unit.gaps
    assert (gap.kind, gap.status, gap.is_accepted(())) == ("comment", 404, False)


def test_history_spread_over_pages_comes_together_and_once() -> None:
    def changelog(seen: Seen) -> Reply:
        token = seen.document.get("nextPageToken")
        entry = {"id": "7", "created": 1, "items": [{"field": "status"}]}
        last = {"id": "8", "created": 2, "items": [{"field": "Key"}]}
        histories = [last, entry] if token else [entry]
        answer = {"issueChangeLogs": [{"issueId": "1", "changeHistories": histories}]}
        return Reply.json(answer if token else {**answer, "nextPageToken": "more"})

    (unit,), _ = units(PlayedJira([issue(1)], changelog__bulkfetch=changelog))

    assert kinds(unit, "changelog") == ["7", "8"]


def test_history_that_no_bulk_call_brings_comes_from_the_issue_itself() -> None:
    single = Reply.json({"values": [{"id": "7", "items": []}], "total": 1, "isLast": True})
    refusal = Reply.json({"errorMessages": ["No bulk."]}, 400)
    found, _ = units(
        PlayedJira([issue(1), issue(2)], changelog__bulkfetch=refusal, issue__1__changelog=single)
    )

    assert kinds(found[0], "changelog") == ["7"]
    assert found[0].gaps == ()
    # Without history nothing tells whether there are remote links, so they are asked for as well.
    gaps = [(gap.kind, gap.issue_id, gap.status) for gap in found[1].gaps]
    assert gaps == [("changelog", "2", 404), ("remote_link", "2", 404)]


@pytest.mark.parametrize(
    "item", [{"field": "RemoteIssueLink"}, {"field": "x", "fieldId": "RemoteWorkItemLink"}]
)
def test_history_is_evidence_of_remote_links(item: dict[str, str]) -> None:
    history = {"issueChangeLogs": [{"issueId": "1", "changeHistories": [{"id": "7", "items": [item]}]}]}
    played = PlayedJira(
        [issue(1), issue(2)],
        changelog__bulkfetch=Reply.json(history),
        issue__1__remotelink=Reply.json([{"id": 55, "globalId": "g"}]),
    )
    found, seen = units(played)

    assert kinds(found[0], "remote_link") == ["55"]
    assert asked(seen, "/remotelink") == 1


# --- watchers ---------------------------------------------------------------------------------------------------------


def watched(number: int, count: int) -> dict[str, Any]:
    return issue(number, watches={"watchCount": count})


def test_what_a_search_for_watchers_does_not_explain_is_asked_again_and_what_stays_open_is_one_gap() -> None:
    def search(seen: Seen) -> Reply:
        found = ["1", "2"] if '"p1"' in seen.document["jql"] else []
        return Reply.json({"issues": [{"id": number} for number in found], "isLast": True})

    def users(seen: Seen) -> Reply:
        return Reply.json(
            {"values": [{"accountId": i, "displayName": i.upper()} for i in seen.query["accountId"]]}
        )

    one = Reply.json({"watchers": [{"accountId": "p1"}], "watchCount": 3})
    issues = [watched(1, 1), watched(2, 3), watched(3, 0), watched(4, 2), watched(5, 1)]
    played = PlayedJira(issues, search__jql=search, user__bulk=users, watchers=one)
    found, seen = units(played, people=["p1", "p2"])

    assert asked(seen, "/search/jql") == 2
    assert asked(seen, "/watchers") == 3
    assert [kinds(unit, "watcher") for unit in found] == [["p1"], ["p1"], [], ["p1"], ["p1"]]
    assert json.loads(found[0].records[-1].raw) == {"accountId": "p1", "displayName": "P1"}
    (gap,) = [gap for unit in found for gap in unit.gaps]
    assert (gap.kind, gap.count) == ("watcher", 3)


def test_few_watched_issues_are_asked_one_by_one_although_people_are_known() -> None:
    one = Reply.json({"watchers": [{"accountId": "p1"}]})
    _, seen = units(PlayedJira([watched(1, 1), watched(2, 0)], watchers=one), people=["p1", "p2", "p3"])

    assert asked(seen, "/search/jql") == 0
    assert asked(seen, "/watchers") == 1


def test_issues_that_state_as_many_watchers_as_are_stored_are_not_asked_and_the_others_are() -> None:
    kept, grown = b'{"accountId": "kept",  "n": 1e2}', b'{"accountId": "old"}'
    stored = {"watcher": {"1": [kept], "2": [grown], "4": [grown]}}
    one = Reply.json({"watchers": [{"accountId": "p1"}, {"accountId": "p2"}]})
    issues = [watched(1, 1), watched(2, 2), watched(3, 0), watched(4, 0)]

    found, seen = units(PlayedJira(issues, watchers=one), stored_people=stored)

    assert asked(seen, "/watchers") == 1
    assert [kinds(unit, "watcher") for unit in found] == [["kept"], ["p1", "p2"], [], []]
    assert found[0].records[-1].raw == kept


def test_watchers_that_cannot_be_asked_for_are_a_gap_with_their_number() -> None:
    (unit,), _ = units(PlayedJira([watched(1, 4)]))

    assert [(gap.kind, gap.count, gap.status) for gap in unit.gaps] == [("watcher", 4, 404)]


# --- site and lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "myself",
    [
        {},
        {"displayName": "nobody"},
        {"accountId": "a", "accountType": "customer"},
        {"accountId": "a", "active": False},
    ],
)
def test_an_account_that_can_see_nothing_is_refused(myself: dict[str, Any]) -> None:
    with pytest.raises(CredentialsRejected):
        asking(PlayedJira(myself=Reply.json(myself)), lambda reader: reader.whoami())


def test_a_site_without_cloud_id_has_the_same_made_up_one_at_every_run() -> None:
    def ids() -> str:
        info = Reply.json({"baseUrl": "https://Site.example.net/"})
        played = PlayedJira(
            myself=Reply.json({"accountId": "a"}), serverInfo=info, tenant_info=Reply(200, b"<html>")
        )
        account, _ = asking(played, lambda reader: reader.whoami())
        assert account.server_time.year >= 2026
        return str(account.cloud_id)

    assert ids() == ids()


def test_archived_projects_are_listed_where_jira_lists_them_and_no_error_where_not() -> None:
    def search(seen: Seen) -> Reply:
        archived = seen.query.get("status") == ["archived"]
        project = {
            "id": "2" if archived else "1",
            "key": "OLD" if archived else "K",
            "name": "n",
            "projectKeys": ["K", "X"],
        }
        return Reply.json({"values": [project], "isLast": True, "total": 1})

    projects, _ = asking(PlayedJira(project__search=search), lambda reader: list(reader.projects()))
    assert [(p.identity.key, p.is_archived) for p in projects] == [("K", False), ("OLD", True)]
    assert projects[0].identity.former_keys == ("X",)

    def refusing(seen: Seen) -> Reply:
        return Reply.json({}, 400) if seen.query.get("status") == ["archived"] else search(seen)

    projects, _ = asking(PlayedJira(project__search=refusing), lambda reader: list(reader.projects()))
    assert [p.identity.key for p in projects] == ["K"]


def test_role_links_are_followed_by_their_id_and_never_to_their_host() -> None:
    links = Reply.json(
        {"Admins": "https://elsewhere.example.net/rest/api/3/project/1/role/10002", "Users": "/role/10003"}
    )
    played = PlayedJira(project__1__role=links, role__10002=Reply.json({"id": 10002, "name": "Admins"}))
    listed, seen = asking(played, lambda reader: reader.list_kind(BY_NAME["role_actors"], project_id="1"))

    assert [record.id for record in listed.records] == ["10002"]
    assert [gap.subject for gap in listed.gaps] == ["role_actors 10003"]
    assert {one.path for one in seen} == {
        f"/rest/api/3/project/1/role{end}" for end in ("", "/10002", "/10003")
    }


def test_a_link_without_an_id_is_named() -> None:
    with pytest.raises(UnexpectedAnswer, match="does not end with an id"):
        asking(
            PlayedJira(project__1__role=Reply.json({"Admins": "/role/..%2F..%2Fmyself"})),
            lambda reader: reader.list_kind(BY_NAME["role_actors"], project_id="1"),
        )


def test_a_refused_kind_is_a_gap_and_a_thing_without_id_too() -> None:
    listed, _ = asking(PlayedJira(), lambda reader: reader.list_kind(BY_NAME["field"]))
    assert [(gap.kind, gap.status) for gap in listed.gaps] == [("field", 404)]

    played = PlayedJira(field=Reply.json([{"id": "summary"}, {"name": "without"}, {"id": "summary"}]))
    listed, _ = asking(played, lambda reader: reader.list_kind(BY_NAME["field"]))
    assert [record.id for record in listed.records] == ["summary"]
    assert [gap.subject for gap in listed.gaps] == ["field without an id"]


def test_a_count_that_jira_does_not_give_is_none() -> None:
    for answer in (Reply.json({}, 400), Reply.json({"count": None}), Reply.json({"count": True})):
        played = PlayedJira()
        played.answers["/approximate-count"] = answer
        count, _ = asking(played, lambda reader: reader.issue_count("1"))
        assert count is None
