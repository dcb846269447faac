"""What schemes give to whom, grant by grant: permissions to holders, mail about events to recipients, levels to members.

What belongs here: reading the grants of a scheme out of either side's records, in words that both sides share.

What stays out: making schemes (`schemes`), facts of other kinds (`facts`), and judging (`comparison`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.noun import key_of
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.facts import Book

_FIRST_OWN_EVENT = 10_000
# What the parameter of a holder or recipient is, by the words that the different schemes have for it.
_HOLDERS = MappingProxyType(
    {
        "projectrole": "role",
        "group": "group",
        "user": "user",
        "usercustomfield": "field",
        "groupcustomfield": "field",
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """Something given to a holder: `what` is a permission, event or level, `holder` type and name as the target calls them.

    `noted_as` is how a restore notes that a holder was left out: its type and id in the snapshot; `fact` is what the plan of
    an update calls all grants of the kind together.
    """

    what: str
    holder: str
    noted_as: str
    fact: str

    @property
    def name(self) -> str:
        """Name it for the report."""
        return f"{self.what}: {self.holder}"


def grants_of(kind: str, row: Record, book: Book) -> list[Grant]:
    """Give the grants of a scheme, none for a kind that gives nothing to anybody."""
    read = _READ.get(kind)
    return [] if read is None else list(read(row, book))


def _permissions(row: Record, book: Book) -> Iterator[Grant]:
    for grant in members_of(row).get("permissions") or []:
        permission = str(grant.get("permission"))
        yield _grant(f"permission {permission}", permission, grant.get("holder") or {}, book)


def _notifications(row: Record, book: Book) -> Iterator[Grant]:
    for entry in members_of(row).get("notificationSchemeEvents") or []:
        event = entry.get("event") or {}
        for item in entry.get("notifications") or []:
            named = item.get("recipient") or item.get("parameter")
            holder = {"type": item.get("notificationType"), "value": named}
            yield _grant(f"event {_event(event)}", f"event {event.get('id')}", holder, book)


def _event(event: Mapping[str, Any]) -> str:
    """Name an event: Jira's own have the same ids everywhere, those that people made only a name in common."""
    found = str(event.get("id"))
    is_own = found.isdecimal() and int(found) >= _FIRST_OWN_EVENT
    return str(event.get("name")) if is_own and event.get("name") else found


def _level_members(row: Record, book: Book) -> Iterator[Grant]:
    levels = {
        own_id(level): str(members_of(level).get("name"))
        for level in book.rows("security_level")
        if str(members_of(level).get("issueSecuritySchemeId")) == own_id(row)
    }
    for item in book.rows("security_level_member"):
        level = levels.get(str(members_of(item).get("issueSecurityLevelId")))
        if level is not None:
            yield _grant(f"level {level}", f"level {level}", members_of(item).get("holder") or {}, book)


def level_facts(row: Record, book: Book) -> dict[str, Any]:
    """Give what a security scheme says of its levels; who is a member of each is a grant."""
    return {
        f"level {members_of(level).get('name')}": {
            "description": members_of(level).get("description") or "",
            "is default": members_of(level).get("isDefault") is True,
        }
        for level in book.rows("security_level")
        if str(members_of(level).get("issueSecuritySchemeId")) == own_id(row)
    }


def _grant(what: str, fact: str, holder: Mapping[str, Any], book: Book) -> Grant:
    kind = str(holder.get("type"))
    named = holder.get("value") or holder.get("parameter") or ""
    noun = _HOLDERS.get(kind.lower())
    label = str(named) if noun is None else book.label(noun, str(named))
    # Kinds of holder are written in either letter case.
    return Grant(what, f"{kind.lower()} {key_of(label)}".strip(), f"{kind} {named}".strip(), fact)


_READ: Mapping[str, Callable[[Record, Book], Iterator[Grant]]] = {
    "permission_scheme": _permissions,
    "notification_scheme": _notifications,
    "security_scheme": _level_members,
}
GIVING_KINDS = frozenset(_READ)
