"""The target as it is now: site, project, people, and which issues of the snapshot are already there.

What belongs here: the reading, and frozen values of what was read. Nothing here writes.

What stays out: what corresponds to what (`matching`) and what follows from it (`plan`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    NotFound,
    UnexpectedAnswer,
    WriteRefused,
)
from jira_backup_pipeline.domain.references import site_base
from jira_backup_pipeline.domain.times import parse_instant, to_epoch_ms
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.team_managed import is_team_managed, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.calls import Calls

ORIGIN_PROPERTY = "jira-backup.origin"
_API = "/rest/api/3"
# Keys read beyond the last known one: a create batch holds at most 50, so a whole empty window means the end.
PROBE_WINDOW = 100
_PERMISSIONS = ("ADMINISTER", "ADMINISTER_PROJECTS", "BULK_CHANGE", "MODIFY_REPORTER", "MANAGE_WATCHERS")
# Reasons why Jira would not say: the answer is then simply not known.
_UNTOLD = (NotFound, AccessDenied, WriteRefused, UnexpectedAnswer)


@dataclass(frozen=True, slots=True)
class Named:
    """A thing of the target with an id and a name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TargetField:
    """A field definition: `type`, `items` and `custom` are its schema's words; `project_id` names the only project that has it."""

    id: str
    name: str
    type: str
    items: str
    custom: str
    project_id: str = ""


@dataclass(frozen=True, slots=True)
class TargetType:
    """An issue type with its hierarchy level."""

    id: str
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class SiteState:
    """What holds for the whole target site."""

    base_url: str
    cloud_id: str
    account_id: str
    fields: Mapping[str, TargetField]
    types: tuple[TargetType, ...]
    priorities: tuple[Named, ...]
    resolutions: tuple[Named, ...]
    link_types: tuple[Named, ...]
    roles: tuple[Named, ...]
    uploads_enabled: bool
    upload_limit_bytes: int


@dataclass(frozen=True, slots=True)
class ProjectState:
    """The target project as it is; `statuses` are by issue type id."""

    id: str
    key: str
    name: str
    is_team_managed: bool
    is_archived: bool
    types: tuple[TargetType, ...]
    statuses: Mapping[str, tuple[Named, ...]]
    components: Mapping[str, str]
    versions: Mapping[str, str]
    permissions: frozenset[str]
    # None where the account may not know them.
    levels: tuple[Named, ...] | None = None
    # Those of a team-managed project, which the site's list does not speak for; None for all others.
    roles: tuple[Named, ...] | None = None


@dataclass(frozen=True, slots=True)
class FoundIssue:
    """An issue on the target; `project_id` is where it lies now, `restore` which restore made it (None: Jira's own)."""

    id: str
    key: str
    project_id: str
    restore: str | None = None
    updated_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MarkedIssues:
    """Issues of the target project that carry our mark, by their source id, and the highest number ever seen."""

    by_source: Mapping[str, FoundIssue] = field(default_factory=dict)
    last_number: int = 0


def read_site(calls: Calls) -> SiteState:
    """Read what the whole site has."""
    account = calls.whoami()
    uploads = _object(calls.get(f"{_API}/attachment/meta"))
    return SiteState(
        base_url=site_base(account.base_url),
        cloud_id=account.cloud_id,
        account_id=account.account_id,
        fields={found.id: found for found in _read_fields(calls)},
        types=tuple(_type(item) for item in _array(calls.get(f"{_API}/issuetype")) if not item.get("scope")),
        priorities=tuple(_named(item) for item in calls.get_all(f"{_API}/priority/search", "values")),
        resolutions=tuple(_named(item) for item in calls.get_all(f"{_API}/resolution/search", "values")),
        link_types=tuple(
            _named(item) for item in list_of(calls.get(f"{_API}/issueLinkType"), "issueLinkTypes")
        ),
        roles=_read_roles(calls),
        uploads_enabled=bool(uploads.get("enabled")),
        upload_limit_bytes=int(uploads.get("uploadLimit") or 0),
    )


def _read_roles(calls: Calls) -> tuple[Named, ...]:
    """Read the project roles of the site; whoever does not administer Jira is not told, and needs none but in new projects."""
    try:
        return tuple(_named(item) for item in _array(calls.get(f"{_API}/role")) if not item.get("scope"))
    except CredentialsRejected:
        raise
    except _UNTOLD:
        return ()


def read_project(calls: Calls, key: str) -> ProjectState | None:
    """Read a project by key; None when the target has no living project of that key."""
    try:
        found = _object(calls.get(f"{_API}/project/{key}"))
    except NotFound:
        return None
    if str(found.get("key", "")) != key:
        return None  # a former key of another project leads here too
    project_id = str(found["id"])
    statuses = _array(calls.get(f"{_API}/project/{project_id}/statuses"))
    return ProjectState(
        id=project_id,
        key=key,
        name=str(found.get("name", "")),
        is_team_managed=is_team_managed(found),
        is_archived=bool(found.get("archived")),
        types=tuple(_type(item) for item in list_of(found, "issueTypes")),
        statuses={
            str(item["id"]): tuple(_named(status) for status in list_of(item, "statuses"))
            for item in statuses
        },
        components=_by_name(calls.get_all(f"{_API}/project/{project_id}/component", "values")),
        versions=_by_name(calls.get_all(f"{_API}/project/{project_id}/version", "values")),
        permissions=read_permissions(calls, project_key=key),
        levels=_read_levels(calls, project_id),
        roles=_read_own_roles(calls, project_id) if is_team_managed(found) else None,
    )


def _read_own_roles(calls: Calls, project_id: str) -> tuple[Named, ...]:
    """Read the roles of a team-managed project: their names lead to their addresses, which end with their ids."""
    try:
        found = _object(calls.get(f"{_API}/project/{project_id}/role"))
    except CredentialsRejected:
        raise
    except _UNTOLD:
        return ()
    return tuple(Named(str(address).rpartition("/")[2], name) for name, address in found.items())


def _read_levels(calls: Calls, project_id: str) -> tuple[Named, ...] | None:
    """Read the security levels that the project's scheme has; none where it follows no scheme."""
    try:
        answer = calls.get(f"{_API}/project/{project_id}/securitylevel")
    except CredentialsRejected:
        raise
    except NotFound:
        return ()
    except _UNTOLD:
        return None
    return tuple(_named(item) for item in list_of(answer, "levels"))


def read_project_id(calls: Calls, project_id: str, key: str) -> str | None:
    """Give the id of a project that a field names: its own, else that of the project which has its key now."""
    for name in (project_id, key):
        try:
            return str(_object(calls.get(f"{_API}/project/{name}")).get("id"))
        except CredentialsRejected:
            raise
        except _UNTOLD:
            continue
    return None


def read_permissions(calls: Calls, *, project_key: str | None = None) -> frozenset[str]:
    """Read which of the permissions that a restore uses the account has."""
    query = {"permissions": ",".join(_PERMISSIONS)}
    if project_key is not None:
        query["projectKey"] = project_key
    try:
        found = _object(_object(calls.get(f"{_API}/mypermissions", query)).get("permissions"))
    except CredentialsRejected:
        raise
    except _UNTOLD:
        return frozenset()
    return frozenset(name for name, item in found.items() if _object(item).get("havePermission") is True)


def read_key_problem(calls: Calls, key: str) -> str | None:
    """Ask why a new project could not have this key, in Jira's words; None when it is free."""
    answer = _object(calls.get(f"{_API}/projectvalidate/key", {"key": key}))
    errors = _object(answer.get("errors"))
    messages = answer.get("errorMessages")
    words = [*(str(text) for text in errors.values()), *(messages if isinstance(messages, list) else [])]
    return "; ".join(words) or None


def read_trashed_project(calls: Calls, key: str) -> str | None:
    """Give the name of a project in the trash that holds the key, None when none is known to."""
    try:
        for item in calls.get_all(
            f"{_API}/project/search", "values", {"status": "deleted", "maxResults": "100"}
        ):
            if item.get("key") == key:
                return str(item.get("name", ""))
    except CredentialsRejected:
        raise
    except _UNTOLD:
        return None
    return None


def read_status_names(calls: Calls) -> frozenset[str] | None:
    """Read the names of the statuses that workflows of the whole site have; None where the account is not told."""
    try:
        found = _array(calls.get(f"{_API}/status"))
        return frozenset(str(item.get("name")) for item in found if not item.get("scope"))
    except CredentialsRejected:
        raise
    except _UNTOLD:
        return None


def read_issues_by_id(calls: Calls, source_ids: Iterable[str]) -> dict[str, FoundIssue]:
    """Find issues that still have the id they had in the snapshot (the same site only)."""
    return {
        found.id: found
        for item in calls.fetch_issues(source_ids, fields=("project", "updated"))
        for found in [_found_issue(item, None)]
    }


def read_marks(calls: Calls, project: ProjectState, *, repository_id: str, scope: str) -> MarkedIssues:
    """Find the issues of a project that restores from this scope made, also those that the search index lacks yet."""
    query = {"jql": f"project = {project.id} ORDER BY key ASC", "fields": "key", "maxResults": "5000"}
    listed = [str(item["id"]) for item in calls.get_all(f"{_API}/search/jql", "issues", query)]
    found = list(read_origins(calls, listed))
    last = max((_number(issue.key) for issue, _ in found), default=0)
    beyond, last = probe_beyond(calls, project.key, last)
    by_source: dict[str, FoundIssue] = {}
    for issue, origin in sorted([*found, *beyond], key=lambda pair: int(pair[0].id)):
        if is_origin_of(origin, repository_id=repository_id, scope=scope):
            by_source.setdefault(str(origin["issue_id"]), issue)
    return MarkedIssues(by_source, last)


def probe_beyond(
    calls: Calls, project_key: str, last_number: int
) -> tuple[list[tuple[FoundIssue, dict[str, Any]]], int]:
    """Read keys above a number until a whole window is empty: the only view that does not lag behind creation."""
    found: list[tuple[FoundIssue, dict[str, Any]]] = []
    start = last_number
    while True:
        keys = [f"{project_key}-{number}" for number in range(start + 1, start + 1 + PROBE_WINDOW)]
        window = [pair for pair in read_origins(calls, keys) if pair[0].key.rpartition("-")[0] == project_key]
        if not window:
            return found, last_number
        found.extend(window)
        last_number = max(last_number, *(_number(issue.key) for issue, _ in window))
        start += PROBE_WINDOW


def read_origins(calls: Calls, ids_or_keys: Iterable[str]) -> Iterator[tuple[FoundIssue, dict[str, Any]]]:
    """Read issues with the mark that a restore set at their creation (empty where there is none)."""
    for item in calls.fetch_issues(ids_or_keys, fields=("project",), properties=(ORIGIN_PROPERTY,)):
        origin = _object(_object(item.get("properties")).get(ORIGIN_PROPERTY))
        restore = origin.get("restore")
        yield _found_issue(item, str(restore) if restore is not None else None), origin


def is_origin_of(origin: Mapping[str, Any], *, repository_id: str, scope: str) -> bool:
    """Tell whether a mark was set by a restore from this repository and scope."""
    return origin.get("repository") == repository_id and origin.get("scope") == scope and "issue_id" in origin


def read_sprints(calls: Calls, sprint_ids: Iterable[str]) -> dict[str, str]:
    """Give the state of each sprint that the target still has."""
    states: dict[str, str] = {}
    for sprint_id in sorted(set(sprint_ids)):
        try:
            states[sprint_id] = str(_object(calls.get(f"/rest/agile/1.0/sprint/{sprint_id}")).get("state"))
        except CredentialsRejected:
            raise
        except _UNTOLD:
            continue
    return states


def _read_fields(calls: Calls) -> Iterator[TargetField]:
    for item in _array(calls.get(f"{_API}/field")):
        yield target_field(item)


def target_field(item: Mapping[str, Any]) -> TargetField:
    """Read a field definition as `/field` lists it."""
    schema = _object(item.get("schema"))
    return TargetField(
        id=str(item.get("id", "")),
        name=str(item.get("name", "")),
        type=str(schema.get("type", "")),
        items=str(schema.get("items", "")),
        custom=str(schema.get("custom", "")),
        project_id=scope_of(item),
    )


def _found_issue(item: Mapping[str, Any], restore: str | None) -> FoundIssue:
    fields = _object(item.get("fields"))
    project = _object(fields.get("project"))
    return FoundIssue(
        str(item["id"]),
        str(item["key"]),
        str(project.get("id", "")),
        restore,
        _moment_ms(fields.get("updated")),
    )


def _moment_ms(value: object) -> int | None:
    try:
        return to_epoch_ms(parse_instant(value)) if isinstance(value, str | int) else None
    except (ValueError, OverflowError):
        return None


def _type(item: Mapping[str, Any]) -> TargetType:
    level = item.get("hierarchyLevel")
    fallback = -1 if item.get("subtask") else 0
    return TargetType(str(item["id"]), str(item["name"]), level if isinstance(level, int) else fallback)


def _named(item: Mapping[str, Any]) -> Named:
    return Named(str(item["id"]), str(item["name"]))


def _by_name(items: Iterable[Mapping[str, object]]) -> dict[str, str]:
    return {str(item["name"]): str(item["id"]) for item in items}


def _number(key: str) -> int:
    tail = key.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _array(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
