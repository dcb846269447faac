"""Programs and folders that tests use and that a machine may lack: where they are, or why a group of tests is off.

What belongs here: finding `age`, Chromium, PostgreSQL and the reference folder, and starting a throw-away PostgreSQL.

What stays out: fixtures and skipping (`conftest`), and doubles written in Python (`doubles`).
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Group:
    """An optional group of tests: the marker's name, and where its program is or why it is off."""

    name: str
    path: Path | None
    remedy: str

    @property
    def state(self) -> str:
        """Say for a report whether the group is on."""
        return f"{self.name}: on ({self.path})" if self.path else f"{self.name}: off ({self.remedy})"


@cache
def groups() -> dict[str, Group]:
    """Look for what the optional groups need."""
    found = [
        Group("age", _program("age"), "the age program is not installed"),
        Group(
            "browser", _program("chromium", "chromium-browser", "google-chrome"), "Chromium is not installed"
        ),
        Group("postgres", _postgres_folder(), "no PostgreSQL server is installed"),
        Group(
            "shared",
            SHARED if SHARED.is_dir() else None,
            "there is no folder ../shared beside the repository",
        ),
    ]
    return {group.name: group for group in found}


def _program(*names: str) -> Path | None:
    paths = (shutil.which(name) for name in names)
    return next((Path(path) for path in paths if path), None)


def _postgres_folder() -> Path | None:
    on_path = _program("initdb")
    if on_path:
        return on_path.resolve().parent
    debian = Path("/usr/lib/postgresql")
    versions = sorted(debian.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, reachable on loopback only."""

    host: str
    port: int
    user: str
    password: str
    database: str = "postgres"

    @property
    def url(self) -> str:
        """Give the address with login, in the notation of libpq."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL on a free loopback port with its data in a temporary folder, and stop it at the end."""
    programs = groups()["postgres"].path
    assert programs is not None, "ask for the group first"
    server = PostgresServer("127.0.0.1", _free_port(), "postgres", secrets.token_urlsafe(12))
    account = _unprivileged_account()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        login = folder / "login"
        login.write_text(server.password)
        for path in (folder, login):
            if account is not None:
                os.chown(path, account.pw_uid, account.pw_gid)

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(programs / program), *arguments],
                check=True,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                timeout=_START_SECONDS,
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
            )

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", server.user, "--auth=scram-sha-256", f"--pwfile={login}", "--no-sync")
        options = (
            f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        )
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield server
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: give another account in that case, None for the present one."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = "root cannot run PostgreSQL, and there is neither an account postgres nor nobody"
    raise LookupError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
