"""A site of recorded answers: the exact texts that a real Jira Cloud once gave, served again.

What belongs here: reading ``all_streams.jsonl`` (one ``{stream, data, emitted_at}`` a line) into a site. What
was not recorded (roles, a workflow, the account that reads) is filled in plainly.

What stays out: serving the texts (``rendering``, ``reference_rendering``) and dropping one once its issue has
changed (``changes.begin``).
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from jira_backup_pipeline.sandbox.clock import parse_iso
from jira_backup_pipeline.sandbox.http import Json, JsonObject, decode
from jira_backup_pipeline.sandbox.model import (
    Account,
    Board,
    Field,
    Group,
    History,
    Issue,
    IssueBody,
    IssueLink,
    IssueType,
    LinkType,
    Named,
    Project,
    Sprint,
    Status,
    Transition,
    Version,
    Workflow,
)
from jira_backup_pipeline.sandbox.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from jira_backup_pipeline.sandbox.settings import Settings

STREAMS_FILE = "all_streams.jsonl"
_KINDS = {
    "datetime": "datetime",
    "date": "datepicker",
    "number": "float",
    "user": "userpicker",
    "priority": "priority",
    "resolution": "resolution",
    "string": "textfield",
    "option": "select",
    "version": "version",
}
_COMPUTED = frozenset(
    [
        "issuetype",
        "parent",
        "project",
        "status",
        "statusCategory",
        "created",
        "updated",
        "creator",
        "labels",
        "issuelinks",
        "subtasks",
        "attachment",
        "comment",
        "worklog",
        "watches",
        "votes",
        "lastViewed",
        "security",
        "timespent",
        "timeestimate",
        "timeoriginalestimate",
        "aggregatetimespent",
        "aggregatetimeoriginalestimate",
        "aggregatetimeestimate",
        "timetracking",
        "progress",
        "aggregateprogress",
        "workratio",
    ]
)


class RecordingProblem(Exception):
    """A folder that holds no usable recording; the text says what to do."""


class _Line(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _IssueText(msgspec.Struct):
    id: str
    key: str
    fields: dict[str, msgspec.Raw]
    changelog: JsonObject | None = None


@dataclass(slots=True)
class _Recording:
    """The recorded texts by stream."""

    streams: dict[str, list[bytes]] = field(default_factory=dict)

    def of(self, stream: str) -> list[tuple[bytes, JsonObject]]:
        """The texts of a stream with their values."""
        return [(text, decode(text)) for text in self.streams.get(stream, [])]


def _read(folder: Path) -> _Recording:
    path = folder / STREAMS_FILE
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise RecordingProblem(
            f"cannot read the recording {path.name}: {error.strerror}\n"
            f"HINT: Give --load the folder that holds {STREAMS_FILE}."
        ) from error
    recording = _Recording()
    for number, line in enumerate(lines, start=1):
        try:
            entry = msgspec.json.decode(line, type=_Line)
        except msgspec.MsgspecError as error:
            raise RecordingProblem(
                f"line {number} of {path.name} is no recorded answer: {error}\n"
                "HINT: Each line is an object with 'stream' and 'data'."
            ) from error
        recording.streams.setdefault(entry.stream, []).append(bytes(entry.data))
    if not recording.streams.get("projects"):
        raise RecordingProblem(
            f"{path.name} holds no project\nHINT: A recording needs the stream 'projects'."
        )
    return recording


def load_site(folder: Path, *, settings: Settings | None = None) -> Site:
    """A site of a recording; ``RecordingProblem`` when there is none."""
    recording = _read(folder)
    site = Site(seed=1, settings=settings)
    site.cloud_id = str(uuid.UUID(int=random.Random("recorded").getrandbits(128), version=4))
    _people(site, recording)
    _configuration(site, recording)
    _projects(site, recording)
    _issues(site, recording)
    return site


def _people(site: Site, recording: _Recording) -> None:
    reader = Account("recorded-backup-operator", "Backup Operator", "backup.operator@example.invalid")
    site.accounts[reader.account_id] = reader
    site.backup_account_id = reader.account_id
    for text, value in recording.of("users"):
        account = Account(
            value["accountId"],
            value.get("displayName", ""),
            value.get("emailAddress", ""),
            value.get("active", True),
            value.get("timeZone", "Etc/UTC"),
            value.get("accountType", "atlassian"),
            raw=text,
        )
        site.accounts[account.account_id] = account
    group = Group(str(uuid.UUID(int=1, version=4)), "jira-administrators", [reader.account_id])
    site.groups[group.group_id] = group


def _configuration(site: Site, recording: _Recording) -> None:
    for text, value in recording.of("issue_fields"):
        field_id = value["id"]
        schema = value.get("schema") or {}
        kind = "computed" if field_id in _COMPUTED or field_id == "issuekey" else _kind(schema)
        site.fields[field_id] = Field(
            field_id,
            value["name"],
            kind,
            schema,
            tuple(value.get("clauseNames") or ()),
            navigable=value.get("navigable", True),
            orderable=value.get("orderable", True),
            searchable=value.get("searchable", True),
            custom=value.get("custom", False),
            raw=text,
        )
        if field_id.startswith("customfield_"):
            site.reserve_ids("customfield", int(field_id.removeprefix("customfield_")))
    for text, value in recording.of("workflow_statuses"):
        category = value["statusCategory"]["key"]
        site.statuses[value["id"]] = Status(
            value["id"], value["name"], category, value.get("description", ""), raw=text
        )
    for _, value in [*recording.of("issues"), *recording.of("epics")]:
        _reference_values(site, value["fields"])
    site.issue_types.setdefault("10000", IssueType("10000", "Epic", 1, "", 10307))
    site.resolutions["10000"] = Named("10000", "Done", "Work has been completed on this issue.")
    site.roles["10002"] = Named("10002", "Administrators")
    steps = [Transition(str(11 + 10 * n), s.name, s.status_id) for n, s in enumerate(site.statuses.values())]
    workflow = Workflow("Recorded workflow", list(site.statuses), steps, str(uuid.UUID(int=2, version=4)))
    site.workflows[workflow.name] = workflow


def _kind(schema: JsonObject) -> str:
    custom = str(schema.get("custom", "")).rpartition(":")[2]
    if schema.get("system") in {"description", "environment"} or custom == "textarea":
        return "textarea"
    if custom == "gh-sprint":
        return "sprint"
    if custom == "gh-lexo-rank":
        return "rank"
    if schema.get("type") == "array":
        kinds = {
            "version": "multiversion",
            "component": "components",
            "user": "multiuserpicker",
            "option": "multiselect",
        }
        return kinds.get(str(schema.get("items")), "anything")
    return _KINDS.get(str(schema.get("type")), "anything")


def _reference_values(site: Site, fields: JsonObject) -> None:
    kind = fields.get("issuetype")
    if kind:
        level = kind.get("hierarchyLevel", -1 if kind.get("subtask") else 0)
        site.issue_types[kind["id"]] = IssueType(
            kind["id"], kind["name"], level, kind.get("description", ""), kind.get("avatarId", 10300)
        )
    priority = fields.get("priority")
    if priority:
        site.priorities[priority["id"]] = Named(priority["id"], priority["name"])
    status = fields.get("status")
    if status and status["id"] not in site.statuses:
        site.statuses[status["id"]] = Status(status["id"], status["name"], status["statusCategory"]["key"])
    for link in fields.get("issuelinks") or []:
        kind = link["type"]
        site.link_types[kind["id"]] = LinkType(kind["id"], kind["name"], kind["inward"], kind["outward"])


def _projects(site: Site, recording: _Recording) -> None:
    for text, value in recording.of("projects"):
        project = Project(int(value["id"]), value["key"], value["name"], site.backup_account_id, raw=text)
        project.description = value.get("description", "")
        project.type_key = value.get("projectTypeKey", "software")
        project.issue_types = list(site.issue_types)
        project.workflows = {"default": next(iter(site.workflows))}
        site.projects[project.project_id] = project
        site.reserve_ids("project", project.project_id)
        site.add_role_actors(project, "10002", [site.backup_account_id], [])
    first = next(iter(site.projects))
    for text, value in recording.of("project_versions"):
        version = Version(int(value["id"]), int(value.get("projectId", first)), value["name"], raw=text)
        version.description = value.get("description", "")
        version.archived, version.released = value.get("archived", False), value.get("released", False)
        version.release_date, version.start_date = value.get("releaseDate"), value.get("startDate")
        site.versions[version.version_id] = version
        site.reserve_ids("version", version.version_id)
    for text, value in recording.of("boards"):
        home = int(value.get("projectId") or first)
        site.boards[value["id"]] = Board(value["id"], value["name"], value["type"], home, raw=text)
        site.reserve_ids("board", value["id"])
    for text, value in recording.of("sprints"):
        sprint = Sprint(value["id"], value.get("originBoardId", 0), value["name"], value["state"], raw=text)
        site.sprints[sprint.sprint_id] = sprint
        site.reserve_ids("sprint", sprint.sprint_id)


def _issues(site: Site, recording: _Recording) -> None:
    links: list[tuple[int, JsonObject]] = []
    for text in [*recording.streams.get("epics", []), *recording.streams.get("issues", [])]:
        value = msgspec.json.decode(text, type=_IssueText)
        fields = {name: decode(bytes(raw)) for name, raw in value.fields.items()}
        issue = _issue(site, value, fields)
        body = IssueBody(
            {
                "summary": fields.get("summary") or "",
                "description": fields.get("description"),
                "priority": (fields.get("priority") or {}).get("id"),
                "assignee": (fields.get("assignee") or {}).get("accountId"),
                "creator": (fields.get("creator") or {}).get("accountId"),
            },
            raw_fields={name: bytes(raw) for name, raw in value.fields.items()},
            raw_issue=text,
        )
        body.histories = [_history(entry) for entry in (value.changelog or {}).get("histories", [])]
        for entry in body.histories:
            site.reserve_ids("history", entry.history_id)
        issue.body = body
        site.issues.add(issue)
        site.reserve_ids("issue", issue.issue_id)
        links.extend((issue.issue_id, link) for link in fields.get("issuelinks") or [])
    for issue_id, link in links:
        _link(site, issue_id, link)


def _issue(site: Site, value: _IssueText, fields: JsonObject) -> Issue:
    prefix, _, number = value.key.rpartition("-")
    project = site.find_project(prefix) or next(iter(site.projects.values()))
    updated = parse_iso(fields["updated"])
    created = parse_iso(fields["created"]) if fields.get("created") else updated
    project.issue_count = max(project.issue_count, int(number))
    type_id = (fields.get("issuetype") or {}).get("id", "10000")
    status_id = (fields.get("status") or {}).get("id") or next(iter(site.statuses))
    issue = Issue(int(value.id), project.project_id, int(number), type_id, status_id, created, updated)
    issue.labels = list(fields.get("labels") or [])
    return issue


def _history(entry: JsonObject) -> History:
    author = (entry.get("author") or {}).get("accountId")
    return History(
        int(entry["id"]), author, parse_iso(entry["created"]), entry["items"], raw=msgspec.json.encode(entry)
    )


def _link(site: Site, issue_id: int, link: JsonObject) -> None:
    link_id = int(link["id"])
    other: dict[str, Json] = link.get("outwardIssue") or link["inwardIssue"]
    ends = (issue_id, int(other["id"])) if "outwardIssue" in link else (int(other["id"]), issue_id)
    if link_id in site.links or any(end not in site.issues.by_id for end in ends):
        return
    site.links[link_id] = IssueLink(link_id, link["type"]["id"], ends[0], ends[1])
    site.reserve_ids("link", link_id)
    for end in ends:
        site.links_of.setdefault(end, []).append(link_id)
