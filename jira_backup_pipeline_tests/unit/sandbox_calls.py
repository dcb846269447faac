"""Calls the sandbox's core without sockets, as the backup account or as anybody else."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from jira_backup_pipeline.sandbox.core import Sandbox
from jira_backup_pipeline.sandbox.edits import Edits
from jira_backup_pipeline.sandbox.http import Request, Response, UploadedFile
from jira_backup_pipeline.sandbox.model import Token
from jira_backup_pipeline.sandbox.seed.make import make_site

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

TEXT: dict[str, Any] = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Some text"}]}],
}
SECRET = "made-up-token"


@dataclass(slots=True)
class Calls:
    """A site and its API without a network."""

    core: Sandbox
    edits: Edits
    secret: str | None = SECRET

    @property
    def site(self) -> Site:
        """The live state."""
        return self.core.site

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        files: list[UploadedFile] | None = None,
    ) -> Response:
        """One request below ``/rest/api/3`` (or from the root)."""
        address, _, query = path.partition("?")
        sent = dict(headers or {})
        if self.secret is not None:
            pair = f"{self.site.backup_account.email}:{self.secret}".encode()
            sent["authorization"] = "Basic " + base64.b64encode(pair).decode()
        whole = address if address.startswith(("/rest", "/ex", "/_edge")) else f"/rest/api/3{address}"
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(method, whole, parse_qsl(query, keep_blank_values=True), sent, content, files or [])
        return self.core.handle(request)

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        return self._good(self.send("GET", path))

    def post(self, path: str, body: Any = None) -> Any:
        """The JSON of a POST that must succeed."""
        return self._good(self.send("POST", path, body))

    def put(self, path: str, body: Any = None) -> Any:
        """The JSON of a PUT that must succeed."""
        return self._good(self.send("PUT", path, body))

    def delete(self, path: str) -> Any:
        """A DELETE that must succeed."""
        return self._good(self.send("DELETE", path))

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and body of a request that must fail."""
        answer = self.send(method, path, body)
        assert answer.status >= 400, answer
        return answer.status, json.loads(answer.body)

    def keys(self, jql: str) -> list[str]:
        """The keys that a query finds, in the order of ids."""
        found: list[tuple[int, str]] = []
        token = None
        while True:
            page = self.post(
                "/search/jql", {"jql": jql, "fields": ["key"], "maxResults": 5000, "nextPageToken": token}
            )
            found += [(int(item["id"]), item["key"]) for item in page["issues"]]
            token = page.get("nextPageToken")
            if token is None:
                return [key for _, key in sorted(found)]

    def create(self, project: str = "APP", kind: str = "Task", **fields: Any) -> str:
        """A new issue's key."""
        given = {"project": {"key": project}, "issuetype": {"name": kind}, "summary": "Made", **fields}
        return str(self.post("/issue", {"fields": given})["key"])

    def items(self, key: str) -> list[dict[str, Any]]:
        """All history items of an issue, oldest first."""
        page = self.get(f"/issue/{key}/changelog")
        return [item for entry in page["values"] for item in entry["items"]]

    @staticmethod
    def _good(answer: Response) -> Any:
        assert answer.status < 400, answer
        return json.loads(answer.body) if answer.body else None


def calls(*, projects: int = 2, issues: int = 40, seed: int = 5) -> Calls:
    """A fresh small site."""
    site = make_site(projects=projects, issues=issues, seed=seed)
    site.tokens.append(Token(SECRET, site.backup_account_id))
    return Calls(Sandbox(site), Edits(site))
