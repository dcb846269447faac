"""Which statuses the workflows of a project that is still to be made will have.

What belongs here: the way from the project's workflow scheme, made or matched, to the names of its statuses.

What stays out: making any of it (`workflows`, `schemes`), and what a plan says about statuses that lack (`engine.restore.objections`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.need import status_references, workflow_names
from jira_backup_pipeline.engine.restore.configuration.noun import API, key_of
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.engine.restore.configuration.noun import Bench
    from jira_backup_pipeline.engine.restore.configuration.piece import Piece


def statuses_to_come(bench: Bench, pieces: Sequence[Piece]) -> frozenset[str] | None:
    """Give the names of the statuses, in the form in which names are compared.

    None where Jira's template will decide: no scheme of the snapshot is used.
    """
    if not bench.need.has_new_project:
        return None
    scheme_id = bench.need.schemes.get("workflow_scheme")
    actions = {(piece.kind, piece.source_id): piece.action for piece in pieces}
    action = actions.get(("workflow_scheme", str(scheme_id)))
    if scheme_id is None or action not in {Action.MAKE, Action.MATCH}:
        return None
    if any(kind == "workflow" and found is Action.UPDATE for (kind, _), found in actions.items()):
        return None  # they will have those of both sides
    if action is Action.MATCH:
        scheme = _target_scheme(bench, bench.mapped("workflow_scheme", scheme_id))
        return frozenset(
            _of_target(bench, workflow_names(scheme, set(scheme.get("issueTypeMappings") or {})))
        )
    source = bench.source.by_id("workflow_scheme")[scheme_id]
    names = workflow_names(members_of(source), bench.need.of("issue_type"))
    made = {
        str(members_of(row).get("name")): row
        for row in bench.wanted("workflow")
        if actions.get(("workflow", row.id)) is Action.MAKE
    }
    statuses = bench.source.by_id("status")
    found = {
        key_of(members_of(statuses[reference]).get("name"))
        for name in names & set(made)
        for reference in status_references(members_of(made[name]))
        if reference in statuses
    }
    return frozenset({*found, *(_of_target(bench, names - set(made)) if names - set(made) else ())})


def _target_scheme(bench: Bench, scheme_id: str | None) -> Mapping[str, Any]:
    schemes = bench.calls.get_all(f"{API}/workflowscheme", "values")
    return next((item for item in schemes if str(item.get("id")) == scheme_id), {})


def _of_target(bench: Bench, names: set[str]) -> Iterator[str]:
    """Give the statuses of workflows that the target has."""
    listed = bench.calls.get_all(f"{API}/statuses/search", "values", {"maxResults": "200"})
    by_id = {str(item.get("id")): key_of(item.get("name")) for item in listed}
    wanted = {key_of(name) for name in names}
    for item in bench.calls.get_all(f"{API}/workflows/search", "values"):
        if key_of(item.get("name")) in wanted:
            yield from (by_id[reference] for reference in status_references(item) if reference in by_id)
