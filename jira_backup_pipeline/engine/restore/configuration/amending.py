"""Bringing what was matched to the snapshot's state: one noun at a time, under the journal, with the policy `update` only.

What belongs here: which matched things differ, the loop over them, and the calls for things that have plain members.

What stays out: what differs (`differences`), and things made of several (`amend_screens`, `amend_schemes`,
`amend_workflows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.amend_schemes import (
    amend_notification_scheme,
    amend_permission_scheme,
    amend_security_scheme,
    amend_type_scheme,
    amend_workflow_scheme,
)
from jira_backup_pipeline.engine.restore.configuration.amend_screens import (
    amend_screen,
    amend_screen_scheme,
    amend_type_screen_scheme,
)
from jira_backup_pipeline.engine.restore.configuration.amend_workflows import amend_workflow
from jira_backup_pipeline.engine.restore.configuration.dashboards import amend_dashboard
from jira_backup_pipeline.engine.restore.configuration.differences import STAYS, changes_of, words_of
from jira_backup_pipeline.engine.restore.configuration.field_configurations import (
    amend_field_configuration,
    amend_field_configuration_scheme,
)
from jira_backup_pipeline.engine.restore.configuration.field_schemes import amend_field_scheme
from jira_backup_pipeline.engine.restore.configuration.groups import add_missing, missing_members
from jira_backup_pipeline.engine.restore.configuration.making import run_tasks
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, is_fatal, refusals
from jira_backup_pipeline.engine.restore.configuration.piece import Action, Change, Piece
from jira_backup_pipeline.engine.restore.configuration.priority_schemes import amend_priority_scheme
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.noun import Noun
    from jira_backup_pipeline.engine.restore.journal import Journal

    Amend = Callable[[Bench, Record, Record, Collection[str]], None]

# Address and members of what is changed by one call that takes plain members.
_PLAIN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "link_type": (f"{API}/issueLinkType", ("name", "inward", "outward")),
    "resolution": (f"{API}/resolution", ("name", "description")),
    "priority": (f"{API}/priority", ("name", "description", "statusColor")),
    "role": (f"{API}/role", ("name", "description")),
    "issue_type": (f"{API}/issuetype", ("name", "description")),
}


def with_changes(bench: Bench, piece: Piece, row: Record) -> Piece:
    """Say of a matched piece what differs, and whether it will be brought to the snapshot's state."""
    found = _changes(bench, row)
    is_changed = bench.is_update and any(not change.hindrance for change in found)
    return Piece(
        piece.kind,
        piece.source_id,
        piece.name,
        Action.UPDATE if is_changed else piece.action,
        piece.note,
        found,
    )


def _changes(bench: Bench, row: Record) -> tuple[Change, ...]:
    target_id = bench.mapped(row.kind, own_id(row))
    if target_id is None or (row.kind, own_id(row)) not in bench.matched:
        return ()
    try:
        found = changes_of(bench, row, target_id)
        # A group may have ten thousand members: they are read where they will be completed.
        if row.kind != "group" or not bench.is_update:
            return found
        missing, more = missing_members(bench, row, target_id)
    except refusals() as error:
        if is_fatal(error):
            raise
        return (Change("record", "not shown", "", f"the target does not let it be compared: {error}"),)
    added = [Change("members", "", words_of(missing))] if missing else []
    kept = [Change("members, more there", words_of(more), "", STAYS)] if more else []
    return (*found, *added, *kept)


def amend(bench: Bench, noun: Noun, wanted: Sequence[Record], journal: Journal) -> bool:
    """Bring what was matched of a noun to the snapshot's state; tells whether anything had to be.

    Everything is compared again before it is written, so doing it twice writes once.
    """
    if not bench.is_update:
        return False
    stage = f"configuration: {noun.title} brought to the snapshot's state"
    done = journal.stage(stage).done
    rows = [
        row
        for row in wanted
        if own_id(row) not in done and any(not change.hindrance for change in _changes(bench, row))
    ]
    if not rows:
        return False

    def act(row: Record, *, must_look: bool) -> str | None:
        if must_look:
            bench.target.forget()
        target_id = bench.mapped(row.kind, own_id(row)) or ""
        target = bench.target.find(row.kind, target_id)
        fields = {change.field for change in _changes(bench, row) if not change.hindrance}
        if target is not None and fields:
            _AMENDS[noun.kind](bench, row, target, fields)
        return target_id

    try:
        run_tasks(bench, stage, rows, act, journal)
    finally:
        bench.target.forget()
    return True


def _amend_plain(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    path, names = _PLAIN[row.kind]
    bench.calls.send("PUT", f"{path}/{own_id(target)}", _body(row, names))


def _body(row: Record, names: Sequence[str]) -> dict[str, Any]:
    """Give members as they are sent: an empty description is sent too, for the target may have one."""
    members = members_of(row)
    found = {name: members.get(name) for name in names}
    return {name: value or "" for name, value in found.items() if value or name == "description"}


def _amend_status(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    body = {"id": own_id(target), **_body(row, ("name", "description", "statusCategory"))}
    bench.calls.send("PUT", f"{API}/statuses", {"statuses": [body]})


def _amend_field(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    detail = bench.source.by_id("field_detail").get(own_id(row))
    described = members_of(detail).get("description") if detail is not None else None
    body = {"name": members_of(row).get("name"), "description": described or ""}
    bench.calls.send("PUT", f"{API}/field/{own_id(target)}", body)


def _amend_group(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    add_missing(bench, row, own_id(target))


_AMENDS: Mapping[str, Amend] = {
    **dict.fromkeys(_PLAIN, _amend_plain),
    "group": _amend_group,
    "status": _amend_status,
    "field": _amend_field,
    "screen": amend_screen,
    "screen_scheme": amend_screen_scheme,
    "issue_type_screen_scheme": amend_type_screen_scheme,
    "issue_type_scheme": amend_type_scheme,
    "workflow": amend_workflow,
    "workflow_scheme": amend_workflow_scheme,
    "permission_scheme": amend_permission_scheme,
    "notification_scheme": amend_notification_scheme,
    "security_scheme": amend_security_scheme,
    "priority_scheme": amend_priority_scheme,
    "dashboard": amend_dashboard,
    "field_configuration": amend_field_configuration,
    "field_configuration_scheme": amend_field_configuration_scheme,
    "field_scheme": amend_field_scheme,
}
