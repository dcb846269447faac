"""What only a folder has: modes, links, leftovers of dead writers, syncing, and other people's files."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import AlreadyExists, ConfigurationError, NotFound, StoreError
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline.store.local import INCOMING, LocalStore, _ExplainedFile

if TYPE_CHECKING:
    from jira_backup_pipeline.store.contract import Store

KEY = "packs/10001/p1/issue.parquet"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def path_of(name: Any, dst_dir_fd: int) -> Path:
    """Give the path of a name in an opened folder."""
    return Path(f"/proc/self/fd/{dst_dir_fd}").readlink() / name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> LocalStore:
    return LocalStore(root)


def test_folders_and_files_are_for_their_owner_only(store: LocalStore, root: Path) -> None:
    before = os.umask(0)
    try:
        store.put_new(KEY, b"x")
    finally:
        os.umask(before)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    assert {0o700} == {mode for path, mode in modes.items() if path.is_dir()}
    assert {0o600} == {mode for path, mode in modes.items() if path.is_file()}


def test_an_object_is_one_plain_file_and_nothing_else_stays(store: LocalStore, root: Path) -> None:
    store.put_new(KEY, b"x")
    with pytest.raises(AlreadyExists):
        store.put_new(KEY, b"y")
    with pytest.raises(ConfigurationError):
        store.put_new("other", b"y", sha256=bytes(32))

    assert [root / KEY] == [path for path in root.rglob("*") if path.is_file()]
    assert (root / KEY).stat().st_nlink == 1


@pytest.mark.parametrize("taken", ["a/b", "a/b/c/d"])
@pytest.mark.parametrize("kind", ["memory", "local"])
def test_a_key_that_is_a_folder_of_another_is_refused(root: Path, kind: str, taken: str) -> None:
    store: Store = MemoryStore() if kind == "memory" else LocalStore(root)
    store.put_new(taken, b"x")

    with pytest.raises(ConfigurationError, match="folder of another key"):
        store.put_new("a/b/c" if taken == "a/b" else "a/b", b"y")

    assert [taken] == [found.key for found in store.list("")]


def test_emptied_folders_go_and_full_ones_stay(store: LocalStore, root: Path) -> None:
    store.put_new("packs/1/p1/a", b"")
    store.put_new("packs/1/p2/a", b"")

    store.delete("packs/1/p1/a")
    assert names_in(root / "packs/1") == ["p2"]
    store.delete("packs/1/p2/a")

    assert names_in(root) == [INCOMING]
    store.put_new("packs", b"the name of the folder is free again")


def test_the_root_may_be_a_link_but_nothing_below_it(store: LocalStore, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"not of the store")
    store.put_new("blobs/1/x", b"x")
    (tmp_path / "alias").symlink_to(root)
    assert LocalStore(tmp_path / "alias").get("blobs/1/x") == b"x"

    (root / "packs").symlink_to(outside)
    (root / "direct").symlink_to(outside / "secret")
    for verb in (store.get, store.open, store.head, store.delete):
        with pytest.raises(ConfigurationError, match="symbolic link"):
            verb("packs/secret")
        with pytest.raises(NotFound):
            verb("direct")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        store.put_new("packs/new", b"x")
    with pytest.raises(AlreadyExists):
        store.put_new("direct", b"x")

    assert names_in(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == b"not of the store"
    assert [found.key for found in store.list("")] == ["blobs/1/x"]


def test_other_peoples_files_are_not_listed(store: LocalStore, root: Path) -> None:
    store.put_new("a/b", b"x")
    (root / ".DS_Store").write_bytes(b"")
    (root / "lost+found").mkdir()
    (root / "a/.b.swp").write_bytes(b"")
    (root / "a/with space").write_bytes(b"")
    os.mkfifo(root / "a/pipe")

    assert [found.key for found in store.list("")] == ["a/b"]
    with pytest.raises(NotFound):
        store.open("a/pipe")


def test_leftovers_of_dead_writers_go_after_a_day_and_fresh_ones_stay(root: Path) -> None:
    LocalStore(root).put_new("a", b"")
    old, fresh = root / INCOMING / "1-old", root / INCOMING / "2-fresh"
    for path in (old, fresh):
        path.write_bytes(b"half an object")
    now_seconds = fresh.stat().st_mtime
    os.utime(old, (now_seconds - 24 * 3600 - 60,) * 2)
    os.utime(fresh, (now_seconds - 23 * 3600,) * 2)

    LocalStore(root).put_new("b", b"")

    assert names_in(root / INCOMING) == ["2-fresh"]
    assert [found.key for found in LocalStore(root).list("")] == ["a", "b"]


def test_leftovers_that_cannot_be_removed_fail_no_backup_and_are_logged(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_self: LocalStore, *, now_seconds: float) -> int:
        raise PermissionError(errno.EACCES, f"Permission denied at {now_seconds}")

    monkeypatch.setattr(LocalStore, "sweep", refuse)

    LocalStore(root).put_new("b", b"x")

    assert "leftovers of dead writers stay" in caplog.text


def test_a_file_system_without_hard_links_is_named_as_the_reason(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(ConfigurationError, match="cannot hard-link"):
        store.put_new("a", b"x")

    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_link_made_whose_answer_was_lost_is_our_own(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def link_and_lose_the_answer(source: Any, target: Any, **options: Any) -> None:
        link(source, target, **options)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", link_and_lose_the_answer)

    store.put_new("a", b"x")

    assert store.get("a") == b"x"


def test_a_folder_removed_under_a_writer_is_made_again(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link
    removed: list[Any] = []

    def link_after_another_process_tidied_up(source: Any, target: Any, **options: Any) -> None:
        if len(removed) < 3:
            path_of(target, options["dst_dir_fd"]).parent.rmdir()
            removed.append(target)
        link(source, target, **options)

    monkeypatch.setattr(os, "link", link_after_another_process_tidied_up)

    store.put_new("a/b", b"x")

    assert len(removed) == 3
    assert store.get("a/b") == b"x"


def test_body_name_and_folders_are_synced_in_this_order(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_new("made/before", b"")
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(f"sync {'body' if path.parent.name == INCOMING else path.relative_to(root)}")
        fsync(descriptor)

    def noted_link(source: Any, target: Any, **options: Any) -> None:
        steps.append(f"link {path_of(target, options['dst_dir_fd']).relative_to(root)}")
        link(source, target, **options)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    store.put_new("a/b/c", b"x")
    store.put_new("a/b/d", b"x")

    assert [
        *("sync body", "sync .", "sync a", "link a/b/c", "sync a/b"),
        *("sync body", "link a/b/d", "sync a/b"),
    ] == steps


def test_the_folder_of_many_published_files_is_synced_once_and_when_asked(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_new("a/b/before", b"")
    steps: list[str] = []
    fsync = os.fsync

    def noted_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append("body" if path.parent.name == INCOMING else str(path.relative_to(root)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    for name in ("c", "d"):
        with store.stage() as staged:
            staged.write(b"x")
            staged.publish(f"a/b/{name}", sha256=hashlib.sha256(b"x").digest())
    published, steps[:] = list(steps), []
    store.settle(["a/b/c", "a/b/d"])

    assert (published, steps) == (["body", "body"], ["a/b"])


def test_settling_what_is_not_there_says_so(store: LocalStore) -> None:
    store.put_new("a/b", b"")

    with pytest.raises(NotFound):
        store.settle(["other/c"])


def test_a_large_file_leaves_the_cache_of_the_system_after_it_was_synced(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int]] = []
    fsync, advise = os.fsync, os.posix_fadvise

    def noted_fsync(descriptor: int) -> None:
        steps.append(("sync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def noted_advice(descriptor: int, start: int, length: int, advice: int) -> None:
        assert (start, length, advice) == (0, 0, os.POSIX_FADV_DONTNEED)
        steps.append(("let go", os.fstat(descriptor).st_size))
        advise(descriptor, start, length, advice)

    store.put_new("before", b"")
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "posix_fadvise", noted_advice)
    store.put_new("small", b"x")
    store.put_new("large", bytes(300_000))

    assert [step for step in steps if step[1] in (1, 300_000)] == [
        ("sync", 1),
        ("sync", 300_000),
        ("let go", 300_000),
    ]
    assert store.get("large") == bytes(300_000)


def test_a_folder_another_writer_just_made_is_synced_too(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_new("made/before", b"")
    (root / "a").mkdir()
    synced: list[Path] = []
    fsync = os.fsync

    def noted_fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    store.put_new("a/b", b"x")

    assert root in synced


def test_an_object_deleted_while_it_is_listed_is_left_out(store: LocalStore) -> None:
    for name in "abc":
        store.put_new(f"f/{name}", b"")
    listing = store.list("")
    assert next(listing).key == "f/a"

    store.delete("f/b")

    assert [found.key for found in listing] == ["f/c"]


def test_a_link_that_takes_the_place_of_an_object_at_the_last_moment_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"not of the store")
    (tmp_path / "object").symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match="symbolic link") as caught:
        _ExplainedFile(tmp_path / "object", "object")

    assert caught.value.errno == errno.ELOOP


def test_a_stage_leaves_no_file_behind_whether_it_got_a_name_or_not(store: LocalStore, root: Path) -> None:
    large = bytes(3 * 2**20)
    with store.stage() as staged:
        staged.write(large)
        staged.publish("a", sha256=hashlib.sha256(large).digest())
    with store.stage() as staged:
        staged.write(large)
        assert len(names_in(root / INCOMING)) == 1

    assert [path for path in root.rglob("*") if path.is_file()] == [root / "a"]


@pytest.mark.parametrize("target", ["the folder itself, moved away", "another folder"])
def test_a_known_folder_that_was_replaced_by_a_link_is_not_written_through(
    store: LocalStore, root: Path, tmp_path: Path, target: str
) -> None:
    store.put_new("a/b/c", b"x")
    moved, another = tmp_path / "moved", tmp_path / "another"
    (root / "a").rename(moved)
    (another / "b").mkdir(parents=True)
    (root / "a").symlink_to(another if target == "another folder" else moved)

    with pytest.raises(ConfigurationError, match="symbolic link"):
        store.put_new("a/b/d", b"x")

    assert names_in(moved / "b") == ["c"]
    assert names_in(another / "b") == []


def test_a_passing_name_that_cannot_be_removed_is_an_error_of_ours(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(StoreError, match="cannot write a new object"):
            store.put_new("a", b"x")
