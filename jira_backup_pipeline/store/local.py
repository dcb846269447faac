"""A store in a folder of this machine: what `put_new` returned survives a power cut.

What belongs here: how an object becomes one file, atomically and durably, and what the operating system's errors mean
for a reader of ours.

What stays out: the promises themselves (`contract`), the way a folder is named in `BACKUP_URI` (`opening`), and any
knowledge of the layout below the root.

How a file appears: a temporary file in `.incoming` (a name no key can have) is written and synced, then hard-linked to
its name. Linking fails when the name is taken, which makes it the create-only write; a rename would overwrite. The
folder is synced last, so that the name survives too: at once by `put_new`, for many published files together by `settle`.
Symbolic links below the root are never followed: nobody can lead a write out of the folder by planting one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import logging
import os
import secrets
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from jira_backup_pipeline.domain.errors import ConfigurationError
from jira_backup_pipeline.store.contract import (
    StoredObject,
    check_key,
    folders_of,
    is_key,
    missing,
    nested,
    occupied,
    wrong_digest,
)
from jira_backup_pipeline.store.local_stage import LocalStage
from jira_backup_pipeline.store.os_errors import explain_os_error, is_link_refused, no_links

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from typing import IO

    from _typeshed import WriteableBuffer

_log = logging.getLogger(__name__)

INCOMING: Final = ".incoming"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_CHUNK_BYTES: Final = 1024 * 1024
# Smaller files stay in the system's cache: an index or a manifest is read again soon.
_CACHED_BYTES: Final = 256 * 1024
_STALE_AFTER_SECONDS: Final = 24 * 3600
# How often a write starts over because another process removed the folder it had just made (an emptied one).
_FOLDER_ATTEMPTS: Final = 20


class LocalStore:
    """Objects as files below one folder, which the first write creates (0700; files 0600)."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is created yet.

        Raises:
            ConfigurationError: the path exists and is not a folder.
        """
        self._root = Path(os.path.realpath(root))
        if self._root.exists() and not self._root.is_dir():
            raise ConfigurationError(
                f"not a folder: {root}",
                hint="Give the path of a folder as BACKUP_URI, file:///path/to/folder.",
            )
        # The same as text: every stored file needs a dozen paths, and text is made in a fraction of a Path's time.
        self._base = str(self._root)
        self._durable_folders: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._is_swept = False

    @property
    def uri(self) -> str:
        """Name the store."""
        return self._root.as_uri()

    def put_new(self, key: str, body: bytes | BinaryIO, *, sha256: bytes | None = None) -> StoredObject:
        """Create an object; see the contract."""
        check_key(key)
        with self.stage() as staged, self.explained("write", key):
            self._refuse_taken(key)
            digest = _copy(body, staged, is_hashed=sha256 is not None)
            if sha256 is not None and digest != sha256:
                raise wrong_digest(key)
            created = self.publish(staged, key)
            _sync_folder(self._root / _folder_of(key))
            return created

    def settle(self, keys: Iterable[str]) -> None:
        """Sync the folders of these objects, each once; see the contract."""
        for folder in sorted({_folder_of(check_key(key)) for key in keys}):
            with self.explained("read", folder):
                _sync_folder(self._root / folder)

    def stage(self) -> LocalStage:
        """Begin an object without a name; see the contract."""
        return LocalStage(self)

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        with self.open(key) as stream:
            return stream.read()

    def open(self, key: str) -> BinaryIO:
        """Open an object as a stream."""
        path = self._path(key)
        with self.explained("read", key):
            self._refuse_links(key)
            self._status(path, key)
            raw = _ExplainedFile(path, key)
        return cast("BinaryIO", io.BufferedReader(raw, buffer_size=_CHUNK_BYTES))

    def head(self, key: str) -> StoredObject:
        """Describe an object."""
        path = self._path(key)
        with self.explained("read", key):
            self._refuse_links(key)
            return _described(key, self._status(path, key))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[StoredObject]:
        """List objects in key order, holding the names of one folder per level at a time."""
        folder = prefix.rpartition("/")[0]
        if folder and not is_key(folder):
            return iter(())  # no key starts like this, and it must not lead anywhere on the disk
        return self._walk(f"{folder}/" if folder else "", prefix, start_after)

    def delete(self, key: str) -> None:
        """Remove an object, and the folders that it leaves empty."""
        path = self._path(key)
        with self.explained("delete", key):
            self._refuse_links(key)
            self._status(path, key)
            path.unlink()
            _sync_folder(path.parent)
            for folder in reversed(folders_of(key)):
                try:
                    (self._root / folder).rmdir()
                except OSError:
                    break  # not empty, or in use again: it stays

    def sweep(self, *, now_seconds: float) -> int:
        """Remove what writers that died left in `.incoming` over 24 hours ago; returns how many files.

        `now_seconds` is the time by the clock of the file system (the age of a file on a share is not ours to judge).
        """
        removed = 0
        with os.scandir(self._root / INCOMING) as entries:
            for entry in entries:
                if now_seconds - entry.stat(follow_symlinks=False).st_mtime > _STALE_AFTER_SECONDS:
                    Path(entry.path).unlink()
                    removed += 1
        return removed

    def _sweep_once(self, *, now_seconds: float) -> None:
        with self._lock:
            if self._is_swept:
                return
            self._is_swept = True
        try:
            removed = self.sweep(now_seconds=now_seconds)
        except OSError as error:
            # Another process swept at the same moment, or owns the leftovers: no reason to fail a backup.
            _log.warning("leftovers of dead writers stay in %s: %s", self._root / INCOMING, error.strerror)
        else:
            if removed:
                _log.info("removed %d leftovers of dead writers from %s", removed, self._root / INCOMING)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextlib.contextmanager
    def explained(self, action: str, key: str) -> Generator[None]:
        """Turn what the operating system says in the block into an error of ours."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            if action == "write":
                raise explain_os_error(error, action, key, self._root) from error
            raise missing(key) from error
        except OSError as error:
            raise explain_os_error(error, action, key, self._root) from error

    def _status(self, path: Path, key: str) -> os.stat_result:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise missing(key)
        return status

    def _refuse_links(self, key: str) -> None:
        for folder in folders_of(key):
            if stat.S_ISLNK(os.lstat(f"{self._base}/{folder}").st_mode):
                raise _planted_link(self._root / folder)

    def _refuse_taken(self, key: str) -> None:
        """Spare the writing of a body that cannot be stored; the link decides for good."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = (self._root / key).lstat()
            raise nested(key) if stat.S_ISDIR(status.st_mode) else occupied(key)

    def _make_root(self) -> None:
        incoming = self._root / INCOMING
        if not incoming.is_dir():
            if not self._root.is_dir():
                self._root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
                with contextlib.suppress(
                    PermissionError
                ):  # a parent we may pass but not read cannot be synced
                    _sync_folder(self._root.parent)
            incoming.mkdir(mode=_FOLDER_MODE, exist_ok=True)

    def publish(self, staged: LocalStage, key: str) -> StoredObject:
        """Give what is staged its name: synced and linked; the name itself is durable when its folder is settled."""
        check_key(key)
        with self.explained("write", key):
            descriptor, temporary = staged.write_out()
            os.fsync(descriptor)
            written = os.fstat(descriptor)
            _let_go(descriptor, written.st_size)
            self._link(descriptor, temporary, key)
        self._sweep_once(now_seconds=written.st_mtime)
        return _described(key, written)

    def open_incoming(self) -> tuple[int, str]:
        """Make an empty file under a name that no key can have; gives its descriptor and path."""
        path = f"{self._base}/{INCOMING}/{os.getpid()}-{secrets.token_hex(12)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(path, flags, _FILE_MODE), path
        except FileNotFoundError:
            self._make_root()
            return os.open(path, flags, _FILE_MODE), path

    def _link(self, descriptor: int, temporary: str, key: str) -> None:
        """Give a written and synced file its name for good, in a folder whose own name is durable.

        Raises:
            AlreadyExists: the name is taken.
        """
        name = key.rpartition("/")[2]
        for attempt in range(1, _FOLDER_ATTEMPTS + 1):
            try:
                parent = self._open_folder(key)
            except FileNotFoundError:
                if attempt == _FOLDER_ATTEMPTS:
                    raise
                continue
            try:
                self._link_in(parent, descriptor, temporary, name, key)
            except FileNotFoundError:
                if attempt == _FOLDER_ATTEMPTS or not Path(temporary).exists():
                    raise
            else:
                return
            finally:
                os.close(parent)

    def _link_in(self, parent: int, descriptor: int, temporary: str, name: str, key: str) -> None:
        try:
            os.link(temporary, name, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            # A network file system may have made the link and lost the answer: then the file has two names.
            if os.fstat(descriptor).st_nlink == 2:  # noqa: PLR2004 -- the temporary name and the final one
                return
            raise (nested(key) if (self._root / key).is_dir() else occupied(key)) from None
        except OSError as error:
            if is_link_refused(error):
                raise no_links(self._root) from error
            raise

    def _open_folder(self, key: str) -> int:
        """Open the folder of a key, made if need be; it is one whose every name above it survives a power cut."""
        folder = _folder_of(key)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._refuse_links(key)
            opened = self._opened_if_durable(folder)
            if opened is not None:
                return opened
        self._make_folders(key)
        opened = self._opened_if_durable(folder)
        if opened is None:
            raise FileNotFoundError(errno.ENOENT, "the folder was replaced while it was made")
        return opened

    def _opened_if_durable(self, folder: str) -> int | None:
        """Open a folder that was made durable before, known by its inode; None for one that still has to be."""
        opened = os.open(f"{self._base}/{folder}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if not folder or (folder, os.fstat(opened).st_ino) in self._durable_folders:
            return opened
        os.close(opened)
        return None

    def _make_folders(self, key: str) -> None:
        """Make the folders above a key so that they survive a power cut, also those another writer just made."""
        for folder in folders_of(key):
            path = self._root / folder
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=_FOLDER_MODE)
            try:
                status = path.lstat()
            except FileNotFoundError:
                return  # removed again by a delete: linking fails and starts over
            if stat.S_ISLNK(status.st_mode):
                raise _planted_link(path)
            if not stat.S_ISDIR(status.st_mode):
                raise nested(key)
            if (folder, status.st_ino) not in self._durable_folders:
                _sync_folder(path.parent)
                self._durable_folders.add((folder, status.st_ino))

    def _walk(self, folder: str, prefix: str, start_after: str) -> Iterator[StoredObject]:
        for name, is_folder in self._names(folder):
            key = folder + name
            if is_folder:
                if _may_hold(f"{key}/", prefix, start_after):
                    yield from self._walk(f"{key}/", prefix, start_after)
            elif key.startswith(prefix) and key > start_after:
                try:
                    status = (self._root / key).lstat()
                except FileNotFoundError:
                    continue  # deleted since the folder was read
                except OSError as error:
                    raise explain_os_error(error, "list", key, self._root) from error
                yield _described(key, status)

    def _names(self, folder: str) -> Sequence[tuple[str, bool]]:
        """Give the names in a folder in the order of the keys below them: a folder sorts as `name/`."""
        found = []
        try:
            with os.scandir(self._root / folder) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if is_key(folder + entry.name) and (is_folder or entry.is_file(follow_symlinks=False)):
                        found.append((entry.name, is_folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise explain_os_error(error, "list", folder or "the store", self._root) from error
        return sorted(found, key=lambda item: f"{item[0]}/" if item[1] else item[0])


class _ExplainedFile(io.FileIO):
    """A file below a buffered reader, whose failures are errors of ours; symbolic links are not followed."""

    def __init__(self, path: Path, key: str) -> None:
        super().__init__(path, "rb", opener=_open_plain)
        self._key = key
        self._folder = path.parent

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise explain_os_error(error, "read", self._key, self._folder) from error

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise explain_os_error(error, "read", self._key, self._folder) from error


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _folder_of(key: str) -> str:
    return key.rpartition("/")[0]


def _copy(body: bytes | BinaryIO, staged: LocalStage, *, is_hashed: bool) -> bytes:
    """Write a body; returns its sha256 (of nothing when not asked for)."""
    digest = hashlib.sha256()
    source: IO[bytes] = io.BytesIO(body) if isinstance(body, bytes) else body
    source.seek(0)
    while chunk := source.read(_CHUNK_BYTES):
        if is_hashed:
            digest.update(chunk)
        staged.write(chunk)
    return digest.digest()


def _let_go(descriptor: int, size_bytes: int) -> None:
    """Take a synced file out of the system's cache: nobody reads a backup soon, and others need that memory.

    What is read back is then proven on the disk and not in memory. Measured: a write of 1 MB costs 0.5 ms of processor
    time into memory that is used again, and 3 ms where the system has to get it from its host first.
    """
    if size_bytes >= _CACHED_BYTES and hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _may_hold(folder: str, prefix: str, start_after: str) -> bool:
    is_wanted = folder.startswith(prefix) or prefix.startswith(folder)
    return is_wanted and (folder > start_after or start_after.startswith(folder))


def _described(key: str, status: os.stat_result) -> StoredObject:
    return StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _planted_link(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"a symbolic link lies in the store: {path}",
        hint="Replace it by the folder it points to; links inside the store are not followed.",
    )
