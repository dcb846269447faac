"""What of a snapshot's configuration a restore wants on the target.

What belongs here: the way from a project's types, fields and schemes to everything that these stand on.

What stays out: reading the snapshot (`source`), and whether the target has it already (`making`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.dashboards import (
    dashboards_about,
    dashboards_about_none,
    filters_shown,
)
from jira_backup_pipeline.engine.restore.configuration.filters import (
    filters_about,
    filters_about_none,
    sharing_people,
)
from jira_backup_pipeline.engine.restore.configuration.source import own_id, texts, workflow_of
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
    from jira_backup_pipeline.engine.restore.selection import Selection
    from jira_backup_pipeline.engine.restore.survey import Survey

_CUSTOM = "customfield_"
_USED = {"priority": "priority", "resolution": "resolution", "link type": "link_type"}


@dataclass(frozen=True, slots=True)
class Need:
    """Ids of the snapshot that are wanted, by kind. `schemes` are those that the new project will follow, by noun.

    `project_id` is the project of the snapshot: contexts of fields name it. `is_whole` tells whether everything that the
    project follows is wanted: it is made anew, or brought to the snapshot's state.
    """

    project_id: str
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    schemes: Mapping[str, str] = field(default_factory=dict)
    has_new_project: bool = False
    # Filters and dashboards were asked for as such, not only as what a new project on another site needs.
    asks_for_shared: bool = False
    is_whole: bool = False

    def of(self, kind: str) -> frozenset[str]:
        """Give the wanted ids of a kind."""
        return self.wanted.get(kind, frozenset())

    def without(self, *kinds: str) -> Need:
        """Give the same need without some kinds."""
        return replace(
            self,
            wanted={kind: ids for kind, ids in self.wanted.items() if kind not in kinds},
            schemes={noun: scheme_id for noun, scheme_id in self.schemes.items() if noun not in kinds},
        )


def need_of(
    source: ConfigurationSource,
    survey: Survey,
    selection: Selection,
    *,
    project_id: str,
    has_new_project: bool,
    is_whole: bool = False,
) -> Need:
    """Say what issues and, where it will be made or brought to the snapshot's state, their project stand on."""
    is_whole = is_whole or has_new_project
    wanted = {
        kind: {str(value.get("id")) for value in survey.used_names.get(word, {}).values()}
        for word, kind in _USED.items()
    }
    wanted["link_type"] = _link_types(source, survey)
    fields = {name for name in survey.used_fields if name.startswith(_CUSTOM)}
    schemes: dict[str, str] = {}
    if is_whole:
        schemes = source.schemes_of(project_id)
        wanted["issue_type"] = set(source.type_ids()) | {
            str(value.get("id")) for value in survey.used_names.get("issuetype", {}).values()
        }
        wanted["issue_type"] |= _types_of_schemes(source, schemes)
        wanted["field_configuration"] = _field_configurations(source, schemes)
        _follow_workflows(source, schemes, wanted)
        _follow_screens(source, schemes, wanted)
        fields |= _fields_on_screens(source, wanted["screen"])
        wanted["role"] = {own_id(row) for row in source.project_rows("role_actors")}
        priorities = source.by_id("priority_scheme").get(schemes.get("priority_scheme", ""))
        if priorities is not None:
            wanted["priority"] |= set(source.priorities_of(priorities))
        for noun, scheme_id in schemes.items():
            wanted[noun] = {scheme_id}
    if has_new_project or selection.brings_shared:
        _follow_shared(source, wanted, project_id, is_site=selection.is_site)
    wanted["field"] = fields
    wanted["group"] = _groups(source, survey, schemes)
    return Need(
        project_id,
        {kind: frozenset(ids) for kind, ids in wanted.items() if ids},
        schemes,
        has_new_project,
        selection.brings_shared,
        is_whole,
    )


def _follow_shared(
    source: ConfigurationSource, wanted: dict[str, set[str]], project_id: str, *, is_site: bool
) -> None:
    """Add the filters and dashboards about the project; of a whole site also those that are about none."""
    wanted["filter"] = {row.id for row in filters_about(source, project_id)}
    wanted["dashboard"] = {row.id for row in dashboards_about(source, project_id)}
    if is_site and project_id == source.first_project():
        wanted["filter"] |= {row.id for row in filters_about_none(source)}
        wanted["dashboard"] |= {row.id for row in dashboards_about_none(source)}
    if is_site:
        # A dashboard needs its filters on the bench, also those that another project's restore makes.
        wanted["filter"] |= filters_shown(source, wanted["dashboard"])


def _groups(source: ConfigurationSource, survey: Survey, schemes: Mapping[str, str]) -> set[str]:
    """Find the groups that issues, roles and schemes name, by id or by name."""
    named = set(survey.groups)
    for row in source.project_rows("role_actors"):
        for actor in members_of(row).get("actors") or []:
            group = actor.get("actorGroup")
            if isinstance(group, dict):
                named |= {str(group.get("groupId")), str(group.get("name"))}
    permissions = source.by_id("permission_scheme").get(schemes.get("permission_scheme", ""))
    for grant in (members_of(permissions).get("permissions") or []) if permissions is not None else []:
        holder = grant.get("holder") or {}
        if holder.get("type") == "group":
            named |= {str(holder.get("value")), str(holder.get("parameter"))}
    return {
        row.id for row in source.rows("group") if row.id in named or str(members_of(row).get("name")) in named
    }


def people_of(source: ConfigurationSource, need: Need) -> set[str]:
    """Give the accounts that wanted schemes name as holders or recipients."""
    holders = [
        grant.get("holder") or {}
        for row in source.rows("permission_scheme")
        if own_id(row) in need.of("permission_scheme")
        for grant in members_of(row).get("permissions") or []
    ]
    holders += [
        members_of(row).get("holder") or {}
        for row in source.rows("security_level_member")
        if str(members_of(row).get("issueSecuritySchemeId")) in need.of("security_scheme")
    ]
    named = [
        holder.get("value") or holder.get("parameter") for holder in holders if holder.get("type") == "user"
    ]
    named += [
        item.get("recipient") or item.get("parameter")
        for row in source.rows("notification_scheme")
        if own_id(row) in need.of("notification_scheme")
        for entry in members_of(row).get("notificationSchemeEvents") or []
        for item in entry.get("notifications") or []
        if item.get("notificationType") == "User"
    ]
    named += [
        (members_of(row).get("owner") or {}).get("accountId")
        for row in source.rows("filter")
        if row.id in need.of("filter")
    ]
    named += [
        account_id
        for kind in ("filter", "dashboard")
        for row in source.rows(kind)
        if row.id in need.of(kind)
        for account_id in sharing_people(row)
    ]
    named += [
        members_of(row).get("accountId")
        for row in source.rows("group_member")
        if row.id.split("/")[0] in need.of("group")
    ]
    return {str(account_id) for account_id in named if account_id}


def _link_types(source: ConfigurationSource, survey: Survey) -> set[str]:
    names = {name.casefold() for name in survey.used_names.get("link type", {})}
    return {
        own_id(row)
        for row in source.rows("link_type")
        if str(members_of(row).get("name", "")).casefold() in names
    }


def _types_of_schemes(source: ConfigurationSource, schemes: Mapping[str, str]) -> set[str]:
    """Find the types that schemes name beside those of the project: a scheme comes back whole."""
    types = {
        str(members_of(row).get("issueTypeId"))
        for kind, noun, member in (
            ("issue_type_scheme_item", "issue_type_scheme", "issueTypeSchemeId"),
            ("issue_type_screen_scheme_item", "issue_type_screen_scheme", "issueTypeScreenSchemeId"),
            ("field_configuration_scheme_item", "field_configuration_scheme", "fieldConfigurationSchemeId"),
        )
        for row in source.rows(kind)
        if str(members_of(row).get(member)) == schemes.get(noun)
    }
    for row in source.rows("field_scheme_item"):
        if row.id.split("/")[0] == schemes.get("field_scheme"):
            types |= {str(type_id) for type_id in members_of(row).get("restrictedToWorkTypes") or []}
    scheme = source.by_id("workflow_scheme").get(schemes.get("workflow_scheme", ""))
    return types | set((members_of(scheme).get("issueTypeMappings") or {}) if scheme is not None else ())


def _field_configurations(source: ConfigurationSource, schemes: Mapping[str, str]) -> set[str]:
    return {
        str(members_of(row).get("fieldConfigurationId"))
        for row in source.rows("field_configuration_scheme_item")
        if str(members_of(row).get("fieldConfigurationSchemeId")) == schemes.get("field_configuration_scheme")
    }


def _follow_workflows(
    source: ConfigurationSource, schemes: Mapping[str, str], wanted: dict[str, set[str]]
) -> None:
    scheme = source.by_id("workflow_scheme").get(schemes.get("workflow_scheme", ""))
    statuses = {
        str(status.get("id"))
        for row in source.project_rows("project_status")
        for status in members_of(row).get("statuses") or []
    }
    wanted["workflow"] = set()
    if scheme is not None:
        names = workflow_names(members_of(scheme), wanted["issue_type"])
        for row in source.rows("workflow"):
            if members_of(row).get("name") in names:
                wanted["workflow"].add(own_id(row))
                statuses |= set(status_references(members_of(row)))
    wanted["status"] = statuses


def workflow_names(scheme: Mapping[str, Any], type_ids: set[str] | frozenset[str]) -> set[str]:
    """Give the names of the workflows that a scheme has for some types, and its default one."""
    return {workflow_of(scheme, type_id) for type_id in [*type_ids, ""]}


def status_references(workflow: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the statuses of a workflow."""
    return texts(item.get("statusReference") for item in workflow.get("statuses") or [])


def _follow_screens(
    source: ConfigurationSource, schemes: Mapping[str, str], wanted: dict[str, set[str]]
) -> None:
    scheme_id = schemes.get("issue_type_screen_scheme")
    wanted["screen_scheme"] = {
        str(members_of(row).get("screenSchemeId")) for row in screen_scheme_items(source, scheme_id)
    }
    schemes_by_id = source.by_id("screen_scheme")
    wanted["screen"] = {
        str(screen_id)
        for wanted_id in wanted["screen_scheme"]
        if (row := schemes_by_id.get(wanted_id)) is not None
        for screen_id in (members_of(row).get("screens") or {}).values()
    }
    for row in source.rows("workflow"):
        if own_id(row) in wanted["workflow"]:
            wanted["screen"].update(_transition_screens(members_of(row)))


def screen_scheme_items(source: ConfigurationSource, scheme_id: str | None) -> Iterator[Record]:
    """Give the mappings of an issue type screen scheme."""
    for row in source.rows("issue_type_screen_scheme_item"):
        if scheme_id is not None and str(members_of(row).get("issueTypeScreenSchemeId")) == scheme_id:
            yield row


def _transition_screens(workflow: Mapping[str, Any]) -> Iterator[str]:
    for step in workflow.get("transitions") or []:
        rule = step.get("transitionScreen")
        screen_id = (rule.get("parameters") or {}).get("screenId") if isinstance(rule, dict) else None
        if screen_id:
            yield str(screen_id)


def tabs_of(source: ConfigurationSource, screen_id: str) -> list[tuple[str, str]]:
    """Give id and name of the tabs of a screen in order."""
    return [
        (str(members_of(row).get("tabId")), str(members_of(row).get("tabName")))
        for row in source.rows("screen_tab")
        if str(members_of(row).get("screenId")) == screen_id
    ]


def fields_of_tab(source: ConfigurationSource, tab_id: str) -> list[str]:
    """Give the ids of the fields on a tab in order."""
    return [
        str(members_of(row).get("id"))
        for row in source.rows("screen_field")
        if row.id.split("/")[-2] == tab_id
    ]


def _fields_on_screens(source: ConfigurationSource, screen_ids: set[str]) -> set[str]:
    return {
        field_id
        for screen_id in screen_ids
        for tab_id, _ in tabs_of(source, screen_id)
        for field_id in fields_of_tab(source, tab_id)
        if field_id.startswith(_CUSTOM)
    }
