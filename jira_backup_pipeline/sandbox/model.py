"""The nouns of a site as mutable records: what is stored, in internal form.

What belongs here: fields and their defaults, times in epoch milliseconds, references by id, and bytes of
files that are made anew from a seed.

What stays out: Jira's JSON (``rendering``, ``reference_rendering``), rules of change (``changes``,
``creation``), and finding one noun from another (``site``).
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.http import Json, JsonObject


@dataclass(slots=True)
class Account:
    """A person or an app account."""

    account_id: str
    display_name: str
    email: str
    active: bool = True
    time_zone: str = "Etc/UTC"
    account_type: str = "atlassian"
    locale: str = "en_US"
    properties: dict[str, Json] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(slots=True)
class Token:
    """An API token; a scoped one works on the gateway address only."""

    secret: str
    account_id: str
    expires_at_ms: int | None = None
    scoped: bool = False


@dataclass(slots=True)
class Group:
    """A group of accounts."""

    group_id: str
    name: str
    members: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Field:
    """A field definition; ``kind`` names its codec in ``values``, ``project_id`` the team-managed project it belongs to."""

    field_id: str
    name: str
    kind: str
    schema: JsonObject
    clause_names: tuple[str, ...] = ()
    navigable: bool = True
    orderable: bool = True
    searchable: bool = True
    custom: bool = False
    locked: bool = False
    description: str = ""
    searcher: str = ""
    raw: bytes | None = None
    project_id: int | None = None


@dataclass(slots=True)
class FieldOption:
    """An option of a select field; a cascading child has a parent, and no context means the field's first one."""

    option_id: int
    field_id: str
    value: str
    parent_id: int | None = None
    disabled: bool = False
    context_id: str = ""


@dataclass(slots=True)
class IssueType:
    """An issue type: level -1 is a sub-task, 0 the base, 1 an epic; a team-managed project has its own, with an entity id."""

    type_id: str
    name: str
    level: int
    description: str = ""
    avatar_id: int = 10300
    project_id: int | None = None
    entity_id: str = ""


@dataclass(slots=True)
class Status:
    """A status with its category key: new, indeterminate or done."""

    status_id: str
    name: str
    category: str
    description: str = ""
    project_id: int | None = None
    raw: bytes | None = None


@dataclass(slots=True)
class Named:
    """A thing that has an id, a name and a description: priority, resolution, role (also one of a team-managed project)."""

    item_id: str
    name: str
    description: str = ""
    color: str = ""
    project_id: int | None = None


@dataclass(slots=True)
class LinkType:
    """A kind of link between two issues."""

    type_id: str
    name: str
    inward: str
    outward: str


@dataclass(slots=True)
class Transition:
    """A step of a workflow; ``sources`` None means from every status. ``more`` is the rest of it in Jira's own form."""

    transition_id: str
    name: str
    target: str
    sources: tuple[str, ...] | None = None
    more: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Workflow:
    """Statuses in order (the first is the initial one) and the steps between them.

    ``layouts`` are the members of a status here, ``creation`` those of the first step, both in Jira's own form; ``version`` counts
    changes.
    """

    name: str
    statuses: list[str]
    transitions: list[Transition]
    entity_id: str = ""
    description: str = ""
    layouts: dict[str, JsonObject] = field(default_factory=dict)
    creation: JsonObject = field(default_factory=dict)
    version: int = 1
    project_id: int | None = None


@dataclass(slots=True)
class RoleActor:
    """A member of a project role: a user or a group."""

    actor_id: int
    account_id: str | None = None
    group_id: str | None = None


@dataclass(slots=True)
class Component:
    """A component of a project."""

    component_id: int
    project_id: int
    name: str
    description: str = ""
    lead: str | None = None
    assignee_type: str = "PROJECT_DEFAULT"


@dataclass(slots=True)
class Version:
    """A version of a project."""

    version_id: int
    project_id: int
    name: str
    description: str = ""
    archived: bool = False
    released: bool = False
    start_date: str | None = None
    release_date: str | None = None
    raw: bytes | None = None
    related_work: list[dict[str, str]] = field(default_factory=list)


class ProjectState(StrEnum):
    """Where a project is in its life."""

    LIVE = "live"
    ARCHIVED = "archived"
    DELETED = "deleted"


@dataclass(slots=True)
class Project:
    """A project with its settings; only a team-managed one has an entity id."""

    project_id: int
    key: str
    name: str
    lead: str
    description: str = ""
    type_key: str = "software"
    assignee_type: str = "UNASSIGNED"
    url: str = ""
    category_id: str | None = None
    state: ProjectState = ProjectState.LIVE
    old_keys: list[str] = field(default_factory=list)
    issue_types: list[str] = field(default_factory=list)
    workflows: dict[str, str] = field(default_factory=dict)
    roles: dict[str, list[RoleActor]] = field(default_factory=dict)
    properties: dict[str, Json] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    off_create_screen: set[str] = field(default_factory=set)
    required: set[str] = field(default_factory=set)
    hidden_from: set[str] = field(default_factory=set)
    issue_count: int = 0
    deleted_at_ms: int | None = None
    deleted_by: str | None = None
    email: str = ""
    raw: bytes | None = None
    entity_id: str = ""

    @property
    def is_team_managed(self) -> bool:
        """Whether its types, statuses, fields and roles are its own and it follows no scheme."""
        return bool(self.entity_id)


@dataclass(slots=True)
class Board:
    """A board of a project."""

    board_id: int
    name: str
    board_type: str
    project_id: int
    raw: bytes | None = None
    filter_id: int = 0
    properties: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Sprint:
    """A sprint of a board."""

    sprint_id: int
    board_id: int
    name: str
    state: str = "future"
    goal: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    complete_ms: int | None = None
    raw: bytes | None = None


@dataclass(slots=True)
class Visibility:
    """Who may read a comment or worklog: ``kind`` is role or group."""

    kind: str
    value: str
    identifier: str


@dataclass(slots=True)
class Comment:
    """A comment; the body is a document."""

    comment_id: int
    author: str
    body: JsonObject
    created_ms: int
    updated_ms: int
    update_author: str
    visibility: Visibility | None = None
    properties: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Worklog:
    """Time spent on an issue."""

    worklog_id: int
    author: str
    comment: JsonObject | None
    started_ms: int
    created_ms: int
    updated_ms: int
    seconds: int
    update_author: str
    visibility: Visibility | None = None
    properties: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """One entry of the change history; items are in Jira's own form. ``raw`` is a recorded entry's exact text."""

    history_id: int
    author: str | None
    created_ms: int
    items: list[JsonObject]
    metadata: JsonObject | None = None
    raw: bytes | None = None


@dataclass(slots=True)
class RemoteLink:
    """A link to something outside Jira."""

    link_id: int
    global_id: str | None
    target: JsonObject
    application: JsonObject = field(default_factory=dict)
    relationship: str | None = None


@dataclass(slots=True)
class FileContent:
    """Bytes of an attachment: uploaded, or made anew from a seed each time they are read."""

    size: int
    seed: int = 0
    data: bytes | None = None
    text_like: bool = False
    kept: Callable[[], bytes] | None = None

    def read(self) -> bytes:
        """All the bytes."""
        if self.data is not None:
            return self.data
        if self.kept is not None:
            return self.kept()
        source = random.Random(self.seed)
        if self.text_like:
            words = [source.randbytes(4).hex() for _ in range(64)]
            line = (" ".join(source.choices(words, k=256)) + "\n").encode()
            return (line * (self.size // len(line) + 1))[: self.size]
        return source.randbytes(self.size)

    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return hashlib.sha256(self.read()).hexdigest()


@dataclass(slots=True)
class Attachment:
    """A file on an issue."""

    attachment_id: int
    issue_id: int
    filename: str
    author: str
    created_ms: int
    mime_type: str
    media_uuid: str
    content: FileContent


@dataclass(slots=True)
class IssueLink:
    """A link between issues: ``source`` is the document's inwardIssue ("source blocks destination")."""

    link_id: int
    type_id: str
    source_id: int
    destination_id: int


@dataclass(slots=True)
class IssueBody:
    """The heavy part of an issue; made on demand for seeded issues, pinned once it has been changed."""

    values: dict[str, Json]
    comments: list[Comment] = field(default_factory=list)
    worklogs: list[Worklog] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    remote_links: list[RemoteLink] = field(default_factory=list)
    properties: dict[str, Json] = field(default_factory=dict)
    raw_fields: dict[str, bytes] = field(default_factory=dict)
    raw_issue: bytes | None = None


@dataclass(slots=True)
class Issue:
    """The light part of an issue, always in memory: what search and links need."""

    issue_id: int
    project_id: int
    number: int
    type_id: str
    status_id: str
    created_ms: int
    updated_ms: int
    parent_id: int | None = None
    labels: list[str] = field(default_factory=list)
    watchers: list[str] = field(default_factory=list)
    voters: list[str] = field(default_factory=list)
    body: IssueBody | None = None


@dataclass(slots=True)
class Task:
    """An asynchronous operation; ``subject`` names what no second one may touch while it runs."""

    task_id: str
    account_id: str
    created_ms: int
    total: int
    processed: list[int] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)
    invalid: int = 0
    polls_left: int = 0
    subject: str = ""
