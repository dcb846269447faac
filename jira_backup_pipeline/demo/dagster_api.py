"""A running Dagster, asked through the same GraphQL that its pages use; no Dagster code is loaded for it.

What belongs here: launching a job, waiting for its end, and the addresses of pages worth opening.

What stays out: the jobs (`orchestration`) and the order in which they are launched (`story`).
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.demo.programs import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LOCATION: Final = "jira_backup_pipeline"
_REPOSITORY: Final = "__repository__"
_BETWEEN_QUESTIONS_SECONDS: Final = 0.3
_ANSWER_SECONDS: Final = 30
_ENDS: Final = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
# Without the proxies of the environment: what is asked here never leaves the machine.
_STRAIGHT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_LOADED = (
    "query { workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError "
    "{ __typename ... on PythonError { message } } } } } }"
)
_PARTITIONS = 'query { assetNodeOrError(assetKey: {path: ["jira", "snapshot"]}) { ... on AssetNode { partitionKeys } } }'
_LAUNCH = (
    "mutation L($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename "
    "... on LaunchRunSuccess { run { runId } } ... on PythonError { message } "
    "... on RunConfigValidationInvalid { errors { message } } } }"
)
_STATUS = "query R($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@dataclass(frozen=True, slots=True)
class DagsterApi:
    """A webserver on loopback."""

    url: str

    def wait_until_loaded(self, *, seconds: float) -> None:
        """Wait until the code location is there.

        Raises:
            DemoFailed: it does not load; Dagster's own words are kept.
        """
        self._wait(self._is_loaded, seconds=seconds, what="Dagster to load the code location")

    def wait_for_partitions(self, keys: Sequence[str], *, seconds: float) -> None:
        """Wait until the discovery sensor has added a partition for each of these projects."""
        self._wait(
            lambda: set(keys) <= set(self._ask(_PARTITIONS)["assetNodeOrError"].get("partitionKeys", ())),
            seconds=seconds,
            what="the discovery sensor to find the projects",
        )

    def launch(self, job: str, *, partition: str | None = None) -> str:
        """Launch a job, on a partition as the pages do it, and give the run's id."""
        tags = [] if partition is None else [{"key": "dagster/partition", "value": partition}]
        answer = self._ask(
            _LAUNCH,
            {
                "p": {
                    "selector": {
                        "repositoryLocationName": _LOCATION,
                        "repositoryName": _REPOSITORY,
                        "jobName": job,
                    },
                    "runConfigData": {},
                    "executionMetadata": {"tags": tags},
                }
            },
        )["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            message = f"Dagster did not launch {job}: {json.dumps(answer)}"
            raise DemoFailed(message, hint=f"Look at {self.url}/runs.")
        return str(answer["run"]["runId"])

    def wait_for_run(self, run_id: str, *, seconds: float) -> None:
        """Wait until a run ended well.

        Raises:
            DemoFailed: it failed or took too long.
        """
        self._wait(lambda: self._status(run_id) in _ENDS, seconds=seconds, what=f"run {run_id}")
        if self._status(run_id) != "SUCCESS":
            message = f"the Dagster run {run_id} ended as {self._status(run_id).lower()}"
            raise DemoFailed(message, hint=f"Its log is at {self.run_page(run_id)} while Dagster runs.")

    def run_page(self, run_id: str) -> str:
        """Give the address of a run's page."""
        return f"{self.url}/runs/{run_id}"

    def pages(self) -> Mapping[str, str]:
        """Give the pages worth opening first."""
        return {
            "the asset graph": f"{self.url}/asset-groups",
            "the snapshots, by project": f"{self.url}/assets/jira/snapshot?view=partitions",
            "the restore job (plans only, until told otherwise)": (
                f"{self.url}/locations/{_LOCATION}/jobs/restore_job/playground"
            ),
            "all runs": f"{self.url}/runs",
        }

    def _status(self, run_id: str) -> str:
        return str(self._ask(_STATUS, {"id": run_id})["runOrError"]["status"])

    def _is_loaded(self) -> bool:
        try:
            entries = self._ask(_LOADED)["workspaceOrError"]["locationEntries"]
        except urllib.error.URLError:
            return False
        for entry in entries:
            if (entry["locationOrLoadError"] or {}).get("__typename") == "PythonError":
                message = f"Dagster cannot load the code location: {entry['locationOrLoadError']['message']}"
                raise DemoFailed(message, hint="Run `make check`; the installation may be incomplete.")
        return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)

    def _ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": dict(variables or {})}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json"}
        )
        with _STRAIGHT.open(request, timeout=_ANSWER_SECONDS) as answer:
            document = json.load(answer)
        if "errors" in document:
            message = f"Dagster answered with errors: {json.dumps(document['errors'])}"
            raise DemoFailed(message, hint="This is a defect of the demonstration; please report it.")
        data: dict[str, Any] = document["data"]
        return data

    def _wait(self, is_there: Callable[[], bool], *, seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not is_there():
            if time.monotonic() > deadline:
                message = f"waited {seconds:g} seconds for {what}"
                raise DemoFailed(message, hint=f"Look at {self.url}/runs while Dagster runs, or at its log.")
            time.sleep(_BETWEEN_QUESTIONS_SECONDS)
