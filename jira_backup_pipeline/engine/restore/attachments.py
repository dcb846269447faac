"""Attachments: uploaded from blobs that were decrypted and checked as a whole before the first byte leaves.

What belongs here: one upload for each attachment, knowing again what is there already, and the media id that text uses.

What stays out: decryption (`repository.blobs`) and the text that shows the files (`texts`).
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import IntegrityError
from jira_backup_pipeline.engine.restore.findings import Failure
from jira_backup_pipeline.engine.restore.idmap import MEDIA
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.stages import Restoration, Task, run_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.idmap import TargetIssue
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView

STAGE = "attachments"
_KIND = "attachment"
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "%00"})


def restore_attachments(restoration: Restoration) -> None:
    """Upload every attachment of the written issues that the target does not have."""
    _Uploads(restoration).run()


class _Uploads:
    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        written = restoration.written_issues
        self._written = written
        self._shown = restoration.view.shown_media(written.__contains__)
        self._claimed: set[str] = set(restoration.id_map.of(_KIND).values())
        self._lock = threading.Lock()

    def run(self) -> None:
        run_stage(self._restoration, STAGE, self._tasks(), self._upload)

    def _tasks(self) -> Iterator[Task]:
        for row in self._restoration.view.rows(_KIND, self._written):
            yield Task(_KIND, row.id, str(row.issue_id), row)

    def _upload(self, task: Task, must_look: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        issue = self._restoration.id_map.issue(task.issue_id)
        if issue is None:
            return None
        target_id = None
        if must_look or not self._restoration.is_new(task.issue_id):
            target_id = self._find(task, issue.id)
        target_id = target_id or self._send(task, issue.id)
        source_media = task.record.extra.get("media_id")
        if target_id is not None and isinstance(source_media, str) and source_media in self._shown:
            media = self._restoration.calls.media_id(target_id)
            if media is not None:
                self._restoration.id_map.put(MEDIA, source_media, media)
        return target_id

    def _find(self, task: Task, target_issue: str) -> str | None:
        """Find a file of this name and size on the issue that no other attachment has claimed."""
        found = self._restoration.calls.fetch_issues([target_issue], fields=("attachment",))
        listed = _attachments(found[0]) if found else []
        wanted = _shape(members_of(task.record))
        with self._lock:
            free = [item for item in listed if str(item.get("id")) not in self._claimed]
            # The very same attachment (an issue that was never gone) before one that looks alike.
            alike = sorted(
                (item for item in free if _shape(item) == wanted),
                key=lambda item: str(item["id"]) != task.source_id,
            )
            if not alike:
                return None
            target_id = str(alike[0]["id"])
            self._claimed.add(target_id)
            return target_id

    def _send(self, task: Task, target_issue: str) -> str | None:
        source = members_of(task.record)
        size = task.record.extra.get("blob_size_bytes")
        limit = self._restoration.matches.site.upload_limit_bytes
        if not self._restoration.matches.site.uploads_enabled:
            self._leave_out(task, "attachments are switched off on the target")
            return None
        if isinstance(size, int) and limit and size > limit:
            self._leave_out(task, f"{size} bytes are more than the target's limit of {limit}")
            return None
        try:
            stream = self._restoration.view.open_blob(task.record)
        except IntegrityError as error:
            # One rotten file keeps none of the others from coming back; the report counts it as wrong.
            self._leave_out(task, f"its stored bytes are gone or damaged: {error.message}")
            return None
        if stream is None:
            self._leave_out(task, "the snapshot holds no bytes of it (see the snapshot's gaps)")
            return None
        with stream:
            length = size if isinstance(size, int) else _length(stream)
            answer = self._restoration.calls.upload(
                target_issue, str(source.get("filename", "")), stream, length
            )
        target_id = str(answer["id"])
        with self._lock:
            self._claimed.add(target_id)
        return target_id

    def _leave_out(self, task: Task, reason: str) -> None:
        done = "left out; text that shows it names it instead"
        self._restoration.findings.fail(Failure(_KIND, task.source_id, task.issue_id, reason, done))


def lacking_files(calls: Calls, view: SnapshotView, present: Mapping[str, TargetIssue]) -> set[str]:
    """Tell which issues of the snapshot have files that their issue on the target, as given, does not have."""
    wanted: dict[str, Counter[tuple[object, object]]] = {}
    for row in view.rows(_KIND, set(present)):
        wanted.setdefault(str(row.issue_id), Counter())[_shape(members_of(row))] += 1
    by_target = {present[source_id].id: source_id for source_id in wanted}
    for item in calls.fetch_issues(by_target, fields=("attachment",)):
        wanted[by_target[str(item["id"])]].subtract(Counter(_shape(found) for found in _attachments(item)))
    return {source_id for source_id, shapes in wanted.items() if any(count > 0 for count in shapes.values())}


def _length(stream: Any) -> int:  # noqa: ANN401 - a binary file
    length = int(stream.seek(0, 2))
    stream.seek(0)
    return length


def _attachments(issue: Mapping[str, Any]) -> list[dict[str, Any]]:
    fields = issue.get("fields")
    found = fields.get("attachment") if isinstance(fields, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _shape(item: Mapping[str, Any]) -> tuple[object, object]:
    return name_as_sent(str(item.get("filename", ""))), item.get("size")


def name_as_sent(filename: str) -> str:
    """Give a file name as an upload writes it: forms cannot hold quotes and line ends, so they are percent-encoded."""
    return filename.translate(_QUOTED)


def is_without_bytes(record: Record) -> bool:
    """Tell whether the snapshot lacks an attachment's bytes."""
    return not isinstance(record.extra.get("blob"), str)
