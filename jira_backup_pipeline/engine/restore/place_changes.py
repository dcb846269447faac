"""What of a project that is there differs from the snapshot, and bringing it back: its own settings, components, versions, roles.

What belongs here: the comparison value by value, the body of each change, and sending it under the journal where the policy
is `update`.

What stays out: making what is missing (`place`), the schemes that the project follows (`configuration.assigning`), and the
proof (`compare_place`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.differences import STAYS
from jira_backup_pipeline.engine.restore.configuration.making import run_tasks
from jira_backup_pipeline.engine.restore.configuration.piece import Action, Change, Piece
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.place import actors_of, category_id
from jira_backup_pipeline.engine.restore.planned import Policy
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.configuration.noun import Bench
    from jira_backup_pipeline.engine.restore.journal import Journal
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.planned import RestorePlan
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView

_API = "/rest/api/3"
_PROJECT = ("description", "url", "assigneeType")
_VERSION = ("description", "startDate", "releaseDate", "released", "archived")
_DATES = frozenset({"startDate", "releaseDate"})
_NO_CATEGORY = -1
# Of a name that is wanted elsewhere too the key decides: a copy has a name of its own.
_KINDS = ("project", "component", "version", "role_actors")


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """What differs of one thing of the project, and the call that changes it (`body` without what no call changes)."""

    row: Record
    changes: tuple[Change, ...]
    method: str
    path: str
    body: Mapping[str, Any]

    @property
    def is_possible(self) -> bool:
        """Tell whether anything can be changed."""
        return any(not change.hindrance for change in self.changes)


@dataclass(frozen=True, slots=True)
class PlaceDifferences:
    """Compares the project of the target with the snapshot; `has_own_name` tells a copy, which is called something else."""

    view: SnapshotView
    calls: Calls
    matches: Matches
    project_id: str
    has_own_name: bool

    def all(self) -> Iterator[PlaceChange]:
        """Give everything that differs."""
        for kind in _KINDS:
            yield from (found for found in self.of(kind) if found.changes)

    def of(self, kind: str) -> Iterator[PlaceChange]:
        """Give the comparison of each thing of a kind that is on both sides."""
        rows = list(self.view.rows(kind))
        if kind == "project":
            there = self.calls.get(f"{_API}/project/{self.project_id}")
            yield from (self._project(row, there) for row in rows if isinstance(there, dict))
        elif kind == "role_actors":
            yield from self._roles(rows)
        elif rows:
            listed = self.calls.get_all(f"{_API}/project/{self.project_id}/{kind}", "values")
            by_name = {str(item.get("name")): item for item in listed}
            for row in rows:
                present = by_name.get(str(members_of(row).get("name")))
                if present is not None:
                    compare = self._component if kind == "component" else self._version
                    yield compare(row, present)

    def _project(self, row: Record, there: Mapping[str, Any]) -> PlaceChange:
        source = members_of(row)
        wanted = {name: str(source.get(name) or "") for name in _PROJECT if name in source or name in there}
        present = {name: str(there.get(name) or "") for name in wanted}
        if not wanted.get("assigneeType"):
            wanted.pop("assigneeType", None)
        if not self.has_own_name:
            wanted["name"], present["name"] = str(source.get("name")), str(there.get("name"))
        changes, body = _plain(wanted, present)
        lead = self._lead(source, there)
        if lead is not None:
            changes.append(lead)
            body["leadAccountId"] = lead.wanted
        left, right = (_name(item.get("projectCategory")) for item in (source, there))
        if left != right:
            changes.append(Change("category", right, left))
            body["category"] = left
        return PlaceChange(row, tuple(changes), "PUT", f"{_API}/project/{self.project_id}", body)

    def _lead(self, source: Mapping[str, Any], there: Mapping[str, Any]) -> Change | None:
        """Compare the leads of a project or component; an account that nobody stands for changes nothing."""
        wanted = _account(source.get("lead"))
        on_target = self.matches.person(wanted, or_fallback=True) if wanted else ""
        present = _account(there.get("lead"))
        return None if on_target is None or on_target == present else Change("lead", present, on_target)

    def _component(self, row: Record, there: Mapping[str, Any]) -> PlaceChange:
        source = members_of(row)
        names = ("description", "assigneeType")
        wanted = {name: str(source.get(name) or "") for name in names}
        present = {name: str(there.get(name) or "") for name in names}
        if not wanted["assigneeType"]:
            del wanted["assigneeType"]
        changes, body = _plain(wanted, present)
        lead = self._lead(source, there)
        if lead is not None:
            changes.append(lead)
            body["leadAccountId"] = lead.wanted
        return PlaceChange(row, tuple(changes), "PUT", f"{_API}/component/{there.get('id')}", body)

    def _version(self, row: Record, there: Mapping[str, Any]) -> PlaceChange:
        source = members_of(row)
        changes: list[Change] = []
        body: dict[str, Any] = {}
        for name in _VERSION:
            wanted, present = source.get(name) or "", there.get(name) or ""
            if wanted == present:
                continue
            reason = "no documented call takes a date off a version" if name in _DATES and not wanted else ""
            changes.append(Change(name, str(present), str(wanted), reason))
            if not reason:
                body[name] = bool(wanted) if name in {"released", "archived"} else wanted
        return PlaceChange(row, tuple(changes), "PUT", f"{_API}/version/{there.get('id')}", body)

    def _roles(self, rows: list[Record]) -> Iterator[PlaceChange]:
        is_same_site = self.matches.is_same_site
        for row in rows:
            role_id = self.matches.role(members_of(row))
            if role_id is None:
                continue
            path = f"{_API}/project/{self.project_id}/role/{role_id}"
            present = actors_of(self.calls.get(path), is_same_site=is_same_site)
            source = actors_of(members_of(row), is_same_site=is_same_site)
            wanted = {
                (member, found)
                for member, actor in source
                if (found := self.matches.person(actor) if member == "user" else actor) is not None
            }
            missing, more = sorted(wanted - present), sorted(present - wanted)
            changes = [Change("members", "", ", ".join(actor for _, actor in missing))] if missing else []
            if more:
                changes.append(
                    Change("members, more there", ", ".join(actor for _, actor in more), "", STAYS)
                )
            body: dict[str, list[str]] = {}
            for member, actor in missing:
                body.setdefault(member, []).append(actor)
            yield PlaceChange(row, tuple(changes), "POST", path, body)


def _plain(wanted: Mapping[str, str], present: Mapping[str, str]) -> tuple[list[Change], dict[str, Any]]:
    changed = {name: value for name, value in wanted.items() if value != present.get(name)}
    return [Change(name, present.get(name, ""), value) for name, value in changed.items()], dict(changed)


def _account(value: object) -> str:
    return str(value.get("accountId") or "") if isinstance(value, dict) else ""


def _name(value: object) -> str:
    return str(value.get("name") or "") if isinstance(value, dict) else ""


def place_pieces(found: PlaceDifferences, policy: Policy) -> tuple[Piece, ...]:
    """Say of everything that differs whether it is brought to the snapshot's state."""
    return tuple(
        Piece(
            change.row.kind,
            change.row.id,
            str(members_of(change.row).get("name")),
            Action.UPDATE if policy is Policy.UPDATE and change.is_possible else Action.MATCH,
            "",
            change.changes,
        )
        for change in found.all()
    )


def amend_place(bench: Bench, plan: RestorePlan, found: PlaceDifferences, journal: Journal) -> None:
    """Bring what the plan says to the snapshot's state. Everything is compared again, so doing it twice writes once."""
    planned = {(piece.kind, piece.source_id) for piece in plan.configuration if piece.action is Action.UPDATE}
    for kind in _KINDS:
        stage = f"place: {kind} brought to the snapshot's state"
        done = journal.stage(stage).done
        wanted = {source_id for of, source_id in planned if of == kind} - done.keys()
        if not wanted:
            continue
        changes = {change.row.id: change for change in found.of(kind) if change.row.id in wanted}

        def act(row: Record, *, must_look: bool, known: dict[str, PlaceChange] = changes) -> str | None:
            if must_look:
                known.update({change.row.id: change for change in found.of(row.kind)})
            if known[row.id].is_possible:
                _send(bench, known[row.id])
            return known[row.id].path

        run_tasks(bench, stage, [change.row for change in changes.values()], act, journal)


def _send(bench: Bench, change: PlaceChange) -> None:
    body = dict(change.body)
    if "category" in body:
        name = body.pop("category")
        body["categoryId"] = category_id(bench.calls, name, bench.source) if name else _NO_CATEGORY
    if change.row.kind != "role_actors":
        bench.calls.send(change.method, change.path, body)
        return
    for member, actors in body.items():
        for actor in actors:
            _add_actor(bench, change, member, actor)


def _add_actor(bench: Bench, change: PlaceChange, member: str, actor: str) -> None:
    """Add one member of a role, so that a refusal says whom it means."""
    try:
        bench.calls.send(change.method, change.path, {member: [actor]})
    except BackupPipelineError as error:
        reason = item_reason(error)
        if reason is None:
            raise
        bench.findings.adjust(Adjustment("role_actors", change.row.id, actor, reason))
