"""Filters that ask about a project: made with the query for the new place, shared with whom the target has, given to their owner.

What belongs here: which filters those are, knowing one again (by name and query; on its own site by id, or name and owner),
shares and owner.

What stays out: rewriting a query's text (`jql`), and boards (`boards`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError, WriteRefused
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.jql import moved_jql, projects_in
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, made_id, text_of
from jira_backup_pipeline.engine.restore.configuration.piece import Action, Change, Piece
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.target import read_project_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource

_SHOWN = "description,jql,owner"
_OPEN_SHARES = frozenset({"global", "loggedin", "authenticated"})


def filters_about(source: ConfigurationSource, project_id: str) -> list[Record]:
    """Give the filters whose query names the project, by its id or key."""
    names = {project_id, source_key(source)}
    return [
        row for row in source.rows("filter") if names & projects_in(str(members_of(row).get("jql") or ""))
    ]


def filters_about_none(source: ConfigurationSource) -> list[Record]:
    """Give the filters whose query names no project that the site has."""
    known = {
        name for row in source.rows("site_project") for name in (row.id, str(members_of(row).get("key")))
    }
    return [
        row for row in source.rows("filter") if not known & projects_in(str(members_of(row).get("jql") or ""))
    ]


def sharing_people(row: Record) -> Iterator[str]:
    """Give the accounts that a filter or dashboard is shared with."""
    for member in ("sharePermissions", "editPermissions"):
        for share in members_of(row).get(member) or []:
            user = share.get("user")
            if isinstance(user, dict) and user.get("accountId"):
                yield str(user["accountId"])


def source_key(source: ConfigurationSource) -> str:
    """Give the key that the project had."""
    project = next(iter(source.project_rows("project")), None)
    return str(members_of(project).get("key")) if project is not None else ""


def moved_query(bench: Bench, jql: str, key: str) -> str:
    """Give a query for the target: its project, fields and issues; `key` is the target project's."""
    projects = {source_key(bench.source): key, bench.need.project_id: str(bench.project_id)}
    return moved_jql(jql, projects=projects, fields=bench.id_map.of("field"), keys=bench.id_map.keys)


def filter_pieces(bench: Bench) -> Iterator[Piece]:
    """Say of every wanted filter whether it is there; on another site only its query, which moves, will tell."""
    rows = bench.wanted("filter")
    present = listed_filters(bench) if rows else []
    for row in rows:
        found = _its_own(bench, row, present)
        name = str(members_of(row).get("name"))
        if found is not None:
            bench.id_map.put("filter", row.id, str(found.get("id")))
            yield _matched_piece(bench, row, found)
        elif bench.is_update and (same := _elsewhere(bench, row)) is not None:
            yield _matched_piece(bench, row, same)
        else:
            note = "" if bench.is_same_site else "matched by name and query, or made"
            yield Piece("filter", row.id, name, Action.MAKE, note)


def listed_filters(bench: Bench) -> list[Mapping[str, Any]]:
    """Give all filters of the site that the snapshot came from; on another site they are looked for by name."""
    if not bench.is_same_site:
        return []
    query = {"expand": _SHOWN, "overrideSharePermissions": "true"}
    return list(bench.calls.get_all(f"{API}/filter/search", "values", query))


def _its_own(bench: Bench, row: Record, present: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Find a filter on the site that it came from: by its id, else by its name and owner."""
    same = next((item for item in present if str(item.get("id")) == row.id), None)
    name, owner = members_of(row).get("name"), _owner(members_of(row))
    owners = {owner, bench.person(owner) if owner else None} - {None, ""}
    alike = (item for item in present if item.get("name") == name and _owner(item) in owners)
    return same or next(alike, None)


def bring_filter(bench: Bench, row: Record, key: str, present: Sequence[Mapping[str, Any]] = ()) -> str:
    """Find a filter by what it is known by, or make it and give it to its owner. May be called again.

    `present` are the filters of the site where it is the one of the snapshot.
    """
    wanted = members_of(row)
    own = _its_own(bench, row, present)
    jql = moved_query(bench, str(wanted.get("jql") or ""), key)
    if own is not None:
        bench.id_map.put("filter", row.id, str(own.get("id")))
        if bench.is_update:
            _amend_filter(bench, row, own, jql)
        return str(own.get("id"))
    found_one = find_filter(bench, str(wanted.get("name")), jql)
    if found_one is not None and bench.is_same_site and _owner(found_one) != bench.account_id:
        found_one = None  # somebody else's filter of that name and query is another one
    if found_one is None and bench.is_update and not bench.is_same_site:
        found_one = _same_filter(bench, row)
    if found_one is not None:
        found = str(found_one.get("id"))
        if bench.is_update:
            _amend_filter(bench, row, found_one, jql)
    else:
        body = {**text_of(row, "name", "description"), "jql": jql, "sharePermissions": shares_of(bench, row)}
        writers = shares_of(bench, row, "editPermissions")
        body |= {"editPermissions": writers} if writers else {}
        found = make_filter(bench, body, key)
    bench.id_map.put("filter", row.id, found)
    # One that somebody else has already was theirs before, or was given to them by an earlier run.
    if found_one is None or _owner(found_one) == bench.account_id:
        _give(bench, row, found)
    return found


def _matched_piece(bench: Bench, row: Record, present: Mapping[str, Any]) -> Piece:
    """Say of a filter that is there what differs, and whether it will be brought to the snapshot's state."""
    jql = moved_query(bench, str(members_of(row).get("jql") or ""), bench.project_key)
    changes = tuple(_changes(bench, row, present, jql))
    is_changed = bench.is_update and any(not change.hindrance for change in changes)
    action = Action.UPDATE if is_changed else Action.MATCH
    return Piece("filter", row.id, str(members_of(row).get("name")), action, "", changes)


def _elsewhere(bench: Bench, row: Record) -> Mapping[str, Any] | None:
    """Find on another site the filter of that name and query, else the one of that name and owner."""
    if bench.is_same_site:
        return None
    jql = moved_query(bench, str(members_of(row).get("jql") or ""), bench.project_key)
    return find_filter(bench, str(members_of(row).get("name")), jql) or _same_filter(bench, row)


def _same_filter(bench: Bench, row: Record) -> Mapping[str, Any] | None:
    """Find on another site a filter that asks something else by now: by name and owner."""
    name, owner = str(members_of(row).get("name")), bench.person(_owner(members_of(row)))
    query = {"filterName": name, "expand": _SHOWN, "overrideSharePermissions": "true"}
    for item in bench.calls.get_all(f"{API}/filter/search", "values", query):
        if item.get("name") == name and owner is not None and _owner(item) == owner:
            return item
    return None


def _changes(bench: Bench, row: Record, present: Mapping[str, Any], jql: str) -> list[Change]:
    source = members_of(row)
    wanted = {"name": source.get("name"), "description": source.get("description") or "", "query": jql}
    there = {**present, "query": present.get("jql"), "description": present.get("description") or ""}
    reason = "" if _owner(present) in {"", bench.account_id} else "only its owner may change a filter"
    return [
        Change(name, str(there.get(name) or ""), str(value or ""), reason)
        for name, value in wanted.items()
        if value != there.get(name)
    ]


def _amend_filter(bench: Bench, row: Record, present: Mapping[str, Any], jql: str) -> None:
    """Bring a filter to the snapshot's state, but for whom it is shared with."""
    changes = _changes(bench, row, present, jql)
    for change in changes:
        if change.hindrance:
            bench.findings.adjust(
                Adjustment("filter", row.id, change.field, change.hindrance, is_impossible=True)
            )
    if any(not change.hindrance for change in changes):
        source = members_of(row)
        body = {"name": source.get("name"), "description": source.get("description") or "", "jql": jql}
        bench.calls.send("PUT", f"{API}/filter/{present['id']}", body)


def _owner(item: Mapping[str, Any]) -> str:
    owner = item.get("owner")
    return str(owner.get("accountId")) if isinstance(owner, dict) else ""


def find_filter(bench: Bench, name: str, jql: str) -> Mapping[str, Any] | None:
    """Find a filter by name and query, whoever owns it, as far as the account may see."""
    query = {"filterName": name, "expand": _SHOWN, "overrideSharePermissions": "true"}
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
    project = share.get("project") or {}
    target = bench.project_id
    if str(project.get("id")) != bench.need.project_id:
        # On the site that the snapshot came from other projects are there as well, or came back under a new id.
        key = str(project.get("key"))
        target = read_project_id(bench.calls, str(project.get("id")), key) if bench.is_same_site else None
    if target is None:
        return None
    moved: dict[str, Any] = {"type": kind, "project": {"id": target}}
    role = share.get("role")
    if isinstance(role, dict):
        own = str(role.get("id")) if bench.is_same_site else None
        role_id = bench.mapped("role", role.get("id")) or own
        return {**moved, "role": {"id": int(role_id)}} if role_id else None
    return moved
