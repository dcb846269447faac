"""Boards and dashboards: what people look at, with everything that hangs on them.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: filters, which boards show (`shared`), and issues' places on boards (their rank is a field of the issue).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    NOT_EVERYWHERE,
    Condition,
    Listing,
    Paging,
    count,
    flag,
    instant,
    kept,
    pages,
    text,
    texts,
)

_AGILE = "/rest/agile/1.0/board"

BOARD_KINDS = (
    kept(
        "dashboard",
        "dashboards",
        title="dashboards",
        listing=pages(
            "/rest/api/3/dashboard/search",
            query=(("expand", "description,owner,sharePermissions,editPermissions"),),
        ),
        columns=(
            text("name"),
            text("description"),
            text("owner_id", "owner", "accountId"),
            texts("shared_with", "sharePermissions", "type"),
        ),
        restore_note="those that the backup account may see; not rebuilt on the target",
    ),
    kept(
        "dashboard_gadget",
        "dashboard_gadgets",
        title="gadgets of dashboards",
        listing=Listing("/rest/api/3/dashboard/{parent_id}/gadget", Paging.ARRAY, "gadgets"),
        columns=(
            text("gadget_id", "id"),
            text("title"),
            text("module_key", "moduleKey"),
            text("uri"),
            text("color"),
        ),
        parent="dashboard",
    ),
    kept(
        "dashboard_gadget_property",
        "dashboard_gadget_properties",
        title="settings of gadgets",
        listing=Listing("/rest/api/3/dashboard/{grandparent_id}/items/{parent_id}/properties", Paging.KEYS),
        columns=(text("key"),),
        parent="dashboard_gadget",
        id_path=("key",),
    ),
    kept(
        "board",
        "boards",
        title="boards",
        listing=pages(_AGILE),
        columns=(
            text("name"),
            text("type"),
            text("project_id", "location", "projectId"),
            text("project_key", "location", "projectKey"),
        ),
    ),
    kept(
        "board_configuration",
        "board_configurations",
        title="columns, filters and estimation of boards",
        listing=Listing(_AGILE + "/{parent_id}/configuration", Paging.SINGLE),
        columns=(
            text("name"),
            text("type"),
            text("filter_id", "filter", "id"),
            texts("columns", "columnConfig", "columns", "name"),
            text("estimation_field_id", "estimation", "field", "fieldId"),
            count("rank_field_id", "ranking", "rankCustomFieldId"),
        ),
        parent="board",
        restore_note="no REST call writes columns, swimlanes or card layout",
    ),
    kept(
        "board_quick_filter",
        "board_quick_filters",
        title="quick filters of boards",
        listing=pages(_AGILE + "/{parent_id}/quickfilter"),
        columns=(
            text("quick_filter_id", "id"),
            text("name"),
            text("jql"),
            text("description"),
            count("position"),
        ),
        parent="board",
        restore_note="no REST call writes them",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "board_feature",
        "board_features",
        title="features of boards",
        listing=Listing(_AGILE + "/{parent_id}/features", Paging.ARRAY, "features"),
        columns=(
            text("feature", "boardFeature"),
            text("state"),
            flag("is_locked", "toggleLocked"),
        ),
        parent="board",
        id_path=("boardFeature",),
        restore_note="kept to look up and to compare; the plan and the kind of board decide which exist",
        # Only boards of some projects have them.
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "board_property",
        "board_properties",
        title="board properties",
        listing=Listing(_AGILE + "/{parent_id}/properties", Paging.KEYS),
        columns=(text("key"),),
        parent="board",
        id_path=("key",),
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "sprint",
        "sprints",
        title="sprints",
        # Kanban boards have none and refuse the question.
        listing=pages(
            _AGILE + "/{parent_id}/sprint", only=Condition(path=("type",), values=("scrum", "simple"))
        ),
        columns=(
            text("sprint_id", "id"),
            text("name"),
            text("state"),
            text("goal"),
            text("origin_board_id", "originBoardId"),
            instant("started", "startDate"),
            instant("ends", "endDate"),
            instant("completed", "completeDate"),
        ),
        parent="board",
        optional_statuses=NOT_EVERYWHERE,
    ),
)
