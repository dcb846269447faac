"""Groups with their members: known by name, because ids belong to the organisation.

What belongs here: making a group, and putting into it whom the target knows.

What stays out: who is in a project's role (`engine.restore.place`), and accounts: they belong to Atlassian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    key_of,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jira_backup_pipeline.domain.records import Record


def _present(bench: Bench) -> Iterable[Present]:
    found = bench.calls.get_all(f"{API}/group/bulk", "values")
    return [Present(str(item.get("groupId")), key_of(item.get("name"))) for item in found]


def _make(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", f"{API}/group", text_of(row, "name")), "groupId")


def _members(bench: Bench, group_id: str) -> set[str]:
    query = {"groupId": group_id, "includeInactiveUsers": "true"}
    return {
        str(item.get("accountId")) for item in bench.calls.get_all(f"{API}/group/member", "values", query)
    }


def missing_members(bench: Bench, row: Record, group_id: str) -> tuple[list[str], list[str]]:
    """Give who of the snapshot's members is not in a group although the target knows them, and who is in it besides."""
    there = _members(bench, group_id)
    members = [
        str(members_of(member).get("accountId"))
        for member in bench.source.rows("group_member")
        if member.id.split("/")[0] == row.id
    ]
    wanted = [found for account_id in members if (found := bench.person(account_id)) is not None]
    more = sorted(there - set(wanted) - set(members))
    return [account_id for account_id in wanted if account_id not in there], more


def add_missing(bench: Bench, row: Record, group_id: str) -> None:
    """Put into a group whom it lacks of those that the target knows."""
    for account_id in missing_members(bench, row, group_id)[0]:
        reason = _added(bench, group_id, account_id)
        if reason is not None:
            bench.findings.adjust(Adjustment("group", row.id, account_id, reason))


def _fill(bench: Bench, row: Record, group_id: str) -> None:
    """Put everybody into a group that the restore made itself whom the target knows."""
    there = _members(bench, group_id)
    for member in bench.source.rows("group_member"):
        account_id = str(members_of(member).get("accountId"))
        on_target = bench.person(account_id)
        if member.id.split("/")[0] != row.id or on_target in there:
            continue
        reason: str | None = "the account is not active on the target"
        if on_target is not None:
            reason = _added(bench, group_id, on_target)
        if reason is not None:
            bench.findings.adjust(Adjustment("group", row.id, account_id, reason, is_impossible=True))


def _added(bench: Bench, group_id: str, account_id: str) -> str | None:
    """Add one member; gives the reason when Jira refuses."""
    try:
        bench.calls.send("POST", f"{API}/group/user", {"accountId": account_id}, {"groupId": group_id})
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        return f"refused by the target: {reason}"
    return None


GROUPS = Noun("group", "groups", _present, _make, fill=_fill)
