"""The less usual ways in which Jira hands out lists: by cursor, for many parents at once, by other words, beside another list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.jira.wire.addresses import address_of
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline_tests.contract.test_jira_listing import REFUSED, listed, page, record
from jira_backup_pipeline_tests.contract.test_jira_reading import reader_of
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, asking
from jira_backup_pipeline_tests.doubles.scripted_http import Reply

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.readings import Listed
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.jira.reader import CloudReader
    from jira_backup_pipeline_tests.doubles.scripted_http import Seen

TENANT = Reply.json({"cloudId": "c-1"})


def projects(count: int) -> list[Record]:
    return [record("site_project", str(number), id=str(number)) for number in range(10_000, 10_000 + count)]


def group_of(seen: Seen, scheme: str = "1") -> dict[str, Any]:
    return {"issueTypeScheme": {"id": scheme, "name": "S"}, "projectIds": seen.query["projectId"]}


def test_a_list_by_cursor_goes_on_where_the_answer_says() -> None:
    def plans(seen: Seen) -> Reply:
        if "cursor" not in seen.query:
            return Reply.json({"values": [{"id": "1"}], "nextPageCursor": "two", "last": False})
        return Reply.json({"values": [{"id": "2"}], "cursor": "two", "last": True, "nextPageCursor": "three"})

    found, seen = listed("plan", PlayedJira(plans__plan=plans))

    assert [item.id for item in found.records] == ["1", "2"]
    assert [one.query.get("cursor") for one in seen] == [None, ["two"]]
    assert {(one.query["maxResults"][0], one.query["includeArchived"][0]) for one in seen} == {("50", "true")}


@pytest.mark.parametrize(
    "link", ["?cursor=a%2Fb%3D&limit=100", "https://elsewhere.example/x?cursor=a%2Fb%3D"]
)
def test_a_cursor_is_taken_out_of_an_address_and_its_host_is_never_asked(link: str) -> None:
    def rules(seen: Seen) -> Reply:
        if "cursor" not in seen.query:
            return Reply.json({"data": [{"uuid": "u-1", "name": "One"}], "links": {"next": link}})
        return Reply.json({"data": [{"uuid": "u-2", "name": "Two"}], "links": {"next": None}})

    found, seen = listed("automation_rule_summary", PlayedJira(rule__summary=rules, tenant_info=TENANT))

    assert [item.id for item in found.records] == ["u-1", "u-2"]
    asked = [one for one in seen if one.path.endswith("/rule/summary")]
    assert [one.query.get("cursor") for one in asked] == [None, ["a/b="]]
    assert {one.path for one in asked} == {"/gateway/api/automation/public/jira/c-1/rest/v1/rule/summary"}


def test_a_cursor_that_comes_back_is_an_error_and_no_endless_list() -> None:
    answer = Reply.json({"values": [{"id": "1"}], "nextPageCursor": "again"})

    with pytest.raises(UnexpectedAnswer, match="same page token"):
        listed("plan", PlayedJira(plans__plan=answer))


def test_a_site_that_tells_no_cloud_id_is_a_gap_without_a_question() -> None:
    found, seen = listed("automation_rule_summary", PlayedJira())

    (gap,) = found.gaps
    assert "cloud id" in gap.reason
    assert "api.atlassian.com/ex/jira" in gap.remedy
    assert (found.records, found.unread) == ((), ("",))
    assert [one.path for one in seen] == ["/_edge/tenant_info"]


def test_rules_that_the_account_may_not_list_are_an_accepted_gap_that_tells_the_right() -> None:
    found, _ = listed("automation_rule_summary", PlayedJira(rule__summary=REFUSED, tenant_info=TENANT))

    (gap,) = found.gaps
    assert gap.is_accepted(())
    assert "Administer Jira" in gap.remedy


def test_webhooks_of_administrators_are_known_by_the_end_of_their_own_address() -> None:
    hooks = [
        {"self": "https://example.test/rest/webhooks/1.0/webhook/72", "name": "one"},
        {"self": "https://example.test/rest/webhooks/1.0/webhook/73/", "name": "two"},
        {"name": "without an address"},
    ]

    found, seen = listed("admin_webhook", PlayedJira(webhook=Reply.json(hooks)))

    assert [one.path for one in seen] == ["/rest/webhooks/1.0/webhook"]
    assert [(record.id, record.value["name"]) for record in found.records] == [("72", "one"), ("73", "two")]
    assert [gap.subject for gap in found.gaps] == ["admin_webhook without an id"]
    assert found.declared == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_or_account_without_webhooks_of_administrators_is_an_accepted_gap(status: int) -> None:
    refusal = Reply.json({"errorMessages": ["No."]}, status)

    found, _ = listed("admin_webhook", PlayedJira(webhook=refusal, myself=Reply.json({"accountId": "me"})))

    (gap,) = found.gaps
    assert (gap.status, gap.is_accepted(()), "Administer Jira" in gap.remedy) == (status, True, True)


def test_what_is_served_beside_jira_is_asked_on_the_configured_host() -> None:
    target = "/gateway/api/automation/public/jira/c/rest/v1/rule/summary?limit=1"

    assert address_of("https://x.atlassian.net", target) == f"https://x.atlassian.net{target}"
    assert (
        address_of("https://api.atlassian.com/ex/jira/c", target)
        == "https://api.atlassian.com/automation/public/jira/c/rest/v1/rule/summary?limit=1"
    )
    assert (
        address_of("https://api.atlassian.com/ex/jira/c", "/rest/api/3/field")
        == "https://api.atlassian.com/ex/jira/c/rest/api/3/field"
    )


def test_rules_are_read_through_the_site_and_through_the_gateway() -> None:
    with start_sandbox(projects=1, issues=1, seed=3) as sandbox:
        found = []
        for base_url in (sandbox.url, sandbox.gateway_url):
            reader = reader_of(sandbox, base_url)
            summaries = reader.list_kind(BY_NAME["automation_rule_summary"])
            known = {"automation_rule_summary": summaries.records}
            found.append((summaries, reader.list_kind(BY_NAME["automation_rule"], known=known)))
            reader.client.close()

    assert found[0] == found[1]
    assert [listing.gaps for listing in found[0]] == [(), ()]
    assert len(found[0][0].records) == len(found[0][1].records) == 2


def test_a_hundred_parents_are_asked_for_at_once() -> None:
    played = PlayedJira(issuetypescheme__project=lambda seen: page(group_of(seen)))

    found, seen = listed("issue_type_scheme_project", played, site_project=projects(250))

    assert sorted(len(one.query["projectId"]) for one in seen) == [50, 100, 100]
    assert [item.id for item in found.records] == ["10000", "10100", "10200"]
    assert (found.declared, found.gaps, found.unread) == (3, (), ())
    assert all("parent_id" not in item.extra for item in found.records)


def test_one_parent_that_spoils_a_batch_is_found_and_the_others_come() -> None:
    def answer(seen: Seen) -> Reply:
        if "10037" in seen.query["projectId"]:
            return Reply.json({"errorMessages": ["no such project"]}, 400)
        return page(group_of(seen))

    played = PlayedJira(issuetypescheme__project=answer)
    found, seen = listed("issue_type_scheme_project", played, site_project=projects(100))

    (gap,) = found.gaps
    assert (gap.subject, gap.status, gap.count) == (
        "projects of issue type schemes of site_project 10037",
        400,
        1,
    )
    told = {project for item in found.records for project in item.value["projectIds"]}  # type: ignore[index,call-overload]
    assert told == {str(number) for number in range(10_000, 10_100)} - {"10037"}
    assert found.declared == len(found.records) + 1
    assert found.unread == ("",)
    # Halving a hundred: two questions for each of seven steps, after one for the first project (which is not to blame).
    assert len(seen) <= 16


@pytest.mark.parametrize("status", [400, 404])
def test_a_list_that_is_switched_off_is_not_asked_project_by_project(status: int) -> None:
    switched_off = Reply.json({"errorMessages": ["The feature is not enabled."]}, status)
    played = PlayedJira(fieldschemes__projects=switched_off)

    found, seen = listed("field_scheme_project", played, site_project=projects(90))

    (gap,) = found.gaps
    assert (gap.status, gap.count, len(seen)) == (status, 90, 3)
    assert gap.is_accepted(())
    assert len(found.unread) == found.declared == 90


def test_a_batch_that_is_refused_for_who_asks_is_one_gap() -> None:
    found, seen = listed(
        "workflow_scheme_project", PlayedJira(workflowscheme__project=REFUSED), site_project=projects(30)
    )

    (gap,) = found.gaps
    assert (gap.count, gap.subject) == (30, "projects of workflow schemes of 30 of site_project")
    assert gap.is_accepted(())
    assert (len(seen), found.declared, found.unread) == (1, 30, ("",))


def test_a_group_without_a_scheme_is_kept_and_one_without_projects_says_nothing() -> None:
    answer = page({"projectIds": []}, {"projectIds": ["10001"]}, group_of_two())
    played = PlayedJira(fieldconfigurationscheme__project=answer)

    found, _ = listed("field_configuration_scheme_project", played, site_project=projects(3))

    assert [item.id for item in found.records] == ["10001", "10000"]
    assert (found.declared, found.gaps) == (2, ())


def group_of_two() -> dict[str, Any]:
    return {"fieldConfigurationScheme": {"id": "7", "name": "F"}, "projectIds": ["10000", "10002"]}


def test_what_is_missing_of_a_batch_is_missing_in_the_ledger_too() -> None:
    values = {"values": [{"projectId": 10_000, "schemeId": 1}], "total": 3, "isLast": True}

    def answer(seen: Seen) -> Reply:
        return Reply.json(values if seen.query["startAt"] == ["0"] else {"values": [], "total": 3})

    played = PlayedJira(fieldschemes__projects=answer)
    found, _ = listed("field_scheme_project", played, site_project=projects(3))

    assert [item.id for item in found.records] == ["10000"]
    assert found.declared == 3


def test_a_parent_that_was_not_asked_for_is_a_gap() -> None:
    played = PlayedJira(fieldschemes__projects=page({"projectId": 1, "schemeId": 1}))

    found, _ = listed("field_scheme_project", played, site_project=projects(1))

    (gap,) = found.gaps
    assert "not asked for" in gap.subject
    assert not gap.is_accepted(())
    assert (found.records, found.declared) == ((), 1)


def test_contexts_of_one_field_are_asked_for_together_and_of_two_apart() -> None:
    contexts = [
        record("field_context", f"customfield_{field}/{field}{number}", isGlobalContext=False)
        for field, number in ((1, 1), (1, 2), (2, 1))
    ]

    def answer(seen: Seen) -> Reply:
        return page(*({"contextId": one, "projectId": "10000"} for one in seen.query["contextId"]))

    found, seen = listed("field_context_project", PlayedJira(projectmapping=answer), field_context=contexts)

    assert sorted((one.path.split("/")[5], one.query["contextId"]) for one in seen) == [
        ("customfield_1", ["11", "12"]),
        ("customfield_2", ["21"]),
    ]
    assert sorted(item.id for item in found.records) == [
        "customfield_1/11/10000",
        "customfield_1/12/10000",
        "customfield_2/21/10000",
    ]
    assert {item.extra["parent_id"] for item in found.records} == {"11", "12", "21"}


def test_only_schemes_that_show_less_than_they_have_are_asked_for_the_rest() -> None:
    schemes = [
        record("priority_scheme", "1", projects={"total": 1, "values": [{"id": "10000"}]}),
        record("priority_scheme", "2", projects={"total": 2, "values": [{"id": "10001"}]}),
        record("priority_scheme", "3"),
    ]
    played = PlayedJira(priorityscheme__2__projects=page({"id": "10001"}, {"id": "10002"}))

    found, seen = listed("priority_scheme_project", played, priority_scheme=schemes)

    assert [item.id for item in found.records] == ["2/10001", "2/10002"]
    assert len(seen) == 1


def test_an_empty_answer_says_that_there_is_nothing() -> None:
    found, _ = listed("time_tracking", PlayedJira(timetracking=Reply(204)))

    assert (found.records, found.gaps, found.declared) == ((), (), 0)


def test_a_label_is_its_own_id() -> None:
    found, seen = listed("label", PlayedJira(label=Reply.json({"values": ["a/b", "ü"], "total": 2})))

    assert [(item.id, item.value, item.raw) for item in found.records] == [
        ("a/b", "a/b", b'"a/b"'),
        ("ü", "ü", b'"\\u00fc"'),
    ]
    assert seen[0].query["maxResults"] == ["1000"]


def test_a_field_that_only_the_other_list_shows_is_added_once() -> None:
    details = [
        record("field_detail", "summary", id="summary", name="Summary"),
        record("field_detail", "customfield_9", id="customfield_9", name="Retired"),
    ]
    played = PlayedJira(field=Reply.json([{"id": "summary", "name": "Summary", "custom": False}]))

    found, _ = listed("field", played, field_detail=details)

    assert [(item.kind, item.id) for item in found.records] == [
        ("field", "summary"),
        ("field", "customfield_9"),
    ]
    assert found.records[0].value == {"id": "summary", "name": "Summary", "custom": False}
    assert found.records[1].raw == details[1].raw
    assert found.declared == 2


def test_fields_stay_known_where_their_own_list_is_refused() -> None:
    details = [record("field_detail", "customfield_9", id="customfield_9")]

    found, _ = listed("field", PlayedJira(field=REFUSED), field_detail=details)

    assert [item.id for item in found.records] == ["customfield_9"]
    assert ([gap.status for gap in found.gaps], found.unread) == ([403], ("",))


def test_service_desks_are_paged_in_their_own_words() -> None:
    def answer(seen: Seen) -> Reply:
        start = int(seen.query["start"][0])
        return Reply.json({"values": [{"id": str(start)}], "size": 1, "isLastPage": start == 1})

    found, seen = listed("service_desk", PlayedJira(servicedesk=answer))

    assert [item.id for item in found.records] == ["0", "1"]
    assert [one.query["limit"] for one in seen] == [["50"], ["50"]]


def test_names_and_types_of_fields_are_those_that_a_search_shows() -> None:
    answer = Reply.json(
        {
            "issues": [{"id": "1"}],
            "names": {"summary": "Zusammenfassung", "customfield_1": "Größe"},
            "schema": {"summary": {"type": "string", "system": "summary"}},
        }
    )

    def ask(reader: CloudReader) -> Listed:
        return reader.list_kind(BY_NAME["issue_field"], project_id="10000")

    found, seen = asking(PlayedJira(search__jql=answer), ask)

    assert [(item.id, item.extra["name"], item.raw) for item in found.records] == [
        ("summary", "Zusammenfassung", b'{"type": "string", "system": "summary"}'),
        ("customfield_1", "Größe", json.dumps("Größe").encode()),
    ]
    assert seen[0].query["jql"] == ["project = 10000 ORDER BY id"]


def test_names_and_types_of_fields_are_those_that_the_asked_issues_show() -> None:
    def issues(seen: Seen) -> Reply:
        assert (seen.document["fields"], seen.document["expand"]) == (["*all"], ["names", "schema"])
        shown = {"1": {"summary": "Summary", "customfield_1": "Size"}, "2": {"customfield_2": "Weight"}}
        schema = {"customfield_1": {"type": "number"}}
        return Reply.json(
            {
                "issues": [
                    {"id": i, "key": f"K-{i}", "fields": {}, "names": shown[i], "schema": schema}
                    for i in seen.document["issueIdsOrKeys"]
                    if i in shown
                ]
            }
        )

    def ask(reader: CloudReader) -> list[Listed]:
        return [reader.field_names(ids) for ids in (["1", "2"], ["2", "9"], [])]

    (whole, short, nothing), _ = asking(PlayedJira(issue__bulkfetch=issues), ask)

    assert [(item.id, item.extra["name"], item.raw) for item in whole.records] == [
        ("summary", "Summary", b'"Summary"'),
        ("customfield_1", "Size", b'{"type": "number"}'),
        ("customfield_2", "Weight", b'"Weight"'),
    ]
    # Of the fields of an issue that does not come nothing is known.
    assert (whole.unread, short.unread, nothing.records) == ((), ("",), ())


def test_refused_names_of_fields_are_a_gap() -> None:
    found, _ = asking(
        PlayedJira(issue__bulkfetch=REFUSED), lambda reader: reader.field_names([str(n) for n in range(150)])
    )

    assert [(gap.kind, gap.subject, gap.status) for gap in found.gaps] == [
        ("issue_field", "names and types of the fields of 100 issues", 403),
        ("issue_field", "names and types of the fields of 50 issues", 403),
    ]
    assert all(gap.remedy for gap in found.gaps)
    assert found.unread == ("",)


def test_lists_of_more_than_a_page_are_read_to_their_end() -> None:
    """More projects than one question names, more boards, plans and rules than a page holds."""
    kinds = ("plan", "automation_rule_summary", "board", "issue_type_scheme_project", "field_scheme_project")
    with start_sandbox(projects=120, issues=1, seed=3) as sandbox:
        reader = reader_of(sandbox)
        known = {"site_project": reader.list_kind(BY_NAME["site_project"]).records}
        sandbox.core.log.reset()
        found = {kind: reader.list_kind(BY_NAME[kind], known=known) for kind in kinds}
        asked = [entry.template for entry in sandbox.core.log.entries()]
        reader.client.close()

    assert [len(found[kind].records) for kind in kinds] == [120, 121, 120, 120, 120]
    assert [(listing.gaps, listing.declared) for listing in found.values()] == [
        ((), len(listing.records)) for listing in found.values()
    ]
    # By cursor 50 and 100 at a time, by start 50, and a hundred projects in a question with 50 schemes to a page.
    counts = {template.rpartition("rest/")[2]: asked.count(template) for template in asked}
    assert counts == {
        "api/3/plans/plan": 3,
        "v1/rule/summary": 2,
        "agile/1.0/board": 3,
        "api/3/issuetypescheme/project": 3,
        "api/3/config/fieldschemes/projects": 2,
    } | {"/_edge/tenant_info": 1}


def test_that_there_are_no_projects_in_the_archive_is_no_gap() -> None:
    none = Reply.json({"errorMessages": ["No projects were found."]}, 404)

    found, seen = listed("archived_project", PlayedJira(project__search=none))

    assert (found.records, found.gaps, found.declared, found.unread) == ((), (), 0, ())
    assert seen[0].query["status"] == ["archived"]


@pytest.mark.parametrize("names", [{}, {"names": None, "schema": None}])
def test_a_project_without_issues_names_no_fields(names: dict[str, Any]) -> None:
    played = PlayedJira(search__jql=Reply.json({"issues": [], **names}))

    found, _ = asking(played, lambda reader: reader.list_kind(BY_NAME["issue_field"], project_id="10000"))

    assert (found.records, found.gaps, found.declared) == ((), (), 0)
