"""Values that are people: accounts, groups and teams, one or many.

What belongs here: how each is read from a request, shown in an answer and told in the history.

What stays out: all other kinds, and the table of codecs (``values``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.codec import Place, ValueProblem

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json
    from jira_backup_pipeline.sandbox.site import Site

# Teams belong to the organisation, not to the site: their ids are the same on all its sites.
TEAMS = {
    "36885b3c-1bf0-4f85-a357-c5b858c31de4": "Platform",
    "7c1d2d1f-5b58-4f0a-8a44-0f6a5a3f2b10": "Storefront",
}


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueProblem("data was not an array")
    return value


def user(place: Place, value: Json) -> str:
    """The id of an active account."""
    account_id = value.get("accountId", value.get("id")) if isinstance(value, dict) else None
    account = place.site.accounts.get(str(account_id)) if account_id is not None else None
    if account is None:
        raise ValueProblem(
            f"Specify a valid value for {place.field.field_id}" if account_id else "expected Object"
        )
    if not account.active:
        raise ValueProblem(f"User '{account.account_id}' cannot be assigned: the account is inactive.")
    return account.account_id


def show_user(site: Site, value: Json) -> Json:
    """An account."""
    return show.user_part(site, value)


def describe_user(site: Site, value: Json) -> tuple[str | None, str | None]:
    """An account as the history tells it."""
    if value is None:
        return None, None
    account = site.accounts.get(value)
    return value, account.display_name if account else "Former user"


def users(place: Place, value: Json) -> list[str]:
    """The ids of several accounts."""
    return [user(place, item) for item in _list(value)]


def show_users(site: Site, value: Json) -> Json:
    """Several accounts."""
    return None if not value else [show.user_part(site, item) for item in value]


def describe_users(site: Site, value: Json) -> tuple[str | None, str | None]:
    """Several accounts as the history tells them."""
    if not value:
        return None, None
    names = [describe_user(site, item)[1] or "" for item in value]
    return f"[{', '.join(value)}]", f"[{', '.join(names)}]"


def group(place: Place, value: Json) -> str:
    """The id of a group."""
    wanted = value if isinstance(value, dict) else {}
    for group in place.site.groups.values():
        if group.group_id == wanted.get("groupId") or group.name == wanted.get("name"):
            return group.group_id
    raise ValueProblem("Group does not exist.")


def show_group(site: Site, value: Json) -> Json:
    """A group."""
    group = site.groups.get(value)
    if group is None:
        return None
    return {
        "name": group.name,
        "groupId": group.group_id,
        "self": f"{show.API}/group?groupId={group.group_id}",
    }


def describe_group(site: Site, value: Json) -> tuple[str | None, str | None]:
    """A group as the history tells it."""
    group = site.groups.get(value)
    return (None, None) if group is None else (group.group_id, group.name)


def groups(place: Place, value: Json) -> list[str]:
    """The ids of several groups."""
    return [group(place, item) for item in _list(value)]


def show_groups(site: Site, value: Json) -> Json:
    """Several groups."""
    return None if not value else [show_group(site, item) for item in value]


def describe_groups(site: Site, value: Json) -> tuple[str | None, str | None]:
    """Several groups as the history tells them."""
    found = [site.groups[item] for item in value or [] if item in site.groups]
    if not found:
        return None, None
    names = ", ".join(item.name for item in found)
    return f"[{', '.join(item.group_id for item in found)}]", f"[{names}]"


def team(_: Place, value: Json) -> str:
    """The id of a team, which a request gives as bare text."""
    if not isinstance(value, str):
        raise ValueProblem("Operation value must be a string")
    if value not in TEAMS:
        raise ValueProblem(f"The team with the id {value} does not exist.")
    return value


def show_team(_: Site, value: Json) -> Json:
    """A team."""
    if value is None:
        return None
    name = TEAMS[value]
    return {"id": value, "name": name, "avatarUrl": "", "isVisible": True, "title": name, "isShared": True}


def describe_team(_: Site, value: Json) -> tuple[str | None, str | None]:
    """A team as the history tells it: its name alone."""
    return None, None if value is None else TEAMS[value]
