"""What a full capture and a night without changes cost: requests, bytes, and time beside a bare download.

Run: `python benchmarks/capture.py` (one project of 10,000 issues) or `python benchmarks/capture.py --projects 50 --issues 10000`.
Every ratio is of two measurements in the same run on the same machine.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import requests

sys.path.insert(0, str(Path(__file__).parent))

from stage import Asked, Stage, clock, stage

from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions

_WATCHING = "POST /rest/api/3/search/jql (watchers and voters by person)"
# The requests that the figure of 16 per 1,000 issues is about; what costs a request an issue is shown apart.
_CORE = (
    "POST /rest/api/3/search/jql",
    "POST /rest/api/3/issue/bulkfetch",
    "POST /rest/api/3/changelog/bulkfetch",
)
_OVERFLOW = ("GET /rest/api/3/issue/{issue_id}/comment", "GET /rest/api/3/issue/{issue_id}/worklog")
_PROPERTIES = ("POST /rest/api/3/comment/list", "POST /rest/api/3/worklog/list")
_THREADS = 8
# A bare download varies by a quarter from one time to the next.
_BARE_ROUNDS = 3
_SERVER_FAILED = 500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=1)
    parser.add_argument("--issues", type=int, default=10_000)
    options = parser.parse_args()
    thousands = options.issues / 1000
    with stage(projects=options.projects, issues=options.issues) as scene:
        full_seconds, full, _ = _capture(scene)
        asked = list(scene.asked)
        stored = scene.stored_bytes()
        print(f"\nfull capture, {options.projects} project(s), {options.issues} issues: {full_seconds:.1f} s")
        _show_requests(full, thousands, options.projects)
        bare = [_bare(scene, asked) for _ in range(_BARE_ROUNDS)]
        bare_seconds, json_bytes = median(seconds for seconds, _ in bare), bare[0][1]
        each = ", ".join(f"{seconds:.1f}" for seconds, _ in bare)
        print(
            f"bare download of the same answers, {_THREADS} threads: {bare_seconds:.1f} s (median of {each})"
        )
        print(f"wall of capture / wall of bare download = {full_seconds / bare_seconds:.2f}")
        print(
            f"stored without attachments {stored:,} / JSON received {json_bytes:,} = {stored / json_bytes:.3f}"
        )
        before = scene.objects()
        night_seconds, night, by_scope = _capture(scene)
        site = by_scope.pop("site")
        allowed = 15 * options.projects + 0.3 * thousands
        print(
            f"\nnight without changes: {night_seconds:.1f} s, requests of the projects: {sum(by_scope.values())}"
        )
        print(f"(15 a project + 0.3 per 1,000 issues would be {allowed:.0f}); of the site: {site}")
        _show(night)
        written = {key: size for key, size in scene.objects().items() if key not in before}
        for scope in sorted(by_scope)[:3]:
            own = sum(size for key, size in written.items() if f"/{scope}/" in key)
            print(f"written for {scope}: {own:,} bytes")
        own = sum(size for key, size in written.items() if "/project-" not in key)
        print(f"written for the site and the run record: {own:,} bytes")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of this process: {peak:.0f} MiB")


def _capture(scene: Stage) -> tuple[float, Counter[str], dict[str, int]]:
    scene.asked.clear()
    started = time.perf_counter()
    outcome = back_up(
        scene.repository,
        scene.reader,
        projects=None,
        with_site=True,
        clock=clock,
        options=CaptureOptions(reread_days=0),
    )
    seconds = time.perf_counter() - started
    requests_made: Counter[str] = Counter()
    per_scope: dict[str, int] = {}
    for captured in outcome.captures:
        requests_made.update(captured.requests)
        per_scope[captured.manifest.scope] = sum(captured.requests.values())
        if captured.manifest.unexplained or not all(gap.is_accepted(()) for gap in captured.manifest.gaps):
            print(f"WARNING: {captured.manifest.scope} is not clean")
    by_person = sum(1 for one in scene.asked if one.body and (b"watcher" in one.body or b"voter" in one.body))
    requests_made["POST /rest/api/3/search/jql"] -= by_person
    requests_made[_WATCHING] += by_person
    return seconds, requests_made, per_scope


def _show_requests(made: Counter[str], thousands: float, projects: int) -> None:
    core = sum(made[name] for name in _CORE)
    overflow = sum(made[name] for name in _OVERFLOW)
    per_issue = sum(n for name, n in made.items() if "{issue_id}" in name and name not in _OVERFLOW)
    per_issue += made[_WATCHING] + made["GET /rest/api/3/user/bulk"]
    files = sum(n for name, n in made.items() if "attachment" in name)
    properties = sum(made[name] for name in _PROPERTIES)
    rest = sum(made.values()) - core - overflow - properties - per_issue - files
    print(
        f"issues, comments, worklogs, history, attachment metadata: {core} = {core / thousands:.1f} per 1,000 issues"
    )
    print(f"settings, people, account, counts: {rest} = {rest / projects:.1f} per project")
    print(
        f"overflow (comments, worklogs beyond the inline cap): {overflow} = {overflow / thousands:.1f} per 1,000 issues"
    )
    print(
        f"properties of comments and worklogs: {properties} = {properties / thousands:.1f} per 1,000 issues"
    )
    print(
        f"remote links (one request an issue), watchers, voters, sampled properties: {per_issue}; attachment bytes: {files}"
    )
    _show(made)


def _show(made: Counter[str]) -> None:
    for name, number in made.most_common():
        print(f"    {number:6d}  {name}")


def _bare(scene: Stage, asked: list[Asked]) -> tuple[float, int]:
    """Fetch the same answers with bare threads and throw them away; gives seconds and bytes of JSON after decompression."""
    sessions = [requests.Session() for _ in range(_THREADS)]
    for session in sessions:
        session.auth = (scene.email, scene.token)
        session.trust_env = False

    def fetch(numbered: tuple[int, list[Asked]]) -> int:
        session = sessions[numbered[0]]
        received = 0
        for one in numbered[1]:
            headers = {"Accept": "application/json"}
            if one.content_type:
                headers["Content-Type"] = one.content_type
            answer = session.request(one.method, one.url, data=one.body, headers=headers)
            if answer.status_code >= _SERVER_FAILED:
                answer.raise_for_status()
            # Refusals (webhooks are for apps only) are answers too: the capture got the same.
            received += len(answer.content) if "/attachment/content/" not in one.url else 0
        return received

    shares = [(number, asked[number::_THREADS]) for number in range(_THREADS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as threads:
        received = sum(threads.map(fetch, shares))
    return time.perf_counter() - started, received


if __name__ == "__main__":
    main()
