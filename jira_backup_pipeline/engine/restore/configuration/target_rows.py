"""The target's configuration while a restore plans and writes, in the form in which a snapshot has it.

What belongs here: reading a kind by what the catalogue says of its list, through the counted calls of the restore, once.

What stays out: reading for a backup or a proof (`jira.reader`), which keeps Jira's own bytes; and what differs (`differences`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import BY_NAME, Paging
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.kinds import Kind
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.idmap import IdMap

# Lists that are asked for each parent, and only for parents that stand for one of the snapshot: kind, its parent, and what
# of the id map leads there.
_PER_PARENT = {
    "screen_field": ("screen_tab", "screen", "screenId"),
    "dashboard_gadget": ("dashboard", "dashboard", "id"),
    "field_configuration_item": ("field_configuration", "field_configuration", "id"),
    "field_scheme_item": ("field_scheme", "field_scheme", "id"),
}


class TargetRows:
    """Each kind is read when it is first asked for, and again after `forget`."""

    def __init__(self, calls: Calls, id_map: IdMap) -> None:
        self._calls = calls
        self._map = id_map
        self._read: dict[str, tuple[Record, ...]] = {}
        self._children: dict[tuple[str, str], tuple[Record, ...]] = {}

    def rows(self, kind: str) -> tuple[Record, ...]:
        """Give the records of a kind."""
        if kind in _PER_PARENT:
            return tuple(self._of_parents(BY_NAME[kind]))
        if kind not in self._read:
            self._read[kind] = tuple(self._listed(BY_NAME[kind], {}, ""))
        return self._read[kind]

    def find(self, kind: str, target_id: str) -> Record | None:
        """Give one record by its own id."""
        return next((row for row in self.rows(kind) if own_id(row) == target_id), None)

    def forget(self) -> None:
        """Read everything anew when it is next asked for: something was written."""
        self._read.clear()
        self._children.clear()

    def _of_parents(self, kind: Kind) -> Iterator[Record]:
        parent_kind, mapped, member = _PER_PARENT[kind.name]
        known = set(self._map.of(mapped).values())
        for parent in self.rows(parent_kind):
            if str(members_of(parent).get(member)) not in known:
                continue
            place = (kind.name, parent.id)
            if place not in self._children:
                values = {**members_of(parent), "parent_id": own_id(parent)}
                self._children[place] = tuple(self._listed(kind, values, parent.id))
            yield from self._children[place]

    def _listed(self, kind: Kind, values: Mapping[str, Any], parent_id: str) -> Iterator[Record]:
        listing = kind.listing
        path = listing.path.format_map(values) if values else listing.path
        query = dict(listing.query)
        items: Iterable[object]
        if listing.paging is Paging.OFFSET:
            size = {"maxResults": str(listing.page_size)} if listing.page_size else {}
            items = self._calls.get_all(path, listing.items, {**query, **size})
        else:
            answer = self._calls.get(path, query or None)
            found = answer.get(listing.items) if listing.items and isinstance(answer, dict) else answer
            items = found if isinstance(found, list) else []
        for item in items:
            if isinstance(item, dict):
                parts = [str(item.get(path[0], "")) for path in (kind.id_path, *kind.further_ids)]
                name = "/".join(part for part in (parent_id, *parts) if part)
                yield Record(kind.name, name, b"", item)
