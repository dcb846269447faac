"""Whether the project around the issues came back: its own settings, components, versions and roles.

What belongs here: pairing by name and judging the values that a restore sets.

What stays out: issues and what hangs on them (`compare_records`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.compare import DIFFERENT, NEW_ID, is_empty
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Finding, Judgement, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.compare import Correspondence
    from jira_backup_pipeline.engine.restore.compare_records import Excuses
    from jira_backup_pipeline.engine.restore.configuration.piece import Piece

_VALUES = {
    "project": ("name", "description", "lead", "projectTypeKey", "assigneeType", "url", "projectCategory"),
    "component": ("name", "description", "lead", "assigneeType"),
    "version": ("name", "description", "archived", "released", "startDate", "releaseDate"),
}
_MISSING = Judgement(Verdict.WRONG, Rule.MISSING)
_TEMPLATE = Judgement(Verdict.CHANGED, Rule.TEMPLATE)


@dataclass(frozen=True, slots=True)
class PlaceComparison:
    """Compares what a project consists of beside issues.

    In a project that was there before nothing was overwritten but what `changes` names by kind and id.
    """

    excuses: Excuses
    is_new: bool
    needed: Mapping[str, frozenset[str] | None]
    is_renamed: bool
    rules: Correspondence
    is_same_site: bool
    changes: Mapping[tuple[str, str], Piece] = field(default_factory=dict)

    def project(self, source: Record, target: Record | None) -> Iterator[Finding]:
        """Judge the project's own settings."""
        if target is None:
            yield self._finding("project", source, "record", _MISSING)
            return
        yield self._finding("project", source, "id and key", EXACT if source.id == target.id else NEW_ID)
        yield from self._values("project", source, target)

    def named(self, kind: str, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge components or versions, paired by name."""
        by_name = {members_of(record).get("name"): record for record in targets}
        needed = self.needed.get(kind)
        for source in sources:
            name = members_of(source).get("name")
            if needed is not None and name not in needed:
                continue
            target = by_name.get(name)
            if target is None:
                yield self._finding(kind, source, "record", _MISSING)
                continue
            yield self._finding(kind, source, "id", EXACT if source.id == target.id else NEW_ID)
            yield from self._values(kind, source, target)

    def roles(self, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge the members of roles; more than the snapshot has come from the template."""
        by_name = {members_of(record).get("name"): record for record in targets}
        for source in sources:
            name = str(members_of(source).get("name"))
            target = by_name.get(self.rules.stand_ins.name("roles", name))
            replaced = self.rules.people.replaced
            wanted = {replaced.get(actor, actor): actor for actor in self._actors(source)}
            present = self._actors(target) if target is not None else set()
            for actor, original in sorted(wanted.items()):
                if not self._is_written(source) and actor not in present:
                    yield self._finding(
                        "role_actors", source, original, Judgement(Verdict.CHANGED, Rule.NOT_OVERWRITTEN)
                    )
                else:
                    found = self.rules.person(original, actor) if actor in present else _MISSING
                    yield self._finding("role_actors", source, original, found)
            more = _TEMPLATE if self.is_new else Judgement(Verdict.CHANGED, Rule.NOT_REMOVED)
            for actor in sorted(present - wanted.keys()):
                yield self._finding("role_actors", source, actor, more)

    def _is_written(self, source: Record) -> bool:
        """Tell whether the restore wrote the values of a thing."""
        return self.is_new or (source.kind, source.id) in self.changes

    def _hindrance(self, kind: str, source: Record, name: str) -> str:
        piece = self.changes.get((kind, source.id))
        return piece.hindrance(name) if piece is not None else ""

    def _values(self, kind: str, source: Record, target: Record) -> Iterator[Finding]:
        wanted, present = members_of(source), members_of(target)
        for name in _VALUES[kind]:
            left, right = wanted.get(name), present.get(name)
            if is_empty(left) and is_empty(right):
                continue
            judgement = self._value(left, right)
            hindrance = self._hindrance(kind, source, name)
            if judgement is DIFFERENT and hindrance:
                judgement = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, hindrance)
            elif judgement is DIFFERENT and not self._is_written(source):
                judgement = Judgement(Verdict.CHANGED, Rule.NOT_OVERWRITTEN)
            elif judgement is DIFFERENT and kind == "project" and name == "name" and self.is_renamed:
                judgement = NEW_ID
            yield self._finding(kind, source, name, judgement)

    def _value(self, left: Any, right: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
        if isinstance(left, dict) and "accountId" in left and isinstance(right, dict):
            return self.rules.person(left["accountId"], right.get("accountId"))
        if isinstance(left, dict) and isinstance(right, dict):
            left, right = left.get("name"), right.get("name")
        return EXACT if left == right else DIFFERENT

    def _actors(self, record: Record) -> set[str]:
        """Give the members of a role; groups of another site have other ids, there the name counts."""
        found = set()
        for actor in members_of(record).get("actors") or []:
            user, group = actor.get("actorUser"), actor.get("actorGroup")
            if isinstance(user, dict):
                found.add(str(user.get("accountId")))
            elif isinstance(group, dict):
                by_id = group.get("groupId") if self.is_same_site else None
                found.add(str(by_id or group.get("name")))
        return found

    def _finding(self, kind: str, source: Record, name: str, judgement: Judgement) -> Finding:
        subject = f"{kind} {members_of(source).get('name', source.id)}"
        return Finding(kind, source.id, subject, name, self.excuses.judge(kind, source.id, name, judgement))
