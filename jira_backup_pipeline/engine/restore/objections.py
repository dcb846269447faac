"""Everything a person should know before a restore writes: what is in the way, what is missing, what will differ.

What belongs here: one line for each thing that cannot go as the snapshot has it, with what is done instead.

What stays out: documented limits of REST (`limits`), names without a counterpart (`lacking`), and what only Jira's answer can tell (`findings`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.manifest import SnapshotState
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.lacking import about_levels, about_mapped_statuses, about_names
from jira_backup_pipeline.engine.restore.matching import NOT_WRITABLE_FIELDS, is_computed
from jira_backup_pipeline.engine.restore.place import TEMPLATES
from jira_backup_pipeline.engine.restore.planned import Policy
from jira_backup_pipeline.engine.restore.planned_lines import Conflict
from jira_backup_pipeline.engine.restore.quiet import mail_line
from jira_backup_pipeline.engine.restore.screens import (
    ALWAYS_GIVEN,
    CreateScreens,
    ScreenField,
    is_fillable,
)
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.stand_ins import missing_stand_ins
from jira_backup_pipeline.engine.restore.survey import level_of
from jira_backup_pipeline.engine.restore.target import (
    read_key_problem,
    read_trashed_project,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.configuration.piece import Coming
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.planned import PlannedTarget
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
    from jira_backup_pipeline.engine.restore.survey import Survey
    from jira_backup_pipeline.engine.restore.target import ProjectState

_NAMED_GAPS = 20


@dataclass(slots=True)
class Objections:
    """The lines so far."""

    conflicts: list[Conflict] = field(default_factory=list)
    prerequisites: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, line: Conflict | str) -> None:
        """Add a conflict or a note."""
        if isinstance(line, Conflict):
            self.conflicts.append(line)
        else:
            self.notes.append(line)


def objections_to(
    result: Objections,
    *,
    view: SnapshotView,
    survey: Survey,
    matches: Matches,
    planned: PlannedTarget,
    calls: Calls,
    policy: Policy,
    permissions: frozenset[str],
    coming: Coming,
    part: Part = Part.EVERYTHING,
) -> None:
    """Add every line that snapshot, target and policy give reason for."""
    result.notes.extend(_about_snapshot(view.manifest))
    result.notes.extend(_about_files(survey, matches))
    if part is Part.ATTACHMENTS:
        result.conflicts.extend(_about_place_of_files(matches, planned))
        return
    result.notes.extend(_about_people(survey, matches))
    result.notes.extend(_about_fields(survey, matches, coming))
    result.notes.extend(_about_sprints(survey, matches))
    result.conflicts.extend(about_names(survey, matches, coming))
    result.conflicts.extend(
        [*missing_stand_ins(matches.stand_ins, matches, _used(survey)), *matches.people.conflicts]
    )
    result.conflicts.extend(about_levels(survey, matches, coming))
    if matches.project is None:
        result.conflicts.extend(_about_new_key(planned, calls))
        result.notes.extend(_about_new_project(view, coming))
        for line in about_mapped_statuses(survey, matches, calls):
            result.add(line)
    else:
        result.conflicts.extend(_about_project(matches))
        result.notes.extend(_about_screens(survey, matches, calls))
    result.notes.extend(_about_configuration(coming))
    result.prerequisites.extend(_prerequisites(permissions, policy, matches.project))


def _about_snapshot(manifest: Manifest) -> Iterator[str]:
    if manifest.state is SnapshotState.DOUBTFUL:
        yield "the snapshot is doubtful: a guard objected when it was captured; prefer an earlier one"
    for gap in manifest.gaps[:_NAMED_GAPS]:
        yield f"gap in the snapshot, cannot come back: {gap.kind} {gap.subject} ({gap.reason})"
    if len(manifest.gaps) > _NAMED_GAPS:
        yield f"{len(manifest.gaps) - _NAMED_GAPS} more gaps are listed in the snapshot"


def _about_files(survey: Survey, matches: Matches) -> Iterator[str]:
    for name in survey.without_bytes:
        yield f"no bytes in the snapshot for {name}: left out, text that shows it names it instead"
    if survey.counts["attachment"] and not matches.site.uploads_enabled:
        yield "attachments are switched off on the target: none is uploaded"
    limit = matches.site.upload_limit_bytes
    for size, name in survey.largest:
        if limit and size > limit:
            yield f"{name} has {size:,} bytes, the target takes {limit:,}: left out"


def _about_place_of_files(matches: Matches, planned: PlannedTarget) -> Iterator[Conflict]:
    if matches.project is None:
        yield Conflict(
            "project",
            planned.key,
            "it is not on the target, and attachments alone need issues to hang on",
            "Restore the project whole: leave --attachments-only out.",
            is_blocking=True,
        )
    yield from _about_project(matches)


def _about_people(survey: Survey, matches: Matches) -> Iterator[str]:
    people = matches.people
    if people.replaced:
        named = len(people.replaced) - people.by_email
        yield f"other accounts stand in for {len(people.replaced)}: {named} by the mapping, {people.by_email} by e-mail address"
    done = "left out as assignee, reporter, watcher or in fields"
    if people.fallback:
        done = f"account {people.fallback} stands in as assignee, reporter and lead; left out as watcher and member of roles"
    unknown = sorted(person for person in survey.people if person not in people.active)
    inactive = sorted(person for person in survey.people if people.active.get(person) is False)
    for title, found in (("not known on", unknown), ("inactive on", inactive)):
        if found:
            many = f"{len(found)} accounts are" if len(found) > 1 else "1 account is"
            yield f"{many} {title} the target: {done}"


def _about_fields(survey: Survey, matches: Matches, coming: Coming) -> Iterator[str]:
    for name, count in sorted(survey.used_fields.items()):
        known = matches.source_fields.get(name)
        if name in NOT_WRITABLE_FIELDS or (known is not None and is_computed(known)):
            continue
        if matches.target_field(name) is None and not coming.makes_id("field", name):
            yield f"field {matches.field_name(name)} ({name}) of {count:,} issues has no counterpart: left out"


def _about_sprints(survey: Survey, matches: Matches) -> Iterator[str]:
    absent = len(survey.sprints - set(matches.sprints))
    if absent:
        yield (
            f"{absent} of {len(survey.sprints)} sprints are not on the target: they are made anew on its scrum board, filled, "
            "started and closed; without such a board issues come back without them"
        )


def _used(survey: Survey) -> dict[str, tuple[str, ...]]:
    kinds = {"issue_types": "issuetype", "statuses": "status"}
    return {section: tuple(survey.used_names.get(kind, ())) for section, kind in kinds.items()}


def _about_new_key(planned: PlannedTarget, calls: Calls) -> Iterator[Conflict]:
    problem = read_key_problem(calls, planned.key)
    if problem is None:
        return
    trashed = read_trashed_project(calls, planned.key)
    if trashed is not None:
        yield Conflict(
            "project",
            planned.key,
            f"the project {trashed} in the trash holds the key",
            "Restore that project from the trash in Jira or delete it there for good, or name another key with "
            "--target-project.",
            is_blocking=True,
        )
        return
    yield Conflict(
        "project",
        planned.key,
        f"Jira does not take the key ({problem})",
        "Name another key with --target-project.",
        is_blocking=True,
    )


def _about_configuration(coming: Coming) -> Iterator[str]:
    for piece in coming.pieces:
        if piece.action is Action.LEAVE:
            yield f"{piece.kind.replace('_', ' ')} {piece.name} is left out: {piece.note}"


def _about_new_project(view: SnapshotView, coming: Coming) -> Iterator[str]:
    source = next(iter(view.rows("project")), None)
    members = members_of(source) if source is not None else {}
    converted = ConfigurationSource(view).conversion_line()
    if converted is not None:
        yield converted
    kind = members.get("projectTypeKey")
    if kind not in TEMPLATES:
        yield f"projects of type {kind} cannot be created by REST; it comes back as a business project"
    missing = [noun for noun in ("issue_type_scheme", "workflow_scheme") if not coming.brings(noun)]
    if missing:
        names = " and ".join(noun.replace("_", " ") for noun in missing)
        yield f"the snapshot's {names} cannot be used: types and workflows come from Jira's template, and differences show in the report"


def _about_project(matches: Matches) -> Iterator[Conflict]:
    project = matches.project
    if project is not None and project.is_archived:
        yield Conflict(
            "project",
            project.key,
            "it is archived",
            "Unarchive it in Jira, or name another key.",
            is_blocking=True,
        )


def _about_screens(survey: Survey, matches: Matches, calls: Calls) -> Iterator[str]:
    if matches.project is None:
        return
    screens = CreateScreens(calls, matches.project.id)
    for name, value in sorted(survey.used_names.get("issuetype", {}).items()):
        found = matches.issue_type(name, level_of(value))
        if found is None:
            continue
        screen = screens.of(found.id)
        used = {
            target.id: count
            for source, count in survey.used_fields.items()
            if (target := matches.target_field(source)) is not None
        }
        absent = sorted(matches.field_name(name) for name in set(used) - set(screen))
        if absent:
            yield f"not on the create screen of {found.name}, set by an edit afterwards: {', '.join(absent)}"
        yield from _about_required(found.name, screen, used, survey.counts["issue"], matches)


def _about_required(
    type_name: str,
    screen: Mapping[str, ScreenField],
    used: Mapping[str, int],
    issues: int,
    matches: Matches,
) -> Iterator[str]:
    for required in screen.values():
        lacking = issues - used.get(required.id, 0)
        if not lacking or not required.is_required or required.has_default or required.id in ALWAYS_GIVEN:
            continue
        done = (
            "they get a filling" if is_fillable(required) else "those of this type are refused and left out"
        )
        yield (
            f"{matches.field_name(required.id)} is required for {type_name}, and {lacking:,} of {issues:,} issues have no value: "
            f"{done}"
        )


def _prerequisites(
    permissions: frozenset[str], policy: Policy, project: ProjectState | None
) -> Iterator[str]:
    if "ADMINISTER" not in permissions and "ADMINISTER_PROJECTS" not in permissions:
        yield (
            "the restoring account administers neither Jira nor the project: edits send mail to watchers, and a new project "
            "cannot be created"
        )
    if "ADMINISTER" not in permissions:
        yield "the restoring account does not administer Jira: missing fields, types, workflows and schemes are not made"
    if "BULK_CHANGE" not in permissions:
        yield "without the permission to change issues in bulk, statuses are set issue by issue"
    if "MODIFY_REPORTER" not in permissions:
        yield "without the permission to modify reporters, the restoring account becomes the reporter"
    if "MANAGE_WATCHERS" not in permissions:
        yield "without the permission to manage watchers, nobody but the restoring account can be made a watcher"
    yield mail_line(permissions, project)
    yield "automation rules of the target fire on created issues: switch them off first"
    if policy is Policy.UPDATE:
        yield "what was changed in Jira since the snapshot is overwritten"
