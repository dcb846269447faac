"""An answer that is lost after the write took effect never leads to a second copy; trouble with single things stays with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import AnswerLost, CredentialsRejected, TransientError
from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.report import FidelityReport
from jira_backup_pipeline_tests.doubles.restorable import STEADY, Restorable, now, restorable, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_WRITE = (
    "/issue/bulk",
    "/comment",
    "/worklog",
    "/attachments",
    "/issueLink",
    "/remotelink",
    "/watchers",
    "/properties/",
    "/transitions",
    "/bulk/issues/transition",
    "/bulk/issues/unwatch",
    "/component",
    "/version",
    "/project",
    "PUT ",
)


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=60) as made:
        yield made


@pytest.fixture(scope="module")
def expected(site: Restorable) -> Any:
    site.restore(site.plan(target_key="PLAIN"), writer=site.direct(), options=STEADY)
    return shape_of(site.sandbox, "PLAIN")


@pytest.mark.parametrize("part", EVERY_WRITE)
def test_a_lost_answer_to_any_write_leads_to_no_second_copy(
    site: Restorable, expected: Any, part: str
) -> None:
    key = f"L{EVERY_WRITE.index(part)}X"
    forgotten: list[str] = []

    def forgets(event: str, _: int) -> bool:
        if part in event and len(forgotten) < 2 and (part != "/project" or event.endswith("/project")):
            forgotten.append(event)
            return True
        return False

    result = site.restore(site.plan(target_key=key), writer=site.direct(forgets=forgets), options=STEADY)

    assert forgotten
    assert expected == shape_of(site.sandbox, key)
    assert result.report.wrong_total == 0


def test_an_answer_lost_on_the_wire_is_looked_after_over_http(site: Restorable) -> None:
    faults = [
        site.sandbox.faults.add("lost_answer", method="POST", path=path)
        for path in ("/issue/bulk$", "/comment$", "/worklog$", "/attachments$")
    ]

    result = site.restore(site.plan(target_key="WIRE"), options=STEADY)

    assert [fault.fired for fault in faults] == [1, 1, 1, 1]
    assert list(result.report.findings) == []


def test_answers_that_keep_getting_lost_end_the_run_and_a_resume_completes_it(
    site: Restorable, expected: Any
) -> None:
    class Deaf:
        """A writer whose comments never arrive, and never are answered either."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def send(self, method: str, path: str, *rest: Any) -> object:
            if path.endswith("/comment"):
                raise AnswerLost("no answer", hint="Look before trying again.")
            return self._inner.send(method, path, *rest)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    plan = site.plan(target_key="LOSS")
    with pytest.raises(TransientError):
        apply_plan(site.repository, plan, Deaf(site.direct()), run="loss-1", clock=now, options=STEADY)

    apply_plan(site.repository, plan, site.direct(), run="loss-2", clock=now, options=STEADY, resume=True)

    assert expected == shape_of(site.sandbox, "LOSS")


def test_a_token_that_expires_midway_ends_the_run_and_a_resume_completes_it(
    site: Restorable, expected: Any
) -> None:
    class Expiring:
        """A writer whose token is no longer taken after some writes."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def send(self, *request: Any) -> object:
            if len(self._inner.writes) >= 40:
                raise CredentialsRejected("401", hint="Make a new token.")
            return self._inner.send(*request)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    plan = site.plan(target_key="GONE")
    with pytest.raises(CredentialsRejected):
        apply_plan(site.repository, plan, Expiring(site.direct()), run="gone-1", clock=now, options=STEADY)

    apply_plan(site.repository, plan, site.direct(), run="gone-2", clock=now, options=STEADY, resume=True)

    assert expected == shape_of(site.sandbox, "GONE")


def spoil(sandbox: Any, text: str) -> None:
    [issue, *_] = sandbox.site.issues.of_project(next(iter(sandbox.site.projects)))
    sandbox.edits.set_raw_field(sandbox.site.key_of(issue), "description", text)


class TestRefusals:
    def test_fields_off_the_create_screen_are_set_by_an_edit(self) -> None:
        with restorable(projects=1, issues=12, seed=5) as made:
            made.sandbox.edits.set_screens(made.key, off_create_screen=["priority", "labels", "reporter"])
            for issue_id in list(made.reader.issue_ids(made.manifest.project.id)):
                if made.sandbox.site.find_issue(issue_id) is not None:
                    made.sandbox.edits.delete_issue(issue_id)
            plan = made.plan()

            result = made.restore(plan)

            assert any("not on the create screen" in note and "Priority" in note for note in plan.notes)
            assert list(result.report.findings) == []

    def test_a_required_field_without_a_value_gets_a_filling_and_is_reported(self) -> None:
        with restorable(projects=1, issues=12, seed=5) as made:
            words = next(
                field.field_id
                for field in made.sandbox.site.fields.values()
                if field.custom and field.kind == "textfield"
            )
            made.sandbox.edits.set_screens(made.key, required=["duedate", words])
            for issue_id in list(made.reader.issue_ids(made.manifest.project.id)):
                if made.sandbox.site.find_issue(issue_id) is not None:
                    made.sandbox.edits.delete_issue(issue_id)

            result = made.restore(made.plan())

            assert made.manifest.counts["issues"] == len(result.outcome.id_map.issues)
            assert any("required on the target" in found.reason for found in result.outcome.adjustments)
            assert result.report.wrong_total == 0

    def test_text_that_the_target_rejects_becomes_plainer_and_is_reported(self) -> None:
        words = '{"type":"paragraph","content":[{"type":"text","text":"these words stay"}]}'
        refused = '{"type":"doc","version":1,"content":[{"type":"unheardOf"},' + words + "]}"
        with restorable(
            projects=1, issues=10, seed=5, before=lambda sandbox: spoil(sandbox, refused)
        ) as made:
            result = made.restore(made.plan(target_key="WORDS"))

            [finding] = result.report.findings
            assert (finding.field, finding.judgement.rule.value) == ("description", "refused by the target")
            assert "plain paragraphs" in finding.judgement.detail
            restored = result.outcome.id_map.issue(finding.source_id)
            body = made.sandbox.site.body(made.sandbox.site.find_issue(restored.id))
            assert "these words stay" in json.dumps(body.values["description"])

    def test_without_bulk_permission_statuses_come_back_one_by_one(
        self, site: Restorable, expected: Any
    ) -> None:
        site.sandbox.edits.deny("BULK_CHANGE")
        try:
            plan = site.plan(target_key="SINGLE")
            result = site.restore(plan, writer=site.direct(), options=STEADY)
        finally:
            site.sandbox.edits.allow("BULK_CHANGE")

        assert any("in bulk" in text for text in plan.prerequisites)
        assert expected == shape_of(site.sandbox, "SINGLE")
        assert isinstance(result.report, FidelityReport)
        assert result.report.wrong_total == 0

    def test_attachments_over_the_limit_are_named_and_the_rest_comes_back(self, site: Restorable) -> None:
        site.sandbox.edits.set_settings(upload_limit_bytes=3000)
        try:
            plan = site.plan(target_key="SMALL")
            result = site.restore(plan, options=STEADY)
        finally:
            site.sandbox.edits.set_settings(upload_limit_bytes=1_073_741_824)

        named = [note for note in plan.notes if "the target takes 3,000" in note]
        failed = [failure for failure in result.outcome.failures if failure.kind == "attachment"]
        assert named
        assert len(named) == len(failed)
        assert len(failed) == result.report.wrong["attachment"]
        assert int(result.exit_code) == 3
