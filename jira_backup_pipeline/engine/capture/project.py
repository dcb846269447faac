"""The capture of one project: read what changed, store it in packs, commit a snapshot.

What belongs here: the order of the steps and what each hands to the next.

What stays out: decisions on ids (`changes`), reading of chosen issues (`reading`), arithmetic (`ledger`), publishing (`commit`), HTTP (`jira`) and files (`repository`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from jira_backup_pipeline.domain.errors import NotFound
from jira_backup_pipeline.domain.kinds import Level, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Gap, project_scope
from jira_backup_pipeline.domain.times import to_epoch_ms
from jira_backup_pipeline.engine.capture.changes import decide_changes, reread_turn
from jira_backup_pipeline.engine.capture.commit import commit
from jira_backup_pipeline.engine.capture.compaction import compact
from jira_backup_pipeline.engine.capture.draft import Draft, Packing
from jira_backup_pipeline.engine.capture.field_names import KIND as FIELDS
from jira_backup_pipeline.engine.capture.field_names import FieldNames
from jira_backup_pipeline.engine.capture.ledger import FileBytes, issue_ledger
from jira_backup_pipeline.engine.capture.listing import capture_listings
from jira_backup_pipeline.engine.capture.missing import MissingIssues
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.outcome import capture_outcome
from jira_backup_pipeline.engine.capture.previous import is_of_issues, load_previous
from jira_backup_pipeline.engine.capture.reading import UnitReading
from jira_backup_pipeline.engine.capture.worklogs import WorklogWatch, feed_for
from jira_backup_pipeline.engine.progress import Progress, Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from jira_backup_pipeline.domain.manifest import ProjectIdentity
    from jira_backup_pipeline.domain.readings import Account
    from jira_backup_pipeline.engine.capture.ledger import Tally
    from jira_backup_pipeline.engine.outcomes import CaptureOutcome
    from jira_backup_pipeline.engine.ports import JiraReader, ListedProject
    from jira_backup_pipeline.repository.repository import Repository

T = TypeVar("T")
# Jira's count is an estimate of a lagging index: only a clear difference is worth a note.
_ESTIMATE_TOLERANCE = 1.05
_ESTIMATE_SLACK = 5
# What a snapshot of an archived project says of itself; the capture after it looks for these words.
_ARCHIVED = "the project is archived: issues that no search lists stay as they were last read"


def capture_project(
    repository: Repository,
    reader: JiraReader,
    project: ListedProject,
    *,
    run: str,
    clock: Callable[[], datetime],
    options: CaptureOptions | None = None,
    progress: Progress | None = None,
    account: Account | None = None,
) -> CaptureOutcome:
    """Capture a project and commit its snapshot; `account` is what was just asked of it, if it was.

    A run that died before leaves closed packs; they are reused where Jira says that their issues did not change since.

    Raises:
        CredentialsRejected: Jira does not know the account any more; nothing is committed.
        Refused: the repository belongs to another Jira site.
        ConcurrentWriter: other writers kept committing this project first.
        StoreError: the store failed; earlier snapshots are untouched.
    """
    options, progress = options or CaptureOptions(), progress or Silence()
    started_at = clock()
    reader.on_wait(progress.note)
    account = account or reader.whoami()
    repository.bind_site(account.cloud_id, account.base_url)
    site = repository.latest(SITE_SCOPE)
    scope = project_scope(project.identity.id)
    draft = Draft(
        scope=scope,
        run=run,
        captured_at=started_at,
        watermark_ms=to_epoch_ms(account.server_time),
        previous=load_previous(repository, scope),
        project=project.identity,
        site_snapshot=None if site is None else site.number,
    )
    packing = Packing(repository, draft)
    kinds = [kind for kind in kinds_at(Level.PROJECT) if kind is not FIELDS]
    progress.stage(f"{project.identity.key}: settings", len(kinds))
    capture_listings(reader, draft, packing, kinds, progress, project_id=project.identity.id, options=options)
    fields = FieldNames(reader, draft, packing, project.identity.id, options.is_full)
    feed = feed_for(repository, draft, site)
    worklogs = WorklogWatch(repository, reader, draft, feed)
    capture = _IssueCapture(
        repository, reader, draft, packing, account, worklogs, fields, options, clock, progress
    )
    capture.read(project)
    compact(repository, draft)
    manifest = commit(repository, draft)
    return capture_outcome(manifest, draft, reader, clock() - started_at, options)


def _unless_refused(ask: Callable[[], Iterable[T]]) -> list[T]:
    """Ask for something that Jira may refuse of an archived project; nothing then."""
    try:
        return list(ask())
    except NotFound:
        return []


def _archived_project(project: ProjectIdentity) -> Gap:
    return Gap(
        kind="issue",
        subject=f"issues of the archived project {project.key}",
        reason="Jira's search leaves out archived projects, and nothing of it was stored before",
        remedy="Restore the project from the archive for the time of one backup.",
    )


@dataclass(slots=True)
class _IssueCapture:
    """The issue part of a project's capture; one instance a capture."""

    repository: Repository
    reader: JiraReader
    draft: Draft
    packing: Packing
    account: Account
    worklogs: WorklogWatch
    fields: FieldNames
    options: CaptureOptions
    clock: Callable[[], datetime]
    progress: Progress

    def read(self, project: ListedProject) -> None:
        """Bring the draft's issues up to date with Jira."""
        previous, identity = self.draft.previous, project.identity
        self.progress.stage(f"{identity.key}: listing issues")
        listed = self._listed(project)
        changed = self._changed(project)
        changes = decide_changes(
            listed,
            stored=previous.stored_issues(),
            fresh=previous.fresh_issues(),
            changed=changed,
            again=self._again(project) | self.worklogs.unheard(listed, changed),
            is_full=self.options.is_full,
        )
        listed.update(changed)
        # What a dead run stored was not looked at: then the next run gathers the keys from the table.
        if not previous.fresh:
            known = () if self.options.is_full else previous.property_keys(self.repository)
            self.draft.property_keys = set(known)
        missed = MissingIssues(
            self.repository, self.reader, self.draft, self.account, identity.id, self.clock(), self.options
        )
        here, unread = missed.settle(changes.missing, listed)
        listed.update(here)
        self._reuse_fresh(listed, changes.to_read)
        reading = UnitReading(
            self.repository,
            self.reader,
            self.draft,
            self.packing,
            self.options,
            self.progress,
            self.worklogs,
            self.fields,
        )
        vanished = reading.read([*changes.to_read, *unread], key=identity.key, listed=len(listed))
        if project.is_archived:
            vanished = self._kept_in_the_archive(vanished)
        missed.moved_away(reading.moved)
        missed.vanished([issue_id for issue_id in vanished if issue_id not in reading.moved])
        missed.judge_the_loss()
        self.fields.complete()
        self.packing.close()
        self._carry(reading)
        self._close_ledger(reading.tally, identity.id, len(listed) - len(vanished))

    def _kept_in_the_archive(self, not_given: Sequence[str]) -> list[str]:
        """Keep what is stored of an archived project's issues that Jira does not hand out; give those of which nothing is.

        Whether a bulk read gives issues in the archive is not documented: not given proves nothing there.
        """
        stored = self.draft.previous.stored_issues()
        kept = [issue_id for issue_id in not_given if issue_id in stored]
        if kept:
            self.draft.notes.append(
                f"{len(kept)} issues in the archive were not handed out: they stay as they were stored"
            )
        return [issue_id for issue_id in not_given if issue_id not in stored]

    def _close_ledger(self, tally: Tally, project_id: str, expected: int) -> None:
        draft = self.draft
        approximate = self.reader.issue_count(project_id)
        if approximate is not None and approximate > expected * _ESTIMATE_TOLERANCE + _ESTIMATE_SLACK:
            draft.notes.append(
                f"Jira estimates {approximate} issues, the walk found {expected}: look into it"
            )
        draft.ledger.extend(
            issue_ledger(
                tally,
                draft.gaps,
                listed=expected,
                stored_issues=draft.live_count("issue"),
                approximate=approximate,
            )
        )
        of_feed = self.worklogs.ledger_line()
        if of_feed is not None:
            draft.ledger.append(of_feed)

    def _listed(self, project: ListedProject) -> set[str]:
        """Walk the project's ids. Searches may leave an archived project out: what is stored of it counts as listed."""
        stored = self.draft.previous.stored_issues()
        walk = partial(self.reader.issue_ids, project.identity.id, project.issue_count or len(stored))
        if not project.is_archived:
            return set(walk())
        self.draft.notes.append(_ARCHIVED)
        found = set(_unless_refused(walk))
        if not found and not stored:
            self.draft.gaps.append(_archived_project(project.identity))
        return found | stored.keys()

    def _changed(self, project: ListedProject) -> dict[str, int]:
        since_ms = self.draft.previous.changed_since_ms(is_full=self.options.is_full)
        if since_ms is None:
            return {}
        overlap_ms = int(self.options.overlap_hours * 3_600_000)
        ask = partial(self.reader.changed_issues, project.identity.id, max(0, since_ms - overlap_ms))
        return dict(_unless_refused(ask) if project.is_archived else ask())

    def _again(self, listed: ListedProject) -> set[str]:
        """Choose issues to read although nothing says they changed.

        These are earlier gaps, issues that changed while they were read, today's turn of the re-read, all of a project whose
        key changed (every issue has another key then, and none another `updated`), and all of one that came back from the
        archive: what changed just before it went there was not to be found, and the watermark has passed it since.
        """
        previous, project = self.draft.previous, listed.identity
        again = {gap.issue_id for gap in previous.gaps if gap.issue_id is not None}
        again.update(previous.changed_while_read())
        today, manifest = self.clock().date(), previous.manifest
        if manifest is not None and (last := manifest.captured_at.date()) < today:
            again.update(reread_turn(previous.stored_issues(), today, self.options.reread_days, since=last))
        if manifest is not None and manifest.project is not None and manifest.project.key != project.key:
            self.draft.notes.append(f"the project's key changed from {manifest.project.key} to {project.key}")
            again.update(previous.stored_issues())
        if manifest is not None and _ARCHIVED in manifest.notes and not listed.is_archived:
            self.draft.notes.append(
                "the project came back from the archive: all of its issues are read again"
            )
            again.update(previous.stored_issues())
        return again

    def _reuse_fresh(self, listed: set[str], to_read: Sequence[str]) -> None:
        """Take over what a dead run stored and nobody changed since."""
        read_anew = set(to_read)
        self.draft.reuse(
            [
                ref
                for (kind, record_id), ref in self.draft.previous.fresh.items()
                if kind == "issue" and record_id in listed and record_id not in read_anew
            ]
        )

    def _carry(self, reading: UnitReading) -> None:
        """Account for the issues that stay as they were stored, and for what was missing of them."""
        draft = self.draft
        missing_blobs = Counter(gap.issue_id for gap in draft.previous.gaps if gap.kind == "attachment")
        kept: set[str | None] = set()
        for ref in draft.live_units():
            if ref.kind == "issue" and ref.id not in reading.counted:
                kept.add(ref.id)
                reading.tally.carry(ref.counts, missing_blobs=missing_blobs[ref.id])
        reading.tally.carried_bytes = self._carried_bytes({str(issue_id) for issue_id in kept})
        # A gap that names no issue and was met again is carried for what is not in tonight's count of it.
        met = Counter[Gap]()
        for gap in draft.gaps:
            met[replace(gap, count=1)] += gap.count
        for gap in draft.previous.gaps:
            if gap.issue_id in kept or self._concerns_all(gap):
                left = gap.count - met[replace(gap, count=1)]
                if left > 0:
                    draft.gaps.append(replace(gap, count=left))

    def _carried_bytes(self, kept: set[str]) -> FileBytes | None:
        """Sum the files of the issues that stay; from the ledger before where it tells, so that few tables are opened."""
        previous = self.draft.previous
        if self.draft.reused_units:
            return None
        told = FileBytes.told_by(previous.manifest.ledger) if previous.manifest else None
        if told is None:
            return previous.file_bytes(self.repository, kept)
        return told - previous.file_bytes(self.repository, previous.stored_issues().keys() - kept)

    def _concerns_all(self, gap: Gap) -> bool:
        """Tell whether an earlier gap names no single issue (watchers refused, say) and no full reading replaced it."""
        return gap.issue_id is None and is_of_issues(gap) and not self.options.is_full
