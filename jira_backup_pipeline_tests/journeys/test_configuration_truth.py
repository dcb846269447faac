"""Every kind of the site's and the projects' configuration: what is stored is what the site says of itself, record by record."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from jira_backup_pipeline.domain.errors import UnknownName
from jira_backup_pipeline.domain.kinds import KINDS, Level, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, SnapshotState
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.reading import Snapshot
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.sandbox.setup.associations import picture
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.journeys.test_capture_truth import (
    Truth,
    backed_up,
    now,
    reader_of,
    stored,
    truth_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.outcomes import BackupOutcome
    from jira_backup_pipeline.repository.repository import Repository

    Backed = tuple[Any, Repository, BackupOutcome]

# Kinds whose records the site does not tell as one list of its own: compared by a test below.
ELSEWHERE = {"site_project", "project_property", "group_member", "sprint"}
# Jira shows these to the app that made them, which an account with a token is not.
NEVER_SHOWN = {"webhook"}
# Only filled where a scheme has more members than it shows with itself.
BEYOND_THE_SCHEME = {"priority_scheme_priority", "priority_scheme_project"}
# What hangs on one parent has that one's id before its own.
BELOW_A_PARENT = {"board_configuration"}


# Typed columns that the made site has no values for.
NEVER_FILLED: dict[str, list[str]] = {
    "archived_project": ["archived", "archived_by"],
    "dashboard": ["owner_id"],
    "dashboard_gadget": ["uri"],
    "field_configuration_item": ["renderer"],
    "resolution": ["is_default"],
    "screen": ["project_id"],
    "screen_scheme": ["edit_screen_id", "view_screen_id"],
    "time_tracking": ["url"],
    "time_tracking_provider": ["url"],
    "workflow": ["updated"],
}


def add_service_project(sandbox: Any) -> None:
    add_project(sandbox, "HELP", "service_desk")


def add_project(sandbox: Any, key: str, kind: str) -> None:
    lead = sandbox.site.backup_account_id
    project = {"key": key, "name": f"Project {key}", "projectTypeKey": kind, "leadAccountId": lead}
    asked(sandbox, "POST", "/project", project)


def asked(sandbox: Any, method: str, path: str, body: Any = None) -> None:
    auth = (sandbox.email, sandbox.token)
    assert requests.request(method, f"{sandbox.url}/rest/api/3{path}", json=body, auth=auth, timeout=60).ok


def first_project(sandbox: Any) -> int:
    return int(min(sandbox.site.projects))


def foreign_field(sandbox: Any) -> str:
    """A field that belongs to the team-managed project alone."""
    return str(next(field.field_id for field in sandbox.site.fields.values() if field.project_id is not None))


@pytest.fixture(scope="module")
def backed() -> Iterator[Backed]:
    """A site with a service project and a team-managed one beside the made ones, and its backup."""
    with start_sandbox(projects=2, issues=30, seed=11, team_managed=1) as sandbox:
        add_service_project(sandbox)
        newest = max(sandbox.site.versions)
        beside = {"category": "Design", "title": "Sketch", "url": "https://example.org/sketch"}
        oldest = min(v.version_id for v in sandbox.site.versions_of(sandbox.site.versions[newest].project_id))
        for version_id in (newest, oldest):
            asked(sandbox, "POST", f"/version/{version_id}/relatedwork", beside)
        # The release notes among it have neither id nor address.
        sandbox.site.versions[newest].related_work.append({"category": "Communication"})
        # The last issue of a project shows a field that no other issue of it has.
        last = max(i.issue_id for i in sandbox.site.issues.of_project(first_project(sandbox)))
        sandbox.edits.set_raw_field(str(last), foreign_field(sandbox), "7.5")
        add_project(sandbox, "OLD", "software")
        asked(sandbox, "POST", "/project/OLD/archive")
        add_project(sandbox, "GONE", "business")
        asked(sandbox, "DELETE", "/project/GONE?enableUndo=true")
        repository, outcome = backed_up(sandbox, MemoryStore())
        yield sandbox, repository, outcome


@pytest.fixture(scope="module")
def site_truth(backed: Backed) -> Truth:
    """What the site says of itself; what belongs to its boards is told with their projects."""
    sandbox, _, outcome = backed
    truth = truth_of(sandbox, None)
    for capture in outcome.captures[1:]:
        assert capture.manifest.project is not None
        for kind, records in truth_of(sandbox, capture.manifest.project.id).items():
            if kind in ("board", "board_configuration"):
                truth[kind].update(records)
    return truth


def manifest_of(backed: Backed, scope: str) -> Manifest:
    manifest = backed[1].latest(scope)
    assert manifest is not None
    return manifest


@pytest.mark.parametrize(
    "kind", [k for k in kinds_at(Level.SITE) if k.name not in ELSEWHERE], ids=lambda kind: str(kind.name)
)
def test_every_record_of_a_site_kind_is_stored_as_the_site_has_it(
    backed: Backed, site_truth: Truth, kind: Any
) -> None:
    site = manifest_of(backed, SITE_SCOPE)
    rows = {record_id: row for (_, record_id), row in stored(backed[1], site, kind.table).items()}
    expected = {record_id: record for (_, record_id), record in site_truth[kind.name].items()}
    if kind.name in NEVER_SHOWN:
        assert rows == {}
        assert [(gap.status, bool(gap.remedy)) for gap in site.gaps if gap.kind == kind.name] == [(403, True)]
        return
    if kind.name in BELOW_A_PARENT:
        expected = {f"{record_id}/{record_id}": record for record_id, record in expected.items()}
    assert rows.keys() == expected.keys()
    if kind.name == "group":
        expected = {i: {"name": record["name"], "groupId": i} for i, record in expected.items()}
    for record_id, record in expected.items():
        assert record == json.loads(rows[record_id]["raw"]), record_id
    # A kind of which the site has nothing would prove nothing.
    assert bool(expected) is (kind.name not in BEYOND_THE_SCHEME)
    assert [
        column.name for column in kind.columns if all(row[column.name] is None for row in rows.values())
    ] == (NEVER_FILLED.get(kind.name, []) if rows else [column.name for column in kind.columns])


def test_the_pictures_of_avatars_are_stored_once_and_open_again(backed: Backed) -> None:
    sandbox, repository, outcome = backed
    site = manifest_of(backed, SITE_SCOPE)
    rows = {record_id: row for (_, record_id), row in stored(repository, site, "avatars").items()}
    assert rows
    with Snapshot(repository, site) as snapshot:
        for record_id, row in rows.items():
            known = picture(sandbox.site, int(row["avatar_id"]))
            assert known is not None
            with snapshot.open_avatar(record_id) as stream:
                data = stream.read()
            assert (data, len(data)) == (known[0], row["blob_size_bytes"])
            assert row["blob_sha256"] == hashlib.sha256(data).hexdigest()
        with pytest.raises(UnknownName, match="column `id` of the table `avatars`"):
            snapshot.open_avatar("1/1")
    asked_for = {name: n for name, n in outcome.captures[0].requests.items() if "universal_avatar" in name}
    assert list(asked_for.values()) == [len(rows)]


def test_pictures_are_asked_once_and_those_that_do_not_come_are_gaps_until_they_do() -> None:
    def pictures(outcome: BackupOutcome) -> tuple[int, set[tuple[int | None, bool]]]:
        site = outcome.captures[0]
        asked_for = sum(n for name, n in site.requests.items() if "universal_avatar" in name)
        return asked_for, {
            (gap.status, bool(gap.reason)) for gap in site.manifest.gaps if gap.kind == "avatar"
        }

    def again(repository: Repository) -> tuple[int, set[tuple[int | None, bool]]]:
        with reader_of(sandbox) as reader:
            return pictures(back_up(repository, reader, projects=[], with_site=True, clock=now))

    with start_sandbox(projects=3, issues=3, seed=11) as sandbox:
        first, second, _ = (20_000 + number for number in sandbox.site.projects)
        sandbox.faults.add("status", path=f"avatar/{first}$", status=404, times=2)
        sandbox.faults.add("login_page", path=f"avatar/{second}$", times=1)
        repository, outcome = backed_up(sandbox, MemoryStore())
        # One is there in no size, one is a sign-in page, one comes.
        assert pictures(outcome) == (4, {(404, True), (None, True)})
        assert outcome.captures[0].manifest.counts["avatars"] == 3
        assert outcome.captures[0].manifest.unexplained == 0

        assert again(repository) == (2, set())
        assert again(repository) == (0, set())


def test_what_is_missing_of_the_site_is_told_and_accepted(backed: Backed) -> None:
    site, *projects = backed[2].captures

    # Columns of a filter are shown to those whom the filter is shown to, unlike the filter itself.
    assert {(gap.kind, gap.status) for gap in site.manifest.gaps} == {
        ("webhook", 403),
        ("filter_column", 400),
        # Contexts of the fields of a team-managed project are not to be had.
        ("field_context", 404),
        ("field_default", 404),
    }
    own = {i for i, f in backed[0].site.fields.items() if f.project_id is not None}
    lacking = {gap.subject for gap in site.manifest.gaps if gap.kind == "field_context"}
    assert len(own) == len(lacking) == sum(any(i in subject for i in own) for subject in lacking)
    assert (site.manifest.state, site.is_clean) == (SnapshotState.GAPS, True)
    states = {c.manifest.project.key: c.manifest.state for c in projects if c.manifest.project}
    # No search finds the issues of an archived project, which its own snapshot says; one in the trash has none.
    assert states.pop("OLD") == SnapshotState.GAPS
    assert set(states.values()) == {SnapshotState.COMPLETE}
    assert "GONE" not in states
    assert {capture.manifest.unexplained for capture in backed[2].captures} == {0}
    assert {line.kind for line in site.manifest.ledger} == {kind.name for kind in kinds_at(Level.SITE)}


def test_projects_are_listed_with_their_properties(backed: Backed) -> None:
    sandbox, repository, outcome = backed
    site = manifest_of(backed, SITE_SCOPE)
    listed = stored(repository, site, "site_projects")
    properties = stored(repository, site, "project_properties")
    for capture in outcome.captures[1:]:
        assert capture.manifest.project is not None
        project_id = capture.manifest.project.id
        if capture.manifest.project.key == "OLD":
            # Its list is `archived_projects`.
            continue
        ((_, told),) = truth_of(sandbox, project_id)["project"].items()
        row = listed.pop(("", project_id))
        assert (row["key"], row["type"]) == (told["detail"]["key"], told["detail"]["projectTypeKey"])
        found = {
            key: json.loads(row["raw"])["value"]
            for (_, record_id), row in properties.items()
            for home, _, key in [record_id.partition("/")]
            if home == project_id
        }
        assert told["properties"] == found
    assert listed == {}


@pytest.mark.parametrize("kind", ["project_feature", "project_status", "component", "version"])
def test_every_record_of_a_project_kind_is_stored_as_the_site_has_it(backed: Backed, kind: str) -> None:
    sandbox, repository, outcome = backed
    table = next(entry.table for entry in KINDS if entry.name == kind)
    compared = 0
    for capture in outcome.captures[1:]:
        assert capture.manifest.project is not None
        truth = truth_of(sandbox, capture.manifest.project.id)[kind]
        rows = stored(repository, capture.manifest, table)
        assert truth.keys() == rows.keys()
        for key, record in truth.items():
            raw = json.loads(rows[key]["raw"])
            # The list counts a component's issues beside it.
            raw.pop("issueCount", None)
            assert record == raw
        compared += len(rows)
    assert compared


def test_what_people_put_beside_versions_is_stored_as_the_site_has_it(backed: Backed) -> None:
    sandbox, repository, outcome = backed
    stored_lists, notes = {}, list[str]()
    for capture in outcome.captures[1:]:
        rows = stored(repository, capture.manifest, "version_related_works")
        stored_lists |= {record_id: row for (_, record_id), row in rows.items()}
        notes += [note for note in capture.manifest.notes if note.startswith("related work of versions")]
    truth = {str(v.version_id): v.related_work for v in sandbox.site.versions.values() if v.related_work}
    # The first made has something beside it too; that its project uses it shows at the newest.
    assert {record_id: json.loads(row["raw"]) for record_id, row in stored_lists.items()} == truth
    assert len(truth) == 2
    newest = stored_lists[str(max(sandbox.site.versions))]
    assert (newest["categories"], newest["titles"]) == (["Design", "Communication"], ["Sketch", ""])
    assert newest["urls"] == ["https://example.org/sketch", ""]
    assert [note.partition(";")[0] for note in notes] == [
        "related work of versions: 2 of 6 were asked, as none is known to have any"
    ]


def test_names_and_types_of_fields_are_kept_with_the_project(backed: Backed) -> None:
    sandbox, repository, _ = backed
    fields = {record_id: record for (_, record_id), record in truth_of(sandbox, None)["field"].items()}
    project = manifest_of(backed, f"project-{first_project(sandbox)}")

    rows = {record_id: row for (_, record_id), row in stored(repository, project, "issue_fields").items()}

    for row in stored(repository, project, "issues").values():
        assert json.loads(row["raw"])["fields"].keys() <= rows.keys()
    assert foreign_field(sandbox) in rows
    assert len(project.field_witnesses) > 1
    for field_id, row in rows.items():
        assert row["name"] == fields[field_id]["name"]
        schema = fields[field_id].get("schema")
        assert schema is None or row["type"] == schema["type"]
    assert rows["customfield_10030"]["custom_type"] == fields["customfield_10030"]["schema"]["custom"]


def test_typed_columns_of_what_hangs_on_issues_say_what_jira_says(backed: Backed) -> None:
    sandbox, repository, outcome = backed
    seen: set[str] = set()
    for capture in outcome.captures[1:]:
        assert capture.manifest.project is not None
        truth = truth_of(sandbox, capture.manifest.project.id)
        for kind in ("comment", "worklog"):
            rows = stored(repository, capture.manifest, f"{kind}s")
            for key, told in truth[kind].items():
                visibility = told.get("visibility", {})
                assert rows[key]["visibility_type"] == visibility.get("type")
                assert rows[key]["visibility_id"] == visibility.get("identifier")
                seen.update(f"{kind} {name}" for name in visibility)
                if kind == "comment":
                    assert rows[key]["is_public"] is told["jsdPublic"]
        for key, row in stored(repository, capture.manifest, "changelog").items():
            items = truth["changelog"][key]["items"]
            for column, member in (("fields", "field"), ("from_ids", "from"), ("to_values", "toString")):
                assert row[column] == [str(item.get(member) or "") for item in items]
            assert len({len(row[name]) for name in ("field_types", "from_values", "to_ids")}) == 1
            seen.update("history" for _ in items)
    assert {"comment identifier", "history"} <= seen


def test_an_account_that_may_only_browse_gets_what_it_may_see_and_few_gaps() -> None:
    with start_sandbox(projects=3, issues=6, seed=11) as sandbox:
        sandbox.edits.run("deny", {"permission": "ADMINISTER"})
        repository, outcome = backed_up(sandbox, MemoryStore())
        refused = [entry for entry in sandbox.core.log.entries() if entry.status in (400, 401, 403)]

    site = outcome.captures[0]
    gaps = site.manifest.gaps
    assert site.manifest.unexplained == 0
    assert {capture.manifest.state for capture in outcome.captures[1:]} == {SnapshotState.COMPLETE}
    # One right that is missing is one question and one gap for each list, however many fields and screens there are.
    assert len(gaps) == len({gap.kind for gap in gaps}) == len(refused)
    assert {gap.kind for gap in gaps if not gap.is_accepted(())} == {"status", "role"}
    for table in (
        "fields",
        "field_details",
        "issue_types",
        "filters",
        "dashboard_gadgets",
        "board_quick_filters",
    ):
        assert site.manifest.counts[table], table
    assert "only overrideSharePermissions shows" in next(gap.subject for gap in gaps if gap.kind == "filter")
    mine = {row["id"] for row in stored(repository, site.manifest, "filters").values()}
    assert mine
    assert "90000" not in mine
