"""Whether a value of the target is what the snapshot's value should have become.

What belongs here: rules for single values by the type of their field. They start from the original bytes on both sides and
share no code with the conversion that wrote them, except for the exchange of references in text.

What stays out: whole records (`compare_records`), reading (`prove`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import is_document, media_ids
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.engine.restore.canonical import plain_form
from jira_backup_pipeline.engine.restore.degrade import degraded
from jira_backup_pipeline.engine.restore.idmap import MEDIA
from jira_backup_pipeline.engine.restore.matching import SPRINT_FIELD, same_name
from jira_backup_pipeline.engine.restore.people import People
from jira_backup_pipeline.engine.restore.stand_ins import StandIns
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Judgement, Rule, Verdict, gravest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from jira_backup_pipeline.engine.restore.degrade import Place
    from jira_backup_pipeline.engine.restore.idmap import IdMap, TargetIssue
    from jira_backup_pipeline.engine.restore.target import TargetField
    from jira_backup_pipeline.engine.restore.texts import TextWriter

DIFFERENT = Judgement(Verdict.WRONG, Rule.DIFFERENT)
NEW_ID = Judgement(Verdict.CHANGED, Rule.NEW_ID)
_OTHER_PERSON = Judgement(Verdict.CHANGED, Rule.OTHER_PERSON)
_STAND_IN = Judgement(Verdict.CHANGED, Rule.STAND_IN)
_SAME_NAME = Judgement(Verdict.NORMALISED, Rule.SAME_NAME)
_MAPPED_KINDS = frozenset({"version", "component", "project"})
FILLED_ESTIMATE = "Jira fills an absent remaining estimate with the original one"
_ESTIMATES = ("originalEstimateSeconds", "remainingEstimateSeconds", "timeSpentSeconds")


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What became what, for comparison. `find_issue` gives the target's issue for an id of the snapshot."""

    id_map: IdMap
    texts: TextWriter
    find_issue: Callable[[str], TargetIssue | None]
    stand_ins: StandIns = field(default_factory=StandIns)
    people: People = field(default_factory=People)

    def value(self, field: TargetField, source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
        """Judge one field's value; both sides empty is exact."""
        if is_empty(source) and is_empty(target):
            return EXACT
        if is_empty(source) or is_empty(target):
            return DIFFERENT
        if field.custom == SPRINT_FIELD:
            return self._sprints(source, target)
        if field.type == "array" and isinstance(source, list) and isinstance(target, list):
            return self._items(field.items, source, target)
        if field.type == "timetracking":
            return _estimates(source, target)
        return self._single("parent" if field.id == "parent" else field.type, source, target)

    def _sprints(self, source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
        """Judge sprints: those that are still there by their id, those that were made anew also by their state."""
        wanted = {str(sprint.get("id")): sprint.get("state") for sprint in source if isinstance(sprint, dict)}
        present = {
            str(sprint.get("id")): sprint.get("state") for sprint in target if isinstance(sprint, dict)
        }
        if set(wanted) == set(present):
            return EXACT
        made = self.id_map.of("sprint")
        expected = {made.get(sprint_id, sprint_id): state for sprint_id, state in wanted.items()}
        new = set(expected) - set(wanted)
        is_same = set(expected) == set(present) and all(expected[one] == present[one] for one in new)
        return NEW_ID if is_same else DIFFERENT

    def text_without(
        self,
        source: Any,  # noqa: ANN401 - decoded JSON
        target: Any,  # noqa: ANN401 - decoded JSON
        refused: Collection[Place],
        *,
        knows_comments: bool = True,
    ) -> Judgement:
        """Judge rich text of which the target refused some nodes: they must be text there, all others as they were."""
        if not refused or not is_document(source):
            return self.text(source, target, knows_comments=knows_comments)
        expected = self.texts.final(source, knows_comments=knows_comments)
        if plain_form(degraded(expected, refused)) != plain_form(target):
            return DIFFERENT
        return self.text(source, expected, knows_comments=knows_comments)

    def text(self, source: Any, target: Any, *, knows_comments: bool = True) -> Judgement:  # noqa: ANN401 - decoded JSON
        """Judge rich or plain text."""
        if source == target:
            return EXACT
        if not is_document(source) or not is_document(target):
            expected = self.texts.final(source, knows_comments=knows_comments)
            return Judgement(Verdict.CHANGED, Rule.NEW_REFERENCES) if expected == target else DIFFERENT
        present = plain_form(target)
        if plain_form(source) == present:
            return Judgement(Verdict.NORMALISED, Rule.ADDED_MARKS)
        if plain_form(self.texts.final(source, knows_comments=knows_comments)) != present:
            return DIFFERENT
        lost = [media for media in media_ids(source) if self.id_map.get(MEDIA, media) is None]
        if lost:
            return Judgement(
                Verdict.WRONG, Rule.MISSING, f"{len(lost)} files that the text shows are not there"
            )
        return Judgement(Verdict.CHANGED, Rule.NEW_REFERENCES)

    def _items(self, kind: str, source: list[Any], target: list[Any]) -> Judgement:
        """Judge lists whose order means nothing: every member must have one that corresponds to it."""
        if len(source) != len(target):
            return DIFFERENT
        free = list(target)
        judgements = []
        for member in source:
            best = min(
                ((self._single(kind, member, other), position) for position, other in enumerate(free)),
                key=lambda pair: pair[0].verdict.gravity,
            )
            judgements.append(best[0])
            del free[best[1]]
        return gravest(judgements)

    def _single(self, kind: str, source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
        if is_document(source) or kind == "string":
            return self.text(source, target)
        if kind == "datetime":
            return moment(source, target)
        if isinstance(source, dict) and isinstance(target, dict):
            return self._object(kind, source, target)
        return EXACT if source == target else DIFFERENT

    def _object(self, kind: str, source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
        if kind in {"parent", "issuelink"}:
            return self.issue(source, target)
        if kind == "team":
            return EXACT if source.get("id") == target.get("id") else DIFFERENT
        if "accountId" in source:
            return self.person(source["accountId"], target.get("accountId"))
        if "value" in source:
            return _option(source, target)
        return self.named(kind, source, target) if "name" in source else _whole(source, target)

    def person(self, source: object, target: object) -> Judgement:
        """Judge an account: the same one, the one that stands in for it, or the one that does for unknown people."""
        if source == target:
            return EXACT
        account_id = str(source)
        stands_in = self.people.replaced.get(account_id)
        if stands_in is None and not self.people.active.get(account_id):
            stands_in = self.people.fallback
        return _OTHER_PERSON if stands_in and stands_in == target else DIFFERENT

    def issue(self, source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
        """Judge a reference to an issue."""
        if source.get("id") == target.get("id"):
            return EXACT
        found = self.find_issue(str(source.get("id")))
        return NEW_ID if found is not None and found.id == str(target.get("id")) else DIFFERENT

    def named(self, kind: str, source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
        """Judge something with id and name."""
        if kind == "project":
            return self._project(source, target)
        if source.get("name") != target.get("name"):
            section = {"priority": "priorities"}.get(kind, "")
            return self.stood_in(section, str(source.get("name")), str(target.get("name")))
        key = "groupId" if "groupId" in source else "id"
        if source.get(key) == target.get(key):
            return EXACT
        if kind in _MAPPED_KINDS and self.id_map.get(kind, str(source.get("id"))) == str(target.get("id")):
            return NEW_ID
        return _SAME_NAME

    def stood_in(self, section: str, source: str, target: str) -> Judgement:
        """Judge a name that differs: it may be the one that the mapping names."""
        named = self.stand_ins.of(section, source)
        return _STAND_IN if named is not None and same_name(named, target) else DIFFERENT

    def _project(self, source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
        if source.get("id") == target.get("id"):
            return EXACT
        mapped = self.id_map.get("project", str(source.get("id")))
        return NEW_ID if mapped == str(target.get("id")) else DIFFERENT


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing."""
    return value is None or value in ("", [], {})


def moment(source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
    """Judge two moments."""
    if source == target:
        return EXACT
    try:
        is_same = parse_instant(source) == parse_instant(target)
    except (ValueError, TypeError, AttributeError):
        return DIFFERENT
    return Judgement(Verdict.NORMALISED, Rule.SAME_MOMENT) if is_same else DIFFERENT


def _option(source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
    child, other = source.get("child"), target.get("child")
    if isinstance(child, dict) != isinstance(other, dict):
        return DIFFERENT
    if isinstance(child, dict) and isinstance(other, dict):
        return gravest([_option({**source, "child": None}, {**target, "child": None}), _option(child, other)])
    if source.get("value") != target.get("value"):
        return DIFFERENT
    return EXACT if source.get("id") == target.get("id") else _SAME_NAME


def _estimates(source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
    wanted, present = _seconds(source), _seconds(target)
    if wanted == present:
        return EXACT
    original, remaining = _ESTIMATES[:2]
    is_filled = remaining not in wanted and present.get(remaining) == wanted.get(original)
    if is_filled and wanted == {name: value for name, value in present.items() if name != remaining}:
        return Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, FILLED_ESTIMATE)
    return DIFFERENT


def _seconds(value: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    found = value if isinstance(value, dict) else {}
    return {name: found[name] for name in _ESTIMATES if found.get(name)}


def _whole(source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement:
    left = {name: value for name, value in source.items() if name != "self"}
    right = {name: value for name, value in target.items() if name != "self"}
    return EXACT if left == right else DIFFERENT
