"""Several projects restored in one go, or the whole site: each by its own plan, journal and report, and a roll-up of all.

What belongs here: which snapshots a site means, what a failing project does to the others, the confirmation that holds for
all of them together, links that lead from one restored project into another, and the joint result.

What stays out: the restore of one project (`verb`) and how results are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    BackupPipelineError,
    CredentialsRejected,
    ExitCode,
    Refused,
    StoreError,
)
from jira_backup_pipeline.engine.restore.plan_text import duration_words, markdown_table
from jira_backup_pipeline.engine.restore.planned import Policy
from jira_backup_pipeline.engine.restore.safety import unconfirmed_reason
from jira_backup_pipeline.engine.restore.verb import RestoreResult, plan_restore, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.ports import JiraReader, JiraWriter
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.idmap import TargetIssue
    from jira_backup_pipeline.engine.restore.options import ApplyOptions
    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.repository.repository import Repository

# Failures that the next project would meet as well: going on would only repeat them.
_SHARED = (CredentialsRejected, StoreError)


@dataclass(frozen=True, slots=True)
class ProjectRestore:
    """What became of one project: a result, or the error that kept it from one."""

    name: str
    scope: str
    snapshot: int | None
    result: RestoreResult | None = None
    error: BackupPipelineError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Give the code that the project alone would have ended with."""
        if self.error is not None:
            return self.error.exit_code
        return self.result.exit_code if self.result is not None else ExitCode.FAILED

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        found = self.result.to_json() if self.result is not None else {}
        return {**found, **self._facts()}

    def to_record(self) -> dict[str, Any]:
        """Give the short form: the restore's name leads to its journal and report."""
        outcome = self.result.outcome if self.result is not None else None
        report = self.result.report if self.result is not None else None
        return {
            **self._facts(),
            "restore": outcome.restore if outcome is not None else None,
            "wrong": report.wrong_total if report is not None else None,
        }

    def _facts(self) -> dict[str, Any]:
        return {
            "project": self.name,
            "scope": self.scope,
            "snapshot": self.snapshot,
            "exit_code": int(self.exit_code),
            "error": self.error.message if self.error is not None else None,
            "hint": self.error.hint if self.error is not None else None,
        }


@dataclass(frozen=True, slots=True)
class SeveralRestores:
    """All projects of one run, in order."""

    projects: tuple[ProjectRestore, ...]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Give 0 when all is done, 3 when some is not, and the first project's code when nothing could be done."""
        codes = [project.exit_code for project in self.projects]
        is_done = [code in {ExitCode.DONE, ExitCode.INCOMPLETE} for code in codes]
        if codes and not any(is_done):
            return codes[0]
        return ExitCode.DONE if all(code is ExitCode.DONE for code in codes) else ExitCode.INCOMPLETE

    @property
    def plans(self) -> list[RestorePlan]:
        """Give the plans that were made."""
        return [project.result.plan for project in self.projects if project.result is not None]

    def to_record(self) -> dict[str, Any]:
        """Give what the run's record keeps: names and results; plans, journals and reports are documents of their own."""
        return {
            "verb": "restore",
            "exit_code": int(self.exit_code),
            "notes": list(self.notes),
            "projects": [project.to_record() for project in self.projects],
        }

    def to_json(self) -> dict[str, Any]:
        """Give the roll-up for `--json`; never issue text."""
        return {
            "exit_code": int(self.exit_code),
            "notes": list(self.notes),
            "projects": [project.to_json() for project in self.projects],
        }

    def to_markdown(self) -> str:
        """Give the roll-up as Markdown."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        plans = self.plans
        yield f"# Restore of {len(self.projects)} projects"
        yield ""
        yield (
            f"{sum(plan.written_issues for plan in plans):,} issues to write, about {sum(plan.requests for plan in plans):,} "
            f"requests, {duration_words(sum(plan.duration_seconds for plan in plans))}."
        )
        yield ""
        head = (
            "project",
            "snapshot",
            "into",
            "create",
            "update",
            "leave",
            "requests",
            "wrong or missing",
            "state",
        )
        yield from markdown_table(head, (_row(project) for project in self.projects))
        yield from (f"\n{note}" for note in self.notes)


def _row(project: ProjectRestore) -> tuple[str, ...]:
    snapshot = str(project.snapshot or "")
    if project.result is None:
        return (project.name, snapshot, "", "", "", "", "", "", _state(project))
    plan, report = project.result.plan, project.result.report
    return (
        project.name,
        snapshot,
        plan.target.key,
        f"{len(plan.creates):,}",
        f"{len(plan.updates):,}",
        f"{len(plan.skips):,}",
        f"{plan.requests:,}",
        f"{report.wrong_total:,}" if report is not None else "",
        _state(project),
    )


def _state(project: ProjectRestore) -> str:
    if project.error is not None:
        return f"{project.error.message} ({project.error.hint})"
    result = project.result
    if result is None or result.outcome is None:
        return "blocked" if result is not None and result.plan.blocking else "planned"
    return "done" if result.exit_code is ExitCode.DONE else "done, not all of it came back"


def plan_several(
    repository: Repository,
    manifests: Sequence[Manifest],
    writer: JiraWriter,
    *,
    failed: Sequence[ProjectRestore] = (),
    notes: Sequence[str] = (),
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    **how: Any,  # noqa: ANN401 - what `plan_restore` takes: selection, policy, mappings
) -> SeveralRestores:
    """Plan every project; one that cannot be planned is reported and the others go on. `failed` are carried along.

    Raises:
        CredentialsRejected, StoreError: no project could be planned.
    """

    def attempt(manifest: Manifest) -> RestoreResult:
        return plan_restore(repository, manifest, writer, clock=clock, progress=progress, **how)

    begun = [ProjectRestore(name_of(manifest), manifest.scope, manifest.number) for manifest in manifests]
    by_scope = {manifest.scope: manifest for manifest in manifests}
    planned = [_attempted(project, lambda found: attempt(by_scope[found.scope])) for project in begun]
    return SeveralRestores((*planned, *failed), tuple(notes))


def restore_several(
    repository: Repository,
    planned: SeveralRestores,
    writer: JiraWriter,
    reader: JiraReader,
    *,
    new_run: Callable[[], str],
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    resume: bool = False,
    confirm: Collection[str] = (),
    options: ApplyOptions | None = None,
) -> SeveralRestores:
    """Carry out all plans one after the other and keep the roll-up as the record of the run.

    Raises:
        Refused: a project that needs its key typed out was not confirmed; nothing was written.
    """
    check_confirmed(planned.plans, confirm)
    # Links lead from project to project: what is there already, and then what each restore brings back.
    elsewhere: dict[str, TargetIssue] = {}
    keys: dict[str, str] = {}
    for plan in planned.plans:
        elsewhere |= {**plan.skips, **plan.updates}

    def attempt(project: ProjectRestore) -> RestoreResult:
        if project.result is None:  # pragma: no cover - `_attempted` passes failed ones over
            raise AssertionError(project.name)
        plan = project.result.plan
        known = {end: elsewhere[end] for end in plan.absent_ends if end in elsewhere}
        plan = replace(
            plan,
            standing={**plan.standing, **known},
            elsewhere_keys={**plan.elsewhere_keys, **keys},
        )
        result = restore(
            repository,
            plan,
            writer,
            reader,
            run=new_run(),
            clock=clock,
            progress=progress,
            resume=resume,
            confirm=plan.target.key if plan.target.key in confirm else None,
            options=options,
        )
        if result.outcome is not None:
            elsewhere.update(result.outcome.id_map.issues)
            # Beside a copy the originals may still be there, and texts mean these.
            if plan.policy is not Policy.COPY:
                keys.update({old: new for old, new in result.outcome.id_map.keys.items() if old != new})
        return result

    done: list[ProjectRestore] = []
    for project in planned.projects:
        shared = next((found.error for found in done if isinstance(found.error, _SHARED)), None)
        done.append(replace(project, error=shared) if shared else _attempted(project, attempt))
    result = SeveralRestores(tuple(done), planned.notes)
    repository.put_document("runs", new_run(), result.to_record())
    return result


def _attempted(project: ProjectRestore, attempt: Callable[[ProjectRestore], RestoreResult]) -> ProjectRestore:
    if project.error is not None:
        return project
    try:
        return replace(project, result=attempt(project))
    except BackupPipelineError as error:
        return replace(project, error=error)


def check_confirmed(plans: Sequence[RestorePlan], confirm: Collection[str]) -> None:
    """Prove that every project that needs it was typed out, before anything is written: together they count as one run.

    Raises:
        Refused: one was not, or a typed key is none of the targets.
    """
    targets = [plan.target.key for plan in plans]
    strange = sorted(set(confirm) - set(targets))
    if strange:
        message = f"confirmed {', '.join(strange)}, but the targets are {', '.join(targets)}"
        raise Refused(message, hint="Check the targets; confirm each with --confirm and its key.")
    together = sum(plan.written_issues for plan in plans)
    needed = {
        plan.target.key: reason
        for plan in plans
        if (reason := unconfirmed_reason(plan, together=together)) is not None
        and plan.target.key not in confirm
    }
    if needed:
        message = f"the restore {next(iter(needed.values()))} and was not confirmed"
        typed = " ".join(f"--confirm {key}" for key in needed)
        raise Refused(message, hint=f"Read the plans; then add {typed}.")


def name_of(manifest: Manifest) -> str:
    """Name a project for people."""
    return manifest.project.key if manifest.project is not None else manifest.scope
