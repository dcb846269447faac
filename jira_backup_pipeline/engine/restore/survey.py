"""One walk over the snapshot for a plan: what there is to write, who and what it names, and what is already known to fail.

What belongs here: counting and collecting over the selected issues, streamed, so that a large project needs little memory.

What stays out: decisions about issues (`plan`), costs (`limits`), reading the target (`target`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import ReferenceKind, is_document, media_ids, references
from jira_backup_pipeline.engine.restore.attachments import is_without_bytes
from jira_backup_pipeline.engine.restore.matching import (
    NOT_WRITABLE_FIELDS,
    SPRINT_FIELD,
    account_ids,
    is_read_only,
)
from jira_backup_pipeline.engine.restore.relations import link_ends
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.engine.restore.snapshot import fields_of, members_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
    from jira_backup_pipeline.engine.restore.target import TargetField

# Known also where the snapshot holds no definitions of fields.
_NAMED_FIELDS = MappingProxyType({"components": "component", "fixVersions": "version", "versions": "version"})


class Use(StrEnum):
    """Where an account stands that a restore has to write."""

    FIELD = "field"
    WATCHER = "watcher"
    ROLE = "role"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where issues of the snapshot belong: the name and level of their type, their status, and id and name of their resolution."""

    type_name: str
    level: int
    status: str
    resolution: tuple[str, str] | None


@dataclass(slots=True)
class Survey:
    """What the walk found. `ends` are ids of issues that links and parents lead to."""

    counts: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    sprints: set[str] = field(default_factory=set)
    closed_sprints: Counter[str] = field(default_factory=Counter)
    ends: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    used_fields: Counter[str] = field(default_factory=Counter)
    used_names: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    needing_edit: int = 0
    moving: int = 0
    resolved: int = 0
    attachment_bytes: int = 0
    largest: list[tuple[int, str]] = field(default_factory=list)
    without_bytes: list[str] = field(default_factory=list)
    votes: int = 0
    half_estimates: int = 0
    groups: set[str] = field(default_factory=set)
    # How many issues have a security level, by its name.
    levels: Counter[str] = field(default_factory=Counter)
    read_only: int = 0
    # Projects that fields name: key by id.
    projects: dict[str, str] = field(default_factory=dict)
    # How often an account is used, by the place that it is used in.
    uses: Counter[tuple[Use, str]] = field(default_factory=Counter)
    destinations: Counter[Destination] = field(default_factory=Counter)

    def name(self, kind: str, value: object) -> None:
        """Remember that something of a kind is used."""
        if isinstance(value, dict) and value.get("name"):
            self.used_names.setdefault(kind, {})[str(value["name"])] = value


def survey(
    view: SnapshotView,
    issue_ids: set[str],
    source_fields: Mapping[str, TargetField],
    *,
    is_whole: bool,
    with_mentions: bool = False,
) -> Survey:
    """Walk over the selected issues and what hangs on them; people that text mentions count only when asked for."""
    result = Survey()
    for row in view.rows("issue", issue_ids):
        _survey_issue(result, fields_of(row), source_fields)
        if with_mentions:
            result.people.update(_mentioned(fields_of(row).values()))
    for kind in ("comment", "worklog", "remote_link", "changelog", "issue_property"):
        result.counts[kind] = sum(1 for _ in view.pairs(kind, issue_ids))
    for kind, text in (("comment", "body"), ("worklog", "comment")) if with_mentions else ():
        for row in view.rows(kind, issue_ids):
            result.people.update(_mentioned([members_of(row).get(text)]))
            _survey_circle(result, members_of(row).get("visibility"))
    seen = set()
    for row in view.rows("issue_link", issue_ids):
        ends = link_ends(row)
        if ends is not None:
            seen.add(ends)
            result.ends.update(ends[1:])
            result.name("link type", members_of(row).get("type"))
    result.counts["issue_link"] = len(seen)
    for _, account_id in view.pairs("watcher", issue_ids):
        result.counts["watcher"] += 1
        result.people.add(account_id)
        result.uses[Use.WATCHER, account_id] += 1
    for row in view.rows("attachment", issue_ids):
        _survey_attachment(result, row.id, members_of(row), row.extra, is_lost=is_without_bytes(row))
    _survey_place(result, view, is_whole=is_whole)
    return result


def needed_by(
    view: SnapshotView, found: Survey, source_fields: Mapping[str, TargetField], part: Part
) -> Survey:
    """Give the survey that says which configuration is wanted.

    Where the configuration alone comes back, every issue of the snapshot counts: they stand on it, though none is written.
    """
    if part is not Part.CONFIGURATION:
        return found
    return survey(view, {head.id for head in view.heads()}, source_fields, is_whole=True, with_mentions=True)


def _survey_issue(
    result: Survey, fields: Mapping[str, Any], source_fields: Mapping[str, TargetField]
) -> None:
    result.counts["issue"] += 1
    shows_files = False
    for name, value in fields.items():
        if value in (None, "", [], {}):
            continue
        if name in NOT_WRITABLE_FIELDS:
            continue
        result.used_fields[name] += 1
        result.people.update(account_ids(value))
        result.groups.update(_group_ids(value))
        shows_files = shows_files or (is_document(value) and bool(media_ids(value)))
        known = source_fields.get(name)
        result.read_only += known is not None and is_read_only(known)
        if known is not None and known.type == "project" and isinstance(value, dict):
            result.projects[str(value.get("id"))] = str(value.get("key"))
        if known is not None and "user" in {known.type, known.items}:
            result.uses.update((Use.FIELD, account) for account in account_ids(value))
        _survey_named(result, name, value, known)
        if known is not None and known.custom == SPRINT_FIELD and isinstance(value, list):
            sprints = [sprint for sprint in value if isinstance(sprint, dict)]
            result.sprints.update(str(sprint.get("id")) for sprint in sprints)
            result.closed_sprints.update(
                str(sprint.get("id")) for sprint in sprints if sprint.get("state") == "closed"
            )
    estimates = fields.get("timetracking")
    if isinstance(estimates, dict) and "originalEstimateSeconds" in estimates:
        result.half_estimates += "remainingEstimateSeconds" not in estimates
    result.needing_edit += shows_files
    result.resolved += bool(fields.get("resolution"))
    for kind in ("issuetype", "priority", "resolution", "status"):
        result.name(kind, fields.get(kind))
    _survey_level(result, fields.get("security"))
    result.destinations[_destination(fields)] += 1
    votes = fields.get("votes")
    result.votes += int(votes.get("votes") or 0) if isinstance(votes, dict) else 0
    parent = fields.get("parent")
    if isinstance(parent, dict) and parent.get("id"):
        result.ends.add(str(parent["id"]))


def _survey_level(result: Survey, level: object) -> None:
    if isinstance(level, dict) and level.get("name"):
        result.levels[str(level["name"])] += 1


def _destination(fields: Mapping[str, Any]) -> Destination:
    found = {
        name: value if isinstance(value := fields.get(name), dict) else {}
        for name in ("issuetype", "status", "resolution")
    }
    resolution = found["resolution"]
    return Destination(
        str(found["issuetype"].get("name", "")),
        level_of(found["issuetype"]),
        str(found["status"].get("name", "")),
        (str(resolution.get("id")), str(resolution.get("name"))) if resolution else None,
    )


def level_of(issue_type: Mapping[str, Any]) -> int:
    """Give the level of an issue's type, also where Jira says only that it is a sub-task."""
    level = issue_type.get("hierarchyLevel")
    return level if isinstance(level, int) else -1 if issue_type.get("subtask") else 0


def _mentioned(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if is_document(value):
            for found in references(value):
                if found.kind is ReferenceKind.PERSON:
                    yield found.value


def _survey_named(result: Survey, name: str, value: object, known: TargetField | None) -> None:
    """Remember the components and versions that a value names; custom fields may hold versions too."""
    kind = _NAMED_FIELDS.get(name)
    if kind is None and known is not None:
        kind = known.items if known.type == "array" else known.type
    found = {"component": result.components, "version": result.versions}.get(kind or "")
    if found is not None:
        items = value if isinstance(value, list) else [value]
        found.update(str(item.get("name")) for item in items if isinstance(item, dict))


def _survey_circle(result: Survey, circle: object) -> None:
    """Remember the group that alone may read a comment or worklog."""
    if isinstance(circle, dict) and circle.get("type") == "group":
        result.groups.add(str(circle.get("identifier") or circle.get("value")))


def _group_ids(value: object) -> Iterator[str]:
    """Give the groups that a field's value names."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and isinstance(item.get("groupId"), str):
            yield item["groupId"]


def _survey_attachment(
    result: Survey, attachment_id: str, source: Mapping[str, Any], extra: Mapping[str, Any], *, is_lost: bool
) -> None:
    result.counts["attachment"] += 1
    size = extra.get("blob_size_bytes")
    if is_lost:
        result.without_bytes.append(f"{source.get('filename')} (attachment {attachment_id})")
    elif isinstance(size, int):
        result.attachment_bytes += size
        result.largest.append((size, f"{source.get('filename')} (attachment {attachment_id})"))


def _survey_place(result: Survey, view: SnapshotView, *, is_whole: bool) -> None:
    for kind, needed in (("component", result.components), ("version", result.versions)):
        for row in view.rows(kind):
            if is_whole or str(members_of(row).get("name")) in needed:
                result.counts[kind] += 1
                leads = list(account_ids(members_of(row).get("lead")))
                result.people.update(leads)
                result.uses.update((Use.LEAD, account) for account in leads)
    for kind in ("project", "role_actors"):
        for row in view.rows(kind):
            result.counts[kind] += 1
            people = list(account_ids(row.value))
            result.people.update(people)
            used = account_ids(members_of(row).get("lead")) if kind == "project" else people
            result.uses.update((Use.LEAD if kind == "project" else Use.ROLE, account) for account in used)
