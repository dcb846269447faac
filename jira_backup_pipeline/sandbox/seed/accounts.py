"""Accounts that a caller brings along, in the form in which Jira lists users.

What belongs here: putting them in place of the made people. The token belongs to one of them, else to the made account.

What stays out: made people (``configuration``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.model import Account

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site


class AccountsProblem(ValueError):
    """What was given is not a list of users."""


def bring_accounts(site: Site, text: str, *, owner: str | None = None) -> None:
    """Replace everybody by a JSON list of users; whoever has the id ``owner`` gets the token, else the made account keeps it."""
    try:
        listed = json.loads(text)
    except ValueError as problem:
        message = f"the accounts are not JSON: {problem}"
        raise AccountsProblem(message) from None
    if not isinstance(listed, list) or not all(
        isinstance(user, dict) and user.get("accountId") for user in listed
    ):
        message = "the accounts are not a list of users with an accountId each"
        raise AccountsProblem(message)
    own = site.accounts[site.backup_account_id]
    site.accounts = {}
    for user in listed:
        account_id = str(user["accountId"])
        site.accounts[account_id] = Account(
            account_id,
            str(user.get("displayName") or account_id),
            str(user.get("emailAddress") or ""),
            active=user.get("active") is not False,
            time_zone=str(user.get("timeZone") or "Etc/UTC"),
            account_type=str(user.get("accountType") or "atlassian"),
        )
    if owner in site.accounts and site.accounts[owner].email:
        own = site.accounts[owner]
    site.accounts[own.account_id] = own
    site.backup_account_id = own.account_id
    for group in site.groups.values():
        group.members = [own.account_id]
    for project in site.projects.values():
        project.lead = own.account_id
