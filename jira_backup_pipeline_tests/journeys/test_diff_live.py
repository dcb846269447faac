"""A snapshot against Jira as it is now, over HTTP: nothing changed is no difference, and every change is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.cli import main
from jira_backup_pipeline.domain.errors import Refused
from jira_backup_pipeline.engine.diff.verb import diff_live
from jira_backup_pipeline.sandbox.model import FileContent
from jira_backup_pipeline_tests.doubles.backed_site import BackedSite, backed_site
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.diff.verb import DiffResult
    from jira_backup_pipeline.sandbox.model import Issue


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=48) as made:
        yield made


def issues_of(site: Restorable) -> list[Issue]:
    assert site.manifest.project is not None
    return list(site.sandbox.site.issues.of_project(int(site.manifest.project.id)))


def told(result: DiffResult) -> set[tuple[str, ...]]:
    return {(found.change.value, found.issue, found.kind, found.field) for found in result.differences}


def test_nothing_changed_is_no_difference_and_every_change_since_is_told(site: Restorable) -> None:
    objects = [found.key for found in site.repository.store.list("")]
    mark = len(site.sandbox.log.entries())

    result = diff_live(site.repository, site.manifest, site.reader)

    assert [found.to_json() for found in result.differences] == []
    assert result.unchanged + result.compared >= site.manifest.counts["issues"]
    assert objects == [found.key for found in site.repository.store.list("")]
    reading = ("/bulkfetch", "/search/jql", "/list", "/approximate-count")
    posts = {entry.path for entry in site.sandbox.log.entries()[mark:] if entry.method != "GET"}
    assert [path for path in posts if not path.endswith(reading)] == []

    sandbox, edits = site.sandbox.site, site.sandbox.edits
    base = [issue for issue in issues_of(site) if issue.parent_id is None]
    children = {issue.parent_id for issue in issues_of(site)}
    lonely = [issue for issue in base if issue.issue_id not in children]
    edited, commented, lost, moved, hung = lonely[:5]
    keys = {issue.issue_id: sandbox.key_of(issue) for issue in base}
    other = next(found for found in sandbox.projects.values() if found.key != site.key)
    edits.edit_issue(keys[edited.issue_id], {"summary": "changed since"})
    edits.add_comment(keys[commented.issue_id], "a new one")
    edits.delete_issue(keys[lost.issue_id])
    edits.move_issue(keys[moved.issue_id], other.key)
    made = edits.create_issue(site.key, "came later")
    [known, *_] = site.repository.tables(site.manifest)["issue_properties"].to_arrow()["id"].to_pylist()
    sandbox.body(hung).properties[known] = {"changed": "since"}
    sandbox.answers.clear()
    result = diff_live(site.repository, site.manifest, site.reader)

    seen = told(result)
    assert {
        ("changed", keys[edited.issue_id], "issue", "Summary"),
        ("added", keys[commented.issue_id], "comment", ""),
        ("removed", keys[lost.issue_id], "issue", ""),
        ("changed", keys[moved.issue_id], "issue", "key"),
        ("added", made["key"], "issue", ""),
    } <= seen
    assert any(issue == keys[hung.issue_id] and kind == "issue_property" for _, issue, kind, _ in seen)
    named = {keys[issue.issue_id] for issue in lonely[:5]} | {made["key"]}
    # Issues at the other end of a link that went with the lost or changed its key with the moved one differ in that link.
    linked = {issue for _, issue, kind, _ in seen if kind == "issue_link"}
    assert named <= {issue for _, issue, _, _ in seen} <= named | linked
    [move] = [found for found in result.differences if found.field == "key"]
    assert str(move.after).startswith(f"{other.key}-")
    [summary] = [found for found in result.differences if found.field == "Summary"]
    assert summary.after == "changed since"


def test_history_sizes_bytes_and_keys_that_no_capture_saw_are_told_too() -> None:
    with restorable(projects=1, issues=24) as site:
        sandbox = site.sandbox.site
        issues = issues_of(site)
        files = [
            found for issue in issues for found in sandbox.body(issue).attachments if found.content.size > 1
        ]
        grown, swapped = files[:2]
        for found, size in ((grown, grown.content.size + 1), (swapped, swapped.content.size)):
            issue = sandbox.find_issue(str(found.issue_id))
            kept = {file.attachment_id: file for file in sandbox.issues.pin(issue).attachments}
            kept[found.attachment_id].content = FileContent(size, data=b"x" * size)
        hung = issues[-1]
        sandbox.issues.pin(hung).properties["app.never-seen"] = {"is": "new"}
        key = sandbox.key_of(issues[0])
        site.sandbox.edits.edit_issue(key, {"summary": "changed since"})
        sandbox.answers.clear()

        def downloads() -> int:
            return sum("/attachment/content/" in entry.path for entry in site.sandbox.log.entries())

        before = downloads()
        plain = diff_live(site.repository, site.manifest, site.reader)
        assert downloads() == before
        whole = diff_live(site.repository, site.manifest, site.reader, with_bytes=True)
        compared = len(files) + sum(
            found.content.size <= 1 for issue in issues for found in sandbox.body(issue).attachments
        )

    assert ("added", key, "changelog", "") in told(plain)
    assert ("changed", key, "issue", "Summary") in told(plain)
    properties = [found for found in plain.differences if found.kind == "issue_property"]
    assert [(found.issue, found.id) for found in properties] == [(sandbox.key_of(hung), "app.never-seen")]
    assert any("app.never-seen" in note and "may be older" in note for note in plain.notes)
    names = {"size": str(grown.attachment_id)}
    files_told = [found for found in plain.differences if found.kind == "attachment"]
    assert {found.field: found.id for found in files_told} == names
    contents = {found.id for found in whole.differences if found.field == "content"}
    assert contents == {str(grown.attachment_id), str(swapped.attachment_id)}
    assert any(f"the bytes of {compared:,} attachments" in note for note in whole.notes)


def test_bytes_that_cannot_be_read_are_said() -> None:
    with restorable(projects=1, issues=12) as site:
        site.sandbox.faults.add("status", status=404, path="/attachment/content/", times=None)
        result = diff_live(site.repository, site.manifest, site.reader, with_bytes=True)

    assert result.differences == []
    assert any("could not be read and were not compared" in note for note in result.notes)


def test_another_site_than_the_snapshots_is_refused(site: Restorable) -> None:
    with restorable(projects=1, issues=2, seed=11) as other, pytest.raises(Refused, match="leads to"):
        diff_live(site.repository, site.manifest, other.reader)


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    with backed_site(tmp_path_factory.mktemp("diff"), projects=1, issues=6) as made:
        yield made


def test_the_command_line_compares_snapshots_and_jira(
    backed: BackedSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(backed.folder)
    for name, value in backed.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main(["diff", "--project", project.key, *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    project = next(iter(backed.sandbox.site.projects.values()))
    issue = next(iter(backed.sandbox.site.issues.of_project(project.project_id)))
    key = backed.sandbox.site.key_of(issue)
    assert main(["backup"]) == 0
    capsys.readouterr()
    code, found = run("--from", "1", "--to", "live")
    assert (code, found["is_equal"], found["differences"]) == (0, True, [])

    backed.sandbox.edits.edit_issue(key, {"summary": "changed since"})
    assert main(["backup"]) == 0
    capsys.readouterr()
    for target in ("live", "2", "latest"):
        code, found = run("--from", "1", "--to", target)
        summaries = [one for one in found["differences"] if one["field"] == "Summary"]
        assert (code, found["is_equal"], len(summaries)) == (0, False, 1), target
        assert (summaries[0]["issue"], summaries[0]["after"]) == (key, "changed since")
    assert run("--from", "2", "--to", "live")[1]["is_equal"] is True

    assert main(["diff", "--project", project.key, "--from", "1", "--to", "2"]) == 0
    shown = capsys.readouterr().out
    assert "changed since" in shown
    assert "issue: 1 changed" in shown
    code, found = run("--from", "yesterday", "--to", "live")
    assert (code, "'yesterday' names no snapshot" in found["error"]) == (2, True)
    assert run("--from", "9", "--to", "live")[0] == 2
    code, found = run("--from", "1", "--to", "2", "--bytes")
    assert (code, "--to live" in found["hint"]) == (2, True)
    assert run("--from", "2", "--to", "live", "--bytes")[1]["is_equal"] is True


def test_an_archived_project_differs_in_that_alone_and_a_deleted_one_in_everything() -> None:
    with restorable(projects=1, issues=4) as site:
        assert site.manifest.project is not None
        site.sandbox.edits.archive_project(site.key)
        archived = diff_live(site.repository, site.manifest, site.reader)
        site.sandbox.edits.delete_project(site.key, permanent=True)
        deleted = diff_live(site.repository, site.manifest, site.reader)

    assert {found.kind for found in archived.differences} == {"project"}
    assert deleted.counts["issue"] == {"added": 0, "removed": 4, "changed": 0}
    assert any("it is gone, archived, or hidden" in note for note in deleted.notes)
