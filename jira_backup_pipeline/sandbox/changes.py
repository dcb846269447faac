"""What a write does to existing issues: values, status, place, links, files, deletion, each with its history entry.

What belongs here: the change itself and all that follows from it (history, ``updated``, the index's memory,
links cut at both ends), the same whether a handler or an edit asks. Every function expects the site's lock.

What stays out: new issues (``creation``), reading values from requests (``values``), permissions (the
handlers), and comments, worklogs, votes and properties, which ``routes`` write on top of ``begin`` and
``record``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.sandbox.http import ApiError, Json, JsonObject
from jira_backup_pipeline.sandbox.model import (
    Attachment,
    History,
    Issue,
    IssueBody,
    IssueLink,
    Project,
    Transition,
)
from jira_backup_pipeline.sandbox.setup.schemes import keep_schemes
from jira_backup_pipeline.sandbox.values import CODECS

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

# How Jira names a field in a history entry where that differs from the field's own name.
_HISTORY_NAMES = {
    "fixVersions": "Fix Version",
    "versions": "Version",
    "components": "Component",
    "duedate": "duedate",
}
_CHANGING_RECORDED = frozenset(
    [
        "updated",
        "status",
        "resolution",
        "resolutiondate",
        "statuscategorychangedate",
        "labels",
        "attachment",
        "issuelinks",
        "comment",
        "worklog",
        "watches",
        "votes",
        "parent",
        "issuetype",
        "project",
    ]
)
_PER_VALUE = {"fixVersions", "versions", "components"}


def begin(site: Site, issue: Issue) -> IssueBody:
    """Before any change of an issue: keep its body, and what the search index knows of it."""
    if site.index is not None:
        site.index.remember(issue.issue_id)
    body = site.issues.pin(issue)
    # A recorded text is true only until the issue changes.
    body.raw_issue = None
    for name in _CHANGING_RECORDED & body.raw_fields.keys():
        del body.raw_fields[name]
    return body


def history_item(
    name: str,
    field_id: str | None,
    before: tuple[str | None, str | None],
    after: tuple[str | None, str | None],
    *,
    custom: bool = False,
) -> JsonObject:
    """One item of a history entry."""
    item: JsonObject = {"field": name, "fieldtype": "custom" if custom else "jira"}
    if field_id is not None:
        item["fieldId"] = field_id
    return item | {"from": before[0], "fromString": before[1], "to": after[0], "toString": after[1]}


def record(
    site: Site,
    issue: Issue,
    actor: str,
    items: list[JsonObject],
    *,
    at_ms: int | None = None,
    metadata: JsonObject | None = None,
) -> None:
    """Write a history entry and move ``updated``; without items only ``updated`` moves."""
    at = site.now() if at_ms is None else at_ms
    body = site.issues.pin(issue)
    if items:
        body.histories.append(History(site.next_id("history"), actor, at, items, metadata))
    issue.updated_ms = max(issue.updated_ms, at) if at_ms is None else at
    site.changed(issue.issue_id)


def set_values(
    site: Site,
    issue: Issue,
    updates: dict[str, Json],
    actor: str,
    *,
    at_ms: int | None = None,
    metadata: JsonObject | None = None,
    extra_items: list[JsonObject] | None = None,
) -> None:
    """Store new values (in internal form) and write what changed as one history entry."""
    body = begin(site, issue)
    items = list(extra_items or [])
    before: Json
    for field_id, value in updates.items():
        if field_id == "parent":
            items.extend(_parent_item(site, issue, value))
            continue
        if field_id == "issuetype":
            items.extend(_type_items(site, issue, value))
            continue
        if field_id == "labels":
            before = issue.labels
            issue.labels = list(value or [])
        else:
            before = body.values.get(field_id)
            body.values[field_id] = value
            body.raw_fields.pop(field_id, None)
        items.extend(value_items(site, field_id, before, value))
    record(site, issue, actor, items, at_ms=at_ms, metadata=metadata)


def value_items(site: Site, field_id: str, before: Json, after: Json) -> list[JsonObject]:
    """The history items of one changed value."""
    field = site.fields[field_id]
    if (before or None) == (after or None) and not isinstance(after, int | float):
        return []
    if before == after:
        return []
    name = _HISTORY_NAMES.get(field_id, field.name if field.custom else field_id)
    codec = CODECS.get(field.kind)
    if codec is None:
        texts = [(None if v is None else str(v)) for v in (before, after)]
        return [history_item(name, field_id, (texts[0], texts[0]), (texts[1], texts[1]))]
    if field_id in _PER_VALUE:
        gone = [value for value in before or [] if value not in (after or [])]
        new = [value for value in after or [] if value not in (before or [])]
        return [history_item(name, field_id, codec.describe(site, [v]), (None, None)) for v in gone] + [
            history_item(name, field_id, (None, None), codec.describe(site, [v])) for v in new
        ]
    return [
        history_item(
            name, field_id, codec.describe(site, before), codec.describe(site, after), custom=field.custom
        )
    ]


def _parent_item(site: Site, issue: Issue, parent_id: int | None) -> list[JsonObject]:
    if parent_id == issue.parent_id:
        return []
    ends: list[tuple[str | None, str | None]] = []
    for found in (issue.parent_id, parent_id):
        known = site.issues.by_id.get(found) if found is not None else None
        ends.append((str(known.issue_id), site.key_of(known)) if known else (None, None))
    if issue.parent_id is not None:
        site.answers.entries.pop(issue.parent_id, None)
    site.issues.set_parent(issue, parent_id)
    return [history_item("IssueParentAssociation", None, ends[0], ends[1])]


def _type_items(site: Site, issue: Issue, type_id: str) -> list[JsonObject]:
    if type_id == issue.type_id:
        return []
    before, after = site.issue_types[issue.type_id], site.issue_types[type_id]
    issue.type_id = type_id
    items = [
        history_item("issuetype", "issuetype", (before.type_id, before.name), (after.type_id, after.name))
    ]
    workflow = site.workflow_of(issue)
    if issue.status_id not in workflow.statuses:
        items.append(_status_item(site, issue, workflow.statuses[0]))
        issue.status_id = workflow.statuses[0]
    return items


def _status_item(site: Site, issue: Issue, target: str) -> JsonObject:
    before, after = site.statuses[issue.status_id], site.statuses[target]
    return history_item("status", "status", (before.status_id, before.name), (after.status_id, after.name))


def available_transitions(site: Site, issue: Issue) -> list[Transition]:
    """The steps that the issue's workflow allows from its present status."""
    steps = site.workflow_of(issue).transitions
    return [step for step in steps if step.sources is None or issue.status_id in step.sources]


def transition(
    site: Site,
    issue: Issue,
    transition_id: str,
    actor: str,
    *,
    updates: dict[str, Json] | None = None,
    at_ms: int | None = None,
    metadata: JsonObject | None = None,
) -> None:
    """Walk one step of the workflow; a step that is not available is a 400."""
    step = next((s for s in available_transitions(site, issue) if s.transition_id == transition_id), None)
    if step is None:
        raise ApiError(400, "It seems that you have tried to perform an illegal workflow operation.")
    body = begin(site, issue)
    values = dict(updates or {})
    at = site.now() if at_ms is None else at_ms
    category = site.statuses[step.target].category
    if "actions" in step.more:
        values = {**_set_by_rules(site, step), **values}
    elif category == "done":
        if site.settings.transition_resolution_required and not (
            values.get("resolution") or body.values.get("resolution")
        ):
            raise ApiError(400, errors={"resolution": "Resolution is required."})
        values.setdefault("resolution", body.values.get("resolution") or next(iter(site.resolutions), None))
    else:
        values["resolution"] = None
    if "resolution" in values:
        body.values["resolutiondate"] = at if values["resolution"] is not None else None
    if site.statuses[issue.status_id].category != category:
        body.values["statuscategorychangedate"] = at
    items = [_status_item(site, issue, step.target)] if step.target != issue.status_id else []
    issue.status_id = step.target
    set_values(site, issue, values, actor, at_ms=at_ms, metadata=metadata, extra_items=items)


def _set_by_rules(site: Site, step: Transition) -> dict[str, Json]:
    """What the rules of a step set: of all rules, the one that sets the resolution is obeyed."""
    found: dict[str, Json] = {}
    for rule in step.more["actions"]:
        given = rule.get("parameters") or {}
        if rule.get("ruleKey") == "system:update-field" and given.get("field") == "resolution":
            value = str(given.get("value") or "")
            found["resolution"] = value if value in site.resolutions else None
    return found


def move_issue(site: Site, issue: Issue, project: Project, actor: str, *, at_ms: int | None = None) -> None:
    """Move an issue and its sub-tasks to another project: a new key, the old one keeps leading to it."""
    before_project, before_key = site.project_of(issue), site.key_of(issue)
    children = [site.issues.by_id[child] for child in site.issues.children.get(issue.issue_id, ())]
    for link in site.links_of_issue(issue.issue_id):
        for end in (link.source_id, link.destination_id):
            site.issues.pin(site.issues.by_id[end])
    body = begin(site, issue)
    project.issue_count += 1
    site.issues.by_number[issue.project_id].pop(issue.number)
    issue.project_id, issue.number = project.project_id, project.issue_count
    site.issues.by_number.setdefault(project.project_id, {})[issue.number] = issue.issue_id
    site.issues.moved_keys[before_key.upper()] = issue.issue_id
    for field_id in ("components", "fixVersions", "versions"):
        body.values[field_id] = []
    items = [
        history_item(
            "project",
            "project",
            (str(before_project.project_id), before_project.name),
            (str(project.project_id), project.name),
        ),
        history_item("Key", None, (None, before_key), (None, site.key_of(issue))),
    ]
    if issue.status_id not in site.workflow_of(issue).statuses:
        target = site.workflow_of(issue).statuses[0]
        items.append(_status_item(site, issue, target))
        issue.status_id = target
    record(site, issue, actor, items, at_ms=at_ms)
    for child in children:
        if site.issue_types[child.type_id].level < 0:
            move_issue(site, child, project, actor, at_ms=at_ms)


def delete_issue(site: Site, issue: Issue, actor: str, *, with_children: bool = False) -> None:
    """Delete an issue for good; one with sub-tasks needs ``with_children``."""
    children = [site.issues.by_id[child] for child in site.issues.children.get(issue.issue_id, ())]
    subtasks = [child for child in children if site.issue_types[child.type_id].level < 0]
    if subtasks and not with_children:
        raise ApiError(
            400,
            f"The issue '{site.key_of(issue)}' has subtasks. You must specify the 'deleteSubtasks' parameter "
            "to delete this issue and all its subtasks.",
        )
    for child in children:
        if child in subtasks:
            delete_issue(site, child, actor, with_children=True)
        else:
            set_values(site, child, {"parent": None}, actor)
    for link_id in list(site.links_of.get(issue.issue_id, ())):
        delete_link(site, site.links[link_id], actor)
    body = begin(site, issue)
    now = site.now()
    site.deleted_worklogs.extend((now, item.worklog_id) for item in body.worklogs)
    site.changed(issue.issue_id)
    site.issues.remove(issue)
    site.links_of.pop(issue.issue_id, None)


def add_link(site: Site, type_id: str, source: Issue, destination: Issue, actor: str) -> IssueLink:
    """Link two issues; a link that exists already is returned as it is."""
    for link in site.links_of_issue(source.issue_id):
        same = (link.type_id, link.source_id, link.destination_id) == (
            type_id,
            source.issue_id,
            destination.issue_id,
        )
        if same:
            return link
    for end in (source, destination):
        if len(site.links_of.get(end.issue_id, ())) >= site.settings.links_per_issue:
            raise ApiError(413, "The issue link limit for this issue has been reached.")
        begin(site, end)
    made = IssueLink(site.next_id("link"), type_id, source.issue_id, destination.issue_id)
    site.links[made.link_id] = made
    for end in (source, destination):
        site.links_of.setdefault(end.issue_id, []).append(made.link_id)
    for end, text in _link_texts(site, made):
        record(site, end, actor, [history_item("Link", "issuelinks", (None, None), text)])
    return made


def delete_link(site: Site, link: IssueLink, actor: str) -> None:
    """Take a link away on both sides."""
    texts = _link_texts(site, link)
    for end, _ in texts:
        begin(site, end)
    del site.links[link.link_id]
    for end, text in texts:
        site.links_of[end.issue_id].remove(link.link_id)
        record(site, end, actor, [history_item("Link", "issuelinks", text, (None, None))])


def _link_texts(site: Site, link: IssueLink) -> list[tuple[Issue, tuple[str, str]]]:
    kind = site.link_types[link.type_id]
    source, destination = site.issues.by_id[link.source_id], site.issues.by_id[link.destination_id]
    return [
        (source, (site.key_of(destination), f"This issue {kind.outward} {site.key_of(destination)}")),
        (destination, (site.key_of(source), f"This issue {kind.inward} {site.key_of(source)}")),
    ]


def add_attachment(site: Site, issue: Issue, made: Attachment, actor: str) -> None:
    """Put a file on an issue."""
    body = begin(site, issue)
    body.attachments.append(made)
    site.issues.attachments.later[made.attachment_id] = issue.issue_id
    item = history_item("Attachment", "attachment", (None, None), (str(made.attachment_id), made.filename))
    record(site, issue, actor, [item])


def remove_attachment(site: Site, issue: Issue, gone: Attachment, actor: str) -> None:
    """Take a file from an issue."""
    body = begin(site, issue)
    body.attachments = [item for item in body.attachments if item.attachment_id != gone.attachment_id]
    item = history_item("Attachment", "attachment", (str(gone.attachment_id), gone.filename), (None, None))
    record(site, issue, actor, [item])


def delete_project(site: Site, project: Project) -> None:
    """Remove a project and all that is in it for good; its schemes stay."""
    keep_schemes(site, project)
    for issue in site.issues.of_project(project.project_id):
        _cut_links(site, issue)
        now = site.now()
        site.deleted_worklogs.extend((now, item.worklog_id) for item in site.issues.worklogs_of(issue))
        if site.index is not None:
            site.index.remember(issue.issue_id)
        site.issues.remove(issue)
    for component in site.components_of(project.project_id):
        del site.components[component.component_id]
    for version in site.versions_of(project.project_id):
        del site.versions[version.version_id]
    boards = [board.board_id for board in site.boards.values() if board.project_id == project.project_id]
    for sprint in [sprint for sprint in site.sprints.values() if sprint.board_id in boards]:
        del site.sprints[sprint.sprint_id]
    for board_id in boards:
        del site.boards[board_id]
    del site.projects[project.project_id]
    _drop_own_setup(site, project.project_id)
    site.reference_changed()


def _drop_own_setup(site: Site, project_id: int) -> None:
    """Take away what only a team-managed project had: it goes with its project."""
    of_site: tuple[dict[str, Any], ...] = (
        site.fields,
        site.issue_types,
        site.statuses,
        site.roles,
        site.workflows,
    )
    for things in of_site:
        for key in [key for key, item in things.items() if item.project_id == project_id]:
            del things[key]


def _cut_links(site: Site, issue: Issue) -> None:
    """Take the links of a vanishing issue from the issues that stay, without a word in their history."""
    for link_id in list(site.links_of.get(issue.issue_id, ())):
        link = site.links[link_id]
        ends = (link.source_id, link.destination_id)
        # A body is made from the links of its issue, so it is pinned before the link goes.
        for end in ends:
            other = site.issues.by_id.get(end)
            if other is not None and other.project_id != issue.project_id:
                begin(site, other)
        del site.links[link_id]
        for end in ends:
            site.links_of[end].remove(link_id)
            site.answers.entries.pop(end, None)
