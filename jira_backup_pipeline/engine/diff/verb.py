"""The verb diff: from a snapshot to another one, or to Jira as it is now, issue by issue and field by field.

What belongs here: choosing the units that may differ, window by window, and the joint result.

What stays out: the two sides (`sides`), how a unit differs (`differences`), and how it is shown (`commands.diff`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import ConfigurationError, Refused
from jira_backup_pipeline.domain.manifest import project_id_of
from jira_backup_pipeline.domain.records import unit_digest
from jira_backup_pipeline.domain.times import to_iso
from jira_backup_pipeline.engine.diff.contents import ContentComparison
from jira_backup_pipeline.engine.diff.differences import (
    Change,
    Difference,
    key_of,
    unit_differences,
)
from jira_backup_pipeline.engine.diff.sides import (
    WINDOW_UNITS,
    LiveSide,
    SnapshotSide,
    UnitName,
    in_order,
    project_kinds,
)
from jira_backup_pipeline.engine.progress import Silence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.manifest import Gap, Manifest
    from jira_backup_pipeline.domain.readings import IssueUnit, Located
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.engine.progress import Progress
    from jira_backup_pipeline.repository.repository import Repository


_NO_BYTES = "attachments are compared by name, size and kind, without their bytes; --bytes downloads and compares these too"


@dataclass(slots=True)
class DiffResult:
    """What differs. `compared` counts the units that had to be read, `unchanged` those whose digests are equal."""

    scope: str
    project: str
    before: dict[str, Any]
    after: dict[str, Any]
    differences: list[Difference] = field(default_factory=list)
    compared: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Count by kind what was added, removed and changed; a record that changed in two fields counts once."""
        seen: dict[str, dict[Change, set[tuple[str, str]]]] = {}
        for found in self.differences:
            change = found.change if not found.field else Change.CHANGED
            by_change = seen.setdefault(found.kind, {})
            by_change.setdefault(change, set()).add((found.issue, found.id))
        return {
            kind: {change.value: len(by_change.get(change, ())) for change in Change}
            for kind, by_change in sorted(seen.items())
        }

    def to_json(self) -> dict[str, Any]:
        """Give the result for `--json`."""
        return {
            "scope": self.scope,
            "project": self.project,
            "from": self.before,
            "to": self.after,
            "is_equal": not self.differences,
            "counts": self.counts,
            "compared": self.compared,
            "unchanged": self.unchanged,
            "notes": self.notes,
            "differences": [found.to_json() for found in self.differences],
        }


def diff_snapshots(
    repository: Repository, before: Manifest, after: Manifest, *, progress: Progress | None = None
) -> DiffResult:
    """Say what differs between two snapshots of a project; units of equal digest are not read.

    Raises:
        ConfigurationError: they are of different projects, or of the site.
        IntegrityError: a file is not what was stored.
    """
    if before.scope != after.scope:
        message = f"{before.scope} and {after.scope} are different projects"
        raise ConfigurationError(message, hint="Compare two snapshots of one project.")
    result = _result(before, _of_snapshot(after))
    left, right = SnapshotSide(repository, before), SnapshotSide(repository, after)
    changed = in_order(
        name for name in {**left.units, **right.units} if _digest(left, name) != _digest(right, name)
    )
    result.compared = len(changed)
    result.unchanged = len(left.units.keys() | right.units.keys()) - len(changed)
    comparison = _Comparison(right.field_names() or left.field_names(), (*left.gaps(), *right.gaps()))
    progress = progress or Silence()
    progress.stage("comparing", len(changed))
    for window in _windows(changed):
        old, new = left.records(window), right.records(window)
        for name in window:
            result.differences += comparison.unit(name, old.get(name, []), new.get(name, []))
            progress.advance()
    result.notes += [*comparison.notes(), *_notes_on_late_finds(left, result.differences)]
    return result


def diff_live(
    repository: Repository,
    before: Manifest,
    reader: JiraReader,
    *,
    with_bytes: bool = False,
    progress: Progress | None = None,
) -> DiffResult:
    """Say what differs between a snapshot and Jira as it is now. Every issue is read once, nothing is stored.

    `with_bytes` downloads every attachment that the snapshot holds and compares its digest; sizes are compared always.

    Raises:
        ConfigurationError: the snapshot is the site's.
        Refused: the reader leads to another site than the snapshot's.
        CredentialsRejected: Jira does not know the account.
    """
    account = reader.whoami()
    if account.cloud_id != before.cloud_id:
        message = f"the snapshot is of site {before.cloud_id}, the account leads to {account.base_url}"
        raise Refused(message, hint="Set JIRA_BASE_URL to the site that was backed up.")
    result = _result(before, {"live": account.base_url, "at": to_iso(account.server_time)})
    left = SnapshotSide(repository, before)
    live = LiveSide(reader, project_id_of(before.scope) or "", before.field_witnesses)
    comparison = _Comparison(left.field_names(), left.gaps())
    progress = progress or Silence()
    progress.stage("comparing the project", None)
    for listed in live.listings():
        records = {(listed.kind, record.id): [record] for record in listed.records}
        stored = {name for name in left.units if name[0] == listed.kind}
        unknown = comparison.gaps_of(listed.gaps) if listed.gaps else set()
        old = left.records(stored)
        for name in in_order({*stored, *records}):
            _count(result, left, name, records.get(name, []))
            result.differences += comparison.unit(name, old.get(name, []), records.get(name, []), unknown)
    contents = ContentComparison(reader) if with_bytes else None
    _compare_issues(result, comparison, left, live, progress=progress, contents=contents)
    result.notes += [
        *comparison.notes(),
        *_notes_on_late_finds(left, result.differences),
        *(contents.notes() if contents is not None else [_NO_BYTES]),
        "issues created in the last minute may not be listed by Jira's search yet",
    ]
    return result


def _notes_on_late_finds(left: SnapshotSide, differences: Iterable[Difference]) -> Iterator[str]:
    """Name what may have been there before: captures ask a part of the issues for all their property keys, for instance."""
    differences = [found for found in differences if found.before is None]
    in_turns = {kind.name: kind.title for kind in project_kinds() if kind.listing.takes_turns}
    for kind in sorted({found.kind for found in differences} & in_turns.keys()):
        yield f"{in_turns[kind]} may be older than the snapshot: captures ask for them in turns"
    added = {found.id for found in differences if found.kind == "issue_property"}
    new = sorted(added - left.property_keys()) if added else []
    if new:
        yield (
            f"issue properties under keys that the snapshot does not have at all ({', '.join(new)}) may be older than it: "
            "only a full capture asks every issue for all its keys"
        )


def _compare_issues(
    result: DiffResult,
    comparison: _Comparison,
    left: SnapshotSide,
    live: LiveSide,
    *,
    progress: Progress,
    contents: ContentComparison | None,
) -> None:
    listed = live.issue_ids()
    if listed is None:
        result.notes.append(
            "Jira does not search the project: it is gone, archived, or hidden from the account"
        )
    progress.stage("comparing issues", len(listed or ()))
    missing = {name[1] for name in left.units if name[0] == "issue"} - set(listed or ())
    located = live.reader.locate(sorted(missing)) if missing else {}
    # Searches leave archived issues out, and those of the last minute: they are there all the same.
    here = [issue_id for issue_id, place in located.items() if place.project_id == live.project_id]
    seen: set[str] = set()
    for units in live.windows([*(listed or ()), *here]):
        seen.update(unit.issue_id for unit in units)
        result.differences += _window_differences(result, comparison, left, units, contents)
        progress.advance(len(units))
    gone = [name for name in left.units if name[0] == "issue" and name[1] not in seen]
    result.compared += len(gone)
    result.differences += _gone(left, in_order(gone), located)


def _window_differences(
    result: DiffResult,
    comparison: _Comparison,
    left: SnapshotSide,
    units: list[IssueUnit],
    contents: ContentComparison | None,
) -> Iterator[Difference]:
    suspicious = [unit for unit in units if _count(result, left, ("issue", unit.issue_id), unit.records)]
    old = left.records(("issue", unit.issue_id) for unit in suspicious)
    for unit in suspicious:
        name = ("issue", unit.issue_id)
        unknown = comparison.gaps_of(unit.gaps)
        stored = old.get(name, [])
        yield from comparison.unit(name, stored, unit.records, unknown)
        # Stored files make a unit's digest another one than Jira's own words do: none of them is passed over here.
        if contents is not None:
            yield from contents.differences(key_of(unit.records), stored, unit.records)


def _count(result: DiffResult, left: SnapshotSide, name: UnitName, records: Iterable[Any]) -> bool:
    """Count a unit as unchanged when its digest is the stored one; tells whether it must be compared."""
    stored = left.units.get(name)
    is_same = stored is not None and unit_digest(records) == stored.digest
    result.unchanged += is_same
    result.compared += not is_same
    return not is_same


def _gone(left: SnapshotSide, names: list[UnitName], located: Mapping[str, Located]) -> Iterator[Difference]:
    """Say of the issues that the project has no more whether they were moved; the others are removed."""
    for window in _windows(names):
        old = left.records(window)
        for name in window:
            place = located.get(name[1])
            removed = next(unit_differences(old.get(name, [])[:1], [], names={}), None)
            if removed is None:
                continue
            if place is None:
                yield removed
            else:
                key = removed.before.get("key") if isinstance(removed.before, dict) else None
                yield Difference(Change.CHANGED, "issue", name[1], str(key), "key", key, place.key)


class _Comparison:
    """Compares units and remembers what could not be compared because one side could not be read."""

    def __init__(self, field_names: Mapping[str, str], gaps: Iterable[Gap]) -> None:
        self._names = field_names
        self._unread: Counter[str] = Counter()
        self._everywhere: set[str] = set()
        self._by_issue: dict[str, set[str]] = {}
        for gap in gaps:
            if gap.issue_id is None:
                self._everywhere.add(gap.kind)
            else:
                self._by_issue.setdefault(gap.issue_id, set()).add(gap.kind)

    def gaps_of(self, gaps: Iterable[Gap]) -> set[str]:
        """Give the kinds that gaps of one reading leave unknown."""
        return {gap.kind for gap in gaps}

    def unit(
        self, name: UnitName, left: list[Any], right: Iterable[Any], unknown: Iterable[str] = ()
    ) -> Iterator[Difference]:
        """Say how a unit differs, without the kinds that one side could not read."""
        unread = {*unknown, *self._everywhere, *self._by_issue.get(name[1], ())} - {"issue", "attachment"}
        self._unread.update(unread)
        yield from unit_differences(left, list(right), names=self._names, unread=unread)

    def notes(self) -> Iterator[str]:
        """Say what was not compared."""
        for kind, count in sorted(self._unread.items()):
            yield f"{kind} could not be read on one side and was not compared ({count:,} things)"


def _digest(side: SnapshotSide, name: UnitName) -> bytes | None:
    found = side.units.get(name)
    return found.digest if found is not None else None


def _windows(names: list[UnitName]) -> Iterator[list[UnitName]]:
    for start in range(0, len(names), WINDOW_UNITS):
        yield names[start : start + WINDOW_UNITS]


def _result(before: Manifest, after: dict[str, Any]) -> DiffResult:
    if before.project is None:
        message = "the site's snapshots are not compared"
        raise ConfigurationError(
            message, hint="Name a project; `jira-backup sql --project site` looks inside."
        )
    return DiffResult(before.scope, before.project.key, _of_snapshot(before), after)


def _of_snapshot(manifest: Manifest) -> dict[str, Any]:
    return {"snapshot": manifest.number, "captured_at": to_iso(manifest.captured_at)}
