"""The creation of issues: level by level, fifty at a time, and never a second copy.

What belongs here: bulk creates with the origin mark inside, finding what a lost answer or a crash left behind, and dropping
values that Jira refuses so that the rest of an issue comes back.

What stays out: values and screens (`fields`, `screens`), and what is set afterwards (`edits`, `statuses`).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import AnswerLost, WriteRefused
from jira_backup_pipeline.domain.references import is_document
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.degrade import plain_document, plain_text
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.idmap import TargetIssue
from jira_backup_pipeline.engine.restore.properties import KIND as PROPERTY
from jira_backup_pipeline.engine.restore.properties import carried_properties
from jira_backup_pipeline.engine.restore.screens import CreateScreens
from jira_backup_pipeline.engine.restore.snapshot import fields_of
from jira_backup_pipeline.engine.restore.stages import record
from jira_backup_pipeline.engine.restore.target import ORIGIN_PROPERTY, probe_beyond, read_origins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.references import Node
    from jira_backup_pipeline.engine.restore.snapshot import IssueHead
    from jira_backup_pipeline.engine.restore.stages import Restoration
    from jira_backup_pipeline.engine.restore.target import FoundIssue

STAGE = "issues"
BATCH_ISSUES = 50
# What is decoded at once: enough for many batches, little enough for any machine.
_WINDOW_ISSUES = 2000
_CARRIED = "with properties"
_LOOKS = 3
_SUMMARY_CHARACTERS = 255
# Without these there is no issue; a refusal of one of them is a refusal of the issue.
PROPERTIES = "properties"
_ESSENTIAL = frozenset({"project", "issuetype", "summary"})


class IssueCreator:
    """Creates the issues of a plan. One batch at a time: numbers then keep the order of the originals."""

    def __init__(self, restoration: Restoration, *, last_number: int) -> None:
        self._restoration = restoration
        self._last_number = last_number
        self._screens = CreateScreens(restoration.calls, restoration.project_id)
        self._properties: dict[str, list[dict[str, Any]]] = {}
        restoration.carried.update(
            name for name, how in restoration.journal.stage(STAGE).done.items() if how == _CARRIED
        )

    def create(self, heads: Iterable[IssueHead]) -> None:
        """Create every planned issue that is not on the target yet; parents come before their children."""
        wanted = set(self._restoration.plan.creates)
        planned = [head for head in heads if head.id in wanted]
        self._settle_doubts({head.id: head for head in planned})
        for _, level in groupby(planned, key=lambda head: head.level):
            missing = [head for head in level if not self._is_settled(head.id)]
            for window in _parts(missing, _WINDOW_ISSUES):
                self._create_window(window)

    def _create_window(self, window: list[IssueHead]) -> None:
        """Create as many issues as are held in memory at once, batch by batch."""
        ids = {head.id for head in window}
        records = {row.id: row for row in self._restoration.view.rows("issue", ids)}
        self._properties = carried_properties(self._restoration.view.rows(PROPERTY, ids))
        for batch in _parts([head for head in window if head.id in records], BATCH_ISSUES):
            self._create_batch(batch, records)

    def _is_settled(self, source_id: str) -> bool:
        done = self._restoration.journal.stage(STAGE).done
        return source_id in done or self._restoration.id_map.issue(source_id) is not None

    def _settle_doubts(self, heads: Mapping[str, IssueHead]) -> None:
        """Find what batches without a recorded result created after all."""
        memory = self._restoration.journal.stage(STAGE)
        if not memory.in_doubt:
            return
        self._last_number = min(int(note["last_number"]) for note in memory.open_notes)
        self._look(heads)
        found = [source_id for source_id in memory.in_doubt if self._restoration.id_map.issue(source_id)]
        record(self._restoration, STAGE, list(memory.in_doubt), dict.fromkeys(found))
        memory.in_doubt.clear()

    def _look(self, heads: Mapping[str, IssueHead]) -> None:
        """Read the next keys for marks of this restore: search lags behind, reading by key does not."""
        beyond, self._last_number = probe_beyond(
            self._restoration.calls, self._restoration.project_key, self._last_number
        )
        self._adopt(beyond, heads)

    def _adopt(
        self, found: Iterable[tuple[FoundIssue, dict[str, Any]]], heads: Mapping[str, IssueHead]
    ) -> set[str]:
        adopted = set()
        for issue, origin in found:
            head = heads.get(str(origin.get("issue_id")))
            if head is None or origin.get("restore") != self._restoration.journal.restore:
                continue
            adopted.add(head.id)
            number = issue.key.rpartition("-")[2]
            self._last_number = max(self._last_number, int(number) if number.isdigit() else 0)
            self._restoration.id_map.put_issue(head.id, head.key, TargetIssue(issue.id, issue.key))
        return adopted

    def _create_batch(self, batch: list[IssueHead], records: Mapping[str, Record]) -> None:
        names = [head.id for head in batch]
        self._restoration.journal.intend(STAGE, names, {"last_number": self._last_number})
        bodies = {head.id: body for head in batch if (body := self._body(head, records[head.id])) is not None}
        self._post({head.id: head for head in batch}, bodies)
        carried = self._restoration.carried
        done = {name: _CARRIED if name in carried else None for name in names}
        record(self._restoration, STAGE, names, done)
        self._restoration.progress.advance(len(batch))

    def _post(self, heads: Mapping[str, IssueHead], bodies: dict[str, dict[str, Any]]) -> None:
        lost = 0
        while bodies:
            order = list(bodies)
            try:
                answer = self._send([bodies[source_id] for source_id in order])
            except AnswerLost:
                lost += 1
                if lost > _LOOKS:
                    raise
                self._restoration.pause(float(lost))
                self._look(heads)
                bodies = {
                    name: body for name, body in bodies.items() if not self._restoration.id_map.issue(name)
                }
                continue
            bodies = self._digest(answer, order, bodies, heads)

    def _send(self, updates: list[dict[str, Any]]) -> object:
        try:
            return self._restoration.calls.send("POST", "/rest/api/3/issue/bulk", {"issueUpdates": updates})
        except WriteRefused as refusal:
            if list_of(refusal.answer, "errors"):
                return refusal.answer
            whole = {
                "elementErrors": {
                    "errorMessages": [*refusal.error_messages] or [refusal.message],
                    "errors": refusal.field_errors,
                }
            }
            if len(updates) == 1:
                return {"issues": [], "errors": [{**whole, "failedElementNumber": 0}]}
        # The batch was refused without a word on its members: each is asked for alone.
        answers = [self._send([update]) for update in updates]
        return {
            "issues": [item for answer in answers for item in list_of(answer, "issues")],
            "errors": [
                {**item, "failedElementNumber": position}
                for position, answer in enumerate(answers)
                for item in list_of(answer, "errors")
            ],
        }

    def _digest(
        self,
        answer: object,
        order: list[str],
        bodies: dict[str, dict[str, Any]],
        heads: Mapping[str, IssueHead],
    ) -> dict[str, dict[str, Any]]:
        """Take in what was created and give the bodies worth another try."""
        created = [str(item["id"]) for item in list_of(answer, "issues") if "id" in item]
        # The order of the answer is not promised, so each created issue is known by its mark.
        adopted = self._adopt(read_origins(self._restoration.calls, created), heads)
        self._restoration.carried.update(
            name for name in adopted if name in bodies and len(bodies[name][PROPERTIES]) > 1
        )
        again: dict[str, dict[str, Any]] = {}
        refused = set()
        for item in list_of(answer, "errors"):
            position = item.get("failedElementNumber")
            if not isinstance(position, int) or not 0 <= position < len(order):
                continue
            source_id = order[position]
            refused.add(source_id)
            lighter = self._lighten(source_id, bodies[source_id], item.get("elementErrors"))
            if lighter is not None:
                again[source_id] = lighter
        untold = [source_id for source_id in order if source_id not in adopted and source_id not in refused]
        if untold:
            self._look(heads)
        for source_id in untold:
            if self._restoration.id_map.issue(source_id) is None:
                self._fail(source_id, "Jira did not say what became of it")
        return again

    def _lighten(self, source_id: str, body: dict[str, Any], errors: object) -> dict[str, Any] | None:
        """Drop what Jira objected to; None when nothing is left to drop, and the issue is then reported."""
        found = errors if isinstance(errors, dict) else {}
        named = found.get("errors")
        by_field: dict[str, Any] = named if isinstance(named, dict) else {}
        messages = [str(text) for text in found.get("errorMessages") or []]
        words = "; ".join([*messages, *(f"{name}: {text}" for name, text in by_field.items())])
        if PROPERTIES in by_field and len(body[PROPERTIES]) > 1:
            # The stage of that name asks for each alone, and reports those that are refused.
            return {**body, PROPERTIES: body[PROPERTIES][:1]}
        fields = body["fields"]
        optional = {name for name in fields if name not in _ESSENTIAL}
        blamed = {name for name in by_field if name in optional}
        if not blamed and not by_field:
            texts = {name for name in optional if is_document(fields[name])}
            blamed = texts or optional
        if not blamed:
            self._fail(source_id, words or "Jira refused it without a reason")
            return None
        for name in sorted(blamed):
            reason = f"refused at creation ({by_field.get(name) or words}); tried again by an edit"
            self._restoration.findings.adjust(Adjustment("create", source_id, name, reason))
        # Rich text goes plain first: a screen may require it.
        plain = {name: form for name in blamed if (form := _plain(fields[name])) not in (None, fields[name])}
        kept = {name: value for name, value in fields.items() if name not in blamed}
        lighter = {**body, "fields": {**kept, **plain}}
        # Where Jira names no field, properties may be what it means: their own stage writes them.
        return lighter if by_field else {**lighter, PROPERTIES: body[PROPERTIES][:1]}

    def _fail(self, source_id: str, reason: str) -> None:
        done = "not created; what hangs on it was left out, the rest went on"
        self._restoration.findings.fail(Failure("issue", source_id, source_id, reason, done))

    def _body(self, head: IssueHead, row: Record) -> dict[str, Any] | None:
        restoration = self._restoration
        issue_type = restoration.matches.issue_type(head.issue_type, head.level)
        if issue_type is None:
            self._fail(head.id, f"the target has no issue type like {head.issue_type}")
            return None
        if issue_type.level != head.level and head.level < 0:
            self._fail(head.id, f"the target's type {issue_type.name} takes no parent of this level")
            return None
        values = restoration.values.first(row)
        taken, filled = self._screens.divide(issue_type.id, row, values)
        restoration.findings.adjust(*values.adjustments, *filled)
        fields = {
            **taken,
            "project": {"id": restoration.project_id},
            "issuetype": {"id": issue_type.id},
            "summary": _summary(fields_of(row).get("summary")),
        }
        mark = {"key": ORIGIN_PROPERTY, "value": self._origin(head, row)}
        return {"fields": fields, PROPERTIES: [mark, *self._properties.get(head.id, ())]}

    def _origin(self, head: IssueHead, row: Record) -> dict[str, Any]:
        """Make the mark by which this issue is known again, and which keeps what REST cannot set."""
        plan, found = self._restoration.plan, fields_of(row)
        return {
            "repository": plan.repository_id,
            "scope": plan.scope,
            "snapshot": plan.snapshot,
            "restore": self._restoration.journal.restore,
            "issue_id": head.id,
            "key": head.key,
            "created": found.get("created"),
            "updated": found.get("updated"),
            "creator": _account(found.get("creator")),
            "reporter": _account(found.get("reporter")),
            "captured": to_iso(self._restoration.view.manifest.captured_at),
        }


def _plain(value: object) -> Node | None:
    return plain_document(plain_text(value)) if is_document(value) else None


def _account(value: object) -> object:
    return value.get("accountId") if isinstance(value, dict) else None


def _summary(value: object) -> str:
    """Give a summary that Jira takes: one line, not empty, of bounded length."""
    text = " ".join(str(value or "").split("\n")).strip()[:_SUMMARY_CHARACTERS]
    return text or "(no summary)"


def _parts(heads: Sequence[IssueHead], size: int) -> Iterator[list[IssueHead]]:
    for start in range(0, len(heads), size):
        yield list(heads[start : start + size])
