"""Starts a sandbox inside this process: two listeners (Jira and media) on one event loop in a thread.

What belongs here: opening and closing ports, putting the parts together, and what a caller needs to reach
them.

What stays out: what happens to a request (``asgi``, ``core``), and the command line (``__main__``).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import uvicorn

from jira_backup_pipeline.sandbox.asgi import AbortableProtocol, JiraEndpoint, MediaEndpoint, application
from jira_backup_pipeline.sandbox.control import PREFIX, Control
from jira_backup_pipeline.sandbox.core import Sandbox
from jira_backup_pipeline.sandbox.edits import Edits
from jira_backup_pipeline.sandbox.media import MediaHost
from jira_backup_pipeline.sandbox.model import Token
from jira_backup_pipeline.sandbox.recorded import load_site
from jira_backup_pipeline.sandbox.rendering import render_all
from jira_backup_pipeline.sandbox.seed.accounts import bring_accounts
from jira_backup_pipeline.sandbox.seed.make import make_site

if TYPE_CHECKING:
    from types import TracebackType

    from jira_backup_pipeline.sandbox.faults import FaultScript
    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.request_log import RequestLog
    from jira_backup_pipeline.sandbox.settings import Settings
    from jira_backup_pipeline.sandbox.site import Site

_START_SECONDS = 20.0


class RunningSandbox:
    """A sandbox that listens; use it as a context manager or call ``stop``."""

    def __init__(
        self, site: Site, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None
    ) -> None:
        self.site = site
        self.core = Sandbox(site)
        self.edits = Edits(site)
        self.media = MediaHost(site)
        self.control = Control(self.core, self.media, self.edits)
        self.token = token or secrets.token_urlsafe(24)
        site.tokens.append(Token(self.token, site.backup_account_id))
        self._jira_socket = _listener(host, port)
        self._media_socket = _listener(host, 0)
        shown = f"[{host}]" if ":" in host else host
        site.url = f"http://{shown}:{self._jira_socket.getsockname()[1]}"
        site.gateway_url = f"{site.url}/ex/jira/{site.cloud_id}"
        # Another name, not only another port: clients drop credentials when the host differs.
        media_host = "localhost" if host == "127.0.0.1" else shown
        site.media_url = f"http://{media_host}:{self._media_socket.getsockname()[1]}"
        self._servers = [
            _server(application(JiraEndpoint(self.core, self.control))),
            _server(application(MediaEndpoint(self.core, self.media))),
        ]
        self._loop_error: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
        self._started = threading.Event()
        self._thread.start()
        self._started.wait(_START_SECONDS)
        if self._loop_error is not None or not self._started.is_set():
            self.stop()
            raise RuntimeError("the sandbox did not start") from self._loop_error

    url = property(lambda self: self.site.url)
    email = property(lambda self: self.site.backup_account.email)
    cloud_id = property(lambda self: self.site.cloud_id)
    gateway_url = property(lambda self: self.site.gateway_url)
    media_url = property(lambda self: self.site.media_url)
    control_url = property(lambda self: f"{self.site.url}{PREFIX}")

    @property
    def faults(self) -> FaultScript:
        """The script of faults."""
        return self.core.faults

    @property
    def log(self) -> RequestLog:
        """The requests since the last reset."""
        return self.core.log

    def describe(self) -> JsonObject:
        """What the command line prints, without the process id."""
        return {
            "url": self.site.url,
            "email": self.site.backup_account.email,
            "token": self.token,
            "cloud_id": self.site.cloud_id,
            "gateway_url": self.site.gateway_url,
            "media_url": self.site.media_url,
            "control_url": f"{self.site.url}{PREFIX}",
        }

    def stop(self) -> None:
        """Stop listening and wait for the thread to end."""
        for server in self._servers:
            server.should_exit = True
            server.force_exit = True
        self._thread.join(_START_SECONDS)
        self._jira_socket.close()
        self._media_socket.close()

    def __enter__(self) -> Self:
        """The sandbox itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _serve(self) -> None:
        try:
            asyncio.run(self._serve_both())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the start
            self._loop_error = error
        finally:
            self._started.set()

    async def _serve_both(self) -> None:
        sockets = (self._jira_socket, self._media_socket)
        running = [
            asyncio.ensure_future(server.serve(sockets=[listener]))
            for server, listener in zip(self._servers, sockets, strict=True)
        ]
        while not all(server.started for server in self._servers):
            done, _ = await asyncio.wait(running, timeout=0.005)
            if done:
                break
        self._started.set()
        await asyncio.gather(*running)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, asyncio switches off the wait that would hold back the second part of every answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


def _server(app: object) -> uvicorn.Server:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=AbortableProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        date_header=False,
        server_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def start_sandbox(
    *,
    projects: int = 3,
    issues: int = 60,
    seed: int = 7,
    load: Path | str | None = None,
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    warm: bool = False,
    bare: bool = False,
    accounts: str | None = None,
    owner: str | None = None,
    team_managed: int = 0,
) -> RunningSandbox:
    """Make a site (or load recorded answers) and serve it on loopback.

    A warm one has made and rendered all its issues before it listens, up to what the caches hold, so that a benchmark
    measures its client and not the making. A bare one has no project and only the configuration of a new site.
    `accounts` is a JSON list of users who are there in place of the made people; the token belongs to the one of id `owner`.
    `team_managed` projects are made beside the others, with issues of their own.
    """
    if load is not None:
        site = load_site(Path(load), settings=settings)
    else:
        site = make_site(
            projects=projects,
            issues=issues,
            seed=seed,
            settings=settings,
            bare=bare,
            team_managed=team_managed,
        )
    if accounts is not None:
        bring_accounts(site, accounts, owner=owner)
    if warm:
        render_all(site)
    return RunningSandbox(site, host=host, port=port, token=token)
