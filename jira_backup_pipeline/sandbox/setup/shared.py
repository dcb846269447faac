"""What people share (filters, dashboards) and the settings of the whole site.

What belongs here: records that follow from the site's boards, people and groups, together with those that requests
have made.

What stays out: who gets to see which (``routes.site_setup``), and running a filter's query (``jql``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import SITE_BASE, Json, JsonObject

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account
    from jira_backup_pipeline.sandbox.site import Site

_FIRST_SCHEME = 10_000
_BOARD_COLUMNS = (("Summary", "summary"), ("Key", "issuekey"), ("Assignee", "assignee"))


def filters(site: Site, *, all_of_them: bool = True) -> list[JsonObject]:
    """The filter of each board, open to all, and one that a person keeps for themselves."""
    owner = site.backup_account
    made = site.made.records.get("filter", {})
    found = [
        _filter(
            site,
            board.filter_id or board.board_id,
            f"Filter for {board.name}",
            f"project = {site.projects[board.project_id].key} ORDER BY Rank ASC",
            owner,
            is_open=True,
        )
        for board in site.boards.values()
        if str(board.filter_id) not in made
    ]
    others = [account for account in site.accounts.values() if account.account_id != owner.account_id]
    if all_of_them and others:
        mine = "assignee = currentUser() ORDER BY updated DESC"
        found.append(_filter(site, 90_000, "My work", mine, others[0], is_open=False))
    return found + [_made_filter(site, item) for item in made.values() if all_of_them or _is_seen(site, item)]


def _made_filter(site: Site, record: JsonObject) -> JsonObject:
    owner = site.accounts[str(record["owner"]["accountId"])]
    return {**record, "owner": show.user_listed(site, owner)}


def _is_seen(site: Site, record: JsonObject) -> bool:
    return bool(record["sharePermissions"]) or record["owner"]["accountId"] == site.backup_account_id


def _filter(site: Site, filter_id: int, name: str, jql: str, owner: Account, *, is_open: bool) -> JsonObject:
    return {
        "id": str(filter_id),
        "self": f"{show.API}/filter/{filter_id}",
        "name": name,
        "description": "",
        "jql": jql,
        "owner": show.user_listed(site, owner),
        "sharePermissions": [{"id": filter_id, "type": "loggedin"}] if is_open else [],
        "editPermissions": [],
        "subscriptions": [],
    }


def filter_columns(site: Site, filter_id: str) -> list[JsonObject]:
    """The columns that a filter is shown with; none where it is shown with the usual ones."""
    chosen = site.made.items.get(("filter columns", filter_id))
    if chosen is None and filter_id in {
        str(board.filter_id or board.board_id) for board in site.boards.values()
    }:
        # Not in the order of the names or ids: the order is what people chose.
        return [{"label": label, "value": value} for label, value in _BOARD_COLUMNS]
    return chosen or []


def dashboards(site: Site) -> list[JsonObject]:
    """The dashboards."""
    found: list[JsonObject] = [
        {
            "id": str(_FIRST_SCHEME + number),
            "self": f"{show.API}/dashboard/{_FIRST_SCHEME + number}",
            "view": f"{SITE_BASE}/secure/Dashboard.jspa?selectPageId={_FIRST_SCHEME + number}",
            "name": name,
            "description": "",
            "isFavourite": False,
            "popularity": 1,
            "sharePermissions": [{"id": _FIRST_SCHEME + number, "type": "loggedin"}],
            "editPermissions": [],
        }
        for number, name in enumerate(("Team overview", "Releases"))
        if str(_FIRST_SCHEME + number) not in site.made.records.get("dashboard", {})
    ]
    return found + site.made.of("dashboard")


def gadgets(site: Site, dashboard_id: str) -> list[JsonObject] | None:
    """The gadgets of a dashboard, or None where there is no such dashboard."""
    if all(dashboard["id"] != dashboard_id for dashboard in dashboards(site)):
        return None
    if dashboard_id in site.made.records.get("dashboard", {}):
        return site.made.items.get(("gadget", dashboard_id), [])
    return [
        {
            "id": 2 * int(dashboard_id) + number,
            "moduleKey": f"com.atlassian.plugins.atlassian-connect-plugin:gadget-{number}",
            "color": "blue",
            "position": {
                "The row position of the gadget.": number,
                "The column position of the gadget.": 0,
            },
            "title": title,
        }
        for number, title in enumerate(("Assigned to me", "Issue statistics"))
    ]


def application_roles(site: Site) -> list[JsonObject]:
    """Who may use the product."""
    details: list[Json] = [
        {"name": group.name, "groupId": group.group_id, "self": f"{show.API}/group?groupId={group.group_id}"}
        for group in site.groups.values()
    ]
    return [
        {
            "key": "jira-software",
            "name": "Jira Software",
            "groups": [group.name for group in site.groups.values()],
            "groupDetails": details,
            "defaultGroups": [],
            "defaultGroupsDetails": [],
            "selectedByDefault": False,
            "defined": True,
            "numberOfSeats": 100,
            "remainingSeats": 70,
            "userCount": 30,
            "userCountDescription": "users",
            "hasUnlimitedSeats": False,
            "platform": False,
        }
    ]


def application_properties(site: Site) -> list[JsonObject]:
    """The settings that an administrator sees."""
    return [
        {
            "id": key,
            "key": key,
            "name": name,
            "desc": "",
            "type": "string",
            "value": value,
            "defaultValue": default,
        }
        for key, name, value, default in (
            ("jira.title", "Title", site.title, "Jira"),
            ("jira.home.timezone", "Default user time zone", site.time_zone, "Etc/UTC"),
        )
    ]


def banner(site: Site) -> JsonObject:
    """The announcement banner."""
    return {
        "hashId": "0" * 32,
        "message": f"Maintenance of {site.title} every Sunday",
        "isDismissible": True,
        "isEnabled": True,
        "visibility": "private",
    }
