"""What hangs on boards and on the gadgets of dashboards.

What belongs here: records derived from the site's boards and dashboards, with no state of their own.

What stays out: boards and sprints (``site``), dashboards and gadgets (``shared``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.setup import shared

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.model import Board
    from jira_backup_pipeline.sandbox.site import Site

_FEATURES = (("BACKLOG", "ENABLED"), ("SPRINTS", "ENABLED"), ("REPORTS", "DISABLED"))


def quick_filters(board: Board) -> list[JsonObject]:
    """The quick filters of a board."""
    return [
        {
            "id": 10 * board.board_id + position,
            "boardId": board.board_id,
            "name": name,
            "jql": jql,
            "description": "",
            "position": position,
        }
        for position, (name, jql) in enumerate(
            (("Only mine", "assignee = currentUser()"), ("Urgent", "priority in (Highest, High)"))
        )
    ]


def features(board: Board) -> list[JsonObject]:
    """The features of a board and whether they are on."""
    return [
        {
            "boardId": board.board_id,
            "boardFeature": name,
            "featureId": f"jsw.{name.lower()}",
            "featureType": "BASIC",
            "state": state,
            "toggleLocked": False,
            "localisedName": name.capitalize(),
            "localisedDescription": "",
            "imageUri": "",
            "permissibleEstimationTypes": [],
        }
        for name, state in _FEATURES
    ]


def gadget_properties(site: Site, dashboard_id: str, gadget_id: str) -> dict[str, Json] | None:
    """The settings of a gadget by key, or None where there is no such gadget."""
    for gadget in shared.gadgets(site, dashboard_id) or ():
        if str(gadget["id"]) == gadget_id and dashboard_id in site.made.records.get("dashboard", {}):
            return site.made.settings.get(gadget_id, {})
        if str(gadget["id"]) == gadget_id:
            return {"config": {"filterId": str(gadget["id"]), "num": 10, "isConfigured": True}}
    return None
