"""Filters that ask about a project: made with the query for the new place, shared with whom the target has, given to their owner.

What belongs here: which filters those are, knowing one again by name and query, shares and owner.

What stays out: rewriting a query's text (`jql`), and boards (`boards`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError, WriteRefused
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.jql import moved_jql, projects_in
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, made_id, text_of
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource

_OPEN_SHARES = frozenset({"global", "loggedin", "authenticated"})


def filters_about(source: ConfigurationSource, project_id: str) -> list[Record]:
    """Give the filters whose query names the project, by its id or key."""
    names = {project_id, source_key(source)}
    return [
        row for row in source.rows("filter") if names & projects_in(str(members_of(row).get("jql") or ""))
    ]


def source_key(source: ConfigurationSource) -> str:
    """Give the key that the project had."""
    project = next(iter(source.project_rows("project")), None)
    return str(members_of(project).get("key")) if project is not None else ""


def moved_query(bench: Bench, jql: str, key: str) -> str:
    """Give a query for the target: its project, fields and issues; `key` is the target project's."""
    projects = {source_key(bench.source): key, bench.need.project_id: str(bench.project_id)}
    return moved_jql(jql, projects=projects, fields=bench.id_map.of("field"), keys=bench.id_map.keys)


def bring_filter(bench: Bench, row: Record, key: str) -> str:
    """Find the filter of that name and query, or make it and give it to its owner. May be called again."""
    wanted = members_of(row)
    jql = moved_query(bench, str(wanted.get("jql") or ""), key)
    present = find_filter(bench, str(wanted.get("name")), jql)
    if present is not None:
        found = str(present.get("id"))
    else:
        body = {**text_of(row, "name", "description"), "jql": jql, "sharePermissions": shares_of(bench, row)}
        found = make_filter(bench, body, key)
    bench.id_map.put("filter", row.id, found)
    # One that somebody else has already was theirs before, or was given to them by an earlier run.
    if present is None or _owner(present) == bench.account_id:
        _give(bench, row, found)
    return found


def _owner(item: Mapping[str, Any]) -> str:
    owner = item.get("owner")
    return str(owner.get("accountId")) if isinstance(owner, dict) else ""


def find_filter(bench: Bench, name: str, jql: str) -> Mapping[str, Any] | None:
    """Find a filter by name and query, whoever owns it, as far as the account may see."""
    query = {"filterName": name, "expand": "jql,owner", "overrideSharePermissions": "true"}
    for item in bench.calls.get_all(f"{API}/filter/search", "values", query):
        if str(item.get("name", "")).startswith(name) and item.get("jql") == jql:
            return item
    return None


def make_filter(bench: Bench, body: Mapping[str, Any], key: str) -> str:
    """Make a filter; an account has a name once, so the project's key tells a second one apart."""
    try:
        return made_id(bench.calls.send("POST", f"{API}/filter", body))
    except WriteRefused as error:
        if "filterName" not in error.field_errors:
            raise
        return made_id(bench.calls.send("POST", f"{API}/filter", {**body, "name": f"{body['name']} ({key})"}))


def _give(bench: Bench, row: Record, filter_id: str) -> None:
    """Give a filter to the account that had it; where that cannot be, the restoring account keeps it."""
    owner = _owner(members_of(row))
    on_target = bench.person(owner) if owner else None
    if not owner or on_target == bench.account_id:
        return
    reason: str | None = "the account is not active on the target"
    if on_target is not None:
        reason = None
        try:
            bench.calls.send("PUT", f"{API}/filter/{filter_id}/owner", {"accountId": on_target})
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
    if reason is not None:
        words = f"{reason}: the restoring account keeps the filter"
        bench.findings.adjust(Adjustment("filter", row.id, "owner", words, is_impossible=True))


def shares_of(bench: Bench, row: Record, member: str = "sharePermissions") -> list[dict[str, Any]]:
    """Give whom a filter or dashboard is shared with, as far as the target has them."""
    kept = []
    for share in members_of(row).get(member) or []:
        moved = _share(bench, share)
        if moved is not None:
            kept.append(moved)
        else:
            reason = f"the target does not have whom the {row.kind} was shared with"
            field = f"shared with {share.get('type')}"
            bench.findings.adjust(Adjustment(row.kind, row.id, field, reason, is_impossible=True))
    return kept


def _share(bench: Bench, share: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = str(share.get("type"))
    if kind in _OPEN_SHARES:
        return {"type": kind}
    if kind == "group":
        group = share.get("group") or {}
        own = group.get("groupId") if bench.is_same_site else None
        mapped = bench.mapped("group", group.get("groupId")) or own
        return {"type": kind, "group": {"groupId": mapped}} if mapped else None
    if kind == "user":
        account_id = bench.person(str((share.get("user") or {}).get("accountId")))
        return {"type": kind, "user": {"accountId": account_id}} if account_id else None
    if kind in {"project", "projectRole"}:
        return _project_share(bench, kind, share)
    return None


def _project_share(bench: Bench, kind: str, share: Mapping[str, Any]) -> dict[str, Any] | None:
    if str((share.get("project") or {}).get("id")) != bench.need.project_id:
        return None
    moved: dict[str, Any] = {"type": kind, "project": {"id": bench.project_id}}
    role = share.get("role")
    if isinstance(role, dict):
        own = str(role.get("id")) if bench.is_same_site else None
        role_id = bench.mapped("role", role.get("id")) or own
        return {**moved, "role": {"id": int(role_id)}} if role_id else None
    return moved
