"""The made data: the same for the same seed, realistic in mix and size, and consistent in itself."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.sandbox import adf, rendering
from jira_backup_pipeline.sandbox.http import SITE_BASE, decode
from jira_backup_pipeline.sandbox.seed.make import make_site
from jira_backup_pipeline.sandbox.truth import truth_lines, truth_records

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site


@pytest.fixture(scope="module")
def site() -> Site:
    """A site that no test here changes."""
    return make_site(projects=3, issues=600, seed=7)


def test_the_same_seed_makes_the_same_site_and_another_one_does_not() -> None:
    one, two, other = (list(truth_lines(make_site(projects=2, issues=30, seed=seed))) for seed in (4, 4, 5))
    assert one == two
    assert one != other


def test_a_body_that_was_dropped_is_made_again_the_same() -> None:
    site = make_site(projects=1, issues=30, seed=4)
    before = list(truth_lines(site))
    site.issues.cached_bodies = 1
    site.answers.clear()
    for issue in site.issues:
        site.body(issue)
    assert before == list(truth_lines(site))


def test_the_mix_is_realistic(site: Site) -> None:
    bodies = [site.body(issue) for issue in site.issues]
    count = len(bodies)
    assert count == 600
    assert 3 <= sum(len(body.histories) for body in bodies) / count <= 8
    assert 0.5 <= sum(len(body.comments) for body in bodies) / count <= 3
    over = [b for b in bodies if len(b.comments) > 20 or len(b.worklogs) > 20 or len(b.histories) > 40]
    assert 3 <= len(over) <= 9
    kinds = {site.issue_types[issue.type_id].name for issue in site.issues}
    assert {"Epic", "Story", "Task", "Bug", "Sub-task"} == kinds
    assert len(site.accounts) == 26
    assert sum(not account.active for account in site.accounts.values()) == 1


def test_every_custom_field_is_used_and_every_text_is_a_valid_document(site: Site) -> None:
    used = {
        name for issue in site.issues for name, value in site.body(issue).values.items() if value is not None
    }
    assert set() == {field.field_id for field in site.fields.values() if field.custom} - used
    for issue in site.issues:
        body = site.body(issue)
        texts = [body.values.get("description"), *(item.body for item in body.comments)]
        assert [None] * len(texts) == [adf.problem(text) if text else None for text in texts]


def test_media_in_a_text_are_attachments_of_the_issue(site: Site) -> None:
    shown = 0
    for issue in site.issues:
        body = site.body(issue)
        own = {item.media_uuid for item in body.attachments}
        wanted = set(adf.media_ids(body.values.get("description")))
        shown += len(wanted)
        assert wanted <= own
    assert shown > 3


def test_texts_compress_like_prose(site: Site) -> None:
    text = "\n".join(
        adf.plain_text(site.body(issue).values.get("description")) for issue in site.issues
    ).encode()
    assert 0.25 <= len(zlib.compress(text, 6)) / len(text) <= 0.5


def test_an_issue_has_the_size_of_a_real_one(site: Site) -> None:
    total = sum(
        len(
            rendering.issue_bytes(
                site, issue, site.backup_account, fields=["*all"], expand=set(), properties=[]
            )
        )
        for issue in site.issues
    )
    assert 3_000 <= total / len(site.issues) <= 9_500


def test_histories_end_in_the_present_values(site: Site) -> None:
    for issue in site.issues:
        body = site.body(issue)
        items = [item for entry in body.histories for item in entry.items]
        steps = [item for item in items if item["field"] == "status"]
        assert all(one["to"] == two["from"] for one, two in pairwise(steps))
        if steps:
            assert issue.status_id == steps[-1]["to"]
        assigned = [item for item in items if item["field"] == "assignee"]
        if assigned:
            assert body.values.get("assignee") == assigned[-1]["to"]
        resolved = [item for item in items if item["field"] == "resolution"]
        assert body.values.get("resolution") == (resolved[-1]["to"] if resolved else None)
        dates = [entry.created_ms for entry in body.histories]
        assert dates == sorted(dates)
        assert not dates or issue.created_ms <= dates[0] <= dates[-1] <= issue.updated_ms


def test_ids_are_unique(site: Site) -> None:
    for kind in ("comments", "worklogs", "histories", "attachments", "remote_links"):
        name = {"histories": "history_id", "remote_links": "link_id"}.get(kind, f"{kind[:-1]}_id")
        ids = [getattr(item, name) for issue in site.issues for item in getattr(site.body(issue), kind)]
        assert len(ids) == len(set(ids))


def test_the_truth_holds_every_sort_of_record(site: Site) -> None:
    records = list(truth_records(site))
    kinds = {record["kind"] for record in records}
    assert {
        "person", "field", "project", "component", "version", "project_role", "board", "sprint", "issue", "comment",
        "worklog", "changelog", "attachment", "issue_link", "remote_link", "watcher", "vote", "issue_property",
    } <= kinds  # fmt: skip
    assert sum(record["kind"] == "issue" for record in records) == 600
    assert all(len(record["record"]["sha256"]) == 64 for record in records if record["kind"] == "attachment")
    assert SITE_BASE not in str(records)


def test_a_large_site_starts_from_light_records_only() -> None:
    site = make_site(projects=2, issues=5_000, seed=1)
    assert len(site.issues) == 5_000
    assert all(issue.body is None for issue in site.issues)
    some = next(iter(site.issues))
    assert decode(
        rendering.issue_bytes(
            site, some, site.backup_account, fields=["summary"], expand=set(), properties=[]
        )
    )["fields"]["summary"]


def test_a_warm_site_answers_from_what_it_has_made() -> None:
    site = make_site(projects=1, issues=30, seed=1)
    rendering.render_all(site)
    site.issues.source = None
    for issue in site.issues:
        answer = rendering.issue_bytes(
            site, issue, site.backup_account, fields=["*all"], expand={"changelog"}, properties=[]
        )
        assert decode(answer)["id"] == str(issue.issue_id)
