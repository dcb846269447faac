"""The verb drill: recovery rehearsed. Each project's newest snapshot is restored into a fresh, empty site and proven.

What belongs here: the order of a rehearsal, what it proves in figures, and its record in the repository.

What stays out: the restore itself (`engine.restore`), and the site that is restored into (`rehearsal`, handed in).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError, ExitCode
from jira_backup_pipeline.domain.times import parse_instant, to_iso
from jira_backup_pipeline.engine.progress import Silence
from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.plan_text import markdown_table
from jira_backup_pipeline.engine.restore.several import name_of
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline.engine.restore.verb import plan_restore, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.ports import JiraReader, JiraWriter
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.repository.repository import Repository

DRILLS = "drills"
# A site of our own has no limits for us to keep.
_UNHURRIED = ApplyOptions(issue_write_limits=())

if TYPE_CHECKING:
    # Opens a fresh site that knows these accounts (as Jira lists them) and nothing else, for the time of the context.
    OpenSite = Callable[[Sequence[Mapping[str, Any]]], AbstractContextManager[tuple[JiraWriter, JiraReader]]]


@dataclass(frozen=True, slots=True)
class Drill:
    """One rehearsal. `records` are those that were compared, `wrong` what did not come back; `error` kept it from an end."""

    scope: str
    project: str
    snapshot: int
    run: str
    begun_at: datetime
    duration_seconds: float
    records: int = 0
    wrong: int = 0
    error: str = ""
    hint: str = ""
    report: Mapping[str, Any] | None = None

    @property
    def is_proven(self) -> bool:
        """Tell whether everything came back as it should."""
        return not self.error and not self.wrong

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form that the repository keeps."""
        return {
            "scope": self.scope,
            "project": self.project,
            "snapshot": self.snapshot,
            "run": self.run,
            "begun_at": to_iso(self.begun_at),
            "duration_seconds": self.duration_seconds,
            "is_proven": self.is_proven,
            "records": self.records,
            "wrong": self.wrong,
            "error": self.error or None,
            "hint": self.hint or None,
            "report": self.report,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Drill:
        """Rebuild from the JSON form."""
        return cls(
            scope=document["scope"],
            project=document["project"],
            snapshot=document["snapshot"],
            run=document["run"],
            begun_at=parse_instant(document["begun_at"]),
            duration_seconds=document["duration_seconds"],
            records=document["records"],
            wrong=document["wrong"],
            error=document["error"] or "",
            hint=document["hint"] or "",
            report=document["report"],
        )


@dataclass(frozen=True, slots=True)
class DrillResult:
    """All rehearsals of one run."""

    drills: tuple[Drill, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Give 0 when everything is proven, 1 when no rehearsal came to its end, else 3."""
        if self.drills and all(drill.error for drill in self.drills):
            return ExitCode.FAILED
        return ExitCode.DONE if all(drill.is_proven for drill in self.drills) else ExitCode.INCOMPLETE

    def to_json(self) -> dict[str, Any]:
        """Give the result for `--json`."""
        return {"exit_code": int(self.exit_code), "drills": [drill.to_json() for drill in self.drills]}

    def to_markdown(self) -> str:
        """Give the result as Markdown."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        proven = sum(drill.is_proven for drill in self.drills)
        yield f"# Recovery rehearsed: {proven} of {len(self.drills)} projects came back whole"
        yield ""
        yield "Each project's newest snapshot was restored into a fresh local site and read back."
        yield ""
        head = ("project", "snapshot", "records", "wrong or missing", "seconds", "result")
        yield from markdown_table(
            head,
            (
                (
                    drill.project,
                    str(drill.snapshot),
                    f"{drill.records:,}",
                    f"{drill.wrong:,}",
                    f"{drill.duration_seconds:,.1f}",
                    _verdict(drill),
                )
                for drill in self.drills
            ),
        )


def _verdict(drill: Drill) -> str:
    if drill.error:
        return f"failed: {drill.error} ({drill.hint})"
    return "proven" if drill.is_proven else "not all came back"


def drill(
    repository: Repository,
    manifests: Sequence[Manifest],
    open_site: OpenSite,
    *,
    new_run: Callable[[], str],
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> DrillResult:
    """Rehearse the recovery of each project on a site of its own, and keep a record of each in the repository."""
    progress = progress or Silence()
    drills = []
    for manifest in manifests:
        found = _rehearse(repository, manifest, open_site, run=new_run(), clock=clock, progress=progress)
        repository.put_document(DRILLS, f"{found.scope}-{found.run}", found.to_json(), scope=found.scope)
        drills.append(found)
    return DrillResult(tuple(drills))


def _rehearse(
    repository: Repository,
    manifest: Manifest,
    open_site: OpenSite,
    *,
    run: str,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Drill:
    begun_at = clock()
    result: RestoreResult | None = None
    message = hint = ""
    try:
        people = [row.value for row in SnapshotView(repository, manifest).site_rows("person")]
        with open_site([person for person in people if isinstance(person, dict)]) as (writer, reader):
            plan = plan_restore(repository, manifest, writer, clock=clock, progress=progress).plan
            result = restore(
                repository,
                plan,
                writer,
                reader,
                run=run,
                clock=clock,
                progress=progress,
                # The site is ours and empty: nothing of anybody's can be overwritten.
                confirm=plan.target.key,
                options=_UNHURRIED,
            )
    except BackupPipelineError as error:
        message, hint = error.message, error.hint
    report = result.report if result is not None else None
    return Drill(
        scope=manifest.scope,
        project=name_of(manifest),
        snapshot=manifest.number,
        run=run,
        begun_at=begun_at,
        duration_seconds=round((clock() - begun_at).total_seconds(), 3),
        records=sum(report.records.values()) if report is not None else 0,
        wrong=report.wrong_total if report is not None else 0,
        error=message,
        hint=hint,
        report=report.to_json() if report is not None else None,
    )


def newest_drill(repository: Repository, scope: str) -> Drill | None:
    """Give the newest rehearsal of a project; None when there was none."""
    names = repository.list_documents(DRILLS, under=f"{scope}-")
    return Drill.from_json(repository.get_document(DRILLS, names[-1], scope=scope)) if names else None
