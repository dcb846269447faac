"""What requests have made of a site's setup: records kept beside those that follow from the site.

What belongs here: the values, the ids of what is made, and which scheme a project was given.

What stays out: records that follow from the site (the other modules of this folder), and the checks of a request
(``routes``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json, JsonObject

# Ids of what is made lie far from those that follow from the site.
FIRST_MADE = 900_000


@dataclass(slots=True)
class Tab:
    """A tab of a screen with its fields in order."""

    tab_id: int
    name: str
    field_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Screen:
    """A screen; Jira gives every new one a first tab."""

    screen_id: int
    name: str
    description: str
    tabs: list[Tab] = field(default_factory=list)


@dataclass(slots=True)
class FieldContext:
    """A context of a field: no projects means all of them, no types likewise."""

    context_id: str
    name: str
    description: str
    project_ids: list[str] = field(default_factory=list)
    type_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that Jira would have sent: to whoever the project's notification scheme names for the event."""

    event_id: int
    issue_id: int


@dataclass(slots=True)
class Made:
    """Everything that was made. ``records`` and ``items`` are by noun, in Jira's own form.

    ``settings`` are those of gadgets, ``bindings`` say by project and noun which scheme was given to it; ``own_fields`` are fields whose contexts are all
    here; ``more_projects`` joined a context that follows from the site, by field and context. ``mails`` grow whenever Jira would write to somebody.
    ``amended`` are changed records that follow from the site, by noun and id, ``versions`` count the changes of what has a version.
    """

    screens: dict[int, Screen] = field(default_factory=dict)
    contexts: dict[str, list[FieldContext]] = field(default_factory=dict)
    own_fields: set[str] = field(default_factory=set)
    more_projects: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    defaults: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    records: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    items: dict[tuple[str, str], list[JsonObject]] = field(default_factory=dict)
    settings: dict[str, dict[str, Json]] = field(default_factory=dict)
    bindings: dict[tuple[int, str], str | None] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    amended: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    last_id: int = FIRST_MADE

    def next_id(self) -> int:
        """Give an id that nothing of the setup has."""
        self.last_id += 1
        return self.last_id

    def of(self, noun: str) -> list[JsonObject]:
        """Give the records of a noun in the order in which they were made."""
        return list(self.records.get(noun, {}).values())

    def add(self, noun: str, record: JsonObject) -> JsonObject:
        """Keep a record under its id."""
        self.records.setdefault(noun, {})[str(record["id"])] = record
        return record

    def overlaid(self, noun: str, records: list[JsonObject]) -> list[JsonObject]:
        """Give records that follow from the site as they were changed."""
        return [self.amended.get((noun, str(record["id"])), record) for record in records]

    def is_taken(self, noun: str, name: str) -> bool:
        """Tell whether something made has the name, in any letter case."""
        return any(str(record.get("name", "")).lower() == name.lower() for record in self.of(noun))
