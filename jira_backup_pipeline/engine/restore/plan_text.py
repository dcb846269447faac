"""A plan in words: what a person reads before saying yes.

What belongs here: the plan as Markdown, with what is in the way first.

What stays out: the plan itself (`planned`) and the report after the restore (`report`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.configuration.piece import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jira_backup_pipeline.engine.restore.configuration.piece import Piece
    from jira_backup_pipeline.engine.restore.planned import RestorePlan

_SECONDS_PER_MINUTE = 60
_HAPPENS = {
    Action.MAKE: "is made",
    Action.COMPLETE: "is used; what it lacks is added",
    Action.UPDATE: "is brought to the snapshot's state",
    Action.LEAVE: "is left out",
}


def plan_markdown(plan: RestorePlan) -> str:
    """Give the plan as Markdown."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: RestorePlan) -> Iterator[str]:
    target = plan.target
    place = "a new project" if target.project_id is None else "the existing project"
    yield f"# Restore of {plan.source.key} into {target.key}"
    yield ""
    yield (
        f"Snapshot {plan.snapshot} of {plan.scope} goes into {place} **{target.key}** ({target.name}) on {target.base_url}, "
        f"policy `{plan.policy.value}`. Nothing has been written."
    )
    yield ""
    yield (
        f"{len(plan.creates):,} issues to create, {len(plan.updates):,} to update, {len(plan.skips):,} left alone; about "
        f"{plan.requests:,} requests, {duration_words(plan.duration_seconds)}."
    )
    for title, conflicts in (
        ("In the way: resolve first", [found for found in plan.conflicts if found.is_blocking]),
        ("Conflicts and what is done", [found for found in plan.conflicts if not found.is_blocking]),
    ):
        if conflicts:
            yield from ("", f"## {title}", "")
            yield from (f"- {found.subject}: {found.problem}. {found.remedy}" for found in conflicts)
    yield from ("", "## Steps", "")
    yield from markdown_table(
        ("step", "things", "writes", "reads", "note"),
        (
            (step.stage, f"{step.count:,}", f"{step.writes:,}", f"{step.reads:,}", step.note)
            for step in plan.steps
        ),
    )
    yield from _configuration(plan)
    if plan.prerequisites:
        yield from ("", "## What a person must see to", "")
        yield from (f"- {text}" for text in plan.prerequisites)
    if plan.notes:
        yield from ("", "## Notes", "")
        yield from (f"- {text}" for text in plan.notes)
    yield from ("", "## What REST cannot bring back", "")
    yield from markdown_table(
        ("kind", "what", "count", "why", "instead"),
        (
            (found.kind, found.what, f"{found.count:,}", found.reason, found.instead)
            for found in plan.impossible
        ),
    )


def _configuration(plan: RestorePlan) -> Iterator[str]:
    """Give what is made and left out one by one, and what is there already by kind: that may be hundreds."""
    if not plan.configuration:
        return
    yield from ("", "## Configuration", "")
    yield from markdown_table(
        ("what", "name", "what happens", "note"),
        (
            (piece.kind.replace("_", " "), piece.name, _HAPPENS[piece.action], _note(piece))
            for piece in plan.configuration
            if piece.action is not Action.MATCH
        ),
    )
    differing = [piece for piece in plan.configuration if piece.action is Action.MATCH and piece.changes]
    if differing:
        policy = (
            "only the policy `update` changes it" if plan.policy.value != "update" else "no call changes it"
        )
        yield from ("", f"There and different from the snapshot, not touched ({policy}):", "")
        yield from markdown_table(
            ("what", "name", "there → in the snapshot"),
            ((piece.kind.replace("_", " "), piece.name, _note(piece)) for piece in differing),
        )
    matched = Counter(
        piece.kind.replace("_", " ")
        for piece in plan.configuration
        if piece.action is Action.MATCH and not piece.changes
    )
    if matched:
        counts = ", ".join(f"{kind} {count:,}" for kind, count in sorted(matched.items()))
        yield from ("", f"There under the same name, used and not touched: {counts}.")


def _note(piece: Piece) -> str:
    return "; ".join([*(str(change) for change in piece.changes), *([piece.note] if piece.note else [])])


def duration_words(seconds: float) -> str:
    """Say a duration for people."""
    if seconds < 2 * _SECONDS_PER_MINUTE:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / _SECONDS_PER_MINUTE)} min"


def markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Give the lines of a table; bars and line ends in cells are made harmless."""
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join("---" for _ in head) + " |"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
