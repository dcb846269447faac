"""Whether the records of an issue came back: each record found again, each of its values judged.

What belongs here: which values of a kind count, how records of snapshot and target are paired, and the excuse that the
restore itself noted for a value.

What stays out: rules for single values (`compare`), reading and adding up (`prove`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.attachments import name_as_sent
from jira_backup_pipeline.engine.restore.compare import DIFFERENT, NEW_ID, Correspondence, is_empty, moment
from jira_backup_pipeline.engine.restore.matching import (
    NOT_WRITABLE_FIELDS,
    RANK_FIELD,
    is_computed,
    same_name,
)
from jira_backup_pipeline.engine.restore.properties import (
    EMPTY_PROPERTY,
    child_properties,
    is_empty_property,
    property_name,
)
from jira_backup_pipeline.engine.restore.relations import (
    REMOTE_LINK_PARTS,
    find_keyless,
    global_id,
    link_ends,
    watcher_name,
    without_empty,
)
from jira_backup_pipeline.engine.restore.snapshot import fields_of, members_of
from jira_backup_pipeline.engine.restore.target import ORIGIN_PROPERTY, TargetField
from jira_backup_pipeline.engine.restore.texts import TEXT_MEMBER, without_head_line
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Finding, Judgement, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.degrade import Place
    from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure

_NEW_DATES = Judgement(Verdict.CHANGED, Rule.NEW_DATES)
_COMPUTED = Judgement(Verdict.CHANGED, Rule.COMPUTED)
_NO_FIELD = Judgement(Verdict.WRONG, Rule.MISSING, "the target has no field like it")
_MISSING = Judgement(Verdict.WRONG, Rule.MISSING)
_RESTORE_DATES = frozenset(
    {"created", "updated", "creator", "resolutiondate", "statuscategorychangedate", "lastViewed"}
)
# These are shown inside an issue but are records of their own, or views of such.
_OWN_RECORDS = frozenset(
    {
        "comment",
        "worklog",
        "attachment",
        "issuelinks",
        "subtasks",
        "watches",
        "votes",
        "thumbnail",
        "issuekey",
    }
)
_BY_NAME = MappingProxyType({"issuetype": "issue_types", "status": "statuses", "resolution": "resolutions"})


@dataclass(frozen=True, slots=True)
class Excuses:
    """What the restore noted itself, by record and value."""

    failures: Mapping[tuple[str, str], Failure] = field(default_factory=dict)
    adjustments: Mapping[tuple[str, str, str], Adjustment] = field(default_factory=dict)

    @classmethod
    def of(cls, failures: Sequence[Failure], adjustments: Sequence[Adjustment]) -> Excuses:
        """Index failures and adjustments."""
        return cls(
            {(found.kind, found.source_id): found for found in failures},
            {(found.kind, found.source_id, found.field): found for found in adjustments},
        )

    def nodes(self, kind: str, source_id: str, name: str) -> tuple[Place, ...]:
        """Give the nodes of a rich text that the target refused, where these were told apart from the rest."""
        noted = self.adjustments.get((kind, source_id, name))
        return noted.nodes if noted is not None else ()

    def judge(self, kind: str, source_id: str, name: str, found: Judgement) -> Judgement:
        """Give the noted reason where a value is wrong: a documented limit makes it impossible, a refusal stays wrong."""
        if found.verdict is not Verdict.WRONG:
            return found
        noted = self.adjustments.get((kind, source_id, name))
        if noted is not None and not noted.nodes:
            if noted.is_impossible:
                return Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, noted.reason)
            return Judgement(Verdict.WRONG, Rule.REFUSED, noted.reason)
        failed = self.failures.get((kind, source_id))
        if failed is not None:
            return Judgement(Verdict.WRONG, Rule.REFUSED, f"{failed.reason}: {failed.done}")
        return found


@dataclass(frozen=True, slots=True)
class UnitComparison:
    """Compares one issue with all that hangs on it. `is_new`: the restore made the issue, so anything more is surplus.

    `targets` leads from the snapshot's field ids to those of the target.
    """

    rules: Correspondence
    excuses: Excuses
    fields: Mapping[str, TargetField]
    repository_id: str
    is_new: bool
    head_key: str
    targets: Mapping[str, str] = field(default_factory=dict)

    def issue(self, source: Record, target: Record | None) -> Iterator[Finding]:
        """Judge an issue's fields."""
        if target is None:
            yield self._finding("issue", source, "record", _MISSING)
            return
        yield self._finding("issue", source, "id and key", EXACT if source.id == target.id else NEW_ID)
        present = fields_of(target)
        for name, value in fields_of(source).items():
            if name in _OWN_RECORDS:
                if name == "votes" and isinstance(value, dict) and value.get("votes"):
                    yield self._finding("issue", source, name, Judgement(Verdict.IMPOSSIBLE, Rule.VOTES))
                continue
            if name in self.fields and self.fields[name].custom == RANK_FIELD:
                continue  # an order among issues, judged over all of them
            target_name = self.targets.get(name, name if name in NOT_WRITABLE_FIELDS else "")
            other = present.get(target_name)
            if is_empty(value) and is_empty(other):
                continue
            nodes = self.excuses.nodes("issue", source.id, name)
            judgement = (
                self.rules.text_without(value, other, nodes) if nodes else self._field(name, value, other)
            )
            yield from self._refused_nodes("issue", source, name, nodes)
            if not target_name:
                judgement = self.excuses.judge("field", name, "record", judgement)
            yield self._finding("issue", source, name, judgement)

    def _field(self, name: str, source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
        if source == target:
            return EXACT
        if name in _RESTORE_DATES or name == "project":
            return NEW_ID if name == "project" else _NEW_DATES
        known = self.fields.get(name) or TargetField(name, name, "", "", "")
        is_given = name in NOT_WRITABLE_FIELDS or is_computed(known)
        if name in _BY_NAME:
            return self._by_name(name, source, target)
        if name == "summary" and isinstance(source, str) and " ".join(source.split("\n")).strip() == target:
            return Judgement(Verdict.NORMALISED, Rule.ONE_LINE)
        if is_given or name not in self.targets:
            return _COMPUTED if is_given else _NO_FIELD
        return self.rules.value(known, source, target)

    def _by_name(self, name: str, source: Any, target: Any) -> Judgement:  # noqa: ANN401 - decoded JSON
        if not isinstance(source, dict) or not isinstance(target, dict):
            return DIFFERENT
        if same_name(str(source.get("name")), str(target.get("name"))):
            return (
                EXACT
                if source.get("id") == target.get("id")
                else Judgement(Verdict.NORMALISED, Rule.SAME_NAME)
            )
        stood_in = self.rules.stood_in(_BY_NAME[name], str(source.get("name")), str(target.get("name")))
        if stood_in is DIFFERENT and name == "issuetype":
            return Judgement(Verdict.CHANGED, Rule.OTHER_TYPE)
        return stood_in

    def children(self, kind: str, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge comments, worklogs or attachments: each is known by the id map."""
        by_id = {record.id: record for record in targets}
        for source in sources:
            mapped = self.rules.id_map.get(kind, source.id)
            target = by_id.pop(mapped, None) if mapped is not None else None
            if target is None:
                yield self._finding(kind, source, "record", _MISSING)
                continue
            yield self._finding(kind, source, "id", EXACT if source.id == target.id else NEW_ID)
            nodes = self.excuses.nodes(kind, source.id, TEXT_MEMBER.get(kind, ""))
            values = self._child_values(kind, members_of(source), members_of(target), nodes)
            yield from self._refused_nodes(kind, source, TEXT_MEMBER.get(kind, ""), nodes)
            for name, judgement in values:
                yield self._finding(kind, source, name, judgement)
            found = self._child_properties(child_properties(source), child_properties(target))
            if found is not None:
                yield self._finding(kind, source, "properties", found)
        yield from self._surplus(kind, list(by_id.values()))

    def _child_properties(self, source: Mapping[str, Any], target: Mapping[str, Any]) -> Judgement | None:
        """Judge the properties of a comment or worklog together; None where there are none."""
        if source == target:
            return EXACT if source else None
        missing = source.keys() - target.keys()
        if any(not is_empty_property(source[key]) for key in missing):
            return _MISSING
        if any(target[key] != source[key] for key in source.keys() - missing):
            return DIFFERENT
        return Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, EMPTY_PROPERTY) if missing else self._more

    def _child_values(
        self,
        kind: str,
        source: Mapping[str, Any],
        target: Mapping[str, Any],
        nodes: tuple[Place, ...],
    ) -> Iterator[tuple[str, Judgement]]:
        for name in ("author", "updateAuthor"):
            if name in source:
                is_same = _account(source.get(name)) == _account(target.get(name))
                yield name, EXACT if is_same else _NEW_DATES
        for name in ("created", "updated"):
            if name in source:
                yield name, EXACT if source[name] == target.get(name) else _NEW_DATES
        if kind == "attachment":
            yield "filename", _filename(str(source.get("filename")), str(target.get("filename")))
            yield "size", EXACT if source.get("size") == target.get("size") else DIFFERENT
            is_same = source.get("mimeType") == target.get("mimeType")
            yield "mimeType", EXACT if is_same else _COMPUTED
            return
        yield from self._written_values(kind, source, target, nodes)

    def _written_values(
        self,
        kind: str,
        source: Mapping[str, Any],
        target: Mapping[str, Any],
        nodes: tuple[Place, ...],
    ) -> Iterator[tuple[str, Judgement]]:
        text = TEXT_MEMBER[kind]
        present = target.get(text)
        if kind == "comment" and isinstance(present, dict) and present != source.get(text):
            present = without_head_line(present)
        if not (is_empty(source.get(text)) and is_empty(present)):
            yield text, self.rules.text_without(source.get(text), present, nodes, knows_comments=False)
        if source.get("visibility") or target.get("visibility"):
            yield "visibility", _circle(source.get("visibility"), target.get("visibility"))
        if kind == "worklog":
            yield "started", moment(source.get("started"), target.get("started"))
            is_same = source.get("timeSpentSeconds") == target.get("timeSpentSeconds")
            yield "timeSpentSeconds", EXACT if is_same else DIFFERENT
        elif "jsdPublic" in source:
            yield "jsdPublic", EXACT if source["jsdPublic"] == target.get("jsdPublic", True) else DIFFERENT

    def links(self, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge links: type and both ends must be there."""
        present = {ends for record in targets if (ends := link_ends(record)) is not None}
        expected: set[tuple[str, str, str]] = set()
        for source in sources:
            ends = link_ends(source)
            if ends is None:
                continue
            mapped = tuple(found.id if (found := self.rules.find_issue(end)) else "" for end in ends[1:])
            name = self.rules.stand_ins.name("link_types", ends[0])
            fitting = {found for found in present if same_name(found[0], name) and found[1:] == mapped}
            expected |= fitting
            is_there = bool(fitting)
            judgement = (EXACT if ends[1:] == mapped else NEW_ID) if is_there else _MISSING
            yield self._finding("issue_link", source, "link", judgement)
        more = [
            record for record in targets if (ends := link_ends(record)) is not None and ends not in expected
        ]
        yield from self._surplus("issue_link", more)

    def remote_links(self, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge remote links: each is known by its key."""
        by_key = {str(key): record for record in targets if (key := members_of(record).get("globalId"))}
        keyless = [record for record in targets if not members_of(record).get("globalId")]
        for source in sources:
            target = by_key.pop(global_id(self.repository_id, source), None) or _keyless(source, keyless)
            if target is None:
                yield self._finding("remote_link", source, "record", _MISSING)
                continue
            wanted, present = members_of(source), members_of(target)
            has_own_key = wanted.get("globalId") or not present.get("globalId")
            synthetic = Judgement(Verdict.CHANGED, Rule.SYNTHETIC_KEY)
            yield self._finding("remote_link", source, "globalId", EXACT if has_own_key else synthetic)
            for name in REMOTE_LINK_PARTS:
                if not (is_empty(wanted.get(name)) and is_empty(present.get(name))):
                    is_same = without_empty(wanted.get(name)) == without_empty(present.get(name))
                    yield self._finding("remote_link", source, name, EXACT if is_same else DIFFERENT)
        yield from self._surplus("remote_link", [*by_key.values(), *keyless])

    def watchers(self, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge watchers."""
        present = {record.id: record for record in targets}
        for source in sources:
            on_target = self.rules.people.replaced.get(source.id, source.id)
            judgement = (
                self.rules.person(source.id, on_target)
                if present.pop(on_target, None) is not None
                else _MISSING
            )
            yield self._finding("watcher", source, "accountId", judgement)
        yield from self._surplus("watcher", list(present.values()))

    def properties(self, sources: Sequence[Record], targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge issue properties: each key must be there with its value."""
        present = {record.id: record for record in targets if record.id != ORIGIN_PROPERTY}
        for source in sources:
            target = present.pop(source.id, None)
            if source.id == ORIGIN_PROPERTY:
                judgement = Judgement(Verdict.CHANGED, Rule.ORIGIN_MARK)
            elif target is None:
                judgement = _MISSING
            else:
                judgement = EXACT if source.value == target.value else DIFFERENT
            yield self._finding("issue_property", source, "value", judgement)
        yield from self._surplus("issue_property", list(present.values()))

    def votes(self, sources: Sequence[Record]) -> Iterator[Finding]:
        """Judge votes: they stay in the snapshot."""
        for source in sources:
            yield self._finding("vote", source, "accountId", Judgement(Verdict.IMPOSSIBLE, Rule.VOTES))

    def history(self, sources: Sequence[Record]) -> Iterator[Finding]:
        """Judge history: it stays in the snapshot."""
        for source in sources:
            yield self._finding("changelog", source, "entry", Judgement(Verdict.IMPOSSIBLE, Rule.HISTORY))

    def _refused_nodes(
        self, kind: str, source: Record, name: str, nodes: tuple[Place, ...]
    ) -> Iterator[Finding]:
        """Name the nodes that became text one by one: the rest of their document is judged without them."""
        for place in nodes:
            detail = f"single node of the text: at {place.steps} {place.kind} became text"
            yield self._finding(kind, source, name, Judgement(Verdict.WRONG, Rule.REFUSED, detail))

    def _surplus(self, kind: str, targets: Sequence[Record]) -> Iterator[Finding]:
        """Judge what only the target has: on an issue of our own making it is a second copy or worse."""
        judgement = self._more
        for target in targets:
            yield Finding(
                kind, target.id, f"{self.head_key}: {kind} {target.id} of the target", "record", judgement
            )

    @property
    def _more(self) -> Judgement:
        return (
            Judgement(Verdict.WRONG, Rule.SURPLUS) if self.is_new else Judgement(Verdict.CHANGED, Rule.NEWER)
        )

    def _finding(self, kind: str, source: Record, name: str, judgement: Judgement) -> Finding:
        noted_id = _noted_id(kind, source)
        excused = self.excuses.judge(kind, noted_id, name, judgement)
        subject = self.head_key if kind == "issue" else f"{self.head_key}: {kind} {source.id}"
        return Finding(kind, source.id, subject, name, excused)


def _noted_id(kind: str, source: Record) -> str:
    """Give the name under which the restore noted something about a record."""
    if kind == "watcher":
        return watcher_name(source)
    return property_name(source) if kind == "issue_property" else source.id


def _account(value: object) -> object:
    return value.get("accountId") if isinstance(value, dict) else None


def _filename(source: str, target: str) -> Judgement:
    if source == target:
        return EXACT
    is_quoted = name_as_sent(source) == target
    return Judgement(Verdict.NORMALISED, Rule.QUOTED_NAME) if is_quoted else DIFFERENT


def _circle(source: object, target: object) -> Judgement:
    """Judge who may read: the same kind of circle of the same name."""
    left = (source.get("type"), source.get("value")) if isinstance(source, dict) else None
    right = (target.get("type"), target.get("value")) if isinstance(target, dict) else None
    return EXACT if left == right else DIFFERENT


def _keyless(source: Record, present: list[Record]) -> Record | None:
    """Take the link without a key that one of the snapshot without a key is."""
    if members_of(source).get("globalId"):
        return None
    links: list[Mapping[str, Any]] = [members_of(record) for record in present]
    is_same_issue = any(record.issue_id == source.issue_id for record in present)
    found = find_keyless(source, links, is_same_issue=is_same_issue)
    return present.pop(links.index(found)) if found is not None else None
