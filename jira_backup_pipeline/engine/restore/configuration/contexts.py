"""Contexts of custom fields with their options and defaults: brought after the project, because contexts name it.

What belongs here: which context of the target stands for which of the snapshot, options with their parents and order, and
default values with the target's ids.

What stays out: the fields themselves (`fields`), and values in issues (`engine.restore.fields`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.configuration.fields import TYPES, custom_type
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, key_of, made_id
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record

    Amend = Callable[[Bench, "FieldSetup", Record, str, str], None]

# As many options as one request may bring.
_OPTIONS_PER_REQUEST = 1000
# Options of the map that have to be switched off in the end: address of their context and id.
_TO_CLOSE = "option_to_close"
# What a default value refers to by id, by member.
_REFERENCES = {"projectId": "project", "versionId": "version", "versionIds": "version"}
_PEOPLE = frozenset({"accountId", "accountIds"})


@dataclass(slots=True)
class FieldSetup:
    """What the snapshot has for one field: contexts that hold for the project, options and defaults by context."""

    field_id: str
    contexts: list[Record] = field(default_factory=list)
    options: dict[str, list[Record]] = field(default_factory=dict)
    defaults: dict[str, Record] = field(default_factory=dict)


def setups(bench: Bench) -> Iterator[FieldSetup]:
    """Give what is to be brought for each wanted field, those without anything left out.

    On the same site a field is there with all that hangs on it: only contexts that named a project which is made anew have
    to learn its new id, unless everything is to be brought to the snapshot's state.
    """
    by_field = _by_field(bench)
    definitions = bench.source.by_id("field")
    for field_id in sorted(bench.need.of("field")):
        found = by_field.get(field_id)
        # What an app or Jira itself defines brings its own contexts and options.
        if found is None or not custom_type(definitions[field_id]).startswith(TYPES):
            continue
        wanted = [row for row in found.contexts if _holds(bench, row) and _says_something(found, row)]
        if bench.is_same_site and not bench.is_update:
            wanted = [row for row in wanted if not is_global(row)] if bench.need.has_new_project else []
        if wanted:
            found.contexts = wanted
            yield found


def _by_field(bench: Bench) -> dict[str, FieldSetup]:
    found: dict[str, FieldSetup] = {}
    for row in bench.source.rows("field_context"):
        field_id = row.id.split("/")[0]
        found.setdefault(field_id, FieldSetup(field_id)).contexts.append(row)
    for row in bench.source.rows("field_option"):
        field_id, context_id = row.id.split("/")[:2]
        if field_id in found:
            found[field_id].options.setdefault(context_id, []).append(row)
    for row in bench.source.rows("field_default"):
        field_id = row.id.split("/")[0]
        if field_id in found:
            found[field_id].defaults[str(members_of(row).get("contextId"))] = row
    return found


def _says_something(found: FieldSetup, row: Record) -> bool:
    """Tell whether a context differs from the one that every new field has."""
    has_more = own_id(row) in found.options or own_id(row) in found.defaults
    return has_more or not is_global(row) or members_of(row).get("isAnyIssueType") is False


def is_global(row: Record) -> bool:
    """Tell whether a context holds for all projects."""
    return members_of(row).get("isGlobalContext") is True


def _holds(bench: Bench, row: Record) -> bool:
    return is_global(row) or bench.need.project_id in _projects(bench, row)


def _projects(bench: Bench, context: Record) -> list[str]:
    return [
        str(members_of(row).get("projectId"))
        for row in bench.source.rows("field_context_project")
        if str(members_of(row).get("contextId")) == own_id(context)
        and row.id.split("/")[0] == _field_of(context)
    ]


def context_types(bench: Bench, context: Record) -> list[str]:
    """Give the ids of the issue types that a context of the snapshot holds for; none where it holds for all."""
    return [
        str(members_of(row).get("issueTypeId"))
        for row in bench.source.rows("field_context_issue_type")
        if str(members_of(row).get("contextId")) == own_id(context)
        and row.id.split("/")[0] == _field_of(context)
    ]


def _field_of(row: Record) -> str:
    return row.id.split("/")[0]


def bring_setup(bench: Bench, found: FieldSetup, amend: Amend | None = None) -> None:
    """Bring contexts, options and defaults of one field. May be called again: everything is listed and matched first.

    `amend` brings a context that has everything to the snapshot's state, where the policy says so.
    """
    if bench.mapped("field", found.field_id) is None:
        return
    place = place_of(bench, found)
    for row in found.contexts:
        context_id = _context(bench, row, place)
        if context_id is None:
            continue
        bench.id_map.put("field_context", own_id(row), context_id)
        wanted = found.options.get(own_id(row), [])
        if wanted:
            _bring_options(bench, f"{place.path}/{context_id}/option", wanted)
        default = found.defaults.get(own_id(row))
        if default is not None:
            _bring_default(bench, place.path, context_id, default)
        if amend is not None:
            amend(bench, found, row, place.path, context_id)


@dataclass(frozen=True, slots=True)
class ContextPlace:
    """The contexts that a field has on the target, and by project which of them is the project's own."""

    path: str
    present: Sequence[Mapping[str, object]]
    taken: Mapping[str, str]


def place_of(bench: Bench, found: FieldSetup) -> ContextPlace:
    """Read the contexts of a field of the target."""
    path = f"{API}/field/{bench.mapped('field', found.field_id)}/context"
    taken = {
        str(item.get("projectId")): str(item.get("contextId"))
        for item in bench.calls.get_all(f"{path}/projectmapping", "values")
        if item.get("projectId")
    }
    return ContextPlace(path, list(bench.calls.get_all(path, "values")), taken)


def find_context(bench: Bench, row: Record, place: ContextPlace) -> str | None:
    """Find the context that stands for one of the snapshot.

    A field has one context for all projects, so that is the same one whatever its name; a project has one of its own at
    most, so the one that it has stays its own.
    """
    if is_global(row):
        found = next((item for item in place.present if item.get("isGlobalContext") is True), None)
        return str(found.get("id")) if found is not None else None
    return place.taken.get(bench.project_id or "")


def _context(bench: Bench, row: Record, place: ContextPlace) -> str | None:
    """Find a context, let one of its name hold for the project, or make it."""
    found = find_context(bench, row, place)
    if found is not None:
        return found
    wanted = key_of(members_of(row).get("name"))
    named = [item for item in place.present if key_of(item.get("name")) == wanted]
    if not is_global(row) and named and bench.project_id is not None:
        context_id = str(named[0].get("id"))
        bench.calls.send("PUT", f"{place.path}/{context_id}/project", {"projectIds": [bench.project_id]})
        return context_id
    return _made(bench, row, place.path)


def _made(bench: Bench, row: Record, path: str) -> str | None:
    members = members_of(row)
    types = [bench.mapped("issue_type", type_id) for type_id in context_types(bench, row)]
    body: dict[str, Any] = {
        "name": members.get("name"),
        "description": members.get("description") or "",
        "projectIds": [] if is_global(row) else [bench.project_id],
        "issueTypeIds": [type_id for type_id in types if type_id is not None],
    }
    try:
        return made_id(bench.calls.send("POST", path, body))
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        done = "left out; values of this field may be refused"
        bench.findings.fail(Failure("field_context", row.id, None, reason, done))
        return None


def _bring_options(bench: Bench, path: str, wanted: Sequence[Record]) -> None:
    """Make the options that are missing, parents first, in the order that they had: Jira keeps the order of creation."""
    match_options(bench, wanted, bench.calls.get_all(path, "values", {"maxResults": "100"}))
    for level in _levels(wanted):
        missing = [row for row in level if bench.mapped("field_option", own_id(row)) is None]
        for start in range(0, len(missing), _OPTIONS_PER_REQUEST):
            _make_options(bench, path, missing[start : start + _OPTIONS_PER_REQUEST])


def _levels(rows: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Tell the options that stand alone from those below another."""
    tops = [row for row in rows if not members_of(row).get("optionId")]
    return tops, [row for row in rows if members_of(row).get("optionId")]


def match_options(bench: Bench, rows: Sequence[Record], there: Iterable[Mapping[str, object]]) -> None:
    """Note which options of the target stand for those of the snapshot: by value, below the same parent."""
    present = {
        (str(item.get("optionId") or ""), str(item.get("value"))): str(item.get("id")) for item in there
    }
    for level in _levels(rows):
        _match_level(bench, level, present)


def _match_level(bench: Bench, rows: Iterable[Record], present: Mapping[tuple[str, str], str]) -> None:
    for row in rows:
        parent = members_of(row).get("optionId")
        parent_id = bench.mapped("field_option", parent) if parent else ""
        found = present.get((parent_id or "", str(members_of(row).get("value"))))
        if found is not None:
            bench.id_map.put("field_option", own_id(row), found)


def _make_options(bench: Bench, path: str, rows: Sequence[Record]) -> None:
    """Make options, switched-off ones as open ones first: issues that have such a value could not be made otherwise."""
    body = []
    for row in rows:
        members = members_of(row)
        option: dict[str, Any] = {"value": members.get("value"), "disabled": False}
        if members.get("optionId"):
            option["optionId"] = bench.mapped("field_option", members["optionId"])
        body.append(option)
    answer = bench.calls.send("POST", path, {"options": body})
    match_options(bench, rows, list_of(answer, "options"))
    for row in rows:
        found = bench.mapped("field_option", own_id(row))
        if members_of(row).get("disabled") is True and found is not None:
            to_be_closed(bench, row, path, found)


def to_be_closed(bench: Bench, row: Record, path: str, option_id: str) -> None:
    """Note an option of the target that has to be switched off in the end."""
    bench.id_map.put(_TO_CLOSE, own_id(row), f"{path} {option_id}")


def close_options(bench: Bench) -> None:
    """Switch off the options that were: after the issues, because a switched-off option takes no new ones."""
    by_path: dict[str, list[str]] = {}
    for place in bench.id_map.of(_TO_CLOSE).values():
        path, option_id = place.split(" ")
        by_path.setdefault(path, []).append(option_id)
    for path, ids in sorted(by_path.items()):
        for start in range(0, len(ids), _OPTIONS_PER_REQUEST):
            part = ids[start : start + _OPTIONS_PER_REQUEST]
            _close(bench, path, [{"id": option_id, "disabled": True} for option_id in part])


def _close(bench: Bench, path: str, options: list[dict[str, Any]]) -> None:
    try:
        try:
            bench.calls.send("PUT", path, {"options": options})
        except AnswerLost:
            bench.calls.send("PUT", path, {"options": options})
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        done = "options that were switched off stay open"
        bench.findings.fail(Failure("field_option", path, None, reason, done))


def _bring_default(bench: Bench, path: str, context_id: str, row: Record) -> None:
    """Set the default of a context that has none yet: what is there is never overwritten."""
    present = bench.calls.get_all(f"{path}/defaultValue", "values")
    if any(str(item.get("contextId")) == context_id for item in present):
        return
    body = default_body(bench, members_of(row), context_id)
    if body is None:
        reason = "its default value names what the target lacks"
        bench.findings.adjust(Adjustment("field_default", row.id, "record", reason, is_impossible=True))
        return
    try:
        bench.calls.send("PUT", f"{path}/defaultValue", {"defaultValues": [body]})
    except BackupPipelineError as error:
        reason_given = item_reason(error)
        if reason_given is None:
            raise
        reason = f"refused by the target: {reason_given}"
        bench.findings.adjust(Adjustment("field_default", row.id, "record", reason, is_impossible=True))


def default_body(bench: Bench, source: Mapping[str, Any], context_id: str) -> dict[str, Any] | None:
    """Give a default with the target's ids, None when one of them is not there."""
    made: dict[str, Any] = {}
    for name, value in source.items():
        values = value if isinstance(value, list) else [value]
        found = [_exchanged(bench, name, item) for item in values]
        if any(item is None for item in found):
            return None
        made[name] = found if isinstance(value, list) else found[0]
    return {**made, "contextId": context_id}


def _exchanged(bench: Bench, name: str, value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if name in {"optionId", "optionIds", "cascadingOptionId"}:
        return bench.mapped("field_option", value) or (value if bench.is_same_site else None)
    if name in _REFERENCES:
        return bench.mapped(_REFERENCES[name], value)
    if name in _PEOPLE:
        return bench.person(str(value))
    return value if value is not None else ""
