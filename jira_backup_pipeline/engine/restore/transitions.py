"""Taking transitions: many issues in one bulk operation, and whoever it failed on alone.

What belongs here: the calls, waiting for the operation, and Jira's reasons for each issue that did not move.

What stays out: which transition leads where (`statuses`, `workflow_paths`), and resolutions (`closing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AnswerLost,
    BackupPipelineError,
    CredentialsRejected,
    NotFound,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.tasks import await_bulk_operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jira_backup_pipeline.engine.restore.stages import Restoration

_API = "/rest/api/3"
# The documented limit of one operation.
BULK_ISSUES = 1000
# One bulk call pays off from here on; below, single transitions are as cheap and need no waiting.
_BULK_FROM = 3


class Transitions:
    """Takes transitions for a restore; once Jira has refused to change issues in bulk, all go alone."""

    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        self._can_bulk = True

    def take(
        self, steps: Mapping[str, Sequence[str]], resolutions: Mapping[str, str]
    ) -> dict[str, str] | None:
        """Let issues of the target take a transition each, at most `BULK_ISSUES` at once.

        `resolutions` has the resolution that an issue is to have, by the issue's id: a transition whose screen demands one gets it.
        Gives Jira's reasons by issue id for those that it refused to move. None: an answer was lost, and only a look at the
        issues can tell.
        """
        if self._can_bulk and sum(len(issue_ids) for issue_ids in steps.values()) >= _BULK_FROM:
            try:
                steps = self._left_by_bulk(steps)
            except AnswerLost:
                return None
        return self._take_singly(steps, resolutions)

    def _left_by_bulk(self, steps: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """Run the operation, and give the transitions that it did not bring about."""
        inputs = [
            {"transitionId": transition_id, "selectedIssueIdsOrKeys": list(issue_ids)}
            for transition_id, issue_ids in steps.items()
        ]
        body = {"bulkTransitionInputs": inputs, "sendBulkNotification": False}
        try:
            answer = self._restoration.calls.send("POST", f"{_API}/bulk/issues/transition", body)
        except CredentialsRejected:
            raise
        except (WriteRefused, AccessDenied, NotFound):
            # Bulk change is a permission of its own; without it issues are moved one by one.
            self._can_bulk = False
            return steps
        end = await_bulk_operation(self._restoration, answer)
        processed = end.get("processedAccessibleIssues")
        done = {str(issue_id) for issue_id in processed} if isinstance(processed, list) else set()
        return {
            transition_id: left
            for transition_id, issue_ids in steps.items()
            if (left := [issue_id for issue_id in issue_ids if issue_id not in done])
        }

    def _take_singly(
        self, steps: Mapping[str, Sequence[str]], resolutions: Mapping[str, str]
    ) -> dict[str, str] | None:
        refused: dict[str, str] = {}
        for transition_id, issue_ids in steps.items():
            for issue_id in issue_ids:
                try:
                    self._take_one(transition_id, issue_id, resolutions.get(issue_id))
                except AnswerLost:
                    return None
                except BackupPipelineError as error:
                    reason = item_reason(error)
                    if reason is None:
                        raise
                    refused[issue_id] = reason
        return refused

    def _take_one(self, transition_id: str, issue_id: str, resolution_id: str | None) -> None:
        path, body = f"{_API}/issue/{issue_id}/transitions", {"transition": {"id": transition_id}}
        try:
            self._restoration.calls.send("POST", path, body)
        except WriteRefused as refusal:
            if resolution_id is None or not _asks_for_resolution(refusal):
                raise
            # Only where Jira asks for it: a screen without the field refuses it just as well.
            self._restoration.calls.send(
                "POST", path, body | {"fields": {"resolution": {"id": resolution_id}}}
            )


def _asks_for_resolution(refusal: WriteRefused) -> bool:
    return "resolution" in refusal.field_errors or any(
        "resolution" in message.lower() for message in refusal.error_messages
    )
