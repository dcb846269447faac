"""What a restore would do, as values: target, policy, and the plan with its digest and JSON form.

What belongs here: frozen values and what follows from them alone.

What stays out: the selection (`selection`), making a plan (`plan`), words for people (`report`), and doing it (`apply`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.engine.restore.configuration.piece import PROJECT_SCHEME, Action, Piece
from jira_backup_pipeline.engine.restore.idmap import TargetIssue
from jira_backup_pipeline.engine.restore.plan_text import plan_markdown
from jira_backup_pipeline.engine.restore.planned_lines import Conflict, Impossible, Step
from jira_backup_pipeline.engine.restore.selection import Selection
from jira_backup_pipeline.engine.restore.stand_ins import StandIns

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAN_FORMAT = 1
# What belongs to the project itself; everything else of the configuration may be shared with others.
PLACE_KINDS = frozenset({"project", "component", "version", "role_actors", PROJECT_SCHEME})


class Policy(StrEnum):
    """What happens to what is already there: left alone, brought back to the snapshot's state, or copied anew."""

    SKIP = "skip"
    UPDATE = "update"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where to: None means the key and name that the source had."""

    project_key: str | None = None
    project_name: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """The target as the plan found it; `project_id` is None when the project will be created."""

    base_url: str
    cloud_id: str
    key: str
    name: str
    project_id: str | None
    is_same_site: bool
    is_source_project: bool


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """Everything a restore will do. Equal snapshot, target, selection and policy give an equal digest.

    `creates` are source issue ids in the order of creation; `updates` and `skips` name the target issue of a source id;
    `standing` are issues of the target that are only referred to, `absent_ends` those referred to that it lacks;
    `elsewhere_keys` and `elsewhere_projects` are keys of other projects that texts name, as earlier restores changed them;
    `accounts` leads from accounts of the snapshot to those that stand in for them, `fallback_account` does for the rest; `needed` are the names of components and versions
    that single issues need (None: all); `has_temporary_workflow` says that statuses are set through a workflow made for it.
    """

    repository_id: str
    scope: str
    snapshot: int
    source: ProjectIdentity
    target: PlannedTarget
    selection: Selection
    policy: Policy
    creates: tuple[str, ...]
    updates: Mapping[str, TargetIssue]
    skips: Mapping[str, TargetIssue]
    standing: Mapping[str, TargetIssue]
    needed: Mapping[str, tuple[str, ...]] | None
    counts: Mapping[str, int]
    steps: tuple[Step, ...]
    conflicts: tuple[Conflict, ...] = ()
    impossible: tuple[Impossible, ...] = ()
    prerequisites: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    last_number: int = 0
    configuration: tuple[Piece, ...] = ()
    absent_ends: tuple[str, ...] = ()
    elsewhere_keys: Mapping[str, str] = field(default_factory=dict)
    elsewhere_projects: Mapping[str, str] = field(default_factory=dict)
    stand_ins: StandIns = field(default_factory=StandIns)
    accounts: Mapping[str, str] = field(default_factory=dict)
    fallback_account: str = ""
    has_temporary_workflow: bool = False
    format: int = PLAN_FORMAT
    planning_requests: Mapping[str, int] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Name what is restored where and how: what a resume must have in common with the run it continues."""
        parts = (
            self.repository_id,
            self.scope,
            self.snapshot,
            self.target.cloud_id,
            self.target.key,
            asdict(self.selection),
            self.policy.value,
            self.stand_ins.to_json(),
        )
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """Digest what the plan would do, without what its making cost."""
        return str(self.to_json()["digest"])

    @property
    def requests(self) -> int:
        """Count the requests that applying will take, about."""
        return sum(step.writes + step.reads for step in self.steps)

    @property
    def duration_seconds(self) -> float:
        """Estimate how long applying will take."""
        return sum(step.seconds for step in self.steps)

    @property
    def written_issues(self) -> int:
        """Count the issues that will be created or changed."""
        return len(self.creates) + len(self.updates)

    @property
    def blocking(self) -> tuple[Conflict, ...]:
        """Give what must be resolved first."""
        return tuple(conflict for conflict in self.conflicts if conflict.is_blocking)

    @property
    def makes_configuration(self) -> bool:
        """Tell whether the configuration has to be looked at again: to make some, or to make a project with it."""
        around = [
            piece
            for piece in self.configuration
            if piece.kind not in PLACE_KINDS or (piece.kind, piece.action) == (PROJECT_SCHEME, Action.UPDATE)
        ]
        is_missing = any(piece.action in {Action.MAKE, Action.COMPLETE, Action.UPDATE} for piece in around)
        return is_missing or (bool(around) and self.target.project_id is None)

    @property
    def changes_place(self) -> bool:
        """Tell whether the project itself, its components, versions or roles are brought to the snapshot's state."""
        return any(
            piece.kind in PLACE_KINDS and piece.action is Action.UPDATE for piece in self.configuration
        )

    @property
    def is_whole_update(self) -> bool:
        """Tell whether the project and all it stands on are brought to the snapshot's state, not single issues alone."""
        return self.policy is Policy.UPDATE and self.selection.is_whole_project

    def needed_names(self, kind: str) -> frozenset[str] | None:
        """Give the names of components or versions that are needed, None when all are."""
        return None if self.needed is None else frozenset(self.needed.get(kind, ()))

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form, which the journal keeps and `--json` prints."""
        document = asdict(self)
        document["policy"] = self.policy.value
        document["stand_ins"] = self.stand_ins.to_json()
        del document["planning_requests"]
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        return {**document, "planning_requests": dict(self.planning_requests), "digest": digest}

    def to_markdown(self) -> str:
        """Give the plan as Markdown."""
        return plan_markdown(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        values = {name: value for name, value in document.items() if name != "digest"}
        return cls(
            **{
                **values,
                "source": ProjectIdentity.from_json(values["source"]),
                "target": PlannedTarget(**values["target"]),
                "selection": Selection.from_json(values["selection"]),
                "policy": Policy(values["policy"]),
                "creates": tuple(values["creates"]),
                **{
                    name: {source: TargetIssue(**issue) for source, issue in values[name].items()}
                    for name in ("updates", "skips", "standing")
                },
                "needed": None
                if values["needed"] is None
                else {kind: tuple(names) for kind, names in values["needed"].items()},
                "steps": tuple(Step(**step) for step in values["steps"]),
                "conflicts": tuple(Conflict(**conflict) for conflict in values["conflicts"]),
                "impossible": tuple(Impossible(**found) for found in values["impossible"]),
                "prerequisites": tuple(values["prerequisites"]),
                "notes": tuple(values["notes"]),
                "configuration": tuple(Piece.from_json(piece) for piece in values.get("configuration", ())),
                "absent_ends": tuple(values.get("absent_ends", ())),
                "stand_ins": StandIns.from_json(values.get("stand_ins", {})),
            }
        )
