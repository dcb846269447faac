"""The schemes that a project follows: issue types, workflows, permissions, notifications and security.

What belongs here: making each with the target's ids, holders that the target lacks left out with a word.

What stays out: schemes of screens (`screens`), and giving schemes to the project, which its creation does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    key_of,
    listed,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record

_PERSON, _GROUP, _ROLE = "person", "group", "role"
# What the parameter of a holder or a recipient is, by the words that the different schemes have for it.
_HOLDERS = {
    "user": _PERSON,
    "group": _GROUP,
    "projectrole": _ROLE,
    "usercustomfield": "field",
    "groupcustomfield": "field",
}


def _type_schemes(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/issuetypescheme", "values"))


def _make_type_scheme(bench: Bench, row: Record) -> str:
    types = [
        found
        for item in bench.source.rows("issue_type_scheme_item")
        if str(members_of(item).get("issueTypeSchemeId")) == row.id
        and (found := bench.mapped("issue_type", members_of(item).get("issueTypeId"))) is not None
    ]
    body = {**text_of(row, "name", "description"), "issueTypeIds": types}
    first = bench.mapped("issue_type", members_of(row).get("defaultIssueTypeId"))
    if first in types:
        body["defaultIssueTypeId"] = first
    return made_id(bench.calls.send("POST", f"{API}/issuetypescheme", body), "issueTypeSchemeId")


def _workflow_schemes(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/workflowscheme", "values"))


def _make_workflow_scheme(bench: Bench, row: Record) -> str:
    """Make a scheme of the workflows that are there; types and workflows that are not are left to its default one."""
    known = {
        str(members_of(found).get("name"))
        for found in bench.source.rows("workflow")
        if bench.mapped("workflow", found.id) is not None
    }
    source = members_of(row)
    mappings = {
        type_id: name
        for source_type, name in (source.get("issueTypeMappings") or {}).items()
        if name in known and (type_id := bench.mapped("issue_type", source_type)) is not None
    }
    body = {**text_of(row, "name", "description"), "issueTypeMappings": mappings}
    if source.get("defaultWorkflow") in known:
        body["defaultWorkflow"] = source["defaultWorkflow"]
    return made_id(bench.calls.send("POST", f"{API}/workflowscheme", body))


def _permission_schemes(bench: Bench) -> Iterable[Present]:
    return listed(list_of(bench.calls.get(f"{API}/permissionscheme"), "permissionSchemes"))


def _make_permission_scheme(bench: Bench, row: Record) -> str:
    grants = []
    for grant in members_of(row).get("permissions") or []:
        holder = moved_holder(bench, row, grant.get("holder") or {})
        if holder is not None:
            grants.append({"permission": grant.get("permission"), "holder": holder})
    body = {**text_of(row, "name", "description"), "permissions": grants}
    return made_id(bench.calls.send("POST", f"{API}/permissionscheme", body))


def moved_holder(bench: Bench, row: Record, holder: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give who holds something with the target's id; None where the target has nobody, which is noted."""
    kind = str(holder.get("type"))
    named = holder.get("value") or holder.get("parameter")
    if named in (None, ""):
        return {"type": kind}
    found = _recipient(bench, row, kind, str(named))
    return None if found is None else {"type": kind, "value": found, "parameter": found}


def _recipient(bench: Bench, row: Record, kind: str, named: str) -> str | None:
    """Give the target's id of who holds something; where there is none, a word, and None."""
    noun = _HOLDERS.get(kind.lower())
    found: str | None = named
    if noun == _PERSON:
        found = named if bench.is_same_site else bench.person(named)
    elif noun == _GROUP:
        found = named if bench.is_same_site else _group(bench, named)
    elif noun == _ROLE:
        found = _role(bench, named)
    elif noun == "field":
        found = bench.mapped("field", named) or (named if bench.is_same_site else None)
    if found is None:
        reason = f"the target does not have it: {row.kind.replace('_', ' ')} without it"
        bench.findings.adjust(Adjustment(row.kind, row.id, f"{kind} {named}", reason, is_impossible=True))
    return found


def _group(bench: Bench, named: str) -> str | None:
    """Find a group that was brought by name: it may be named by either."""
    for row in bench.source.rows("group"):
        if named == row.id or key_of(named) == key_of(members_of(row).get("name")):
            return bench.mapped("group", row.id)
    return None


def _role(bench: Bench, named: str) -> str | None:
    mapped = bench.mapped("role", named)
    if mapped is not None or bench.is_same_site:
        return mapped or named
    row = bench.source.by_id("role").get(named)
    wanted = key_of(members_of(row).get("name")) if row is not None else ""
    roles = bench.calls.get(f"{API}/role")
    for item in roles if isinstance(roles, list) else []:
        if isinstance(item, dict) and key_of(item.get("name")) == wanted:
            return str(item.get("id"))
    return None


def _notification_schemes(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/notificationscheme", "values"))


def _make_notification_scheme(bench: Bench, row: Record) -> str:
    events = []
    for entry in members_of(row).get("notificationSchemeEvents") or []:
        told = [
            made
            for item in entry.get("notifications") or []
            if (made := moved_notification(bench, row, item)) is not None
        ]
        if told:
            events.append({"event": {"id": str(entry["event"]["id"])}, "notifications": told})
    body = {**text_of(row, "name", "description"), "notificationSchemeEvents": events}
    return made_id(bench.calls.send("POST", f"{API}/notificationscheme", body))


def moved_notification(bench: Bench, row: Record, item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give who is told of an event with the target's id; None where the target has nobody, which is noted."""
    kind = str(item.get("notificationType"))
    named = item.get("recipient") or item.get("parameter")
    if named in (None, ""):
        return {"notificationType": kind}
    found = _recipient(bench, row, kind, str(named))
    return None if found is None else {"notificationType": kind, "parameter": found}


def _security_schemes(bench: Bench) -> Iterable[Present]:
    return listed(list_of(bench.calls.get(f"{API}/issuesecurityschemes"), "issueSecuritySchemes"))


def _make_security_scheme(bench: Bench, row: Record) -> str:
    levels = [
        new_level(bench, row, level)
        for level in bench.source.rows("security_level")
        if str(members_of(level).get("issueSecuritySchemeId")) == row.id
    ]
    body = {**text_of(row, "name", "description"), "levels": levels}
    return made_id(bench.calls.send("POST", f"{API}/issuesecurityschemes", body))


def new_level(bench: Bench, scheme: Record, level: Record) -> dict[str, Any]:
    """Give a level of a scheme as it is made."""
    return {
        **text_of(level, "name", "description"),
        "isDefault": members_of(level).get("isDefault") is True,
        "members": level_members(bench, scheme, level.id),
    }


def level_members(
    bench: Bench,
    scheme: Record,
    level_id: str,
    is_wanted: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> list[dict[str, Any]]:
    """Give who is in a level with the target's ids."""
    members = []
    for row in bench.source.rows("security_level_member"):
        source = members_of(row).get("holder") or {}
        if str(members_of(row).get("issueSecurityLevelId")) != level_id or not is_wanted(source):
            continue
        holder = moved_holder(bench, scheme, source)
        if holder is not None:
            member = {"type": holder["type"]}
            members.append({**member, "parameter": holder["value"]} if "value" in holder else member)
    return members


def map_levels(bench: Bench) -> None:
    """Say which level of the target stands for each of the snapshot's: the one of its name in the scheme that is followed."""
    source_id = bench.need.schemes.get("security_scheme", "")
    scheme_id = bench.mapped("security_scheme", source_id)
    if scheme_id is None or bench.is_same_site:
        return
    query = {"schemeId": scheme_id}
    there = {
        key_of(item.get("name")): str(item.get("id"))
        for item in bench.calls.get_all(f"{API}/issuesecurityschemes/level", "values", query)
        if str(item.get("issueSecuritySchemeId")) == scheme_id
    }
    for row in bench.source.rows("security_level"):
        found = there.get(key_of(members_of(row).get("name")))
        if found is not None and str(members_of(row).get("issueSecuritySchemeId")) == source_id:
            bench.id_map.put("security_level", row.id, found)


TYPE_SCHEMES = Noun("issue_type_scheme", "issue type schemes", _type_schemes, _make_type_scheme)
WORKFLOW_SCHEMES = Noun("workflow_scheme", "workflow schemes", _workflow_schemes, _make_workflow_scheme)
PERMISSION_SCHEMES = Noun(
    "permission_scheme", "permission schemes", _permission_schemes, _make_permission_scheme
)
NOTIFICATION_SCHEMES = Noun(
    "notification_scheme", "notification schemes", _notification_schemes, _make_notification_scheme
)
SECURITY_SCHEMES = Noun("security_scheme", "issue security schemes", _security_schemes, _make_security_scheme)
