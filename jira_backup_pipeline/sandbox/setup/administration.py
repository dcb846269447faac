"""What administrators set for the whole site: columns, advanced settings, time tracking, plans, automation rules.

What belongs here: records derived from the site's projects, boards and people, with no state of their own.

What stays out: settings that an ordinary account sees (``routes.server_info``), schemes (``schemes``).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.clock import utc_text
from jira_backup_pipeline.sandbox.setup.associations import live_projects

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.site import Site

_COLUMNS = (("Issue Type", "issuetype"), ("Key", "issuekey"), ("Summary", "summary"), ("Status", "status"))
_MADE_MS = 1_767_225_600_000


def navigator_columns(site: Site) -> list[JsonObject]:
    """The columns of the issue navigator."""
    del site
    return [{"label": label, "value": value} for label, value in _COLUMNS]


def advanced_settings(site: Site) -> list[JsonObject]:
    """The settings of the page for experts."""
    del site
    return [
        {
            "id": key,
            "key": key,
            "value": value,
            "name": key,
            "desc": "",
            "type": kind,
            "defaultValue": value,
        }
        for key, value, kind in (
            ("jira.clone.prefix", "CLONE -", "string"),
            ("jira.date.picker.java.format", "d/MMM/yy", "string"),
            ("jira.issue.actions.order", "asc", "string"),
        )
    ]


def time_tracking(site: Site) -> JsonObject | None:
    """The chosen time tracking, or None where it is off."""
    return time_tracking_providers(site)[0] if site.settings.time_tracking_enabled else None


def time_tracking_providers(site: Site) -> list[JsonObject]:
    """The kinds of time tracking there are."""
    del site
    return [{"key": "JIRA", "name": "JIRA provided time tracking"}]


def time_tracking_options(site: Site) -> JsonObject:
    """How time is shown."""
    del site
    return {
        "workingHoursPerDay": 8.0,
        "workingDaysPerWeek": 5.0,
        "timeFormat": "pretty",
        "defaultUnit": "minute",
    }


def plans(site: Site) -> list[JsonObject]:
    """A plan for each board, one of them archived."""
    return [
        {
            "id": str(100 + board.board_id),
            "name": f"Plan of {board.name}",
            "scenarioId": str(200 + board.board_id),
            "status": "Archived" if position else "Active",
            "issueSources": [{"type": "Board", "value": board.board_id}],
        }
        for position, board in enumerate(site.boards.values())
    ]


def plan_detail(site: Site, plan: JsonObject) -> JsonObject:
    """A plan with its rules and permissions."""
    lead = site.backup_account.account_id
    return {
        "id": int(plan["id"]),
        "name": plan["name"],
        "status": plan["status"],
        "leadAccountId": lead,
        "lastSaved": utc_text(_MADE_MS),
        "issueSources": plan["issueSources"],
        "scheduling": {
            "estimation": "StoryPoints",
            "startDate": {"type": "TargetStartDate"},
            "endDate": {"type": "TargetEndDate"},
            "inferredDates": "None",
            "dependencies": "Sequential",
        },
        "exclusionRules": {"numberOfDaysToShowCompletedIssues": 30},
        "permissions": [{"type": "View", "holder": {"type": "AccountId", "value": lead}}],
        "crossProjectReleases": [],
        "customFields": [],
    }


def plan_teams(site: Site, plan: JsonObject) -> list[JsonObject]:
    """The teams of a plan."""
    del site
    return [
        {"id": f"{plan['id']}{number}", "name": f"Team {number}", "type": "PlanOnly"} for number in (1, 2)
    ]


def admin_webhooks(site: Site) -> list[JsonObject]:
    """Webhooks as administrators make them under System: one for everything, one for the work of each project."""
    scopes = [("Everything", "")] + [(f"Work of {p.key}", f"project = {p.key}") for p in live_projects(site)]
    return [
        {
            "name": name,
            "url": f"https://hooks.example.org/jira/{number}",
            "excludeBody": number > 1,
            "filters": {"issue-related-events-section": jql},
            "events": ["jira:issue_created", "jira:issue_updated", "comment_created"],
            "enabled": number != 2,
            "self": f"{site.url}/rest/webhooks/1.0/webhook/{number}",
            "lastUpdatedUser": site.backup_account.account_id,
            "lastUpdatedDisplayName": site.backup_account.display_name,
            "lastUpdated": _MADE_MS,
        }
        for number, (name, jql) in enumerate(scopes, start=1)
    ]


def rules(site: Site) -> list[JsonObject]:
    """An automation rule for the site and one for each project, in full."""
    everywhere = f"ari:cloud:jira::site/{site.cloud_id}"
    scopes = [("Close stale work", everywhere)] + [
        (f"Assign new work of {p.key}", f"ari:cloud:jira:{site.cloud_id}:project/{p.project_id}")
        for p in live_projects(site)
    ]
    return [_rule(site, number, name, scope) for number, (name, scope) in enumerate(scopes)]


def _rule(site: Site, number: int, name: str, scope: str) -> JsonObject:
    owner = site.backup_account.account_id
    parts: list[Json] = [
        {
            "id": str(1000 + number),
            "component": "ACTION",
            "type": "jira.issue.assign",
            "schemaVersion": 7,
            "value": {"assignType": "SPECIFY_USER", "assignee": {"type": "ID", "value": owner}},
            "children": [],
            "conditions": [],
        }
    ]
    trigger: JsonObject = {
        "id": str(2000 + number),
        "component": "TRIGGER",
        "type": "jira.issue.event.trigger:created",
        "schemaVersion": 1,
        "value": {"eventKey": "jira:issue_created", "eventFilters": [scope]},
    }
    return {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{site.cloud_id}/rule/{number}")),
        "name": name,
        "description": "",
        "state": "ENABLED" if number % 2 == 0 else "DISABLED",
        "authorAccountId": owner,
        "actor": {"type": "ACCOUNT_ID", "actor": owner},
        "created": _MADE_MS,
        "updated": _MADE_MS,
        "canOtherRuleTrigger": False,
        "notifyOnError": "FIRSTERROR",
        "labels": [],
        "ruleScopeARIs": [scope],
        "writeAccessType": "OWNER_ONLY",
        "collaborators": [],
        "trigger": trigger,
        "components": parts,
    }


def rule_summary(rule: JsonObject) -> JsonObject:
    """A rule as the list shows it."""
    brief = {
        name: rule[name]
        for name in (
            "uuid",
            "name",
            "description",
            "state",
            "authorAccountId",
            "created",
            "updated",
            "labels",
            "ruleScopeARIs",
        )
    }
    return {**brief, "actorAccountId": rule["actor"]["actor"]}
