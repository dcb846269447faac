"""The settings of the whole site, and what administrators set up beside Jira's own configuration: plans, webhooks, rules.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: schemes and fields, which have their own modules.
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    ADMIN_ONLY,
    ITSELF,
    LAST_PART,
    Column,
    ColumnType,
    Listing,
    PageWords,
    Paging,
    count,
    flag,
    instant,
    kept,
    pages,
    text,
    texts,
)

_RULES = "/gateway/api/automation/public/jira/{cloud_id}/rest/v1/rule"
_RULE_REMEDY = (
    "Rules are listed for Jira administrators who sign in with an API token without scopes; give the backup account"
    " the global permission Administer Jira, or accept the gap."
)
# The automation service says 401 to tokens that lack the right, also where Jira itself knows them.
_RULE_REFUSALS = ADMIN_ONLY | {401}
_PLANS = "/rest/api/3/plans/plan"
_PLAN_WORDS = PageWords(next_cursor=("nextPageCursor",))

SETTING_KINDS = (
    kept(
        "application_role",
        "application_roles",
        title="application roles (product access)",
        listing=Listing("/rest/api/3/applicationrole", Paging.ARRAY),
        columns=(
            text("key"),
            text("name"),
            texts("groups", "groupDetails", "groupId"),
            texts("default_groups", "defaultGroupsDetails", "groupId"),
            count("seats", "numberOfSeats"),
        ),
        id_path=("key",),
        restore_note="no REST call writes them",
    ),
    kept(
        "application_property",
        "application_properties",
        title="settings of the site",
        listing=Listing("/rest/api/3/application-properties", Paging.ARRAY),
        columns=(text("key"), text("name"), text("type"), text("value")),
    ),
    kept(
        "advanced_setting",
        "advanced_settings",
        title="advanced settings of the site",
        listing=Listing("/rest/api/3/application-properties/advanced-settings", Paging.ARRAY),
        columns=(text("key"), text("name"), text("type"), text("value"), text("default", "defaultValue")),
    ),
    kept(
        "site_configuration",
        "site_configurations",
        title="features of the site and time tracking",
        listing=Listing("/rest/api/3/configuration", Paging.SINGLE),
        columns=(
            flag("has_voting", "votingEnabled"),
            flag("has_watching", "watchingEnabled"),
            flag("has_subtasks", "subTasksEnabled"),
            flag("has_attachments", "attachmentsEnabled"),
            flag("has_issue_linking", "issueLinkingEnabled"),
            flag("has_time_tracking", "timeTrackingEnabled"),
        ),
        id_path=(),
    ),
    kept(
        "time_tracking",
        "time_trackings",
        title="the chosen time tracking",
        # Empty where time tracking is switched off.
        listing=Listing("/rest/api/3/configuration/timetracking", Paging.SINGLE),
        columns=(text("key"), text("name"), text("url")),
        id_path=("key",),
    ),
    kept(
        "time_tracking_provider",
        "time_tracking_providers",
        title="kinds of time tracking",
        listing=Listing("/rest/api/3/configuration/timetracking/list", Paging.ARRAY),
        columns=(text("key"), text("name"), text("url")),
        id_path=("key",),
        restore_note="those that are not Jira's own come with their app",
    ),
    kept(
        "time_tracking_option",
        "time_tracking_options",
        title="options of time tracking",
        listing=Listing("/rest/api/3/configuration/timetracking/options", Paging.SINGLE),
        columns=(
            Column("working_hours_per_day", ColumnType.NUMBER, ("workingHoursPerDay",)),
            Column("working_days_per_week", ColumnType.NUMBER, ("workingDaysPerWeek",)),
            text("time_format", "timeFormat"),
            text("default_unit", "defaultUnit"),
        ),
        id_path=(),
    ),
    kept(
        "navigator_column",
        "navigator_columns",
        title="columns of the issue navigator",
        listing=Listing("/rest/api/3/settings/columns", Paging.ARRAY),
        columns=(text("field_id", "value"), text("label")),
        id_path=("value",),
    ),
    kept(
        "announcement_banner",
        "announcement_banners",
        title="announcement banner",
        listing=Listing("/rest/api/3/announcementBanner", Paging.SINGLE),
        columns=(text("message"), flag("is_enabled", "isEnabled"), text("visibility")),
        id_path=(),
    ),
    kept(
        "permission",
        "permissions",
        title="permissions that there are, global ones and those of projects",
        listing=Listing("/rest/api/3/permissions", Paging.MEMBERS, "permissions"),
        columns=(text("key"), text("name"), text("type"), text("description")),
        id_path=("key",),
        restore_note="they belong to Jira and its apps; no REST call grants global ones",
    ),
    kept(
        "label",
        "labels",
        title="labels in use",
        listing=pages("/rest/api/3/label", page_size=1000),
        columns=(Column("label", ColumnType.STRING, ()),),
        id_path=ITSELF,
        restore_note="they come back with the issues that have them",
    ),
    kept(
        "plan",
        "plans",
        title="plans",
        listing=Listing(
            _PLANS,
            Paging.CURSOR,
            "values",
            (("includeTrashed", "true"), ("includeArchived", "true")),
            50,
            words=_PLAN_WORDS,
        ),
        columns=(text("name"), text("status"), text("scenario_id", "scenarioId")),
    ),
    kept(
        "plan_detail",
        "plan_details",
        title="plans with their sources, rules and permissions",
        listing=Listing(_PLANS + "/{parent_id}", Paging.SINGLE, query=(("useGroupId", "true"),)),
        columns=(
            text("name"),
            text("status"),
            text("lead_id", "leadAccountId"),
            texts("source_types", "issueSources", "type"),
            texts("source_ids", "issueSources", "value"),
            instant("saved", "lastSaved"),
        ),
        parent="plan",
        id_path=(),
    ),
    kept(
        "plan_team",
        "plan_teams",
        title="teams of plans",
        listing=Listing(
            _PLANS + "/{parent_id}/team", Paging.CURSOR, "values", page_size=50, words=_PLAN_WORDS
        ),
        columns=(text("team_id", "id"), text("name"), text("type")),
        parent="plan",
    ),
    kept(
        "webhook",
        "webhooks",
        title="webhooks of the calling app",
        listing=pages("/rest/api/3/webhook", page_size=100),
        columns=(
            text("url"),
            text("jql", "jqlFilter"),
            texts("events"),
            instant("expires", "expirationDate"),
        ),
        restore_note="they belong to the app that registered them",
        remedy="Jira shows these to the app that registered them only; an API token never sees them. Those that administrators"
        " made are captured on their own.",
    ),
    kept(
        "admin_webhook",
        "admin_webhooks",
        title="webhooks that administrators made",
        # Not in the documents, and what Jira's own page under System shows; its records name themselves by their address.
        listing=Listing("/rest/webhooks/1.0/webhook", Paging.ARRAY),
        columns=(
            text("name"),
            text("url"),
            flag("is_enabled", "enabled"),
            texts("events"),
            text("jql", "filters", "issue-related-events-section"),
            flag("is_without_body", "excludeBody"),
            instant("updated", "lastUpdated"),
        ),
        id_path=("self", LAST_PART),
        optional_statuses=ADMIN_ONLY | {401},
        remedy="They are listed for Jira administrators; give the backup account the global permission Administer Jira, note"
        " down by hand what stands under System, WebHooks, or accept the gap.",
    ),
    kept(
        "automation_rule_summary",
        "automation_rule_summaries",
        title="automation rules as they are listed",
        listing=Listing(
            _RULES + "/summary",
            Paging.CURSOR,
            "data",
            page_size=100,
            words=PageWords(size="limit", next_cursor=("links", "next")),
        ),
        columns=(
            text("name"),
            text("state"),
            text("description"),
            text("author_id", "authorAccountId"),
            text("actor_id", "actorAccountId"),
            texts("scopes", "ruleScopeARIs"),
            texts("labels"),
        ),
        id_path=("uuid",),
        optional_statuses=_RULE_REFUSALS,
        remedy=_RULE_REMEDY,
    ),
    kept(
        "automation_rule",
        "automation_rules",
        title="automation rules in full",
        listing=Listing(_RULES + "/{parent_id}", Paging.SINGLE),
        columns=(
            text("name", "rule", "name"),
            text("state", "rule", "state"),
            text("trigger", "rule", "trigger", "type"),
            texts("components", "rule", "components", "type"),
            instant("created", "rule", "created"),
            instant("updated", "rule", "updated"),
        ),
        parent="automation_rule_summary",
        id_path=(),
        optional_statuses=_RULE_REFUSALS,
        remedy=_RULE_REMEDY,
    ),
)
