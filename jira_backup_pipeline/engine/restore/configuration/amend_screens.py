"""Bringing screens and their schemes to the snapshot's state: tabs and fields added, moved and ordered, mappings set.

What belongs here: the calls for screens, screen schemes and issue type screen schemes that were matched.

What stays out: making them (`screens`), and what differs (`differences`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.facts import TABS
from jira_backup_pipeline.engine.restore.configuration.need import fields_of_tab, screen_scheme_items, tabs_of
from jira_backup_pipeline.engine.restore.configuration.noun import API, Bench, made_id
from jira_backup_pipeline.engine.restore.configuration.screens import array, target_field
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.order import in_order
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from jira_backup_pipeline.domain.records import Record

_OWN = frozenset({"name", "description"})
_DEFAULT = "default"


def amend_screen(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Give a screen the tabs, fields and order that it had. Tabs and fields that it has besides stay behind them."""
    path = f"{API}/screens/{own_id(target)}"
    if _OWN & set(fields):
        bench.calls.send("PUT", path, _own(row))
    present = {str(tab["name"]): str(tab["id"]) for tab in array(bench.calls.get(f"{path}/tabs"))}
    wanted = tabs_of(bench.source, own_id(row))
    for _, name in wanted:
        if name not in present:
            present[name] = made_id(bench.calls.send("POST", f"{path}/tabs", {"name": name}))
    shown = {
        name: [str(item.get("id")) for item in array(bench.calls.get(f"{path}/tabs/{tab_id}/fields"))]
        for name, tab_id in present.items()
    }
    for source_tab, name in wanted:
        if f"tab {name}" in fields:
            _bring_fields(bench, row, source_tab, name, path=path, tabs=present, shown=shown)
    if TABS in fields:
        for place, (_, name) in enumerate(wanted):
            bench.calls.send("POST", f"{path}/tabs/{present[name]}/move/{place}")


def _bring_fields(
    bench: Bench,
    row: Record,
    source_tab: str,
    name: str,
    *,
    path: str,
    tabs: dict[str, str],
    shown: dict[str, list[str]],
) -> None:
    """Put the fields of one tab there; a screen has a field once, so one that lies on another tab is taken off that first."""
    fields = f"{path}/tabs/{tabs[name]}/fields"
    on_target = [target_field(bench, source_id) for source_id in fields_of_tab(bench.source, source_tab)]
    wanted: list[str] = []
    for field_id in on_target:
        if field_id is None:
            continue
        if field_id not in shown[name]:
            elsewhere = next((other for other, listed in shown.items() if field_id in listed), None)
            if elsewhere is not None:
                bench.calls.send("DELETE", f"{path}/tabs/{tabs[elsewhere]}/fields/{field_id}")
                shown[elsewhere].remove(field_id)
            if not _put(bench, row, fields, field_id):
                continue
            shown[name].append(field_id)
        wanted.append(field_id)
    for field_id, place in moves_for(wanted, shown[name]):
        bench.calls.send("POST", f"{fields}/{field_id}/move", place)


def _put(bench: Bench, row: Record, path: str, field_id: str) -> bool:
    try:
        bench.calls.send("POST", path, {"fieldId": field_id})
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        words = f"refused by the target: {reason}"
        bench.findings.adjust(Adjustment("screen", row.id, field_id, words, is_impossible=True))
        return False
    return True


def moves_for(wanted: Sequence[str], present: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the fewest moves that bring fields into an order; those that already stand in it stay."""
    standing = in_order([f"{present.index(field_id):06}" for field_id in wanted])
    for number, field_id in enumerate(wanted):
        if number not in standing:
            yield field_id, {"after": wanted[number - 1]} if number else {"position": "First"}


def _own(row: Record) -> dict[str, str]:
    members = members_of(row)
    return {"name": str(members.get("name")), "description": str(members.get("description") or "")}


def amend_screen_scheme(bench: Bench, row: Record, target: Record, _: Collection[str]) -> None:
    """Give a screen scheme the screens that it had; purposes that it has besides keep theirs."""
    screens = members_of(row).get("screens") or {}
    found = {purpose: bench.mapped("screen", screen_id) for purpose, screen_id in screens.items()}
    known = {purpose: screen_id for purpose, screen_id in found.items() if screen_id is not None}
    bench.calls.send("PUT", f"{API}/screenscheme/{own_id(target)}", {**_own(row), "screens": known})


def amend_type_screen_scheme(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Give issue types the screen schemes that they had. A mapping can be added only, so one that differs is taken off first."""
    path = f"{API}/issuetypescreenscheme/{own_id(target)}"
    if _OWN & set(fields):
        bench.calls.send("PUT", path, _own(row))
    present = {
        str(members_of(item).get("issueTypeId")): str(members_of(item).get("screenSchemeId"))
        for item in bench.target.rows("issue_type_screen_scheme_item")
        if str(members_of(item).get("issueTypeScreenSchemeId")) == own_id(target)
    }
    added: list[dict[str, str]] = []
    for item in screen_scheme_items(bench.source, own_id(row)):
        source_type = str(members_of(item).get("issueTypeId"))
        type_id = _DEFAULT if source_type == _DEFAULT else bench.mapped("issue_type", source_type)
        scheme_id = bench.mapped("screen_scheme", members_of(item).get("screenSchemeId"))
        if type_id is None or scheme_id is None or present.get(type_id) == scheme_id:
            continue
        if type_id == _DEFAULT:
            bench.calls.send("PUT", f"{path}/mapping/default", {"screenSchemeId": scheme_id})
        else:
            added.append({"issueTypeId": type_id, "screenSchemeId": scheme_id})
    changed = [item["issueTypeId"] for item in added if item["issueTypeId"] in present]
    if changed:
        bench.calls.send("POST", f"{path}/mapping/remove", {"issueTypeIds": changed})
    if added:
        bench.calls.send("PUT", f"{path}/mapping", {"issueTypeMappings": added})
