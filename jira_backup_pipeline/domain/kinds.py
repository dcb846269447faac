"""THE catalogue: every kind of Jira thing the product knows, in one table that drives everything else.

What belongs here: for each kind its level, where Jira lists it, how that list is paged, its parent, the typed columns
of its table, how a restore recognises what it already created, and whether REST can bring it back or why not. Capture
order and restore order are the order of this table; README's coverage table is made from it.

What stays out: code that talks to Jira (`jira.reader`), Arrow types (`repository.tables`) and the extraction of a
column's value (`domain.records`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Level(StrEnum):
    """What a kind hangs on; site kinds are captured in the site scope, the other two in a project's scope."""

    SITE = "site"
    PROJECT = "project"
    ISSUE = "issue"


class Paging(StrEnum):
    """How Jira hands out a list."""

    SINGLE = "single"
    ARRAY = "array"
    OFFSET = "offset"
    START_ONLY = "start only"
    CURSOR = "cursor"
    LINKS = "links"
    INLINE = "inline"


class Recognition(StrEnum):
    """How a restore knows a thing that it already made, so that a crash never makes a second copy."""

    ORIGIN_MARK = "origin mark"
    NATURAL_KEY = "natural key"
    LIST_AND_MATCH = "list and match"
    NEVER = "never created"


class ColumnType(StrEnum):
    """The value type of a table column, in words that do not depend on a file library."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DATE = "date"
    STRINGS = "strings"


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column: `path` walks the decoded record; for STRINGS the last step is taken of every list member."""

    name: str
    type: ColumnType
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Where Jira lists a kind.

    `path` may hold `{project_id}`, `{issue_id}` or `{parent_id}` (an id of the kind named by `parent`); `items` names
    the member that holds the list ("" where the answer itself is the list or the one record).
    """

    path: str
    paging: Paging
    items: str = ""
    query: tuple[tuple[str, str], ...] = ()
    page_size: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of Jira thing. `id_path` is where its id lies in the decoded record."""

    name: str
    table: str
    level: Level
    listing: Listing
    columns: tuple[Column, ...]
    recognition: Recognition
    title: str
    parent: str | None = None
    id_path: tuple[str, ...] = ("id",)
    is_restorable: bool = True
    restore_note: str = ""


def _text(name: str, *path: str) -> Column:
    return Column(name, ColumnType.STRING, path or (name,))


def _count(name: str, *path: str) -> Column:
    return Column(name, ColumnType.INTEGER, path or (name,))


def _flag(name: str, *path: str) -> Column:
    return Column(name, ColumnType.BOOLEAN, path or (name,))


def _instant(name: str, *path: str) -> Column:
    return Column(name, ColumnType.INSTANT, path or (name,))


def _date(name: str, *path: str) -> Column:
    return Column(name, ColumnType.DATE, path or (name,))


def _texts(name: str, *path: str) -> Column:
    return Column(name, ColumnType.STRINGS, path or (name,))


_AUTHORS = (
    _text("author_id", "author", "accountId"),
    _text("author", "author", "displayName"),
)
_COMMENT_COLUMNS = (
    *_AUTHORS,
    _text("update_author_id", "updateAuthor", "accountId"),
    _instant("created"),
    _instant("updated"),
    _text("visibility_type", "visibility", "type"),
    _text("visibility", "visibility", "value"),
)

_SITE_KINDS = (
    Kind(
        name="field",
        table="fields",
        title="field definitions",
        level=Level.SITE,
        listing=Listing("/rest/api/3/field", Paging.ARRAY),
        columns=(
            _text("key"),
            _text("name"),
            _flag("is_custom", "custom"),
            _text("type", "schema", "type"),
            _text("custom_type", "schema", "custom"),
            _text("project_id", "scope", "project", "id"),
        ),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name and type; contexts and options are not rebuilt yet",
    ),
    Kind(
        name="issue_type",
        table="issue_types",
        title="issue types",
        level=Level.SITE,
        listing=Listing("/rest/api/3/issuetype", Paging.ARRAY),
        columns=(
            _text("name"),
            _flag("is_subtask", "subtask"),
            _count("hierarchy_level", "hierarchyLevel"),
            _text("project_id", "scope", "project", "id"),
        ),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name; missing types are named in the plan",
    ),
    Kind(
        name="status",
        table="statuses",
        title="statuses",
        level=Level.SITE,
        listing=Listing("/rest/api/3/statuses/search", Paging.OFFSET, "values", page_size=200),
        columns=(
            _text("name"),
            _text("category", "statusCategory"),
            _text("project_id", "scope", "project", "id"),
        ),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name; reached through its workflow's transitions",
    ),
    Kind(
        name="priority",
        table="priorities",
        title="priorities",
        level=Level.SITE,
        listing=Listing("/rest/api/3/priority/search", Paging.OFFSET, "values", page_size=50),
        columns=(_text("name"), _flag("is_default", "isDefault")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="resolution",
        table="resolutions",
        title="resolutions",
        level=Level.SITE,
        listing=Listing("/rest/api/3/resolution/search", Paging.OFFSET, "values", page_size=50),
        columns=(_text("name"), _flag("is_default", "isDefault")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="link_type",
        table="link_types",
        title="issue link types",
        level=Level.SITE,
        listing=Listing("/rest/api/3/issueLinkType", Paging.ARRAY, "issueLinkTypes"),
        columns=(_text("name"), _text("inward"), _text("outward")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="role",
        table="roles",
        title="role definitions",
        level=Level.SITE,
        listing=Listing("/rest/api/3/role", Paging.ARRAY),
        columns=(_text("name"), _text("description")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="person",
        table="people",
        title="people",
        level=Level.SITE,
        listing=Listing("/rest/api/3/users/search", Paging.START_ONLY, page_size=1000),
        columns=(
            _text("display_name", "displayName"),
            _text("email", "emailAddress"),
            _text("account_type", "accountType"),
            _flag("is_active", "active"),
        ),
        recognition=Recognition.NEVER,
        id_path=("accountId",),
        is_restorable=False,
        restore_note="accounts belong to Atlassian; people are mapped by account id",
    ),
)

_PROJECT_KINDS = (
    Kind(
        name="project",
        table="projects",
        title="projects with their settings",
        level=Level.PROJECT,
        listing=Listing(
            "/rest/api/3/project/{project_id}",
            Paging.SINGLE,
            query=(("expand", "description,lead,issueTypes,url,projectKeys,permissions,insight"),),
        ),
        columns=(
            _text("key"),
            _text("name"),
            _text("type", "projectTypeKey"),
            _text("style"),
            _text("lead_id", "lead", "accountId"),
            _flag("is_archived", "archived"),
        ),
        recognition=Recognition.NATURAL_KEY,
        restore_note="as a company-managed project; its id changes",
    ),
    Kind(
        name="component",
        table="components",
        title="components",
        level=Level.PROJECT,
        listing=Listing("/rest/api/3/project/{project_id}/component", Paging.OFFSET, "values", page_size=100),
        columns=(
            _text("name"),
            _text("description"),
            _text("lead_id", "lead", "accountId"),
            _text("assignee_type", "assigneeType"),
        ),
        parent="project",
        recognition=Recognition.NATURAL_KEY,
    ),
    Kind(
        name="version",
        table="versions",
        title="versions",
        level=Level.PROJECT,
        listing=Listing(
            "/rest/api/3/project/{project_id}/version",
            Paging.OFFSET,
            "values",
            query=(("orderBy", "sequence"),),
            page_size=100,
        ),
        columns=(
            _text("name"),
            _text("description"),
            _flag("is_archived", "archived"),
            _flag("is_released", "released"),
            _date("start_date", "startDate"),
            _date("release_date", "releaseDate"),
        ),
        parent="project",
        recognition=Recognition.NATURAL_KEY,
    ),
    Kind(
        name="role_actors",
        table="role_actors",
        title="project roles and their actors",
        level=Level.PROJECT,
        listing=Listing("/rest/api/3/project/{project_id}/role", Paging.LINKS),
        columns=(
            _text("name"),
            _texts("people", "actors", "actorUser", "accountId"),
            _texts("groups", "actors", "actorGroup", "groupId"),
        ),
        parent="project",
        recognition=Recognition.NATURAL_KEY,
        restore_note="actors that exist on the target; app actors come with their app",
    ),
)

_ISSUE_KINDS = (
    Kind(
        name="issue",
        table="issues",
        title="issues with every field",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/bulkfetch", Paging.CURSOR, "issues", page_size=100),
        columns=(
            _text("key"),
            _text("project_id", "fields", "project", "id"),
            _text("project_key", "fields", "project", "key"),
            _text("summary", "fields", "summary"),
            _text("issue_type", "fields", "issuetype", "name"),
            _text("issue_type_id", "fields", "issuetype", "id"),
            _count("hierarchy_level", "fields", "issuetype", "hierarchyLevel"),
            _text("status", "fields", "status", "name"),
            _text("status_id", "fields", "status", "id"),
            _text("status_category", "fields", "status", "statusCategory", "key"),
            _text("priority", "fields", "priority", "name"),
            _text("resolution", "fields", "resolution", "name"),
            _text("assignee_id", "fields", "assignee", "accountId"),
            _text("assignee", "fields", "assignee", "displayName"),
            _text("reporter_id", "fields", "reporter", "accountId"),
            _text("reporter", "fields", "reporter", "displayName"),
            _text("creator_id", "fields", "creator", "accountId"),
            _instant("created", "fields", "created"),
            _instant("updated", "fields", "updated"),
            _instant("resolved", "fields", "resolutiondate"),
            _date("due_date", "fields", "duedate"),
            _texts("labels", "fields", "labels"),
            _texts("components", "fields", "components", "name"),
            _texts("fix_versions", "fields", "fixVersions", "name"),
            _texts("affected_versions", "fields", "versions", "name"),
            _text("parent_id", "fields", "parent", "id"),
            _text("parent_key", "fields", "parent", "key"),
            _text("security_level", "fields", "security", "name"),
            _count("time_spent_seconds", "fields", "timespent"),
            _count("original_estimate_seconds", "fields", "timeoriginalestimate"),
            _count("votes", "fields", "votes", "votes"),
            _count("watches", "fields", "watches", "watchCount"),
            _count("comment_total", "fields", "comment", "total"),
            _count("worklog_total", "fields", "worklog", "total"),
        ),
        parent="project",
        recognition=Recognition.ORIGIN_MARK,
        restore_note="key, id, creator and dates are new; the originals are kept as provenance",
    ),
    Kind(
        name="comment",
        table="comments",
        title="comments",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/{issue_id}/comment", Paging.OFFSET, "comments", page_size=5000),
        columns=_COMMENT_COLUMNS,
        parent="issue",
        recognition=Recognition.ORIGIN_MARK,
        restore_note="author and date become those of the restore; the originals are kept as provenance",
    ),
    Kind(
        name="worklog",
        table="worklogs",
        title="worklogs",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/{issue_id}/worklog", Paging.OFFSET, "worklogs", page_size=5000),
        columns=(
            *_COMMENT_COLUMNS,
            _instant("started"),
            _count("time_spent_seconds", "timeSpentSeconds"),
        ),
        parent="issue",
        recognition=Recognition.ORIGIN_MARK,
        restore_note="author becomes the restoring account; the start is kept",
    ),
    Kind(
        name="changelog",
        table="changelog",
        title="full history",
        level=Level.ISSUE,
        listing=Listing(
            "/rest/api/3/changelog/bulkfetch", Paging.CURSOR, "issueChangeLogs", page_size=10_000
        ),
        columns=(
            *_AUTHORS,
            _instant("created"),
            _texts("fields", "items", "field"),
            _texts("field_ids", "items", "fieldId"),
            _texts("from_values", "items", "fromString"),
            _texts("to_values", "items", "toString"),
        ),
        parent="issue",
        recognition=Recognition.NEVER,
        is_restorable=False,
        restore_note="no REST call writes history; it stays in the snapshot, readable with SQL",
    ),
    Kind(
        name="attachment",
        table="attachments",
        title="attachments with their bytes",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/bulkfetch", Paging.INLINE, "attachment"),
        columns=(
            _text("filename"),
            *_AUTHORS,
            _instant("created"),
            _count("size_bytes", "size"),
            _text("mime_type", "mimeType"),
        ),
        parent="issue",
        recognition=Recognition.LIST_AND_MATCH,
        restore_note="uploader and date become those of the restore; images in text follow the new files",
    ),
    Kind(
        name="issue_link",
        table="issue_links",
        title="issue links",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/bulkfetch", Paging.INLINE, "issuelinks"),
        columns=(
            _text("type", "type", "name"),
            _text("inward_issue_id", "inwardIssue", "id"),
            _text("inward_issue_key", "inwardIssue", "key"),
            _text("outward_issue_id", "outwardIssue", "id"),
            _text("outward_issue_key", "outwardIssue", "key"),
        ),
        parent="issue",
        recognition=Recognition.NATURAL_KEY,
    ),
    Kind(
        name="remote_link",
        table="remote_links",
        title="remote links",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/{issue_id}/remotelink", Paging.ARRAY),
        columns=(
            _text("global_id", "globalId"),
            _text("relationship"),
            _text("url", "object", "url"),
            _text("title", "object", "title"),
        ),
        parent="issue",
        recognition=Recognition.NATURAL_KEY,
    ),
    Kind(
        name="watcher",
        table="watchers",
        title="watchers",
        level=Level.ISSUE,
        listing=Listing("/rest/api/3/issue/{issue_id}/watchers", Paging.ARRAY, "watchers"),
        columns=(_text("account_id", "accountId"), _text("display_name", "displayName")),
        parent="issue",
        recognition=Recognition.NATURAL_KEY,
        id_path=("accountId",),
        restore_note="people who are active on the target",
    ),
)

KINDS: tuple[Kind, ...] = (*_SITE_KINDS, *_PROJECT_KINDS, *_ISSUE_KINDS)
BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in KINDS})
BY_TABLE: Mapping[str, Kind] = MappingProxyType({kind.table: kind for kind in KINDS})


def kinds_at(*levels: Level) -> tuple[Kind, ...]:
    """Give the kinds of these levels in catalogue order, which is also capture and restore order."""
    return tuple(kind for kind in KINDS if kind.level in levels)
