"""Properties that apps hung on issues, comments and worklogs: written as they were, under their own keys.

What belongs here: writing them where a call of their own is needed (one idempotent PUT each), and telling the properties of a
snapshot from the marks that a restore itself leaves.

What stays out: properties that go along when a comment or worklog is created (`children`), and their proof
(`compare_records`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.stages import Restoration, Task, run_stage
from jira_backup_pipeline.engine.restore.target import ORIGIN_PROPERTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record

KIND: Final = "issue_property"
# How Jira keeps `jsdPublic`; it is written and compared as that.
INTERNAL_PROPERTY: Final = "sd.public.comment"
# Fifty issues go in one call, whose body should stay well under a few megabytes.
_MOST_CARRIED: Final = 10
_LARGEST_CARRIED: Final = 2048
EMPTY_PROPERTY: Final = "jira takes no empty value for a property"


def restore_properties(restoration: Restoration) -> None:
    """Write the properties of every written issue; a second time changes nothing."""

    def act(task: Task, _: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        target = restoration.id_map.issue(task.issue_id)
        if target is None:
            return None
        if is_empty_property(task.record.value):
            restoration.findings.adjust(
                Adjustment(KIND, task.source_id, "value", EMPTY_PROPERTY, is_impossible=True)
            )
            return None
        path = f"/rest/api/3/issue/{target.id}/properties/{quote(task.record.id, safe='')}"
        restoration.calls.send("PUT", path, task.record.value)
        return None

    open_issues = restoration.written_issues - restoration.carried
    tasks = (
        Task(KIND, property_name(row), str(row.issue_id), row)
        for row in restoration.view.rows(KIND, restoration.written_issues)
        if row.id != ORIGIN_PROPERTY and (row.issue_id in open_issues or not is_light(row))
    )
    run_stage(restoration, "properties", tasks, act)


def carried_properties(rows: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """Give by issue what goes along with the creation: one request less for each, and it cannot be half done.

    An issue whose properties are many or large gets them afterwards, one by one.
    """
    by_issue: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.id != ORIGIN_PROPERTY and is_light(row):
            by_issue.setdefault(str(row.issue_id), []).append({"key": row.id, "value": row.value})
    return {issue_id: found for issue_id, found in by_issue.items() if len(found) <= _MOST_CARRIED}


def is_light(row: Record) -> bool:
    """Tell whether a property may go along with the creation of its issue."""
    return len(row.raw) <= _LARGEST_CARRIED and not is_empty_property(row.value)


def property_name(row: Record) -> str:
    """Name a property record: the same key is on many issues."""
    return f"{row.issue_id}/{row.id}"


def is_empty_property(value: object) -> bool:
    """Tell whether Jira refuses a value as empty, although it once stored it."""
    return value is None or value == ""


def child_properties(record: Record) -> dict[str, Any]:
    """Give the properties of a comment or worklog by key, without the marks of a restore and of `jsdPublic`."""
    text = record.extra.get("properties")
    found = json.loads(text) if isinstance(text, str) else []
    return {
        str(entry["key"]): entry.get("value")
        for entry in found
        if isinstance(entry, dict) and entry.get("key") not in (None, ORIGIN_PROPERTY, INTERNAL_PROPERTY)
    }


def writable_properties(record: Record) -> list[dict[str, Any]]:
    """Give the properties of a comment or worklog in the form that creates them."""
    return [
        {"key": key, "value": value}
        for key, value in child_properties(record).items()
        if not is_empty_property(value)
    ]


def repair_child_properties(
    restoration: Restoration, record: Record, path: str, present: Mapping[str, Any]
) -> None:
    """Write the snapshot's properties over what differs on a comment or worklog that is there already."""
    shown = {
        entry.get("key"): entry.get("value")
        for entry in present.get("properties") or []
        if isinstance(entry, dict)
    }
    for entry in writable_properties(record):
        if entry["key"] not in shown or shown[entry["key"]] != entry["value"]:
            key = quote(entry["key"], safe="")
            restoration.calls.send("PUT", f"{path}/properties/{key}", entry["value"])
