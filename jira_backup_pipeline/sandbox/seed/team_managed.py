"""Team-managed projects: each with its own types, statuses, workflow, fields and roles, and a few issues that use them.

What belongs here: what is the project's own, named so that some of it has a namesake of the whole site and some has none.
They are made last and only when asked for: whatever else a site has is the same without them.

What stays out: company-managed projects (``plan``), and that such projects follow no schemes (``setup``).
"""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.clock import DAY_MS
from jira_backup_pipeline.sandbox.model import (
    Board,
    Comment,
    Field,
    FieldOption,
    Issue,
    IssueBody,
    IssueLink,
    IssueType,
    Named,
    Project,
    Status,
    Transition,
    Workflow,
)
from jira_backup_pipeline.sandbox.seed import prose
from jira_backup_pipeline.sandbox.seed.plan import FIRST_MS

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.site import Site

ISSUES = 14
_TYPES_PREFIX = "com.atlassian.jira.plugin.system.customfieldtypes:"
# "Epic", "Task" have namesakes of the whole site.
_TYPES = (("Epic", 1), ("Task", 0), ("Request", 0), ("Subtask", -1))
_STATUSES = (
    ("To Do", "new"),
    ("In Progress", "indeterminate"),
    ("Waiting", "indeterminate"),
    ("Done", "done"),
)
# Name, kind, schema type, custom type, searcher: "Severity" is a field of the whole site as well, with other options.
_FIELDS = (
    ("Severity", "select", "option", "select", "multiselectsearcher"),
    ("Effort", "float", "number", "float", "exactnumber"),
    ("Client", "textfield", "string", "textfield", "textsearcher"),
)
_SEVERITIES = ("Painful", "Annoying", "Harmless")
_ROLES = ("Administrator", "Member", "Viewer")
# What such a project shows of the custom fields of the whole site.
_SHARED_FIELDS = frozenset({"Start date", "Sprint", "Rank", "Story point estimate", "Flagged", "Team"})


def add_team_managed(site: Site, count: int) -> None:
    """Make so many team-managed projects."""
    for position in range(count):
        source = random.Random(f"team-managed/{site.seed}/{position}")
        project = _project(site, f"TM{position + 1}", source)
        fields = _own_fields(site, project)
        board = Board(site.next_id("board"), f"{project.key} board", "simple", project.project_id)
        board.filter_id = site.next_id("filter")
        site.boards[board.board_id] = board
        _issues(site, project, fields, source)


def _project(site: Site, key: str, source: random.Random) -> Project:
    people = [account_id for account_id, found in site.accounts.items() if found.active]
    project = Project(site.next_id("project"), key, f"Team of {key}", people[1])
    number = project.project_id
    project.entity_id = _uuid(source)
    project.description = prose.paragraph(source)
    project.features = {"jsw.agility.board": "ENABLED", "jsw.agility.backlog": "DISABLED"}
    project.properties = {"sandbox.team": {"size": 5}}
    project.off_create_screen = {
        item.field_id
        for item in site.fields.values()
        if item.custom and item.project_id is None and item.name not in _SHARED_FIELDS
    }
    statuses = [
        Status(str(site.next_id("status")), name, category, "", number) for name, category in _STATUSES
    ]
    site.statuses.update({item.status_id: item for item in statuses})
    for name, level in _TYPES:
        made = IssueType(
            str(site.next_id("issuetype")), name, level, "", project_id=number, entity_id=_uuid(source)
        )
        site.issue_types[made.type_id] = made
        project.issue_types.append(made.type_id)
    steps = [
        Transition(str(11 + 10 * place), item.name, item.status_id) for place, item in enumerate(statuses)
    ]
    workflow = Workflow(
        f"Software Simplified Workflow for Project {key}",
        [item.status_id for item in statuses],
        steps,
        _uuid(source),
        project_id=number,
    )
    site.workflows[workflow.name] = workflow
    project.workflows = {"default": workflow.name}
    site.projects[number] = project
    for name in _ROLES:
        role = Named(str(site.next_id("role")), name, f"{name} of {key}", project_id=number)
        site.roles[role.item_id] = role
        site.add_role_actors(project, role.item_id, [site.backup_account_id, *people[1:3]], [])
    return project


def _own_fields(site: Site, project: Project) -> dict[str, Field]:
    made: dict[str, Field] = {}
    for name, kind, schema_type, custom, searcher in _FIELDS:
        number = site.next_id("customfield")
        schema: JsonObject = {"type": schema_type, "custom": _TYPES_PREFIX + custom, "customId": number}
        made[name] = Field(
            f"customfield_{number}",
            name,
            kind,
            schema,
            (f"cf[{number}]", f"{name}[{custom}]"),
            custom=True,
            searcher=_TYPES_PREFIX + searcher,
            project_id=project.project_id,
        )
        site.fields[made[name].field_id] = made[name]
    for value in _SEVERITIES:
        option = FieldOption(site.next_id("option"), made["Severity"].field_id, value)
        site.options[option.option_id] = option
    return made


def _issues(site: Site, project: Project, fields: dict[str, Field], source: random.Random) -> None:
    epic, task, request, subtask = project.issue_types
    workflow = site.workflows[project.workflows["default"]]
    kinds = [
        epic,
        task,
        request,
        subtask,
        task,
        request,
        task,
        subtask,
        epic,
        task,
        request,
        task,
        task,
        task,
    ]
    made: list[Issue] = []
    for number, type_id in enumerate(kinds[:ISSUES], 1):
        at = FIRST_MS + number * DAY_MS
        status_id = workflow.statuses[(number - 1) % len(workflow.statuses)]
        issue = Issue(
            site.next_id("issue"), project.project_id, number, type_id, status_id, at, at + 3_600_000
        )
        level = site.issue_types[type_id].level
        above = [item for item in made if site.issue_types[item.type_id].level == level + 1]
        if above and (level < 0 or number % 3):
            issue.parent_id = above[-1].issue_id
        issue.body = IssueBody(_values(site, issue, fields, source))
        issue.labels = ["team"] if number % 4 == 0 else []
        issue.watchers = [site.backup_account_id]
        site.issues.add(issue)
        made.append(issue)
        _comment(site, issue, source)
    project.issue_count = len(made)
    link = IssueLink(site.next_id("link"), next(iter(site.link_types)), made[1].issue_id, made[4].issue_id)
    site.links[link.link_id] = link
    for end in (link.source_id, link.destination_id):
        site.links_of.setdefault(end, []).append(link.link_id)


def _values(site: Site, issue: Issue, fields: dict[str, Field], source: random.Random) -> dict[str, Json]:
    people = [account_id for account_id, found in site.accounts.items() if found.active]
    options = site.options_of(fields["Severity"].field_id)
    values: dict[str, Json] = {
        "summary": prose.phrase(source, 4, 8),
        "priority": list(site.priorities)[issue.number % len(site.priorities)],
        "reporter": people[1],
        "creator": people[1],
        "assignee": people[2] if issue.number % 2 else None,
        "statuscategorychangedate": issue.updated_ms,
        "description": _document(prose.sentence(source)),
        fields["Effort"].field_id: issue.number * 1.5,
        fields["Client"].field_id: f"Client {issue.number}",
    }
    if site.statuses[issue.status_id].category == "done":
        values |= {"resolution": next(iter(site.resolutions)), "resolutiondate": issue.updated_ms}
    if issue.number % 3:
        values[fields["Severity"].field_id] = options[issue.number % len(options)].option_id
    rank = next((item.field_id for item in site.fields.values() if item.kind == "rank"), None)
    return values | ({rank: f"0|t{issue.issue_id:06x}:"} if rank is not None else {})


def _comment(site: Site, issue: Issue, source: random.Random) -> None:
    if issue.body is None or issue.number % 2 == 0:
        return
    comment_id, author = site.next_id("comment"), site.backup_account_id
    text = _document(prose.sentence(source))
    issue.body.comments.append(Comment(comment_id, author, text, issue.updated_ms, issue.updated_ms, author))
    site.issues.comments.later[comment_id] = issue.issue_id


def _document(text: str) -> JsonObject:
    paragraph: JsonObject = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"version": 1, "type": "doc", "content": [paragraph]}


def _uuid(source: random.Random) -> str:
    return str(uuid.UUID(int=source.getrandbits(128), version=4))
