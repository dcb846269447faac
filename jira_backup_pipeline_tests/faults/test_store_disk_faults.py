"""A folder on a disk that is full, read-only or failing: one line says so, and nothing half written is kept."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    BackupPipelineError,
    ConfigurationError,
    StoreError,
    TransientError,
)
from jira_backup_pipeline.store.local import INCOMING, LocalStore, _ExplainedFile
from jira_backup_pipeline_tests.programs import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = bytes(3_000_000)


class FailingCall:
    """A system call that fails at one of its uses; `has_fired` says whether it came to that."""

    def __init__(self, real: Callable[..., Any], code: int, *, at_call: int = 1) -> None:
        self._real = real
        self._code = code
        self._left = at_call
        self.has_fired = False

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            self.has_fired = True
            raise OSError(self._code, os.strerror(self._code))
        return self._real(*arguments, **options)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    made = LocalStore(tmp_path / "store")
    made.put_new("packs/before", b"kept")
    return made


@pytest.fixture(autouse=True)
def nothing_half_written_is_kept(tmp_path: Path) -> Iterator[None]:
    """After every fault: what was there is there, and nothing else is visible or left over."""
    yield
    again = LocalStore(tmp_path / "store")
    assert [found.key for found in again.list("")] == ["packs/before"]
    assert again.get("packs/before") == b"kept"
    assert list((tmp_path / "store" / INCOMING).iterdir()) == []
    again.put_new("packs/after", BODY)
    assert len(BODY) == again.head("packs/after").size_bytes


@pytest.mark.parametrize(
    ("fault", "kind", "remedy"),
    [
        (("writev", 2, errno.ENOSPC), StoreError, "Free space"),
        (("writev", 1, errno.EDQUOT), StoreError, "quota"),
        (("fsync", 1, errno.ENOSPC), StoreError, "Free space"),
        (("fsync", 1, errno.EIO), StoreError, "kernel messages"),
        (("writev", 2, errno.EIO), StoreError, "kernel messages"),
        (("open", 1, errno.EACCES), AccessDenied, "permission to write"),
        (("open", 1, errno.EROFS), AccessDenied, "for writing"),
        (("open", 1, errno.EMFILE), StoreError, "ulimit"),
        (("mkdir", 1, errno.EACCES), AccessDenied, "permission to write"),
        (("mkdir", 1, errno.ENOSPC), StoreError, "Free space"),
        (("link", 1, errno.ENOSPC), StoreError, "Free space"),
        (("link", 1, errno.EACCES), AccessDenied, "permission to write"),
        (("link", 1, errno.ENAMETOOLONG), ConfigurationError, "shorter path"),
        (("link", 1, errno.EXDEV), ConfigurationError, "hard links"),
        (("writev", 1, errno.ESTALE), TransientError, "Run again"),
    ],
)
def test_a_failing_write_says_what_to_do(
    store: LocalStore,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[str, int, int],
    kind: type[BackupPipelineError],
    remedy: str,
) -> None:
    call, at_call, code = fault
    failing = FailingCall(getattr(os, call), code, at_call=at_call)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        with pytest.raises(BackupPipelineError) as caught:
            store.put_new("new/folder/object", BODY)

    assert failing.has_fired
    assert kind is type(caught.value)
    assert remedy in caught.value.hint
    assert str(caught.value).count("\n") == 1


def test_a_failed_sync_of_the_folder_is_an_error_though_the_object_may_stay(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = FailingCall(os.fsync, errno.EIO, at_call=2)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(StoreError):
            store.put_new("packs/unsure", b"x")

    assert failing.has_fired
    assert store.get("packs/unsure") == b"x"  # whole, never half
    store.delete("packs/unsure")


def test_a_file_size_limit_of_the_system_is_met_without_a_trace(store: LocalStore, tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from jira_backup_pipeline.domain.errors import StoreError\n"
        "from jira_backup_pipeline.store.local import LocalStore\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))\n"
        "try:\n"
        "    LocalStore(Path(sys.argv[1])).put_new('packs/large', bytes(3_000_000))\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "store")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    message, hint = finished.stdout.strip().split("\n")
    assert message.endswith("file too large")
    assert "limit" in hint
    assert [found.key for found in store.list("")] == ["packs/before"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose reading fails")
@pytest.mark.parametrize("size", [-1, 10])
def test_a_disk_that_fails_while_an_object_is_read_is_an_error_of_ours(store: LocalStore, size: int) -> None:
    assert store.get("packs/before") == b"kept"
    with io.BufferedReader(_ExplainedFile(Path("/proc/self/mem"), "packs/damaged")) as stream:
        with pytest.raises(StoreError, match="cannot read packs/damaged") as caught:
            stream.read(size)
        assert "kernel messages" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "kind"), [(errno.EACCES, AccessDenied), (errno.EIO, StoreError), (errno.ESTALE, TransientError)]
)
def test_a_folder_that_cannot_be_listed_is_an_error_and_never_an_empty_listing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[BackupPipelineError]
) -> None:
    failing = FailingCall(os.scandir, code, at_call=2)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        with pytest.raises(kind, match="cannot list packs/"):
            list(store.list(""))

    assert failing.has_fired


@pytest.mark.parametrize(("code", "kind"), [(errno.EACCES, AccessDenied), (errno.EBUSY, TransientError)])
def test_a_delete_that_is_refused_says_so(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[BackupPipelineError]
) -> None:
    failing = FailingCall(os.unlink, code)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing)
        with pytest.raises(kind, match="cannot delete packs/before"):
            store.delete("packs/before")

    assert failing.has_fired
