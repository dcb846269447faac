"""What can be done with an issue: its transitions, editable fields and operations, and what a create form holds.

What belongs here: the JSON that tells a client beforehand what a write would accept, and the values a field
allows.

What stays out: the rules it tells of (``changes`` for transitions, ``creation`` for required and settable
fields).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.changes import available_transitions
from jira_backup_pipeline.sandbox.creation import required_fields, screen_fields
from jira_backup_pipeline.sandbox.http import SELF_BASE, Json, JsonObject
from jira_backup_pipeline.sandbox.setup.fields import is_open
from jira_backup_pipeline.sandbox.values import CODECS

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Field, Issue, Project
    from jira_backup_pipeline.sandbox.site import Site


def transition_list(site: Site, issue: Issue, *, fields: bool = False) -> list[JsonObject]:
    """The transitions open to an issue."""
    found: list[JsonObject] = []
    for step in available_transitions(site, issue):
        target = site.statuses[step.target]
        value: JsonObject = {
            "id": step.transition_id,
            "name": step.name,
            "to": show.status(target),
            "hasScreen": False,
            "isGlobal": step.sources is None,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "isLooped": False,
        }
        if fields:
            needs = target.category == "done" and "resolution" in site.fields
            value["fields"] = (
                {
                    "resolution": field_metadata(
                        site, site.projects[issue.project_id], site.fields["resolution"]
                    )
                }
                if needs
                else {}
            )
        found.append(value)
    return found


def field_metadata(site: Site, project: Project, item: Field, *, required: bool = False) -> JsonObject:
    """How a field may be set."""
    codec = CODECS.get(item.kind)
    many = codec is not None and codec.many
    value: JsonObject = {
        "required": required,
        "schema": item.schema or {"type": "issuelink", "system": item.field_id},
        "name": item.name,
        "key": item.field_id,
        "hasDefaultValue": item.field_id == "priority",
        "operations": ["add", "set", "remove"] if many else ["set"],
    }
    allowed = allowed_values(site, project, item)
    if allowed is not None:
        value["allowedValues"] = allowed
    return value


def allowed_values(site: Site, project: Project, item: Field) -> list[Json] | None:
    """The values a field may take, where they can be listed."""
    options = [
        show.option(entry) for entry in site.options_of(item.field_id) if is_open(site, entry, project)
    ]
    if item.kind == "cascadingselect":
        for entry in options:
            children = site.options_of(item.field_id, int(entry["id"]))
            entry["children"] = [show.option(child) for child in children]
    versions = [show.version(entry, detail=True) for entry in site.versions_of(project.project_id)]
    by_kind: dict[str, list[Json]] = {
        "select": options,
        "multiselect": options,
        "cascadingselect": options,
        "priority": [show.priority(entry) for entry in site.priorities.values()],
        "resolution": [show.resolution(entry) for entry in site.resolutions.values()],
        "components": [show.component(site, entry) for entry in site.components_of(project.project_id)],
        "version": versions,
        "multiversion": versions,
    }
    by_id: dict[str, list[Json]] = {
        "issuetype": [show.issue_type(site.issue_types[type_id]) for type_id in project.issue_types],
        "project": [show.project_brief(site, project)],
    }
    return by_kind.get(item.kind, by_id.get(item.field_id))


def edit_metadata(site: Site, issue: Issue) -> JsonObject:
    """The fields of an issue that can be edited."""
    project = site.project_of(issue)
    fields = screen_fields(site, project, issue.type_id)
    return {
        "fields": {
            item.field_id: field_metadata(site, project, item, required=item.field_id == "summary")
            for item in fields
            if item.field_id != "project"
        }
    }


def create_fields(site: Site, project: Project, type_id: str) -> list[JsonObject]:
    """The fields of the create form of an issue type."""
    needed = required_fields(site, project, type_id)
    return [
        field_metadata(site, project, item, required=item.field_id in needed) | {"fieldId": item.field_id}
        for item in screen_fields(site, project, type_id)
    ]


def operations() -> JsonObject:
    """The ``operations`` expansion, reduced to what a reader can rely on."""
    return {"linkGroups": [{"groups": [], "id": "view.issue.opsbar", "links": [], "weight": 0}]}


def issue_type_address(type_id: str) -> str:
    """The address of an issue type."""
    return f"{SELF_BASE}/rest/api/3/issuetype/{type_id}"
