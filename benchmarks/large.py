"""A large project: the peak memory of a first capture at two sizes, and what a night with one per cent changed costs.

Run: `python benchmarks/large.py` (20,000 and 100,000 issues), or `python benchmarks/large.py --issues 5000 20000`.
Every size is captured in a process of its own, because the peak memory of a process never falls. The ratios of a night
are of two measurements in the same process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage, clock, stage

from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions

_CHANGED_SHARE = 100
# What the goal of 85 requests is about; the rest is shown apart.
_CORE = {
    "id walk, changed issues": ("POST /rest/api/3/search/jql",),
    "bodies": ("POST /rest/api/3/issue/bulkfetch",),
    "history": ("POST /rest/api/3/changelog/bulkfetch",),
}
_BY_ISSUE = "{issue_id}"
_CHILD_PROPERTIES = ("POST /rest/api/3/comment/list", "POST /rest/api/3/worklog/list")


def main() -> None:
    """Measure every size in a process of its own and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--alone", action="store_true", help="measure one size in this process")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(_measure(options.issues[0])))
        return
    peaks = {}
    for issues in options.issues:
        command = [sys.executable, __file__, "--alone", "--issues", str(issues)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        peaks[issues] = found["full"]["peak_mib"]
        _show(issues, found)
    smallest, largest = min(peaks), max(peaks)
    if smallest != largest:
        print(f"\npeak at {largest:,} / peak at {smallest:,} = {peaks[largest] / peaks[smallest]:.2f}")


def _measure(issues: int) -> dict[str, Any]:
    with stage(projects=1, issues=issues, is_warm=False, is_listening=False) as scene:
        full = _capture(scene, days=0)
        stored = scene.objects()
        full["written_bytes"] = _without_blobs(stored)
        before = set(stored)
        _change(scene, issues // _CHANGED_SHARE)
        night = _capture(scene, days=1)
        night["written_bytes"] = _without_blobs({k: v for k, v in scene.objects().items() if k not in before})
        return {"full": full, "night": night}


def _capture(scene: Stage, *, days: int) -> dict[str, Any]:
    started, cpu = time.perf_counter(), time.process_time()
    outcome = back_up(
        scene.repository,
        scene.reader,
        projects=None,
        with_site=True,
        clock=lambda: clock() + timedelta(days=days),
        options=CaptureOptions(),
    )
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    project = next(captured for captured in outcome.captures if captured.manifest.project is not None)
    if project.manifest.unexplained or not all(gap.is_accepted(()) for gap in project.manifest.gaps):
        print(f"WARNING: {project.manifest.scope} is not clean", file=sys.stderr)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "requests": dict(project.requests),
        "changed_units": project.changed_units,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _change(scene: Stage, number: int) -> None:
    """Edit so many issues of the sandbox, evenly spread."""
    ids = list(scene.reader.issue_ids(next(scene.reader.projects()).identity.id))
    with requests.Session() as session:
        session.trust_env = False
        for place in range(number):
            edit = {
                "action": "edit_issue",
                "issue": ids[place * len(ids) // number],
                "fields": {"summary": f"n{place}"},
            }
            session.post(f"{scene.url}/__sandbox__/edit", json=edit).raise_for_status()


def _without_blobs(objects: dict[str, int]) -> int:
    return sum(size for key, size in objects.items() if not key.startswith("blobs/"))


def _show(issues: int, found: dict[str, Any]) -> None:
    full, night = found["full"], found["night"]
    print(f"\n{issues:,} issues")
    print(
        f"  first capture: {full['seconds']:.0f} s ({full['cpu_seconds']:.0f} s of processor time), peak {full['peak_mib']:.0f} MiB"
    )
    print(
        f"  night, {issues // _CHANGED_SHARE:,} changed: {night['changed_units']:,} units stored anew, peak {night['peak_mib']:.0f} MiB"
    )
    print(
        f"    wall: {night['seconds']:.1f} s = {night['seconds'] / full['seconds']:.3f} of the first capture"
    )
    print(
        f"    written: {night['written_bytes']:,} bytes = {night['written_bytes'] / full['written_bytes']:.3f} of the first capture's {full['written_bytes']:,}"
    )
    made = Counter(night["requests"])
    core = {name: sum(made.pop(endpoint, 0) for endpoint in endpoints) for name, endpoints in _CORE.items()}
    children = sum(made.pop(endpoint, 0) for endpoint in _CHILD_PROPERTIES)
    by_issue = sum(
        made.pop(endpoint) for endpoint in list(made) if _BY_ISSUE in endpoint or "attachment" in endpoint
    )
    core["settings, account, count"] = sum(made.values())
    print(
        f"    requests: {sum(core.values())} ({', '.join(f'{name} {number}' for name, number in core.items())})"
    )
    print(
        f"    beside: properties of comments and worklogs {children}, single issues (overflow, samples, watchers, files) {by_issue}"
    )


if __name__ == "__main__":
    main()
