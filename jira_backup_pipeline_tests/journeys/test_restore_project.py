"""A project is lost and comes back over HTTP; the proof says that nothing is wrong, and a second run changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import Refused, RestoreConflict, UnknownName
from jira_backup_pipeline.engine.restore.plan import Policy, RestorePlan, Selection
from jira_backup_pipeline.sandbox.model import RemoteLink
from jira_backup_pipeline_tests.doubles.restorable import DirectWriter, Restorable, restorable, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.sandbox.server import RunningSandbox


@pytest.fixture
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=36) as made:
        yield made


def writes_since(site: Restorable, mark: int) -> list[str]:
    reading = ("/bulkfetch", "/search/jql", "/comment/list")
    return [
        f"{entry.method} {entry.path}"
        for entry in site.sandbox.log.entries()[mark:]
        if entry.method != "GET" and not entry.path.endswith(reading)
    ]


def mark(site: Restorable) -> int:
    return len(site.sandbox.log.entries())


def test_a_deleted_project_comes_back_and_a_second_restore_changes_nothing(site: Restorable) -> None:
    site.sandbox.edits.delete_project(site.key, permanent=True)
    plan = site.plan()
    assert plan.blocking == ()

    result = site.restore(plan)

    assert result.report is not None
    assert [vars_of(found) for found in result.report.findings] == []
    assert int(result.exit_code) == 0
    assert site.manifest.counts["issues"] == result.report.records["issue"]
    assert site.manifest.counts["comments"] == result.report.records["comment"]
    assert site.manifest.counts["attachments"] == result.report.records["attachment"]
    assert site.manifest.counts["changelog"] == result.report.impossible["changelog"]
    before, since = shape_of(site.sandbox, site.key), mark(site)

    again = site.restore(site.plan())

    assert writes_since(site, since) == []
    assert before == shape_of(site.sandbox, site.key)
    assert again.report is not None
    assert site.manifest.counts["issues"] == again.report.left_alone


def vars_of(found: Any) -> tuple[str, str, str, str]:
    return found.subject, found.field, found.judgement.rule.value, found.judgement.detail


def test_a_project_comes_back_under_a_new_key_beside_the_old_one(site: Restorable) -> None:
    result = site.restore(site.plan(target_key="COPY"))

    assert result.report is not None
    assert [vars_of(found) for found in result.report.findings] == []
    assert site.sandbox.site.find_project(site.key) is not None
    assert {"COPY"} == {issue.key.rpartition("-")[0] for issue in result.outcome.id_map.issues.values()}


def test_an_emptied_project_is_filled_again(site: Restorable) -> None:
    for issue_id in list(site.reader.issue_ids(site.manifest.project.id)):
        if site.sandbox.site.find_issue(issue_id) is not None:
            site.sandbox.edits.delete_issue(issue_id)

    result = site.restore(site.plan())

    assert [vars_of(found) for found in result.report.findings] == []
    assert site.manifest.counts["issues"] == len(result.outcome.id_map.issues)


def test_deleted_issues_come_back_with_their_links_to_those_that_stayed(site: Restorable) -> None:
    linked = next(
        issue
        for issue in site.sandbox.site.issues.of_project(int(site.manifest.project.id))
        if site.sandbox.site.links_of_issue(issue.issue_id)
    )
    links = len(site.sandbox.site.links_of_issue(linked.issue_id))
    site.sandbox.edits.delete_issue(str(linked.issue_id))

    plan = site.plan(selection=Selection(only_deleted=True))
    result = site.restore(plan)

    assert str(linked.issue_id) in plan.creates
    assert [vars_of(found) for found in result.report.findings] == []
    restored = result.outcome.id_map.issue(str(linked.issue_id))
    assert links == len(site.sandbox.site.links_of_issue(int(restored.id)))


def test_what_was_changed_is_repaired_by_an_update(site: Restorable) -> None:
    [issue, *_] = site.sandbox.site.issues.of_project(int(site.manifest.project.id))
    key = site.sandbox.site.key_of(issue)
    summary = site.sandbox.site.body(issue).values["summary"]
    site.sandbox.edits.edit_issue(key, {"summary": "scribbled over", "labels": ["wrong"]})
    plan = site.plan(selection=Selection(issue_keys=(key,)), policy=Policy.UPDATE)
    with pytest.raises(Refused, match="was not confirmed"):
        site.restore(plan, confirm=None)

    result = site.restore(plan)

    assert [vars_of(found) for found in result.report.findings] == []
    assert summary == site.sandbox.site.body(issue).values["summary"]
    assert len(plan.creates) == 0


def link_without_keys(sandbox: RunningSandbox) -> None:
    """Give the first issue two remote links without a key; only the pages that they lead to differ."""
    [issue, *_] = sandbox.site.issues.of_project(next(iter(sandbox.site.projects)))
    for page in ("one", "two"):
        number = sandbox.site.next_id("remotelink")
        link = RemoteLink(number, None, {"url": f"https://example.org/{page}", "title": "A page"})
        sandbox.site.body(issue).remote_links.append(link)
    sandbox.site.changed(issue.issue_id)


def test_a_remote_link_without_a_key_is_repaired_and_not_made_twice() -> None:
    with restorable(projects=1, issues=4, before=link_without_keys) as site:
        [issue, *_] = site.sandbox.site.issues.of_project(int(site.manifest.project.id))

        def links() -> list[tuple[int, str, str]]:
            found = site.sandbox.site.body(issue).remote_links
            return [(link.link_id, link.target["url"], link.target["title"]) for link in found]

        before, key = links(), site.sandbox.site.key_of(issue)
        path = f"/rest/api/3/issue/{key}/remotelink/{before[-1][0]}"
        site.writer.send(
            "PUT", path, {"object": {"url": "https://example.org/else", "title": "scribbled over"}}
        )
        for _ in range(2):
            plan = site.plan(selection=Selection(issue_keys=(key,)), policy=Policy.UPDATE)
            result = site.restore(plan)

            assert [vars_of(found) for found in result.report.findings] == []
            assert "remote_link" not in result.report.changed
            assert before == links()


def test_a_copy_is_made_beside_what_is_there_when_asked_for(site: Restorable) -> None:
    [issue, *_] = site.sandbox.site.issues.of_project(int(site.manifest.project.id))
    key = site.sandbox.site.key_of(issue)
    before = len(site.sandbox.site.issues.of_project(issue.project_id))

    result = site.restore(site.plan(selection=Selection(issue_keys=(key,)), policy=Policy.COPY))

    made = len(site.sandbox.site.issues.of_project(issue.project_id)) - before
    assert len(result.plan.creates) == made
    assert [vars_of(found) for found in result.report.findings] == []


class Taciturn(DirectWriter):
    """A writer to whom Jira tells how many watch an issue, and not whether the caller does."""

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        answer = super().send(method, path, body, query)
        for issue in answer.get("issues", ()) if isinstance(answer, dict) else ():
            issue.get("fields", {}).get("watches", {}).pop("isWatching", None)
        return answer


class TestWhatTheDocumentsAllow:
    """Answers that this sandbox does not usually give, and another Jira may."""

    def test_pages_may_be_shorter_than_was_asked_for(self, site: Restorable) -> None:
        site.sandbox.edits.delete_project(site.key, permanent=True)
        usual = site.plan()
        site.sandbox.site.settings.list_page_limit = 2

        plan = site.plan()
        result = site.restore(plan)

        assert usual.impossible == plan.impossible
        assert [vars_of(found) for found in result.report.findings] == []

    def test_jira_need_not_say_that_the_restoring_account_watches(self, site: Restorable) -> None:
        for issue in list(site.sandbox.site.issues.of_project(int(site.manifest.project.id))):
            if issue.number <= 3 and site.sandbox.site.find_issue(str(issue.issue_id)) is not None:
                site.sandbox.edits.delete_issue(str(issue.issue_id))

        result = site.restore(
            site.plan(selection=Selection(only_deleted=True)), writer=Taciturn(site.sandbox)
        )

        assert len(result.outcome.id_map.issues) >= 3
        assert [vars_of(found) for found in result.report.findings] == []

    def test_issues_that_the_bulk_call_stumbles_over_are_not_taken_for_missing(
        self, site: Restorable
    ) -> None:
        site.sandbox.edits.delete_project(site.key, permanent=True)
        site.sandbox.site.settings.oversized_issue_bytes = 1

        result = site.restore(site.plan())
        since = mark(site)
        again = site.restore(site.plan())

        assert [vars_of(found) for found in result.report.findings] == []
        assert writes_since(site, since) == []
        assert again.report is not None
        assert site.manifest.counts["issues"] == again.report.left_alone

    def test_a_transition_whose_screen_demands_a_resolution_gets_that_of_the_snapshot(
        self, site: Restorable
    ) -> None:
        done = [
            issue
            for issue in site.sandbox.site.issues.of_project(int(site.manifest.project.id))
            if site.sandbox.site.body(issue).values.get("resolution") and not issue.parent_id
        ][:3]
        assert done
        for issue in done:
            site.sandbox.edits.delete_issue(str(issue.issue_id))
        site.sandbox.site.settings.transition_resolution_required = True

        result = site.restore(site.plan(selection=Selection(only_deleted=True)))

        assert {str(issue.issue_id) for issue in done} <= result.outcome.id_map.issues.keys()
        assert [vars_of(found) for found in result.report.findings] == []


class TestSafety:
    def test_a_plan_writes_nothing(self, site: Restorable) -> None:
        site.sandbox.edits.delete_project(site.key, permanent=True)
        since = mark(site)

        plan = site.plan()

        assert writes_since(site, since) == []
        assert plan.digest == site.plan().digest
        assert plan == RestorePlan.from_json(plan.to_json())

    def test_a_key_held_by_the_trash_blocks_and_names_the_remedy(self, site: Restorable) -> None:
        site.sandbox.edits.delete_project(site.key)

        plan = site.plan()

        [conflict] = plan.blocking
        assert "in the trash" in conflict.problem
        assert "--target-project" in conflict.remedy
        with pytest.raises(RestoreConflict, match="in the trash"):
            site.restore(plan)

    def test_another_site_than_planned_is_refused(self, site: Restorable) -> None:
        plan = site.plan(target_key="ELSE")
        with (
            restorable(projects=1, issues=3, seed=11) as other,
            pytest.raises(RestoreConflict, match="plan is for"),
        ):
            site.restore(plan, writer=other.writer)

    def test_another_key_than_the_target_is_no_confirmation(self, site: Restorable) -> None:
        with pytest.raises(Refused, match="the target is SURE"):
            site.restore(site.plan(target_key="SURE"), confirm=site.key)

    def test_a_plan_that_another_restore_overtook_is_refused(self, site: Restorable) -> None:
        first, second = site.plan(target_key="RACE"), site.plan(target_key="RACE")
        site.restore(first)

        with pytest.raises(RestoreConflict, match="since the plan was made"):
            site.restore(second)

    def test_an_unknown_issue_is_named(self, site: Restorable) -> None:
        with pytest.raises(UnknownName, match="NOPE-1"):
            site.plan(selection=Selection(issue_keys=("NOPE-1",)))
