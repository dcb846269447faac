"""What a restore costs: write requests beside the formula, the verdicts of a round trip, and how long a plan takes.

Run: `python benchmarks/restore.py` loses and restores the default data (3 projects, 1,500 issues) over HTTP;
`python benchmarks/restore.py --plan 20000` only plans, in a process of its own, a lost project of that many issues.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage, clock, stage

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.restore.plan import RestoreTarget, make_plan
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline.engine.restore.verb import restore
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.engine.restore.planned import RestorePlan
    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.repository.repository import Repository

_READING = ("/bulkfetch", "/comment/list")
_PER_RECORD = ("comment", "worklog", "attachment", "issue_link", "remote_link", "watcher")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=3)
    parser.add_argument("--issues", type=int, default=1_500)
    parser.add_argument("--plan", type=int, metavar="ISSUES")
    parser.add_argument("--planning", metavar="SCOPE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.planning:
        _plan_and_tell(options.planning)
    elif options.plan:
        with stage(projects=1, issues=options.plan) as scene:
            _back_up(scene)
            [scope] = [found for found in scene.repository.scopes() if found != "site"]
            _delete(scene, scope)
            _measure_plan(scene, scope)
    else:
        with stage(projects=options.projects, issues=options.issues) as scene:
            _back_up(scene)
            for scope in [found for found in scene.repository.scopes() if found != "site"]:
                _delete(scene, scope)
                _round_trip(scene, scope)


def _back_up(scene: Stage) -> None:
    started = time.perf_counter()
    back_up(
        scene.repository, scene.reader, projects=None, with_site=True, clock=clock, options=CaptureOptions()
    )
    print(f"captured in {time.perf_counter() - started:.1f} s", flush=True)


def _delete(scene: Stage, scope: str) -> None:
    with connect(JiraConfig(scene.url, scene.email, Secret(scene.token))) as client:
        path = f"/rest/api/3/project/{scope.removeprefix('project-')}"
        CloudWriter(client).send("DELETE", path, None, {"enableUndo": "false"})


def _plan_of(repository: Repository, scope: str, writer: CloudWriter) -> RestorePlan:
    manifest = repository.load(scope, repository.snapshot_numbers(scope)[-1])
    return make_plan(repository, manifest, writer, target=RestoreTarget(), clock=clock)


def _round_trip(scene: Stage, scope: str) -> None:
    with connect(JiraConfig(scene.url, scene.email, Secret(scene.token))) as client:
        writer = CloudWriter(client)
        plan = _plan_of(scene.repository, scope, writer)
        started = time.perf_counter()
        result = restore(
            scene.repository,
            plan,
            writer,
            scene.reader,
            run=f"benchmark-{scope}",
            clock=clock,
            confirm=plan.target.key,
        )
        seconds = time.perf_counter() - started
    _show(scene, result, seconds)


def _show(scene: Stage, result: RestoreResult, seconds: float) -> None:
    plan, outcome, report = result.plan, result.outcome, result.report
    if outcome is None or report is None:
        raise SystemExit(1)
    writes = writes_of(outcome.requests)
    formula = formula_of(scene, plan, writes)
    print(f"\n{plan.source.key}: {len(plan.creates)} issues restored and proven in {seconds:.1f} s")
    print(f"wrong or missing: {report.wrong_total}; impossible: {sum(report.impossible.values())}")
    batches = writes["POST /rest/api/3/bulk/issues/transition"]
    print(f"transition batches {batches}")
    print(f"write requests {sum(writes.values())} / formula {formula} = {sum(writes.values()) / formula:.3f}")
    for name, count in writes.most_common():
        print(f"    {count:6d}  {name}")


def writes_of(requests: Mapping[str, int]) -> Counter[str]:
    """Give the requests that write, by method and path."""
    return Counter(
        {
            name: count
            for name, count in requests.items()
            if not name.startswith("GET ") and not name.endswith(_READING)
        }
    )


def formula_of(scene: Stage, plan: RestorePlan, writes: Mapping[str, int]) -> int:
    """Give what the formula allows without its tenth on top; edits are counted as made, one for an issue at most."""
    view = SnapshotView(scene.repository, scene.repository.load(plan.scope, plan.snapshot))
    heads = view.heads()
    levels = Counter(head.level for head in heads)
    creates = sum(ceil(count / 50) + 1 for count in levels.values())
    transitions = len({(head.issue_type_id, head.status) for head in heads})
    edits = writes.get("PUT /rest/api/3/issue/{id}", 0)
    return creates + sum(plan.counts.get(kind, 0) for kind in _PER_RECORD) + transitions + edits


def _measure_plan(scene: Stage, scope: str) -> None:
    """Plan in a process of its own, whose peak memory is then the plan's."""
    environment = {
        **os.environ,
        "BENCHMARK_STAGE": json.dumps(
            {
                "url": scene.url,
                "email": scene.email,
                "token": scene.token,
                "store": str(scene.folder / "repository"),
                "identity": scene.identity_text,
            }
        ),
    }
    command = [sys.executable, __file__, "--planning", scope]
    print(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def _plan_and_tell(scope: str) -> None:
    told = json.loads(os.environ["BENCHMARK_STAGE"])
    repository = open_repository(LocalStore(Path(told["store"])), identity_text=told["identity"])
    with connect(JiraConfig(told["url"], told["email"], Secret(told["token"]))) as client:
        started, worked = time.perf_counter(), time.process_time()
        plan = _plan_of(repository, scope, CloudWriter(client))
        seconds, work = time.perf_counter() - started, time.process_time() - worked
    print(
        f"planned {len(plan.creates)} issues in {seconds:.1f} s ({work:.1f} s of processor time), peak memory of the process "
        f"{_peak_mb():.0f} MB"
    )


def _peak_mb() -> float:
    """Give this process's own peak; what `getrusage` says would include that of the process which started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [found for found in status.splitlines() if found.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1_000_000


if __name__ == "__main__":
    main()
