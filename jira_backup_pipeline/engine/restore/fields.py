"""Field values as Jira accepts them in a create or an edit.

What belongs here: one conversion for each type of field, and what had to be left out of a value and why.

What stays out: which field is which (`matching`), text (`texts`), screens (`screens`) and sending (`issues`, `edits`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.matching import SPRINT_FIELD, is_read_only
from jira_backup_pipeline.engine.restore.people import INACTIVE, UNKNOWN
from jira_backup_pipeline.engine.restore.snapshot import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.idmap import IdMap, TargetIssue
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.target import TargetField
    from jira_backup_pipeline.engine.restore.texts import TextWriter

_CLOSED = "closed"
READ_ONLY = "no call writes a field of this type"


class LeftOut(Exception):
    """A value cannot be set on the target; `is_impossible` marks a documented limit."""

    def __init__(self, reason: str, *, is_impossible: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_impossible = is_impossible


@dataclass(slots=True)
class Values:
    """Values by the target's field ids, the snapshot's field id of each, and what was left out."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    adjustments: list[Adjustment] = field(default_factory=list)


class ValueWriter:
    """Converts the fields of issues. `find_issue` gives the target's issue for an id of the snapshot."""

    def __init__(
        self,
        matches: Matches,
        id_map: IdMap,
        texts: TextWriter,
        *,
        find_issue: Callable[[str], TargetIssue | None],
    ) -> None:
        self._matches = matches
        self._map = id_map
        self._texts = texts
        self._find_issue = find_issue

    def first(self, record: Record) -> Values:
        """Give the values to create an issue with."""
        return self._convert(record, self._texts.first)

    def final(self, record: Record, *, with_empty: bool = False) -> Values:
        """Give the values that an issue has in the end; with `with_empty` also None for what the snapshot has empty."""
        return self._convert(record, self._texts.final, with_empty=with_empty)

    def _convert(self, record: Record, text: Callable[[Any], Any], *, with_empty: bool = False) -> Values:
        result = Values()
        for source_id, value in fields_of(record).items():
            target = self._matches.target_field(source_id)
            if target is None or _is_inherited(target, record):
                continue
            if _is_empty(value):
                if with_empty and not is_read_only(target):
                    result.values[target.id] = [] if target.type == "array" else None
                    result.sources[target.id] = source_id
                continue
            converted, notes = self._tried(target, value, text)
            result.adjustments.extend(
                Adjustment("issue", record.id, source_id, note.reason, note.is_impossible) for note in notes
            )
            if not _is_empty(converted):
                result.values[target.id] = converted
                result.sources[target.id] = source_id
        return result

    def _tried(
        self,
        target: TargetField,
        value: Any,  # noqa: ANN401 - decoded JSON
        text: Callable[[Any], Any],
    ) -> tuple[Any, list[LeftOut]]:
        if is_read_only(target):
            return None, [LeftOut(READ_ONLY)]
        try:
            return self._value(target, value, text)
        except LeftOut as left_out:
            return None, [left_out]

    def _value(
        self,
        target: TargetField,
        value: Any,  # noqa: ANN401 - decoded JSON
        text: Callable[[Any], Any],
    ) -> tuple[Any, list[LeftOut]]:
        if target.custom == SPRINT_FIELD:
            return self._sprint(value)
        if target.id == "parent":
            # Jira lists this field without a type.
            return self._single("parent", value), []
        if target.type == "array":
            return self._items(target.items, value)
        if target.type in {"string", "any", ""}:
            return text(value), []
        if target.type == "timetracking":
            return _estimates(value), []
        return self._single(target.type, value), []

    def _items(self, kind: str, value: Any) -> tuple[Any, list[LeftOut]]:  # noqa: ANN401 - decoded JSON
        if not isinstance(value, list):
            return value, []
        converted, left_out = [], []
        for item in value:
            try:
                converted.append(self._single(kind, item))
            except LeftOut as note:
                left_out.append(note)
        return converted, left_out

    def _single(self, kind: str, value: Any) -> Any:  # noqa: ANN401 - decoded JSON
        if not isinstance(value, dict):
            return value
        converter = {
            "user": self._person,
            "option": _option,
            "option-with-child": _option,
            "priority": lambda found: _by_id(self._matches.priority(found), "priority", found),
            "securitylevel": self._level,
            "version": lambda found: _by_id(self._place("version", found), "version", found),
            "component": lambda found: _by_id(self._place("component", found), "component", found),
            "group": lambda found: {"name": found.get("name")},
            # A team is shown as an object and written as its bare id.
            "team": lambda found: found.get("id"),
            "project": self._project,
            "parent": self._parent,
            "issuelink": self._parent,
        }.get(kind)
        return value if converter is None else converter(value)

    def _person(self, value: Mapping[str, Any]) -> dict[str, Any]:
        account_id = str(value.get("accountId"))
        found = self._matches.person(account_id, or_fallback=True)
        if found is None and account_id in self._matches.people.active:
            raise LeftOut(INACTIVE)
        if found is None:
            raise LeftOut(UNKNOWN)
        return {"accountId": found}

    def _level(self, value: Mapping[str, Any]) -> dict[str, str]:
        project, found = self._matches.project, self._matches.level(value)
        if found is None and (project is None or not project.levels):
            # Whoever may not set levels is not told of any; the scheme that the project follows has them all the same.
            found = self._map.get("security_level", str(value.get("id")))
        if found is None:
            message = (
                f"the project has no security level {value.get('name')}: the issue can be seen by more people"
            )
            raise LeftOut(message, is_impossible=False)
        return {"id": found}

    def _place(self, kind: str, value: Mapping[str, Any]) -> str | None:
        project = self._matches.project
        mapped = self._map.get(kind, str(value.get("id")))
        if mapped is not None or project is None:
            return mapped
        names = project.versions if kind == "version" else project.components
        return names.get(str(value.get("name")))

    def _project(self, value: Mapping[str, Any]) -> dict[str, Any]:
        if not self._matches.is_same_site:
            raise LeftOut("the project lies on another site")
        return {"id": self._map.get("project", str(value.get("id"))) or str(value.get("id"))}

    def _parent(self, value: Mapping[str, Any]) -> dict[str, Any]:
        found = self._find_issue(str(value.get("id")))
        if found is None:
            message = f"the parent {value.get('key')} is not on the target"
            raise LeftOut(message)
        return {"id": found.id}

    def _sprint(self, value: Any) -> tuple[Any, list[LeftOut]]:  # noqa: ANN401 - decoded JSON
        """Put an issue into its one open sprint; closed ones take no issues, so they stay in the snapshot only."""
        chosen: int | None = None
        left_out = []
        for sprint in value if isinstance(value, list) else []:
            sprint_id = str(sprint.get("id")) if isinstance(sprint, dict) else ""
            state = self._matches.sprints.get(sprint_id)
            if state is None:
                continue  # made anew by the stage `sprints`
            if state == _CLOSED:
                left_out.append(LeftOut("a closed sprint accepts no issues"))
            else:
                if chosen is not None:
                    left_out.append(LeftOut("an issue is in one open sprint at most"))
                chosen = int(sprint_id)
        return chosen, left_out


def _is_inherited(target: TargetField, record: Record) -> bool:
    """Tell whether an issue takes a value over from its parent: team and security level of a sub-task are its parent's."""
    kind = fields_of(record).get("issuetype")
    level = kind.get("hierarchyLevel") if isinstance(kind, dict) else None
    return target.type in {"team", "securitylevel"} and isinstance(level, int) and level < 0


def _option(value: Mapping[str, Any]) -> dict[str, Any]:
    """Name an option by its words: ids belong to a context, and another project may have another one."""
    child = value.get("child")
    named: dict[str, Any] = {"value": value.get("value")}
    if isinstance(child, dict):
        named["child"] = {"value": child.get("value")}
    return named


def _by_id(found: str | None, kind: str, value: Mapping[str, Any]) -> dict[str, str]:
    if found is None:
        message = f"the target has no {kind} named {value.get('name')}"
        raise LeftOut(message, is_impossible=False)
    return {"id": found}


def _estimates(value: Any) -> dict[str, str]:  # noqa: ANN401 - decoded JSON
    """Give estimates in minutes: days and weeks mean different times on different sites."""
    found = value if isinstance(value, dict) else {}
    return {
        name: f"{seconds // 60}m"
        for name in ("originalEstimate", "remainingEstimate")
        if isinstance(seconds := found.get(f"{name}Seconds"), int)
    }


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [], {})
