"""The words in which a kind of configuration is described to the maker, and the values of a plan.

What belongs here: what a noun must be able to say, the bench that all of them work at, and what a plan says of one thing.

What stays out: the loop that matches and makes (`making`), and the nouns themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    NotFound,
    UnexpectedAnswer,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.configuration.need import Need
    from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
    from jira_backup_pipeline.engine.restore.configuration.target_rows import TargetRows
    from jira_backup_pipeline.engine.restore.findings import Findings
    from jira_backup_pipeline.engine.restore.idmap import IdMap
    from jira_backup_pipeline.engine.restore.stand_ins import StandIns

API = "/rest/api/3"


@dataclass(frozen=True, slots=True)
class Present:
    """A thing of the target: its id and its natural key."""

    id: str
    key: str
    owner: str = ""


@dataclass(slots=True)
class Bench:
    """What every noun works with. `project_id` is the target's project, None until it is there; `project_key` its key.

    `account_id` is the restoring account, `person` leads from an account of the snapshot
    to the active one that stands for it, `stand_ins` are what a person said stands for what.
    With `is_update` what was matched is brought to the snapshot's state; `matched` holds kind and id of what was found
    by its own name, which is what may be changed, `left_out` of what the target will not have.
    """

    source: ConfigurationSource
    need: Need
    calls: Calls
    id_map: IdMap
    findings: Findings
    is_same_site: bool
    account_id: str
    person: Callable[[str], str | None]
    stand_ins: StandIns
    target: TargetRows
    project_id: str | None = None
    project_key: str = ""
    is_update: bool = False
    matched: set[tuple[str, str]] = field(default_factory=set)
    left_out: set[tuple[str, str]] = field(default_factory=set)

    def wanted(self, kind: str) -> list[Record]:
        """Give the records of a kind that are wanted, in the snapshot's order."""
        ids = self.need.of(kind)
        return [row for row in self.source.rows(kind) if row.id.rpartition("/")[2] in ids]

    def mapped(self, kind: str, source_id: object) -> str | None:
        """Give what a thing became on the target, None while it is nothing."""
        return self.id_map.get(kind, str(source_id))


def natural_key(row: Record) -> str:
    """Give the name in the form in which names are compared: Jira ignores letter case and outer blanks."""
    return key_of(members_of(row).get("name"))


def key_of(name: object) -> str:
    """Give a name in the form in which names are compared."""
    return str(name or "").strip().casefold()


def no_objection(_: Bench, __: Record) -> str | None:
    """Say that nothing stands against making a thing."""
    return None


def nothing_left(_: Bench, __: Record, ___: str) -> None:
    """Say that a thing is whole once it is made."""


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind of configuration. `is_meant` tells whether a thing of the right name is the one (None: any is).

    `present` lists what the target has, `make` makes one and gives its id, `fill` completes what was made and may be
    done again, `objection` says why a thing cannot be made by REST (None: it can).
    """

    kind: str
    title: str
    present: Callable[[Bench], Iterable[Present]]
    make: Callable[[Bench, Record], str]
    key: Callable[[Record], str] = natural_key
    fill: Callable[[Bench, Record, str], None] = nothing_left
    objection: Callable[[Bench, Record], str | None] = no_objection
    is_meant: Callable[[Bench, Record, Present], bool] | None = None


def text_of(row: Record, *names: str) -> dict[str, Any]:
    """Give members of a record as they are sent back, without those that are empty."""
    members = members_of(row)
    return {name: members[name] for name in names if members.get(name) not in (None, "")}


def made_id(answer: object, member: str = "id") -> str:
    """Give the id in the answer to a create.

    Raises:
        UnexpectedAnswer: there is none.
    """
    found = answer.get(member) if isinstance(answer, dict) else None
    if found is None:
        message = f"Jira made something without saying its {member}"
        raise UnexpectedAnswer(message, hint="Run again with --resume; it is found by its name.")
    return str(found)


def listed(items: Iterable[Mapping[str, object]], *, name: str = "name") -> list[Present]:
    """Give listed things with their names as keys."""
    return [Present(str(item.get("id")), key_of(item.get(name))) for item in items]


def refusals() -> tuple[type[Exception], ...]:
    """Give the answers by which Jira keeps a list to itself: a plan without the feature, an account without the right."""
    return (WriteRefused, AccessDenied, NotFound, UnexpectedAnswer)


def is_fatal(error: Exception) -> bool:
    """Tell whether an error ends the run whatever was asked."""
    return isinstance(error, CredentialsRejected)
