"""How a stage of a restore runs: in windows, each announced in the journal before and recorded after.

What belongs here: the `Restoration` that all stages share, the window loop, and what a failed task means.

What stays out: what single tasks do (`attachments`, `children`, `edits`, `relations`), and the creation of issues, which
goes by batches of its own (`issues`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.findings import Failure
from jira_backup_pipeline.engine.restore.refusals import RefusedNodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.fields import ValueWriter
    from jira_backup_pipeline.engine.restore.findings import Findings
    from jira_backup_pipeline.engine.restore.idmap import IdMap, TargetIssue
    from jira_backup_pipeline.engine.restore.interleaving import Interleaver
    from jira_backup_pipeline.engine.restore.journal import Journal
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.options import ApplyOptions
    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
    from jira_backup_pipeline.engine.restore.survey import Destination
    from jira_backup_pipeline.engine.restore.texts import TextWriter

# Few journal documents, yet at most this many things to look for after a crash.
_WINDOW_TASKS = 500
# A lost answer is looked after at most this often; then the run ends and is resumed later.
_LOOKS = 3


@dataclass(slots=True)
class Restoration:
    """One restore under way: what every stage needs."""

    plan: RestorePlan
    view: SnapshotView
    calls: Calls
    journal: Journal
    id_map: IdMap
    findings: Findings
    matches: Matches
    texts: TextWriter
    values: ValueWriter
    interleaver: Interleaver
    options: ApplyOptions
    progress: Progress
    pause: Callable[[float], None]
    project_id: str
    project_key: str
    notify: dict[str, str]
    refused_nodes: RefusedNodes = field(default_factory=RefusedNodes)
    # Where issues belong, counted.
    destinations: Mapping[Destination, int] = field(default_factory=dict)
    # Whether the project follows the temporary workflow at present.
    is_all_to_all: bool = False
    # Issues that got their properties inside the call that created them.
    carried: set[str] = field(default_factory=set)

    def find_issue(self, source_id: str) -> TargetIssue | None:
        """Give the target's issue for one of the snapshot, also one that this restore did not touch."""
        return self.id_map.issue(source_id) or self.plan.standing.get(source_id)

    def is_new(self, source_id: str) -> bool:
        """Tell whether this restore made the issue (and so nothing hung on it before)."""
        return source_id not in self.plan.updates

    @property
    def written_issues(self) -> set[str]:
        """Give the source ids of the issues that this restore made or updates and that are on the target."""
        wanted = {*self.plan.creates, *self.plan.updates}
        return {source_id for source_id in wanted if self.id_map.issue(source_id) is not None}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to write. `source_id` is unique within the stage, `issue_id` the snapshot's issue it writes to."""

    kind: str
    source_id: str
    issue_id: str
    record: Record


def run_stage(
    restoration: Restoration,
    stage: str,
    tasks: Iterable[Task],
    act: Callable[[Task, bool], str | None],
) -> None:
    """Do the tasks that no earlier run recorded. `act` gets True when it must look whether the thing is there already.

    Raises:
        TransientError: Jira stayed away; what was done is recorded and the restore can be resumed.
    """
    memory = restoration.journal.stage(stage)
    open_tasks = (task for task in tasks if task.source_id not in memory.done)
    for window in _windows(open_tasks):
        _run_window(restoration, stage, window, act, memory.in_doubt)
    restoration.texts.renew()


def _run_window(
    restoration: Restoration,
    stage: str,
    window: list[Task],
    act: Callable[[Task, bool], str | None],
    in_doubt: set[str],
) -> None:
    names = [task.source_id for task in window]
    restoration.journal.intend(stage, names)
    done: dict[str, str | None] = {}

    def attempt(task: Task) -> None:
        done[task.source_id] = _attempt(restoration, task, act, must_look=task.source_id in in_doubt)
        restoration.progress.advance()

    try:
        restoration.interleaver.run(((_paced_by(restoration, task), task) for task in window), attempt)
    except Exception:
        record(restoration, stage, names, done, is_whole=False)
        raise
    record(restoration, stage, names, done)


def _paced_by(restoration: Restoration, task: Task) -> str:
    """Name the issue whose limits a task must keep as its calls name it: by its id on the target."""
    issue = restoration.find_issue(task.issue_id)
    return issue.id if issue is not None else f"of the snapshot: {task.issue_id}"


def record(
    restoration: Restoration,
    stage: str,
    names: Iterable[str],
    done: dict[str, str | None],
    *,
    is_whole: bool = True,
) -> None:
    """Write the result of some tasks, with all that was mapped and found since the last one."""
    restoration.journal.record(
        stage,
        names,
        dict(done),
        findings=restoration.findings.take_changes(),
        maps=restoration.id_map.take_changes(),
        is_whole=is_whole,
    )


def _attempt(
    restoration: Restoration, task: Task, act: Callable[[Task, bool], str | None], *, must_look: bool
) -> str | None:
    for looks in range(_LOOKS + 1):
        try:
            target_id = act(task, must_look)
        except AnswerLost:
            if looks == _LOOKS:
                raise
            must_look = True
            restoration.pause(float(looks + 1))
            continue
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
            restoration.findings.fail(
                Failure(task.kind, task.source_id, task.issue_id, reason, "left out; the rest went on")
            )
            return None
        if target_id is not None:
            restoration.id_map.put(task.kind, task.source_id, target_id)
        return target_id
    return None


def _windows(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    iterator = iter(tasks)
    while window := list(islice(iterator, _WINDOW_TASKS)):
        yield window
