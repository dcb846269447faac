"""A process that writes to a folder is killed without warning: no half object is ever seen, and no finished one is lost."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.store.local import INCOMING, LocalStore
from jira_backup_pipeline_tests.programs import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

# Writes objects whose bodies can be told from their keys, one after another, and names each that is done.
LOOP = """
import random, sys
from pathlib import Path
from jira_backup_pipeline.store.local import LocalStore
store, number = LocalStore(Path(sys.argv[1])), int(sys.argv[2])
while True:
    store.put_new(f"packs/{number % 7}/{number}", random.Random(number).randbytes(400_000))
    print(number, flush=True)
    number += 1
"""

# Stops for ever at one point inside a write and says that it is there.
STOPPED = """
import io, os, sys
from pathlib import Path
from jira_backup_pipeline.store.local import LocalStore

def stop(*_arguments, **_options):
    print("there", flush=True)
    sys.stdin.read()

class HalfBody(io.BytesIO):
    def read(self, size=-1):
        return super().read(2_000_000) if self.tell() == 0 else stop()

body, point = io.BytesIO(bytes(3_000_000)), sys.argv[2]
if point == "half of the body":
    body = HalfBody(bytes(3_000_000))
elif point == "before the sync":
    os.fsync = stop
elif point == "before the link":
    os.link = stop
elif point == "after the link":
    link = os.link
    os.link = lambda *arguments, **options: (link(*arguments, **options), stop())
LocalStore(Path(sys.argv[1])).put_new("packs/1/object", body)
"""


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_objects_named_as_done_are_whole_and_unnamed_ones_whole_or_absent(tmp_path: Path) -> None:
    done: set[int] = set()
    for round_number in range(4):
        first = round_number * 1000
        with started(LOOP, str(tmp_path), str(first)) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                done.add(int(line))
                if len(done) % 7 == round_number + 1:
                    break
            writer.kill()
            done.update(int(line) for line in writer.stdout.read().split())
        assert writer.returncode == -9

    store = LocalStore(tmp_path)
    listed = {int(found.key.rpartition("/")[2]): found for found in store.list("packs/")}
    assert done <= set(listed)
    assert len(listed) <= len(done) + 4
    for number, found in listed.items():
        assert random.Random(number).randbytes(400_000) == store.get(found.key)


@pytest.mark.parametrize(
    ("point", "is_stored"),
    [
        ("half of the body", False),
        ("before the sync", False),
        ("before the link", False),
        ("after the link", True),
    ],
)
def test_a_writer_killed_at_any_point_leaves_all_or_nothing(
    tmp_path: Path, point: str, *, is_stored: bool
) -> None:
    with started(STOPPED, str(tmp_path), point) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "there\n"
        writer.kill()
    assert writer.returncode == -9

    store = LocalStore(tmp_path)
    assert len(list((tmp_path / INCOMING).iterdir())) == 1  # what the next day's sweep removes
    assert (["packs/1/object"] if is_stored else []) == [found.key for found in store.list("")]
    if not is_stored:
        store.put_new("packs/1/object", bytes(3_000_000))
    digest = hashlib.sha256(bytes(3_000_000)).digest()
    assert digest == hashlib.sha256(store.get("packs/1/object")).digest()
