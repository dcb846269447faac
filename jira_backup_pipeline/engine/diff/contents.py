"""Whether the bytes of attachments that Jira gives now are those that the snapshot holds.

What belongs here: downloading, digesting as the bytes come, and counting what could not be read.

What stays out: which issues are compared (`verb`); two snapshots are compared by their digests (`differences`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.diff.differences import Change, Difference
from jira_backup_pipeline.engine.ports import AttachmentBytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.ports import JiraReader

_KIND = "attachment"
_READ_BYTES = 1 << 20
_SHOWN = 10


class ContentComparison:
    """Compares bytes, one attachment after the other: a window of them never lies in memory."""

    def __init__(self, reader: JiraReader) -> None:
        self._reader = reader
        self._compared = 0
        self._unread: list[str] = []

    def differences(
        self, issue: str, stored: Iterable[Record], present: Iterable[Record]
    ) -> Iterator[Difference]:
        """Say which attachments that both sides have hold other bytes now."""
        here = {record.id for record in present if record.kind == _KIND}
        for record in stored:
            digest = record.extra.get("blob_sha256")
            if record.kind != _KIND or record.id not in here or not isinstance(digest, str):
                continue
            found = self._digest(record.id)
            if found is not None and found != digest:
                yield Difference(Change.CHANGED, _KIND, record.id, issue, "content", digest, found)

    def notes(self) -> Iterator[str]:
        """Say how many were compared, and which could not be read."""
        yield f"the bytes of {self._compared:,} attachments were downloaded and compared"
        if self._unread:
            shown = ", ".join(self._unread[:_SHOWN]) + (", ..." if len(self._unread) > _SHOWN else "")
            yield f"{len(self._unread):,} attachments could not be read and were not compared: {shown}"

    def _digest(self, attachment_id: str) -> str | None:
        opened = self._reader.open_attachment(attachment_id)
        if not isinstance(opened, AttachmentBytes):
            self._unread.append(f"{attachment_id} ({opened.reason})")
            return None
        found = hashlib.sha256()
        with opened.stream as stream:
            while part := stream.read(_READ_BYTES):
                found.update(part)
        self._compared += 1
        return found.hexdigest()
