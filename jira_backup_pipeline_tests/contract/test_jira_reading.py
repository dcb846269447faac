"""The reader gives everything a site holds, as the exact bytes that came, in the documented number of requests."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import CredentialsRejected, NotFound
from jira_backup_pipeline.domain.kinds import BY_NAME, Level, kinds_at
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.exchange import Exchange
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.sandbox.setup.fields import searched_fields
from jira_backup_pipeline.sandbox.truth import truth_records
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jira_backup_pipeline.domain.readings import IssueUnit, Listed
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.jira.wire.messages import Response

_BULKFETCH = "POST /rest/api/3/issue/bulkfetch"
_CHANGELOG = "POST /rest/api/3/changelog/bulkfetch"
_SEARCH = "POST /rest/api/3/search/jql"
_WATCHERS = "GET /rest/api/3/issue/{issue_id}/watchers"
_REMOTE_LINKS = "GET /rest/api/3/issue/{issue_id}/remotelink"
_COMMENTS = "GET /rest/api/3/issue/{issue_id}/comment"
_SINGLE = "GET /rest/api/3/issue/{issue_id}"
_CHILD_LISTS = ("POST /rest/api/3/comment/list", "POST /rest/api/3/worklog/list")
_CHILDREN = (
    "comment",
    "worklog",
    "changelog",
    "attachment",
    "remote_link",
    "watcher",
    "vote",
    "issue_property",
)


# The made site has no service project, no project that is not live, and no priority scheme with more than a scheme shows with itself.
NOTHING_TO_LIST = {
    *("archived_project", "trashed_project"),
    *("service_desk", "request_type", "request_type_field", "request_type_group", "queue"),
    *("organization", "organization_member", "service_desk_organization", "customer"),
    *("priority_scheme_priority", "priority_scheme_project"),
}


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSandbox]:
    with start_sandbox(projects=2, issues=320, seed=11) as running:
        yield running


def reader_of(site: RunningSandbox, base_url: str | None = None) -> CloudReader:
    config = JiraConfig(base_url or site.url, site.email, Secret(site.token))
    return CloudReader(connect(config, timing=PlayedTime().timing()))


@pytest.fixture
def reader(site: RunningSandbox) -> Iterator[CloudReader]:
    site.faults.clear()
    reader = reader_of(site)
    yield reader
    reader.client.close()


@pytest.fixture(scope="module")
def truth(site: RunningSandbox) -> dict[str, dict[str, dict[str, Any]]]:
    """What the site knows of itself: kind -> issue or project id -> record id -> record."""
    known: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for line in truth_records(site.site):
        if line["visible"]:
            # The site names watchers, votes and properties by issue too; we keep the issue in a column of its own.
            of_parent = known[line["kind"]][str(line["issue_id"] or line["project_id"])]
            of_parent[line["id"].rpartition("/")[2]] = line["record"]
    return known


def first_project(reader: CloudReader) -> str:
    return next(reader.projects()).identity.id


def people_of(reader: CloudReader) -> list[str]:
    return [person.id for person in reader.list_kind(BY_NAME["person"]).records]


def units_of(reader: CloudReader, **options: Any) -> dict[str, IssueUnit]:
    ids = list(reader.issue_ids(first_project(reader)))
    reader.take_request_counts()
    return {unit.issue_id: unit for unit in reader.issue_units(ids, **options)}


def test_the_account_the_site_and_its_clock_are_known(site: RunningSandbox, reader: CloudReader) -> None:
    account = reader.whoami()

    assert account.account_id == site.site.backup_account_id
    assert account.cloud_id == site.cloud_id
    assert account.base_url == site.url
    assert abs(account.server_time.timestamp() * 1000 - site.site.now()) < 120_000


def test_the_gateway_gives_the_same_site(site: RunningSandbox) -> None:
    reader = reader_of(site, site.gateway_url)

    assert reader.whoami().cloud_id == site.cloud_id
    assert len(list(reader.projects())) == 2
    assert len(units_of(reader, links_of=())) == 160
    reader.client.close()


def test_a_wrong_token_is_an_error_and_not_an_empty_site(site: RunningSandbox) -> None:
    client = connect(JiraConfig(site.url, site.email, Secret("wrong")), timing=PlayedTime().timing())

    with pytest.raises(CredentialsRejected, match="HINT: Check e-mail and API token"):
        CloudReader(client).whoami()


def test_projects_come_with_their_counts_and_keys(site: RunningSandbox, reader: CloudReader) -> None:
    projects = list(reader.projects())

    known = {str(project.project_id) for project in site.site.projects.values()}
    assert len(known) == 2
    assert known == {project.identity.id for project in projects}
    assert [project.issue_count for project in projects] == [160, 160]
    assert [reader.issue_count(project.identity.id) for project in projects] == [160, 160]


@pytest.fixture(scope="module")
def listings(site: RunningSandbox) -> dict[str, Listed]:
    """Every kind of site and project level, read once, parents before what hangs on them."""
    reader = reader_of(site)
    project_id = first_project(reader)
    known: dict[str, Sequence[Record]] = {}
    listings = {}
    for kind in kinds_at(Level.SITE, Level.PROJECT):
        listings[kind.name] = reader.list_kind(kind, project_id=project_id, known=known)
        known[kind.name] = listings[kind.name].records
    reader.client.close()
    return listings


@pytest.mark.parametrize("kind", [kind.name for kind in kinds_at(Level.SITE, Level.PROJECT)])
def test_every_site_and_project_kind_is_listed_without_a_gap(listings: dict[str, Listed], kind: str) -> None:
    listed = listings[kind]
    if kind in NOTHING_TO_LIST:
        assert (listed.records, listed.declared, listed.gaps) == ((), 0, ())
        return
    if kind == "webhook":
        assert [gap.status for gap in listed.gaps] == [403]
        return

    # Of a filter that somebody else keeps, an administrator sees everything but the columns.
    kept = ["90000"] if kind == "filter_column" else []
    assert [(gap.status, gap.count) for gap in listed.gaps] == [(400, 1) for _ in kept]
    assert list(listed.unread) == kept
    assert listed.records
    assert listed.declared == len(listed.records) + len(kept)
    for record in listed.records:
        assert json.loads(record.raw) == record.value


def test_the_configuration_costs_no_request_that_the_documents_do_not_require(site: RunningSandbox) -> None:
    """One page of each list, one of each parent that can have such a list, and the page that ends the people."""
    reader = reader_of(site)
    project_id = first_project(reader)
    site.core.log.reset()
    known: dict[str, Sequence[Record]] = {}
    for kind in kinds_at(Level.SITE):
        known[kind.name] = reader.list_kind(kind, project_id=project_id, known=known).records
    reader.client.close()
    asked = [(entry.path, entry.query) for entry in site.core.log.entries()]

    custom = [field for field in searched_fields(site.site) if field.custom]
    choices = [field for field in custom if field.kind in {"select", "multiselect", "cascadingselect"}]
    second = sum(field.kind == "multiselect" for field in custom)
    lists = sum(not kind.listing.is_per_parent for kind in kinds_at(Level.SITE))
    projects = len(known["site_project"])
    required = (
        lists
        + 2 * len(custom)  # contexts and defaults
        + 2 * second  # projects and types of the contexts that are not for all
        + len(choices)
        + second  # options by context
        + len(known["screen_tab"])
        + len(known["field_configuration"])
        + len(known["field_scheme"])
        + len(known["filter"])
        + len(known["dashboard"])
        + 2 * len(known["dashboard_gadget"])  # the keys of its settings, and the one setting it has
        + 5 * len(known["board"])  # configuration, sprints, quick filters, features, keys of properties
        + len(known["board_property"])
        + 4 * projects  # keys of properties, e-mail, avatars, permission scheme
        + len(known["project_property"])
        + 5  # what the projects follow, all of them at once
        + len(known["group"])
        + 2 * len(known["plan"])
        + len(known["automation_rule"])
    )
    assert len(asked) == len(set(asked))
    assert required <= len(asked) <= 1.2 * required


def test_ids_are_walked_in_order_and_each_once(reader: CloudReader) -> None:
    ids = list(reader.issue_ids(first_project(reader)))

    assert len(ids) == 160
    assert sorted(set(ids), key=int) == ids


def test_an_unknown_project_is_named(reader: CloudReader) -> None:
    with pytest.raises(NotFound, match="refuses to search project 99999"):
        list(reader.issue_ids("99999"))
    with pytest.raises(NotFound, match="'KEY' is not a project's numeric id"):
        list(reader.issue_ids("KEY"))


def test_changed_issues_are_those_since_the_moment(reader: CloudReader) -> None:
    units = units_of(reader, links_of=())
    moments = sorted(unit.updated_ms for unit in units.values())
    since = moments[-40]

    changed = dict(reader.changed_issues(first_project(reader), since))

    # Jira's queries know minutes only, so a few older ones may come along; none may be missing.
    expected = {issue_id: unit.updated_ms for issue_id, unit in units.items() if unit.updated_ms >= since}
    assert expected.items() <= changed.items()
    assert len(changed) < len(expected) + 10


def test_every_record_of_every_issue_is_read(
    reader: CloudReader, truth: dict[str, dict[str, dict[str, Any]]]
) -> None:
    units = units_of(reader, properties_of=None)

    assert len(units) == 160
    for issue_id, unit in units.items():
        assert unit.gaps == ()
        for kind in _CHILDREN:
            found = {record.id for record in unit.records if record.kind == kind}
            assert set(truth[kind].get(issue_id, {})) == found, (kind, issue_id)
            if kind in unit.declared:
                assert len(found) == unit.declared[kind]


def test_the_site_has_what_makes_this_test_worth_something(
    site: RunningSandbox, reader: CloudReader, truth: dict[str, dict[str, dict[str, Any]]]
) -> None:
    settings = site.site.settings

    assert max(len(of_issue) for of_issue in truth["comment"].values()) > settings.inline_comments
    assert all(truth[kind] for kind in _CHILDREN)
    assert first_project(reader)


def test_several_projects_share_the_searches_for_watchers_and_voters(reader: CloudReader) -> None:
    people = people_of(reader)
    projects = [project.identity.id for project in reader.projects()]
    ids = {project: list(reader.issue_ids(project)) for project in projects}

    def interested(**options: Any) -> tuple[set[tuple[str, str, str]], Counter[str]]:
        reader.take_request_counts()
        found = {
            (unit.issue_id, record.kind, record.id)
            for project in projects
            for unit in reader.issue_units(ids[project], links_of=(), **options)
            for record in unit.records
            if record.kind in ("watcher", "vote")
        }
        return found, Counter(reader.take_request_counts())

    one_by_one, _ = interested()
    by_project, apart = interested(people=people)
    reader.expect_issues(sum(map(len, ids.values())))
    by_site, together = interested(people=people)
    reader.expect_issues(0)

    assert one_by_one == by_project == by_site
    # Apart, one project's voters are too few for a search of every person: they are asked for issue by issue.
    assert apart[_SEARCH] == len(projects) * len(people)
    assert together[_SEARCH] == 2 * len(people)
    votes = "GET /rest/api/3/issue/{issue_id}/votes"
    assert apart[votes] > together[votes] == 0
    assert together.total() < apart.total()


def test_watchers_found_by_search_are_those_found_one_by_one(reader: CloudReader) -> None:
    one_by_one = units_of(reader, links_of=())
    counts = reader.take_request_counts()
    people = people_of(reader)
    searched = units_of(reader, links_of=(), people=people)
    counts_of_search = reader.take_request_counts()

    def watchers(units: dict[str, IssueUnit]) -> dict[str, set[str]]:
        return {
            issue_id: {record.id for record in unit.records if record.kind == "watcher"}
            for issue_id, unit in units.items()
        }

    assert watchers(one_by_one) == watchers(searched)
    assert counts[_WATCHERS] > len(people)
    assert _WATCHERS not in counts_of_search
    assert counts_of_search[_SEARCH] == len(people)


def properties(units: dict[str, IssueUnit]) -> dict[tuple[str, str], object]:
    return {
        (issue_id, record.id): record.value
        for issue_id, unit in units.items()
        for record in unit.records
        if record.kind == "issue_property"
    }


def test_issue_properties_have_the_values_of_the_site_and_the_bytes_that_came(
    reader: CloudReader, truth: dict[str, dict[str, dict[str, Any]]]
) -> None:
    units = units_of(reader, links_of=(), properties_of=None)
    counts = reader.take_request_counts()

    found = properties(units)
    expected = {
        (issue_id, key): record["value"]
        for issue_id, of_issue in truth["issue_property"].items()
        if issue_id in units
        for key, record in of_issue.items()
    }
    assert len({key for _, key in expected}) == 2
    assert expected == found
    assert counts[_SINGLE] == 160


def test_properties_whose_keys_are_known_cost_no_request(reader: CloudReader) -> None:
    everything = properties(units_of(reader, links_of=(), properties_of=None))
    before = Counter(reader.take_request_counts())
    known = {key for _, key in everything}
    named = units_of(reader, links_of=(), property_keys=known)
    after = Counter(reader.take_request_counts())

    assert everything == properties(named)
    assert before - after == Counter({_SINGLE: 160})
    assert after[_BULKFETCH] == 2


def test_keys_that_few_issues_show_are_asked_of_all(reader: CloudReader) -> None:
    everything = properties(units_of(reader, links_of=(), properties_of=None))
    shown = {key: issue_id for issue_id, key in everything}
    sampled = units_of(reader, links_of=(), properties_of=shown.values())
    counts = reader.take_request_counts()

    assert everything == properties(sampled)
    assert counts[_SINGLE] == len(set(shown.values()))


def test_more_than_five_keys_cost_one_more_small_bulk_fetch_for_every_five(reader: CloudReader) -> None:
    everything = properties(units_of(reader, links_of=(), properties_of=None))
    reader.take_request_counts()
    # Those that exist are the last two of twelve, so that they are in the third group of five.
    keys = {f"absent.{number}" for number in range(10)} | {key for _, key in everything}

    assert everything == properties(units_of(reader, links_of=(), property_keys=keys))
    assert reader.take_request_counts()[_BULKFETCH] == 3 * 2


def test_so_many_keys_that_naming_them_costs_more_than_asking_each_issue_are_not_named(
    reader: CloudReader,
) -> None:
    keys = {f"absent.{number}" for number in range(501)}

    found = units_of(reader, links_of=(), property_keys=keys)
    counts = reader.take_request_counts()

    assert properties(found)
    assert (counts[_SINGLE], counts[_BULKFETCH]) == (160, 2)


def test_properties_of_comments_and_worklogs_come_with_one_request_for_all(
    reader: CloudReader, truth: dict[str, dict[str, dict[str, Any]]]
) -> None:
    units = units_of(reader, links_of=())
    counts = reader.take_request_counts()

    for kind in ("comment", "worklog"):
        found = {
            (issue_id, record.id): json.loads(str(record.extra["properties"]))
            for issue_id, unit in units.items()
            for record in unit.records
            if record.kind == kind and record.extra
        }
        expected = {
            (issue_id, record_id): record["properties"]
            for issue_id, of_issue in truth[kind].items()
            if issue_id in units
            for record_id, record in of_issue.items()
            if record["properties"]
        }
        assert expected
        assert expected == found
    assert [counts[path] for path in _CHILD_LISTS] == [1, 1]


def test_issues_come_in_the_documented_number_of_requests(reader: CloudReader) -> None:
    units_of(reader, links_of=(), people=people_of(reader))
    counts = Counter(reader.take_request_counts())

    assert counts[_BULKFETCH] == 2
    assert counts[_CHANGELOG] == 1
    assert counts[_COMMENTS] <= 8


def test_slices_are_the_bytes_that_came(reader: CloudReader, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []
    read_whole = Exchange.read_whole

    def keeping(exchange: Exchange, deadline_seconds: float) -> Response:
        response = read_whole(exchange, deadline_seconds)
        bodies.append(response.body)
        return response

    monkeypatch.setattr(Exchange, "read_whole", keeping)
    for unit in list(units_of(reader, properties_of=None).values())[:40]:
        issue, *children = unit.records
        assert any(issue.raw in body for body in bodies)
        for record in children:
            inside = record.raw in issue.raw
            assert inside or any(record.raw in body for body in bodies)
            assert json.loads(record.raw) == record.value


def test_ids_that_jira_does_not_give_are_left_out(reader: CloudReader) -> None:
    ids = list(reader.issue_ids(first_project(reader)))[:3]

    units = list(reader.issue_units([ids[0], "999999999", *ids[1:]]))

    assert ids == [unit.issue_id for unit in units]


def test_issues_are_located_where_they_are_now(reader: CloudReader) -> None:
    ids = list(reader.issue_ids(first_project(reader)))[:2]

    found = reader.locate([*ids, "999999999"])

    assert set(ids) == set(found)
    assert all(located.project_id == first_project(reader) for located in found.values())


def test_remote_links_are_asked_of_the_named_issues_and_of_those_with_evidence(reader: CloudReader) -> None:
    ids = list(reader.issue_ids(first_project(reader)))
    reader.take_request_counts()

    list(reader.issue_units(ids, links_of=ids[:7]))

    assert 7 <= reader.take_request_counts()[_REMOTE_LINKS] < 160


def test_attachment_bytes_and_media_id_are_those_of_the_site(
    site: RunningSandbox, reader: CloudReader
) -> None:
    unit = next(
        unit
        for unit in units_of(reader, links_of=()).values()
        if any(record.kind == "attachment" for record in unit.records)
    )
    record = next(record for record in unit.records if record.kind == "attachment")

    found = reader.open_attachment(record.id)

    with found.stream as stream:  # type: ignore[union-attr]
        assert len(stream.read()) == record.value["size"]  # type: ignore[index]
    assert found.media_id is not None  # type: ignore[union-attr]
    assert site.media.leaked_credentials == 0
