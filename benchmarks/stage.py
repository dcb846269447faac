"""What the benchmarks share: a sandbox in its own process, a fresh repository in a folder, and a listener on the client.

What belongs here: setting the stage and taking it down. What stays out: what is measured (one script a question).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.sockets import Sockets
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.repository.repository import Repository


def clock() -> datetime:
    """Give the real time: benchmarks measure it."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Asked:
    """One request that the client made, without its Authorization header."""

    method: str
    url: str
    body: bytes | None
    content_type: str | None


@dataclass
class Stage:
    """A running sandbox, a reader of it, and a repository. `asked` fills with every request of the reader."""

    url: str
    email: str
    token: str
    reader: CloudReader
    repository: Repository
    folder: Path
    # The operator's identity, for a process of its own that opens the repository too.
    identity_text: str = ""
    asked: list[Asked] = field(default_factory=list)

    def objects(self) -> dict[str, int]:
        """Give the size in bytes of every object of the repository by its key."""
        root = self.folder / "repository"
        return {str(f.relative_to(root)): f.stat().st_size for f in root.rglob("*") if f.is_file()}

    def stored_bytes(self) -> int:
        """Sum the sizes of the repository's objects without attachments."""
        return sum(size for key, size in self.objects().items() if not key.startswith("blobs/"))


@contextlib.contextmanager
def stage(
    *, projects: int, issues: int, seed: int = 7, is_warm: bool = True, is_listening: bool = True
) -> Iterator[Stage]:
    """Start a sandbox with so many issues over all projects, and an empty repository in a temporary folder.

    A warm sandbox made everything before it listens; without listening `asked` stays empty and takes no memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="jira-backup-benchmark-"))
    command = [sys.executable, "-m", "jira_backup_pipeline.sandbox", "--port", "0"]
    # Warm: what the sandbox makes once must not count for the first of two readings that are compared.
    sizes = [
        "--projects",
        str(projects),
        "--issues",
        str(issues),
        "--seed",
        str(seed),
        *(["--warm"] if is_warm else []),
    ]
    server = subprocess.Popen([*command, *sizes], stdout=subprocess.PIPE, text=True)
    try:
        site = json.loads(server.stdout.readline() if server.stdout else "{}")
        with connect(JiraConfig(site["url"], site["email"], Secret(site["token"]))) as client:
            secret = str(pyrage.x25519.Identity.generate())
            operator = read_identity(secret)
            recovery = str(pyrage.x25519.Identity.generate().to_public())
            store = LocalStore(folder / "repository")
            repository = create_repository(store, operator=operator, recovery_recipient=recovery, clock=clock)
            set_up = Stage(
                site["url"], site["email"], site["token"], CloudReader(client), repository, folder, secret
            )
            with _listening(set_up) if is_listening else contextlib.nullcontext():
                yield set_up
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder)


@contextlib.contextmanager
def _listening(set_up: Stage) -> Iterator[None]:
    plain = Sockets.open
    lock = threading.Lock()

    def open_and_note(self: Sockets, method: str, url: str, headers: dict[str, str], body: object) -> object:
        if url.startswith(set_up.url):
            content_type = next((v for k, v in headers.items() if k.lower() == "content-type"), None)
            with lock:
                set_up.asked.append(
                    Asked(method, url, body if isinstance(body, bytes) else None, content_type)
                )
        return plain(self, method, url, headers, body)

    Sockets.open = open_and_note  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        Sockets.open = plain  # type: ignore[method-assign]
