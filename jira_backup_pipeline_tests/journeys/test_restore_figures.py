"""The figures of a restore: all made data comes back, for about as many write requests as there are things to write."""

from __future__ import annotations

import json
import re
from collections import Counter
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline_tests.doubles.restorable import SWIFT, Restorable, now, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult

READING = ("/bulkfetch", "/comment/list")
PER_RECORD = ("comment", "worklog", "attachment", "issue_link", "remote_link", "watcher")
EXTERNAL_SCORE = "customfield_10049"
# What REST cannot bring back of the made data, as README lists it: kind, field and the reason given.
IMPOSSIBLE = {
    ("changelog", "entry", "no call writes history"),
    ("issue", "votes", "an account votes for itself only"),
    ("vote", "accountId", "an account votes for itself only"),
    ("issue", "reporter", "the account is inactive: Jira refuses it"),
    ("issue", "assignee", "the account is inactive: Jira refuses it"),
    ("issue", "Reviewer", "the account is inactive: Jira refuses it"),
    ("issue", "Approvers", "the account is inactive: Jira refuses it"),
    ("watcher", "accountId", "the account is not active on the target"),
    ("issue", "timetracking", "Jira fills an absent remaining estimate with the original one"),
    ("issue", "Imported id", "no call writes a field of this type"),
    ("board", "columns, swimlanes, quick filters and card layout", "no call writes them"),
}


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    """The default data: three projects, 1,500 issues, the seed of the demo."""
    with restorable(projects=3, issues=1500) as made:
        yield made


@pytest.fixture(scope="module")
def results(site: Restorable) -> dict[str, RestoreResult]:
    """Lose and restore one project after the other."""
    found = {}
    for number, project in enumerate(list(site.reader.projects())):
        if number:
            captured = capture_project(
                site.repository, site.reader, project, run=f"capture{number}", clock=now
            )
            site.manifest = captured.manifest
        site.sandbox.edits.delete_project(site.key, permanent=True)
        found[site.key] = site.restore(site.plan(), writer=site.direct(), options=SWIFT)
    return found


def test_all_of_the_default_data_comes_back(results: dict[str, RestoreResult]) -> None:
    assert len(results) == 3
    assert sum(result.report.records["issue"] for result in results.values()) == 1500
    for result in results.values():
        assert list(result.report.findings) == []
        assert result.outcome.failures == ()
        assert int(result.exit_code) == 0


def test_what_is_impossible_is_exactly_what_is_documented(
    results: dict[str, RestoreResult],
) -> None:
    seen = {found[:3] for result in results.values() for found in result.report.reasons}

    assert seen == IMPOSSIBLE
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("### What a REST restore cannot bring back")[2].partition("\n## ")[0]
    filled = "Jira fills an absent remaining estimate with the original one"
    assert [why for _, _, why in IMPOSSIBLE if f"| {why} |" not in section] == [filled]
    for result in results.values():
        rows = [
            f"| {found.what} | {found.reason} |"
            for found in result.plan.impossible
            if found.kind != "project"
        ]
        assert [row for row in rows if row not in section] == []
        assert {found.kind for found in result.plan.impossible} >= set(result.report.impossible) - {
            "watcher",
            "vote",
        }


def test_plans_count_the_uses_of_people_who_left(site: Restorable, results: dict[str, RestoreResult]) -> None:
    gone = {found.account_id for found in site.sandbox.site.accounts.values() if not found.active}
    total = 0
    for result in results.values():
        plan = result.plan
        view = SnapshotView(site.repository, site.repository.load(plan.scope, plan.snapshot))
        fields = [
            value
            for row in view.rows("issue")
            for name, value in row.value["fields"].items()
            if name != "creator"
        ]
        people = [person for value in fields for person in (value if isinstance(value, list) else [value])]
        rows = {found.what: found.count for found in plan.impossible}
        uses = sum(isinstance(person, dict) and person.get("accountId") in gone for person in people)
        watching = sum(row.id in gone for row in view.rows("watcher"))

        assert rows.get("people who left, in fields", 0) == uses
        assert rows.get("watchers who left", 0) == watching
        assert result.report.impossible.get("watcher", 0) == watching
        assert "people whom the target does not know, in fields" not in rows
        total += uses * watching
    assert total


def test_every_report_is_stored_beside_its_restore(
    site: Restorable, results: dict[str, RestoreResult]
) -> None:
    names = list(site.repository.list_documents("reports"))
    assert len(names) == len(results)
    for result in results.values():
        [name] = [found for found in names if found.startswith(result.outcome.restore)]
        stored = site.repository.get_document("reports", name, scope=result.plan.scope)
        assert stored == json.loads(json.dumps(result.report.to_json()))


def allowed_writes(site: Restorable, result: RestoreResult) -> float:
    """Compute the figure from the snapshot's records alone."""
    plan = result.plan
    view = SnapshotView(site.repository, site.repository.load(plan.scope, plan.snapshot))
    heads = view.heads()
    levels = Counter(head.level for head in heads)
    kept = re.compile(rf'"type": "media(Inline)?"|{plan.source.key}-[0-9]|"{EXTERNAL_SCORE}": [0-9]')
    edits = sum(bool(kept.search(json.dumps(row.value["fields"]))) for row in view.rows("issue"))
    batches = len({(head.issue_type_id, head.status) for head in heads})
    creates = sum(ceil(count / 50) + 1 for count in levels.values())
    return 1.1 * (creates + sum(plan.counts.get(kind, 0) for kind in PER_RECORD) + batches + edits)


def test_write_requests_stay_within_the_formula(site: Restorable, results: dict[str, RestoreResult]) -> None:
    for result in results.values():
        requests: dict[str, Any] = dict(result.outcome.requests)
        writes = sum(
            count
            for name, count in requests.items()
            if not name.startswith("GET ") and not name.endswith(READING)
        )

        assert writes <= allowed_writes(site, result)
        assert requests["POST /rest/api/3/bulk/issues/transition"] == ceil(
            result.report.records["issue"] / 1000
        )
        assert "POST /rest/api/3/issue/{id}/transitions" not in requests
        assert requests["PUT /rest/api/3/issue/{id}"] <= result.report.records["issue"] // 2
        assert not any("/properties/" in name for name in requests)
