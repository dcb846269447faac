"""The restore's memory outside the process: what was about to be done, and what was done.

What belongs here: numbered, create-only documents (`begin`, `intent`, `result`, `end`), finding an unfinished restore, and
what its documents say about each task: done, in doubt (an intent without a result), or not begun.

What stays out: how a stage looks before it acts again (`stages`, `issues`), and sealing (`repository.documents`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.domain.errors import AlreadyExists, ConcurrentWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.repository.repository import Repository

PREFIX = "journals"
_BEGIN = "begin"
_INTENT = "intent"
_RESULT = "result"
_END = "end"


@dataclass(slots=True)
class StageMemory:
    """What earlier documents say about one stage: results by task, intents without a result, notes of intents."""

    done: dict[str, str | None] = field(default_factory=dict)
    in_doubt: set[str] = field(default_factory=set)
    open_notes: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PastRestore:
    """A restore as its journal tells it, whether it came to its end or not; read only when asked."""

    repository: Repository
    scope: str
    restore: str
    names: list[str]

    def header(self) -> Mapping[str, Any]:
        """Give what was written when it began: the plan among others."""
        return self.repository.get_document(PREFIX, self.names[0], scope=self.scope)

    def maps(self) -> Iterator[Mapping[str, Any]]:
        """Give what became what, in the parts in which it was written (see `idmap`)."""
        for name in self.names:
            if name.endswith(f"-{_RESULT}"):
                yield self.repository.get_document(PREFIX, name, scope=self.scope)["map"]


def restores_of_others(repository: Repository, scope: str) -> list[PastRestore]:
    """Give the restores of all scopes but one, newest first."""
    return [past for past in _past_restores(repository, "") if past.scope != scope]


def _past_restores(repository: Repository, under: str) -> list[PastRestore]:
    runs: dict[tuple[str, str], list[str]] = {}
    for name in repository.list_documents(PREFIX, under=under):
        scope, _, rest = name.rpartition("/")
        restore, number, _ = rest.rsplit("-", 2)
        if number.isdigit():
            runs.setdefault((restore, scope), []).append(name)
    return [
        PastRestore(repository, scope, restore, ordered)
        for (restore, scope), names in sorted(runs.items(), reverse=True)
        if (ordered := sorted(names))[0].endswith(_BEGIN)
    ]


class Journal:
    """Documents of one restore, named `<scope>/<restore>-<number>-<what>`; the number makes a second writer collide."""

    def __init__(self, repository: Repository, restore: str, *, scope: str, next_number: int = 0) -> None:
        self._repository = repository
        self._scope = scope
        self._next = next_number
        self._lock = threading.Lock()
        self.restore = restore
        self.header: Mapping[str, Any] = {}
        self.is_resumed = False
        self._stages: dict[str, StageMemory] = {}
        self.findings: list[Mapping[str, Any]] = []
        self.maps: list[Mapping[str, Any]] = []

    @classmethod
    def begin(
        cls, repository: Repository, restore: str, *, scope: str, identity: str, header: Mapping[str, Any]
    ) -> Self:
        """Start the journal of a new restore."""
        journal = cls(repository, restore, scope=scope)
        journal.header = header
        journal._write(_BEGIN, {"identity": identity, **header})
        return journal

    @classmethod
    def unfinished(cls, repository: Repository, *, scope: str, identity: str) -> Self | None:
        """Find the newest restore of this identity that has no end, and read what it did; None when there is none."""
        # Each scope has a folder of its own: the keys of one do not open the journals of another.
        for past in _past_restores(repository, f"{scope}/"):
            if past.names[-1].endswith(_END):
                continue
            header = past.header()
            if header.get("identity") == identity:
                return cls._reopen(repository, past.restore, scope=scope, header=header, names=past.names)
        return None

    @classmethod
    def _reopen(
        cls, repository: Repository, restore: str, *, scope: str, header: Mapping[str, Any], names: list[str]
    ) -> Self:
        last = int(names[-1].rsplit("-", 2)[1])
        journal = cls(repository, restore, scope=scope, next_number=last + 1)
        journal.header = header
        journal.is_resumed = True
        for name in names[1:]:
            journal._remember(repository.get_document(PREFIX, name, scope=scope))
        return journal

    def _remember(self, document: Mapping[str, Any]) -> None:
        stage = self.stage(str(document["stage"]))
        if document["what"] == _INTENT:
            stage.in_doubt.update(task for task in document["tasks"] if task not in stage.done)
            stage.open_notes.append(document["note"])
            return
        stage.done.update(document["done"])
        stage.in_doubt.difference_update(document["done"])
        if document["is_whole"]:
            stage.in_doubt.difference_update(document["tasks"])
            stage.open_notes.clear()
        self.findings.append(document["findings"])
        self.maps.append(document["map"])

    def stage(self, name: str) -> StageMemory:
        """Give what is known of a stage from an earlier run."""
        return self._stages.setdefault(name, StageMemory())

    def intend(self, stage: str, tasks: Iterable[str], note: Mapping[str, Any] | None = None) -> None:
        """Say what is about to be done; returns once it is durable."""
        self._write(_INTENT, {"stage": stage, "tasks": list(tasks), "note": dict(note or {})})

    def record(
        self,
        stage: str,
        tasks: Iterable[str],
        done: Mapping[str, str | None],
        *,
        findings: Mapping[str, Any],
        maps: Mapping[str, Any],
        is_whole: bool = True,
    ) -> None:
        """Say what was done. Not whole: the run ends here and the tasks that are missing in `done` are in doubt."""
        self._write(
            _RESULT,
            {
                "stage": stage,
                "tasks": list(tasks),
                "done": dict(done),
                "findings": dict(findings),
                "map": dict(maps),
                "is_whole": is_whole,
            },
        )

    def end(self, summary: Mapping[str, Any]) -> None:
        """Close the journal: the restore is finished."""
        self._write(_END, dict(summary))

    def _write(self, what: str, payload: Mapping[str, Any]) -> None:
        with self._lock:
            name = f"{self._scope}/{self.restore}-{self._next:06}-{what}"
            self._next += 1
            try:
                self._repository.put_document(PREFIX, name, {"what": what, **payload}, scope=self._scope)
            except AlreadyExists as error:
                message = f"restore {self.restore} is being continued by another run"
                raise ConcurrentWriter(
                    message, hint="Let the other run finish, or stop it before resuming here."
                ) from error
