"""What there is to say of a thing of the configuration, by names: comparable between two sites whose ids differ.

What belongs here: the facts of each kind, and the book in which ids are looked up as names.

What stays out: reading either side, and judging (`comparison`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.field_facts import (
    configuration_facts,
    configuration_scheme_facts,
    scheme_facts,
)
from jira_backup_pipeline.engine.restore.configuration.noun import key_of
from jira_backup_pipeline.engine.restore.configuration.source import own_id, workflow_of
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record

_DEFAULT = "default"
TABS = "tabs"
_PLAIN: Mapping[str, tuple[str, ...]] = {
    "link_type": ("name", "inward", "outward"),
    "resolution": ("name", "description"),
    "priority": ("name", "description", "statusColor"),
    "role": ("name", "description"),
    "group": ("name",),
    "issue_type": ("name", "description", "hierarchyLevel"),
    "status": ("name", "description", "statusCategory"),
    "field": ("name", "description"),
}
_HOLDERS = {"projectrole": "role", "group": "group", "usercustomfield": "field", "groupcustomfield": "field"}


class Book:
    """Looks names up in one site's configuration; `rows` gives the records of a kind.

    `moved` gives what an id became on the target: the same on the target's own side. `there` is the target's book, for the
    snapshot's side.
    """

    def __init__(
        self,
        rows: Callable[[str], Iterable[Record]],
        moved: Callable[[str, str], str] = lambda _, found_id: found_id,
        there: Book | None = None,
    ) -> None:
        self._rows = rows
        self._there = there
        self.moved = moved
        self._names: dict[str, dict[str, str]] = {}
        self._records: dict[str, dict[str, Record]] = {}

    def rows(self, kind: str) -> Iterable[Record]:
        """Give the records of a kind."""
        return self._rows(kind)

    def name(self, kind: str, found_id: object) -> str:
        """Give the name of a thing, or its id where nobody knows it."""
        if kind not in self._names:
            self._names[kind] = {own_id(row): str(members_of(row).get("name")) for row in self._rows(kind)}
        return self._names[kind].get(str(found_id), str(found_id))

    def label(self, kind: str, named: str) -> str:
        """Give what the target calls a thing that is named by id, or by name where the snapshot knows no such id."""
        if kind == "user":
            return self.moved(kind, named)
        self.name(kind, named)
        names = self._names[kind]
        found_id = next(
            (i for i, name in names.items() if i == named or key_of(name) == key_of(named)), named
        )
        moved = self.moved(kind, found_id)
        # What was neither made nor matched may be called alike all the same.
        return (
            self._there.name(kind, moved) if self._there is not None and moved else names.get(found_id, named)
        )

    def record(self, kind: str, found_id: str) -> Record | None:
        """Give one record by its own id."""
        if kind not in self._records:
            self._records[kind] = {own_id(row): row for row in self._rows(kind)}
        return self._records[kind].get(found_id)

    def reaches(self, kind: str, found_id: str) -> bool:
        """Tell whether the target has what stands for a thing."""
        moved = self.moved(kind, found_id)
        return bool(moved) and (self._there is None or self._there.record(kind, moved) is not None)

    def rules(self, step: Mapping[str, Any]) -> list[str]:
        """Give the keys of the rules of a transition that are compared."""
        return rule_keys(step)

    def person(self, account_id: str) -> str | None:
        """Give the account that stands for one; None where nobody does."""
        return self.moved("user", account_id)


def facts_of(kind: str, row: Record, book: Book) -> dict[str, Any]:
    """Give what is compared of a thing, by the name of each fact; empty ones are left out."""
    members = members_of(row)
    found: dict[str, Any] = {name: members.get(name) for name in _PLAIN.get(kind, ("name", "description"))}
    more = _MORE.get(kind)
    if more is not None:
        found |= more(row, book)
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _field(row: Record, book: Book) -> dict[str, Any]:
    schema = members_of(row).get("schema") or {}
    # Only the list by page says how a field is described.
    detail = book.record("field_detail", own_id(row))
    described = members_of(detail).get("description") if detail is not None else None
    return {"type": schema.get("custom") or schema.get("type"), "description": described}


def _screen(row: Record, book: Book) -> dict[str, Any]:
    fields: dict[str, list[str]] = {}
    for item in book.rows("screen_field"):
        name = book.name("field", members_of(item).get("id"))
        if name:
            fields.setdefault(item.id.split("/")[-2], []).append(name)
    tabs = [members_of(tab) for tab in book.rows("screen_tab")]
    own = [tab for tab in tabs if str(tab.get("screenId")) == own_id(row)]
    shown = {f"tab {tab.get('tabName')}": fields.get(str(tab.get("tabId")), ["no fields"]) for tab in own}
    return {TABS: [str(tab.get("tabName")) for tab in own], **shown}


def _screen_scheme(row: Record, book: Book) -> dict[str, Any]:
    screens = members_of(row).get("screens") or {}
    return {f"{purpose} screen": book.name("screen", found) for purpose, found in screens.items()}


def _type_screen_scheme(row: Record, book: Book) -> dict[str, Any]:
    found = {}
    for item in book.rows("issue_type_screen_scheme_item"):
        members = members_of(item)
        if str(members.get("issueTypeScreenSchemeId")) == own_id(row):
            type_id = str(members.get("issueTypeId"))
            name = _DEFAULT if type_id == _DEFAULT else book.name("issue_type", type_id)
            found[f"type {name}"] = book.name("screen_scheme", members.get("screenSchemeId"))
    return found


def _type_scheme(row: Record, book: Book) -> dict[str, Any]:
    types = [
        book.name("issue_type", members_of(item).get("issueTypeId"))
        for item in book.rows("issue_type_scheme_item")
        if str(members_of(item).get("issueTypeSchemeId")) == own_id(row)
    ]
    first = members_of(row).get("defaultIssueTypeId")
    return {"types": sorted(types), "default type": book.name("issue_type", first) if first else None}


SYSTEM = "system:"


def _workflow(row: Record, book: Book) -> dict[str, Any]:
    members = members_of(row)
    statuses = [book.name("status", item.get("statusReference")) for item in members.get("statuses") or []]
    found: dict[str, Any] = {"statuses": sorted(statuses)}
    for step in members.get("transitions") or []:
        links = step.get("links") or []
        found[f"transition {step.get('name')}"] = {
            "type": step.get("type"),
            "to": book.name("status", step.get("toStatusReference")),
            "from": sorted(book.name("status", link.get("fromStatusReference")) for link in links),
            "rules": sorted(book.rules(step)),
        }
    return found


def rule_keys(step: Mapping[str, Any]) -> list[str]:
    """Give the keys of all rules of a transition."""
    found = [rule for name in ("actions", "validators", "triggers") for rule in step.get(name) or []]
    if isinstance(step.get("transitionScreen"), dict):
        found.append(step["transitionScreen"])
    groups = [step["conditions"]] if isinstance(step.get("conditions"), dict) else []
    while groups:
        group = groups.pop()
        found += group.get("conditions") or []
        groups += group.get("conditionGroups") or []
    return [str(rule.get("ruleKey")) for rule in found]


def _workflow_scheme(row: Record, book: Book) -> dict[str, Any]:
    members = members_of(row)
    types = members.get("issueTypeMappings") or {}
    found = {f"type {book.name('issue_type', type_id)}": workflow_of(members, type_id) for type_id in types}
    return {**found, "default workflow": workflow_of(members, "")}


def _permission_scheme(row: Record, book: Book) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for grant in members_of(row).get("permissions") or []:
        holder = holder_words(grant.get("holder") or {}, book)
        if holder:
            found.setdefault(str(grant.get("permission")), []).append(holder)
    return {name: sorted(holders) for name, holders in found.items()}


def holder_words(holder: Mapping[str, Any], book: Book) -> str:
    """Name who holds or gets something; empty for an account that nobody stands for."""
    kind = str(holder.get("type"))
    noun = _HOLDERS.get(kind.lower())
    named = str(holder.get("value") or holder.get("parameter") or "")
    if kind.lower() == "user":
        account_id = book.person(named)
        return f"{kind} {account_id}" if account_id else ""
    return f"{kind} {key_of(book.name(noun, named)) if noun else named}".strip()


def recipient_words(item: Mapping[str, Any], book: Book) -> str:
    """Name who is told of an event."""
    named = item.get("recipient") or item.get("parameter")
    return holder_words({"type": item.get("notificationType"), "value": named}, book)


def _notification_scheme(row: Record, book: Book) -> dict[str, Any]:
    found = {}
    for entry in members_of(row).get("notificationSchemeEvents") or []:
        told = [words for item in entry.get("notifications") or [] if (words := recipient_words(item, book))]
        if told:
            found[f"event {entry['event'].get('id')}"] = sorted(told)
    return found


def _security_scheme(row: Record, book: Book) -> dict[str, Any]:
    members: dict[str, list[str]] = {}
    for item in book.rows("security_level_member"):
        level_id = str(members_of(item).get("issueSecurityLevelId"))
        holder = holder_words(members_of(item).get("holder") or {}, book)
        if holder:
            members.setdefault(level_id, []).append(holder)
    return {
        f"level {members_of(level).get('name')}": sorted(members.get(own_id(level), ["nobody"]))
        for level in book.rows("security_level")
        if str(members_of(level).get("issueSecuritySchemeId")) == own_id(row)
    }


def _dashboard(row: Record, book: Book) -> dict[str, Any]:
    gadgets = [
        f"{members_of(item).get('title')} ({members_of(item).get('moduleKey') or members_of(item).get('uri')})"
        for item in book.rows("dashboard_gadget")
        if item.id.split("/")[0] == own_id(row)
    ]
    return {"gadgets": sorted(gadgets), **_shared(row, book)}


def _shared(row: Record, book: Book) -> dict[str, Any]:
    """Say whom a filter or dashboard is shared with, to see and to change it."""
    members = members_of(row)
    return {
        "shared with": sorted(_share(item, book) for item in members.get("sharePermissions") or []),
        "may be changed by": sorted(_share(item, book) for item in members.get("editPermissions") or []),
    }


def _share(share: Mapping[str, Any], book: Book) -> str:
    kind = str(share.get("type"))
    if kind == "authenticated":
        return "loggedin"  # what is sent as the one is shown as the other
    parts = [kind]
    for noun, member, name in (("user", "user", "accountId"), ("project", "project", "id")):
        found = share.get(member)
        if isinstance(found, dict):
            parts.append(book.moved(noun, str(found.get(name))))
    for member in ("group", "role"):
        found = share.get(member)
        if isinstance(found, dict):
            parts.append(key_of(found.get("name")))
    return " ".join(parts)


def _priority_scheme(row: Record, book: Book) -> dict[str, Any]:
    members = members_of(row)
    shown = members.get("priorities")
    values = shown.get("values") if isinstance(shown, dict) else None
    names = [book.name("priority", item.get("id")) for item in values or []]
    default = members.get("defaultPriorityId")
    return {
        "priorities": [name for name in names if name],
        "default priority": book.name("priority", default) if default is not None else None,
    }


def _option(members: Mapping[str, Any]) -> str:
    return f"{members.get('value')}{' (off)' if members.get('disabled') is True else ''}"


def options_of(rows: Iterable[Record]) -> list[str]:
    """Give the options of one context in order, each behind its parent."""
    values = {own_id(row): _option(members_of(row)) for row in rows}
    tops: dict[str, list[str]] = {}
    for row in rows:
        parent = str(members_of(row).get("optionId") or "")
        tops.setdefault(values.get(parent, ""), []).append(values[own_id(row)])
    return [
        text
        for top in tops.get("", [])
        for text in (top, *(f"{top} / {child}" for child in tops.get(top, [])))
    ]


_MORE: Mapping[str, Callable[[Record, Book], dict[str, Any]]] = {
    "field": _field,
    "screen": _screen,
    "screen_scheme": _screen_scheme,
    "issue_type_screen_scheme": _type_screen_scheme,
    "issue_type_scheme": _type_scheme,
    "workflow": _workflow,
    "workflow_scheme": _workflow_scheme,
    "permission_scheme": _permission_scheme,
    "notification_scheme": _notification_scheme,
    "security_scheme": _security_scheme,
    "priority_scheme": _priority_scheme,
    "field_configuration": configuration_facts,
    "field_configuration_scheme": configuration_scheme_facts,
    "field_scheme": scheme_facts,
    "dashboard": _dashboard,
    "filter": _shared,
}
