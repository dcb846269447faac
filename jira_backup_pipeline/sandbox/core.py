"""The sandbox without sockets: one request in, one exchange out.

What belongs here: the joined route table, the log entry of every request, the addresses in an answer, and the
order of things: address (site or gateway), operation, fault, credentials, limits, handler.

What stays out: what any operation does (``routes``), and what an exchange does to a connection (``asgi``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import auth, faults
from jira_backup_pipeline.sandbox.clock import http_date
from jira_backup_pipeline.sandbox.faults import Fault, FaultScript
from jira_backup_pipeline.sandbox.http import (
    SELF_BASE_BYTES,
    SITE_BASE_BYTES,
    ApiError,
    Call,
    Request,
    Response,
    RouteTable,
    encode,
)
from jira_backup_pipeline.sandbox.limits import Limits
from jira_backup_pipeline.sandbox.request_log import LoggedRequest, RequestLog
from jira_backup_pipeline.sandbox.routes import (
    administration,
    agile,
    associations,
    attachments,
    board_parts,
    bulk,
    changelogs,
    comments,
    configuration,
    definition_changes,
    field_rules,
    fields,
    issue_parts,
    issues,
    links,
    people,
    priority_schemes,
    project_parts,
    projects,
    ranking,
    scheme_changes,
    schemes,
    screen_schemes,
    screens,
    search,
    server_info,
    service_desk,
    sharing,
    site_setup,
    tasks,
    transitions,
    versions,
    workflow_changes,
    workflow_schemes,
    workflows,
    worklogs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.model import Account
    from jira_backup_pipeline.sandbox.site import Site

_TABLES = (
    administration.ROUTES,
    agile.ROUTES,
    associations.ROUTES,
    attachments.ROUTES,
    board_parts.ROUTES,
    bulk.ROUTES,
    changelogs.ROUTES,
    comments.ROUTES,
    configuration.ROUTES,
    definition_changes.ROUTES,
    field_rules.ROUTES,
    fields.ROUTES,
    issue_parts.ROUTES,
    issues.ROUTES,
    links.ROUTES,
    people.ROUTES,
    priority_schemes.ROUTES,
    project_parts.ROUTES,
    projects.ROUTES,
    ranking.ROUTES,
    scheme_changes.ROUTES,
    schemes.ROUTES,
    screen_schemes.ROUTES,
    screens.ROUTES,
    search.ROUTES,
    server_info.ROUTES,
    service_desk.ROUTES,
    sharing.ROUTES,
    site_setup.ROUTES,
    tasks.ROUTES,
    transitions.ROUTES,
    versions.ROUTES,
    workflow_changes.ROUTES,
    workflow_schemes.ROUTES,
    workflows.ROUTES,
    worklogs.ROUTES,
)


def all_routes() -> RouteTable:
    """Every operation the sandbox answers."""
    joined = RouteTable()
    for table in _TABLES:
        for route in table.routes:
            joined.include(route)
    return joined


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a request: the answer and the fault, if any, that its delivery suffers."""

    response: Response
    fault: Fault | None
    template: str


class Sandbox:
    """The Jira of one site, with its log, faults and limits."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.log = RequestLog()
        self.faults = FaultScript()
        self.limits = Limits(site)
        self.routes = all_routes()

    def handle(self, request: Request) -> Response:
        """The answer to a request, without regard to faults of delivery."""
        return self.exchange(request).response

    def exchange(self, request: Request) -> Exchange:
        """The answer to a request and what befalls it on the way."""
        started = time.perf_counter()
        gateway, path = self._addressed(request.path)
        found = self.routes.match(request.method, path)
        template = found[0].template if found else path
        fault = self.faults.take(request.method, template, path)
        response = faults.instead(fault) if fault is not None and fault.kind in faults.INSTEAD else None
        if response is None:
            response = self._answer(replace(request, path=path), gateway=gateway)
            if fault is not None:
                response = faults.rewritten(fault, response, request.body, request.first("nextPageToken"))
        self._finish(response, gateway=gateway)
        self._note(request, response, template=template, path=path, fault=fault, started=started)
        return Exchange(response, fault, template)

    def _addressed(self, path: str) -> tuple[bool, str]:
        """Whether the gateway is asked, and the path as the site itself would be asked for it."""
        if path.startswith("/automation/"):
            return True, f"/gateway/api{path}"
        if not path.startswith("/ex/jira/"):
            return False, path
        prefix = f"/ex/jira/{self.site.cloud_id}"
        return True, path.removeprefix(prefix) if path.startswith(prefix + "/") else "/unknown-cloud"

    def exchange_elsewhere(
        self, request: Request, template: str, handler: Callable[[Request], Response]
    ) -> Exchange:
        """An exchange of another host (media): same log and faults, none of Jira's rules."""
        started = time.perf_counter()
        fault = self.faults.take(request.method, template, request.path)
        if fault is not None and fault.kind in faults.INSTEAD:
            response = faults.instead(fault)
        else:
            response = handler(request)
            if fault is not None:
                response = faults.rewritten(fault, response, b"", "")
        response.headers.setdefault("Date", http_date(self.site.now()))
        self._note(request, response, template=template, path=request.path, fault=fault, started=started)
        return Exchange(response, fault, template)

    def _note(
        self,
        request: Request,
        response: Response,
        *,
        template: str,
        path: str,
        fault: Fault | None,
        started: float,
    ) -> None:
        self.log.add(
            LoggedRequest(
                request.method,
                template,
                path,
                "&".join(f"{key}={value}" for key, value in request.query),
                response.status,
                fault.kind.value if fault else None,
                len(response.body),
                (time.perf_counter() - started) * 1000,
                "authorization" in request.headers,
            )
        )

    def _answer(self, request: Request, *, gateway: bool) -> Response:
        found = self.routes.match(request.method, request.path)
        with self.site.lock:
            caller = auth.caller_of(self.site, request, gateway=gateway)
            if isinstance(caller, Response):
                return caller
            if found is None:
                return self._no_route(request)
            route, params = found
            limited = self.limits.burst(request.method, route.template) or self._write_limit(request, params)
            if limited is not None:
                return limited
            try:
                response = route.handler(Call(self.site, request, params, caller))
            except ApiError as error:
                response = error.response()
            self._identify(response, caller)
            return response

    def _write_limit(self, request: Request, params: dict[str, str]) -> Response | None:
        wanted = params.get("issueIdOrKey")
        if wanted is None or request.method == "GET":
            return None
        issue = self.site.find_issue(wanted)
        return None if issue is None else self.limits.issue_write(issue.issue_id)

    def _no_route(self, request: Request) -> Response:
        allowed = self.routes.methods(request.path)
        if allowed:
            return Response(405, encode({"status-code": 405, "message": ""}), {"Allow": ",".join(allowed)})
        text = {"message": f"null for uri: {request.path}", "status-code": 404}
        return Response(404, encode(text))

    def _identify(self, response: Response, caller: Account | None) -> None:
        if caller is not None:
            response.headers["X-AAccountId"] = caller.account_id

    def _finish(self, response: Response, *, gateway: bool) -> None:
        base = self.site.gateway_url if gateway else self.site.url
        if SELF_BASE_BYTES[:3] in response.body:
            response.body = response.body.replace(SELF_BASE_BYTES, base.encode()).replace(
                SITE_BASE_BYTES, self.site.url.encode()
            )
        response.headers.setdefault("Date", http_date(self.site.now()))
        response.headers.setdefault("Cache-Control", "no-cache, no-store, no-transform")
