"""Issues and what hangs on them as Jira's JSON, field by field and cached until they change.

What belongs here: an issue as one ready part of bytes for each field, so any choice of fields is a join, and made
anew for callers who do not see everything. What stays out: what issues refer to (``reference_rendering``), one
value's form (``values``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from jira_backup_pipeline.sandbox import adf
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.clock import iso_text
from jira_backup_pipeline.sandbox.http import SELF_BASE, Json, JsonObject, encode
from jira_backup_pipeline.sandbox.values import CODECS

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import (
        Account,
        Attachment,
        Comment,
        History,
        Issue,
        IssueLink,
        RemoteLink,
        Worklog,
    )
    from jira_backup_pipeline.sandbox.site import Site

API = show.API
EXPANDABLE = "operations,versionedRepresentations,editmeta,changelog,renderedFields"
# Fields whose value is a list or page; asking for one of them forces the small request size of bulkfetch.
HEAVY_FIELDS = frozenset(
    [
        "comment",
        "worklog",
        "attachment",
        "issuelinks",
        "subtasks",
        "labels",
        "components",
        "versions",
        "fixVersions",
        "description",
        "environment",
    ]
)
SCALAR_KINDS = frozenset(
    [
        "textfield",
        "float",
        "datepicker",
        "datetime",
        "select",
        "userpicker",
        "version",
        "priority",
        "resolution",
        "url",
        "rank",
        "readonly",
        "project",
        "computed",
    ]
)


@dataclass(slots=True)
class RenderedIssue:
    """An issue ready to be sent: its head and one part for each field."""

    head: bytes
    parts: dict[str, bytes]
    joined: dict[str, bytes] = field(default_factory=dict)


def seconds_text(seconds: int) -> str:
    """A duration as Jira writes it: 5-day weeks of 8-hour days."""
    if seconds == 0:
        return "0m"
    parts: list[str] = []
    for unit, size in (("w", 144_000), ("d", 28_800), ("h", 3_600), ("m", 60)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"


def comment(site: Site, issue_id: int, item: Comment, *, properties: bool = False) -> JsonObject:
    """One comment."""
    value: JsonObject = {
        "self": f"{API}/issue/{issue_id}/comment/{item.comment_id}",
        "id": str(item.comment_id),
        "author": show.user_part(site, item.author),
        "body": item.body,
        "updateAuthor": show.user_part(site, item.update_author),
        "created": iso_text(item.created_ms, site.time_zone),
        "updated": iso_text(item.updated_ms, site.time_zone),
        "jsdPublic": True,
    }
    if item.visibility is not None:
        value["visibility"] = show.visibility(item.visibility)
    if properties:
        value["properties"] = [{"key": key, "value": entry} for key, entry in item.properties.items()]
    return value


def worklog(site: Site, issue_id: int, item: Worklog, *, properties: bool = False) -> JsonObject:
    """One worklog."""
    value: JsonObject = {
        "self": f"{API}/issue/{issue_id}/worklog/{item.worklog_id}",
        "author": show.user_part(site, item.author),
        "updateAuthor": show.user_part(site, item.update_author),
        "created": iso_text(item.created_ms, site.time_zone),
        "updated": iso_text(item.updated_ms, site.time_zone),
        "started": iso_text(item.started_ms, site.time_zone),
        "timeSpent": seconds_text(item.seconds),
        "timeSpentSeconds": item.seconds,
        "id": str(item.worklog_id),
        "issueId": str(issue_id),
    }
    if item.comment is not None:
        value["comment"] = item.comment
    if item.visibility is not None:
        value["visibility"] = show.visibility(item.visibility)
    if properties:
        value["properties"] = [{"key": key, "value": entry} for key, entry in item.properties.items()]
    return value


def attachment(site: Site, item: Attachment, *, number_id: bool = False) -> JsonObject:
    """Metadata of an attachment; its own address gives the id as a number, issues give text."""
    value: JsonObject = {
        "self": f"{API}/attachment/{item.attachment_id}",
        "id": item.attachment_id if number_id else str(item.attachment_id),
        "filename": item.filename,
        "author": show.user_part(site, item.author),
        "created": iso_text(item.created_ms, site.time_zone),
        "size": item.content.size,
        "mimeType": item.mime_type,
        "content": f"{API}/attachment/content/{item.attachment_id}",
    }
    if item.mime_type.startswith("image/"):
        value["thumbnail"] = f"{API}/attachment/thumbnail/{item.attachment_id}"
    return value


def history(site: Site, item: History, *, epoch: bool = False) -> Json:
    """One entry of the change history; the bulk address gives the date as a number."""
    if item.raw is not None and not epoch:
        return msgspec.Raw(item.raw)
    value: JsonObject = {"id": str(item.history_id)}
    if item.author is not None:
        value["author"] = show.user_part(site, item.author)
    value["created"] = item.created_ms if epoch else iso_text(item.created_ms, site.time_zone)
    value["items"] = item.items
    if item.metadata is not None:
        value["historyMetadata"] = item.metadata
    return value


def remote_link(issue_id: int, item: RemoteLink) -> JsonObject:
    """One remote link."""
    value: JsonObject = {
        "id": item.link_id,
        "self": f"{API}/issue/{issue_id}/remotelink/{item.link_id}",
        "application": item.application,
        "object": item.target,
    }
    if item.global_id is not None:
        value["globalId"] = item.global_id
    if item.relationship is not None:
        value["relationship"] = item.relationship
    return value


def issue_brief(site: Site, issue: Issue) -> JsonObject:
    """An issue as others show it: parent, sub-task, linked."""
    summary, priority_id = site.issues.brief(issue)
    return {
        "id": str(issue.issue_id),
        "key": site.key_of(issue),
        "self": f"{API}/issue/{issue.issue_id}",
        "fields": {
            "summary": summary,
            "status": status_part(site, issue.status_id),
            "priority": CODECS["priority"].render(site, priority_id),
            "issuetype": type_part(site, issue.type_id),
        },
    }


def status_part(site: Site, status_id: str) -> msgspec.Raw:
    """A status as a ready part."""
    return show.fragment(site, "status", status_id, lambda: show.status(site.statuses[status_id]))


def type_part(site: Site, type_id: str) -> msgspec.Raw:
    """An issue type as a ready part."""
    return show.fragment(site, "type", type_id, lambda: show.issue_type(site.issue_types[type_id]))


def issue_link(site: Site, link: IssueLink, issue_id: int) -> JsonObject:
    """A link as one of its two issues shows it."""
    value: JsonObject = {
        "id": str(link.link_id),
        "self": f"{API}/issueLink/{link.link_id}",
        "type": show.link_type(site.link_types[link.type_id]),
    }
    if link.source_id == issue_id:
        value["outwardIssue"] = issue_brief(site, site.issues.by_id[link.destination_id])
    else:
        value["inwardIssue"] = issue_brief(site, site.issues.by_id[link.source_id])
    return value


def comment_page(site: Site, issue: Issue, caller: Account | None) -> JsonObject:
    """The comments inside an issue: the newest up to the cap, with the true total."""
    project = site.project_of(issue)
    seen = [item for item in site.body(issue).comments if site.sees(caller, project, item.visibility)]
    cap = site.settings.inline_comments
    shown = seen[-cap:] if cap else []
    return {
        "comments": [comment(site, issue.issue_id, item) for item in shown],
        "self": f"{API}/issue/{issue.issue_id}/comment",
        "maxResults": max(len(shown), cap) if len(seen) > len(shown) else len(shown),
        "total": len(seen),
        "startAt": 0,
    }


def worklog_page(site: Site, issue: Issue, caller: Account | None) -> JsonObject:
    """The worklogs inside an issue: the oldest up to the cap, with the true total."""
    project = site.project_of(issue)
    seen = [item for item in site.body(issue).worklogs if site.sees(caller, project, item.visibility)]
    cap = site.settings.inline_worklogs
    return {
        "startAt": 0,
        "maxResults": cap,
        "total": len(seen),
        "worklogs": [worklog(site, issue.issue_id, item) for item in seen[:cap]],
    }


def link_list(site: Site, issue: Issue, caller: Account | None) -> list[JsonObject]:
    """The links of an issue whose other end the caller may see."""
    shown: list[JsonObject] = []
    for link in site.links_of_issue(issue.issue_id):
        other = link.destination_id if link.source_id == issue.issue_id else link.source_id
        if site.can_see(caller, site.issues.by_id[other]):
            shown.append(issue_link(site, link, issue.issue_id))
    return shown


def changelog_page(site: Site, issue: Issue) -> JsonObject:
    """The history inside an issue: the newest up to the cap, newest first."""
    entries = site.body(issue).histories
    cap = site.settings.inline_histories
    shown = sorted(entries, key=lambda item: (item.created_ms, item.history_id), reverse=True)[:cap]
    return {
        "startAt": 0,
        "maxResults": len(shown),
        "total": len(entries),
        "histories": [history(site, item) for item in shown],
    }


def _times(site: Site, issue: Issue, values: dict[str, Json]) -> dict[str, Json]:
    spent = sum(item.seconds for item in site.issues.worklogs_of(issue))
    original, remaining = values.get("timeoriginalestimate"), values.get("timeestimate")
    tracking: JsonObject = {}
    for name, seconds in (
        ("originalEstimate", original),
        ("remainingEstimate", remaining),
        ("timeSpent", spent or None),
    ):
        if seconds is not None:
            tracking[name] = seconds_text(seconds)
            tracking[f"{name}Seconds"] = seconds
    total = spent + (remaining or 0)
    progress: JsonObject = {"progress": spent, "total": total}
    if total:
        progress["percent"] = spent * 100 // total
    aggregate = spent or None
    return {
        "timespent": spent or None,
        "timeoriginalestimate": original,
        "timeestimate": remaining,
        "aggregatetimespent": aggregate,
        "aggregatetimeoriginalestimate": original,
        "aggregatetimeestimate": remaining,
        "timetracking": tracking,
        "progress": progress,
        "aggregateprogress": progress,
        "workratio": spent * 100 // original if original else -1,
    }


def field_values(site: Site, issue: Issue, caller: Account | None) -> dict[str, Json]:
    """Every field of an issue that has a value or is computed, as JSON values."""
    body = site.body(issue)
    stored = body.values
    watching = caller is not None and caller.account_id in issue.watchers
    voted = caller is not None and caller.account_id in issue.voters
    link = f"{API}/issue/{site.key_of(issue)}"
    children = [site.issues.by_id[child] for child in site.issues.children.get(issue.issue_id, ())]
    result: dict[str, Json] = {
        "issuetype": type_part(site, issue.type_id),
        "project": show.fragment(
            site, "project", issue.project_id, lambda: show.project_brief(site, site.project_of(issue))
        ),
        "status": status_part(site, issue.status_id),
        "created": iso_text(issue.created_ms, site.time_zone),
        "updated": iso_text(issue.updated_ms, site.time_zone),
        "creator": show.user_part(site, stored.get("creator")),
        "labels": issue.labels,
        "statusCategory": show.category_part(site.statuses[issue.status_id].category),
        "issuelinks": link_list(site, issue, caller),
        "subtasks": [
            issue_brief(site, child) for child in children if site.issue_types[child.type_id].level < 0
        ],
        "attachment": [attachment(site, item) for item in body.attachments],
        "comment": comment_page(site, issue, caller),
        "worklog": worklog_page(site, issue, caller),
        "watches": {"self": f"{link}/watchers", "watchCount": len(issue.watchers), "isWatching": watching},
        "votes": {"self": f"{link}/votes", "votes": len(issue.voters), "hasVoted": voted},
        "lastViewed": None,
        **_times(site, issue, stored),
    }
    if issue.parent_id is not None and issue.parent_id in site.issues.by_id:
        result["parent"] = issue_brief(site, site.issues.by_id[issue.parent_id])
    for field_id, value in stored.items():
        item = site.fields.get(field_id)
        codec = CODECS.get(item.kind) if item is not None else None
        if codec is not None and field_id not in result:
            result[field_id] = codec.render(site, value)
    return result


def _empty_parts(site: Site, project_id: int) -> dict[str, bytes]:
    """What the fields without a value look like; the same for every issue of a project."""
    known: dict[str, bytes] | None = site.answers.entries.get(("empty parts", project_id))
    if known is None:
        known = {}
        for item in site.fields.values():
            codec = CODECS.get(item.kind)
            if codec is not None and item.project_id in (None, project_id):
                known[item.field_id] = encode(codec.render(site, None))
        site.answers.entries["empty parts", project_id] = known
    return known


def _sees_all(site: Site, caller: Account, issue: Issue) -> bool:
    """Whether nothing about an issue can be hidden from a caller; kept until rights may have changed."""
    key = ("sees", caller.account_id, issue.project_id)
    known: bool | None = site.answers.entries.get(key)
    if known is None:
        everywhere = not any(caller.account_id in other.hidden_from for other in site.projects.values())
        known = everywhere and site.sees_everything(caller, site.project_of(issue))
        site.answers.entries[key] = known
    return known


def rendered(site: Site, issue: Issue, caller: Account | None) -> RenderedIssue:
    """The issue's ready parts for a caller, from the cache when the caller sees everything."""
    shared = (
        caller is not None and caller.account_id == site.backup_account_id and _sees_all(site, caller, issue)
    )
    if shared:
        found: RenderedIssue | None = site.answers.entries.get(issue.issue_id)
        if found is not None:
            return found
    head = encode(
        {
            "expand": EXPANDABLE,
            "id": str(issue.issue_id),
            "self": f"{API}/issue/{issue.issue_id}",
            "key": site.key_of(issue),
        }
    )[1:-1]
    parts = dict(_empty_parts(site, issue.project_id))
    parts.update((name, encode(value)) for name, value in field_values(site, issue, caller).items())
    parts.update(site.body(issue).raw_fields)
    made = RenderedIssue(head, parts)
    if shared:
        if len(site.answers.entries) > site.settings.answer_cache_issues:
            for key in list(site.answers.entries)[: site.settings.answer_cache_issues // 4]:
                del site.answers.entries[key]
        site.answers.entries[issue.issue_id] = made
    return made


def chosen_fields(site: Site, wanted: list[str] | None, available: list[str]) -> list[str]:
    """The fields that a ``fields`` parameter names: ids, ``*all``, ``*navigable`` and ``-field``."""
    names = wanted or ["*all"]
    chosen: dict[str, None] = {}
    if all(name.startswith("-") for name in names):
        names = ["*all", *names]
    for name in names:
        if name == "*all":
            chosen.update(dict.fromkeys(available))
        elif name == "*navigable":
            chosen.update(
                (field_id, None)
                for field_id in available
                if field_id not in site.fields or site.fields[field_id].navigable
            )
    lowered = {field_id.lower(): field_id for field_id in available}
    for name in names:
        if name.startswith("-"):
            chosen.pop(lowered.get(name[1:].lower(), name[1:]), None)
        elif not name.startswith("*") and name.lower() in lowered:
            chosen[lowered[name.lower()]] = None
    return list(chosen)


def issue_bytes(
    site: Site,
    issue: Issue,
    caller: Account | None,
    *,
    fields: list[str] | None,
    expand: set[str],
    properties: list[str],
) -> bytes:
    """The whole JSON of an issue for an answer."""
    made = rendered(site, issue, caller)
    extras: JsonObject = {}
    if "changelog" in expand:
        extras["changelog"] = changelog_page(site, issue)
    if properties:
        stored = site.body(issue).properties
        keys = list(stored) if "*all" in properties else [key for key in properties if key in stored]
        extras["properties"] = {key: stored[key] for key in keys}
    cache_key = "\0".join(fields or ["*all"])
    inner = made.joined.get(cache_key)
    if inner is None:
        names = chosen_fields(site, fields, list(made.parts))
        inner = b",".join(b'"%s":%s' % (name.encode(), made.parts[name]) for name in names)
        if len(made.joined) < 4:
            made.joined[cache_key] = inner
    if "renderedFields" in expand:
        extras["renderedFields"] = rendered_fields(site, issue)
    if "names" in expand:
        extras["names"] = {
            item.field_id: item.name for item in site.fields.values() if item.field_id in made.parts
        }
    if "schema" in expand:
        extras["schema"] = {name: field_schema(site, name) for name in site.fields if name in made.parts}
    tail = b"," + encode(extras)[1:-1] if extras else b""
    raw = site.body(issue).raw_issue
    if raw is not None and (fields is None or fields in (["*all"], ["*navigable"])):
        return raw
    if only_ids(fields):
        return b"{%s%s}" % (made.head, tail)
    return b'{%s%s,"fields":{%s}}' % (made.head, tail, inner)


def field_schema(site: Site, field_id: str) -> JsonObject:
    """A field's schema; ``/field`` has none for some system fields, the expansion has one for all."""
    return site.fields[field_id].schema or {"type": "issuelink", "system": field_id}


def only_ids(fields: list[str] | None) -> bool:
    """Whether a choice of fields needs nothing of the issue but its id and key."""
    return fields is not None and all(name.lower() in {"id", "key", "issuekey"} for name in fields)


def rendered_fields(site: Site, issue: Issue) -> JsonObject:
    """The ``renderedFields`` expansion: rich text as simple HTML."""
    values = site.body(issue).values
    result: JsonObject = {}
    for item in site.fields.values():
        if item.kind == "textarea":
            text = adf.plain_text(values.get(item.field_id))
            escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            result[item.field_id] = "".join(f"<p>{line}</p>" for line in escaped.split("\n") if line)
        else:
            result[item.field_id] = None
    return result


def issue_link_self(link: IssueLink) -> str:
    """The address of a link."""
    return f"{SELF_BASE}/rest/api/3/issueLink/{link.link_id}"


def render_all(site: Site) -> None:
    """Make and render the issues in the order of their ids, as many as the caches keep."""
    kept = min(site.settings.answer_cache_issues * 3 // 4, len(site.issues))
    site.issues.cached_bodies = max(site.issues.cached_bodies, kept)
    for issue in list(site.issues)[:kept]:
        rendered(site, issue, site.backup_account)
