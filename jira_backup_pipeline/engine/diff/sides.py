"""The two things that can be compared: a snapshot, read by its index, and Jira as it is now, read by the ordinary reader.

What belongs here: which units a side has with their digests, and the records of chosen units.

What stays out: how two states differ (`differences`), and storing anything: what is read here is forgotten again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import NotFound
from jira_backup_pipeline.domain.kinds import BY_NAME, Level, kinds_at
from jira_backup_pipeline.domain.manifest import SITE_SCOPE, Gap
from jira_backup_pipeline.engine.capture.field_names import KIND as FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.readings import IssueUnit, Listed
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.units import UnitRef
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.repository.repository import Repository

# (kind, id): "issue" with all that hangs on it, or one record of the project.
UnitName = tuple[str, str]
WINDOW_UNITS = 1000


class SnapshotSide:
    """A snapshot: its units by name, and the records of those that are asked for; files without any are not read."""

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self.manifest = manifest
        self._repository = repository
        self._tables = repository.tables(manifest)
        self.units: dict[UnitName, UnitRef] = {(ref.kind, ref.id): ref for ref in self._tables.index}

    def records(self, names: Iterable[UnitName]) -> dict[UnitName, list[Record]]:
        """Read some units."""
        wanted = [self.units[name] for name in names if name in self.units]
        if not wanted:
            return {}
        some = self._tables.only(wanted)
        found: dict[UnitName, list[Record]] = {}
        levels = kinds_at(Level.PROJECT, Level.ISSUE)
        held = {kind for ref in wanted for kind in ref.counts} | {ref.kind for ref in wanted}
        for kind in levels:
            if kind.name not in held:
                continue
            for record in some.table(kind.table).records():
                owner = (
                    ("issue", str(record.issue_id)) if kind.level is Level.ISSUE else (kind.name, record.id)
                )
                found.setdefault(owner, []).append(record)
        return found

    def property_keys(self) -> set[str]:
        """Give the keys of all issue properties."""
        batches = self._tables.table(BY_NAME["issue_property"].table).to_batches(["id"])
        return {str(key) for batch in batches for key in batch["id"].to_pylist()}

    def field_names(self) -> dict[str, str]:
        """Give field names by id, as the site snapshot that this one names has them."""
        number = self.manifest.site_snapshot
        if number is None:
            return {}
        try:
            site = self._repository.load(SITE_SCOPE, number)
        except NotFound:
            return {}
        rows = self._repository.tables(site).table(BY_NAME["field"].table).records()
        return {
            row.id: str(row.value["name"])
            for row in rows
            if isinstance(row.value, dict) and row.value.get("name")
        }

    def gaps(self) -> tuple[Gap, ...]:
        """Give what the snapshot is known to lack."""
        return self.manifest.gaps


@dataclass(slots=True)
class LiveSide:
    """Jira as it is now. Reads every issue of the project once, window by window; nothing is stored."""

    reader: JiraReader
    project_id: str
    field_witnesses: Sequence[str] = ()

    def listings(self) -> Iterator[Listed]:
        """Read the project's own kinds."""
        known: dict[str, Sequence[Record]] = {}
        for kind in kinds_at(Level.PROJECT):
            if kind is FIELDS and self.field_witnesses:
                yield self._fields_of_witnesses()
                continue
            listed = self.reader.list_kind(kind, project_id=self.project_id, known=known)
            known[kind.name] = listed.records
            if kind.listing.takes_turns:
                # Captures store no empty list of these.
                listed = replace(listed, records=tuple(found for found in listed.records if found.value))
            yield listed

    def _fields_of_witnesses(self) -> Listed:
        """Ask the issues that the snapshot had the names of its fields from; where one is gone, fields may lack a name."""
        listed = self.reader.field_names(self.field_witnesses)
        if not listed.unread or listed.gaps:
            return listed
        gap = Gap(
            kind=FIELDS.name,
            subject="fields of issues that are gone",
            reason="an issue that showed them is not given any more",
            remedy="Compare with a later snapshot, which finds other issues that show them.",
        )
        return replace(listed, gaps=(gap,))

    def issue_ids(self) -> list[str] | None:
        """Walk the ids of all issues; None where Jira refuses to search: the project is gone, archived or hidden."""
        try:
            return sorted(set(self.reader.issue_ids(self.project_id)), key=_as_number)
        except NotFound:
            return None

    def windows(self, ids: Iterable[str]) -> Iterator[list[IssueUnit]]:
        """Read issues in windows. Ids that vanish meanwhile are left out.

        Every issue is asked for all its remote links and properties: a key that no capture has seen must show.
        """
        for window in windows(ids):
            yield list(self.reader.issue_units(window, links_of=None, properties_of=None))


def windows(items: Iterable[str]) -> Iterator[list[str]]:
    """Cut into windows."""
    iterator = iter(items)
    while window := list(islice(iterator, WINDOW_UNITS)):
        yield window


def in_order(names: Iterable[UnitName]) -> list[UnitName]:
    """Order units as people read them: the project's own things first, then issues by age."""
    return sorted(names, key=lambda name: (name[0] == "issue", name[0], _as_number(name[1])))


def _as_number(text: str) -> tuple[int, str]:
    return (int(text) if text.isdecimal() else 0, text)


def project_kinds() -> tuple[Kind, ...]:
    """Give the kinds that a project has beside its issues."""
    return kinds_at(Level.PROJECT)
