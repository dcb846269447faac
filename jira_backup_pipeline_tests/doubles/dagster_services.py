"""A real Dagster: code server, daemon and webserver as processes of their own, on loopback, in a throw-away DAGSTER_HOME."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
LOCATION = "jira_backup_pipeline"
_START_SECONDS = 90.0
_STOP_SECONDS = 20.0
_BETWEEN_QUESTIONS_SECONDS = 0.2


def eventually(question: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Ask again until the answer is true; what is waited for is in another process, so asking is the only way."""
    pause = threading.Event()
    answer = None
    for _ in range(int(seconds / _BETWEEN_QUESTIONS_SECONDS)):
        answer = question()
        if answer:
            return answer
        pause.wait(_BETWEEN_QUESTIONS_SECONDS)
    message = f"waited {seconds:g} seconds for {what}; last answer: {answer!r}"
    raise TimeoutError(message)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class DagsterServices:
    """Running services: where the UI is, and where everything that they store lies."""

    url: str
    home: Path

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask GraphQL; an error in the answer is an error here."""
        body = json.dumps({"query": query, "variables": dict(variables or {})}).encode()
        request = urllib.request.Request(  # noqa: S310 - an address of our own on loopback
            f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            document = json.load(answer)
        if "errors" in document:
            raise AssertionError(document["errors"])
        data: dict[str, Any] = document["data"]
        return data

    def partitions(self) -> list[str]:
        """Give the partition keys of the project assets."""
        answer = self.ask(
            'query { assetNodeOrError(assetKey: {path: ["jira", "snapshot"]}) '
            "{ ... on AssetNode { partitionKeys } } }"
        )
        found: list[str] = answer["assetNodeOrError"]["partitionKeys"]
        return found

    def launch(self, job: str, run_config: Mapping[str, Any], *, partition: str | None = None) -> str:
        """Launch a job, of one partition where one is named, and give the run's id."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        answer = self.ask(
            "mutation L($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename "
            "... on LaunchRunSuccess { run { runId } } "
            "... on RunConfigValidationInvalid { errors { message } } "
            "... on PythonError { message } } }",
            {
                "p": {
                    "selector": {
                        "repositoryLocationName": LOCATION,
                        "repositoryName": "__repository__",
                        "jobName": job,
                    },
                    "runConfigData": dict(run_config),
                    "executionMetadata": {"tags": tags},
                }
            },
        )["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run_id: str = answer["run"]["runId"]
        return run_id

    def wait_for_run(self, run_id: str, *, seconds: float = 120) -> str:
        """Wait until a run ended and give its status."""

        def ended() -> str | None:
            status: str = self.ask(
                "query R($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", {"id": run_id}
            )["runOrError"]["status"]
            return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None

        found: str = eventually(ended, seconds=seconds, what=f"the end of run {run_id}")
        return found

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """Give the events of a run with their messages and metadata."""
        answer = self.ask(
            "query E($id: ID!) { logsForRun(runId: $id, limit: 1000) { ... on EventConnection { events "
            "{ __typename ... on MessageEvent { message eventType } "
            "... on ExecutionStepOutputEvent { outputName metadataEntries { label description "
            "... on MarkdownMetadataEntry { mdStr } } } "
            "... on ExecutionStepFailureEvent { error { message } failureMetadata { metadataEntries { label "
            "... on MarkdownMetadataEntry { mdStr } } } } } } } }",
            {"id": run_id},
        )
        found: list[dict[str, Any]] = answer["logsForRun"]["events"]
        return found

    def launchpad(self, job: str) -> dict[str, Any]:
        """Give what the launchpad of a job shows before anybody types, and how every resource is configured."""
        return self.ask(
            "query P($s: PipelineSelector!, $r: RepositorySelector!) { runConfigSchemaOrError(selector: $s) { "
            "... on RunConfigSchema { rootDefaultYaml allConfigTypes { key description "
            "... on CompositeConfigType { fields { name description defaultValueAsJson } } } } } "
            "allTopLevelResourceDetailsOrError(repositorySelector: $r) { ... on ResourceDetailsList { results "
            "{ name description configuredValues { key value type } "
            "configFields { name description defaultValueAsJson } } } } }",
            {
                "s": {
                    "repositoryLocationName": LOCATION,
                    "repositoryName": "__repository__",
                    "pipelineName": job,
                },
                "r": {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"},
            },
        )

    def backfill(self, assets: list[list[str]], partitions: list[str]) -> str:
        """Launch a backfill as the dialog in the UI does, and give its id."""
        answer = self.ask(
            "mutation B($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename "
            "... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
            {
                "p": {
                    "assetSelection": [{"path": path} for path in assets],
                    "partitionNames": partitions,
                    "tags": [],
                }
            },
        )["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        backfill_id: str = answer["backfillId"]
        return backfill_id

    def wait_for_backfill(self, backfill_id: str, *, seconds: float = 240) -> str:
        """Wait until a backfill ended and give its status."""

        def ended() -> str | None:
            status: str = self.ask(
                "query B($id: String!) { partitionBackfillOrError(backfillId: $id) "
                "{ ... on PartitionBackfill { status } } }",
                {"id": backfill_id},
            )["partitionBackfillOrError"]["status"]
            ends = ("COMPLETED", "FAILED", "CANCELED")
            return status if status.startswith(ends) else None

        found: str = eventually(ended, seconds=seconds, what=f"the end of backfill {backfill_id}")
        return found


@contextmanager
def running_dagster(
    home: Path,
    *,
    code_environment: Mapping[str, str],
    instance_environment: Mapping[str, str] | None = None,
    instance_file: Path = ROOT / "dagster.yaml",
) -> Iterator[DagsterServices]:
    """Start the three services as `deploy/systemd` does: only the code server knows the secrets."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(instance_file, home / "dagster.yaml")
    code_port, web_port = free_port(), free_port()
    workspace = home / "workspace.yaml"
    workspace.write_text((ROOT / "deploy" / "workspace.yaml").read_text().replace("4266", str(code_port)))
    base = _plain_environment() | {"DAGSTER_HOME": str(home)} | dict(instance_environment or {})
    services = DagsterServices(f"http://127.0.0.1:{web_port}", home)
    with ExitStack() as stack:

        def start(unit: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
            ports = {"4266": str(code_port), "3000": str(web_port)}
            command = _command_of(unit, workspace, ports)
            return stack.enter_context(_process(command, environment, home / f"{unit}.log", home))

        code = start("code-server", base | dict(code_environment))
        eventually(
            lambda: _is_listening(code_port, code), seconds=_START_SECONDS, what="the code server's port"
        )
        web = start("webserver", base)
        start("daemon", base)
        eventually(lambda: _is_loaded(services, web), seconds=_START_SECONDS, what="the code location")
        yield services


def _command_of(unit: str, workspace: Path, ports: Mapping[str, str]) -> list[str]:
    """Take the command line from the systemd unit that is shipped, with this machine's paths and ports."""
    text = (ROOT / "deploy" / "systemd" / f"jira-backup-{unit}.service").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    line = line.removeprefix("ExecStart=").replace("/etc/jira-backup/workspace.yaml", str(workspace))
    program, *arguments = line.split()
    here = Path(sys.executable).with_name(Path(program).name)
    return [str(here), *(ports.get(argument, argument) for argument in arguments)]


@contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], log: Path, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service in a process group of its own, and stop the group at the end: it starts processes itself."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, ending)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=_STOP_SECONDS)


def _plain_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _is_listening(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the code server ended"
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_loaded(services: DagsterServices, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the webserver ended"
    try:
        answer = services.ask(
            "query { workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError "
            "{ __typename ... on PythonError { message } } } } } }"
        )
    except OSError:
        return False
    [entry] = answer["workspaceOrError"]["locationEntries"]
    assert entry["locationOrLoadError"]["__typename"] != "PythonError", entry
    return bool(entry["loadStatus"] == "LOADED")
