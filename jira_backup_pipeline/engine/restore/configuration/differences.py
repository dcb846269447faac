"""What of a matched thing differs from the snapshot, and what of that no call changes.

What belongs here: the facts of both sides held against each other, the snapshot's with the names that its things have on
the target, and the documented limits of bringing one to the other.

What stays out: the facts (`facts`), writing (`amending`), and judging after a restore (`comparison`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.facts import SYSTEM, TABS, Book, facts_of, rule_keys
from jira_backup_pipeline.engine.restore.configuration.field_facts import of_both
from jira_backup_pipeline.engine.restore.configuration.piece import Change
from jira_backup_pipeline.engine.restore.configuration.rules import OF_AN_APP, moved_transition
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.noun import Bench

STAYS = "it is not in the snapshot, and a restore takes nothing away"
SHARES = "whom it is shared with is for its owner to say"
# Values that no documented call changes, by kind and the beginning of the value's name.
_FIXED: Mapping[tuple[str, str], str] = {
    ("issue_type", "hierarchyLevel"): "REST cannot change the level of an issue type",
    ("workflow", "name"): "REST cannot rename a workflow",
    ("dashboard", "shared with"): SHARES,
    ("dashboard", "may be changed by"): SHARES,
    ("field", "type"): "REST cannot change the type of a field",
}
# Lists in which the order says something.
_ORDERED = (TABS, "tab ", "options")
_LONGEST = 300


class MovedBook(Book):
    """The snapshot's names as the target has them: what was matched is called as it is called there."""

    def __init__(self, bench: Bench, target: Book) -> None:
        super().__init__(bench.source.rows, self._moved_id)
        self._bench = bench
        self._target = target

    def name(self, kind: str, found_id: object) -> str:
        """Give the target's name of what stands for a thing of the snapshot; its own where nothing does yet.

        Empty for a thing that the target will not have.
        """
        mapped = self._bench.mapped(kind, found_id)
        if mapped is None and (kind, str(found_id)) in self._bench.left_out:
            return ""
        return super().name(kind, found_id) if mapped is None else self._target.name(kind, mapped)

    def reaches(self, kind: str, found_id: str) -> bool:
        """Tell whether the target has what stands for a thing of the snapshot, or will have it."""
        mapped = self._bench.mapped(kind, found_id)
        if mapped is not None:
            return True
        is_coming = found_id in self._bench.need.of(kind) and (kind, found_id) not in self._bench.left_out
        return is_coming or (self._bench.is_same_site and self._target.record(kind, found_id) is not None)

    def _moved_id(self, noun: str, source_id: str) -> str:
        if noun == "user":
            return self.person(source_id) or source_id
        return self._bench.mapped(noun, source_id) or source_id

    def rules(self, step: Mapping[str, Any]) -> list[str]:
        """Give the rules of Jira's own that can be written: those of apps come with these."""
        moved, _ = moved_transition(step, self._coming)
        return rule_keys(moved)

    def _coming(self, kind: str, source_id: str) -> str | None:
        mapped = self._bench.mapped(kind, source_id)
        return source_id if mapped is None and (kind, source_id) not in self._bench.left_out else mapped

    def person(self, account_id: str) -> str | None:
        """Give the active account of the target that stands for one of the snapshot."""
        return account_id if self._bench.is_same_site else self._bench.person(account_id)


class OwnRulesBook(Book):
    """A site's names but for what the target will not have, and of its workflows the rules of Jira's own.

    What apps added to workflows is theirs to bring.
    """

    def __init__(
        self,
        rows: Callable[[str], Iterable[Record]],
        moved: Callable[[str, str], str] = lambda _, found_id: found_id,
        *,
        left_out: Collection[tuple[str, str]] = frozenset(),
        there: Book | None = None,
    ) -> None:
        super().__init__(rows, moved, there)
        self._left_out = left_out

    def name(self, kind: str, found_id: object) -> str:
        """Give the name of a thing; empty where the target will not have it."""
        return "" if (kind, str(found_id)) in self._left_out else super().name(kind, found_id)

    def rules(self, step: Mapping[str, Any]) -> list[str]:
        """Give the rules of Jira's own."""
        return [key for key in rule_keys(step) if key.startswith(SYSTEM)]


def books(bench: Bench) -> tuple[Book, Book]:
    """Give the books of the snapshot and of the target."""
    target = OwnRulesBook(bench.target.rows)
    return MovedBook(bench, target), target


def changes_of(bench: Bench, row: Record, target_id: str) -> tuple[Change, ...]:
    """Give what differs of a thing that was matched; nothing where the target does not show it any more."""
    target = bench.target.find(row.kind, target_id)
    if target is None:
        return ()
    left, right = books(bench)
    wanted, present = facts_of(row.kind, row, left), facts_of(row.kind, target, right)
    present = of_both(row.kind, wanted, present)
    found = list(changes_between(wanted, present, lambda name: _fixed(row.kind, name)))
    if row.kind == "workflow":
        found += _rules_of_apps(members_of(row), members_of(target))
    if members_of(target).get("isEditable") is False and row.kind == "workflow":
        reason = "Jira does not let this workflow be edited"
        found = [Change(item.field, item.present, item.wanted, item.hindrance or reason) for item in found]
    return tuple(found)


def _rules_of_apps(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[Change]:
    """Name the rules of apps that a workflow lost."""
    there = {str(step.get("name")): rule_keys(step) for step in present.get("transitions") or []}
    for step in wanted.get("transitions") or []:
        name = str(step.get("name"))
        lost = [
            key for key in rule_keys(step) if not key.startswith(SYSTEM) and key not in there.get(name, [])
        ]
        if lost:
            yield Change(f"rules of apps in transition {name}", "", words_of(lost), OF_AN_APP)


def _fixed(kind: str, name: str) -> str:
    return next((why for (of, start), why in _FIXED.items() if of == kind and name.startswith(start)), "")


def changes_between(
    wanted: Mapping[str, Any], present: Mapping[str, Any], hindrance: Callable[[str], str] = lambda _: ""
) -> Iterator[Change]:
    """Hold two sets of facts against each other. Of a list only what is missing is a change; what there is more stays."""
    for name, value in wanted.items():
        there = present.get(name)
        if value == there:
            continue
        if isinstance(value, list):
            yield from _list_changes(name, value, there if isinstance(there, list) else [], hindrance(name))
        else:
            yield Change(name, words_of(there), words_of(value), hindrance(name))
    for name in (name for name in present if name not in wanted):
        if name == "description":
            yield Change(name, words_of(present[name]), "", hindrance(name))
        else:
            yield Change(name, words_of(present[name]), "", STAYS)


def _list_changes(name: str, wanted: list[Any], present: list[Any], hindrance: str) -> Iterator[Change]:
    more = [item for item in present if item not in wanted]
    kept = [item for item in present if item in wanted]
    is_ordered = name.startswith(_ORDERED)
    if kept != wanted and (is_ordered or any(item not in present for item in wanted)):
        yield Change(name, words_of(present), words_of([*wanted, *more]), hindrance)
    if more:
        yield Change(f"{name}, more there", words_of(more), "", STAYS)


def words_of(value: Any) -> str:  # noqa: ANN401 - a fact of any shape
    """Give a fact in words, cut where it is long."""
    if isinstance(value, dict):
        text = "; ".join(f"{name} {words_of(member)}" for name, member in value.items() if member)
    elif isinstance(value, list):
        text = ", ".join(words_of(item) for item in value)
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
