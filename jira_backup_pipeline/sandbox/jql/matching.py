"""What a query means: the tree becomes a test of one issue.

What belongs here: fields by clause name and the meaning of each operator, with values resolved once (a
project name to an id) so that testing an issue is cheap. Unknown fields, projects and values are 400 answers
as Jira gives them.

What stays out: syntax (``parser``), moments (``dates``), order, pages and what the caller may not see
(``search``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from jira_backup_pipeline.sandbox import adf
from jira_backup_pipeline.sandbox.http import ApiError, Json
from jira_backup_pipeline.sandbox.jql.dates import moment_ms
from jira_backup_pipeline.sandbox.jql.parser import Both, Clause, Either, Function, Negated, Node, Operand
from jira_backup_pipeline.sandbox.model import Account, Field, Issue, Project

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

Test: TypeAlias = Callable[[Issue], bool]
_COMPARE: dict[str, Callable[[Json, Json], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when: dates are read in the caller's zone, projects as the caller sees them."""

    site: Site
    caller: Account | None

    @property
    def zone_name(self) -> str:
        """The zone local dates are read in."""
        return self.caller.time_zone if self.caller else self.site.time_zone


def compile_node(node: Node, asker: Asker) -> Test:
    """A test of one issue."""
    match node:
        case Both(parts):
            tests = [compile_node(part, asker) for part in parts]
            return lambda issue: all(test(issue) for test in tests)
        case Either(parts):
            tests = [compile_node(part, asker) for part in parts]
            return lambda issue: any(test(issue) for test in tests)
        case Negated(part):
            inner = compile_node(part, asker)
            return lambda issue: not inner(issue)
        case Clause():
            return _clause(node, asker)


def projects_named(node: Node | None, asker: Asker) -> list[Project] | None:
    """The projects that a query is restricted to at its top level, or None when it may reach any."""
    parts = node.parts if isinstance(node, Both) else (node,) if node is not None else ()
    for part in parts:
        if isinstance(part, Clause) and part.field.lower() == "project" and part.operator in {"=", "in"}:
            return [_project(value, asker) for value in part.values]
    return None


def _clause(clause: Clause, asker: Asker) -> Test:
    name = clause.field.lower()
    special = _SPECIAL.get(name)
    if special is not None:
        return special(clause, asker)
    field = find_field(asker.site, clause.field, asker.caller)
    return _field_clause(clause, asker, field)


def find_field(site: Site, name: str, caller: Account | None) -> Field:
    """The field of a clause name; an unknown one is a 400."""
    del caller
    wanted = name.lower()
    for item in site.fields.values():
        if item.field_id.lower() == wanted or any(clause.lower() == wanted for clause in item.clause_names):
            return item
    raise ApiError(400, f"Field '{name}' does not exist or you do not have permission to view it.")


def _refuse(clause: Clause) -> ApiError:
    return ApiError(400, f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")


def _text_of(value: Operand, asker: Asker) -> str:
    if isinstance(value, Function):
        if value.name == "currentuser" and asker.caller is not None:
            return asker.caller.account_id
        raise ApiError(400, f"Unable to find JQL function '{value.name}()'.")
    return value


def _membership(clause: Clause, wanted: set[Json], values: Callable[[Issue], Iterable[Json]]) -> Test:
    match clause.operator:
        case "=" | "in":
            return lambda issue: any(value in wanted for value in values(issue))
        case "!=" | "not in":
            # As in Jira, an empty field matches neither a value nor its opposite.
            return lambda issue: (
                bool(found := list(values(issue))) and not any(value in wanted for value in found)
            )
        case "is":
            return lambda issue: not list(values(issue))
        case "is not":
            return lambda issue: bool(list(values(issue)))
        case _:
            raise _refuse(clause)


def _project(value: Operand, asker: Asker) -> Project:
    text = _text_of(value, asker)
    found = asker.site.find_project(text)
    if found is None:
        found = next((p for p in asker.site.projects.values() if p.name.lower() == text.lower()), None)
    if found is None or not asker.site.can_browse(asker.caller, found):
        raise ApiError(400, f"The value '{text}' does not exist for the field 'project'.")
    return found


def _project_clause(clause: Clause, asker: Asker) -> Test:
    wanted = {_project(value, asker).project_id for value in clause.values}
    return _membership(clause, wanted, lambda issue: (issue.project_id,))


def _issue_id(value: Operand, asker: Asker, field: str) -> int:
    text = _text_of(value, asker)
    found = asker.site.find_issue(text)
    if found is None or not asker.site.can_see(asker.caller, found):
        raise ApiError(400, f"An issue with key '{text}' does not exist for field '{field}'.")
    return found.issue_id


def _id_clause(clause: Clause, asker: Asker) -> Test:
    if clause.operator in {">", ">=", "<", "<="}:
        compare = _COMPARE[clause.operator]
        text = _text_of(clause.values[0], asker)
        if text.isdigit():
            bound = int(text)
            return lambda issue: compare(issue.issue_id, bound)
        project = asker.site.find_project(text.rpartition("-")[0])
        number = text.rpartition("-")[2]
        if project is None or not number.isdigit():
            raise ApiError(400, f"The issue key '{text}' for field '{clause.field}' is invalid.")
        home, last = project.project_id, int(number)
        return lambda issue: issue.project_id == home and compare(issue.number, last)
    wanted = {_issue_id(value, asker, clause.field) for value in clause.values}
    return _membership(clause, wanted, lambda issue: (issue.issue_id,))


def _parent_clause(clause: Clause, asker: Asker) -> Test:
    wanted = {_issue_id(value, asker, "parent") for value in clause.values}
    return _membership(clause, wanted, lambda issue: () if issue.parent_id is None else (issue.parent_id,))


def _date_clause(values: Callable[[Issue], int]) -> Callable[[Clause, Asker], Test]:
    def make(clause: Clause, asker: Asker) -> Test:
        compare = _COMPARE.get(clause.operator)
        if compare is None:
            raise _refuse(clause)
        bound = moment_ms(clause.field, clause.values[0], now_ms=asker.site.now(), zone_name=asker.zone_name)
        return lambda issue: compare(values(issue), bound)

    return make


def _named(clause: Clause, asker: Asker, items: Iterable[tuple[str, str]]) -> set[str]:
    pairs = list(items)
    wanted: set[str] = set()
    for value in clause.values:
        text = _text_of(value, asker)
        found = {item_id for item_id, name in pairs if item_id == text or name.lower() == text.lower()}
        if not found:
            raise ApiError(400, f"The value '{text}' does not exist for the field '{clause.field}'.")
        wanted |= found
    return wanted


def _status_clause(clause: Clause, asker: Asker) -> Test:
    wanted = _named(clause, asker, ((s.status_id, s.name) for s in asker.site.statuses.values()))
    return _membership(clause, wanted, lambda issue: (issue.status_id,))


def _category_clause(clause: Clause, asker: Asker) -> Test:
    names = (
        ("new", "To Do"),
        ("indeterminate", "In Progress"),
        ("done", "Done"),
        ("undefined", "No Category"),
    )
    wanted = _named(clause, asker, names)
    statuses = asker.site.statuses
    return _membership(clause, wanted, lambda issue: (statuses[issue.status_id].category,))


def _type_clause(clause: Clause, asker: Asker) -> Test:
    wanted = _named(clause, asker, ((t.type_id, t.name) for t in asker.site.issue_types.values()))
    return _membership(clause, wanted, lambda issue: (issue.type_id,))


def _labels_clause(clause: Clause, asker: Asker) -> Test:
    wanted = {_text_of(value, asker) for value in clause.values}
    return _membership(clause, wanted, lambda issue: issue.labels)


def _people_clause(values: Callable[[Issue], list[str]]) -> Callable[[Clause, Asker], Test]:
    def make(clause: Clause, asker: Asker) -> Test:
        wanted = {_text_of(value, asker) for value in clause.values}
        if asker.caller is None or not asker.site.may(asker.caller, "VIEW_VOTERS_AND_WATCHERS"):
            return lambda _: False
        return _membership(clause, wanted, values)

    return make


def _text_clause(clause: Clause, asker: Asker) -> Test:
    if clause.operator not in {"~", "!~"}:
        raise _refuse(clause)
    site = asker.site
    words = _text_of(clause.values[0], asker).lower().replace("*", "").strip('"').split()

    def everything(issue: Issue) -> str:
        body = site.body(issue)
        parts = [str(body.values.get("summary") or ""), adf.plain_text(body.values.get("description"))]
        parts += [adf.plain_text(item.body) for item in body.comments]
        parts += [
            str(v) for k, v in body.values.items() if k.startswith("customfield_") and isinstance(v, str)
        ]
        return "\n".join(parts).lower()

    wanted = clause.operator == "~"
    return lambda issue: all(word in everything(issue) for word in words) is wanted


def _field_clause(clause: Clause, asker: Asker, field: Field) -> Test:
    site, field_id = asker.site, field.field_id

    def stored(issue: Issue) -> Json:
        return site.body(issue).values.get(field_id)

    if clause.operator in {"~", "!~"}:
        words = _text_of(clause.values[0], asker).lower().replace("*", "").strip('"').split()
        wanted_match = clause.operator == "~"
        return lambda issue: (
            all(word in adf.plain_text(stored(issue) or "").lower() for word in words) is wanted_match
        )
    if field.kind in {"datetime", "datepicker"} and clause.operator not in {"is", "is not"}:
        return _stored_date(clause, asker, field, stored)
    if field.kind == "float" and clause.operator not in {"is", "is not", "in", "not in"}:
        return _stored_number(clause, asker, stored)
    wanted = {
        resolved for value in clause.values for resolved in _resolve(site, field, _text_of(value, asker))
    }

    def present(issue: Issue) -> Iterable[Json]:
        value = stored(issue)
        if value is None:
            return ()
        return value if isinstance(value, list) else (value,)

    return _membership(clause, wanted, present)


def _stored_date(clause: Clause, asker: Asker, field: Field, stored: Callable[[Issue], Json]) -> Test:
    compare = _COMPARE.get(clause.operator)
    if compare is None:
        raise _refuse(clause)
    bound = moment_ms(clause.field, clause.values[0], now_ms=asker.site.now(), zone_name=asker.zone_name)
    zone_name = asker.zone_name

    def test(issue: Issue) -> bool:
        value = stored(issue)
        if value is None:
            return False
        at = value
        if field.kind == "datepicker":
            at = moment_ms(clause.field, str(value), now_ms=0, zone_name=zone_name)
        return compare(at, bound)

    return test


def _stored_number(clause: Clause, asker: Asker, stored: Callable[[Issue], Json]) -> Test:
    compare = _COMPARE[clause.operator]
    try:
        bound = float(_text_of(clause.values[0], asker))
    except ValueError:
        raise ApiError(400, f"The value for the field '{clause.field}' must be a number.") from None
    return lambda issue: (value := stored(issue)) is not None and compare(value, bound)


def _resolve(site: Site, field: Field, text: str) -> list[Json]:
    """The stored values that a text may mean in a field."""
    low = text.lower()
    found: list[Json]
    match field.kind:
        case "priority":
            found = [
                i.item_id for i in site.priorities.values() if text == i.item_id or i.name.lower() == low
            ]
        case "resolution":
            found = [
                i.item_id for i in site.resolutions.values() if text == i.item_id or i.name.lower() == low
            ]
        case "components":
            found = [
                c.component_id
                for c in site.components.values()
                if text == str(c.component_id) or c.name.lower() == low
            ]
        case "version" | "multiversion":
            found = [
                v.version_id
                for v in site.versions.values()
                if text == str(v.version_id) or v.name.lower() == low
            ]
        case "sprint":
            found = [
                s.sprint_id
                for s in site.sprints.values()
                if text == str(s.sprint_id) or s.name.lower() == low
            ]
        case "select" | "multiselect" | "cascadingselect":
            found = [
                o.option_id
                for o in site.options.values()
                if o.field_id == field.field_id and (text == str(o.option_id) or o.value.lower() == low)
            ]
        case "userpicker" | "multiuserpicker":
            found = [text]
        case _:
            found = [text]
    if not found:
        raise ApiError(400, f"The value '{text}' does not exist for the field '{field.name}'.")
    return found


_SPECIAL: dict[str, Callable[[Clause, Asker], Test]] = {
    "project": _project_clause,
    "id": _id_clause,
    "key": _id_clause,
    "issue": _id_clause,
    "issuekey": _id_clause,
    "parent": _parent_clause,
    "updated": _date_clause(lambda issue: issue.updated_ms),
    "updateddate": _date_clause(lambda issue: issue.updated_ms),
    "created": _date_clause(lambda issue: issue.created_ms),
    "createddate": _date_clause(lambda issue: issue.created_ms),
    "status": _status_clause,
    "statuscategory": _category_clause,
    "issuetype": _type_clause,
    "type": _type_clause,
    "labels": _labels_clause,
    "watcher": _people_clause(lambda issue: issue.watchers),
    "voter": _people_clause(lambda issue: issue.voters),
    "text": _text_clause,
}
