"""Reading a backup from Python: `open_snapshot`, a mapping from table name to live rows.

What belongs here: finding the wanted snapshot by the words people use, and the object they then hold.

What stays out: the environment (`settings`), opening of stores (`store.opening`), and everything that reads tables,
blobs or SQL (`repository`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from jira_backup_pipeline.domain.errors import ConfigurationError, NotFound, UnknownName
from jira_backup_pipeline.domain.times import parse_instant, to_iso
from jira_backup_pipeline.identity_file import load_identity_text
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline.settings import identity_file_from_environment
from jira_backup_pipeline.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository, TableSet
    from jira_backup_pipeline.repository.tables.reading import TableReader


def open_snapshot(
    uri: str,
    project: str,
    as_of: datetime | str | None = None,
    *,
    identity_file: Path | str | None = None,
    snapshot: int | None = None,
) -> Snapshot:
    """Open one snapshot of a project, or of the site, for reading.

    Args:
        uri: where the repository is, `file:///...` or `s3://bucket/prefix`.
        project: numeric project id, present key, a key the project once had, or `site`.
        as_of: the newest snapshot whose reading began at or before this moment; a time without an offset is UTC.
        identity_file: the age identity to open it with; by default the one named by BACKUP_IDENTITY_FILE.
        snapshot: the number of a snapshot instead of a moment; only so are doubtful snapshots opened.

    Raises:
        UnknownName: no such project, or no snapshot that old.
        ConfigurationError: the repository, the identity or the moment is not to be understood.
        AccessDenied: the identity does not open this repository.
        IntegrityError: what is stored is damaged.
    """
    if as_of is not None and snapshot is not None:
        message = "both a moment and a snapshot number were given"
        raise ConfigurationError(message, hint="Give either as_of or snapshot.")
    path = identity_file_from_environment() if identity_file is None else Path(identity_file)
    repository = open_repository(open_store(uri), identity_text=load_identity_text(path))
    scope = repository.find_scope(project)
    if snapshot is not None:
        return Snapshot(repository, repository.load(scope, snapshot))
    return Snapshot(repository, _newest(repository, scope, _moment(as_of)))


class Snapshot(Mapping[str, "TableReader"]):
    """The tables of one snapshot by name: `snapshot["issues"].to_arrow()`, `.to_polars()`, `.count()`.

    Holds encrypted files in a private temporary folder until it is closed or forgotten; use it with `with` where it matters
    when that space is given back.
    """

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self._repository = repository
        self._manifest = manifest
        self._tables: TableSet = repository.tables(manifest)

    @property
    def manifest(self) -> Manifest:
        """Give the snapshot's commit record: state, gaps, ledger, counts."""
        return self._manifest

    def __getitem__(self, name: str) -> TableReader:
        """Give the reader of a table; one that does not exist raises UnknownName."""
        if name not in self._tables.names:
            raise _UnknownTable.of(name, self._tables.names)
        return self._tables.table(name)

    def __iter__(self) -> Iterator[str]:
        """Name the tables, in catalogue order."""
        return iter(self._tables.names)

    def __len__(self) -> int:
        """Count the tables."""
        return len(self._tables.names)

    def sql(self, query: str) -> Any:  # noqa: ANN401 - a pyarrow.Table, which only the Arrow rooms import
        """Answer one SELECT over the tables by their names, as a pyarrow Table; times are UTC.

        Raises:
            ConfigurationError: the query is wrong or not a single SELECT; DuckDB's words are kept.
        """
        return self._tables.sql(query)

    def open_attachment(self, attachment_id: str) -> BinaryIO:
        """Open the bytes of an attachment; all of it is decrypted and proven before the first byte is given.

        Raises:
            UnknownName: the snapshot has no attachment of that id.
            NotFound: the snapshot knows the attachment, but its bytes could not be read from Jira.
            IntegrityError: the stored bytes are damaged.
        """
        return self._open_bytes("attachments", "attachment", attachment_id)

    def open_avatar(self, avatar_id: str) -> BinaryIO:
        """Open the picture of a project's own avatar, in the site's snapshot; `avatar_id` is the column `id` of `avatars`.

        Raises:
            UnknownName: the snapshot has no avatar of that id.
            NotFound: the snapshot knows the avatar, but its picture could not be read from Jira.
            IntegrityError: the stored bytes are damaged.
        """
        return self._open_bytes("avatars", "avatar", avatar_id)

    def _open_bytes(self, table: str, noun: str, record_id: str) -> BinaryIO:
        rows = self[table].to_arrow(["id", "blob"])
        blobs = dict(zip(rows["id"].to_pylist(), rows["blob"].to_pylist(), strict=True))
        if record_id not in blobs:
            message = f"snapshot {self._manifest.number} of {self._manifest.scope} has no {noun} {record_id}"
            raise UnknownName(message, hint=f"The ids are in the column `id` of the table `{table}`.")
        if blobs[record_id] is None:
            message = f"the bytes of {noun} {record_id} are not in the backup{self._reason(noun, record_id)}"
            raise NotFound(
                message, hint="The snapshot's gaps (`snapshot.manifest.gaps`) say what to do about it."
            )
        return self._repository.open_blob(self._manifest.scope, blobs[record_id])

    def close(self) -> None:
        """Give the temporary space back."""
        self._tables.close()

    def __enter__(self) -> Self:
        """Use the snapshot in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the temporary space back."""
        self.close()

    def __repr__(self) -> str:
        """Name the snapshot."""
        return f"<snapshot {self._manifest.number} of {self._manifest.scope}, {to_iso(self._manifest.captured_at)}>"

    def _reason(self, kind: str, record_id: str) -> str:
        own = record_id.rpartition("/")[2]
        gaps = (gap for gap in self._manifest.gaps if gap.kind == kind)
        return next((f": {gap.reason}" for gap in gaps if own in gap.subject.split()), "")


class _UnknownTable(UnknownName, KeyError):
    """A table that does not exist: an error of ours that the mapping protocol also understands."""

    @classmethod
    def of(cls, name: str, names: list[str]) -> Self:
        return cls(f"this snapshot has no table {name!r}", hint=f"Its tables are {', '.join(names)}.")


def _moment(as_of: datetime | str | None) -> datetime | None:
    if isinstance(as_of, datetime):
        return as_of if as_of.tzinfo is not None else as_of.replace(tzinfo=UTC)
    if as_of is None:
        return None
    try:
        return parse_instant(as_of)
    except ValueError as error:
        message = f"not a moment: {as_of!r}"
        raise ConfigurationError(
            message, hint="Write it as 2026-11-23T17:00:00+01:00; without an offset it is UTC."
        ) from error


def _newest(repository: Repository, scope: str, moment: datetime | None) -> Manifest:
    manifest = repository.latest(scope, moment)
    if manifest is not None:
        return manifest
    oldest = repository.load(scope, repository.snapshot_numbers(scope)[0])
    hint = f"The oldest is number {oldest.number} of {to_iso(oldest.captured_at)}"
    if not oldest.is_restorable_by_default:
        hint += "; it is doubtful: doubtful snapshots are opened only by number (snapshot=)"
    when = "" if moment is None else f" of {to_iso(moment)} or before"
    raise UnknownName(f"{scope} has no snapshot{when} that can be opened by time", hint=f"{hint}.")
