"""The bytes of attachments: fetched once per attachment id, stored once per content.

What belongs here: deciding which bytes are needed, running the downloads beside the reading of issues in a bounded
pipeline, and turning what could not be had into gaps.

What stays out: the download itself (`jira`) and naming or encrypting blobs (`repository.blobs`).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from jira_backup_pipeline.domain.errors import NotFound, TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.domain.units import BlobRef
    from jira_backup_pipeline.engine.ports import IssueUnit, JiraReader

DOWNLOAD_THREADS = 4
# Units that may wait for their downloads; enough to keep the threads busy, few enough to bound memory.
_WAITING_UNITS = 64
_RETRY_REMEDY = "The next run tries again; open the attachment in Jira to see whether its file still exists."


class BlobSink(Protocol):
    """What the pipeline needs of a pack: somewhere to put bytes."""

    def put_blob(self, stream: BinaryIO) -> BlobRef:
        """Store the bytes of a stream once; called from several threads."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    record: Record
    gap: Gap | None = None


class AttachmentKeeper:
    """Completes issue units with their attachments' bytes. Use as a context manager: it owns threads."""

    def __init__(self, reader: JiraReader, known: Mapping[str, Mapping[str, object]]) -> None:
        """Prepare.

        Args:
            reader: where bytes come from.
            known: the blob columns by attachment id of what is stored already; attachments never change under their id.
        """
        self._reader = reader
        self._known = known
        self._threads = ThreadPoolExecutor(DOWNLOAD_THREADS, thread_name_prefix="attachment")

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; downloads that have not begun are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def complete(self, units: Iterable[IssueUnit], sink: BlobSink) -> Iterator[IssueUnit]:
        """Give the units in order, each with its attachments' blob columns and the gaps of those without bytes."""
        # Bytes that are stored already need no thread; units without downloads pass straight through.
        waiting: deque[tuple[IssueUnit, dict[int, Future[_Fetched]]]] = deque()
        for unit in units:
            filled = self._fill_known(unit)
            waiting.append((filled, self._start(filled, sink)))
            while waiting and (len(waiting) > _WAITING_UNITS or not waiting[0][1]):
                yield _finish(*waiting.popleft())
        while waiting:
            yield _finish(*waiting.popleft())

    def _fill_known(self, unit: IssueUnit) -> IssueUnit:
        if not any(record.kind == "attachment" and record.id in self._known for record in unit.records):
            return unit
        records = tuple(
            replace(record, extra=self._known[record.id])
            if record.kind == "attachment" and record.id in self._known
            else record
            for record in unit.records
        )
        return replace(unit, records=records)

    def _start(self, unit: IssueUnit, sink: BlobSink) -> dict[int, Future[_Fetched]]:
        return {
            position: self._threads.submit(self._fetch, record, sink)
            for position, record in enumerate(unit.records)
            if record.kind == "attachment" and not record.extra.get("blob")
        }

    def _fetch(self, record: Record, sink: BlobSink) -> _Fetched:
        try:
            return self._download(record, sink)
        except (TransientError, UnexpectedAnswer, NotFound) as error:
            return _unavailable(record, error.message, None)

    def _download(self, record: Record, sink: BlobSink) -> _Fetched:
        answer = self._reader.open_attachment(record.id)
        if isinstance(answer, Gap):
            return _unavailable(record, answer.reason, answer.status, answer.remedy)
        with closing(answer.stream) as stream:
            blob = sink.put_blob(stream)
        declared = record.value.get("size") if isinstance(record.value, dict) else None
        if isinstance(declared, int) and declared != blob.size_bytes:
            return _unavailable(record, f"Jira declares {declared} bytes and sent {blob.size_bytes}", None)
        columns = {
            "blob": blob.name,
            "blob_size_bytes": blob.size_bytes,
            "blob_sha256": blob.plain_sha256,
            "media_id": answer.media_id,
        }
        return _Fetched(replace(record, extra=columns))


def _finish(unit: IssueUnit, downloads: Mapping[int, Future[_Fetched]]) -> IssueUnit:
    if not downloads:
        return unit
    records = list(unit.records)
    gaps = list(unit.gaps)
    for position, download in downloads.items():
        fetched = download.result()
        records[position] = fetched.record
        if fetched.gap is not None:
            gaps.append(fetched.gap)
    return replace(unit, records=tuple(records), gaps=tuple(gaps))


def _unavailable(record: Record, reason: str, status: int | None, remedy: str = _RETRY_REMEDY) -> _Fetched:
    columns = {"blob": None, "blob_size_bytes": None, "blob_sha256": None, "media_id": None}
    gap = Gap(
        kind="attachment",
        subject=f"bytes of attachment {record.id}",
        reason=reason,
        remedy=remedy,
        status=status,
        issue_id=record.issue_id,
    )
    return _Fetched(replace(record, extra=columns), gap)
