"""What only shows at the end of a restore: resolutions that no transition set, and nobody watching who did not before.

What belongs here: one look at each written issue, and the edits that follow from it.

What stays out: moving issues (`statuses`), and watchers of the snapshot (`relations`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AnswerLost,
    BackupPipelineError,
    CredentialsRejected,
    NotFound,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.relations import watchers_of
from jira_backup_pipeline.engine.restore.snapshot import fields_of
from jira_backup_pipeline.engine.restore.tasks import await_bulk_operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.stages import Restoration

_API = "/rest/api/3"


def close_issues(restoration: Restoration, rows: Mapping[str, Record]) -> None:
    """Set the resolutions that the workflows did not, and take the restoring account off as a watcher."""
    watchers = restoration.view.grouped("watcher", set(rows))
    by_target = {
        target.id: source_id
        for source_id in rows
        if (target := restoration.id_map.issue(source_id)) is not None
    }
    unasked = []
    for item in restoration.calls.fetch_issues(by_target, fields=("resolution", "watches")):
        source_id, target_id = by_target[str(item["id"])], str(item["id"])
        found = item.get("fields")
        fields: dict[str, Any] = found if isinstance(found, dict) else {}
        _resolve(restoration, rows[source_id], target_id, fields.get("resolution"))
        if not _watched(restoration, source_id, watchers) and _watches(
            restoration, target_id, fields.get("watches")
        ):
            unasked.append(target_id)
        restoration.progress.advance()
    if unasked:
        _unwatch(restoration, unasked, by_target)


def _watches(restoration: Restoration, target_id: str, told: object) -> bool:
    """Tell whether the restoring account watches an issue; where Jira counts watchers and does not say so, they are looked at."""
    watches = told if isinstance(told, dict) else {}
    is_watching = watches.get("isWatching")
    if isinstance(is_watching, bool) or not watches.get("watchCount"):
        return is_watching is True
    try:
        answer = restoration.calls.get(f"{_API}/issue/{target_id}/watchers")
    except (AccessDenied, NotFound):
        # Watchers that nobody may see are not taken off: the proof says what it finds.
        return False
    account_id = restoration.matches.site.account_id
    return any(str(one.get("accountId")) == account_id for one in list_of(answer, "watchers"))


def _watched(restoration: Restoration, source_id: str, watchers: Mapping[str, list[Record]]) -> bool:
    """Tell whether the restoring account watched an issue of the snapshot, or watches what was there already."""
    account_id = restoration.matches.site.account_id
    return not restoration.is_new(source_id) or account_id in {
        restoration.matches.mentioned(watcher) for watcher in watchers_of(watchers, source_id)
    }


def resolution_of(row: Record) -> dict[str, Any] | None:
    """Give the resolution of an issue of the snapshot."""
    found = fields_of(row).get("resolution")
    return found if isinstance(found, dict) else None


def _resolve(restoration: Restoration, row: Record, target_id: str, present: object) -> None:
    wanted = resolution_of(row)
    wanted_id = restoration.matches.resolution(wanted) if wanted is not None else None
    if wanted is not None and wanted_id is None:
        reason = f"the target has no resolution named {wanted.get('name')}"
        restoration.findings.adjust(Adjustment("issue", row.id, "resolution", reason))
        return
    present_id = str(present.get("id")) if isinstance(present, dict) else None
    if wanted_id == present_id:
        return
    fields = {"resolution": {"id": wanted_id} if wanted_id is not None else None}
    request = ("PUT", f"{_API}/issue/{target_id}", {"fields": fields}, restoration.notify)
    _send_value(restoration, row.id, "resolution", request)


def _unwatch(restoration: Restoration, target_ids: list[str], by_target: Mapping[str, str]) -> None:
    """Take the restoring account off again: Jira lets it watch whatever it creates."""
    try:
        answer = restoration.calls.send(
            "POST", f"{_API}/bulk/issues/unwatch", {"selectedIssueIdsOrKeys": target_ids}
        )
    except CredentialsRejected:
        raise
    except (AnswerLost, WriteRefused, AccessDenied, NotFound):
        query = {"accountId": restoration.matches.site.account_id}
        for target_id in target_ids:
            path = f"{_API}/issue/{target_id}/watchers"
            _send_value(restoration, by_target[target_id], "watches", ("DELETE", path, None, query))
    else:
        await_bulk_operation(restoration, answer)


def _send_value(
    restoration: Restoration, source_id: str, name: str, request: tuple[str, str, object, Mapping[str, str]]
) -> None:
    """Send what may be sent twice; a refusal is noted beside the value."""
    method, path, body, query = request
    try:
        try:
            restoration.calls.send(method, path, body, query or None)
        except AnswerLost:
            restoration.calls.send(method, path, body, query or None)
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        restoration.findings.adjust(Adjustment("issue", source_id, name, f"refused by the target: {reason}"))
