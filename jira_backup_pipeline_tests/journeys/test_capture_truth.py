"""What a backup over HTTP stores is what the site holds, record by record: issues, all that hangs on them, bytes, people."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from jira_backup_pipeline.domain.manifest import SITE_SCOPE, SnapshotState, project_scope
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.verify import VerifyLevel, verify
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.captures import OPERATOR, RECOVERY
from jira_backup_pipeline_tests.doubles.s3_server import running_s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.outcomes import BackupOutcome
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.store.contract import Store

Truth = dict[str, dict[tuple[str, str], Any]]
# What differs between two looks at the same thing although nothing changed.
VOLATILE = {"lastViewed", "expand"}
# Compared as a whole record between what is stored and what the site says of itself.
WHOLE_RECORDS = ("comment", "worklog", "changelog", "attachment", "remote_link")


def now() -> datetime:
    return datetime.now(UTC)


@contextlib.contextmanager
def reader_of(sandbox: Any) -> Iterator[CloudReader]:
    with connect(JiraConfig(sandbox.url, sandbox.email, Secret(sandbox.token))) as client:
        yield CloudReader(client)


def truth_of(sandbox: Any, project_id: str | None) -> Truth:
    """Read the site's own dump: records by (issue id, id) for each kind of one project, or of the site."""
    truth: Truth = defaultdict(dict)
    answer = requests.get(f"{sandbox.control_url}/truth", timeout=60)
    for line in answer.text.splitlines():
        entry = json.loads(line)
        if entry["project_id"] == project_id:
            truth[entry["kind"]][entry["issue_id"] or "", entry["id"]] = entry["record"]
    return truth


def stored(repository: Repository, manifest: Manifest, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Read a table: rows by (issue id, id)."""
    rows = repository.tables(manifest)[table].to_arrow().to_pylist()
    return {(row.get("issue_id") or "", row["id"]): row for row in rows}


def backed_up(sandbox: Any, store: Store, **options: Any) -> tuple[Repository, BackupOutcome]:
    repository = create_repository(
        store, operator=read_identity(OPERATOR), recovery_recipient=RECOVERY, clock=now
    )
    with reader_of(sandbox) as reader:
        outcome = back_up(
            repository, reader, projects=None, with_site=True, clock=now, options=CaptureOptions(**options)
        )
    return repository, outcome


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A local folder, and a bucket whose server checks signatures."""
    if request.param == "folder":
        yield LocalStore(tmp_path / "repository")
        return
    with running_s3_server() as server:
        yield server.store("backups")


def test_every_record_of_the_site_is_in_its_snapshots(store: Store) -> None:
    with start_sandbox(projects=2, issues=160, seed=11) as sandbox:
        repository, outcome = backed_up(sandbox, store, pack_units=50)

        assert [capture.manifest.state for capture in outcome.captures] == [
            # Webhooks are shown to apps only.
            SnapshotState.GAPS,
            *[SnapshotState.COMPLETE] * 2,
        ]
        assert all(
            sum(capture.manifest.counts.get(table, 0) for capture in outcome.captures)
            for table in ("votes", "issue_properties")
        )
        for capture in outcome.captures[1:]:
            assert capture.manifest.project is not None
            truth = truth_of(sandbox, capture.manifest.project.id)
            compare_project(repository, capture.manifest, truth)
            compare_bytes(repository, capture.manifest, truth)
            compare_boards_and_settings(
                repository, outcome.captures[0].manifest, capture.manifest.project.id, truth
            )
        compare_site(repository, outcome.captures[0].manifest, truth_of(sandbox, None))
        assert list(verify(repository, level=VerifyLevel.DECRYPT).findings) == []


def compare_project(repository: Repository, manifest: Manifest, truth: Truth) -> None:
    issues = stored(repository, manifest, "issues")
    assert truth["issue"].keys() == issues.keys()
    for key, row in issues.items():
        raw = json.loads(row["raw"])
        expected = truth["issue"][key]
        assert (expected["id"], expected["key"]) == (raw["id"], raw["key"])
        for name, value in expected["fields"].items():
            if name not in VOLATILE and name not in {"comment", "worklog"}:
                assert value == raw["fields"][name], f"field {name} of {raw['key']}"
    for kind in WHOLE_RECORDS:
        rows = stored(repository, manifest, "changelog" if kind == "changelog" else f"{kind}s")
        assert truth[kind].keys() == rows.keys(), kind
        for key, record in truth[kind].items():
            raw = json.loads(rows[key]["raw"])
            if kind in ("comment", "worklog"):
                raw["properties"] = json.loads(rows[key]["properties"] or "[]")
            assert without_moment(record) == without_moment(raw), f"{kind} {key}"
    for kind in ("watcher", "vote"):
        people = {
            (row["issue_id"], row["account_id"]) for row in stored(repository, manifest, f"{kind}s").values()
        }
        assert {(issue, entry["accountId"]) for (issue, _), entry in truth[kind].items()} == people
    properties = {
        (issue, key): json.loads(row["raw"])
        for (issue, key), row in stored(repository, manifest, "issue_properties").items()
    }
    expected = {(issue, e["key"]): e["value"] for (issue, _), e in truth["issue_property"].items()}
    assert expected == properties
    links = {link_id for _, link_id in stored(repository, manifest, "issue_links")}
    assert {link_id for _, link_id in truth["issue_link"]} <= links
    for kind in ("component", "version"):
        assert {i for _, i in truth[kind]} == {i for _, i in stored(repository, manifest, f"{kind}s")}


def without_moment(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the dump adds (byte digests), and `created`.

    The bulk history gives `created` as a number, the single one as text.
    """
    left_out = {"created", "sha256", "bytes_sha256", "media_uuid"}
    return {name: value for name, value in record.items() if name not in left_out}


def compare_bytes(repository: Repository, manifest: Manifest, truth: Truth) -> None:
    rows = stored(repository, manifest, "attachments")
    assert rows
    for (issue_id, attachment_id), row in rows.items():
        with repository.open_blob(manifest.scope, row["blob"]) as stream:
            data = stream.read()
        assert len(data) == row["size_bytes"] == row["blob_size_bytes"]
        assert hashlib.sha256(data).hexdigest() == row["blob_sha256"]
        expected = truth["attachment"][issue_id, attachment_id]
        assert row["blob_sha256"] == expected.get("sha256", expected.get("bytes_sha256"))
        assert row["media_id"] == expected["media_uuid"]


def compare_site(repository: Repository, manifest: Manifest, truth: Truth) -> None:
    for kind, table in (("person", "people"), ("field", "fields"), ("link_type", "link_types")):
        rows = stored(repository, manifest, table)
        assert truth[kind].keys() == rows.keys(), kind
    members = stored(repository, manifest, "group_members").values()
    assert {
        (group_id, account_id)
        for (_, group_id), group in truth["group"].items()
        for account_id in group["members"]
    } == {(row["parent_id"], row["account_id"]) for row in members}


def compare_boards_and_settings(
    repository: Repository, site: Manifest, project_id: str, truth: Truth
) -> None:
    """What is read with the site but belongs to one project."""
    boards = {i for i, row in stored(repository, site, "boards").items() if row["project_id"] == project_id}
    assert truth["board"].keys() == boards
    sprints = stored(repository, site, "sprints").values()
    own = {("", board) for board in (row["parent_id"] for row in sprints)} & boards
    assert {i for _, i in truth["sprint"]} == {
        row["sprint_id"] for row in sprints if ("", row["parent_id"]) in own
    }
    ((_, project),) = truth["project"].items()
    properties = {
        row["key"]: json.loads(row["raw"])["value"]
        for row in stored(repository, site, "project_properties").values()
        if row["parent_id"] == project_id
    }
    assert project["properties"]
    assert project["properties"] == properties


def put_property(sandbox: Any, issue_id: str, key: str, value: object) -> None:
    url = f"{sandbox.url}/rest/api/3/issue/{issue_id}/properties/{key}"
    answer = requests.put(url, json=value, auth=(sandbox.email, sandbox.token), timeout=60)
    assert answer.ok


def test_a_property_is_in_the_next_snapshot_that_reads_its_issue(tmp_path: Path) -> None:
    with start_sandbox(projects=1, issues=30, seed=3) as sandbox:
        repository, first = backed_up(sandbox, LocalStore(tmp_path / "repository"))
        before = stored(repository, first.captures[1].manifest, "issue_properties")
        issues = sorted(i for _, i in stored(repository, first.captures[1].manifest, "issues"))
        known = next(key for _, key in before)
        changed, silent = [issue for issue in issues if (issue, known) not in before][:2]
        put_property(sandbox, changed, known, {"n": 1})
        put_property(sandbox, silent, "never.seen", [2])
        edit = requests.put(
            f"{sandbox.url}/rest/api/3/issue/{changed}",
            json={"fields": {"summary": "changed"}},
            auth=(sandbox.email, sandbox.token),
            timeout=60,
        )
        assert edit.ok

        found = []
        for is_full in (False, True):
            with reader_of(sandbox) as reader:
                outcome = back_up(
                    repository,
                    reader,
                    projects=None,
                    with_site=False,
                    clock=now,
                    options=CaptureOptions(is_full=is_full),
                )
            rows = stored(repository, outcome.captures[0].manifest, "issue_properties")
            found.append({key: json.loads(row["raw"]) for key, row in rows.items() if key not in before})

    # Setting a property leaves no trace that a delta could follow: only the changed issue was read.
    assert found == [{(changed, known): {"n": 1}}, {(changed, known): {"n": 1}, (silent, "never.seen"): [2]}]


def test_two_readings_of_an_unchanged_site_are_the_same_snapshot(tmp_path: Path) -> None:
    with start_sandbox(projects=1, issues=40, seed=3) as sandbox:
        repository, first = backed_up(sandbox, LocalStore(tmp_path / "repository"))
        with reader_of(sandbox) as reader:
            again = back_up(
                repository,
                reader,
                projects=None,
                with_site=True,
                clock=now,
                options=CaptureOptions(is_full=True),
            )

    assert [c.manifest.index for c in first.captures] == [c.manifest.index for c in again.captures]
    assert [capture.changed_units for capture in again.captures] == [0, 0]


@pytest.mark.shared
def test_recorded_answers_of_a_real_jira_come_back_without_loss(shared_folder: Path, tmp_path: Path) -> None:
    folder = shared_folder / "recorded"
    lines = [json.loads(line) for line in (folder / "all_streams.jsonl").read_text().splitlines()]
    issues = {line["data"]["id"]: line["data"] for line in lines if line["stream"] == "issues"}
    fields = {line["data"]["id"] for line in lines if line["stream"] == "issue_fields"}
    people = {line["data"]["accountId"] for line in lines if line["stream"] == "users"}
    with start_sandbox(load=str(folder)) as sandbox:
        repository, outcome = backed_up(sandbox, LocalStore(tmp_path / "repository"))
        site = outcome.captures[0].manifest

        assert fields <= {i for _, i in stored(repository, site, "fields")}
        assert people <= {i for _, i in stored(repository, site, "people")}
        found: dict[str, Any] = {}
        histories: dict[str, int] = defaultdict(int)
        for scope in repository.scopes():
            if scope != SITE_SCOPE:
                manifest = repository.latest(scope)
                assert manifest is not None
                assert manifest.unexplained == 0
                found |= {
                    i: json.loads(r["raw"]) for (_, i), r in stored(repository, manifest, "issues").items()
                }
                for issue_id, _ in stored(repository, manifest, "changelog"):
                    histories[issue_id] += 1
        assert issues.keys() <= found.keys()
        for issue_id, recorded in issues.items():
            for name, value in recorded["fields"].items():
                assert value == found[issue_id]["fields"][name], f"{name} of {recorded['key']}"
            assert len(recorded["changelog"]["histories"]) == histories[issue_id]


def test_scopes_are_named_by_numeric_id(tmp_path: Path) -> None:
    with start_sandbox(projects=1, issues=5, seed=3) as sandbox:
        repository, outcome = backed_up(sandbox, LocalStore(tmp_path / "repository"))
        project = outcome.captures[1].manifest.project

    assert project is not None
    assert [project_scope(project.id), SITE_SCOPE] == repository.scopes()
