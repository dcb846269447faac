"""What encryption costs: the same capture with and without it, in one run, by processor time.

Run: `python benchmarks/encryption.py`. Without means: Parquet files without encryption properties, and blobs copied instead
of sealed. Manifests and keys stay sealed: they are a few kilobytes. The order is with, without, with, without; the smaller
of two counts.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from unittest import mock

import pyarrow.parquet.encryption as pe
import pyrage

sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage, clock, stage

from jira_backup_pipeline.engine.backup import back_up
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.repository import blobs
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository
from jira_backup_pipeline.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=4000)
    options = parser.parse_args()
    with stage(projects=1, issues=options.issues, is_listening=False) as scene:
        _capture(scene)
        sealed, plain = [], []
        for _ in range(_ROUNDS):
            sealed.append(_capture(scene))
            with _without_encryption():
                plain.append(_capture(scene))
        most, least = min(sealed), min(plain)
        print(f"first capture of {options.issues:,} issues, {_ROUNDS} rounds, processor time of the client")
        print(f"with encryption {most:.2f} s, without {least:.2f} s")
        print(f"encryption's share: {(most - least) / most:.3f}")


def _capture(scene: Stage) -> float:
    folder = scene.folder / "measured"
    operator = read_identity(str(pyrage.x25519.Identity.generate()))
    recovery = str(pyrage.x25519.Identity.generate().to_public())
    repository = create_repository(
        LocalStore(folder), operator=operator, recovery_recipient=recovery, clock=clock
    )
    started = time.process_time()
    back_up(
        repository,
        scene.reader,
        projects=None,
        with_site=True,
        clock=clock,
        options=CaptureOptions(reread_days=0),
    )
    seconds = time.process_time() - started
    shutil.rmtree(folder)
    return seconds


@contextlib.contextmanager
def _without_encryption() -> Iterator[None]:
    def copy(source: BinaryIO, target: BinaryIO, *_: object, **__: object) -> None:
        shutil.copyfileobj(source, target)

    class Copier:
        """Takes the place of the writer of age files."""

        def __init__(self, _recipient: str) -> None:
            """Nothing is needed."""

        def seal(self, plain: memoryview, into: memoryview, *, is_last: bool) -> int:
            del is_last
            into[: len(plain)] = plain
            return len(plain)

    with (
        mock.patch.object(pe, "create_encryption_properties", return_value=None),
        mock.patch.object(pe, "create_decryption_properties", return_value=None),
        mock.patch.object(blobs, "AgeWriter", Copier),
        mock.patch.object(blobs, "unseal_stream", copy),
    ):
        yield


if __name__ == "__main__":
    main()
