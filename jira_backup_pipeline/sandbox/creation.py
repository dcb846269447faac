"""New issues: what a create request must hold, and the issue it makes.

What belongs here: checks that collect all that is wrong into one 400, and the checks of single parts of a
request (parents, durations, properties, documents) that other writes share.

What stays out: reading one field's value (``values``), changes of existing issues (``changes``), the create
form as Jira shows it (``issue_metadata``), and made issues (``seed``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import adf
from jira_backup_pipeline.sandbox.changes import available_transitions, history_item, record, transition
from jira_backup_pipeline.sandbox.codec import Place, ValueProblem
from jira_backup_pipeline.sandbox.http import ApiError, Json, JsonObject, encode
from jira_backup_pipeline.sandbox.model import Account, Field, Issue, IssueBody, Project
from jira_backup_pipeline.sandbox.setup import schemes
from jira_backup_pipeline.sandbox.setup.create_screens import create_screen
from jira_backup_pipeline.sandbox.setup.field_rules import hidden_by_rules, required_by_rules
from jira_backup_pipeline.sandbox.setup.mails import CREATED, announce
from jira_backup_pipeline.sandbox.values import CODECS

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

PROPERTY_LIMIT = 32_768
_NOT_SETTABLE = "Field '{0}' cannot be set. It is not on the appropriate screen, or unknown."


@dataclass(slots=True)
class Draft:
    """A create request that was found valid."""

    project: Project
    type_id: str
    parent_id: int | None
    values: dict[str, Json]
    properties: dict[str, Json] = field(default_factory=dict)
    transition_id: str | None = None
    metadata: JsonObject | None = None


def screen_fields(site: Site, project: Project, type_id: str) -> list[Field]:
    """The fields that can be set when an issue of a type is created."""
    subtask = site.issue_types[type_id].level < 0
    shown = create_screen(site, project, type_id)
    hidden = hidden_by_rules(site, project, type_id)
    found: list[Field] = []
    for item in site.fields.values():
        if shown is not None and item.field_id not in shown:
            continue
        if not _is_of(project, item):
            continue
        if item.field_id in project.off_create_screen | hidden or item.kind == "readonly":
            continue
        if item.kind == "computed" and item.field_id not in {
            "issuetype",
            "project",
            "parent",
            "timetracking",
            "attachment",
            "issuelinks",
        }:
            continue
        if item.field_id in {"statuscategorychangedate", "resolutiondate"} or item.kind == "rank":
            continue
        # Sub-tasks take over sprint, team and security level from their parent.
        if subtask and item.kind in {"sprint", "team", "securitylevel"}:
            continue
        if item.kind == "securitylevel" and schemes.follows(site, project, "security_scheme") is None:
            continue
        found.append(item)
    return found


def _is_of(project: Project, item: Field) -> bool:
    """Whether a field is of the whole site, or of this team-managed project."""
    return item.project_id in (None, project.project_id)


def required_fields(site: Site, project: Project, type_id: str) -> set[str]:
    """The fields that a create request must have."""
    base = {"summary", "issuetype", "project", *project.required, *required_by_rules(site, project, type_id)}
    return base | ({"parent"} if site.issue_types[type_id].level < 0 else set())


def parse_fields(
    site: Site, project: Project, given: JsonObject, *, allowed: set[str] | None
) -> tuple[dict[str, Json], dict[str, str]]:
    """Read values for storing; returns them and the errors by field. ``allowed`` None means any settable field."""
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for field_id, raw in given.items():
        if field_id in {"project", "issuetype", "parent"}:
            continue
        item = site.fields.get(field_id)
        if item is None or not _is_of(project, item) or (allowed is not None and field_id not in allowed):
            errors[field_id] = _NOT_SETTABLE.format(field_id)
            continue
        if field_id == "timetracking":
            values.update(_tracking(raw, errors))
            continue
        codec = CODECS.get(item.kind)
        if codec is None or field_id in {"statuscategorychangedate", "resolutiondate"}:
            errors[field_id] = _NOT_SETTABLE.format(field_id)
            continue
        if raw is None:
            if field_id == "summary":
                errors[field_id] = "You must specify a summary of the issue."
            values[field_id] = [] if field_id == "labels" else None
            continue
        try:
            values[field_id] = codec.parse(Place(site, item, project), raw)
        except ValueProblem as problem:
            errors[field_id] = str(problem)
    return values, errors


def _tracking(raw: Json, errors: dict[str, str]) -> dict[str, int | None]:
    values: dict[str, int | None] = {}
    names = {"originalEstimate": "timeoriginalestimate", "remainingEstimate": "timeestimate"}
    for name, target in names.items():
        if isinstance(raw, dict) and raw.get(name) is not None:
            try:
                values[target] = duration_seconds(str(raw[name]))
            except ValueError:
                errors["timetracking"] = f"'{raw[name]}' is not a valid duration."
    if "timeoriginalestimate" in values and "timeestimate" not in values:
        values["timeestimate"] = values["timeoriginalestimate"]
    return values


def duration_seconds(text: str) -> int:
    """Seconds of a duration such as ``1w 2d 3h 30m``; a bare number is minutes. ``ValueError`` when it is none."""
    sizes = {"w": 144_000, "d": 28_800, "h": 3_600, "m": 60}
    total = 0.0
    parts = text.split()
    if not parts:
        raise ValueError("empty duration")
    for part in parts:
        unit = part[-1].lower()
        number = part[:-1] if unit in sizes else part
        total += float(number) * sizes.get(unit, 60)
    return round(total)


def read_draft(site: Site, caller: Account, update: JsonObject) -> Draft:
    """Check a create request; everything wrong with it is one 400 with ``errors`` by field."""
    given = dict(update.get("fields") or {})
    errors: dict[str, str] = {}
    project = _project(site, caller, given.get("project"), errors)
    type_id = _issue_type(site, project, given.get("issuetype"), errors)
    if project is None or type_id is None:
        raise ApiError(400, errors=errors)
    allowed = {item.field_id for item in screen_fields(site, project, type_id)}
    _merge_operations(update.get("update") or {}, given)
    parent_id = _parent(site, caller, project, type_id, given=given.get("parent"), errors=errors)
    values, wrong = parse_fields(site, project, given, allowed=allowed)
    errors |= wrong
    for field_id in required_fields(site, project, type_id) - {"project", "issuetype", "parent"}:
        if values.get(field_id) in (None, "", []) and field_id not in errors:
            errors[field_id] = (
                "You must specify a summary of the issue."
                if field_id == "summary"
                else f"{site.fields[field_id].name} is required."
            )
    if "reporter" in given and not site.may(caller, "MODIFY_REPORTER", project):
        errors["reporter"] = _NOT_SETTABLE.format("reporter")
    draft = Draft(project, type_id, parent_id, values, metadata=update.get("historyMetadata"))
    draft.properties = _properties(update.get("properties") or [], errors)
    step = update.get("transition")
    if isinstance(step, dict) and step.get("id") is not None:
        draft.transition_id = str(step["id"])
    if errors:
        raise ApiError(400, errors=errors)
    return draft


def _merge_operations(operations: JsonObject, given: JsonObject) -> None:
    for field_id, steps in operations.items():
        for step in steps if isinstance(steps, list) else []:
            if "set" in step:
                given[field_id] = step["set"]
            elif "add" in step:
                given[field_id] = [*(given.get(field_id) or []), step["add"]]


def _project(site: Site, caller: Account, given: Json, errors: dict[str, str]) -> Project | None:
    wanted = given if isinstance(given, dict) else {}
    found = site.find_project(str(wanted.get("id", wanted.get("key", ""))))
    if found is None or not site.can_browse(caller, found):
        errors["project"] = "valid project is required" if wanted else "Specify a valid project ID or key"
        return None
    if not site.may(caller, "CREATE_ISSUES", found):
        errors["project"] = "You do not have permission to create issues in this project."
        return None
    return found


def _issue_type(site: Site, project: Project | None, given: Json, errors: dict[str, str]) -> str | None:
    wanted = given if isinstance(given, dict) else {}
    known = project.issue_types if project is not None else list(site.issue_types)
    for type_id in known:
        item = site.issue_types[type_id]
        if type_id == str(wanted.get("id", "")) or ("id" not in wanted and item.name == wanted.get("name")):
            return type_id
    errors["issuetype"] = "Specify a valid issue type"
    return None


def _parent(
    site: Site, caller: Account, project: Project, type_id: str, *, given: Json, errors: dict[str, str]
) -> int | None:
    level = site.issue_types[type_id].level
    if given is None:
        if level < 0:
            errors["parent"] = "Sub-task issues must have a parent issue."
        return None
    wanted = given if isinstance(given, dict) else {}
    found = site.find_issue(str(wanted.get("id", wanted.get("key", ""))))
    if found is None or not site.can_see(caller, found):
        errors["parent"] = "Could not find issue by id or key."
        return None
    problem = parent_problem(site, project, level, found)
    if problem:
        errors["parent"] = problem
        return None
    return found.issue_id


def parent_problem(site: Site, project: Project, level: int, parent: Issue) -> str | None:
    """Why an issue of a level cannot lie under a parent, or None."""
    if site.issue_types[parent.type_id].level != level + 1:
        return "The selected parent does not belong to the appropriate hierarchy."
    if level < 0 and parent.project_id != project.project_id:
        return "The parent issue of a sub-task must be in the same project."
    return None


def _properties(given: Json, errors: dict[str, str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for entry in given if isinstance(given, list) else []:
        key = str(entry.get("key", ""))
        problem = property_problem(key, entry.get("value"))
        if problem:
            errors["properties"] = problem
        found[key] = entry.get("value")
    return found


def property_problem(key: str, value: Json) -> str | None:
    """Why a property cannot be stored, or None."""
    if not key or len(key) > 255:
        return "The property key must be between 1 and 255 characters long."
    if value is None or value == "":
        return "The value of the property must be a valid, non-empty JSON."
    if len(encode(value)) > PROPERTY_LIMIT:
        return f"The property value must not exceed {PROPERTY_LIMIT} characters."
    return None


def create_issue(site: Site, draft: Draft, caller: Account, *, at_ms: int | None = None) -> Issue:
    """Make the issue of a valid request."""
    project = draft.project
    now = site.now() if at_ms is None else at_ms
    issue_id = site.next_id("issue")
    if site.index is not None:
        site.index.remember(issue_id)
    project.issue_count += 1
    status_id = site.workflow_for(project, draft.type_id).statuses[0]
    issue = Issue(issue_id, project.project_id, project.issue_count, draft.type_id, status_id, now, now)
    values = dict(draft.values)
    issue.labels = list(values.pop("labels", None) or [])
    values["creator"] = caller.account_id
    if values.get("reporter") is None:
        values["reporter"] = caller.account_id
    if values.get("priority") is None and site.priorities:
        values["priority"] = "3" if "3" in site.priorities else next(iter(site.priorities))
    if values.get("assignee") is None and project.assignee_type == "PROJECT_LEAD":
        values["assignee"] = project.lead
    values["statuscategorychangedate"] = now
    rank_field = next((item.field_id for item in site.fields.values() if item.kind == "rank"), None)
    if rank_field is not None:
        # After all that were there before.
        values[rank_field] = f"0|j{issue.issue_id:06x}:"
    issue.body = IssueBody(values, properties=dict(draft.properties))
    issue.parent_id = draft.parent_id
    # The creator watches what it makes, unless its profile says otherwise.
    issue.watchers = [caller.account_id]
    site.issues.add(issue)
    if draft.parent_id is not None:
        parent = site.issues.by_id[draft.parent_id]
        if site.issue_types[draft.type_id].level >= 0:
            item = history_item(
                "IssueParentAssociation", None, (None, None), (str(parent.issue_id), site.key_of(parent))
            )
            record(site, issue, caller.account_id, [item], at_ms=now)
    site.changed(issue.issue_id)
    announce(site, issue, CREATED)
    if draft.transition_id is not None:
        transition(site, issue, draft.transition_id, caller.account_id, at_ms=now)
    return issue


def initial_transition_problem(site: Site, draft: Draft) -> str | None:
    """Why the transition of a create request cannot be taken, or None."""
    if draft.transition_id is None:
        return None
    status_id = site.workflow_for(draft.project, draft.type_id).statuses[0]
    probe = Issue(0, draft.project.project_id, 0, draft.type_id, status_id, 0, 0)
    if all(step.transition_id != draft.transition_id for step in available_transitions(site, probe)):
        return "It seems that you have tried to perform an illegal workflow operation."
    return None


def document_or_problem(site: Site, value: Json, name: str) -> JsonObject:
    """A rich-text value of a request, or the 400 for one that is no document."""
    trouble = adf.problem(value, site.refused_nodes)
    if trouble:
        message = "Comment body is not valid!" if name == "comment" else trouble
        raise ApiError(400, *([trouble] if trouble == "INVALID_INPUT" else []), errors={name: message})
    found: JsonObject = value
    return found
