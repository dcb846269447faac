"""The reading of chosen issues into packs: what is asked of them, what it will cost, and what came of it.

What belongs here: the questions of one reading (remote links of which issues, which property keys, whose watchers), the cost that
is said before it begins, and storing units pack by pack.

What stays out: which issues are read (`changes`, `project`), bytes of attachments (`attachments`), and Jira itself (`jira`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from math import ceil
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import Gap, project_scope
from jira_backup_pipeline.engine.capture.attachments import AttachmentKeeper
from jira_backup_pipeline.engine.capture.changes import property_sample
from jira_backup_pipeline.engine.capture.compaction import MOST_PACKS
from jira_backup_pipeline.engine.capture.ledger import Tally
from jira_backup_pipeline.engine.capture.previous import active_people, keys_of_siblings
from jira_backup_pipeline.engine.cost import Workload, averages_of, cost_of
from jira_backup_pipeline.repository.memory import cycles_searched_rarely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jira_backup_pipeline.engine.capture.draft import Draft, Packing
    from jira_backup_pipeline.engine.capture.field_names import FieldNames
    from jira_backup_pipeline.engine.capture.options import CaptureOptions
    from jira_backup_pipeline.engine.capture.worklogs import WorklogWatch
    from jira_backup_pipeline.engine.ports import IssueUnit, JiraReader
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.repository.repository import Repository

# Half of what a snapshot may rest on before it is compacted: the nights that follow need room.
_MOST_PACKS_A_READING = MOST_PACKS // 2
_HISTORY = "changelog"


@dataclass(frozen=True, slots=True)
class _Questions:
    """What one reading asks beside the issues themselves."""

    people: Sequence[str]
    keys: Sequence[str]
    sample: Sequence[str]


@dataclass(slots=True)
class UnitReading:
    """One reading of issues; `tally` and `counted` tell what it brought, `moved` the new keys of issues of other projects."""

    repository: Repository
    reader: JiraReader
    draft: Draft
    packing: Packing
    options: CaptureOptions
    progress: Progress
    worklogs: WorklogWatch
    fields: FieldNames
    tally: Tally = field(default_factory=Tally)
    counted: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)

    def read(self, to_read: Sequence[str], *, key: str, listed: int) -> list[str]:
        """Read and store issues, pack by pack; give the ids that were listed but are not in the project any more.

        The last pack stays open for what the issues bring to light.
        """
        previous = self.draft.previous
        questions = self._questions(to_read)
        self.progress.stage(f"{key}: issues", len(to_read))
        self._tell_cost(to_read, questions, key=key, listed=listed)
        known = previous.known_blobs(self.repository, to_read)
        # Given, but without records; of a long reading two sets of all ids are more than need be.
        bare: set[str] = set()
        units = self.reader.issue_units(
            to_read,
            people=questions.people,
            links_of=self._links_of(to_read),
            property_keys=questions.keys,
            properties_of=None if self.options.is_full else questions.sample,
            # Whoever swaps one watcher for another between two readings is found by a full one, which asks everybody.
            stored_people={} if self.options.is_full else previous.people(self.repository, to_read),
            # A link that an app changes without a word in the history is found by a full reading too.
            stored_links={} if self.options.is_full else previous.remote_links(self.repository, to_read),
        )
        # A first backup of a million issues must not begin with more packs than a snapshot may rest on.
        pack_units = max(self.options.pack_units, ceil(len(to_read) / _MOST_PACKS_A_READING))
        with cycles_searched_rarely(), AttachmentKeeper(self.reader, known) as keeper:
            # One stream of units, cut where a pack closes: until then its last downloads are finished, so that the
            # blobs and rows of a unit lie in one pack.
            is_first = True
            while batch := list(islice(units, 1)):
                if not is_first:
                    self.packing.close()
                is_first = False
                rest = islice(units, pack_units - 1)
                for unit in keeper.complete(self._at_home(chain(batch, rest)), self.packing):
                    if not unit.records:
                        bare.add(unit.issue_id)
                    self._keep(unit)
        return [issue_id for issue_id in to_read if issue_id not in self.counted and issue_id not in bare]

    def _at_home(self, units: Iterable[IssueUnit]) -> Iterator[IssueUnit]:
        """Leave out issues of other projects: for minutes after a move the search index shows them where they were."""
        for unit in units:
            home = unit.project_id
            if home is None or project_scope(home) == self.draft.scope:
                yield unit
            else:
                self.moved[unit.issue_id] = unit.key

    def _questions(self, to_read: Sequence[str]) -> _Questions:
        if not to_read:
            return _Questions((), (), ())
        is_first = self.draft.previous.manifest is None
        keys = self._known_property_keys()
        return _Questions(
            people=active_people(self.repository),
            keys=keys,
            sample=property_sample(to_read, is_first=is_first, knows_keys=bool(keys)),
        )

    def _tell_cost(self, to_read: Sequence[str], questions: _Questions, *, key: str, listed: int) -> None:
        previous = self.draft.previous
        averages = averages_of(self.repository, previous.manifest, key)
        work = Workload(
            listed=listed,
            to_read=len(to_read),
            new=sum(1 for issue_id in to_read if previous.find("issue", issue_id) is None),
            is_full=self.options.is_full,
            is_first=previous.manifest is None,
            people=len(questions.people),
            property_keys=len(questions.keys),
            sample=len(questions.sample),
        )
        cost = cost_of(work, averages)
        pace = self.reader.pace()
        self.progress.note(
            f"{key}: {work.to_read:,} of {work.listed:,} issues to read; {cost.in_words(pace)}"
        )
        self.progress.expect(cost.records)

    def _known_property_keys(self) -> list[str]:
        """Give the property keys to ask for by name; a first reading borrows those of other projects."""
        previous = self.draft.previous
        if previous.manifest is None:
            return keys_of_siblings(self.repository, self.draft.scope)
        return previous.property_keys(self.repository)

    def _links_of(self, ids: Sequence[str]) -> list[str] | None:
        """Choose the issues to ask for remote links in any case, one request each.

        An issue that was never read is asked, because an import may have made its links without a history entry, and one
        whose links could not be read or changed while they were: its history may name what its links do not have. A full
        reading asks every issue.
        """
        if self.options.is_full:
            return None
        previous = self.draft.previous
        unread = {gap.issue_id for gap in previous.gaps if gap.kind == "remote_link"}
        unread.update(previous.changed_while_read())
        return [i for i in ids if i in unread or previous.find("issue", i) is None]

    def _look_at_the_history(self, issue_id: str, entries: int) -> None:
        """Object to a history that became shorter: nobody can take entries out, and the bulk answer passes over in silence."""
        before = self.draft.previous.find("issue", issue_id)
        missing = (before.counts.get(_HISTORY, 0) if before is not None else 0) - entries
        if missing <= 0 or before is None or self.draft.previous.manifest is None:
            return
        self.tally.declared[_HISTORY] += missing
        number = self.draft.previous.manifest.number
        self.draft.gaps.append(
            Gap(
                kind=_HISTORY,
                subject="history of an issue",
                reason=f"jira gives {entries} entries, and {entries + missing} are stored already",
                remedy=f"Snapshot {number} has them; the next run asks again.",
                issue_id=issue_id,
                count=missing,
            )
        )

    def _keep(self, unit: IssueUnit) -> None:
        self.progress.advance()
        self.draft.gaps.extend(unit.gaps)
        if not unit.records:
            return
        read = self.tally.count(unit)
        if not any(gap.kind == _HISTORY for gap in unit.gaps):
            self._look_at_the_history(unit.issue_id, read.get(_HISTORY, 0))
        self.worklogs.saw(unit)
        self.fields.saw(unit)
        self.progress.found({BY_NAME[kind].table: number for kind, number in read.items()})
        if self.draft.property_keys is not None:
            self.draft.property_keys.update(r.id for r in unit.records if r.kind == "issue_property")
        self.counted.add(unit.issue_id)
        self.packing.add("issue", unit.issue_id, unit.updated_ms, unit.records)
