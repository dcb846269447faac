"""The site's own truth: every record there is, uncapped and unfiltered, to compare a backup or restore with.

What belongs here: one JSON object a line: ``kind``, ``project_id``, ``issue_id``, ``id``, ``visible`` (to the
backup account) and ``record`` in the form the API gives it.

What stays out: records of the setup (``setup.lists``), how one looks (``rendering``), and the comparing
(tests do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox import rendering
from jira_backup_pipeline.sandbox.http import (
    SELF_BASE_BYTES,
    SITE_BASE_BYTES,
    Json,
    JsonObject,
    decode,
    encode,
)
from jira_backup_pipeline.sandbox.model import Issue, Project, ProjectState
from jira_backup_pipeline.sandbox.routes import (
    agile,
    configuration,
    project_parts,
    server_info,
    workflows,
)
from jira_backup_pipeline.sandbox.setup.fields import dormant, field_detail
from jira_backup_pipeline.sandbox.setup.lists import setup_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.sandbox.site import Site


def truth_lines(site: Site) -> Iterator[bytes]:
    """All records as lines of JSON, without line ends."""
    for line in _records(site):
        text = encode(line)
        yield text.replace(SELF_BASE_BYTES, site.url.encode()).replace(SITE_BASE_BYTES, site.url.encode())


def truth_records(site: Site) -> Iterator[JsonObject]:
    """All records as values."""
    for line in truth_lines(site):
        yield decode(line)


def _line(
    kind: str,
    item_id: object,
    record: Json,
    *,
    project_id: int | None = None,
    issue_id: int | None = None,
    visible: bool = True,
) -> JsonObject:
    return {
        "kind": kind,
        "project_id": None if project_id is None else str(project_id),
        "issue_id": None if issue_id is None else str(issue_id),
        "id": str(item_id),
        "visible": visible,
        "record": record,
    }


def _records(site: Site) -> Iterator[JsonObject]:
    with site.lock:
        heads = [*_site_records(site), *(_line(*found) for found in setup_records(site))]
        projects = list(site.projects.values())
    yield from heads
    for project in projects:
        with site.lock:
            yield from list(_project_records(site, project))
            issues = site.issues.of_project(project.project_id)
        for issue in issues:
            with site.lock:
                lines = list(_issue_records(site, issue)) if issue.issue_id in site.issues.by_id else []
            yield from lines


def _site_records(site: Site) -> Iterator[JsonObject]:
    for account in site.accounts.values():
        yield _line("person", account.account_id, show.user_listed(site, account))
    for field in site.fields.values():
        yield _line("field", field.field_id, show.field_definition(field))
    for field in dormant(site):
        # Known from the list by page only.
        yield _line("field", field.field_id, field_detail(field))
    yield from _definitions(site)
    yield from _closed_projects(site)
    for category in site.categories.values():
        yield _line("project_category", category.item_id, show.category(category))
    for key, permission in server_info.permission_records().items():
        yield _line("permission", key, permission)
    for label in server_info.labels_of(site, site.backup_account):
        yield _line("label", label, label)
    yield _line("site_configuration", "site_configuration", server_info.configuration_record(site))
    for resolution in site.resolutions.values():
        yield _line("resolution", resolution.item_id, show.resolution(resolution))
    for link_type in site.link_types.values():
        yield _line("link_type", link_type.type_id, show.link_type(link_type))
    for group in site.groups.values():
        yield _line("group", group.group_id, {"name": group.name, "members": group.members})


def _closed_projects(site: Site) -> Iterator[JsonObject]:
    expand = {"description", "lead", "url", "projectKeys"}
    for project in site.projects.values():
        for kind, state in (
            ("archived_project", ProjectState.ARCHIVED),
            ("trashed_project", ProjectState.DELETED),
        ):
            if project.state is state:
                yield _line(kind, project.project_id, show.project_listed(site, project, expand))


def _definitions(site: Site) -> Iterator[JsonObject]:
    for issue_type in site.issue_types.values():
        yield _line("issue_type", issue_type.type_id, show.issue_type(issue_type))
    for status in site.statuses.values():
        yield _line("status", status.status_id, configuration.status_record(site, status))
    for priority in site.priorities.values():
        yield _line("priority", priority.item_id, configuration.searched_priority(priority))
    for workflow in site.workflows.values():
        yield _line("workflow", workflow.entity_id, workflows.workflow_record(workflow))
    for role in site.roles.values():
        yield _line("role", role.item_id, show.role_summary(role) | {"actors": []})


def _project_records(site: Site, project: Project) -> Iterator[JsonObject]:
    home = project.project_id
    visible = site.can_browse(site.backup_account, project)
    yield _line(
        "project",
        home,
        {
            "detail": show.project_detail(site, project, set()),
            "state": project.state.value,
            "old_keys": project.old_keys,
            "properties": project.properties,
            "features": project.features,
        },
        project_id=home,
        visible=visible,
    )
    for component in site.components_of(home):
        record = show.component(site, component, detail=True)
        yield _line("component", component.component_id, record, project_id=home, visible=visible)
    yield from _version_records(site, home, visible=visible)
    for role in site.roles_of(project):
        record = show.project_role(site, project, role)
        yield _line("project_role", f"{home}/{role.item_id}", record, project_id=home, visible=visible)
    for feature in project_parts.feature_records(project):
        yield _line("project_feature", feature["feature"], feature, project_id=home, visible=visible)
    for record in project_parts.status_records(site, project):
        yield _line("project_status", record["id"], record, project_id=home, visible=visible)
    for board in site.boards.values():
        if board.project_id != home:
            continue
        yield _line("board", board.board_id, show.board(site, board), project_id=home, visible=visible)
        record = agile.configuration_of(site, board)
        yield _line("board_configuration", board.board_id, record, project_id=home, visible=visible)
        for sprint in site.sprints.values():
            if sprint.board_id == board.board_id:
                yield _line("sprint", sprint.sprint_id, show.sprint(sprint), project_id=home, visible=visible)


def _version_records(site: Site, home: int, *, visible: bool) -> Iterator[JsonObject]:
    for version in site.versions_of(home):
        record = show.version(version, detail=True)
        yield _line("version", version.version_id, record, project_id=home, visible=visible)
        beside: Json = list(version.related_work)
        if beside:
            yield _line("version_related_work", version.version_id, beside, project_id=home, visible=visible)


def issue_record(site: Site, issue: Issue) -> JsonObject:
    """An issue's fields without its comments and worklogs, which are records of their own."""
    parts = rendering.rendered(site, issue, site.backup_account).parts
    fields = {name: msgspec.Raw(text) for name, text in parts.items()}
    for name in ("comment", "worklog"):
        fields.pop(name, None)
    return {"id": str(issue.issue_id), "key": site.key_of(issue), "fields": fields}


def _issue_records(site: Site, issue: Issue) -> Iterator[JsonObject]:
    project = site.project_of(issue)
    number = issue.issue_id
    seen = project.state is ProjectState.LIVE and site.can_see(site.backup_account, issue)

    def line(kind: str, item_id: object, record: Json, *, visible: bool = True) -> JsonObject:
        return _line(
            kind, item_id, record, project_id=project.project_id, issue_id=number, visible=seen and visible
        )

    body = site.body(issue)
    yield line("issue", number, issue_record(site, issue))
    me = site.backup_account
    for comment in body.comments:
        record = rendering.comment(site, number, comment, properties=True)
        yield line("comment", comment.comment_id, record, visible=site.sees(me, project, comment.visibility))
    for worklog in body.worklogs:
        record = rendering.worklog(site, number, worklog, properties=True)
        yield line("worklog", worklog.worklog_id, record, visible=site.sees(me, project, worklog.visibility))
    for entry in body.histories:
        yield line("changelog", entry.history_id, rendering.history(site, entry))
    yield from _lesser_records(site, issue, line)


def _lesser_records(site: Site, issue: Issue, line: Callable[..., JsonObject]) -> Iterator[JsonObject]:
    body, number = site.body(issue), issue.issue_id
    for attached in body.attachments:
        record = rendering.attachment(site, attached)
        record |= {"sha256": attached.content.sha256(), "media_uuid": attached.media_uuid}
        yield line("attachment", attached.attachment_id, record)
    for link in site.links_of_issue(number):
        if link.source_id == number:
            ends = {"source_id": str(link.source_id), "destination_id": str(link.destination_id)}
            kind = site.link_types[link.type_id].name
            yield line("issue_link", link.link_id, {"type": kind, "type_id": link.type_id, **ends})
    for remote in body.remote_links:
        yield line("remote_link", remote.link_id, rendering.remote_link(number, remote))
    for account_id in issue.watchers:
        yield line("watcher", f"{number}/{account_id}", {"accountId": account_id})
    for account_id in issue.voters:
        yield line("vote", f"{number}/{account_id}", {"accountId": account_id})
    for key, value in body.properties.items():
        yield line("issue_property", f"{number}/{key}", {"key": key, "value": value})
