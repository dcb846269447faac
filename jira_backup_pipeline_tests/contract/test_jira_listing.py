"""Lists of site and project level: asked for each parent, narrowed where Jira refuses, and gaps for what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline_tests.doubles.played_jira import PlayedJira, asking
from jira_backup_pipeline_tests.doubles.scripted_http import Reply

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.readings import Listed
    from jira_backup_pipeline_tests.doubles.scripted_http import Seen

REFUSED = Reply.json({"errorMessages": ["Not for you."]}, 403)


def record(kind: str, record_id: str, **value: Any) -> Record:
    return Record(kind, record_id, json.dumps(value).encode(), value)


def listed(kind: str, played: PlayedJira, **known: list[Record]) -> tuple[Listed, list[Seen]]:
    return asking(played, lambda reader: reader.list_kind(BY_NAME[kind], known=known))


def page(*values: dict[str, Any], total: int | None = None) -> Reply:
    number = len(values) if total is None else total
    return Reply.json({"values": list(values), "startAt": 0, "maxResults": 50, "total": number})


SELECT = "com.atlassian.jira.plugin.system.customfieldtypes:select"
FIELDS = [
    record("field", "customfield_1", id="customfield_1", schema={"custom": SELECT}),
    record("field", "customfield_2", id="customfield_2", schema={"custom": "elsewhere:number"}),
    record("field", "summary", id="summary", schema={"system": "summary"}),
]
CONTEXTS = [
    record("field_context", "customfield_1/11", id="11", isGlobalContext=True),
    record("field_context", "customfield_2/21", id="21", isGlobalContext=False),
]


def test_a_list_is_asked_for_each_parent_that_can_have_it() -> None:
    played = PlayedJira(
        customfield_1__context=page({"id": "11"}, {"id": "12"}), customfield_2__context=page({"id": "21"})
    )

    found, seen = listed("field_context", played, field=FIELDS)

    assert [item.id for item in found.records] == ["customfield_1/11", "customfield_1/12", "customfield_2/21"]
    assert [dict(item.extra) for item in found.records[:2]] == [{"parent_id": "customfield_1"}] * 2
    assert (found.declared, found.gaps, found.unread) == (3, (), ())
    assert len(seen) == 2


def test_a_condition_looks_at_an_ancestor_and_a_path_names_both() -> None:
    played = PlayedJira(option=page({"id": "7", "value": "red"}))

    found, seen = listed("field_option", played, field=FIELDS, field_context=CONTEXTS)

    assert [one.path for one in seen] == ["/rest/api/3/field/customfield_1/context/11/option"]
    assert [item.id for item in found.records] == ["customfield_1/11/7"]


def test_a_query_is_filled_from_the_parent() -> None:
    played = PlayedJira(projectmapping=page({"contextId": "21", "projectId": "10000"}))

    found, seen = listed("field_context_project", played, field=FIELDS, field_context=CONTEXTS)

    assert [one.query["contextId"] for one in seen] == [["21"]]
    assert [one.path for one in seen] == ["/rest/api/3/field/customfield_2/context/projectmapping"]
    assert [item.id for item in found.records] == ["customfield_2/21/10000"]


def test_a_path_takes_members_of_the_parent() -> None:
    tabs = [record("screen_tab", "5", screenId=3, tabId=5)]

    found, seen = listed("screen_field", PlayedJira(fields=Reply.json([{"id": "summary"}])), screen_tab=tabs)

    assert [one.path for one in seen] == ["/rest/api/3/screens/3/tabs/5/fields"]
    assert [item.id for item in found.records] == ["5/summary"]


def test_a_refused_parent_is_a_gap_beside_what_others_gave() -> None:
    gone = Reply.json({"errorMessages": ["Not there."]}, 404)
    played = PlayedJira(customfield_1__context=gone, customfield_2__context=page({"id": "21"}))

    found, _ = listed("field_context", played, field=FIELDS)

    (gap,) = found.gaps
    assert (
        gap.kind,
        gap.subject,
        gap.status,
    ) == ("field_context", "contexts of custom fields of field customfield_1", 404)
    assert gap.remedy
    assert gap.is_accepted(())
    assert [item.id for item in found.records] == ["customfield_2/21"]
    assert found.unread == ("customfield_1",)
    assert found.declared == len(found.records) + 1


def test_a_list_that_is_not_there_at_all_is_not_called_deleted() -> None:
    played = PlayedJira(board=Reply(404, b"<html>", {"Content-Type": "text/html"}))

    found, _ = listed("board", played)

    (gap,) = found.gaps
    assert (gap.subject, gap.status) == ("boards", 404)
    assert "no such list here" in gap.remedy
    assert "eleted" not in gap.remedy


def test_a_right_that_is_missing_is_asked_for_once_and_told_once() -> None:
    found, seen = listed("field_context", PlayedJira(context=REFUSED), field=FIELDS)

    (gap,) = found.gaps
    assert (gap.subject, gap.status, gap.count) == ("contexts of custom fields of 2 of field", 403, 2)
    assert gap.is_accepted(())
    assert len(seen) == 1
    assert (found.declared, found.unread) == (2, ("customfield_1", "customfield_2"))


def test_what_one_parent_hides_says_nothing_of_the_others() -> None:
    boards = [record("board", "1", id=1), record("board", "2", id=2)]
    played = PlayedJira(board__1__quickfilter=REFUSED, board__2__quickfilter=page({"id": 7}))

    found, _ = listed("board_quick_filter", played, board=boards)

    assert [gap.subject for gap in found.gaps] == ["quick filters of boards of board 1"]
    assert [item.id for item in found.records] == ["2/7"]


def test_a_list_that_breaks_off_keeps_what_came_and_counts_the_rest() -> None:
    first = page({"id": "11"}, total=5)

    def answer(seen: Seen) -> Reply:
        return first if seen.query["startAt"] == ["0"] else Reply.json({"errorMessages": ["no"]}, 400)

    found, _ = listed("issue_type_scheme", PlayedJira(issuetypescheme=answer))

    (gap,) = found.gaps
    assert (gap.count, gap.status) == (4, 400)
    assert not gap.is_accepted(())
    assert ([item.id for item in found.records], found.declared, found.unread) == (["11"], 5, ("",))


def test_filters_of_others_are_a_gap_where_only_an_administrator_may_list_them() -> None:
    def answer(seen: Seen) -> Reply:
        wide = "overrideSharePermissions" in seen.query
        return Reply.json({"errorMessages": ["no"]}, 400) if wide else page({"id": "1", "name": "Mine"})

    found, seen = listed("filter", PlayedJira(filter__search=answer))

    (gap,) = found.gaps
    assert gap.subject == "filters that only overrideSharePermissions shows"
    assert gap.is_accepted(())
    assert [item.id for item in found.records] == ["1"]
    assert (len(seen), found.unread) == (2, ("",))


def test_properties_are_listed_by_key_and_read_one_by_one() -> None:
    keys = Reply.json({"keys": [{"key": "a"}, {"key": "b"}]})
    played = PlayedJira(
        properties=keys, properties__a=Reply.json({"key": "a", "value": 1}), properties__b=REFUSED
    )
    projects = [record("site_project", "10000")]

    found, _ = listed("project_property", played, site_project=projects)

    assert [item.id for item in found.records] == ["10000/a"]
    assert [gap.status for gap in found.gaps] == [403]
    assert (found.declared, found.unread) == (2, ("10000/b",))


def test_the_only_one_of_its_kind_has_the_name_of_the_kind() -> None:
    played = PlayedJira(announcementBanner=Reply.json({"message": "Hello", "isEnabled": True}))

    found, _ = listed("announcement_banner", played)

    assert [item.id for item in found.records] == ["announcement_banner"]


def test_a_record_without_an_id_is_a_gap_that_is_never_accepted() -> None:
    found, _ = listed("group", PlayedJira(bulk=page({"name": "nameless"}, {"groupId": "g", "name": "named"})))

    (gap,) = found.gaps
    assert not gap.is_accepted(())
    assert ([item.id for item in found.records], found.declared, found.unread) == (["g"], 2, ("",))
