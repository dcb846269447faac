"""Bringing the schemes that projects follow to the snapshot's state: what they lack is added, nothing is taken away.

What belongs here: the calls for schemes of issue types, workflows, permissions, notifications and security that were
matched.

What stays out: making them (`schemes`), giving them to a project (`assigning`), and what differs (`differences`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.configuration.differences import books
from jira_backup_pipeline.engine.restore.configuration.facts import holder_words, recipient_words
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, key_of
from jira_backup_pipeline.engine.restore.configuration.schemes import (
    level_members,
    moved_holder,
    moved_notification,
    new_level,
)
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.facts import Book

_OWN = frozenset({"name", "description"})


def _own(row: Record) -> dict[str, str]:
    members = members_of(row)
    return {"name": str(members.get("name")), "description": str(members.get("description") or "")}


def amend_type_scheme(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Add the issue types that a scheme lacks, then its name, description and default type."""
    path = f"{API}/issuetypescheme/{own_id(target)}"
    present = {
        str(members_of(item).get("issueTypeId"))
        for item in bench.target.rows("issue_type_scheme_item")
        if str(members_of(item).get("issueTypeSchemeId")) == own_id(target)
    }
    wanted = [
        bench.mapped("issue_type", members_of(item).get("issueTypeId"))
        for item in bench.source.rows("issue_type_scheme_item")
        if str(members_of(item).get("issueTypeSchemeId")) == own_id(row)
    ]
    missing = [type_id for type_id in wanted if type_id is not None and type_id not in present]
    if missing:
        bench.calls.send("PUT", f"{path}/issuetype", {"issueTypeIds": missing})
    if {*_OWN, "default type"} & set(fields):
        first = bench.mapped("issue_type", members_of(row).get("defaultIssueTypeId"))
        chosen = {"defaultIssueTypeId": first} if first is not None else {}
        bench.calls.send("PUT", path, {**_own(row), **chosen})


def amend_workflow_scheme(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    """Give issue types the workflows that they had, where no issue would be left in a status that its workflow lacks.

    Raises:
        WriteRefused: issues are in statuses for which somebody has to say where they go.
    """
    scheme_id = own_id(target)
    read = bench.calls.read(f"{API}/workflowscheme/read", {"workflowSchemeIds": [scheme_id]})
    found: Mapping[str, Any] = next(iter(read if isinstance(read, list) else []), {})
    wanted = _wanted_workflows(bench, row, target)
    asked = {"id": scheme_id, **wanted}
    answer = bench.calls.read(f"{API}/workflowscheme/update/mappings", asked)
    open_statuses = {
        str(status)
        for member in ("statusMappingsByIssueTypes", "statusMappingsByWorkflows")
        for item in list_of(answer, member)
        for status in _texts(item.get("statusIds"))
    }
    if open_statuses:
        right = books(bench)[1]
        names = ", ".join(sorted(right.name("status", status) for status in open_statuses))
        message = f"issues would need other statuses than {names}"
        hint = (
            "Add the statuses to the workflows, or change the scheme in Jira and say there where issues go."
        )
        raise WriteRefused(message, hint=hint, status=0, answer={"errorMessages": [message]})
    body = {**asked, **_own(row), "version": found.get("version")}
    bench.calls.send("POST", f"{API}/workflowscheme/update", body)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _wanted_workflows(bench: Bench, row: Record, target: Record) -> dict[str, Any]:
    """Give the workflows of a scheme as the update takes them: the snapshot's, and the target's for types that it has besides."""
    by_name = {str(members_of(item).get("name")): own_id(item) for item in bench.target.rows("workflow")}
    names = {
        str(members_of(item).get("name")): bench.mapped("workflow", own_id(item))
        for item in bench.source.rows("workflow")
    }
    workflows = {
        type_id: by_name[name]
        for type_id, name in (members_of(target).get("issueTypeMappings") or {}).items()
        if name in by_name
    }
    for source_type, name in (members_of(row).get("issueTypeMappings") or {}).items():
        type_id, workflow_id = bench.mapped("issue_type", source_type), names.get(name)
        if type_id is not None and workflow_id is not None:
            workflows[type_id] = workflow_id
    by_workflow: dict[str, list[str]] = {}
    for type_id, workflow_id in workflows.items():
        by_workflow.setdefault(workflow_id, []).append(type_id)
    default = names.get(str(members_of(row).get("defaultWorkflow")))
    default = default or by_name.get(str(members_of(target).get("defaultWorkflow")))
    return {
        "workflowsForIssueTypes": [
            {"workflowId": workflow_id, "issueTypeIds": types} for workflow_id, types in by_workflow.items()
        ],
        **({"defaultWorkflowId": default} if default is not None else {}),
    }


def amend_permission_scheme(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Add the grants that a scheme lacks, one by one: a list of them would replace all that are there."""
    path = f"{API}/permissionscheme/{own_id(target)}"
    if _OWN & set(fields):
        bench.calls.send("PUT", path, _own(row))
    left, right = books(bench)
    there = {
        (str(grant.get("permission")), holder_words(grant.get("holder") or {}, right))
        for grant in members_of(target).get("permissions") or []
    }
    for grant in members_of(row).get("permissions") or []:
        words = holder_words(grant.get("holder") or {}, left)
        if not words or (str(grant.get("permission")), words) in there:
            continue
        holder = moved_holder(bench, row, grant.get("holder") or {})
        if holder is not None:
            body = {"permission": grant.get("permission"), "holder": holder}
            bench.calls.send("POST", f"{path}/permission", body)


def amend_notification_scheme(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Add who is not told of an event although they were."""
    path = f"{API}/notificationscheme/{own_id(target)}"
    if _OWN & set(fields):
        bench.calls.send("PUT", path, _own(row))
    left, right = books(bench)
    there = {
        (str(entry["event"].get("id")), recipient_words(item, right))
        for entry in members_of(target).get("notificationSchemeEvents") or []
        for item in entry.get("notifications") or []
    }
    events = []
    for entry in members_of(row).get("notificationSchemeEvents") or []:
        event_id = str(entry["event"].get("id"))
        missing = [
            made
            for item in entry.get("notifications") or []
            if (words := recipient_words(item, left))
            and (event_id, words) not in there
            and (made := moved_notification(bench, row, item)) is not None
        ]
        if missing:
            events.append({"event": {"id": event_id}, "notifications": missing})
    if events:
        bench.calls.send("PUT", f"{path}/notification", {"notificationSchemeEvents": events})


def amend_security_scheme(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Add the levels that a scheme lacks, and to the others the members that they lack."""
    path = f"{API}/issuesecurityschemes/{own_id(target)}"
    if _OWN & set(fields):
        bench.calls.send("PUT", path, _own(row))
    levels = {
        key_of(members_of(level).get("name")): own_id(level)
        for level in bench.target.rows("security_level")
        if str(members_of(level).get("issueSecuritySchemeId")) == own_id(target)
    }
    left, right = books(bench)
    for level in bench.source.rows("security_level"):
        if str(members_of(level).get("issueSecuritySchemeId")) != own_id(row):
            continue
        level_id = levels.get(key_of(members_of(level).get("name")))
        if level_id is None:
            # Which level is the default one is the target's to say: it has one already.
            body = {**new_level(bench, row, level), "isDefault": False}
            bench.calls.send("PUT", f"{path}/level", {"levels": [body]})
            continue
        there = {
            holder_words(members_of(item).get("holder") or {}, right)
            for item in bench.target.rows("security_level_member")
            if str(members_of(item).get("issueSecurityLevelId")) == level_id
        }
        missing = level_members(bench, row, own_id(level), partial(_is_new, left, there))
        if missing:
            bench.calls.send("PUT", f"{path}/level/{level_id}/member", {"members": missing})


def _is_new(book: Book, there: Collection[str], holder: Mapping[str, Any]) -> bool:
    words = holder_words(holder, book)
    return bool(words) and words not in there
