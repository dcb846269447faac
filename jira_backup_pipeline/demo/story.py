"""The demonstration's story: back up, verify, lose, restore, prove; then leave it running for a look around.

What belongs here: the order of things and what is said about them. Every step is the one a real site would take: Dagster
launches the backups, the engine's verbs do the rest.

What stays out: the verbs (`engine`), the jobs (`orchestration`), programs and pages (`programs`, `dagster_api`).
"""

from __future__ import annotations

import shutil
import signal
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.child_programs import running
from jira_backup_pipeline.demo.dagster_api import DagsterApi
from jira_backup_pipeline.demo.programs import (
    DemoFailed,
    first_line_of,
    free_port,
    sandbox_command,
    wait_until_listening,
)
from jira_backup_pipeline.domain.errors import ExitCode
from jira_backup_pipeline.engine.backup import find_projects, new_run_id
from jira_backup_pipeline.engine.restore.planned import RestoreTarget
from jira_backup_pipeline.engine.restore.selection import Selection
from jira_backup_pipeline.engine.restore.verb import plan_restore, restore
from jira_backup_pipeline.engine.verify import VerifyLevel, verify
from jira_backup_pipeline.setting_up import set_up
from jira_backup_pipeline.settings import Settings, environment_for_child
from jira_backup_pipeline.terminal import in_bytes
from jira_backup_pipeline.workplace import open_jira_reader, open_jira_writer, open_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.jira.reader import CloudReader
    from jira_backup_pipeline.terminal import Terminal

_MARKER: Final = ".made-by-jira-backup-demo"
_DAGSTER_PORT: Final = 3000
_SEED: Final = 7
_START_SECONDS: Final = 90.0
_RUN_SECONDS: Final = 600.0
# Enough to be seen in the report, few enough to be read there.
_SINGLE_ISSUES: Final = 5
_INSTANCE = """\
telemetry:
  enabled: false
nux:
  enabled: false
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
concurrency:
  runs:
    max_concurrent_runs: 2
"""
_WORKSPACE = """\
load_from:
  - python_module:
      module_name: jira_backup_pipeline.definitions
      location_name: jira_backup_pipeline
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the sandbox is."""

    projects: int
    issues: int


def tell(terminal: Terminal, folder: Path, *, scale: Scale, is_left_running: bool) -> ExitCode:
    """Tell the whole story in a folder of its own.

    Returns:
        DONE when everything came back as it should, FAILED when a report found something wrong.
    """
    folder = _prepared(folder.absolute())
    with ExitStack() as stack:
        stack.enter_context(_ending_orderly())
        story = _Story(terminal, folder, scale, stack)
        is_good = story.tell()
        if is_left_running:
            story.stay()
    return ExitCode.DONE if is_good else ExitCode.FAILED


class _Story:
    def __init__(self, terminal: Terminal, folder: Path, scale: Scale, stack: ExitStack) -> None:
        self._terminal = terminal
        self._folder = folder
        self._scale = scale
        self._stack = stack
        self._began_at = _now()
        self._sandbox: Mapping[str, Any] = {}
        self._variables: Mapping[str, str] = {}
        self._settings: Settings
        self._dagster: DagsterApi

    def tell(self) -> bool:
        """Tell it up to the proof; gives whether everything came back as it should."""
        self._start_sandbox()
        self._set_up()
        keys = sorted(project.identity.key for project in find_projects(self._reader(), None))
        self._back_up(keys)
        self._verify()
        whole, partial = keys[-1], keys[0]
        singles = self._some_issues(partial)
        self._lose(whole, singles)
        results = [self._restore(whole), self._restore(partial, only=singles)]
        return self._conclude(results)

    def stay(self) -> None:
        """Leave everything on until Ctrl-C (or SIGTERM)."""
        line = self._terminal.note
        line("")
        line("Open, while this keeps running:")
        for name, address in self._dagster.pages().items():
            line(f"  {address}   {name}")
        line("")
        line("Try the command line in another terminal:")
        for name, value in self._variables.items():
            line(f"  export {name}={value}")
        line(f"  {Path(sys.executable).with_name('jira-backup')} snapshots")
        line("")
        line("Stop with Ctrl-C.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            line("stopping Dagster and the sandbox")

    def _start_sandbox(self) -> None:
        self._say(
            f"starting a sandbox Jira with {self._scale.projects} projects and {self._scale.issues:,} issues"
        )
        log = self._folder / "sandbox.log"
        process = self._stack.enter_context(
            running(
                sandbox_command(projects=self._scale.projects, issues=self._scale.issues, seed=_SEED),
                environment=environment_for_child({}),
                log=log,
                folder=self._folder,
                speaks=True,
            )
        )
        self._sandbox = first_line_of(process, log)
        config = self._folder / "jira-backup.toml"
        # An empty file of our own: one in the folder this was started from must not take part.
        config.write_text("", encoding="ascii")
        self._variables = {
            "JIRA_BASE_URL": self._sandbox["url"],
            "JIRA_EMAIL": self._sandbox["email"],
            "JIRA_API_TOKEN": self._sandbox["token"],
            "BACKUP_URI": (self._folder / "repository").as_uri(),
            "BACKUP_IDENTITY_FILE": str(self._folder / "operator-identity.txt"),
            "BACKUP_CONFIG": str(config),
        }
        self._settings = Settings.from_environment(self._variables)

    def _set_up(self) -> None:
        made = set_up(self._settings, recovery_file=self._folder / "recovery-identity.txt")
        made.anchor()
        self._say(f"made an encrypted repository in {made.repository.store.uri}")

    def _back_up(self, keys: Sequence[str]) -> None:
        self._start_dagster()
        with self._terminal.progress() as progress:
            progress.stage(f"Dagster discovers {len(keys)} projects")
            self._dagster.wait_for_partitions(keys, seconds=_START_SECONDS)
            progress.stage("Dagster backs up the site and every project", len(keys) + 1)
            self._dagster.wait_for_run(self._dagster.launch("site_backup_job"), seconds=_RUN_SECONDS)
            progress.advance()
            for run in [self._dagster.launch("backup_job", partition=key) for key in keys]:
                self._dagster.wait_for_run(run, seconds=_RUN_SECONDS)
                progress.advance()
        repository = open_repository(self._settings)
        rows = []
        for scope in repository.scopes():
            manifest = repository.latest(scope)
            if manifest is None:
                message = f"{scope} has no snapshot after its backup"
                raise DemoFailed(message, hint=f"Look at {self._dagster.url}/runs.")
            name = manifest.project.key if manifest.project else "site"
            counts = manifest.counts
            rows.append(
                (name, manifest.state.value, counts.get("issues"), sum(counts.values()), len(manifest.gaps))
            )
        self._terminal.table(
            ("scope", "state", "issues", "records", "gaps"), rows, title="backed up through Dagster"
        )

    def _start_dagster(self) -> None:
        self._say("starting Dagster")
        home, port, log = (
            self._folder / "dagster-home",
            free_port(_DAGSTER_PORT),
            self._folder / "dagster.log",
        )
        home.mkdir()
        (home / "dagster.yaml").write_text(_INSTANCE, encoding="ascii")
        workspace = self._folder / "workspace.yaml"
        workspace.write_text(_WORKSPACE, encoding="ascii")
        command = [
            *(sys.executable, "-m", "dagster", "dev", "-w", str(workspace)),
            *("-h", "127.0.0.1", "-p", str(port)),
        ]
        elsewhere = dict.fromkeys(
            ("BACKUP_LOG", "BACKUP_VAULT", "BACKUP_VAULT_KEY", "JIRA_PROXY", "JIRA_CA_BUNDLE")
        )
        target = dict.fromkeys(f"RESTORE_{name}" for name in self._variables if name.startswith("JIRA_"))
        environment = environment_for_child(
            {
                **elsewhere,
                **target,
                **self._variables,
                "DAGSTER_HOME": str(home),
                "DAGSTER_DISABLE_TELEMETRY": "1",
            }
        )
        process = self._stack.enter_context(
            running(command, environment=environment, log=log, folder=self._folder)
        )
        self._dagster = DagsterApi(f"http://127.0.0.1:{port}")
        wait_until_listening(process, port, log)
        self._dagster.wait_until_loaded(seconds=_START_SECONDS)

    def _verify(self) -> None:
        with self._terminal.progress() as progress:
            report = verify(open_repository(self._settings), level=VerifyLevel.DECRYPT, progress=progress)
        if not report.is_intact:
            message = f"{len(report.findings)} stored objects are not as they were written"
            raise DemoFailed(message, hint=report.findings[0].problem)
        self._say(
            f"verified: {report.objects:,} objects with {in_bytes(report.bytes)} are there, unchanged, and decrypt"
        )

    def _some_issues(self, key: str) -> list[str]:
        """Choose issues that have something to lose: comments, and files."""
        repository = open_repository(self._settings)
        manifest = repository.latest(repository.find_scope(key))
        if manifest is None:
            return []
        query = (
            "SELECT i.key FROM issues i WHERE i.hierarchy_level = 0 AND NOT EXISTS "
            "(SELECT 1 FROM issues child WHERE child.parent_id = i.id) ORDER BY "
            "(SELECT count(*) FROM attachments a WHERE a.issue_id = i.id) > 0 DESC, i.comment_total DESC, i.key"
        )
        found = repository.tables(manifest).sql(query).column(0).to_pylist()
        return [str(issue) for issue in found[:_SINGLE_ISSUES]]

    def _lose(self, whole: str, singles: Sequence[str]) -> None:
        writer = open_jira_writer(self._settings)
        writer.send("DELETE", f"/rest/api/3/project/{whole}", None, {"enableUndo": "false"})
        for key in singles:
            writer.send("DELETE", f"/rest/api/3/issue/{key}")
        self._say(f"disaster: project {whole} was deleted for good, and {', '.join(singles)} with it")

    def _restore(self, key: str, *, only: Sequence[str] = ()) -> RestoreResult:
        repository, writer = open_repository(self._settings), open_jira_writer(self._settings)
        manifest = repository.latest(repository.find_scope(key))
        if manifest is None:
            message = f"{key} has no snapshot"
            raise DemoFailed(message, hint="This is a defect of the demonstration; please report it.")
        with self._terminal.progress() as progress:
            planned = plan_restore(
                repository,
                manifest,
                writer,
                selection=Selection(tuple(only)),
                target=RestoreTarget(),
                clock=_now,
                progress=progress,
            )
            result = restore(
                repository,
                planned.plan,
                writer,
                self._reader(),
                run=new_run_id(_now),
                clock=_now,
                progress=progress,
                confirm=key,
            )
        if result.report is not None:
            self._terminal.markdown(result.report.to_markdown())
            path = self._folder / f"fidelity-report-{key}.md"
            path.write_text(result.report.to_markdown(), encoding="utf-8")
        return result

    def _conclude(self, results: Sequence[RestoreResult]) -> bool:
        wrong = sum(result.report.wrong_total for result in results if result.report)
        is_good = all(result.exit_code is ExitCode.DONE for result in results)
        seconds = (_now() - self._began_at).total_seconds()
        verdict = (
            "nothing came back wrong, nothing is missing" if is_good else f"{wrong} values came back wrong"
        )
        self._say(f"{verdict} ({seconds:.0f} seconds; reports and logs are in {self._folder})")
        if self._terminal.is_json:
            self._terminal.document(
                {
                    "exit_code": int(ExitCode.DONE if is_good else ExitCode.FAILED),
                    "folder": str(self._folder),
                    "seconds": round(seconds, 1),
                    "restores": [result.report.to_json() for result in results if result.report],
                }
            )
        return is_good

    def _reader(self) -> CloudReader:
        return open_jira_reader(self._settings)

    def _say(self, text: str) -> None:
        self._terminal.note(f"{(_now() - self._began_at).total_seconds():5.0f} s  {text}")


@contextmanager
def _ending_orderly() -> Iterator[None]:
    """Make every ordinary way to end this program stop what it started."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepared(folder: Path) -> Path:
    """Give an empty folder; one that an earlier demonstration made is replaced, any other is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        message = f"{folder} holds files that no demonstration made"
        raise DemoFailed(message, hint="Give another folder with --folder.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()
    return folder


def _now() -> datetime:
    return datetime.now(UTC)
