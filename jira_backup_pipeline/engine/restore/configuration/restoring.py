"""The entry: what of the configuration is made for a restore, in which order, and what a plan says of it.

What belongs here: the order of the nouns, planning, making before the project and after it, and looking up what a project
is made with.

What stays out: the nouns, the loop (`making`), and the creation of the project (`engine.restore.place`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.configuration.amend_contexts import amend_context, context_changes
from jira_backup_pipeline.engine.restore.configuration.amending import amend, with_changes
from jira_backup_pipeline.engine.restore.configuration.boards import boards_of, bring_board
from jira_backup_pipeline.engine.restore.configuration.contexts import bring_setup, close_options, setups
from jira_backup_pipeline.engine.restore.configuration.dashboards import DASHBOARDS
from jira_backup_pipeline.engine.restore.configuration.definitions import (
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    RESOLUTIONS,
    ROLES,
    STATUSES,
)
from jira_backup_pipeline.engine.restore.configuration.field_configurations import (
    FIELD_CONFIGURATION_SCHEMES,
    FIELD_CONFIGURATIONS,
)
from jira_backup_pipeline.engine.restore.configuration.field_schemes import FIELD_SCHEMES
from jira_backup_pipeline.engine.restore.configuration.fields import FIELDS
from jira_backup_pipeline.engine.restore.configuration.filters import (
    bring_filter,
    filter_pieces,
    listed_filters,
)
from jira_backup_pipeline.engine.restore.configuration.groups import GROUPS
from jira_backup_pipeline.engine.restore.configuration.making import bring, pieces_of, run_tasks
from jira_backup_pipeline.engine.restore.configuration.need import need_of, people_of
from jira_backup_pipeline.engine.restore.configuration.noun import Bench
from jira_backup_pipeline.engine.restore.configuration.piece import Action, Change, Piece
from jira_backup_pipeline.engine.restore.configuration.priority_schemes import PRIORITY_SCHEMES
from jira_backup_pipeline.engine.restore.configuration.schemes import (
    NOTIFICATION_SCHEMES,
    PERMISSION_SCHEMES,
    SECURITY_SCHEMES,
    TYPE_SCHEMES,
    WORKFLOW_SCHEMES,
    map_levels,
)
from jira_backup_pipeline.engine.restore.configuration.screens import (
    SCREEN_SCHEMES,
    SCREENS,
    TYPE_SCREEN_SCHEMES,
)
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource, own_id
from jira_backup_pipeline.engine.restore.configuration.target_rows import TargetRows
from jira_backup_pipeline.engine.restore.configuration.workflows import WORKFLOWS
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.configuration.contexts import FieldSetup
    from jira_backup_pipeline.engine.restore.configuration.need import Need
    from jira_backup_pipeline.engine.restore.configuration.noun import Noun
    from jira_backup_pipeline.engine.restore.findings import Findings
    from jira_backup_pipeline.engine.restore.idmap import IdMap
    from jira_backup_pipeline.engine.restore.journal import Journal
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.selection import Selection
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
    from jira_backup_pipeline.engine.restore.survey import Survey

# What stands on what: each noun may name those before it.
BEFORE_PROJECT: tuple[Noun, ...] = (
    LINK_TYPES,
    RESOLUTIONS,
    PRIORITIES,
    GROUPS,
    ROLES,
    ISSUE_TYPES,
    STATUSES,
    FIELDS,
    SCREENS,
    SCREEN_SCHEMES,
    TYPE_SCREEN_SCHEMES,
    TYPE_SCHEMES,
    WORKFLOWS,
    WORKFLOW_SCHEMES,
    PERMISSION_SCHEMES,
    NOTIFICATION_SCHEMES,
    SECURITY_SCHEMES,
    PRIORITY_SCHEMES,
)
# What they require and hide must not stand in the way of the issues.
AFTER_ISSUES: tuple[Noun, ...] = (FIELD_CONFIGURATIONS, FIELD_CONFIGURATION_SCHEMES, FIELD_SCHEMES)
_AFTER_NOTE = "after the issues, which so need no values in fields that it requires"
_BOARD_NOTE = (
    "with its filter; columns, swimlanes, quick filters and card layout are Jira's own: no call writes them"
)
_BOARDS = "configuration: boards"
_FILTERS = "configuration: filters"
_CONTEXTS = "configuration: contexts and options of fields"
# The member of a project's creation for each scheme.
_PROJECT_MEMBERS = {
    "issue_type_scheme": "issueTypeScheme",
    "issue_type_screen_scheme": "issueTypeScreenScheme",
    "workflow_scheme": "workflowScheme",
    "permission_scheme": "permissionScheme",
    "notification_scheme": "notificationScheme",
    "security_scheme": "issueSecurityScheme",
}


# What a team-managed project takes from its site.
_OF_TEAM_MANAGED = frozenset({"priority", "resolution", "link_type", "group", "filter", "dashboard"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The configuration that a restore wants, and the accounts that it names: they have to be matched first."""

    source: ConfigurationSource
    need: Need
    people: frozenset[str]


def wanted_configuration(
    view: SnapshotView,
    survey: Survey,
    selection: Selection,
    *,
    project_id: str,
    has_new_project: bool,
    is_whole: bool = False,
) -> Wanted:
    """Say what of a snapshot's configuration issues and their project stand on.

    The project counts where it will be made, and with `is_whole` where it will be brought to the snapshot's state.
    """
    source = ConfigurationSource(view)
    need = need_of(
        source,
        survey,
        selection,
        project_id=project_id,
        has_new_project=has_new_project,
        is_whole=is_whole,
    )
    return Wanted(source, need, frozenset(people_of(source, need)))


def bench_for(
    wanted: Wanted,
    matches: Matches,
    calls: Calls,
    *,
    id_map: IdMap,
    findings: Findings,
    is_update: bool = False,
) -> Bench:
    """Set up the bench that planning and making work at."""
    need = wanted.need
    if matches.project is not None and matches.project.is_team_managed:
        # Types, statuses, fields and roles are its own there, and it follows no schemes.
        need = need.without(*(kind for kind in need.wanted if kind not in _OF_TEAM_MANAGED), *need.schemes)
    if matches.stand_ins.sections.get("statuses"):
        # Whoever says which statuses stand in for others wants the workflows that have those.
        need = need.without("status", "workflow", "workflow_scheme")
    if matches.is_same_site and not need.is_whole:
        need = _without_known(need, matches, wanted.source)
    # On their own site these outlive the project that they are about, and come back where they are asked for as such.
    if not (need.asks_for_shared if matches.is_same_site else need.is_whole):
        need = need.without("filter", "dashboard")
    return Bench(
        source=wanted.source,
        need=need,
        calls=calls,
        id_map=id_map,
        findings=findings,
        is_same_site=matches.is_same_site,
        account_id=matches.site.account_id,
        person=matches.person,
        stand_ins=matches.stand_ins,
        target=TargetRows(calls, id_map),
        is_update=is_update,
        project_id=matches.project.id if matches.project is not None else None,
        project_key=matches.project.key if matches.project is not None else "",
    )


def as_planned(need: Need, pieces: tuple[Piece, ...]) -> Need:
    """Give what is wanted for a project that is there, without the kinds that its plan left to the project itself."""
    planned = {piece.kind for piece in pieces}
    return need.without(
        *(kind for kind in need.wanted if kind not in planned and kind not in _OF_TEAM_MANAGED)
    )


def _without_known(need: Need, matches: Matches, source: ConfigurationSource) -> Need:
    """Leave out what the site still has: nothing has to be asked then."""
    look_ups = {
        "priority": matches.priority,
        "resolution": matches.resolution,
        "link_type": matches.link_type,
    }
    kept = {
        kind: frozenset(
            own_id(row)
            for row in source.rows(kind)
            if own_id(row) in ids and look_ups[kind](members_of(row)) is None
        )
        for kind, ids in need.wanted.items()
        if kind in look_ups
    }
    kept |= {kind: need.of(kind) for kind in ("filter", "dashboard")}
    kept["field"] = frozenset(name for name in need.of("field") if not matches.has_field(name))
    return replace(need, wanted={kind: ids for kind, ids in kept.items() if ids})


def plan_configuration(bench: Bench) -> tuple[Piece, ...]:
    """Say of everything that is wanted whether it is matched, made, or left out and why; reads the target only."""
    return tuple(_plan(bench))


def compare_configuration(bench: Bench) -> Iterator[Piece]:
    """Say what differs of everything that a project which is there follows, and what of it the target lacks."""
    for noun in (*BEFORE_PROJECT, *AFTER_ISSUES):
        for piece in _pieces(bench, noun):
            if piece.changes:
                yield piece
            elif piece.action is Action.MAKE:
                lacking = Change("record", "nothing", "as in the snapshot")
                yield replace(piece, action=Action.MATCH, changes=(lacking,))


def _plan(bench: Bench) -> Iterator[Piece]:
    for noun in BEFORE_PROJECT:
        yield from _pieces(bench, noun)
    for found in setups(bench):
        yield from _context_pieces(bench, found)
    for noun in AFTER_ISSUES:
        for piece in _pieces(bench, noun):
            yield replace(piece, note=_AFTER_NOTE) if piece.action in {Action.MAKE, Action.UPDATE} else piece
    yield from filter_pieces(bench)
    yield from _pieces(bench, DASHBOARDS)
    for row in boards_of(bench) if bench.need.has_new_project else ():
        yield Piece("board", row.id, str(members_of(row).get("name")), Action.MAKE, _BOARD_NOTE)


def _context_pieces(bench: Bench, found: FieldSetup) -> Iterator[Piece]:
    is_there = bench.mapped("field", found.field_id) is not None
    changes = context_changes(bench, found) if is_there and bench.is_update else {}
    for row in found.contexts:
        options = len(found.options.get(own_id(row), ()))
        name = f"{_field_name(bench, found.field_id)}: {members_of(row).get('name')}"
        note = f"{options:,} options" if options else ""
        action = Action.COMPLETE if is_there else Action.MAKE
        if not is_there and not _is_coming(bench, found.field_id):
            action, note = Action.LEAVE, "its field is not on the target"
        elif own_id(row) in changes:
            is_changed = any(not change.hindrance for change in changes[own_id(row)])
            action, note = Action.UPDATE if is_changed else Action.MATCH, ""
        yield Piece("field_context", own_id(row), name, action, note, changes.get(own_id(row), ()))


def _pieces(bench: Bench, noun: Noun) -> Iterator[Piece]:
    """Say of each wanted thing what happens to it, and of a matched one what differs."""
    wanted = wanted_of(bench, noun)
    rows = {own_id(row): row for row in wanted}
    for piece in pieces_of(bench, noun, wanted):
        is_there = piece.action is Action.MATCH
        yield with_changes(bench, piece, rows[piece.source_id]) if is_there else piece


def _is_coming(bench: Bench, field_id: str) -> bool:
    row = bench.source.by_id("field").get(field_id)
    return row is not None and FIELDS.objection(bench, row) is None


def _field_name(bench: Bench, field_id: str) -> str:
    row = bench.source.by_id("field").get(field_id)
    return str(members_of(row).get("name", field_id)) if row is not None else field_id


def wanted_of(bench: Bench, noun: Noun) -> list[Record]:
    """Give the records of a noun that a restore wants; of fields only those that somebody defined."""
    rows = bench.wanted(noun.kind)
    return [row for row in rows if noun is not FIELDS or row.id.startswith("customfield_")]


def make_definitions(bench: Bench, journal: Journal) -> bool:
    """Match or make everything that a project stands on; tells whether anything was made."""
    made = []
    for noun in BEFORE_PROJECT:
        wanted = wanted_of(bench, noun)
        made += [bring(bench, noun, wanted, journal), amend(bench, noun, wanted, journal)]
    map_levels(bench)
    return any(made)


def make_contexts(bench: Bench, journal: Journal) -> bool:
    """Bring contexts, options and defaults of the wanted fields, once the project is there."""
    memory = journal.stage(_CONTEXTS)
    by_field = {found.field_id: found for found in setups(bench) if found.field_id not in memory.done}
    rows = [row for row in bench.source.rows("field") if row.id in by_field]
    if not rows:
        return False

    def act(row: Record, *, must_look: bool) -> str | None:
        del must_look  # everything is listed before it is made
        bring_setup(bench, by_field[row.id], amend_context if bench.is_update else None)
        return None

    run_tasks(bench, _CONTEXTS, rows, act, journal)
    return True


def make_boards(bench: Bench, journal: Journal, key: str) -> None:
    """Bring the boards that a project had, once it is there; only a project that is made anew needs them."""
    if not bench.need.has_new_project:
        return
    done = journal.stage(_BOARDS).done
    rows = [row for row in boards_of(bench) if row.id not in done]
    if not rows:
        return

    def act(row: Record, *, must_look: bool) -> str | None:
        del must_look  # boards and filters are listed before they are made
        found = bring_board(bench, row, key)
        bench.id_map.put("board", row.id, found)
        return found

    run_tasks(bench, _BOARDS, rows, act, journal)


def make_the_rest(bench: Bench, journal: Journal, key: str) -> None:
    """Bring what has to wait for the issues: rules about fields, switched-off options, filters and dashboards."""
    for noun in AFTER_ISSUES:
        wanted = wanted_of(bench, noun)
        bring(bench, noun, wanted, journal)
        amend(bench, noun, wanted, journal)
    close_options(bench)
    _make_filters(bench, journal, key)
    bench.id_map.put("project", bench.need.project_id, str(bench.project_id))
    bring(bench, DASHBOARDS, wanted_of(bench, DASHBOARDS), journal)
    amend(bench, DASHBOARDS, wanted_of(bench, DASHBOARDS), journal)


def _make_filters(bench: Bench, journal: Journal, key: str) -> None:
    done = journal.stage(_FILTERS).done
    rows = [row for row in bench.wanted("filter") if row.id not in done]
    if not rows:
        return

    present = listed_filters(bench)

    def act(row: Record, *, must_look: bool) -> str | None:
        return bring_filter(bench, row, key, listed_filters(bench) if must_look else present)

    run_tasks(bench, _FILTERS, rows, act, journal)


def project_members(bench: Bench) -> dict[str, int]:
    """Give the schemes that a new project is made with, as far as they are on the target."""
    found = {
        _PROJECT_MEMBERS[noun]: bench.mapped(noun, scheme_id)
        for noun, scheme_id in bench.need.schemes.items()
        if noun in _PROJECT_MEMBERS
    }
    return {name: int(scheme_id) for name, scheme_id in found.items() if scheme_id is not None}
