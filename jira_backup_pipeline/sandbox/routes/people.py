"""People and groups.

What belongs here: accounts by list, id, text and project, groups and who is in them. For a caller who may not
browse users the lists of accounts come back empty, which is not an error.

What stays out: the caller and permissions (``server_info``), and members of project roles
(``project_parts``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.http import ApiError, Call, Response, RouteTable, json_response
from jira_backup_pipeline.sandbox.routes.paging import page, window

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Account

ROUTES = RouteTable()
API = "/rest/api/3"


def _listed(call: Call) -> list[Account]:
    """All accounts, or none for a caller who may not browse users (not an error)."""
    return list(call.site.accounts.values()) if call.site.may(call.caller, "USER_PICKER") else []


def _plain(call: Call, items: list[Account], *, maximum: int = 1000) -> Response:
    _, _, shown = window(call, items, default=50, maximum=maximum)
    return json_response([show.user_listed(call.site, item) for item in shown])


@ROUTES.get(f"{API}/users/search")
def all_users(call: Call) -> Response:
    """All accounts, inactive ones too."""
    return _plain(call, _listed(call))


@ROUTES.get(f"{API}/users")
def all_users_default(call: Call) -> Response:
    """The older address of the same list."""
    return _plain(call, _listed(call))


@ROUTES.get(f"{API}/user")
def read_user(call: Call) -> Response:
    """One account."""
    call.actor()
    account = call.site.accounts.get(call.request.first("accountId"))
    if account is None:
        raise ApiError(404, "Specified user does not exist or you do not have required permissions")
    detail = bool(call.request.every("expand"))
    return json_response(show.user(call.site, account, detail=detail))


@ROUTES.get(f"{API}/user/bulk")
def bulk_users(call: Call) -> Response:
    """Accounts by id, by page; unknown ids are left out."""
    wanted = call.request.every("accountId")
    if not wanted:
        raise ApiError(400, "The 'accountId' query parameter is required.")
    items = [call.site.accounts[account_id] for account_id in wanted if account_id in call.site.accounts]
    return page(call, items, lambda item: show.user_listed(call.site, item), default=10, maximum=200)


def _matching(call: Call) -> list[Account]:
    text = call.request.first("query").lower()
    account_id = call.request.first("accountId")
    found = _listed(call)
    if account_id:
        return [item for item in found if item.account_id == account_id]
    return [item for item in found if text in item.display_name.lower() or text in item.email.lower()]


@ROUTES.get(f"{API}/user/search")
def search_users(call: Call) -> Response:
    """Active accounts by part of a name or e-mail address."""
    if not any(call.request.has(name) for name in ("query", "accountId", "property")):
        raise ApiError(400, "Either 'query', 'accountId' or 'property' is required.")
    return _plain(call, [item for item in _matching(call) if item.active])


@ROUTES.get(f"{API}/user/assignable/search")
def assignable_users(call: Call) -> Response:
    """Active accounts that issues of a project can be given to."""
    wanted = call.request.first("project")
    issue = call.request.first("issueKey") or call.request.first("issueId")
    if not wanted and not issue:
        raise ApiError(400, "Either 'project' or 'issueKey' is required.")
    site = call.site
    project = (
        site.project_of(site.readable_issue(call.caller, issue))
        if issue
        else site.readable_project(call.caller, wanted)
    )
    return _plain(call, [item for item in _matching(call) if item.active and site.can_browse(item, project)])


@ROUTES.get(f"{API}/user/groups")
def groups_of_user(call: Call) -> Response:
    """The groups an account is in."""
    account_id = call.request.first("accountId")
    if account_id not in call.site.accounts:
        raise ApiError(404, "The user does not exist.")
    found = [group for group in call.site.groups.values() if account_id in group.members]
    return json_response(
        [
            {"name": g.name, "groupId": g.group_id, "self": f"{show.API}/group?groupId={g.group_id}"}
            for g in found
        ]
    )


@ROUTES.get(f"{API}/group/bulk")
def bulk_groups(call: Call) -> Response:
    """Groups by page."""
    call.actor()
    ids, names = set(call.request.every("groupId")), set(call.request.every("groupName"))
    found = [
        group
        for group in call.site.groups.values()
        if not (ids or names) or group.group_id in ids or group.name in names
    ]
    return page(call, found, lambda group: {"name": group.name, "groupId": group.group_id})


@ROUTES.get(f"{API}/group/member")
def group_members(call: Call) -> Response:
    """The members of a group by page."""
    call.actor()
    group = call.site.groups.get(call.request.first("groupId")) or call.site.group_by_name(
        call.request.first("groupname")
    )
    if group is None:
        raise ApiError(404, "The group does not exist.")
    known = call.site.accounts
    accounts = [known[account_id] for account_id in group.members if account_id in known]
    if not call.request.flag("includeInactiveUsers", default=False):
        accounts = [account for account in accounts if account.active]
    return page(call, accounts, lambda account: show.user_listed(call.site, account))
