"""One difference, and how two states of a unit are turned into differences.

What belongs here: pairing the records of a unit, which of their values count, and the value `Difference`.

What stays out: finding the units that may differ (`sides`, `verb`), and what single values say (`values`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.records import settled
from jira_backup_pipeline.engine.diff.values import is_nothing, is_same, reduced

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record

# Shown inside an issue, but records of their own.
_OWN_RECORDS = frozenset(
    {"comment", "worklog", "attachment", "issuelinks", "subtasks", "watches", "votes", "thumbnail"}
)
_WRAPPING = frozenset({"self", "id", "expand", "names", "schema", "avatarUrls", "editmeta", "renderedFields"})
# Entries of the history never change: they are there or not, in whatever form Jira gave them.
_HISTORY = "changelog"


class Change(StrEnum):
    """What happened from the first side to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `issue` is the key of the issue it hangs on, empty for the project's own things; no `field`: all of it."""

    change: Change
    kind: str
    id: str
    issue: str = ""
    field: str = ""
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "change": self.change.value,
            "issue": self.issue or None,
            "kind": self.kind,
            "id": self.id,
            "field": self.field or None,
            "before": self.before,
            "after": self.after,
        }


def unit_differences(
    left: Sequence[Record],
    right: Sequence[Record],
    *,
    names: Mapping[str, str],
    unread: Collection[str] = (),
) -> Iterator[Difference]:
    """Say how two states of a unit differ. `names` are field names by id; kinds in `unread` are not known on one side.

    The history of an issue that only one side has is not told entry by entry.
    """
    issue = key_of([*right, *left])
    before, after = _by_name(left), _by_name(right)
    for name in sorted({*before, *after}, key=lambda name: (name[0] != "issue", *name)):
        kind, record_id = name
        if kind in unread or (kind == _HISTORY and not (left and right)):
            continue
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            change = Change.ADDED if old is None else Change.REMOVED
            yield Difference(change, kind, record_id, issue, "", _whole(old), _whole(new))
        elif kind != _HISTORY:
            for field, one, other in _fields(kind, old, new):
                label = names.get(field, field) if kind == "issue" else field
                yield Difference(_change(one, other), kind, record_id, issue, label, one, other)


def _change(old: object, new: object) -> Change:
    if is_nothing(old):
        return Change.ADDED
    return Change.REMOVED if is_nothing(new) else Change.CHANGED


def _by_name(records: Sequence[Record]) -> dict[tuple[str, str], Record]:
    return {(record.kind, record.id): record for record in records}


def key_of(records: Sequence[Record]) -> str:
    """Give the key of the issue among the records of its unit, empty where there is none."""
    for record in records:
        if record.kind == "issue" and isinstance(record.value, dict):
            return str(record.value.get("key", record.id))
    return ""


def _whole(record: Record | None) -> Any:  # noqa: ANN401 - decoded JSON
    """Give what a record is called or says, for one that is only on one side."""
    if record is None:
        return None
    value = record.value
    if not isinstance(value, dict):
        return reduced(value)
    if record.kind == "issue":
        fields = value.get("fields")
        return {
            "key": value.get("key"),
            "summary": fields.get("summary") if isinstance(fields, dict) else None,
        }
    return reduced({name: member for name, member in value.items() if name not in {"self", "expand"}})


def _fields(kind: str, old: Record, new: Record) -> Iterator[tuple[str, Any, Any]]:
    before, after = _values(kind, old), _values(kind, new)
    for name in sorted({*before, *after}):
        one, other = reduced(before.get(name)), reduced(after.get(name))
        if not is_same(one, other):
            yield name, one, other
    files = old.extra.get("blob_sha256"), new.extra.get("blob_sha256")
    # Jira's own list says nothing of the bytes: only two snapshots can be compared to the last one.
    if all(files) and files[0] != files[1]:
        yield "content", *files


def _values(kind: str, record: Record) -> dict[str, Any]:
    value = settled(kind, record.value)
    if not isinstance(value, dict):
        return {"value": value}
    if kind == "issue":
        fields = value.get("fields")
        found = dict(fields) if isinstance(fields, dict) else {}
        kept = {name: member for name, member in found.items() if name not in _OWN_RECORDS}
        return {"key": value.get("key"), **kept}
    return {name: member for name, member in value.items() if name not in _WRAPPING}
