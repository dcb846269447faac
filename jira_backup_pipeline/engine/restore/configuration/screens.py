"""Screens with their tabs and fields, screen schemes, and which of them an issue type has.

What belongs here: making them, and completing a screen tab by tab.

What stays out: which screens are wanted (`need`), and what a create takes in the end (`engine.restore.screens`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.need import fields_of_tab, screen_scheme_items, tabs_of
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    listed,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jira_backup_pipeline.domain.records import Record

_DEFAULT = "default"


def _screens(bench: Bench) -> Iterable[Present]:
    found = bench.calls.get_all(f"{API}/screens", "values", {"maxResults": "100"})
    return listed(item for item in found if not item.get("scope"))


def _make_screen(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", f"{API}/screens", text_of(row, "name", "description")))


def _fill_screen(bench: Bench, row: Record, screen_id: str) -> None:
    """Give a screen the tabs and fields that it had. What is there already stays; Jira brings a first tab."""
    path = f"{API}/screens/{screen_id}/tabs"
    present = {str(tab["name"]): str(tab["id"]) for tab in array(bench.calls.get(path))}
    wanted = tabs_of(bench.source, row.id)
    spare = [name for name in present if name not in {name for _, name in wanted}]
    for tab_id, name in wanted:
        if name not in present and spare:
            first = spare.pop(0)
            bench.calls.send("PUT", f"{path}/{present[first]}", {"name": name})
            present[name] = present.pop(first)
        elif name not in present:
            present[name] = made_id(bench.calls.send("POST", path, {"name": name}))
        _fill_tab(bench, row, tab_id, f"{path}/{present[name]}/fields")


def _fill_tab(bench: Bench, screen: Record, tab_id: str, path: str) -> None:
    there = {str(item.get("id")) for item in array(bench.calls.get(path))}
    for source_id in fields_of_tab(bench.source, tab_id):
        target_id = target_field(bench, source_id)
        if target_id in there:
            continue
        if target_id is None:
            _left_out(bench, screen, source_id, "the field is not on the target")
            continue
        try:
            bench.calls.send("POST", path, {"fieldId": target_id})
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
            _left_out(bench, screen, source_id, f"refused by the target: {reason}")


def _left_out(bench: Bench, screen: Record, source_id: str, reason: str) -> None:
    bench.findings.adjust(Adjustment("screen", screen.id, source_id, reason, is_impossible=True))


def target_field(bench: Bench, source_id: str) -> str | None:
    """Give the target's id of a field: system fields have the same one everywhere."""
    return bench.mapped("field", source_id) if source_id.startswith("customfield_") else source_id


def _screen_schemes(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/screenscheme", "values", {"maxResults": "25"}))


def _screen_ids(bench: Bench, row: Record) -> dict[str, str | None]:
    screens = members_of(row).get("screens")
    return {
        purpose: bench.mapped("screen", screen_id)
        for purpose, screen_id in (screens if isinstance(screens, dict) else {}).items()
    }


def _make_screen_scheme(bench: Bench, row: Record) -> str:
    screens = {purpose: int(found) for purpose, found in _screen_ids(bench, row).items() if found is not None}
    body = {**text_of(row, "name", "description"), "screens": screens}
    return made_id(bench.calls.send("POST", f"{API}/screenscheme", body))


def _type_screen_schemes(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/issuetypescreenscheme", "values"))


def _make_type_screen_scheme(bench: Bench, row: Record) -> str:
    mappings = []
    for item in screen_scheme_items(bench.source, row.id):
        members = members_of(item)
        source_type = str(members.get("issueTypeId"))
        type_id = _DEFAULT if source_type == _DEFAULT else bench.mapped("issue_type", source_type)
        scheme_id = bench.mapped("screen_scheme", members.get("screenSchemeId"))
        if type_id is not None and scheme_id is not None:
            mappings.append({"issueTypeId": type_id, "screenSchemeId": scheme_id})
    body = {**text_of(row, "name", "description"), "issueTypeMappings": mappings}
    return made_id(bench.calls.send("POST", f"{API}/issuetypescreenscheme", body))


def array(value: object) -> list[dict[str, Any]]:
    """Give the objects of an answer that is a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


SCREENS = Noun("screen", "screens", _screens, _make_screen, fill=_fill_screen)
SCREEN_SCHEMES = Noun("screen_scheme", "screen schemes", _screen_schemes, _make_screen_scheme)
TYPE_SCREEN_SCHEMES = Noun(
    "issue_type_screen_scheme",
    "issue type screen schemes",
    _type_screen_schemes,
    _make_type_screen_scheme,
)
