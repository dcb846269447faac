"""Attachments are fetched once, kept in order, and what cannot be had becomes a gap with its reason."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import tracemalloc
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.domain.units import BlobRef
from jira_backup_pipeline.engine.capture.attachments import AttachmentKeeper
from jira_backup_pipeline.engine.ports import AttachmentBytes, IssueUnit
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.captures import OPERATOR, RECOVERY, SCOPE
from jira_backup_pipeline_tests.doubles.pocket_jira import PocketJira

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer


class Downloads:
    """A reader that answers downloads from a script: bytes, a gap, or an error."""

    def __init__(self, answers: dict[str, object]) -> None:
        self._answers = answers
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def open_attachment(self, attachment_id: str) -> AttachmentBytes | Gap:
        with self._lock:
            self.asked.append(attachment_id)
        answer = self._answers[attachment_id]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Gap):
            return answer
        return AttachmentBytes(io.BytesIO(answer), len(answer), f"media-{attachment_id}")


class Sink:
    """A pack that keeps blobs in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def put_blob(self, stream: io.BytesIO) -> BlobRef:
        data = stream.read()
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return BlobRef(digest, len(data), digest)


def unit(number: int, *attachments: tuple[str, int]) -> IssueUnit:
    issue = Record("issue", str(number), b"{}", {}, str(number))
    records = [Record("attachment", name, b"{}", {"size": size}, str(number)) for name, size in attachments]
    return IssueUnit(str(number), f"K-{number}", 1, (issue, *records))


def complete(answers, units, known=None) -> tuple[list[IssueUnit], Downloads, Sink]:
    reader, sink = Downloads(answers), Sink()
    with AttachmentKeeper(reader, known or {}) as keeper:
        return list(keeper.complete(units, sink)), reader, sink


def test_every_unit_comes_back_in_order_with_its_bytes() -> None:
    answers = {f"a{i}": f"bytes {i}".encode() for i in range(200)}
    units = [unit(i, (f"a{i}", len(answers[f"a{i}"]))) for i in range(200)]

    done, reader, sink = complete(answers, units)

    assert [u.issue_id for u in units] == [u.issue_id for u in done]
    assert sorted(answers) == sorted(reader.asked)
    for i, completed in enumerate(done):
        extra = completed.records[1].extra
        assert answers[f"a{i}"] == sink.blobs[extra["blob"]]
        assert f"media-a{i}" == extra["media_id"]
        assert completed.gaps == ()


def test_known_bytes_are_not_asked_for_again() -> None:
    columns = {"blob": "x", "blob_size_bytes": 1, "blob_sha256": "y", "media_id": None}

    done, reader, _ = complete({}, [unit(1, ("a", 1))], known={"a": columns})

    assert reader.asked == []
    assert columns == done[0].records[1].extra


def test_refused_failed_and_short_downloads_are_gaps_of_their_issue() -> None:
    answers = {
        "refused": Gap("attachment", "bytes of attachment refused", "no file", "look", 404, "1"),
        "failed": TransientError("no answer", hint="Try later."),
        "short": b"abc",
    }

    done, _, _ = complete(answers, [unit(1, ("refused", 5), ("failed", 5), ("short", 5))])

    reasons = {gap.subject: (gap.reason, gap.status, gap.issue_id) for gap in done[0].gaps}
    assert reasons == {
        "bytes of attachment refused": ("no file", 404, "1"),
        "bytes of attachment failed": ("no answer", None, "1"),
        "bytes of attachment short": ("Jira declares 5 bytes and sent 3", None, "1"),
    }
    assert all(record.extra["blob"] is None for record in done[0].records[1:])


_PIECE = random.Random(3).randbytes(65_536)


class Endless(io.RawIOBase):
    """A download of a given size that nobody holds; it keeps the largest piece that was asked of it at once."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.largest = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        self.largest = max(self.largest, len(target))
        count = min(len(target), self.left, len(_PIECE))
        target[:count] = _PIECE[:count]
        self.left -= count
        return count


class OneLargeFile:
    def __init__(self, stream: Endless) -> None:
        self._stream = stream

    def open_attachment(self, _: str) -> AttachmentBytes:
        return AttachmentBytes(io.BufferedReader(self._stream), self._stream.left, None)


def test_a_file_larger_than_memory_goes_through_in_pieces(tmp_path: Path) -> None:
    size = 48 * 1024 * 1024 + 17
    stream = Endless(size)
    clock = PocketJira().clock
    repository = create_repository(
        LocalStore(tmp_path), operator=read_identity(OPERATOR), recovery_recipient=RECOVERY, clock=clock
    )
    pack = repository.start_pack(SCOPE, run="run", watermark_ms=1)

    tracemalloc.start()
    try:
        with AttachmentKeeper(OneLargeFile(stream), {}) as keeper:
            [done] = keeper.complete([unit(1, ("a", size))], pack)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert done.gaps == ()
    assert stream.left == 0
    assert stream.largest <= 1024 * 1024
    assert peak < size // 3
    with repository.open_blob(SCOPE, str(done.records[1].extra["blob"])) as stored:
        digest = hashlib.file_digest(stored, "sha256").hexdigest()
    assert digest == done.records[1].extra["blob_sha256"]
