"""The control API under ``/__sandbox__/``: log, faults, truth, edits, settings. Not part of Jira.

What belongs here: the HTTP form of what a test could call in the same process, and its plain error answers.

What stays out: what an edit does (``edits``), what a fault does (``faults``, ``asgi``), the records of the
truth (``truth``), and the refusal of callers from elsewhere than loopback (``asgi``).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import ApiError, JsonObject, Request, Response, decode, json_response
from jira_backup_pipeline.sandbox.truth import truth_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.sandbox.core import Sandbox
    from jira_backup_pipeline.sandbox.edits import Edits
    from jira_backup_pipeline.sandbox.media import MediaHost

PREFIX = "/__sandbox__"


@dataclass(slots=True)
class Control:
    """Answers control requests."""

    sandbox: Sandbox
    media: MediaHost
    edits: Edits

    def handle(self, request: Request) -> Response | Iterator[bytes]:
        """An answer, or lines of JSON to stream."""
        noun = request.path.removeprefix(PREFIX).strip("/")
        operation = self._operations().get((request.method, noun))
        if operation is None:
            return json_response({"error": f"no control operation {request.method} {noun}"}, 404)
        try:
            return operation(request)
        except (ValueError, TypeError) as error:
            return json_response({"error": str(error)}, 400)
        except ApiError as error:
            return error.response()

    def _operations(self) -> dict[tuple[str, str], Callable[[Request], Response | Iterator[bytes]]]:
        return {
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._reset_requests,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "truth"): self._truth,
            ("POST", "edit"): self._edit,
            ("GET", "settings"): self._settings,
            ("POST", "settings"): self._set_settings,
            ("GET", "site"): self._site,
        }

    def _requests(self, request: Request) -> Response:
        return json_response(self.sandbox.log.describe(limit=request.integer("limit", 1000)))

    def _reset_requests(self, _: Request) -> Response:
        self.sandbox.log.reset()
        return Response(204)

    def _faults(self, _: Request) -> Response:
        return json_response({"faults": [fault.describe() for fault in self.sandbox.faults.list()]})

    def _clear_faults(self, _: Request) -> Response:
        self.sandbox.faults.clear()
        return Response(204)

    def _truth(self, _: Request) -> Iterator[bytes]:
        return truth_lines(self.sandbox.site)

    def _settings(self, _: Request) -> Response:
        return json_response(dataclasses.asdict(self.sandbox.site.settings))

    def _set_settings(self, request: Request) -> Response:
        return json_response(self.edits.set_settings(**self._object(request)))

    def _object(self, request: Request) -> JsonObject:
        value = decode(request.body)
        if not isinstance(value, dict):
            raise TypeError("a JSON object is expected")
        return value

    def _add_faults(self, request: Request) -> Response:
        value = decode(request.body)
        entries = value if isinstance(value, list) else [value]
        made = []
        for entry in entries:
            options = dict(entry)
            made.append(self.sandbox.faults.add(str(options.pop("kind", "")), **options).describe())
        return json_response({"faults": made}, 201)

    def _edit(self, request: Request) -> Response:
        options = self._object(request)
        return json_response(self.edits.run(str(options.pop("action", "")), options))

    def _site(self, _: Request) -> Response:
        site = self.sandbox.site
        state: JsonObject = {
            "cloud_id": site.cloud_id,
            "now_ms": site.now(),
            "time_zone": site.time_zone,
            "projects": {item.key: item.state.value for item in site.projects.values()},
            "issues": len(site.issues),
            "leaked_credentials": self.media.leaked_credentials,
        }
        return json_response(state)
