"""The pictures of avatars: fetched once per avatar id, because Jira never changes a picture under its id.

What belongs here: which pictures are needed, fetching them a few at a time, and gaps for those that could not be had.

What stays out: which avatars there are (`listing`), the download itself (`jira`) and the bytes of attachments (`attachments`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import NotFound, TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.engine.capture.attachments import DOWNLOAD_THREADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.readings import Listed
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.capture.attachments import BlobSink
    from jira_backup_pipeline.engine.capture.previous import Previous
    from jira_backup_pipeline.engine.ports import JiraReader
    from jira_backup_pipeline.repository.repository import Repository

_KIND = "avatar"
_COLUMNS = ("blob", "blob_size_bytes", "blob_sha256", "media_id")
_REMEDY = (
    "The next run tries again; open the project's settings in Jira to see whether the picture still shows."
)


def with_pictures(
    repository: Repository, reader: JiraReader, previous: Previous, sink: BlobSink, listed: Listed
) -> Listed:
    """Give avatars with the blob columns of their pictures, and a gap for each picture that could not be read."""
    known = _known(repository, previous)
    fetch = partial(_fetched, reader, sink, known)
    with ThreadPoolExecutor(DOWNLOAD_THREADS, thread_name_prefix="avatar") as threads:
        found = list(threads.map(fetch, listed.records))
    return replace(
        listed,
        records=tuple(record for record, _ in found),
        gaps=(*listed.gaps, *(gap for _, gap in found if gap is not None)),
    )


def _known(repository: Repository, previous: Previous) -> dict[str, Mapping[str, object]]:
    table = BY_NAME[_KIND].table
    if previous.manifest is None or not previous.manifest.counts.get(table):
        return {}
    with closing(repository.tables(previous.manifest)) as tables:
        rows = tables[table].to_arrow(columns=["id", *_COLUMNS]).to_pylist()
    return {row["id"]: {name: row[name] for name in _COLUMNS} for row in rows if row["blob"] is not None}


def _fetched(
    reader: JiraReader, sink: BlobSink, known: Mapping[str, Mapping[str, object]], record: Record
) -> tuple[Record, Gap | None]:
    if record.id in known:
        return replace(record, extra={**record.extra, **known[record.id]}), None
    try:
        return _downloaded(reader, sink, record)
    except (TransientError, UnexpectedAnswer, NotFound) as error:
        return _without_picture(record, Gap(_KIND, "", error.message, _REMEDY))


def _downloaded(reader: JiraReader, sink: BlobSink, record: Record) -> tuple[Record, Gap | None]:
    answer = reader.open_avatar(record.id.rpartition("/")[2])
    if isinstance(answer, Gap):
        return _without_picture(record, answer)
    with closing(answer.stream) as stream:
        blob = sink.put_blob(stream)
    columns = (blob.name, blob.size_bytes, blob.plain_sha256, answer.media_id)
    return replace(record, extra={**record.extra, **dict(zip(_COLUMNS, columns, strict=True))}), None


def _without_picture(record: Record, gap: Gap) -> tuple[Record, Gap]:
    project, _, avatar = record.id.rpartition("/")
    subject = f"picture of avatar {avatar} of project {project}"
    return replace(record, extra={**record.extra, **dict.fromkeys(_COLUMNS)}), replace(gap, subject=subject)
