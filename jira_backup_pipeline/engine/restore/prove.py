"""The proof: the target is read back through the ordinary reader and compared with the snapshot, record by record.

What belongs here: reading in batches, pairing units, checking the bytes of attachments, adding up, storing the report.

What stays out: the rules (`compare`, `compare_records`, `compare_place`) and the report's forms (`report`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import RestoreConflict
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.references import site_base
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.ports import AttachmentBytes
from jira_backup_pipeline.engine.progress import Silence
from jira_backup_pipeline.engine.restore.apply import source_bases
from jira_backup_pipeline.engine.restore.compare import DIFFERENT, Correspondence
from jira_backup_pipeline.engine.restore.compare_place import PlaceComparison
from jira_backup_pipeline.engine.restore.compare_ranks import RankComparison
from jira_backup_pipeline.engine.restore.compare_records import Excuses, UnitComparison
from jira_backup_pipeline.engine.restore.configuration.assigning import JOINED
from jira_backup_pipeline.engine.restore.configuration.comparison import (
    ConfigurationComparison,
    TargetSide,
    records_of,
)
from jira_backup_pipeline.engine.restore.configuration.jql import moved_jql
from jira_backup_pipeline.engine.restore.configuration.piece import PROJECT_SCHEME, Action
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.people import People
from jira_backup_pipeline.engine.restore.planned import PLACE_KINDS
from jira_backup_pipeline.engine.restore.ranks import rank_field
from jira_backup_pipeline.engine.restore.report import FidelityReport, Tally, report_of
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView, fields_of
from jira_backup_pipeline.engine.restore.target import TargetField, target_field
from jira_backup_pipeline.engine.restore.texts import TextWriter
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Finding, Judgement, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.ports import IssueUnit, JiraReader
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.engine.restore.apply import RestoreOutcome
    from jira_backup_pipeline.engine.restore.configuration.piece import Piece
    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.repository.repository import Repository

REPORTS = "reports"
_CHUNK_ISSUES = 500
_CHILD_KINDS = (
    "comment",
    "worklog",
    "attachment",
    "issue_link",
    "remote_link",
    "watcher",
    "changelog",
    "vote",
    "issue_property",
)
_READ_BYTES = 1 << 20
_CUSTOM = "customfield_"


def prove(
    repository: Repository,
    plan: RestorePlan,
    outcome: RestoreOutcome,
    reader: JiraReader,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> FidelityReport:
    """Read back everything the restore wrote, compare it with the snapshot, and store the report.

    Raises:
        RestoreConflict: the reader leads to another site than the restore wrote to.
    """
    plan = outcome.plan if outcome.plan.identity == plan.identity else plan
    begun_at = clock()
    account = reader.whoami()
    if account.cloud_id != plan.target.cloud_id:
        message = (
            f"the restore wrote to {plan.target.base_url}, the reader leads to {site_base(account.base_url)}"
        )
        raise RestoreConflict(message, hint="Prove with the credentials of the site that was restored to.")
    view = SnapshotView(repository, repository.load(plan.scope, plan.snapshot))
    proof = _Proof(plan, outcome, view, reader, progress or Silence())
    tally = proof.run()
    ended_at = clock()
    report = report_of(
        tally,
        restore=outcome.restore,
        scope=plan.scope,
        snapshot=plan.snapshot,
        source_key=plan.source.key,
        target_key=plan.target.key,
        target_base_url=plan.target.base_url,
        plan_digest=plan.digest,
        proven_at=to_iso(ended_at),
        duration_seconds=round((ended_at - begun_at).total_seconds(), 3),
        left_alone=len(plan.skips),
        notes=plan.notes,
    )
    name = f"{outcome.restore}-{outcome.run}-{ended_at.strftime('%Y%m%dT%H%M%S%fZ')}"
    repository.put_document(REPORTS, name, report.to_json(), scope=plan.scope)
    return report


class _Proof:
    def __init__(
        self,
        plan: RestorePlan,
        outcome: RestoreOutcome,
        view: SnapshotView,
        reader: JiraReader,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._outcome = outcome
        self._view = view
        self._reader = reader
        self._progress = progress
        self._is_about_files = plan.selection.part is Part.ATTACHMENTS
        self._kinds = ("attachment",) if self._is_about_files else _CHILD_KINDS
        self._tally = Tally()
        present = _field_definitions(reader)
        target_rank = rank_field(present)
        sources = {
            row.id: target_field(row.value) for row in view.site_rows("field") if isinstance(row.value, dict)
        }
        self._fields = present | sources
        self._tally.names = {name: known.name for name, known in self._fields.items() if known.custom}
        self._ranks = RankComparison(rank_field(self._fields), target_rank)
        # On the same site a field that no call writes is compared under its own id.
        own = {name: name for name in self._fields} if plan.target.is_same_site else {}
        system = {name: name for name in self._fields if not name.startswith(_CUSTOM)}
        self._targets = {**system, **own, **outcome.fields}
        self._excuses = Excuses.of(outcome.failures, outcome.adjustments)
        texts = TextWriter(
            outcome.id_map,
            source_bases=source_bases(view, plan),
            target_base=plan.target.base_url,
            projects={**plan.elsewhere_projects, plan.source.key: plan.target.key},
            accounts=plan.accounts,
            keys=plan.elsewhere_keys,
        )
        self._rules = Correspondence(
            outcome.id_map,
            texts,
            lambda source_id: outcome.id_map.issue(source_id) or plan.standing.get(source_id),
            plan.stand_ins,
            People(outcome.people, plan.accounts, plan.fallback_account),
        )

    def run(self) -> Tally:
        wanted = [*self._plan.creates, *self._plan.updates]
        self._progress.stage("proof", len(wanted))
        is_place_alone = self._plan.selection.part is Part.CONFIGURATION
        is_place_written = self._plan.selection.is_whole_project or self._plan.target.project_id is None
        if is_place_alone or self._plan.changes_place or (wanted and is_place_written):
            self._tally.add(self._compare_place())
        self._tally.add(self._schemes())
        if self._plan.makes_configuration:
            self._tally.records.update(records_of(self._around))
            self._tally.add(self._compare_configuration())
        for chunk in _chunks(wanted):
            self._tally.add(self._compare_chunk(chunk))
        self._tally.add(self._ranks.findings(self._excuses))
        self._tally.add(self._left_over())
        return self._tally

    def _left_over(self) -> Iterator[Finding]:
        """Name what the restore made or changed for its own time and could not take back."""
        for failure in self._outcome.failures:
            if failure.is_left_over:
                judgement = Judgement(Verdict.WRONG, Rule.LEFT_OVER, f"{failure.reason}; {failure.done}")
                name = failure.kind.replace("_", " ")
                yield Finding("project", failure.source_id, self._plan.target.key, name, judgement)

    def _schemes(self) -> Iterator[Finding]:
        """Say of each scheme that the project was to follow whether it does; the restore looked after it had been given."""
        failed = {failure.kind: failure.reason for failure in self._outcome.failures}
        for piece in self._plan.configuration:
            if piece.kind != PROJECT_SCHEME or not self._plan.is_whole_update:
                continue
            judgement = EXACT
            if piece.action is not Action.UPDATE:
                judgement = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, piece.hindrance("followed"))
            elif piece.source_id in failed:
                judgement = Judgement(Verdict.WRONG, Rule.REFUSED, failed[piece.source_id])
            yield Finding(
                piece.kind, piece.source_id, f"project {self._plan.target.key}", piece.name, judgement
            )
        if self._plan.target.project_id is None:
            yield from self._joined(failed)

    def _joined(self, failed: Mapping[str, str]) -> Iterator[Finding]:
        """Say the same of the schemes that a new project was given after it was made."""
        for piece in self._plan.configuration:
            if piece.kind in JOINED and piece.action is not Action.LEAVE:
                judgement = EXACT
                if piece.kind in failed:
                    judgement = Judgement(Verdict.WRONG, Rule.REFUSED, failed[piece.kind])
                name = piece.kind.replace("_", " ")
                subject = f"project {self._plan.target.key}"
                yield Finding(PROJECT_SCHEME, piece.kind, subject, name, judgement)

    @property
    def _around(self) -> tuple[Piece, ...]:
        """Give what surrounds the project; what belongs to it is compared with it.

        What was to be made and was there when its turn came (another project's restore made it) was only matched.
        """
        return tuple(
            replace(piece, action=Action.MATCH)
            if piece.action is Action.MAKE and (piece.kind, piece.source_id) in self._outcome.found
            else piece
            for piece in self._plan.configuration
            if piece.kind not in PLACE_KINDS
        )

    def _compare_configuration(self) -> Iterator[Finding]:
        id_map = self._outcome.id_map
        source = ConfigurationSource(self._view)
        project = {
            self._plan.source.key: self._plan.target.key,
            self._plan.source.id: self._outcome.project_id,
        }
        comparison = ConfigurationComparison(
            source,
            TargetSide(self._reader, id_map),
            id_map,
            self._excuses,
            lambda jql: moved_jql(jql, projects=project, fields=id_map.of("field"), keys=id_map.keys),
            lambda account: self._plan.accounts.get(account, account),
            is_same_site=self._plan.target.is_same_site,
        )
        yield from comparison.findings(self._around)

    def _compare_place(self) -> Iterator[Finding]:
        comparison = PlaceComparison(
            excuses=self._excuses,
            is_new=self._plan.target.project_id is None,
            changes={
                (piece.kind, piece.source_id): piece
                for piece in self._plan.configuration
                if piece.kind in PLACE_KINDS and piece.action is Action.UPDATE
            },
            needed={kind: self._plan.needed_names(kind) for kind in ("component", "version")},
            is_renamed=self._plan.target.key != self._plan.source.key,
            rules=self._rules,
            is_same_site=self._plan.target.is_same_site,
        )
        for kind in ("project", "component", "version", "role_actors"):
            sources = list(self._view.rows(kind))
            listed = self._reader.list_kind(BY_NAME[kind], project_id=self._outcome.project_id)
            self._tally.records[kind] += len(sources)
            if kind == "project":
                for source in sources:
                    yield from comparison.project(source, next(iter(listed.records), None))
            elif kind == "role_actors":
                yield from comparison.roles(sources, listed.records)
            else:
                yield from comparison.named(kind, sources, listed.records)

    def _compare_chunk(self, chunk: list[str]) -> Iterator[Finding]:
        wanted = set(chunk)
        sources = {row.id: row for row in self._view.rows("issue", wanted)}
        children = {kind: self._view.grouped(kind, wanted) for kind in self._kinds}
        keys = {row.id for rows in children.get("issue_property", {}).values() for row in rows}
        units = self._read_units(chunk, keys)
        for source_id in chunk:
            source = sources.get(source_id)
            if source is None:
                continue
            own = {kind: children[kind].get(source_id, []) for kind in self._kinds}
            if not self._is_about_files:
                self._tally.records["issue"] += 1
            self._tally.records.update({kind: len(records) for kind, records in own.items() if records})
            yield from self._compare_unit(source, own, units.get(source_id))
            self._progress.advance()

    def _read_units(self, chunk: list[str], property_keys: set[str]) -> dict[str, IssueUnit]:
        by_target = {
            found.id: source_id
            for source_id in chunk
            if (found := self._outcome.id_map.issue(source_id)) is not None
        }
        people = {
            self._plan.accounts.get(account_id, account_id)
            for account_id, is_active in self._outcome.people.items()
            if is_active
        }
        return {
            by_target[unit.issue_id]: unit
            for unit in self._reader.issue_units(
                list(by_target), people=sorted(people), property_keys=property_keys
            )
            if unit.issue_id in by_target
        }

    def _compare_unit(
        self, source: Record, own: Mapping[str, list[Record]], unit: IssueUnit | None
    ) -> Iterator[Finding]:
        found: dict[str, list[Record]] = {}
        for record in unit.records if unit is not None else ():
            found.setdefault(record.kind, []).append(record)
        comparison = UnitComparison(
            rules=self._rules,
            excuses=self._excuses,
            fields=self._fields,
            repository_id=self._plan.repository_id,
            is_new=source.id not in self._plan.updates,
            targets=self._targets,
            head_key=str(source.value.get("key", source.id)) if isinstance(source.value, dict) else source.id,
        )
        if self._is_about_files:
            yield from comparison.children("attachment", own["attachment"], found.get("attachment", []))
            yield from self._bytes(comparison.head_key, own["attachment"])
            yield from self._gaps(source, comparison.head_key, unit)
            return
        target = next(iter(found.get("issue", ())), None)
        yield from comparison.issue(source, target)
        if target is not None:
            yield from self._ranks.see(source.id, comparison.head_key, fields_of(source), fields_of(target))
        for kind in ("comment", "worklog", "attachment"):
            yield from comparison.children(kind, own[kind], found.get(kind, []))
        yield from comparison.links(own["issue_link"], found.get("issue_link", []))
        yield from comparison.remote_links(own["remote_link"], found.get("remote_link", []))
        yield from comparison.watchers(own["watcher"], found.get("watcher", []))
        yield from comparison.properties(own["issue_property"], found.get("issue_property", []))
        yield from comparison.history(own["changelog"])
        yield from comparison.votes(own["vote"])
        yield from self._bytes(comparison.head_key, own["attachment"])
        yield from self._gaps(source, comparison.head_key, unit)

    def _bytes(self, head_key: str, attachments: Iterable[Record]) -> Iterator[Finding]:
        """Download what was uploaded and compare the content."""
        for source in attachments:
            target_id = self._outcome.id_map.get("attachment", source.id)
            digest = source.extra.get("blob_sha256")
            if target_id is None or not isinstance(digest, str):
                continue
            judgement = EXACT if target_id == source.id else self._content(target_id, digest)
            yield Finding(
                "attachment", source.id, f"{head_key}: attachment {source.id}", "content", judgement
            )

    def _content(self, target_id: str, digest: str) -> Judgement:
        opened = self._reader.open_attachment(target_id)
        if not isinstance(opened, AttachmentBytes):
            return Judgement(Verdict.WRONG, Rule.MISSING, opened.reason)
        found = hashlib.sha256()
        with opened.stream as stream:
            while part := stream.read(_READ_BYTES):
                found.update(part)
        return EXACT if found.hexdigest() == digest else DIFFERENT

    def _gaps(self, source: Record, head_key: str, unit: IssueUnit | None) -> Iterator[Finding]:
        """Count what could not be read back as wrong: unread is unproven."""
        for gap in unit.gaps if unit is not None else ():
            # Votes are impossible whether they can be read or not: nothing is compared.
            if gap.kind == "vote" or (self._is_about_files and gap.kind != "attachment"):
                continue
            judgement = Judgement(Verdict.WRONG, Rule.MISSING, f"cannot be read back: {gap.reason}")
            yield Finding(gap.kind, source.id, f"{head_key}: {gap.subject}", "reading", judgement)


def _field_definitions(reader: JiraReader) -> dict[str, TargetField]:
    listed = reader.list_kind(BY_NAME["field"])
    return {record.id: target_field(_mapping(record.value)) for record in listed.records}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(ids)
    while chunk := list(islice(iterator, _CHUNK_ISSUES)):
        yield chunk
