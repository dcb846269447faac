"""The control API under ``/__sandbox__/``: log, faults, truth, edits, settings. Not part of Jira; loopback only.

What an edit does is in ``edits``, what a fault does in ``faults`` and ``asgi``; this module is their HTTP form.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import ApiError, JsonObject, Request, Response, decode, json_response
from jira_backup_pipeline.sandbox.truth import truth_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        try:
            match request.method, noun:
                case "GET", "requests":
                    return json_response(self.sandbox.log.describe(limit=request.integer("limit", 1000)))
                case "DELETE", "requests":
                    self.sandbox.log.reset()
                    return Response(204)
                case "POST", "faults":
                    return self._add_faults(request)
                case "GET", "faults":
                    return json_response(
                        {"faults": [fault.describe() for fault in self.sandbox.faults.list()]}
                    )
                case "DELETE", "faults":
                    self.sandbox.faults.clear()
                    return Response(204)
                case "GET", "truth":
                    return truth_lines(self.sandbox.site)
                case "POST", "edit":
                    return self._edit(request)
                case "GET", "settings":
                    return json_response(dataclasses.asdict(self.sandbox.site.settings))
                case "POST", "settings":
                    return json_response(self.edits.set_settings(**self._object(request)))
                case "GET", "site":
                    return json_response(self._site())
        except (ValueError, TypeError) as error:
            return json_response({"error": str(error)}, 400)
        except ApiError as error:
            return error.response()
        return json_response({"error": f"no control operation {request.method} {noun}"}, 404)

    def _object(self, request: Request) -> JsonObject:
        value = decode(request.body)
        if not isinstance(value, dict):
            raise ValueError("a JSON object is expected")
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

    def _site(self) -> JsonObject:
        site = self.sandbox.site
        return {
            "cloud_id": site.cloud_id,
            "now_ms": site.now(),
            "time_zone": site.time_zone,
            "projects": {item.key: item.state.value for item in site.projects.values()},
            "issues": len(site.issues),
            "leaked_credentials": self.media.leaked_credentials,
        }
