"""Names and types of the fields that a project's issues show, for every one of them.

What belongs here: which issues are asked for the names of their fields. Jira names the fields of the issues in an answer and no
others, and types of issues have different ones, so no single issue speaks for its project. An issue that shows a field which
nobody named yet is a *witness*; the snapshot remembers its witnesses, and every capture asks them all in one request. The
catalogue's own listing, which asks the first issue, stands in where no witness is known and no issue is read.

What stays out: asking (`jira.field_names`), other listings (`listing`), and the fields of the site.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.errors import TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import Gap, LedgerLine
from jira_backup_pipeline.domain.readings import Listed

if TYPE_CHECKING:
    from jira_backup_pipeline.engine.capture.draft import Draft, Packing
    from jira_backup_pipeline.engine.ports import IssueUnit, JiraReader

KIND: Final = BY_NAME["issue_field"]
# One request; a project whose issues need more to show all their fields has the others named as they are read again.
_MOST_WITNESSES = 100
_NAMED_IN_A_NOTE = 10


@dataclass(slots=True)
class FieldNames:
    """Follows the fields of one capture of a project."""

    reader: JiraReader
    draft: Draft
    packing: Packing
    project_id: str
    is_full: bool = False
    _covered: set[str] | None = None
    _shown: set[str] = field(default_factory=set)
    _new: dict[str, set[str]] = field(default_factory=dict)

    def saw(self, unit: IssueUnit) -> None:
        """Look at the fields of an issue that was read."""
        if self._covered is None:
            # Of a witness that is gone nobody knows which fields it spoke for.
            _, lost = self._witnesses_of_before()
            self._covered = set() if lost or self.is_full else self.draft.previous.ids(KIND.name)
        value = unit.records[0].value
        fields = value.get("fields") if isinstance(value, dict) else None
        if not isinstance(fields, dict):
            return
        fresh = fields.keys() - self._covered
        if fresh:
            self._covered |= fresh
            self._shown |= fresh
            self._new[unit.issue_id] = fresh

    def complete(self) -> None:
        """Ask the witnesses, and settle which of the fields that were known before are gone."""
        draft, before = self.draft, self.draft.previous.ids(KIND.name)
        kept, lost = self._witnesses_of_before()
        witnesses = [*kept, *self._new][:_MOST_WITNESSES]
        answer = self._ask(witnesses)
        named = {record.id for record in answer.records}
        for record in answer.records:
            self.packing.add(KIND.name, record.id, 0, [record])
        draft.gaps.extend(answer.gaps)
        missing = sum(gap.count for gap in answer.gaps)
        draft.ledger.append(
            LedgerLine(KIND.name, "listing", len(named) + missing, len(named), explained=missing)
        )
        unproven = before - named
        is_whole = not answer.unread and not answer.gaps and not lost
        if is_whole and (len(witnesses) == len(kept) + len(self._new) > 0 or not draft.live_count("issue")):
            draft.removed.update((KIND.name, field_id) for field_id in unproven)
            unproven = set()
        # Who is gone stays in the list while fields have nobody else to speak for them: the next capture looks for others.
        draft.field_witnesses = (
            *(i for i in witnesses if i in kept or answer.gaps or self._new[i] & named),
            *(lost if unproven else ()),
        )
        nameless = sorted(self._shown - named) if not answer.gaps else []
        if nameless:
            told = ", ".join(nameless[:_NAMED_IN_A_NOTE])
            draft.notes.append(f"Jira names {len(nameless)} fields of issues nowhere: {told}")

    def _witnesses_of_before(self) -> tuple[list[str], list[str]]:
        """Give the witnesses that are still there, and those that are not; a full reading finds all of them anew."""
        manifest = self.draft.previous.manifest
        there: list[str] = []
        lost: list[str] = []
        if manifest is not None and not self.is_full:
            for issue_id in manifest.field_witnesses:
                is_there = self.draft.previous.find("issue", issue_id) is not None
                is_there &= ("issue", issue_id) not in self.draft.removed
                (there if is_there else lost).append(issue_id)
        return there, lost

    def _ask(self, witnesses: list[str]) -> Listed:
        try:
            if witnesses:
                return self.reader.field_names(witnesses)
            return self.reader.list_kind(KIND, project_id=self.project_id)
        except (TransientError, UnexpectedAnswer) as error:
            gap = Gap(KIND.name, KIND.title, error.message, error.hint)
            return Listed(KIND.name, (), (gap,), unread=("",))
