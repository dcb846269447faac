"""What corresponds to what: names and ids of the snapshot against names and ids of the target.

What belongs here: pure matching by what a mapping says, by id (the same site) or by name and type (any site), and which
fields REST can write.

What stays out: the mapping (`stand_ins`), accounts (`people`), reading the target (`target`) and turning values into what Jira accepts (`fields`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.people import People
from jira_backup_pipeline.engine.restore.stand_ins import StandIns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jira_backup_pipeline.engine.restore.target import (
        Named,
        ProjectState,
        SiteState,
        TargetField,
        TargetType,
    )

# Fields that Jira computes, that another step of the restore brings back, or that no call can set.
NOT_WRITABLE_FIELDS = frozenset(
    {
        "aggregateprogress",
        "aggregatetimeestimate",
        "aggregatetimeoriginalestimate",
        "aggregatetimespent",
        "attachment",
        "comment",
        "created",
        "creator",
        "issuekey",
        "issuelinks",
        "issuerestriction",
        "issuetype",
        "lastViewed",
        "progress",
        "project",
        "resolution",
        "resolutiondate",
        "status",
        "statusCategory",
        "statuscategorychangedate",
        "subtasks",
        "thumbnail",
        "timeestimate",
        "timeoriginalestimate",
        "timespent",
        "updated",
        "votes",
        "watches",
        "worklog",
        "workratio",
    }
)
SPRINT_FIELD = "com.pyxis.greenhopper.jira:gh-sprint"
RANK_FIELD = "com.pyxis.greenhopper.jira:gh-lexo-rank"
# Custom field types whose value Jira or an app computes. An epic link repeats `parent`.
_COMPUTED_CUSTOM = (
    RANK_FIELD,
    "com.pyxis.greenhopper.jira:gh-epic-link",
    "com.atlassian.jira.ext.charting:",
    "com.atlassian.jira.plugins.jira-development-integration-plugin:",
    "com.atlassian.servicedesk:",
    "com.atlassian.jpo:",
    "com.atlassian.jira.toolkit:",
)
# Shown by Jira and writable by its importers only.
_READ_ONLY_CUSTOM = frozenset({"com.atlassian.jira.plugin.system.customfieldtypes:importid"})


@dataclass(frozen=True, slots=True)
class Matches:
    """Everything that was matched; what `stand_ins` says goes before names and ids."""

    is_same_site: bool
    site: SiteState
    project: ProjectState | None
    source_fields: Mapping[str, TargetField]
    people: People = field(default_factory=People)
    sprints: Mapping[str, str] = field(default_factory=dict)
    stand_ins: StandIns = field(default_factory=StandIns)
    # The fields that the target project can have: those of other team-managed projects are not among them. Chosen once,
    # for every value of every issue is looked up here.
    _fields_there: Mapping[str, TargetField] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Choose the fields that the target project can have."""
        home = self.project.id if self.project is not None else ""
        there = {name: found for name, found in self.site.fields.items() if found.project_id in {"", home}}
        object.__setattr__(self, "_fields_there", there)

    def person(self, account_id: str, *, or_fallback: bool = False) -> str | None:
        """Give the active account of the target that stands for one of the snapshot; None when there is none."""
        if self.people.active.get(account_id):
            return self.people.replaced.get(account_id, account_id)
        return (self.people.fallback or None) if or_fallback else None

    def mentioned(self, account_id: str) -> str:
        """Give the account that text mentions: the stand-in's, else the same, known or not."""
        return self.people.replaced.get(account_id, account_id)

    def target_field(self, source_id: str) -> TargetField | None:
        """Give the target's field for a field of the snapshot, None when there is none or no call can write it."""
        if source_id in NOT_WRITABLE_FIELDS:
            return None
        found = self._corresponding(source_id)
        return None if found is None or is_computed(found) else found

    def _corresponding(self, source_id: str) -> TargetField | None:
        there = self._fields_there
        same = there.get(source_id)
        known = self.source_fields.get(source_id)
        named = self.stand_ins.of("fields", source_id, known.name if known is not None else None)
        if named is not None:
            return there.get(named) or self._only(
                found for found in there.values() if same_name(found.name, named)
            )
        if same is not None and (self.is_same_site or not source_id.startswith("customfield_")):
            return same
        if known is None:
            return None
        return self._only(
            found
            for found in there.values()
            if (found.name, found.custom, found.type) == (known.name, known.custom, known.type)
        )

    def has_field(self, field_id: str) -> bool:
        """Tell whether the target project can have a field of that id."""
        return field_id in self._fields_there

    @staticmethod
    def _only(alike: Iterable[TargetField]) -> TargetField | None:
        """Give the one field; two of one name and type cannot be told apart, and a guess would write into the wrong one."""
        found = list(alike)
        return found[0] if len(found) == 1 else None

    def field_ids(self) -> dict[str, str]:
        """Give the target's field id for every field of the snapshot that a restore writes."""
        known = ((source_id, self.target_field(source_id)) for source_id in self.source_fields)
        return {source_id: found.id for source_id, found in known if found is not None}

    def field_name(self, source_id: str) -> str:
        """Name a field of the snapshot for people."""
        known = self.source_fields.get(source_id) or self.site.fields.get(source_id)
        return known.name if known is not None and known.name else source_id

    def issue_type(self, name: str | None, level: int) -> TargetType | None:
        """Give the type of that name, else the first of the same level; None when the target has no such level."""
        name = self.stand_ins.name("issue_types", name) if name is not None else None
        types = self.project.types if self.project is not None else self.site.types
        named = [found for found in types if name is not None and same_name(found.name, name)]
        level_found = [found for found in types if found.level == level]
        exact = [found for found in named if found.level == level]
        return next(iter([*exact, *named, *level_found]), None)

    def status(self, type_id: str, name: str) -> Named | None:
        """Give the status of that name in the type's workflow."""
        if self.project is None:
            return None
        name = self.stand_ins.name("statuses", name)
        return next(
            (found for found in self.project.statuses.get(type_id, ()) if same_name(found.name, name)), None
        )

    def priority(self, value: Mapping[str, Any]) -> str | None:
        """Give the id of a priority."""
        return self._named("priorities", value, self.site.priorities)

    def resolution(self, value: Mapping[str, Any]) -> str | None:
        """Give the id of a resolution."""
        return self._named("resolutions", value, self.site.resolutions)

    def link_type(self, value: Mapping[str, Any]) -> str | None:
        """Give the id of a link type."""
        return self._named("link_types", value, self.site.link_types)

    def level(self, value: Mapping[str, Any]) -> str | None:
        """Give the id of a security level of the target project; unread ones are taken to be the source's own."""
        levels = self.project.levels if self.project is not None else ()
        if levels is None:
            return str(value.get("id")) if self.is_same_site else None
        return match_named(value, levels, is_same_site=self.is_same_site)

    def role(self, value: Mapping[str, Any]) -> str | None:
        """Give the id of a project role; a team-managed project has roles of its own."""
        own = self.project.roles if self.project is not None else None
        return self._named("roles", value, self.site.roles if own is None else own)

    def _named(self, section: str, value: Mapping[str, Any], targets: Sequence[Named]) -> str | None:
        named = self.stand_ins.of(section, str(value.get("name", "")), str(value.get("id", "")))
        if named is not None:
            return next((found.id for found in targets if same_name(found.name, named)), None)
        return match_named(value, targets, is_same_site=self.is_same_site)


def is_computed(found: TargetField) -> bool:
    """Tell whether Jira or an app computes a field."""
    return found.custom.startswith(_COMPUTED_CUSTOM)


def is_read_only(found: TargetField) -> bool:
    """Tell whether no call writes a field although its value is data of its own."""
    return found.custom in _READ_ONLY_CUSTOM


def match_named(value: Mapping[str, Any], targets: Sequence[Named], *, is_same_site: bool) -> str | None:
    """Match by id where the site is the same and the id still has that name, else by name."""
    name, source_id = str(value.get("name", "")), str(value.get("id", ""))
    by_id = next((found for found in targets if found.id == source_id), None)
    if is_same_site and by_id is not None and same_name(by_id.name, name):
        return by_id.id
    by_name = next((found.id for found in targets if same_name(found.name, name)), None)
    # Renamed since the snapshot: the id is the same thing under another name.
    return by_name if by_name is not None or not is_same_site or by_id is None else by_id.id


def same_name(left: str, right: str) -> bool:
    """Compare names as Jira does: letter case and outer blanks do not count."""
    return left.strip().casefold() == right.strip().casefold()


def account_ids(value: object) -> Iterable[str]:
    """Give every account id inside a decoded value; walks without recursion."""
    stack = [value]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            account_id = found.get("accountId")
            if isinstance(account_id, str):
                yield account_id
            stack.extend(found.values())
        elif isinstance(found, list):
            stack.extend(found)
