"""The fields of a made site: system fields and one custom field of every common sort.

What belongs here: ids, names, schemas, clause names and options, and which sorts of custom field can be
defined.

What stays out: what a kind of field accepts and shows (``values``), and what made issues hold in it
(``field_values``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.model import Field, FieldOption

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.site import Site

_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_AGILE = "com.pyxis.greenhopper.jira:"

SPRINT = "customfield_10020"
RANK = "customfield_10019"
START_DATE = "customfield_10015"
STORY_POINTS = "customfield_10016"
EPIC_NAME = "customfield_10011"
FLAGGED = "customfield_10021"
SEVERITY = "customfield_10030"
PLATFORMS = "customfield_10031"
REGION = "customfield_10032"
REVIEWER = "customfield_10033"
APPROVERS = "customfield_10034"
COST = "customfield_10035"
REFERENCE_URL = "customfield_10036"
RELEASE_NOTES = "customfield_10037"
CUSTOMER_REF = "customfield_10038"
DUE_TIME = "customfield_10039"
KEYWORDS = "customfield_10040"
FOUND_IN = "customfield_10041"
AFFECTED_BUILDS = "customfield_10042"
CHECKLIST = "customfield_10043"
CHANNEL = "customfield_10044"
SQUAD = "customfield_10046"
RELATED_PROJECT = "customfield_10048"
EXTERNAL_SCORE = "customfield_10049"
TEAM = "customfield_10001"
EPIC_COLOUR = "customfield_10013"
EPIC_STATUS = "customfield_10012"
CONSULTED = "customfield_10050"
IMPORTED_FROM = "customfield_10051"
IMPORTED_ID = "customfield_10052"

# Not on any create screen of a made project: a restore has to set it with an edit.
OFF_CREATE_SCREEN = frozenset({EXTERNAL_SCORE, "resolution"})

# id, name, kind, schema type, items, navigable, orderable
_SYSTEM: tuple[tuple[str, str, str, str, str, bool, bool], ...] = (
    ("statuscategorychangedate", "Status Category Changed", "datetime", "datetime", "", True, False),
    ("issuetype", "Issue Type", "computed", "issuetype", "", True, True),
    ("parent", "Parent", "computed", "", "", True, False),
    ("timespent", "Time Spent", "computed", "number", "", False, False),
    ("project", "Project", "computed", "project", "", True, False),
    ("fixVersions", "Fix versions", "multiversion", "array", "version", True, True),
    ("statusCategory", "Status Category", "computed", "statusCategory", "", True, False),
    ("aggregatetimespent", "Sum Time Spent", "computed", "number", "", True, False),
    ("resolution", "Resolution", "resolution", "resolution", "", True, True),
    ("resolutiondate", "Resolved", "datetime", "datetime", "", True, False),
    ("workratio", "Work Ratio", "computed", "number", "", True, False),
    ("watches", "Watchers", "computed", "watches", "", True, False),
    ("lastViewed", "Last Viewed", "computed", "datetime", "", True, False),
    ("created", "Created", "computed", "datetime", "", True, False),
    ("priority", "Priority", "priority", "priority", "", True, True),
    ("labels", "Labels", "labels", "array", "string", True, True),
    ("timeestimate", "Remaining Estimate", "computed", "number", "", False, False),
    ("aggregatetimeoriginalestimate", "Sum Original Estimate", "computed", "number", "", True, False),
    ("versions", "Affects versions", "multiversion", "array", "version", True, True),
    ("issuelinks", "Linked Issues", "computed", "array", "issuelinks", True, True),
    ("assignee", "Assignee", "userpicker", "user", "", True, True),
    ("updated", "Updated", "computed", "datetime", "", True, False),
    ("status", "Status", "computed", "status", "", True, False),
    ("components", "Components", "components", "array", "component", True, True),
    ("timeoriginalestimate", "Original estimate", "computed", "number", "", True, False),
    ("description", "Description", "textarea", "string", "", True, True),
    ("timetracking", "Time tracking", "computed", "timetracking", "", False, True),
    ("security", "Security Level", "securitylevel", "securitylevel", "", True, True),
    ("attachment", "Attachment", "computed", "array", "attachment", True, True),
    ("aggregatetimeestimate", "Sum Remaining Estimate", "computed", "number", "", True, False),
    ("summary", "Summary", "textfield", "string", "", True, True),
    ("creator", "Creator", "computed", "user", "", True, False),
    ("subtasks", "Sub-tasks", "computed", "array", "issuelinks", True, False),
    ("reporter", "Reporter", "userpicker", "user", "", True, True),
    ("aggregateprogress", "Sum Progress", "computed", "progress", "", True, False),
    ("environment", "Environment", "textarea", "string", "", True, True),
    ("duedate", "Due date", "datepicker", "date", "", True, True),
    ("progress", "Progress", "computed", "progress", "", True, False),
    ("votes", "Votes", "computed", "votes", "", True, False),
    ("comment", "Comment", "computed", "comments-page", "", True, True),
    ("worklog", "Log Work", "computed", "array", "worklog", True, True),
)
_CLAUSES = {
    "fixVersions": ("fixVersion",),
    "versions": ("affectedVersion",),
    "components": ("component",),
    "issuetype": ("issuetype", "type"),
    "created": ("created", "createdDate"),
    "updated": ("updated", "updatedDate"),
    "duedate": ("due", "duedate"),
    "timespent": ("timespent",),
    "watches": ("watchers",),
    "statuscategorychangedate": ("statusCategoryChangedDate",),
    "resolutiondate": ("resolutiondate", "resolved"),
    "issuelinks": ("issueLink",),
    "attachment": ("attachments",),
    "security": ("level",),
}

# id, name, kind, schema type, items, custom type, searcher
_CUSTOM: tuple[tuple[str, str, str, str, str, str, str], ...] = (
    (EPIC_NAME, "Epic Name", "textfield", "string", "", _AGILE + "gh-epic-label", ""),
    (START_DATE, "Start date", "datepicker", "date", "", _TYPES + "datepicker", "daterange"),
    (
        STORY_POINTS,
        "Story point estimate",
        "float",
        "number",
        "",
        "com.pyxis.greenhopper.jira:jsw-story-points",
        "exactnumber",
    ),
    (RANK, "Rank", "rank", "any", "", _AGILE + "gh-lexo-rank", ""),
    (SPRINT, "Sprint", "sprint", "array", "json", _AGILE + "gh-sprint", ""),
    (FLAGGED, "Flagged", "multiselect", "array", "option", _TYPES + "multicheckboxes", "multiselectsearcher"),
    (SEVERITY, "Severity", "select", "option", "", _TYPES + "select", "multiselectsearcher"),
    (PLATFORMS, "Platforms", "multiselect", "array", "option", _TYPES + "multiselect", "multiselectsearcher"),
    (
        REGION,
        "Region",
        "cascadingselect",
        "option-with-child",
        "",
        _TYPES + "cascadingselect",
        "cascadingselectsearcher",
    ),
    (REVIEWER, "Reviewer", "userpicker", "user", "", _TYPES + "userpicker", "userpickergroupsearcher"),
    (
        APPROVERS,
        "Approvers",
        "multiuserpicker",
        "array",
        "user",
        _TYPES + "multiuserpicker",
        "userpickergroupsearcher",
    ),
    (COST, "Cost", "float", "number", "", _TYPES + "float", "exactnumber"),
    (REFERENCE_URL, "Reference URL", "url", "string", "", _TYPES + "url", "exacttextsearcher"),
    (RELEASE_NOTES, "Release notes", "textarea", "string", "", _TYPES + "textarea", "textsearcher"),
    (CUSTOMER_REF, "Customer reference", "textfield", "string", "", _TYPES + "textfield", "textsearcher"),
    (DUE_TIME, "Due time", "datetime", "datetime", "", _TYPES + "datetime", "datetimerange"),
    (KEYWORDS, "Keywords", "labels", "array", "string", _TYPES + "labels", "labelsearcher"),
    (FOUND_IN, "Found in", "version", "version", "", _TYPES + "version", "versionsearcher"),
    (
        AFFECTED_BUILDS,
        "Affected builds",
        "multiversion",
        "array",
        "version",
        _TYPES + "multiversion",
        "versionsearcher",
    ),
    (
        CHECKLIST,
        "Checklist",
        "multiselect",
        "array",
        "option",
        _TYPES + "multicheckboxes",
        "multiselectsearcher",
    ),
    (CHANNEL, "Channel", "select", "option", "", _TYPES + "radiobuttons", "multiselectsearcher"),
    (SQUAD, "Squad", "grouppicker", "group", "", _TYPES + "grouppicker", "grouppickersearcher"),
    (RELATED_PROJECT, "Related project", "project", "project", "", _TYPES + "project", "projectsearcher"),
    (EXTERNAL_SCORE, "External score", "float", "number", "", _TYPES + "float", "exactnumber"),
    (TEAM, "Team", "team", "team", "", _TYPES + "atlassian-team", ""),
    (EPIC_STATUS, "Epic Status", "select", "option", "", _AGILE + "gh-epic-status", ""),
    (EPIC_COLOUR, "Epic Colour", "textfield", "string", "", _AGILE + "gh-epic-color", ""),
    (
        CONSULTED,
        "Consulted",
        "multigrouppicker",
        "array",
        "group",
        _TYPES + "multigrouppicker",
        "multiuserpickersearcher",
    ),
    (IMPORTED_FROM, "Imported from", "textfield", "string", "", _TYPES + "readonlyfield", "textsearcher"),
    (IMPORTED_ID, "Imported id", "importid", "number", "", _TYPES + "importid", "exactnumber"),
)

_OPTIONS: dict[str, tuple[str, ...]] = {
    FLAGGED: ("Impediment",),
    SEVERITY: ("Critical", "Major", "Moderate", "Minor"),
    PLATFORMS: ("Linux", "macOS", "Windows", "Android", "iOS"),
    CHECKLIST: ("Design reviewed", "Tests written", "Documented", "Rolled out"),
    CHANNEL: ("E-mail", "Phone", "Portal"),
    EPIC_STATUS: ("To Do", "In Progress", "Done"),
}
_REGIONS = {"Europe": ("North", "South", "Zürich"), "Americas": ("East", "West"), "Asia": ("東京", "Pune")}

# The kinds that POST /field understands, by the custom type's last part.
KINDS_BY_TYPE: dict[str, tuple[str, str, str]] = {
    row[5].rpartition(":")[2]: (row[2], row[3], row[4]) for row in _CUSTOM if row[5].startswith(_TYPES)
}


def _schema(kind: str, items: str) -> JsonObject:
    return {"type": kind, "items": items} if items else {"type": kind}


def add_fields(site: Site) -> None:
    """Define every field and its options."""
    for field_id, name, kind, schema_type, items, navigable, orderable in _SYSTEM:
        schema = _schema(schema_type, items) | {"system": field_id} if schema_type else {}
        clauses = _CLAUSES.get(field_id, (field_id,))
        site.fields[field_id] = Field(
            field_id, name, kind, schema, clauses, navigable=navigable, orderable=orderable, searchable=True
        )
    for field_id, name, kind, schema_type, items, custom_type, searcher in _CUSTOM:
        number = int(field_id.removeprefix("customfield_"))
        schema = _schema(schema_type, items) | {"custom": custom_type, "customId": number}
        site.fields[field_id] = Field(
            field_id,
            name,
            kind,
            schema,
            (f"cf[{number}]", name),
            custom=True,
            locked=custom_type.startswith(_AGILE),
            searcher=f"{_TYPES}{searcher}" if searcher else "",
        )
        site.reserve_ids("customfield", number)
    for field_id, values in _OPTIONS.items():
        for value in values:
            add_option(site, field_id, value)
    for parent, children in _REGIONS.items():
        top = add_option(site, REGION, parent)
        for child in children:
            add_option(site, REGION, child, parent_id=top.option_id)


def add_option(site: Site, field_id: str, value: str, *, parent_id: int | None = None) -> FieldOption:
    """Define one option of a field."""
    made = FieldOption(site.next_id("option"), field_id, value, parent_id)
    site.options[made.option_id] = made
    return made
