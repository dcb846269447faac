"""Bringing contexts of fields to the snapshot's state: options in order and open or not, defaults, words, issue types.

What belongs here: what differs of a context that was matched, and the calls that change it.

What stays out: finding and making contexts and options (`contexts`), and switching options off, which waits for the issues
(`contexts.close_options`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.configuration.contexts import (
    FieldSetup,
    context_types,
    default_body,
    find_context,
    is_global,
    match_options,
    place_of,
    to_be_closed,
)
from jira_backup_pipeline.engine.restore.configuration.differences import STAYS, changes_between, words_of
from jira_backup_pipeline.engine.restore.configuration.facts import options_of
from jira_backup_pipeline.engine.restore.configuration.piece import Change
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jira_backup_pipeline.engine.restore.configuration.noun import Bench

_NARROWER = (
    "it would hold for fewer issue types, and values of the others would be hidden: a person must narrow it"
)
_OWN = frozenset({"name", "description"})


def context_changes(bench: Bench, found: FieldSetup) -> dict[str, tuple[Change, ...]]:
    """Give what differs of each context of a field that the target has; contexts that it lacks are left out."""
    place = place_of(bench, found)
    differing: dict[str, tuple[Change, ...]] = {}
    for row in found.contexts:
        context_id = find_context(bench, row, place)
        there = next((item for item in place.present if str(item.get("id")) == context_id), None)
        if there is not None:
            differing[own_id(row)] = tuple(_Comparison.read(bench, found, row, place.path, there).changes())
    return differing


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One context of the snapshot beside the one of the target, with the target's options."""

    bench: Bench
    row: Record
    path: str
    there: Mapping[str, object]
    wanted: Sequence[Record]
    options: Sequence[Mapping[str, object]]
    default: Record | None

    @classmethod
    def read(
        cls, bench: Bench, found: FieldSetup, row: Record, path: str, there: Mapping[str, object]
    ) -> _Comparison:
        """Read what is compared, and note which options stand for which."""
        wanted = found.options.get(own_id(row), [])
        address = f"{path}/{there.get('id')}/option"
        options = list(bench.calls.get_all(address, "values", {"maxResults": "100"})) if wanted else []
        match_options(bench, wanted, options)
        return cls(bench, row, path, there, wanted, options, found.defaults.get(own_id(row)))

    def changes(self) -> list[Change]:
        """Give what differs."""
        wanted: dict[str, Any] = {}
        present: dict[str, Any] = {}
        if not is_global(self.row):
            # The context for all projects is the same one whatever it is called.
            source = members_of(self.row)
            wanted = {name: source.get(name) for name in _OWN if source.get(name)}
            present = {name: self.there.get(name) for name in _OWN if self.there.get(name)}
        wanted["options"] = options_of(self.wanted)
        there = [Record("field_option", str(item.get("id")), b"", item) for item in self.options]
        present["options"] = options_of(there)
        found = [*changes_between(wanted, present), self._types(), self._default()]
        return [change for change in found if change is not None]

    def present_types(self) -> set[str]:
        """Give the issue types that the context of the target holds for; none where it holds for all."""
        if self.there.get("isAnyIssueType") is True:
            return set()
        context_id = str(self.there.get("id"))
        address = f"{self.path}/issuetypemapping"
        listed = self.bench.calls.get_all(address, "values", {"contextId": context_id})
        return {
            str(item["issueTypeId"])
            for item in listed
            if item.get("issueTypeId") and str(item.get("contextId")) == context_id
        }

    def _types(self) -> Change | None:
        source = context_types(self.bench, self.row)
        wanted = {self.bench.mapped("issue_type", type_id) or type_id for type_id in source}
        present = self.present_types()
        if wanted == present:
            return None
        words = _type_words(self.bench, present)
        if not wanted:
            return Change("issue types", words, "all")
        if present and wanted - present:
            # Some are added, and none is taken away.
            return Change("issue types", words, _type_words(self.bench, present | wanted))
        return Change("issue types", words, _type_words(self.bench, wanted), _NARROWER)

    def _default(self) -> Change | None:
        context_id = str(self.there.get("id"))
        listed = self.bench.calls.get_all(f"{self.path}/defaultValue", "values", {"contextId": context_id})
        present = next((item for item in listed if str(item.get("contextId")) == context_id), {})
        if self.default is None:
            words = _default_words(present, self.options)
            return Change("default value", words, "", STAYS) if present else None
        # It may name what is still to be made: whoever brings the context sets it.
        source = members_of(self.default)
        wanted = default_body(self.bench, source, context_id) or source
        if _bare(wanted) == _bare(present):
            return None
        return Change(
            "default value", _default_words(present, self.options), _default_words(wanted, self.options)
        )


def _type_words(bench: Bench, ids: set[str]) -> str:
    names = {own_id(row): str(members_of(row).get("name")) for row in bench.target.rows("issue_type")}
    return words_of(sorted(names.get(type_id, type_id) for type_id in ids)) or "all"


def _bare(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: member for name, member in value.items() if name != "contextId" and member not in (None, "")
    }


def _default_words(value: Mapping[str, Any], options: Sequence[Mapping[str, object]]) -> str:
    names = {str(item.get("id")): str(item.get("value")) for item in options}
    texts = []
    for name, member in value.items():
        if name not in {"contextId", "type"}:
            listed = member if isinstance(member, list) else [member]
            texts += [names.get(str(item), str(item)) for item in listed if item not in (None, "")]
    return ", ".join(texts)


def amend_context(bench: Bench, found: FieldSetup, row: Record, path: str, context_id: str) -> None:
    """Bring a context that was matched to the snapshot's state, once its options are all there."""
    listed = bench.calls.get_all(path, "values")
    there = next((item for item in listed if str(item.get("id")) == context_id), None)
    if there is None:
        return
    comparison = _Comparison.read(bench, found, row, path, there)
    fields = {change.field for change in comparison.changes() if not change.hindrance}
    if _OWN & fields:
        source = members_of(row)
        body = {"name": source.get("name"), "description": source.get("description") or ""}
        bench.calls.send("PUT", f"{path}/{context_id}", body)
    if "issue types" in fields:
        _amend_types(bench, row, f"{path}/{context_id}", comparison.present_types())
    if "options" in fields:
        _amend_options(bench, comparison.wanted, f"{path}/{context_id}/option", comparison.options)
    if "default value" in fields and comparison.default is not None:
        default = default_body(bench, members_of(comparison.default), context_id)
        if default is not None:
            bench.calls.send("PUT", f"{path}/defaultValue", {"defaultValues": [default]})


def _amend_types(bench: Bench, row: Record, path: str, present: set[str]) -> None:
    wanted = [bench.mapped("issue_type", type_id) for type_id in context_types(bench, row)]
    missing = [type_id for type_id in wanted if type_id is not None and type_id not in present]
    if missing:
        bench.calls.send("PUT", f"{path}/issuetype", {"issueTypeIds": missing})
    elif not wanted:
        bench.calls.send("POST", f"{path}/issuetype/remove", {"issueTypeIds": sorted(present)})


def _amend_options(
    bench: Bench, wanted: Sequence[Record], path: str, there: Sequence[Mapping[str, object]]
) -> None:
    """Open or close options, and bring each level into its order; options that there are besides come behind."""
    order = [str(item.get("id")) for item in there]
    is_off = {str(item.get("id")): item.get("disabled") is True for item in there}
    opened: list[dict[str, Any]] = []
    levels: dict[str, list[str]] = {}
    for row in wanted:
        members = members_of(row)
        target_id = bench.mapped("field_option", own_id(row))
        if target_id is None:
            continue
        levels.setdefault(str(members.get("optionId") or ""), []).append(target_id)
        if members.get("disabled") is True and not is_off.get(target_id):
            to_be_closed(bench, row, path, target_id)
        elif members.get("disabled") is not True and is_off.get(target_id):
            opened.append({"id": target_id, "value": members.get("value"), "disabled": False})
    if opened:
        bench.calls.send("PUT", path, {"options": opened})
    for ids in levels.values():
        if [option_id for option_id in order if option_id in ids] != ids:
            bench.calls.send("PUT", f"{path}/move", {"customFieldOptionIds": ids, "position": "First"})
