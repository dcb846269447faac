"""Restores through Dagster: a dry run writes nothing, a real one is confirmed and ends with a fidelity report."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from jira_backup_pipeline.engine.restore.plan import Policy
from jira_backup_pipeline.engine.restore.report import FidelityReport
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.orchestration.build import build_definitions
from jira_backup_pipeline.orchestration.jobs.restore import RestoreConfig, proven
from jira_backup_pipeline.orchestration.sensors.discovery import register_projects
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.workplace import open_jira_reader
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.canary import leaks_in_files
from jira_backup_pipeline_tests.doubles.dagster_instances import throwaway_instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline_tests.doubles.backed_site import BackedSite

ISSUE_TEXT = "canary-summary-of-an-issue"


@dataclass(frozen=True, slots=True)
class Restorable:
    """A site of one project that is backed up, and the Dagster that did it."""

    site: BackedSite
    instance: dg.DagsterInstance
    home: Path
    key: str

    def run(self, job: str, **options: Any) -> dg.ExecuteInProcessResult:
        """Run a job in this process with the environment that the test has set."""
        found = build_definitions(Settings.from_environment({})).resolve_job_def(job)
        return found.execute_in_process(instance=self.instance, raise_on_error=False, **options)

    def restore(self, **config: Any) -> dg.ExecuteInProcessResult:
        """Run the restore job."""
        return self.run("restore_job", run_config={"source_project": self.key, **config})

    def issues(self) -> list[int]:
        """Give the ids of all issues in the sandbox."""
        return sorted(int(issue.issue_id) for issue in self.site.sandbox.site.issues)


@contextmanager
def restorable_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restorable]:
    home = folder / "home"
    home.mkdir()
    with backed_site(folder / "site", projects=1, issues=10) as site, monkeypatch.context() as patch:
        for name, value in site.environment.items():
            patch.setenv(name, value)
        with throwaway_instance(home) as instance:
            [key] = register_projects(instance, list(open_jira_reader(site.settings).projects()))
            made = Restorable(site, instance, home, key)
            assert made.run("site_backup_job").success
            [issue, *_] = site.sandbox.site.issues
            site.sandbox.edits.edit_issue(str(issue.issue_id), {"summary": ISSUE_TEXT})
            assert made.run("backup_job", partition_key=key).success
            yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restorable]:
    with restorable_in(tmp_path_factory.mktemp("shared"), pytest.MonkeyPatch()) as made:
        yield made


@pytest.fixture
def restorable(shared: Restorable, monkeypatch: pytest.MonkeyPatch) -> Restorable:
    """One that tests share: they write nothing to it."""
    for name, value in shared.site.environment.items():
        monkeypatch.setenv(name, value)
    return shared


def output_text(result: dg.ExecuteInProcessResult, op: str, label: str) -> str:
    for event in result.events_for_node(op):
        if event.is_successful_output:
            metadata = event.step_output_data.metadata
            if label in metadata:
                return str(metadata[label].value)
    message = f"no {label} among the outputs of {op}"
    raise AssertionError(message)


def report_of(result: dg.ExecuteInProcessResult) -> str:
    """Give the fidelity report of a restore, whatever its verdict."""
    if result.success:
        return output_text(result, "prove_restore", "fidelity_report")
    [event] = [event for event in result.all_events if event.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    assert failure is not None, event.step_failure_data.error
    return str(failure.metadata["fidelity_report"].value)


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


def test_a_dry_run_shows_the_plan_and_writes_nothing(restorable: Restorable) -> None:
    before = restorable.issues()

    result = restorable.restore(target_project="ELSE")

    assert result.success
    assert "ELSE" in output_text(result, "plan_restore", "plan")
    assert before == restorable.issues()
    assert {event.event_type_value for event in result.events_for_node("apply_restore")} == {"STEP_SKIPPED"}


def test_the_launchpad_chooses_by_a_condition_and_a_part(restorable: Restorable) -> None:
    chosen = restorable.restore(target_project="ELSE", where="hierarchy_level < 0")
    place = restorable.restore(target_project="ELSE", part="configuration")
    wrong = restorable.restore(where="SELECT 1")
    unmapped = restorable.restore(mapping_file="absent.toml")

    subtasks = output_text(chosen, "plan_restore", "plan")
    assert "its parent is neither selected nor on the target" in subtasks
    assert "| components |" in output_text(place, "plan_restore", "plan")
    assert "| comments |" not in output_text(place, "plan_restore", "plan")
    assert "a condition is wanted, not a statement" in failure_text(wrong)
    assert "cannot read absent.toml" in failure_text(unmapped)


def test_the_site_is_planned_confirmed_by_every_key_and_rolled_up(restorable: Restorable) -> None:
    before = restorable.issues()

    dry = restorable.run("restore_site_job")
    unconfirmed = restorable.run("restore_site_job", run_config={"dry_run": False, "confirm": ["OTHER"]})
    several = restorable.run(
        "restore_site_job", run_config={"projects": [restorable.key, "NOPE"], "snapshot": "1"}
    )
    real = restorable.run("restore_site_job", run_config={"dry_run": False, "confirm": [restorable.key]})

    assert dry.success
    assert {event.event_type_value for event in dry.events_for_node("apply_restores")} == {"STEP_SKIPPED"}
    assert "Restore of 1 projects" in output_text(dry, "plan_restores", "restores")
    assert "0 issues to create" in output_text(dry, "plan_restores", f"plan of {restorable.key}")
    assert f"a restore into {restorable.key} was not confirmed" in failure_text(unconfirmed)
    assert "a number names a snapshot of a single project" in failure_text(several)
    assert real.success
    assert "| done |" in output_text(real, "apply_restores", "restores")
    assert "nothing is wrong or missing" in output_text(
        real, "apply_restores", f"fidelity of {restorable.key}"
    )
    assert before == restorable.issues()


def test_a_restore_that_is_not_confirmed_is_refused_before_anything_is_written(
    restorable: Restorable,
) -> None:
    before = restorable.issues()

    result = restorable.restore(target_project="ELSE", dry_run=False, confirm=restorable.key)

    assert not result.success
    assert "HINT: Set confirm to ELSE" in failure_text(result)
    assert before == restorable.issues()


@pytest.mark.parametrize("snapshot", ["99", "yesterday", "2001-01-01T00:00Z"])
def test_a_snapshot_that_does_not_exist_is_said_so(restorable: Restorable, snapshot: str) -> None:
    result = restorable.restore(snapshot=snapshot)

    assert not result.success
    assert "HINT:" in failure_text(result)


def test_what_is_lost_comes_back_with_a_report_and_nothing_of_it_stays_in_dagsters_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with restorable_in(tmp_path, monkeypatch) as restorable:
        for name, value in restorable.site.environment.items():
            monkeypatch.setenv(name, value)
        before = restorable.issues()
        sandbox = restorable.site.sandbox.site
        lost, *_ = [
            issue for issue in sandbox.issues if issue.parent_id is None and sandbox.body(issue).comments
        ]
        restorable.site.sandbox.edits.delete_issue(str(lost.issue_id))

        single = restorable.restore(only_deleted=True, dry_run=False, confirm=restorable.key, head_line=False)
        back = restorable.issues()
        bodies = [sandbox.body(issue) for issue in sandbox.issues]
        made = [body.comments for body in bodies if "jira-backup.origin" in body.properties]
        assert any(made)
        assert "Originally by" not in str(made)
        restorable.site.sandbox.edits.delete_project(restorable.key, permanent=True)
        whole = restorable.restore(dry_run=False, confirm=restorable.key)

        assert single.success
        assert output_text(single, "prove_restore", "wrong") == "0"
        assert len(back) == len(before)
        report = report_of(whole)
        assert "data:image/svg+xml;base64," in report
        assert "# Fidelity" in report
        assert len(restorable.issues()) == len(before)
        secrets = {
            "token": restorable.site.sandbox.token,
            "identity": restorable.site.identity_secret,
            "issue text": ISSUE_TEXT,
        }
        assert leaks_in_files(restorable.home, secrets) == []


def report_with(wrong: dict[str, int]) -> FidelityReport:
    return FidelityReport(
        restore="r",
        scope="project-1",
        snapshot=1,
        source_key="AA",
        target_key="AA",
        target_base_url="http://127.0.0.1",
        plan_digest="00",
        proven_at="2026-01-01T00:00:00.000Z",
        duration_seconds=1.0,
        records={},
        exact={"issue": 3},
        normalised={},
        changed={},
        impossible={},
        wrong=wrong,
        rules=(),
        findings=(),
    )


def test_a_report_without_anything_wrong_is_green() -> None:
    assert proven(report_with({})).metadata["exact"].value == 3


def test_one_wrong_value_in_the_report_is_red() -> None:
    with pytest.raises(dg.Failure) as caught:
        proven(report_with({"issue": 1}))

    assert "1 values did not come back as they should\nHINT:" in str(caught.value.description)
    assert "fidelity_report" in caught.value.metadata
    assert caught.value.allow_retries is False


def test_launchpad_fields_are_described_and_safe_by_default() -> None:
    fields = RestoreConfig.model_fields

    assert all(field.description for field in fields.values())
    assert fields["dry_run"].default is True
    assert [name for name, field in fields.items() if field.is_required()] == ["source_project"]


def test_the_policies_of_the_launchpad_are_the_engines() -> None:
    built = build_definitions(Settings.from_environment({})).resolve_job_def("restore_job")

    for policy in Policy:
        assert dg.validate_run_config(built, {"source_project": "AA", "policy": policy.value})
    for part in Part:
        assert dg.validate_run_config(built, {"source_project": "AA", "part": part.value})
    with pytest.raises(dg.DagsterInvalidConfigError, match="overwrite"):
        dg.validate_run_config(built, {"source_project": "AA", "policy": "overwrite"})
