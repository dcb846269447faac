"""Attachments: 1,000 files of 1 MB into the repository, beside `requests` streaming the same files to nowhere.

Run: `python benchmarks/attachments.py`. Both ways use the same number of threads and take turns, each round into a scope of its
own; the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import requests

sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage, stage

from jira_backup_pipeline.domain.readings import IssueUnit
from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.capture.attachments import DOWNLOAD_THREADS, AttachmentKeeper

_CHUNK_BYTES = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--kilobytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with stage(projects=1, issues=100, is_listening=False) as scene:
        size = options.kilobytes * 1000
        ids = _upload(scene, options.files, size)
        megabytes = len(ids) * size / 1e6
        print(f"{len(ids):,} files of {size:,} bytes, {DOWNLOAD_THREADS} threads")
        ratios = []
        peak_before = 0.0
        for number in range(1, options.rounds + 1):
            bare = _bare(scene, ids)
            peak_before = peak_before or _peak_mib()
            kept, cpu = _keep(scene, ids, size, f"project-{number}")
            ratios.append(bare / kept)
            print(
                f"round {number}: requests streaming to nowhere {bare:.1f} s = {megabytes / bare:.0f} MB/s, into the"
                f" repository {kept:.1f} s = {megabytes / kept:.0f} MB/s ({cpu:.1f} s of processor time):"
                f" {bare / kept:.2f}"
            )
        print(f"throughput into the repository / bare throughput, median: {median(ratios):.2f}")
        print(f"peak memory before {peak_before:.0f} MiB, after {_peak_mib():.0f} MiB")


def _upload(scene: Stage, files: int, size: int) -> list[str]:
    issues = list(scene.reader.issue_ids(next(scene.reader.projects()).identity.id))
    ids = []
    with requests.Session() as session:
        session.trust_env, session.auth = False, (scene.email, scene.token)
        for number in range(files):
            issue = issues[number % len(issues)]
            answer = session.post(
                f"{scene.url}/rest/api/3/issue/{issue}/attachments",
                files={"file": (f"{number}.bin", os.urandom(size))},
                headers={"X-Atlassian-Token": "no-check"},
            )
            answer.raise_for_status()
            ids.append(answer.json()[0]["id"])
    return ids


def _bare(scene: Stage, ids: list[str]) -> float:
    def fetch(share: list[str]) -> None:
        with requests.Session() as session:
            session.trust_env, session.auth = False, (scene.email, scene.token)
            for attachment_id in share:
                url = f"{scene.url}/rest/api/3/attachment/content/{attachment_id}"
                with session.get(url, stream=True) as answer:
                    answer.raise_for_status()
                    for _ in answer.iter_content(_CHUNK_BYTES):
                        pass

    started = time.perf_counter()
    with ThreadPoolExecutor(DOWNLOAD_THREADS) as threads:
        list(threads.map(fetch, [ids[number::DOWNLOAD_THREADS] for number in range(DOWNLOAD_THREADS)]))
    return time.perf_counter() - started


def _keep(scene: Stage, ids: list[str], size: int, scope: str) -> tuple[float, float]:
    units = [
        IssueUnit("1", "A-1", 0, (Record("attachment", attachment_id, b"{}", {"size": size}, "1"),), ())
        for attachment_id in ids
    ]
    pack = scene.repository.start_pack(scope, run="benchmark", watermark_ms=0)
    started, cpu = time.perf_counter(), time.process_time()
    with AttachmentKeeper(scene.reader, {}) as keeper:
        done = list(keeper.complete(units, pack))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    if any(unit.gaps for unit in done):
        print("WARNING: some files were not stored", file=sys.stderr)
    return seconds, cpu_seconds


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
