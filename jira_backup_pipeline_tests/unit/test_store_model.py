"""Whatever is done to it, a folder behaves like the in-memory reference."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.store.contract import Store

# Few and short segments, so that keys meet, nest and sort around the slash; lower case only, as the contract asks.
SEGMENTS = st.sampled_from(["a", "b", "a-b", "a.b", "a0", "aa", "1", "10", "2", ".x", ""])
KEYS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
BODIES = st.binary(max_size=40)


def outcome(act: Callable[[Store], object], store: Store) -> object:
    """Give what a call answers, or the kind and text of its error."""
    try:
        return act(store)
    except BackupPipelineError as error:
        return type(error), str(error)


class LocalBesideMemory(RuleBasedStateMachine):
    """One machine does everything to both stores and compares every answer."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.memory: Store = MemoryStore()
        self.local: Store = LocalStore(self.root)

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def both(self, act: Callable[[Store], object]) -> None:
        assert outcome(act, self.memory) == outcome(act, self.local)

    @rule(key=KEYS, body=BODIES, is_file=st.booleans())
    def put(self, key: str, body: bytes, *, is_file: bool) -> None:
        self.both(lambda store: store.put_new(key, io.BytesIO(body) if is_file else body).size_bytes)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        self.both(lambda store: store.get(key))

    @rule(key=KEYS, offset=st.integers(0, 50))
    def read_from(self, key: str, offset: int) -> None:
        def read(store: Store) -> bytes:
            with store.open(key) as stream:
                stream.seek(offset)
                return stream.read()

        self.both(read)

    @rule(key=KEYS)
    def head(self, key: str) -> None:
        self.both(lambda store: store.head(key).size_bytes)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.both(lambda store: store.delete(key))

    @rule(prefix=st.one_of(st.just(""), KEYS, KEYS.map("{}/".format)), after=st.one_of(st.just(""), KEYS))
    def list_some(self, prefix: str, after: str) -> None:
        self.both(lambda store: [found.key for found in store.list(prefix, start_after=after)])

    @rule()
    def open_again(self) -> None:
        self.local = LocalStore(self.root)

    @invariant()
    def both_list_the_same(self) -> None:
        self.both(lambda store: [(found.key, found.size_bytes) for found in store.list("")])


LocalBesideMemory.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLocalBesideMemory = LocalBesideMemory.TestCase
