"""What issues name and the target will not have: types, statuses, priorities, resolutions, link types, security levels.

What belongs here: one line for each such name, by what the target has and by what will be made there.

What stays out: the other things that a person should know before a restore writes (`objections`), and matching (`matching`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.configuration.noun import key_of
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.matching import same_name
from jira_backup_pipeline.engine.restore.planned_lines import Conflict
from jira_backup_pipeline.engine.restore.stand_ins import missing_stand_in
from jira_backup_pipeline.engine.restore.survey import level_of
from jira_backup_pipeline.engine.restore.target import read_status_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.configuration.piece import Coming, Piece
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.survey import Survey


_OPEN = "They come back without one: whoever may browse the project sees them."


def about_names(survey: Survey, matches: Matches, coming: Coming) -> Iterator[Conflict]:
    """Name types, priorities, resolutions, link types and statuses of issues that will have no counterpart."""
    yield from _about_types(survey, matches, coming)
    lookups = {"priority": matches.priority, "resolution": matches.resolution, "link type": matches.link_type}
    for kind, look_up in lookups.items():
        for name, value in sorted(survey.used_names.get(kind, {}).items()):
            if look_up(value) is None and not coming.makes(kind.replace(" ", "_"), name):
                yield Conflict(kind, name, "the target lacks it", "It is left out.")
    yield from _about_statuses(survey, matches, coming)


def _about_statuses(survey: Survey, matches: Matches, coming: Coming) -> Iterator[Conflict]:
    """Name the statuses that issues cannot reach, as far as the workflows of the project are known or planned."""
    if matches.project is not None:
        statuses = matches.project.statuses.values()
        known: Collection[str] | None = {key_of(status.name) for found in statuses for status in found}
        problem = "no workflow of the target has it"
    else:
        known, problem = coming.statuses, "no workflow of the project that is made has it"
    if known is None:
        return
    for name in sorted(survey.used_names.get("status", {})):
        if key_of(matches.stand_ins.name("statuses", name)) not in known:
            yield Conflict("status", name, problem, "Such issues stay in their first status.")


def about_mapped_statuses(survey: Survey, matches: Matches, calls: Calls) -> Iterator[Conflict | str]:
    """Check a mapping of statuses for a project that is still to be made: its workflows will be those of Jira's template."""
    mapped = {
        name: target
        for name in sorted(survey.used_names.get("status", {}))
        if (target := matches.stand_ins.of("statuses", name)) is not None
    }
    if not mapped:
        return
    known = read_status_names(calls)
    if known is None:
        yield "the mapping of statuses could not be checked: the target does not show its statuses"
        return
    present = {key_of(name) for name in known}
    for name, target in mapped.items():
        if key_of(target) not in present:
            yield missing_stand_in("statuses", name, target)
    names = ", ".join(sorted({target for target in mapped.values() if key_of(target) in present}))
    if names:
        yield (
            f"the mapping leads to the statuses {names}: the target has them, but the project's workflows will be those of Jira's "
            "template, as the mapping sets the snapshot's aside; where these lack them, issues stay in their first status"
        )


def _about_types(survey: Survey, matches: Matches, coming: Coming) -> Iterator[Conflict]:
    for name, value in sorted(survey.used_names.get("issuetype", {}).items()):
        if coming.makes("issue_type", name):
            continue
        found = matches.issue_type(name, level_of(value))
        if found is None:
            yield Conflict("issue type", name, "the target has nothing like it", "Such issues are left out.")
        elif not same_name(found.name, matches.stand_ins.name("issue_types", name)):
            yield Conflict("issue type", name, "the target lacks it", f"Such issues become {found.name}.")


def about_levels(survey: Survey, matches: Matches, coming: Coming) -> Iterator[Conflict]:
    """Say which security levels the target project will not have: what few could read would be open to all."""
    issues = survey.used_fields["security"]
    is_known = matches.project is not None and matches.project.levels != ()
    scheme = next((piece for piece in coming.pieces if piece.kind == "security_scheme"), None)
    if issues and not is_known and not coming.brings("security_scheme"):
        yield Conflict(
            "security level",
            f"{issues:,} issues",
            "the target project has no security levels",
            f"{_OPEN} Give the project its security scheme first.",
        )
        return
    for name, count in sorted(survey.levels.items() if issues else ()):
        if _is_level_absent(name, matches, scheme):
            yield Conflict(
                "security level",
                name,
                f"the target's security scheme lacks it, and {count:,} issues have it",
                f"{_OPEN} Add the level first, or restore with the policy `update`.",
            )


def _is_level_absent(name: str, matches: Matches, scheme: Piece | None) -> bool:
    """Tell whether the project's scheme, as it is or as it will be matched, has no level of a name."""
    project = matches.project
    if project is not None and project.levels:
        will_come = scheme is not None and scheme.action is Action.UPDATE
        return not will_come and all(key_of(level.name) != key_of(name) for level in project.levels)
    if scheme is None or scheme.action is not Action.MATCH:
        return False
    field = key_of(f"level {name}")
    return any(key_of(change.field) == field and not change.present for change in scheme.changes)
